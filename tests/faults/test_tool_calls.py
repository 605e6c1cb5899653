"""Known faults of other gateways with tool calls: all pairs of upstream and door, read by the official SDKs."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.dialects import DIALECTS
from gateway.sse import Decoder
from tests.dialects.anthropic.grammar import events_in
from tests.dialects.grammars import GRAMMARS
from tests.faults.answers import CALLED, STOPPED, Call, Piece, Thought, Words
from tests.faults.clients import RAISES, WIRES, Heard, ask, rewritten, sent, through

WIRE = Path(__file__).parents[1] / "wire"
UPSTREAMS = pytest.mark.parametrize("upstream", WIRES)
DOORS = pytest.mark.parametrize("door", WIRES)
BOTH = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])

ONE = Call("call_1", "weather", {"city": "Köln", "days": [1, 2]})
TWO = Call("call_2", "clock", {"zone": "CET"})
THREE = Call("call_3", "weather", {"city": "São Paulo"})
LOOK = Words("Let me look that up.")
THINK = Thought("Which city?")


def said(heard: Heard) -> list[Piece]:
    """Words and calls in order; thinking apart, which some doors need for the state of others."""
    plain = iter(heard.calls)
    return [
        next(plain) if isinstance(piece, Call) else piece for piece in heard.pieces if not isinstance(piece, Thought)
    ]


@UPSTREAMS
@DOORS
@pytest.mark.parametrize("ending", [CALLED, STOPPED], ids=["called", "stopped"])
def test_litellm_34692_a_streamed_tool_call_ends_as_one(upstream: str, door: str, ending: dict[str, str]) -> None:
    """Also where the upstream says that it merely stopped: Claude Code drops the call of such a turn."""
    pieces = [LOOK, ONE]
    streamed = through(upstream, door, pieces, ending[upstream], True)
    whole = through(upstream, door, pieces, ending[upstream], False)
    assert streamed.ending == whole.ending == CALLED[door]
    assert streamed.calls == whole.calls == [ONE]


ARGUMENTS = ("deltas_only", "done_only", "final_only", "item_only", "mixed")


@DOORS
def test_litellm_27144_arguments_that_come_in_one_event_are_not_lost(door: str) -> None:
    whole = (WIRE / "openai_responses" / "arguments.json").read_bytes()
    answer = DIALECTS["openai_responses"].parse_response(whole)
    (call,) = [item for item in json.loads(whole)["output"] if item["type"] == "function_call"]
    expected = [Call(call["call_id"], call["name"], json.loads(call["arguments"]))]
    assert expected[0].arguments and answer.choices
    for name in ARGUMENTS:
        stream = (WIRE / "openai_responses" / f"arguments_{name}.sse").read_bytes()
        heard = ask(door, rewritten("openai_responses", door, stream), True)
        assert (heard.calls, heard.ending) == (expected, CALLED[door]), name


ORDERS: dict[str, list[Piece]] = {
    "text then tool": [LOOK, ONE],
    "tool then text": [ONE, LOOK],
    "two tools": [ONE, TWO],
    "tool, text, tool": [ONE, LOOK, TWO],
    "text and three tools": [LOOK, ONE, TWO, THREE],
}


@UPSTREAMS
@DOORS
@BOTH
@pytest.mark.parametrize("order", ORDERS)
def test_litellm_17246_text_and_calls_of_one_turn_all_arrive_in_order(
    upstream: str, door: str, streamed: bool, order: str
) -> None:
    pieces = ORDERS[order]
    heard = through(upstream, door, pieces, CALLED[upstream], streamed)
    assert heard.calls == [piece for piece in pieces if isinstance(piece, Call)]
    assert heard.words == "".join(piece.text for piece in pieces if isinstance(piece, Words))
    # Chat has words in one field and calls in another: it tells no order between them, the other three do.
    if "openai_chat" not in (upstream, door):
        assert said(heard) == pieces


@UPSTREAMS
@DOORS
def test_portkey_1275_parallel_calls_are_counted_from_nought_without_gaps(upstream: str, door: str) -> None:
    """And apache/maka#1971: after thinking and text the first call is number 0 at OpenAI's door; the SDK's own
    parsers put the calls together."""
    pieces: list[Piece] = [THINK, LOOK, ONE, TWO, THREE]
    heard = through(upstream, door, pieces, CALLED[upstream], True)
    assert heard.calls == [ONE, TWO, THREE]
    assert (heard.thoughts, heard.words) == (THINK.text, LOOK.text)
    stream = sent(upstream, door, pieces, CALLED[upstream], True)
    if door == "openai_chat":
        assert chat_call_indices(stream) == [0, 1, 2]
    if door == "anthropic":
        starts = [event for event in events_in(stream) if event["type"] == "content_block_start"]
        assert [event["index"] for event in starts] == list(range(len(starts)))


def chat_call_indices(stream: bytes) -> list[int]:
    """The indices in the order in which calls begin."""
    chunks = [json.loads(item.data) for item in Decoder().feed(stream) if item.data != b"[DONE]"]
    calls = [call for chunk in chunks for item in chunk["choices"] for call in item["delta"].get("tool_calls", ())]
    assert all("index" in call for call in calls)
    return [call["index"] for call in calls if "id" in call]


@UPSTREAMS
def test_9router_2218_no_block_event_is_without_its_index(upstream: str) -> None:
    """Strict clients abort on it; the SDK's own types are what every event is checked by."""
    stream = sent(upstream, "anthropic", [THINK, LOOK, ONE, TWO], CALLED[upstream], True)
    events = GRAMMARS["anthropic"](stream)
    blocks = [event for event in events if event["type"].startswith("content_block_")]
    assert len(blocks) > 12 and all(type(event["index"]) is int for event in blocks)
    for at in range(stream.count(b'"index":')):
        with pytest.raises((AssertionError, KeyError, ValueError)):
            GRAMMARS["anthropic"](without(stream, b'"index":', at))


