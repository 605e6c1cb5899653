"""What of received spans is kept, by the settings of capture and the rules of redaction: shown, and on the disk."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.capture.test_rules import FOUND
from tests.endtoend.serving import Served, traces
from tests.endtoend.test_otlp import request
from tests.telemetry.recorded import JSON
from tests.waiting import wait_until

OWN = """
[capture]
keys_off = ["silent"]
tags_off = ["team:legal"]
redact_on = ["email", "card_number", "iban"]

[[capture.redact]]
name = "ticket"
pattern = 'TICKET-(\\d+)'
"""
SAID = "heliotrope words"
SECRETS = [*FOUND, ("ticket", "see TICKET-4711", "TICKET-4711")]


@pytest.fixture(scope="module")
def careful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("careful") / "home"
    folder.mkdir()
    (folder / "config.toml").write_text(OWN)
    served = Served(folder)
    served.key()
    served.key("admin")
    served.key(name="silent")
    served.key(name="lawyers", tags=("team:legal",))
    with served:
        yield served


def tell(gateway: Served, conversation: str, text: str, key: str) -> dict[str, Any]:
    """Send a span that says this; its conversation, once it is there."""

    def message(role: str, said: str) -> str:
        return json.dumps([{"role": role, "parts": [{"type": "text", "content": said}]}])

    _, body = request(
        1,
        **{
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4.1-mini",
            "gen_ai.conversation.id": conversation,
            "gen_ai.input.messages": message("user", text),
            "gen_ai.output.messages": message("assistant", f"You said: {text}"),
        },
    )
    assert gateway.ask("POST", "/v1/traces", body, key=key, headers={"content-type": JSON}).status == 200
    path = f"/api/ai/v1/conversations/{conversation}"
    wait_until(lambda: gateway.ask("GET", path, key=gateway.key("admin")).status == 200)
    found = gateway.get(path)
    assert isinstance(found, dict)
    return found


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_what_is_said_is_kept_but_for_what_a_rule_takes_out(careful: Served) -> None:
    text = "\n--\n".join([SAID, *(text for _, text, _ in SECRETS)])
    thread = tell(careful, "told", text, careful.key())
    shown = json.dumps(thread, ensure_ascii=False)
    assert [message["role"] for message in thread["messages"]] == ["user", "assistant"]
    for message in thread["messages"]:
        assert SAID in message["parts"][0]["content"]
    for name, _, secret in SECRETS:
        assert secret not in shown, name
        assert traces(secret, files(careful.folder)) == [], name
    # What is kept is sealed.
    assert traces(SAID, files(careful.folder)) == []


@pytest.mark.parametrize("name", ["silent", "lawyers"])
def test_of_a_key_that_is_switched_off_only_figures_are_kept(careful: Served, name: str) -> None:
    thread = tell(careful, f"of-{name}", f"{name} {SAID}", careful.key(name=name))
    assert thread["messages"] == [] and SAID not in json.dumps(thread)
    (turn,) = thread["turns"]
    assert turn["model"] == "gpt-4.1-mini"
    trace = careful.get(f"/api/ai/v1/traces/{turn['trace_id']}")
    assert SAID not in json.dumps(trace)


@pytest.mark.parametrize("setting", ["content = false", 'parts_off = ["reasoning"]'], ids=["content", "parts"])
def test_of_telemetry_only_figures_are_kept_where_content_or_a_part_is_off(tmp_path: Path, setting: str) -> None:
    """Apps write a part in many ways: where one must not be kept, no text is that might hold it."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "config.toml").write_text(f"[capture]\n{setting}\n")
    with Served(folder) as gateway:
        thread = tell(gateway, "figures", SAID, gateway.key())
        assert thread["messages"] == [] and SAID not in json.dumps(thread)
        (turn,) = thread["turns"]
        assert turn["model"] == "gpt-4.1-mini"
        trace = gateway.get(f"/api/ai/v1/traces/{turn['trace_id']}")
        assert SAID not in json.dumps(trace) and "capture.parts_off" in json.dumps(trace)
        assert traces(SAID, files(folder)) == []
