"""Known faults of other gateways with streams that break or are not what they should be: the official SDKs raise.

Each upstream's stream is cut after every event, and ended by its own error event, for every door.
"""

import json

import pytest

from gateway.dialects import DIALECTS
from gateway.errors import UpstreamError
from tests.dialects.grammars import CONTEXT
from tests.dialects.openai_responses.grammar import Codex
from tests.faults.answers import CALLED, STOPPED, Call, Piece, Thought, Words, frame, frames, stream, whole
from tests.faults.clients import RAISES, WIRES, Heard, ask, rewritten

UPSTREAMS = pytest.mark.parametrize("upstream", WIRES)
DOORS = pytest.mark.parametrize("door", WIRES)
PIECES: list[Piece] = [Thought("Hm, hm.", "c2ln"), Words("Let me look."), Call("call_1", "look", {"at": "é"})]

ERRORS = {
    "openai_chat": frame({"error": {"message": "Overloaded", "type": "server_error", "param": None, "code": "server_is_overloaded"}}),
    "openai_responses": frame({"type": "error", "sequence_number": 99, "code": "server_is_overloaded", "message": "Overloaded", "param": None}, "error"),
    "anthropic": frame({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "error"),
    "gemini": frame({"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}}),
}  # fmt: skip


def enough(upstream: str) -> int:
    """Events of the stream that a client may take for the whole: OpenAI's usage chunk and [DONE] come after the finish,
    Anthropic's message_stop and Gemini's and Responses' last event are the finish."""
    return len(frames(upstream, PIECES, CALLED[upstream])) - (2 if upstream == "openai_chat" else 0)


@UPSTREAMS
@DOORS
def test_mlflow_25897_a_stream_cut_after_any_event_raises(upstream: str, door: str) -> None:
    told = frames(upstream, PIECES, CALLED[upstream])
    for events in range(enough(upstream)):
        cut = rewritten(upstream, door, b"".join(told[:events]))
        with pytest.raises(RAISES[door]):
            ask(door, cut, True)
    assert ask(door, rewritten(upstream, door, b"".join(told)), True).calls == [PIECES[2]]


@UPSTREAMS
@DOORS
def test_mlflow_25897_an_error_event_after_any_event_raises(upstream: str, door: str) -> None:
    told = frames(upstream, PIECES, CALLED[upstream])
    for events in range(enough(upstream)):
        broken = rewritten(upstream, door, b"".join(told[:events]) + ERRORS[upstream])
        assert b"Overloaded" in broken
        with pytest.raises(RAISES[door]):
            ask(door, broken, True)


@UPSTREAMS
def test_mlflow_25897_the_error_is_an_event_that_anthropic_s_clients_see(upstream: str) -> None:
    told = frames(upstream, PIECES, CALLED[upstream])
    broken = rewritten(upstream, "anthropic", b"".join(told[:4]) + ERRORS[upstream])
    *_, last, rest = broken.split(b"\n\n")
    assert rest == b"" and last.startswith(b"event: error\ndata: ")
    assert json.loads(last.partition(b"data: ")[2])["error"]["type"] == "overloaded_error"


@UPSTREAMS
def test_codex_proxy_rs_90_codex_is_told_by_response_failed(upstream: str) -> None:
    """It passes over `event: error`, and would wait or try again."""
    told = frames(upstream, PIECES, CALLED[upstream])
    for events in range(enough(upstream)):
        for end in (b"", ERRORS[upstream]):
            codex = Codex()
            codex.feed(rewritten(upstream, "openai_responses", b"".join(told[:events]) + end))
            assert codex.ended == "response.failed"


@UPSTREAMS
@DOORS
def test_bifrost_4679_an_end_without_a_terminator_is_no_end_turn(upstream: str, door: str) -> None:
    """And #6782: all was said but the last word."""
    told = frames(upstream, PIECES[:2], STOPPED[upstream])
    last = 3 if upstream == "openai_chat" else 2 if upstream == "anthropic" else 1
    with pytest.raises(RAISES[door]):
        ask(door, rewritten(upstream, door, b"".join(told[:-last])), True)


NOT_A_STREAM = {
    "a page": b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>\n\n",
    "a page as an event": b"data: <html><body>Sign in</body></html>\n\n",
    "a list": b"data: [1, 2, 3]\n\n",
    "a list of answers": b'[{"candidates":[{"content":{"parts":[{"text":"Hi"}]},"finishReason":"STOP"}]}]',
    "a word": b'data: "hello"\n\n',
    "half an object": b'data: {"choices": [{"delta": {"content": "Hi\n\n',
    "nothing": b"",
    "comments": b": ping\n\n: ping\n\n",
    "only the end": b"data: [DONE]\n\n",
}


@UPSTREAMS
@DOORS
@pytest.mark.parametrize("what", NOT_A_STREAM)
def test_cc_switch_what_is_no_stream_is_an_error_and_no_empty_answer(upstream: str, door: str, what: str) -> None:
    for at in (0, 3):
        data = b"".join(frames(upstream, PIECES, CALLED[upstream])[:at]) + NOT_A_STREAM[what]
        with pytest.raises(RAISES[door]):
            ask(door, rewritten(upstream, door, data), True)


@UPSTREAMS
@pytest.mark.parametrize("what", [*NOT_A_STREAM, "an object"])
def test_cc_switch_what_is_no_answer_is_an_error_and_no_empty_answer(upstream: str, what: str) -> None:
    body = NOT_A_STREAM.get(what, b"{}").removeprefix(b"data: ")
    if upstream == "gemini" and what == "a list of answers":
        # Google's own form of a stream for who asks without `alt=sse`.
        body = b"[[]]"
    with pytest.raises(UpstreamError) as raised:
        DIALECTS[upstream].parse_response(body)
    assert raised.value.kind == "unreadable_answer"


# An upstream's usage object, by dialect: what else is there, and a count that may be missing beside it.
DETAILS = {
    "openai_chat": (b"prompt_tokens_details", b"completion_tokens_details"),
    "openai_responses": (b"input_tokens_details", b"output_tokens_details"),
    "anthropic": (b"cache_read_input_tokens", b"cache_creation_input_tokens"),
    "gemini": (b"cachedContentTokenCount", b"thoughtsTokenCount"),
}


@UPSTREAMS
@DOORS
def test_cc_switch_3_20_0_counts_without_details_break_no_turn(upstream: str, door: str) -> None:
    data = stream(upstream, PIECES, CALLED[upstream])
    body = whole(upstream, PIECES, CALLED[upstream])
    for name in DETAILS[upstream]:
        data, body = data.replace(name, name + b"_not"), body.replace(name, name + b"_not")
    streamed = ask(door, rewritten(upstream, door, data), True)
    answer = DIALECTS[door].render_response(DIALECTS[upstream].parse_response(body), CONTEXT)
    for heard in (streamed, ask(door, answer, False)):
        assert heard.calls == [PIECES[2]] and heard.ending == CALLED[door]
        assert total_input(door, heard) == (40 if upstream == "anthropic" else 50)
    if door == "openai_responses":
        assert streamed.usage.input_tokens_details.cached_tokens == 0
        assert streamed.usage.output_tokens_details.reasoning_tokens == 0


def total_input(door: str, heard: Heard) -> int:
    usage = heard.usage
    match door:
        case "openai_chat":
            return int(usage.prompt_tokens)
        case "gemini":
            return int(usage.prompt_token_count)
        case "anthropic":
            return int(usage.input_tokens + (usage.cache_read_input_tokens or 0))
    return int(usage.input_tokens)


@UPSTREAMS
@DOORS
def test_bifrost_5874_comments_between_events_break_no_client(upstream: str, door: str) -> None:
    data = stream(upstream, PIECES, CALLED[upstream])
    beating = data.replace(b"\n\n", b"\n\n: heartbeat\n\n", 20)
    quiet = ask(door, rewritten(upstream, door, data), True)
    assert b"\n:" not in rewritten(upstream, door, beating)
    assert ask(door, rewritten(upstream, door, beating), True) == quiet
    # Where they reach the client as they are; Google's SDK would fail on them, and Google sends none.
    if door == upstream != "gemini":
        assert ask(door, beating, True).calls == quiet.calls
