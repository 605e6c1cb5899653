"""All recordings of real instrumentation through a gateway's receiver, as conversations and traces show them.

Each scenario comes with ids and texts of its own, under a key of its own: once as it was sent; once in gzipped batches
out of order, and then again in the other encoding, the last first.
"""

import gzip
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.endtoend.serving import Served
from tests.telemetry.recorded import PROTOBUF
from tests.telemetry.rewritten import Rewritten, rewritten, scenarios
from tests.waiting import wait_until

BASE = "/api/ai/v1"
ORDERS = ("as sent", "twice, the other way round")
NAMES = [name for name in scenarios() if name != "synthetic-partial-success"]
# Two calls of its three have different answers' ids; the index's maker took them for one.
CALLS = {"openinference-langchain.agent-graph": 3, "codex.session-chat": 1}
# The index lists sub-agents' and threads' ids too. The outermost agent's run names the conversation.
CONVERSATIONS = {
    "pydantic-ai.nested-agents": 1,
    "codex.session-chat": 1,
    # The gateway whose spans these are names none; its client does.
    "synthetic-gateway-join.client-part": 1,
}
JOIN = "synthetic-gateway-join"
# The index has the thoughts of one library as text.
SAID = ("text", "reasoning")


@dataclass(frozen=True)
class Replayed:
    """`key` sees what came of one replay alone."""

    sent: Rewritten
    key: str


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("recordings") / "home")
    for order in ORDERS:
        for name in NAMES:
            served.key(name=f"{name} {order}")
    with served:
        yield served


def forms(sent: Rewritten, order: str) -> list[tuple[str, bytes, dict[str, str]]]:
    """Requests by path, body and headers."""
    if order == ORDERS[0]:
        return [(each.path, each.own[1], {"content-type": each.own[0]}) for each in sent.payloads]
    draw = random.Random(sent.scenario)
    whole = [(each.path, each.other[1], {"content-type": each.other[0]}) for each in reversed(sent.payloads)]
    headers = {"content-type": PROTOBUF, "content-encoding": "gzip"}
    torn = [(each.path, gzip.compress(body), headers) for each in sent.payloads for body in each.batches(draw)]
    draw.shuffle(torn)
    return torn + whole


@pytest.fixture(scope="module")
def replayed(gateway: Served) -> Mapping[tuple[str, str], Replayed]:
    found = {}
    for order in ORDERS:
        for name, parts in scenarios().items():
            if name not in NAMES:
                continue
            sent, key = rewritten(name, parts, order), gateway.key(name=f"{name} {order}")
            for path, body, headers in forms(sent, order):
                reply = gateway.ask("POST", path, body, key=key, headers=headers)
                assert reply.status == 200, (name, path, reply)
            found[name, order] = Replayed(sent, key)
    return found


def threads(gateway: Served, replay: Replayed) -> list[dict[str, Any]]:
    return gateway.threads(key=replay.key)


def joined(gateway: Served, replay: Replayed) -> list[dict[str, Any]]:
    """Once all calls are there, each once."""
    calls = CALLS.get(replay.sent.scenario, replay.sent.expected.get("distinct_model_calls"))
    found: list[dict[str, Any]] = []

    def there() -> bool:
        found[:] = threads(gateway, replay)
        return sum(len(thread["turns"]) for thread in found) == calls

    wait_until(there, what=f"{calls} calls of {replay.sent.scenario}")
    return found


