"""Streams in which a field that need not be there is not: the answer says the same but for what that field said.

Each optional field of each event of each recording is left out in turn. cc-switch 3.20: a missing
input_tokens_details broke every turn.
"""

import re
from functools import cache
from typing import Any

import msgspec
import pytest

from gateway.dialects.client_json import decode_object
from gateway.errors import ClientError
from gateway.events import Event, StreamError
from gateway.model import Text, ToolCall
from tests.dialects.feeding import folded
from tests.dialects.optional_fields import without_each
from tests.dialects.recordings import RECORDINGS, Recording

# What of an answer a missing field may change, by its path; all others change nothing.
# "error": its loss makes the stream unreadable or incomplete, and that is told.
MAY_CHANGE: dict[str, dict[str, set[str]]] = {
    "openai_chat": {
        r"choices\[\]\.delta\.(content|reasoning|reasoning_content|refusal)": {"parts"},
        r"choices\[\]\.delta\.annotations": {"parts", "usage"},
        r"choices\[\]\.delta\.tool_calls": {"parts", "finish_reason", "error"},
        r"choices\[\]\.delta\.(function_call|tool_calls\[\]\.function)(\.name)?": {"parts", "error"},
        r"choices\[\]\.delta\.(function_call|tool_calls\[\]\.function)\.arguments": {"parts"},
        r"choices\[\]\.delta\.tool_calls\[\]\.(id|extra_content)": {"parts"},
        r"choices\[\]\.finish_reason": {"error"},
        r"choices\[\]\.logprobs.*": {"logprobs"},
        r"citations": {"choice_extra"},
        r"system_fingerprint": {"extra"},
        r"(usage.*|service_tier)": {"usage"},
    },
    "openai_responses": {
        r"response\.(completed|incomplete)\.response\.(usage.*|service_tier|tool_usage.*)": {"usage"},
        r"response\.(completed|incomplete)\.response\.output\[\]\.id": {"parts"},
        r"response\.incomplete\.response\.incomplete_details.*": {"choice_extra", "finish_reason"},
        r"response\.output_item\.(added|done)\.item\..*": {"parts"},
    },
    "anthropic": {
        r"content_block_delta\.delta\.citation\..*": {"parts"},
        r"content_block_start\.content_block\..*": {"parts"},
        r"message_delta\.delta\.(container|stop_details.*)": {"choice_extra", "parts", "usage"},
        r"message_delta\.delta\.stop_reason": {"error"},
        r"message_delta\.delta\.stop_sequence": {"stop_sequence"},
        r"message_(start\.message|delta)\.usage\..*": {"usage"},
    },
    "gemini": {
        r"candidates": {"parts", "finish_reason", "logprobs", "choice_extra", "choices", "error", "usage"},
        r"candidates\[\]\.content(\.parts)?": {"parts", "finish_reason"},
        r"candidates\[\]\.content\.parts\[\]\.(text|thought|thoughtSignature)": {"parts"},
        r"candidates\[\]\.content\.parts\[\]\.(executableCode|codeExecutionResult).*": {"parts"},
        r"candidates\[\]\.content\.parts\[\]\.(inlineData|fileData|functionCall).*": {"parts", "error"},
        r"candidates\[\]\.finishReason": {"error"},
        # A zero is left out of Google's JSON, so that a candidate without an index is the first.
        r"candidates\[\]\.index": {"parts", "error"},
        r"candidates\[\]\.logprobsResult.*": {"logprobs"},
        # Its searches are counted.
        r"candidates\[\]\.groundingMetadata(\.webSearchQueries)?": {"choice_extra", "usage"},
        r"candidates\[\]\.(avgLogprobs|citationMetadata|finishMessage|groundingMetadata|urlContextMetadata|safetyRatings)\b.*": {"choice_extra"},
        r"modelVersion": {"model"},
        r"responseId": {"id", "parts"},
        r"promptFeedback(\.blockReason)?": {"error"},
        r"usageMetadata.*": {"usage"},
    },
}  # fmt: skip
FINISHED = [item for item in RECORDINGS if not isinstance(item.events()[-1], StreamError)]


