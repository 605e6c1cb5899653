"""Gemini's counts: the prompt includes what was cached; output stands apart from thoughts, tool-use input apart from
the prompt. In a stream the counts are cumulative for each field and come on almost every chunk, some of them with
fields missing: the last one said counts. A zero is left out of Google's JSON, so that beside a prompt count a missing
field is zero. The traffic type says how the request was served. Source: google-genai's
GenerateContentResponseUsageMetadata and TrafficType.
"""

from typing import Any

from msgspec import Struct, structs

from gateway.model import Usage

_ON_DEMAND = "ON_DEMAND"
_UNSAID = ("TRAFFIC_TYPE_UNSPECIFIED", "")


class Modality(Struct, rename="camel"):
    modality: str | None = None
    token_count: int | None = None


class WireUsage(Struct, rename="camel"):
    prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    total_token_count: int | None = None
    prompt_tokens_details: list[Modality] | None = None
    candidates_tokens_details: list[Modality] | None = None
    traffic_type: str | None = None

    def merged(self, later: "WireUsage") -> "WireUsage":
        said = {name: value for name, value in structs.asdict(later).items() if value is not None}
        return structs.replace(self, **said)


def parse_usage(usage: WireUsage) -> Usage | None:
    """Inclusive counts; None where nothing was counted yet."""
    if usage.prompt_token_count is None and usage.total_token_count is None:
        return None
    prompt, tool_use = _count(usage.prompt_token_count), _count(usage.tool_use_prompt_token_count)
    thoughts = _count(usage.thoughts_token_count)
    return Usage(
        input_tokens=prompt + tool_use,
        cached_tokens=_count(usage.cached_content_token_count),
        tool_input_tokens=tool_use,
        output_tokens=_count(usage.candidates_token_count) + thoughts,
        reasoning_tokens=thoughts,
        input_audio_tokens=_audio(usage.prompt_tokens_details),
        output_audio_tokens=_audio(usage.candidates_tokens_details),
        service_tier=_tier(usage.traffic_type),
    )


def _tier(traffic: str | None) -> str | None:
    """`flex` of ON_DEMAND_FLEX; None for plain ON_DEMAND, which is the standard one."""
    if traffic is None or traffic in _UNSAID:
        return None
    return traffic.removeprefix(_ON_DEMAND).lstrip("_").lower() or None


def _count(value: int | None) -> int:
    return max(0, value or 0)


def _audio(details: list[Modality] | None) -> int | None:
    if not details:
        return None
    return sum(_count(item.token_count) for item in details if item.modality == "AUDIO")


def render_usage(usage: Usage) -> dict[str, Any]:
    """Zeros are left out, as Google's JSON does, except for the sums that everyone reads."""
    tool_use, thoughts = usage.tool_input_tokens or 0, usage.reasoning_tokens or 0
    prompt, candidates = max(0, (usage.input_tokens or 0) - tool_use), max(0, (usage.output_tokens or 0) - thoughts)
    counts = {
        "cachedContentTokenCount": usage.cached_tokens or 0,
        "thoughtsTokenCount": thoughts,
        "toolUsePromptTokenCount": tool_use,
    }
    body: dict[str, Any] = {
        "promptTokenCount": prompt,
        "candidatesTokenCount": candidates,
        "totalTokenCount": prompt + candidates + thoughts + tool_use,
        **{name: count for name, count in counts.items() if count},
    }
    if usage.input_audio_tokens is not None:
        body["promptTokensDetails"] = _details(prompt, usage.input_audio_tokens)
    if usage.output_audio_tokens is not None:
        body["candidatesTokensDetails"] = _details(candidates, usage.output_audio_tokens)
    return body


def _details(total: int, audio: int) -> list[dict[str, Any]]:
    counts = (("TEXT", total - audio), ("AUDIO", audio))
    return [{"modality": modality, "tokenCount": count} for modality, count in counts if count > 0]
