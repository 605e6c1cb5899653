"""Gemini's counts: the prompt includes what was cached; output stands apart from thoughts, tool-use input apart
from the prompt, and the total is the sum of all four. In a stream the counts are cumulative for each field and
come on almost every chunk, some of them with fields missing: the last one said counts. A zero is left out of
Google's JSON: a missing field is zero where the others come to the total. Where they do not, it is what the total
has beyond them, or unknown if both prompt and candidates are missing; without a total it is unknown what was made.
The prompt by medium includes what was cached of each. The traffic type says how the request was served. Source:
google-genai's GenerateContentResponseUsageMetadata and TrafficType.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, structs

from gateway.dialects.counts import count_in, text_in
from gateway.model import Usage

_ON_DEMAND = "ON_DEMAND"
_UNSAID = ("TRAFFIC_TYPE_UNSPECIFIED", "")
_AUDIO, _SEEN = "AUDIO", ("IMAGE", "VIDEO")


class WireUsage(Struct):
    """The counts as they come; what was not said, or is no count, is None."""

    prompt: int | None = None
    cached: int | None = None
    candidates: int | None = None
    thoughts: int | None = None
    tool_use: int | None = None
    total: int | None = None
    of_prompt: dict[str, int] | None = None
    of_cache: dict[str, int] | None = None
    of_candidates: dict[str, int] | None = None
    traffic_type: str | None = None

    def merged(self, later: "WireUsage") -> "WireUsage":
        said = {name: value for name, value in structs.asdict(later).items() if value is not None}
        return structs.replace(self, **said)


def read_usage(raw: Any) -> WireUsage:
    """An answer's or chunk's `usageMetadata`; a count that is none breaks no answer."""
    told = raw if isinstance(raw, dict) else {}
    return WireUsage(
        prompt=count_in(told, "promptTokenCount"),
        cached=count_in(told, "cachedContentTokenCount"),
        candidates=count_in(told, "candidatesTokenCount"),
        thoughts=count_in(told, "thoughtsTokenCount"),
        tool_use=count_in(told, "toolUsePromptTokenCount"),
        total=count_in(told, "totalTokenCount"),
        of_prompt=_by_medium(told.get("promptTokensDetails")),
        of_cache=_by_medium(told.get("cacheTokensDetails")),
        of_candidates=_by_medium(told.get("candidatesTokensDetails")),
        traffic_type=text_in(told, "trafficType"),
    )


def parse_usage(usage: WireUsage) -> Usage | None:
    """Inclusive counts; None where nothing was counted yet."""
    if usage.prompt is None and usage.total is None:
        return None
    tool_use, thoughts = usage.tool_use or 0, usage.thoughts or 0
    prompt, candidates = _prompt_and_candidates(usage, tool_use + thoughts)
    return Usage(
        input_tokens=None if prompt is None else prompt + tool_use,
        cached_tokens=usage.cached or 0,
        tool_input_tokens=tool_use,
        output_tokens=None if candidates is None else candidates + thoughts,
        reasoning_tokens=thoughts,
        input_audio_tokens=_audio(usage.of_prompt),
        output_audio_tokens=_audio(usage.of_candidates),
        rare_counts=_media(usage),
        service_tier=_tier(usage.traffic_type),
    )


def of_embeddings(usage: WireUsage) -> Usage:
    """What was given, and nothing made."""
    return Usage(input_tokens=usage.prompt, input_audio_tokens=_audio(usage.of_prompt), rare_counts=_media(usage))


def _prompt_and_candidates(usage: WireUsage, others: int) -> tuple[int | None, int | None]:
    prompt, candidates = usage.prompt or 0, usage.candidates or 0
    rest = (usage.total or 0) - prompt - candidates - others
    if usage.total is None and usage.candidates is None and usage.thoughts is None:
        return prompt, None
    if rest <= 0 or None not in (usage.prompt, usage.candidates):
        return prompt, candidates
    if usage.prompt is None:
        return (None, None) if usage.candidates is None else (rest, candidates)
    return prompt, rest


def _tier(traffic: str | None) -> str | None:
    """`flex` of ON_DEMAND_FLEX; None for plain ON_DEMAND, which is the standard one."""
    if traffic is None or traffic in _UNSAID:
        return None
    return traffic.removeprefix(_ON_DEMAND).lstrip("_").lower() or None


def _by_medium(details: Any) -> dict[str, int] | None:
    """Counts by modality, None where none is told."""
    if not isinstance(details, list) or not details:
        return None
    counts: dict[str, int] = {}
    for item in details:
        medium = text_in(item, "modality") if isinstance(item, dict) else None
        if medium is not None:
            counts[medium] = counts.get(medium, 0) + (count_in(item, "tokenCount") or 0)
    return counts


def _audio(counts: Mapping[str, int] | None) -> int | None:
    return None if counts is None else counts.get(_AUDIO, 0)


def _media(usage: WireUsage) -> tuple[tuple[str, int], ...] | None:
    given, cached, made = usage.of_prompt or {}, usage.of_cache or {}, usage.of_candidates or {}
    counts = {
        "cached_audio": cached.get(_AUDIO, 0),
        **{f"input_{medium.lower()}": given.get(medium, 0) - cached.get(medium, 0) for medium in _SEEN},
        **{f"output_{medium.lower()}": made.get(medium, 0) for medium in _SEEN},
    }
    return tuple((name, count) for name, count in counts.items() if count > 0) or None


def render_usage(usage: Usage) -> dict[str, Any]:
    """Zeros are left out, as Google's JSON does, except for the sums that everyone reads."""
    tool_use, thoughts = usage.tool_input_tokens or 0, usage.reasoning_tokens or 0
    prompt, candidates = max(0, (usage.input_tokens or 0) - tool_use), max(0, (usage.output_tokens or 0) - thoughts)
    counts = {
        "cachedContentTokenCount": usage.cached_tokens or 0,
        "thoughtsTokenCount": thoughts,
        "toolUsePromptTokenCount": tool_use,
    }
    media = dict(usage.rare_counts or ())
    details = {
        "promptTokensDetails": _details(prompt, usage.input_audio_tokens, media, "input"),
        "cacheTokensDetails": _details(usage.cached_tokens or 0, media.get("cached_audio"), media, "cached"),
        "candidatesTokensDetails": _details(candidates, usage.output_audio_tokens, media, "output"),
    }
    return {
        "promptTokenCount": prompt,
        "candidatesTokenCount": candidates,
        "totalTokenCount": prompt + candidates + thoughts + tool_use,
        **{name: count for name, count in counts.items() if count},
        **{name: counted for name, counted in details.items() if counted},
    }


def _details(total: int, audio: int | None, media: Mapping[str, int], of: str) -> list[dict[str, Any]]:
    """A total by medium, of which the rest is text; empty where nothing is known of it."""
    known = {_AUDIO: audio or 0, **{medium: media.get(f"{of}_{medium.lower()}", 0) for medium in _SEEN}}
    if audio is None and not any(known.values()):
        return []
    counts = {"TEXT": total - sum(known.values()), **known}
    return [{"modality": medium, "tokenCount": count} for medium, count in counts.items() if count > 0]
