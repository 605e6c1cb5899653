"""How an answer ended, both ways: a status here, with a reason where it is incomplete.

An answer with calls is "completed" like any other (vercel/ai#12218). What was refused in words is completed; what was
cut by a filter is not. Source: the SDK's ResponseStatus and IncompleteDetails.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.dialects.openai_errors import error_in
from gateway.dialects.openai_responses.wire import Wire, own, pocket
from gateway.errors import UpstreamError
from gateway.model import NO_EXTRA, Extra, FinishReason, Part, Refusal, ToolCall

_REASONS = {"max_output_tokens": FinishReason.LENGTH, "content_filter": FinishReason.CONTENT_FILTER}
_UNFINISHED = ("queued", "in_progress")
_MALFORMED = {"code": "server_error", "message": "The model's answer was malformed: try again."}


def parse_finish(response: Mapping[str, Any], called: bool) -> tuple[FinishReason | None, Extra]:
    """The reason, None for an answer that is still being made; a reason without a word of ours is in the pocket.

    Raises UpstreamError for an answer that failed.
    """
    status = response.get("status")
    if status in ("failed", "cancelled"):
        raise failure(response)
    if status in _UNFINISHED:
        return None, NO_EXTRA
    if status == "incomplete":
        details = response.get("incomplete_details")
        word = details.get("reason") if isinstance(details, dict) else None
        reason = _REASONS.get(word) if isinstance(word, str) else None
        return (reason, NO_EXTRA) if reason else (FinishReason.ERROR, pocket({"incomplete_details": details}))
    return (FinishReason.TOOL_CALLS if called else FinishReason.STOP), NO_EXTRA


def failure(response: Mapping[str, Any]) -> UpstreamError:
    """The error of a response that failed."""
    error = response.get("error")
    if isinstance(error, dict) and error:
        return error_in(error)
    return UpstreamError(
        "The provider did not finish its answer and said nothing more: try the request again.", own_words=True
    )


def has_calls(parts: Sequence[Part]) -> bool:
    return any(isinstance(part, ToolCall) for part in parts)


def has_refusal(parts: Sequence[Part]) -> bool:
    return any(isinstance(part, Refusal) for part in parts)


def render_finish(reason: FinishReason | None, extra: Extra, refused: bool) -> Wire:
    """status, incomplete_details and error. `refused`: the answer holds a refusal in words."""
    details = own(extra).get("incomplete_details")
    ended: Wire = {"status": "completed", "error": None, "incomplete_details": None}
    if details is not None:
        return ended | {"status": "incomplete", "incomplete_details": details}
    match reason:
        case FinishReason.LENGTH | FinishReason.CONTEXT:
            return ended | {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
        case FinishReason.CONTENT_FILTER if not refused:
            return ended | {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}
        case FinishReason.ERROR:
            return ended | {"status": "failed", "error": _MALFORMED}
    return ended
