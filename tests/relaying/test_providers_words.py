"""What a provider says of its failures reaches clients that speak as it does whole."""

import json
from codecs import BOM_UTF8
from typing import Any

import pytest

from gateway.relaying.doors import DOORS, Door
from tests.relaying.test_relay import ASKED, STREAMED, TEXT, WHOLE, Run, json_answer, sse

CHAT = DOORS[0]
MESSAGES = next(door for door in DOORS if door.name == "anthropic")
RESPONSES = next(door for door in DOORS if door.name == "openai_responses")
GEMINI = next(door for door in DOORS if door.name == "gemini").named("gemini-2.5-flash:generateContent", {})
KEY = "key-of-google-0123456789"
CLAUDE = b'{"model":"claude-sonnet-4-6","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}'
CONTENTS = b'{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}'
# By these Gemini CLI tells a day's quota from a minute's, and which of the two to wait for.
QUOTA = {
    "code": 429,
    "message": "You exceeded your current quota.",
    "status": "RESOURCE_EXHAUSTED",
    "details": [
        {
            "@type": "type.googleapis.com/google.rpc.QuotaFailure",
            "violations": [{"quotaId": "GenerateRequestsPerMinute", "quotaValue": "5"}],
        },
        {"@type": "type.googleapis.com/google.rpc.Help", "links": [{"url": f"https://example.com/?key={KEY}"}]},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17.3s"},
    ],
}
THREAD = {
    "type": "invalid_request_error",
    "message": "This thread cannot be continued.",
    "details": {"error_code": "thread_unsupported_request", "unsupported": ["mcp_servers"]},
}
POLICY = {
    "message": "Blocked.",
    "type": "requests",
    "param": None,
    "code": None,
    "misalignment": {"detailed_explanation": "See org-abcdef123456.", "steer": True},
}


async def refused(body: bytes, door: Door, error: dict[str, Any], status: int = 400, **headers: str) -> Run:
    run = Run(json_answer({"error": error, "more": 1}, status, **headers))
    await run.go(body, door)
    return run


async def test_a_quota_is_told_in_all_its_details() -> None:
    run = await refused(CONTENTS, GEMINI, QUOTA, 429)
    shown = json.loads(run.client.body)["error"]
    assert run.client.headers["retry-after"] == "18"
    assert shown["details"][0] == QUOTA["details"][0] and shown["details"][2] == QUOTA["details"][2]
    assert KEY not in run.client.body.decode() and "[" in shown["details"][1]["links"][0]["url"]


async def test_what_a_client_acts_on_beside_a_code_is_told() -> None:
    run = await refused(CLAUDE, MESSAGES, THREAD)
    shown = json.loads(run.client.body)
    assert shown["error"] == THREAD and shown["type"] == "error" and shown["request_id"] == run.row.id
    run = await refused(ASKED, CHAT, POLICY)
    shown = json.loads(run.client.body)["error"]
    assert (shown["type"], shown["param"], shown["misalignment"]["steer"]) == ("requests", None, True)
    assert "org-abcdef123456" not in run.client.body.decode()


@pytest.mark.parametrize("error", ["a text", None, ["list"], {"message": "m", "x": "y" * 70_000}])
async def test_an_error_of_another_form_is_told_in_the_dialect_s_own(error: Any) -> None:
    run = await refused(ASKED, CHAT, error)
    assert set(json.loads(run.client.body)["error"]) == {"message", "type", "param", "code"}


async def test_another_dialect_s_error_is_told_in_the_client_s_words() -> None:
    run = await refused(CLAUDE.replace(b"claude-sonnet-4-6", b"gpt-4.1-mini"), MESSAGES, POLICY)
    assert set(json.loads(run.client.body)["error"]) == {"type", "message"}


@pytest.mark.parametrize(("status", "word"), [(500, "false"), (529, "true")])
async def test_whether_to_try_again_is_the_provider_s_word(status: int, word: str) -> None:
    error = {"type": "api_error", "message": "Failed."}
    run = await refused(CLAUDE, MESSAGES, error, status, **{"X-Should-Retry": word, "retry-after": "1.2"})
    assert (run.client.status, run.client.headers["x-should-retry"]) == (status, word)
    assert run.client.headers["retry-after"] == "2"
    spent = {
        "type": "rate_limit_error",
        "message": "Spent.",
        "details": {"error_code": "contract_spend_limit_reached"},
    }
    run = await refused(CLAUDE, MESSAGES, spent, 429, **{"x-should-retry": "true"})
    assert run.client.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("streamed", [False, True])
