"""Tool arguments of several megabytes through a running gateway: whole, in proportion, and cut off by their client."""

import http.client
import json
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from gateway.relaying.tally import BYTES_PER_TOKEN
from tests.cpu_time import cpu_seconds
from tests.endtoend.scripted import Scripted, Sent, answer, stream_head
from tests.endtoend.serving import CHAT, MODELS, Served, upstreams
from tests.large_calls import MB, PIECE, arguments, assert_linear, call_stream, cut
from tests.waiting import wait_until

SIZES = (MB, 2 * MB, 4 * MB, 8 * MB)
ANSWER = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": MODELS["anthropic"],
    "content": [{"type": "text", "text": "Written."}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 61, "output_tokens": 96},
}


def _script(sent: Sent, send: Callable[[bytes], None]) -> None:
    """As many characters of arguments as tokens were asked for, or a whole answer to a large history."""
    body = json.loads(sent.body)
    if not body.get("stream"):
        send(answer(json.dumps(ANSWER).encode()))
        return
    send(stream_head())
    for piece in cut(call_stream("anthropic", arguments(body["max_tokens"])), PIECE):
        send(piece)


@pytest.fixture(scope="module")
def scripted() -> Iterator[Scripted]:
    with Scripted(_script) as provider:
        yield provider


@pytest.fixture(scope="module")
def served(scripted: Scripted, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("large") / "home", **upstreams({"anthropic": scripted.url}))
    for role in ("execute", "admin"):
        served.key(role)
    with served:
        served.chat("Warm up.", MODELS["anthropic"], max_tokens=10)
        yield served


def _cost(served: Served, work: Callable[[], object]) -> float:
    """CPU seconds that the gateway spends on this, its row included."""
    before = cpu_seconds(served.process.pid)
    work()
    served.settle()
    return cpu_seconds(served.process.pid) - before


def _costs(served: Served, work: Callable[[int], object]) -> list[float]:
    return [_cost(served, partial(work, size)) for size in SIZES]


def test_a_streamed_call_arrives_whole_and_in_proportion(served: Served) -> None:
    def ask(size: int) -> None:
        reply = served.chat("Write it.", MODELS["anthropic"], max_tokens=size, stream=True)
        chunks = [json.loads(line[6:]) for line in reply.body.split(b"\n") if line.startswith(b"data: {")]
        deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
        calls = [call for delta in deltas for call in delta.get("tool_calls", ())]
        assert "".join(call["function"]["arguments"] for call in calls) == arguments(size)
        assert reply.body.endswith(b"data: [DONE]\n\n")

    assert_linear(SIZES, partial(_costs, served, ask))


def test_a_history_with_a_large_call_arrives_whole_and_in_proportion(served: Served, scripted: Scripted) -> None:
    def ask(size: int) -> None:
        function = {"name": "write_file", "arguments": arguments(size)}
        messages = [
            {"role": "user", "content": "Write it."},
            {"role": "assistant", "tool_calls": [{"id": "call_1", "type": "function", "function": function}]},
            {"role": "tool", "tool_call_id": "call_1", "content": "Written."},
        ]
        body = {"model": MODELS["anthropic"], "messages": messages, "max_tokens": 400}
        reply = served.ask("POST", CHAT, body, key=served.key())
        assert reply.json["choices"][0]["message"]["content"] == "Written."
        sent = json.loads(scripted.requests.pop().body)
        (call,) = sent["messages"][1]["content"]
        assert (call["type"], call["input"]) == ("tool_use", json.loads(arguments(size)))

    assert_linear(SIZES, partial(_costs, served, ask))


def test_a_client_that_leaves_late_costs_no_more_than_one_that_stays(served: Served) -> None:
    """BerriAI/litellm#36429: tokens of cut streams were counted anew, and the proxy stood still."""
    asked = {"model": MODELS["anthropic"], "messages": [{"role": "user", "content": "x"}], "stream": True}
    body = json.dumps({**asked, "max_tokens": 4 * MB})
    headers = {"authorization": f"Bearer {served.key()}"}

    def leave() -> None:
        connection = http.client.HTTPConnection(*served.address, timeout=30)
        connection.request("POST", CHAT, body, headers)
        reply = connection.getresponse()
        assert len(reply.read(3 * MB)) == 3 * MB
        reply.close()
        connection.close()

    def stay() -> None:
        assert served.ask("POST", CHAT, body.encode(), key=served.key()).status == 200

    costs = [(_cost(served, stay), _cost(served, leave)) for _ in range(2)]
    assert min(left for _, left in costs) < 2 * min(stayed for stayed, _ in costs)
    wait_until(lambda: served.last().outcome == "aborted")
    row = served.last()
    assert (row.usage_source, row.status) == ("partial", 499)
    assert row.output_tokens is not None
    assert 2 * MB < row.output_tokens * BYTES_PER_TOKEN < 5 * MB