def without(stream: bytes, name: bytes, at: int) -> bytes:
    """The stream with the `at`-th field of this name called something else: the checks above can fail."""
    head = stream.split(name)
    return name.join(head[: at + 1]) + name.replace(b"index", b"undex") + name.join(head[at + 1 :])


NAMELESS: dict[str, Any] = {
    "openai_chat": [{"choices": [{"index": 0, "delta": {"role": "assistant", "tool_calls": [{"index": 0, "id": "c", "type": "function", "function": {"arguments": "{}"}}]}, "finish_reason": None}]}, {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}],
    "openai_responses": [{"type": "response.output_item.added", "output_index": 0, "item": {"id": "fc", "type": "function_call", "call_id": "c", "arguments": ""}}, {"type": "response.output_item.done", "output_index": 0, "item": {"id": "fc", "type": "function_call", "call_id": "c", "arguments": "{}"}}, {"type": "response.completed", "response": {"id": "r", "status": "completed", "output": [{"id": "fc", "type": "function_call", "call_id": "c", "arguments": "{}"}]}}],
    "anthropic": [{"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 1, "output_tokens": 1}}}, {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "c", "input": {}}}, {"type": "content_block_stop", "index": 0}, {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 1}}, {"type": "message_stop"}],
    "gemini": [{"candidates": [{"content": {"parts": [{"functionCall": {"args": {"x": 1}}}], "role": "model"}, "finishReason": "STOP"}]}],
}  # fmt: skip


@UPSTREAMS
@DOORS
def test_cc_switch_a_call_without_a_name_is_an_error_and_no_completed_turn(upstream: str, door: str) -> None:
    frames = [f"event: {value['type']}\n" if "type" in value else "" for value in NAMELESS[upstream]]
    stream = "".join(
        f"{head}data: {json.dumps(value)}\n\n" for head, value in zip(frames, NAMELESS[upstream], strict=True)
    )
    if upstream == "openai_chat":
        stream += "data: [DONE]\n\n"
    with pytest.raises(RAISES[door]):
        ask(door, rewritten(upstream, door, stream.encode()), True)
