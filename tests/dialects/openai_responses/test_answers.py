"""Whole answers: failures, usage, the look at one; errors; paths; the look at a request and the splice."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.dialects.dialect import AnswerContext, Peek
from gateway.dialects.openai_responses import DIALECT
from gateway.dialects.openai_responses.answer_peek import peek_answer
from gateway.dialects.openai_responses.content import answer_annotations
from gateway.dialects.openai_responses.hosted_uses import COUNTED_ITEMS
from gateway.dialects.openai_responses.peek import peek, splice
from gateway.errors import ClientError, UpstreamError
from gateway.model import Choice, FinishReason, Response, Text, Usage

WIRE = Path(__file__).parents[2] / "wire" / "openai_responses"
MESSAGE = {"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]}
TWO = {"input_tokens": 9, "output_tokens": 4, "total_tokens": 13}


def body(**fields: Any) -> bytes:
    return json.dumps({"id": "resp_1", "model": "m-1", "status": "completed", "output": [MESSAGE], **fields}).encode()


FAILURES: list[tuple[bytes, str, int, str | None]] = [
    (b"", "unreadable_answer", 502, None),
    (b"<html>", "unreadable_answer", 502, None),
    (b"[]", "unreadable_answer", 502, None),
    (b"{}", "unreadable_answer", 502, None),
    (body(output=None), "unreadable_answer", 502, None),
    (body(output=[3]), "unreadable_answer", 502, None),
    (body(output=[{}]), "unreadable_answer", 502, None),
    (body(output=[{"type": "function_call", "arguments": "{}"}]), "unreadable_answer", 502, None),
    (body(id=3), "unreadable_answer", 502, None),
    (b'{"error":{"message":"No","type":"server_error","code":"server_is_overloaded"}}', "overloaded", 503, "server_is_overloaded"),
    (body(status="failed", error={"code": "server_error", "message": "Oops"}), "provider_error", 502, "server_error"),
    (body(status="failed", error={"code": "rate_limit_exceeded", "message": "Slow"}), "rate_limited", 429, "rate_limit_exceeded"),
    (body(status="failed", error={"code": "invalid_prompt", "message": "No"}), "bad_request", 400, "invalid_prompt"),
    (body(status="failed", error={"code": "context_length_exceeded", "message": "Long"}), "context_too_long", 400, "context_length_exceeded"),
    (body(status="failed"), "provider_error", 502, None),
    (body(status="cancelled", output=[]), "provider_error", 502, None),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "kind", "status", "code"), FAILURES)
def test_what_is_no_answer_is_a_typed_error(answer: bytes, kind: str, status: int, code: str | None) -> None:
    with pytest.raises(UpstreamError) as caught:
        DIALECT.parse_response(answer)
    assert (caught.value.kind, caught.value.status, caught.value.code) == (kind, status, code)
    assert caught.value.message
    found = peek_answer(answer)
    assert found is None or kind == "unreadable_answer"


def test_an_answer_that_is_still_being_made_is_none_that_failed() -> None:
    for status in ("queued", "in_progress"):
        (choice,) = DIALECT.parse_response(body(status=status, output=[])).choices
        assert choice == Choice()


USAGES: dict[str, tuple[dict[str, Any], Usage | None]] = {
    "none": ({}, None),
    "null": ({"usage": None}, None),
    "empty": ({"usage": {}, "service_tier": "flex"}, None),
    "counts": ({"usage": TWO}, Usage(input_tokens=9, output_tokens=4)),
    "a zero is a zero": ({"usage": {**TWO, "input_tokens_details": {"cached_tokens": 0}}}, Usage(input_tokens=9, output_tokens=4, cached_tokens=0)),
    "details": (
        {
            "usage": {**TWO, "input_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 2, "audio_tokens": 1}, "output_tokens_details": {"reasoning_tokens": 3, "audio_tokens": 0}},
            "service_tier": "priority",
            "tool_usage": {"web_search": {"num_requests": 2}},
        },
        Usage(input_tokens=9, output_tokens=4, cached_tokens=5, cache_write_tokens=2, input_audio_tokens=1, reasoning_tokens=3, output_audio_tokens=0, web_searches=2, service_tier="priority"),
    ),
    # xAI's Responses answers include reasoning already (promptfoo#9507), and say what they cost.
    "ticks": ({"usage": {"input_tokens": 12, "output_tokens": 387, "output_tokens_details": {"reasoning_tokens": 386}, "total_tokens": 399, "cost_in_usd_ticks": 9735020}}, Usage(input_tokens=12, output_tokens=387, reasoning_tokens=386, cost_nano=973502)),
}  # fmt: skip


@pytest.mark.parametrize("name", USAGES)
def test_usage_is_read_and_the_look_says_the_same(name: str) -> None:
    fields, usage = USAGES[name]
    answer = body(**fields)
    assert DIALECT.parse_response(answer).usage == usage
    found = peek_answer(answer)
    assert found is not None and (found.id, found.model, found.usage) == ("resp_1", "m-1", usage)


@pytest.mark.parametrize("path", sorted(WIRE.glob("*.json")), ids=lambda path: path.stem)
def test_the_look_at_recorded_answers(path: Path) -> None:
    parsed, found = DIALECT.parse_response(path.read_bytes()), peek_answer(path.read_bytes())
    if COUNTED_ITEMS & {item["type"] for item in json.loads(path.read_bytes())["output"]}:
        assert found is None, "what hosted tools used is parsed"
        return
    assert found is not None and (found.id, found.model, found.usage) == (parsed.id, parsed.model, parsed.usage)


@pytest.mark.parametrize("counts", [{"input_tokens": -1}, {"input_tokens": 12.0}, {"input_tokens": "9"}, []])
def test_the_look_leaves_what_is_odd_to_parsing(counts: Any) -> None:
    assert peek_answer(body(usage=counts)) is None
    assert DIALECT.parse_response(body(usage=counts)).choices[0].finish_reason is FinishReason.STOP


def test_usage_is_told_in_full() -> None:
    """BerriAI/litellm#28899, farion1231/cc-switch 3.20: a missing details object breaks every turn."""
    usage = Usage(input_tokens=1110, cached_tokens=1000, output_tokens=5, cost_nano=7)
    held = Response(choices=(Choice(parts=(Text("x"),), finish_reason=FinishReason.STOP),), usage=usage)
    context = AnswerContext(id="1", created=1, model="m")
    assert json.loads(DIALECT.render_response(held, context))["usage"] == {
        "input_tokens": 1110,
        "input_tokens_details": {"cached_tokens": 1000, "cache_write_tokens": 0},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 1115,
        "cost_in_usd_ticks": 70,
    }