async def test_what_a_failed_answer_used_is_on_its_row(streamed: bool) -> None:
    counts = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}
    why = {"code": "server_error", "message": "Boom."}
    failed = {
        "id": "resp_1",
        "model": "gpt-4.1-mini",
        "status": "failed",
        "error": why,
        "output": [],
        "usage": counts,
    }
    event = {"type": "response.failed", "sequence_number": 0, "response": failed}
    body = b'{"model":"gpt-4.1-mini","input":"Hi","stream":%b}' % (b"true" if streamed else b"false")
    run = Run(sse(event) if streamed else json_answer(failed))
    row = await run.go(body, RESPONSES)
    assert (row.outcome, row.input_tokens, row.output_tokens, row.usage_source) == ("error", 5, 2, "provider")
    assert row.cost_nano == 5 * 400 + 2 * 1600


async def test_what_a_failed_answer_used_is_on_its_row_at_another_door_too() -> None:
    failed = {"index": 0, "message": {"role": "assistant", "content": "Hel"}, "finish_reason": "error"}
    run = Run(json_answer({**WHOLE, "choices": [failed]}))
    row = await run.go(CLAUDE.replace(b"claude-sonnet-4-6", b"gpt-4.1-mini"), MESSAGES)
    assert (row.outcome, row.input_tokens, row.output_tokens, row.usage_source) == ("error", 5, 2, "provider")


@pytest.mark.parametrize("written", ["{}", "\\u{:04x}"])
async def test_a_key_is_taken_out_however_it_is_written(written: str) -> None:
    key = "".join(written.format(letter if written == "{}" else ord(letter)) for letter in "key-of-openai-0123456789")
    body = f'{{"error":{{"message":"m","used":["{key}"],"{key}":1}},"{key}":{{"x":"rk-0123456789 pplx-0123456789"}}}}'
    run = Run((400, [body.encode()], {}))
    await run.go()
    shown = json.loads(run.client.body)
    assert (shown["error"]["used"], shown["error"]["[hidden]"]) == (["[hidden]"], 1)
    assert shown["[hidden]"] == {"x": "[hidden] [hidden]"}


ESCAPED = "".join(f"\\u{ord(letter):04x}" for letter in "key-of-openai-0123456789")


@pytest.mark.parametrize("body", [ASKED, STREAMED])
async def test_a_key_that_passes_in_a_200_is_taken_out_however_it_is_written(body: bytes) -> None:
    why = {"code": 502, "message": "KEY was cut off"}
    failed = {"index": 0, "message": {"role": "assistant", "content": "Hel"}, "finish_reason": "error", "error": why}
    status, pieces, headers = (
        json_answer({**WHOLE, "choices": [failed]}) if body is ASKED else sse(TEXT, {"error": why})
    )
    run = Run((status, [piece.replace(b"KEY", ESCAPED.encode()) for piece in pieces], headers))
    row = await run.go(body)
    assert (row.outcome, row.error_message) == ("error", "[hidden] was cut off")
    assert b'"[hidden] was cut off"' in run.client.body


async def test_what_is_learnt_of_a_rejected_key_does_not_repeat_it() -> None:
    run = await refused(
        CLAUDE, MESSAGES, {"type": "authentication_error", "message": "bad key-of-anthropic-0123456789"}, 401
    )
    assert run.learnt == [("anthropic", "rejected")]
    assert run.learnt_words == [
        "The provider rejected its API key: check the key stored for it or sent with the request "
        "(it said: bad [hidden])."
    ]


async def test_an_error_nested_too_deeply_is_told_in_the_dialect_s_own() -> None:
    nested: Any = "x"
    for _ in range(700):
        nested = [nested]
    run = await refused(ASKED, CHAT, {"message": "m", "nested": nested})
    assert (run.client.status, json.loads(run.client.body)["error"]["message"]) == (400, "m")


async def test_a_number_takes_no_text_s_place() -> None:
    """vLLM and OpenRouter write the status as the code."""
    run = await refused(ASKED, CHAT, {"message": "It has a maximum context length of 9.", "code": 400})
    assert json.loads(run.client.body)["error"]["code"] == "context_length_exceeded"
    run = await refused(ASKED, CHAT, {"message": "m", "type": 7, "code": 20012})
    shown = json.loads(run.client.body)["error"]
    assert (shown["type"], shown["code"]) == ("invalid_request_error", "20012")


