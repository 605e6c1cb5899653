"""Clients that leave out what an answer said, because they asked for it to be stored: the SDKs' way at the Responses
door, with providers that keep nothing of it."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.endtoend.responding import respond
from tests.endtoend.serving import Served
from tests.endtoend.test_live_instrumentation import NODE, NODE_PACKAGES
from tests.provider.client import ProviderProcess
from tests.waiting import PATIENCE_S, wait_until

CLAUDE, GEMINI, GPT = "claude-sonnet-4-6", "gemini-3.1-pro-preview", "gpt-5.4"
PARAMETERS: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
LOOK: Any = {"type": "function", "name": "look", "parameters": PARAMETERS}
BOTH = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])


@pytest.fixture(scope="module")
def client(gateway: Served) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=gateway.url + "/api/ai/v1", api_key=gateway.key(), max_retries=0, timeout=30) as made:
        yield made


def sent(provider: ProviderProcess) -> list[list[tuple[str, int, int]]]:
    """Of each call since, what the provider was sent: every turn's role, results and signatures."""
    calls = [entry["understood"]["turns"] for entry in provider.fresh()]
    return [[(turn["role"], len(turn["results"]), turn["states"]) for turn in turns] for turns in calls]


@pytest.mark.parametrize(("model", "another"), [(GEMINI, GEMINI), (CLAUDE, GEMINI), (GEMINI, CLAUDE)])
def test_the_vercel_sdk_names_items_of_earlier_answers(gateway: Served, model: str, another: str) -> None:
    """It stores by default, and sends references to words and thoughts, and the calls between them in full."""
    assert (NODE_PACKAGES / "node_modules").is_dir(), "make setup-test installs the packages of tests/node"
    done = subprocess.run(
        [str(NODE), "--input-type=module", "-", gateway.url, gateway.key(), model, another],
        cwd=NODE_PACKAGES,
        input=(Path(__file__).parent / "vercel_loop.mjs").read_text(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S * 2,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert all(json.loads(done.stdout))


@pytest.mark.parametrize("model", [GEMINI, CLAUDE])
@BOTH
def test_a_loop_of_tools_that_sends_what_is_new(
    gateway: Served, client: openai.OpenAI, provider: ProviderProcess, model: str, streamed: bool
) -> None:
    asked: dict[str, Any] = {"model": model, "tools": [LOOK], "reasoning": {"effort": "low"}}
    provider.fresh()
    answer = respond(client, streamed, input="Weather? [[tool]] [[think]]", **asked)
    call = next(item for item in answer.output if item.type == "function_call")
    result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    second = respond(client, streamed, input=[result], previous_response_id=answer.id, **asked)
    third = respond(client, streamed, input="Thanks.", previous_response_id=second.id, **asked)
    assert second.output_text and third.output_text
    first, then, last = sent(provider)
    assert first == [("user", 0, 0)]
    assert [(role, results) for role, results, _ in then] == [("user", 0), ("assistant", 0), ("tool", 1)]
    assert then[1][2] == 1
    assert [role for role, _, _ in last] == ["user", "assistant", "tool", "assistant", "user"]
    asked_last = gateway.last().id

    def together() -> bool:
        turns = [[turn["request_id"] for turn in thread["turns"]] for thread in gateway.threads()]
        return any(len(ids) == 3 and asked_last in ids for ids in turns)

    wait_until(together)


def test_what_another_key_stored_or_nobody_did_is_refused_by_name(gateway: Served, client: openai.OpenAI) -> None:
    answer = client.responses.create(model=GEMINI, input="Hi")
    unstored = client.responses.create(model=GEMINI, input="Hi", store=False)
    item: Any = {"type": "item_reference", "id": answer.output[0].id}
    asked: Any = {"role": "user", "content": "Hi"}
    again: Any = {"role": "user", "content": "Again."}
    assert client.responses.create(model=GEMINI, input=[asked, item, again]).output_text
    gone: Any = {"type": "item_reference", "id": unstored.output[0].id}
    with pytest.raises(openai.BadRequestError) as told:
        client.responses.create(model=GEMINI, input=[asked, gone, again])
    assert told.value.param == "input[1]"
    with pytest.raises(openai.BadRequestError) as told:
        client.responses.create(model=GEMINI, input="Again.", previous_response_id=unstored.id)
    assert told.value.param == "previous_response_id"
    other = client.with_options(api_key=gateway.key("execute", name="other"))
    with pytest.raises(openai.BadRequestError):
        other.responses.create(model=GEMINI, input=[asked, item, again])


def test_what_is_deleted_is_put_back_no_more(gateway: Served, client: openai.OpenAI) -> None:
    stored = [client.responses.create(model=GEMINI, input=f"The secret of {n}") for n in range(2)]
    again = [
        client.responses.create(model=GEMINI, input="And?", previous_response_id=answer.id, store=False)
        for answer in stored
    ]
    assert all(answer.output_text for answer in again)
    asked, found = gateway.records()[3].id, list[str]()

    def is_there() -> bool:
        found.extend(
            thread["id"] for thread in gateway.threads() if asked in [turn["request_id"] for turn in thread["turns"]]
        )
        return bool(found)

    wait_until(is_there)
    path = f"/api/ai/v1/conversations/{found[0]}"
    assert gateway.ask("DELETE", path, key=gateway.key("admin")).json["deleted"]
    with pytest.raises(openai.BadRequestError):
        client.responses.create(model=GEMINI, input="And?", previous_response_id=stored[0].id)
    assert client.responses.create(model=GEMINI, input="And?", previous_response_id=stored[1].id).output_text


@pytest.mark.parametrize("model", [GPT, "grok-4.3"])
@BOTH
def test_another_provider_goes_on_from_what_one_keeps_itself(
    client: openai.OpenAI, provider: ProviderProcess, model: str, streamed: bool
) -> None:
    """Whoever chooses another model midway had to begin anew: the first provider alone had what was said."""
    answer = respond(client, streamed, model=model, input="Tell me about the sea")
    words = answer.output_text
    references: Any = [{"type": "item_reference", "id": item.id} for item in answer.output]
    asked: Any = {"role": "user", "content": "Tell me about the sea"}
    more: Any = {"role": "user", "content": "More."}
    provider.fresh()
    by_item = respond(client, streamed, model=CLAUDE, input=[asked, *references, more])
    by_answer = respond(client, streamed, model=GEMINI, input="More.", previous_response_id=answer.id)
    assert by_item.output_text and by_answer.output_text
    for entry in provider.fresh():
        turns = [(turn["role"], "".join(turn["texts"])) for turn in entry["understood"]["turns"]]
        assert turns == [("user", "Tell me about the sea"), ("assistant", words), ("user", "More.")]