def test_the_answer_repeats_what_was_asked() -> None:
    asked = {
        "model": "m", "instructions": "Be brief.", "input": "Hi", "temperature": 0.5, "max_output_tokens": 9, "parallel_tool_calls": False, "metadata": {"a": "b"}, "prompt_cache_key": "k", "user": "u",
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False}, {"type": "web_search"}], "tool_choice": {"type": "function", "name": "f"},
        "reasoning": {"effort": "low", "summary": "detailed"}, "text": {"format": {"type": "json_object"}, "verbosity": "low"},
    }  # fmt: skip
    request = DIALECT.parse_request(json.dumps(asked).encode(), None, None)
    context = AnswerContext(id="1", created=1, model="m", request=request)
    answer = json.loads(DIALECT.render_response(Response(), context))
    for name in asked.keys() - {"input"}:
        assert answer[name] == asked[name], name
    assert (answer["output"], answer["status"], answer["usage"]) == ([], "completed", None)


def test_errors_are_openai_s() -> None:
    error = DIALECT.parse_error(400, b'{"error":{"message":"No such tool","type":"invalid_request_error","param":"tools[0]","code":null}}', {})  # fmt: skip
    assert (error.status, error.kind, error.param) == (400, "bad_request", "tools[0]")
    said = json.loads(DIALECT.render_error(ClientError("No.", param="input[0]"), "req_1"))
    assert said == {"error": {"message": "No.", "type": "invalid_request_error", "param": "input[0]", "code": None}}


def test_where_and_with_what_it_is_called() -> None:
    assert DIALECT.path("m", True) == DIALECT.path("m", False) == "/responses"
    assert DIALECT.credential_headers("sk-x") == {"authorization": "Bearer sk-x"}


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        (b'{"model":"m"}', Peek(model="m", include_usage=True)),
        (b' {"model" : "m", "stream":true, "input":3, "tools":"x"}\n', Peek(model="m", stream=True, include_usage=True)),
        (b'{"model":"m","user":"u","safety_identifier":"s","previous_response_id":7}', Peek(model="m", user="s", include_usage=True)),
        (b'{"model":"m","background":true,"stream":true}', Peek(model="m", stream=True, include_usage=True)),
        (b'{"model":"m","x":1e400,"y":"half a pair: \\ud83d"}', Peek(model="m", include_usage=True)),
    ],
)  # fmt: skip
def test_peek(seen: bytes, found: Peek) -> None:
    assert peek(seen) == replace(found, stored=True)
    assert peek(b'{"store":false,' + seen.lstrip()[1:]) == found


@pytest.mark.parametrize(
    ("bad", "param"),
    [(b"", None), (b"[]", None), (b"{}", "model"), (b'{"model":""}', "model"), (b'{"model":3}', "model"), (b'{"model":"m","stream":1}', "stream"), (b'{"model":"m","user":[]}', "user"), (b'{"model":"m","background":true}', "background")],
)  # fmt: skip
def test_peek_refuses_by_name(bad: bytes, param: str | None) -> None:
    with pytest.raises(ClientError) as caught:
        peek(bad)
    assert caught.value.param == param


def test_splice_changes_the_name_and_nothing_else() -> None:
    """router-for-me/CLIProxyAPI#2172: re-serialised JSON breaks signatures."""
    sent = b' {"input":[{"model":"m","x":"\\u00e9\\ud83d"}], "model" : "m" ,"y":1e400,"model":"o"}\r\n'
    assert splice(sent, model=None, include_usage=True) is sent
    assert splice(sent, model="n") == sent.replace(b'"model" : "m"', b'"model" : "n"').replace(b'"o"', b'"n"')


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ({"url": "https://a.example", "title": "A", "start_index": 2, "end_index": 5}, {}),
        ({"url": "https://a.example"}, {"title": "", "start_index": 0, "end_index": 0}),
        (
            {"url": "https://a.example", "title": None, "start_index": "x", "end_index": True, "new": 1},
            {"title": "", "start_index": 0, "end_index": 0},
        ),
    ],
    ids=["whole", "bare", "misshapen"],
)
def test_a_chat_citation_is_one_that_strict_clients_take(said: dict[str, Any], shown: dict[str, Any]) -> None:
    extra = {"openai_chat": {"annotations": [{"type": "url_citation", "url_citation": said}]}}
    assert answer_annotations(extra) == [{**said, **shown, "type": "url_citation"}]
