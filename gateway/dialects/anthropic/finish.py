"""Stop reasons in both directions. Source: the SDK's StopReason.

Precedence is filter, length, tool calls, stop: a plain stop after tool calls is a finish for tool calls.
"""

from collections.abc import Mapping
from typing import Any

from gateway.dialects.anthropic.blocks import pocket
from gateway.model import Extra, FinishReason

_REASONS = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP_SEQUENCE,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.CONTEXT,
    "tool_use": FinishReason.TOOL_CALLS,
    "pause_turn": FinishReason.PAUSE,
    "refusal": FinishReason.CONTENT_FILTER,
}
_WORDS = {reason: word for word, reason in _REASONS.items()} | {FinishReason.ERROR: "end_turn"}


def parse_reason(word: str, called: bool) -> FinishReason:
    """An unknown word is a finish that we cannot vouch for. `called`: the answer holds tool calls."""
    reason = _REASONS.get(word, FinishReason.ERROR)
    return FinishReason.TOOL_CALLS if called and reason is FinishReason.STOP else reason


def finish_extra(fields: Mapping[str, Any]) -> Extra:
    """What a message says beside its reason: refusal details, container; and a reason that has no neutral word."""
    kept = {
        name: fields[name] for name in ("stop_details", "container", "diagnostics") if fields.get(name) is not None
    }
    if fields.get("stop_reason") not in _REASONS:
        kept["stop_reason"] = fields.get("stop_reason")
    return pocket(kept)


def explanation(stop_details: Any) -> str:
    """Why the model declined, in its own words; "" where it does not say."""
    said = stop_details.get("explanation") if isinstance(stop_details, dict) else None
    return said if isinstance(said, str) else ""


def render_ending(
    reason: FinishReason | None, stop_sequence: str | None, refused: bool, own: Mapping[str, Any]
) -> dict[str, Any]:
    """stop_reason, stop_sequence and stop_details. `refused`: the answer holds a refusal in words."""
    reason = reason or FinishReason.STOP
    if refused and reason is FinishReason.STOP:
        reason = FinishReason.CONTENT_FILTER
    if reason is FinishReason.STOP_SEQUENCE and stop_sequence is None:
        reason = FinishReason.STOP
    ending: dict[str, Any] = {
        "stop_reason": own.get("stop_reason") or _WORDS[reason],
        "stop_sequence": stop_sequence if reason is FinishReason.STOP_SEQUENCE else None,
        "stop_details": own.get("stop_details"),
    }
    if ending["stop_reason"] == "refusal" and ending["stop_details"] is None:
        ending["stop_details"] = {"type": "refusal", "category": None, "explanation": None}
    return ending