def aspects(events: list[Event]) -> dict[str, Any]:
    answer = folded(events)
    response = answer.response()
    return {
        "error": answer.error is not None,
        "id": response.id,
        "model": response.model,
        "created": response.created,
        "extra": response.extra,
        "usage": response.usage,
        "choices": [choice.index for choice in response.choices],
        "parts": [choice.parts for choice in response.choices],
        "finish_reason": [choice.finish_reason for choice in response.choices],
        "stop_sequence": [choice.stop_sequence for choice in response.choices],
        "logprobs": [choice.logprobs for choice in response.choices],
        "choice_extra": [choice.extra for choice in response.choices],
    }


def words(events: list[Event]) -> str:
    parts = [part for choice in folded(events).response().choices for part in choice.parts]
    return "".join(part.arguments if isinstance(part, ToolCall) else getattr(part, "text", "") for part in parts)


@cache
def fields(recording: Recording) -> list[tuple[str, Any, bytes, bytes]]:
    return list(without_each(recording.dialect, recording.stream))


def expected(dialect: str, path: str) -> set[str]:
    return next((may for pattern, may in MAY_CHANGE[dialect].items() if re.fullmatch(pattern, path)), set())


@pytest.mark.parametrize("recording", FINISHED, ids=str)
def test_a_missing_field_changes_nothing_but_what_it_said(recording: Recording) -> None:
    events = recording.events()
    told, said = aspects(events), len(words(events))
    for path, value, stream, _ in fields(recording):
        again = recording.events([stream])
        found = aspects(again)
        may = expected(recording.dialect, path)
        if found["error"]:
            assert "error" in may and isinstance(again[-1], StreamError), path
            continue
        assert {name for name in told if found[name] != told[name]} <= may, path
        assert said - len(words(again)) <= len(msgspec.json.encode(value)), path


# Hosted tools' blocks and pieces of metadata stay as the provider wrote them, nulls included; and calls without ids
# of an answer without an id are named after its bytes.
AS_WRITTEN = re.compile(
    r"responseId|(.*\.)?(item|citation|content_block|content\[\]|candidates\[\]|annotation|stop_details|part)\..*"
    r"|.*logprobs\..*\.bytes|.*\.incomplete_details\.reason"
)


@pytest.mark.parametrize("recording", FINISHED, ids=str)
def test_null_says_the_same_as_nothing(recording: Recording) -> None:
    for path, _, missing, null in fields(recording):
        if not AS_WRITTEN.fullmatch(path):
            assert recording.events([null]) == recording.events([missing]), path


def test_every_rule_is_needed() -> None:
    """A pattern that no recording meets tests nothing."""
    for dialect, rules in MAY_CHANGE.items():
        recordings = [recording for recording in FINISHED if recording.dialect == dialect]
        paths = {path for recording in recordings for path, _, _, _ in fields(recording)}
        unmet = [pattern for pattern in rules if not any(re.fullmatch(pattern, path) for path in paths)]
        assert not unmet and len(paths) > 20


def test_text_alone_is_lost_with_its_field() -> None:
    """The check itself: what `Text` said is gone from the answer, and what follows it is not."""
    (recording,) = (item for item in RECORDINGS if str(item) == "openai_chat-text")
    losses = {
        path: folded(recording.events([stream])).response().choices[0].parts
        for path, value, stream, _ in fields(recording)
        if value == "Grüße"
    }
    assert losses == {"choices[].delta.content": (Text(" 🎈"),)}


@pytest.mark.parametrize("more", [b"", b',"b":"\\u00e9"'])
def test_where_a_body_is_no_utf8_is_told_as_a_place_in_all_of_it(more: bytes) -> None:
    with pytest.raises(ClientError, match="byte 0xe9 in position 14"):
        decode_object(b'{"model":"caf \xe9"' + more + b"}")
