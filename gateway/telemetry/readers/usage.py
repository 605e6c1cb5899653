"""Counts of tokens to the gateway's one definition: input includes cached and cache-written, output reasoning."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.model import Usage
from gateway.telemetry.readers.spellings import OF_WHICH, SERVICE_TIER, TOTAL, USAGE
from gateway.telemetry.readers.values import Names, count, first, words

# Names in a provider's own usage object, as Langfuse, LangSmith and raw answers hold it; a dot goes a level down.
BODY_USAGE: Mapping[str, tuple[str, ...]] = {
    "input_tokens": (
        "input_tokens",
        "prompt_tokens",
        "input",
        "promptTokenCount",
        "prompt_token_count",
        "promptTokens",
    ),
    "output_tokens": (
        "output_tokens",
        "completion_tokens",
        "output",
        "candidatesTokenCount",
        "candidates_token_count",
        "completionTokens",
    ),
    "cached_tokens": (
        "prompt_tokens_details.cached_tokens",
        "input_tokens_details.cached_tokens",
        "input_token_details.cache_read",
        "cache_read_input_tokens",
        "input_cached_tokens",
        "input_cache_read",
        "cachedContentTokenCount",
        "cached_content_token_count",
    ),
    "cache_write_tokens": (
        "prompt_tokens_details.cache_write_tokens",
        "input_token_details.cache_creation",
        "cache_creation_input_tokens",
        "input_cache_creation",
    ),
    "reasoning_tokens": (
        "completion_tokens_details.reasoning_tokens",
        "output_tokens_details.reasoning_tokens",
        "output_token_details.reasoning",
        "output_reasoning_tokens",
        "output_reasoning",
        "thoughtsTokenCount",
        "thoughts_token_count",
    ),
    "input_audio_tokens": ("prompt_tokens_details.audio_tokens", "input_token_details.audio"),
    "output_audio_tokens": ("completion_tokens_details.audio_tokens", "output_token_details.audio"),
}


_NAMES = Names({**USAGE, "total": TOTAL, "service_tier": SERVICE_TIER})
_ANTHROPIC = frozenset({"cache_read_input_tokens", "cache_creation_input_tokens"})
_GOOGLE_ANSWER = ("candidatesTokenCount", "candidates_token_count")
_BODY_NAMES = Names({**BODY_USAGE, "total": ("total_tokens", "total", "totalTokenCount", "total_token_count")})


def usage_of(attributes: Mapping[str, Any], names: Names = _NAMES, *, exclusive: bool = False) -> Usage | None:
    """None where no count was sent. `exclusive`: the sender's input leaves out what the cache held.

    Cached and thought tokens are taken to be within input and output, unless they are more than these, or the total
    is more than these by just as many.
    """
    spelled = names.said(attributes)
    tier, total = words(spelled.pop("service_tier", None)), count(spelled.pop("total", None))
    said: dict[str, Any] = {}
    for counter, value in spelled.items():
        figure = count(value)
        if figure is not None and (figure or counter not in OF_WHICH):
            said[counter] = figure
    if not said:
        return None
    cache = said.get("cached_tokens", 0) + said.get("cache_write_tokens", 0)
    thought = said.get("reasoning_tokens", 0)
    asked, answered = said.get("input_tokens"), said.get("output_tokens")
    beside = 0 if asked is None or answered is None or total is None else total - asked - answered
    if asked is not None and cache and (exclusive or cache > asked or beside in (cache, cache + thought)):
        said["input_tokens"] += cache
    if answered is not None and thought and (thought > answered or beside in (thought, cache + thought)):
        said["output_tokens"] += thought
    return Usage(**said, service_tier=tier)


def body_usage(body: Any) -> Usage | None:
    """Counts from a usage object in a provider's or a library's own shape.

    Anthropic's own object counts what the cache held apart from `input_tokens`, Google's the thoughts apart from the
    answer's candidates.
    """
    if not isinstance(body, dict):
        return None
    flat = dict(body)
    for name, value in body.items():
        if isinstance(value, dict):
            flat.update({f"{name}.{inner}": figure for inner, figure in value.items()})
    apart = "input_tokens" in body and not _ANTHROPIC.isdisjoint(body)
    usage = usage_of(flat, _BODY_NAMES, exclusive=apart)
    thought = count(first(flat, BODY_USAGE["reasoning_tokens"]))
    answered = count(first(flat, _GOOGLE_ANSWER))
    if usage is not None and thought and answered is not None:
        return msgspec.structs.replace(usage, output_tokens=answered + thought)
    return usage