NOUGHT = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


@pytest.mark.parametrize("door", [CHAT, MESSAGES], ids=["its own door", "another"])
@pytest.mark.parametrize(
    ("counts", "read", "made", "source"),
    [
        (NOUGHT, None, 3, "estimated"),
        (None, None, 3, "estimated"),
        ({**NOUGHT, "prompt_tokens": 5}, 5, 3, "partial"),
        ({**NOUGHT, "cost": 0.25}, None, 3, "estimated"),
        ({**NOUGHT, "cost": 0}, None, 3, "estimated"),
        ({"prompt_tokens": 5, "completion_tokens": 2}, 5, 2, "provider"),
    ],
)
async def test_a_failed_answer_that_counts_nought_does_not_make_free_what_it_said(
    door: Door, counts: dict[str, Any] | None, read: int | None, made: int, source: str
) -> None:
    failed = {"index": 0, "message": {"role": "assistant", "content": "Hello Bob."}, "finish_reason": "error"}
    asked = ASKED if door is CHAT else CLAUDE.replace(b"claude-sonnet-4-6", b"gpt-4.1-mini")
    row = await Run(json_answer({**WHOLE, "choices": [failed], "usage": counts})).go(asked, door)
    assert (row.outcome, row.usage_source) == ("error", source)
    assert (row.input_tokens, row.output_tokens) == (-(-len(asked) // 4) if read is None else read, made)
    if counts and counts.get("cost"):
        assert (row.cost_nano, row.cost_source) == (250_000_000, "provider")
    else:
        assert row.cost_nano and row.cost_source != "provider"


async def test_a_stream_that_fails_and_counts_nought_takes_nothing_back_of_what_it_counted_before() -> None:
    details = {"prompt_tokens_details": {"cached_tokens": 80}, "completion_tokens_details": {"reasoning_tokens": 2}}
    counted = {"prompt_tokens": 100, "completion_tokens": 3, "total_tokens": 103, **details}
    noughts = {name: dict.fromkeys(of, 0) for name, of in details.items()}
    said = {"id": "c", "choices": [{"index": 0, "delta": {"content": "Hello Bob."}}], "usage": counted}
    failed = {"error": {"message": "Boom."}, "usage": {**NOUGHT, **noughts, "cost": 0}}
    row = await Run(sse(said, failed)).go(STREAMED)
    assert (row.input_tokens, row.cached_tokens, row.output_tokens, row.reasoning_tokens) == (100, 80, 3, 2)
    assert row.usage_source == "partial" and row.cost_nano and row.cost_source != "provider"


async def test_a_failed_answer_that_says_and_counts_nothing_is_believed() -> None:
    failed = {"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "error"}
    row = await Run(json_answer({**WHOLE, "choices": [failed], "usage": NOUGHT})).go(ASKED)
    assert (row.input_tokens, row.output_tokens, row.usage_source) == (0, 0, "provider")


@pytest.mark.parametrize("item", ["Hello Bob.", None])
async def test_what_a_failed_response_said_without_a_count_is_estimated(item: str | None) -> None:
    message = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": item}]}
    failed = {"id": "r", "status": "failed", "error": {"code": "server_error", "message": "Boom."}}
    body = b'{"model":"gpt-4.1-mini","input":"Hi"}'
    output = [message] if item else [{"type": "message", "content": 1}]
    row = await Run(json_answer({**failed, "output": output})).go(body, RESPONSES)
    assert (row.outcome, row.usage_source) == ("error", "estimated")
    assert row.output_tokens == (3 if item else None)


@pytest.mark.parametrize(("door", "outcome"), [(CHAT, "ok"), (MESSAGES, "error")], ids=["its own door", "another"])
async def test_what_an_answer_without_choices_counts_is_on_its_row(door: Door, outcome: str) -> None:
    asked = ASKED if door is CHAT else CLAUDE.replace(b"claude-sonnet-4-6", b"gpt-4.1-mini")
    row = await Run(json_answer({**WHOLE, "choices": None})).go(asked, door)
    assert (row.outcome, row.input_tokens, row.output_tokens, row.usage_source) == (outcome, 5, 2, "provider")


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_failed_response_that_counts_nought_does_not_make_free_what_it_said(streamed: bool) -> None:
    text = {"type": "output_text", "text": "Hello Bob."}
    item = {"id": "m", "type": "message", "role": "assistant", "content": [text]}
    nought = {"input_tokens": 0, "output_tokens": 0}
    why = {"code": "server_error", "message": "Boom."}
    failed = {"id": "r", "status": "failed", "error": why, "output": [item], "usage": nought}
    events = (
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}},
        {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Hello Bob."},
        {"type": "response.failed", "response": failed},
    )
    body = b'{"model":"gpt-4.1-mini","input":"Hi","stream":%b}' % (b"true" if streamed else b"false")
    row = await Run(sse(*events) if streamed else json_answer(failed)).go(body, RESPONSES)
    assert (row.outcome, row.usage_source) == ("error", "estimated")
    assert (row.input_tokens, row.output_tokens) == (-(-len(body) // 4), 3)


async def test_what_a_response_without_output_counts_is_on_its_row() -> None:
    answer = {"id": "r", "status": "completed", "output": None, "usage": {"input_tokens": 5, "output_tokens": 2}}
    row = await Run(json_answer(answer)).go(b'{"model":"gpt-4.1-mini","input":"Hi"}', RESPONSES)
    assert (row.outcome, row.input_tokens, row.output_tokens, row.usage_source) == ("ok", 5, 2, "provider")


@pytest.mark.parametrize(("door", "outcome"), [(GEMINI, "ok"), (CHAT, "error")], ids=["its own door", "another"])
async def test_what_an_answer_without_candidates_counts_is_on_its_row(door: Door, outcome: str) -> None:
    """Gemini answers so now and then."""
    answer = {"usageMetadata": {"promptTokenCount": 5, "totalTokenCount": 5}, "modelVersion": "gemini-2.5-flash"}
    asked = CONTENTS if door is GEMINI else ASKED.replace(b"gpt-4.1-mini", b"gemini-2.5-flash")
    row = await Run(json_answer(answer)).go(asked, door)
    assert (row.outcome, row.input_tokens, row.output_tokens, row.usage_source) == (outcome, 5, 0, "provider")


@pytest.mark.parametrize(("door", "outcome"), [(MESSAGES, "ok"), (CHAT, "error")], ids=["its own door", "another"])
@pytest.mark.parametrize("said", [{"content": None}, {"stop_reason": None}, {"content": [{"type": "text"}]}])
async def test_what_a_message_without_content_counts_is_on_its_row(
    said: dict[str, Any], door: Door, outcome: str
) -> None:
    counts = {"input_tokens": 2, "cache_read_input_tokens": 3, "output_tokens": 4}
    answer = {"id": "m", "type": "message", "content": [], "stop_reason": "end_turn", "usage": counts, **said}
    asked = CLAUDE if door is MESSAGES else ASKED.replace(b"gpt-4.1-mini", b"claude-sonnet-4-6")
    row = await Run(json_answer(answer)).go(asked, door)
    assert (row.outcome, row.input_tokens, row.cached_tokens, row.output_tokens) == (outcome, 5, 3, 4)
    assert row.usage_source == "provider"


async def test_where_code_ran_for_a_message_without_content_is_on_its_row() -> None:
    counts = {"input_tokens": 2, "output_tokens": 4}
    answer = {"id": "m", "type": "message", "content": None, "usage": counts, "container": {"id": "c"}}
    row = await Run(json_answer(answer)).go(CLAUDE, MESSAGES)
    assert row.rare_counts == (("code_containers", 1),)


@pytest.mark.parametrize("door", [CHAT, MESSAGES], ids=["its own door", "another"])
async def test_an_answer_that_begins_with_a_mark_of_utf_8_is_read(door: Door) -> None:
    """As some servers write it, and the SDKs' JSON takes it."""
    status, (said,), headers = json_answer(WHOLE)
    run = Run((status, [BOM_UTF8 + said], headers))
    asked = ASKED if door is CHAT else CLAUDE.replace(b"claude-sonnet-4-6", b"gpt-4.1-mini")
    row = await run.go(asked, door)
    assert (row.outcome, row.input_tokens, row.output_tokens, row.usage_source) == ("ok", 5, 2, "provider")
    assert b"Hi" in run.client.body


@pytest.mark.parametrize("status", [600, 999])
@pytest.mark.parametrize(("door", "asked"), [(CHAT, ASKED), (MESSAGES, CLAUDE), (GEMINI, CONTENTS)])
async def test_a_status_that_no_client_knows_is_a_bad_gateway(status: int, door: Door, asked: bytes) -> None:
    run = await refused(asked, door, {"message": "No."}, status)
    assert (run.client.status, run.row.status, run.row.outcome) == (502, 502, "error")