def distinct(expected: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The calls of an index's block without the second telling of one."""
    again = expected.get("same_call_as") or {}
    return [call for call in expected.get("calls", ()) if call.get("span_id") not in again]


def usages_of(expected: Mapping[str, Any]) -> list[set[tuple[int, int]]]:
    """(input, output) that the tellings of each call say; they can differ, and then both are shown."""
    again = expected.get("same_call_as") or {}
    found: dict[str, set[tuple[int, int]]] = {}
    for number, call in enumerate(expected.get("calls", ())):
        span_id, usage = call.get("span_id", str(number)), call.get("usage") or {}
        if usage.get("input") is not None and usage.get("output") is not None:
            found.setdefault(again.get(span_id, span_id), set()).add((usage["input"], usage["output"]))
    return list(found.values())


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", NAMES)
def test_each_call_is_one_turn_of_its_conversation(
    gateway: Served, replayed: Mapping[tuple[str, str], Replayed], name: str, order: str
) -> None:
    replay = replayed[name, order]
    expected = replay.sent.expected
    found = joined(gateway, replay)
    turns = [turn for thread in found for turn in thread["turns"]]
    users = {thread["user"] for thread in found if thread["user"]}
    if "users" in expected:
        assert users <= {*expected["users"], "alice"} and set(expected["users"]) <= users
    ids = [thread["id"] for thread in found]
    if len(ids) == CONVERSATIONS.get(name) or not expected.get("conversations"):
        assert len(ids) <= max(1, len(turns))
    else:
        assert ids == expected["conversations"]
    if name in CALLS:
        return
    told = {(turn["input_tokens"], turn["output_tokens"]) for turn in turns}
    for usages in usages_of(expected):
        assert told & usages, (usages, told)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", NAMES)
def test_what_was_said_is_said_once(
    gateway: Served, replayed: Mapping[tuple[str, str], Replayed], name: str, order: str
) -> None:
    replay = replayed[name, order]
    found = joined(gateway, replay)
    said = Counter(
        part["content"]
        for thread in found
        for message in thread["messages"]
        if message["role"] == "assistant" and not message.get("repeated")
        for part in message["parts"]
        if part["type"] in SAID and message.get("output")
    )
    calls = distinct(replay.sent.expected)
    answers = Counter(
        part["content"]
        for call in calls
        for message in call.get("output", ())
        for part in message["parts"]
        if part["type"] in SAID and part["content"] and not part["content"].startswith("[{")
    )
    if name not in CALLS:
        assert {text: said[text] for text in answers} == dict(answers)
    instructions = {part.get("content") for thread in found for system in thread["systems"] for part in system}
    for call in calls:
        for part in call.get("system", ()):
            assert part["content"] in instructions


@pytest.mark.parametrize("name", [name for name in NAMES if name not in CALLS])
def test_the_trace_shows_each_call_where_it_was_made(
    gateway: Served, replayed: Mapping[tuple[str, str], Replayed], name: str
) -> None:
    replay = replayed[name, ORDERS[0]]
    found = joined(gateway, replay)
    of_turn = {turn["trace_id"] for thread in found for turn in thread["turns"] if turn["trace_id"]}
    spans = [
        span for trace_id in of_turn for span in gateway.get(f"{BASE}/traces/{trace_id}", key=replay.key)["spans"]
    ]
    calls = [span for span in spans if span["role"] in ("inference", "embeddings")]
    assert len({span["span_id"] for span in spans}) == len(spans)
    tellings = {(span["conversation_id"], span["turn"]) for span in calls}
    if calls:
        assert None not in {conversation for conversation, _ in tellings}
        assert len(tellings) == sum(len(thread["turns"]) for thread in found)


@pytest.mark.parametrize("last", ["client-part", "gateway-part"])
def test_two_parts_of_one_trace_are_one_call_in_either_order(gateway: Served, last: str) -> None:
    """Another gateway's spans below an app's, each sent by its own process."""
    parts = {name.removeprefix(f"{JOIN}."): one for name, (one, *_) in scenarios().items() if name.startswith(JOIN)}
    order = sorted(parts, key=lambda name: name == last)
    # Alike, so that the traces' ids go on agreeing; apart for each order.
    sent = rewritten(JOIN, [parts[name] for name in order], last)
    key = gateway.key(name=f"{JOIN} {last}")
    found: list[dict[str, Any]] = []

    for payload in sent.payloads:
        content_type, body = payload.own
        reply = gateway.ask("POST", payload.path, body, key=key, headers={"content-type": content_type})
        assert reply.status == 200
        # The second comes when what the first says has been looked at.
        wait_until(lambda: bool(gateway.threads(key=key)))
    after = parts["client-part"].expected["after_both_parts"]

    def whole() -> bool:
        found[:] = gateway.threads(key=key)
        return (
            len(found) == 1
            and len(found[0]["turns"][0]["other_figures"]) == 1
            and found[0]["id"].partition("~")[0] == after["conversation"]
        )

    wait_until(whole)
    (thread,) = found
    (turn,) = thread["turns"]
    usage = after["counted_usage"]
    assert (thread["input_tokens"], thread["output_tokens"]) == (usage["input"], usage["output"])
    assert (thread["user"], thread["requests"]) == (after["user"], after["distinct_model_calls"])
    trace = gateway.get(f"{BASE}/traces/{turn['trace_id']}", key=key)
    assert len(trace["spans"]) == after["spans"]
    assert sum(span["role"] == "inference" for span in trace["spans"]) == after["inference_spans"]
    known = {span["span_id"] for span in trace["spans"]}
    assert [span["name"] for span in trace["spans"] if span["parent_span_id"] not in known] == ["chat gpt-mock"]
