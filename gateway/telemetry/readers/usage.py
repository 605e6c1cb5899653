"""Counts of tokens to the gateway's one definition: input includes cached and cache-written, output reasoning."""

from collections.abc import Mapping
from typing import Any

from gateway.model import Usage
from gateway.telemetry.readers.spellings import OF_WHICH, SERVICE_TIER, USAGE
from gateway.telemetry.readers.values import Names, count, words

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


_NAMES = Names({**USAGE, "service_tier": SERVICE_TIER})
_BODY_NAMES = Names(BODY_USAGE)


def usage_of(attributes: Mapping[str, Any], names: Names = _NAMES, *, exclusive: bool = False) -> Usage | None:
    """None where no count was sent. `exclusive`: the sender's input leaves out what the cache held."""
    spelled = names.said(attributes)
    tier = words(spelled.pop("service_tier", None))
    said: dict[str, Any] = {}
    for counter, value in spelled.items():
        figure = count(value)
        if figure is not None and (figure or counter not in OF_WHICH):
            said[counter] = figure
    if not said:
        return None
    cache = said.get("cached_tokens", 0) + said.get("cache_write_tokens", 0)
    if "input_tokens" in said and (exclusive or cache > said["input_tokens"]):
        said["input_tokens"] += cache
    if said.get("reasoning_tokens", 0) > said.get("output_tokens", said.get("reasoning_tokens", 0)):
        said["output_tokens"] += said["reasoning_tokens"]
    return Usage(**said, service_tier=tier)


def body_usage(body: Any) -> Usage | None:
    """Counts from a usage object in a provider's or a library's own shape.

    Anthropic's own object counts what the cache held apart from `input_tokens`.
    """
    if not isinstance(body, dict):
        return None
    flat = dict(body)
    for name, value in body.items():
        if isinstance(value, dict):
            flat.update({f"{name}.{inner}": figure for inner, figure in value.items()})
    apart = "cache_read_input_tokens" in body or "cache_creation_input_tokens" in body
    return usage_of(flat, _BODY_NAMES, exclusive=apart and "input_tokens" in body)
