"""Other names for models: answered at once by what they stand for, through every door, and told as both on the row."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import anthropic
import openai
import pytest

from gateway.aliases import Aliases
from gateway.folder import DataFolder
from tests.endtoend.serving import MODELS, Served, upstreams
from tests.provider.client import ProviderProcess
from tests.waiting import wait_until

ALIASES = "/api/ai/v1/admin/aliases"
NAME = "our/best model"
PATH = "/our/best%20model"


@pytest.fixture(scope="module")
def gateway(provider: ProviderProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("aliases") / "home", **upstreams(provider.base_urls))
    for role in ("execute", "admin"):
        served.key(role)
    with served:
        yield served


def ask(gateway: Served, method: str, path: str = "", body: Any = None, *, status: int = 200) -> Any:
    reply = gateway.ask(method, ALIASES + path, body, key=gateway.key("admin"))
    assert reply.status == status, reply
    return reply.json if status == 200 else reply.error


@pytest.mark.parametrize("maker", ["openai", "anthropic"])
def test_a_name_is_answered_by_what_it_stands_for(gateway: Served, maker: str) -> None:
    """In the same dialect, where only the name is spliced, and in another one; whole and streamed."""
    model = MODELS[maker]
    assert ask(gateway, "PUT", PATH, {"model": model}) == {"name": NAME, "model": model}
    said = [{"role": "user", "content": "Hello."}]
    with anthropic.Anthropic(base_url=f"{gateway.url}/api/ai", api_key=gateway.key(), max_retries=0) as claude:
        message = claude.messages.create(model=NAME, max_tokens=50, messages=said)  # type: ignore[arg-type]
    assert message.content
    with openai.OpenAI(base_url=f"{gateway.url}/api/ai/v1", api_key=gateway.key(), max_retries=0) as chat:
        whole = chat.chat.completions.create(model=NAME, messages=said)  # type: ignore[arg-type]
        assert whole.choices[0].message.content
        streamed = chat.chat.completions.create(model=NAME, messages=said, stream=True)  # type: ignore[call-overload]
        assert "".join(chunk.choices[0].delta.content or "" for chunk in streamed if chunk.choices)
        gateway.settle()
        rows = gateway.records()[:3]
        assert {(row.model_requested, row.provider, row.model) for row in rows} == {(NAME, maker, model)}
        assert all(row.cost_nano for row in rows)
        entry = chat.models.retrieve(NAME)
        assert (entry.id, entry.owned_by) == (NAME, maker)
        assert NAME in [row.id for row in chat.models.list()]
    assert ask(gateway, "DELETE", PATH) == {"name": NAME, "model": None}
    assert gateway.chat("Hello.", NAME).status == 404
    ask(gateway, "DELETE", PATH, status=404)


def test_a_known_name_is_another_models_only_by_the_users_will(gateway: Served) -> None:
    """A retired model keeps its name until somebody says otherwise."""
    assert gateway.chat("Hello.", MODELS["openai"]).headers["x-faregate-model"] == MODELS["openai"]
    ask(gateway, "PUT", f"/{MODELS['openai']}", {"model": MODELS["xai"]})
    assert gateway.chat("Hello.", MODELS["openai"]).headers["x-faregate-model"] == MODELS["xai"]
    listed = [row["id"] for row in gateway.get("/api/ai/v1/models")["data"]]
    assert listed.count(MODELS["openai"]) == 1
    ask(gateway, "DELETE", f"/{MODELS['openai']}")
    assert gateway.chat("Hello.", MODELS["openai"]).headers["x-faregate-model"] == MODELS["openai"]


def test_what_cannot_be_a_name_is_refused_with_the_reason(gateway: Served) -> None:
    ask(gateway, "PUT", "/first", {"model": MODELS["xai"]})
    for path, body, status, words in (
        ("/second", {"model": "first"}, 400, f"first is another name itself: give the model's own, {MODELS['xai']}."),
        (f"/{MODELS['xai']}", {"model": MODELS["openai"]}, 400, f"Other names stand for {MODELS['xai']}"),
        (f"/{MODELS['openai']}", {"model": MODELS["openai"]}, 400, "needs no other name that is its own"),
        ("/%20blank", {"model": MODELS["openai"]}, 400, "no blank at its ends"),
        ("/" + "n" * 129, {"model": MODELS["openai"]}, 400, "1 to 128"),
        ("/third", {"model": "nobodys-model"}, 404, "'nobodys-model' is not known"),
        ("/third", {"model": MODELS["openai"], "note": "x"}, 400, "unknown field"),
    ):
        assert words in ask(gateway, "PUT", path, body, status=status)["message"], path
    assert ask(gateway, "GET") == {"data": [{"name": "first", "model": MODELS["xai"]}]}
    ask(gateway, "DELETE", "/first")
    assert gateway.ask("GET", ALIASES, key=gateway.key()).status == 403


def test_another_processes_names_are_followed_and_stay_after_a_start(gateway: Served) -> None:
    folder = DataFolder(gateway.folder)
    with closing(Aliases(folder)) as other:
        other.put("elsewhere", MODELS["xai"])
    wait_until(lambda: gateway.chat("Hello.", "elsewhere").status == 200, pause=0.1)
    gateway.stop()
    gateway.start()
    assert gateway.chat("Hello.", "elsewhere").headers["x-faregate-model"] == MODELS["xai"]
