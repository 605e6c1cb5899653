"""Anthropic counts tokens additively: `input_tokens` is only what was neither read from nor written to a cache.

The neutral counts are inclusive. In a stream the counters come in message_start and again, cumulative, in
message_delta, in any split: they are merged raw, the last one said wins, and only the merged whole is converted, so
that nothing is added twice. What compacting the history took stands in `iterations` alone, as do the tokens of an
adviser, which is another model. Source: the SDK's Usage, MessageDeltaUsage and BetaIterationsUsage.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, structs

from gateway.dialects.counts import count_in, object_in, text_in
from gateway.model import OTHER_FIELDS, UNTOLD_MODEL, Usage

_COMPACTION, _ADVISER = "compaction", "advisor_message"
_SUMMED = (*OTHER_FIELDS.values(), "cache_write_5m_tokens")


class WireUsage(Struct):
    """The counters as they come; what was not said, or is no count, is None."""

    input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    written_5m: int | None = None
    written_1h: int | None = None
    output_tokens: int | None = None
    thinking_tokens: int | None = None
    web_searches: int | None = None
    service_tier: str | None = None
    speed: str | None = None
    inference_geo: str | None = None
    iterations: list[Any] | None = None
    in_container: bool | None = None

    def merged(self, later: "WireUsage") -> "WireUsage":
        said = {name: value for name, value in structs.asdict(later).items() if value is not None}
        return structs.replace(self, **said)


def read_usage(raw: Any, container: Any = None) -> WireUsage | None:
    """An answer's or event's `usage`, None where it is no object. A count that is none breaks no answer. `container`
    is what the same object says of where code ran."""
    if not isinstance(raw, dict):
        return None
    iterations = raw.get("iterations")
    split = object_in(raw, "cache_creation")
    return WireUsage(
        input_tokens=count_in(raw, "input_tokens"),
        cache_creation_input_tokens=count_in(raw, "cache_creation_input_tokens"),
        cache_read_input_tokens=count_in(raw, "cache_read_input_tokens"),
        written_5m=count_in(split, "ephemeral_5m_input_tokens"),
        written_1h=count_in(split, "ephemeral_1h_input_tokens"),
        output_tokens=count_in(raw, "output_tokens"),
        thinking_tokens=count_in(object_in(raw, "output_tokens_details"), "thinking_tokens"),
        web_searches=count_in(object_in(raw, "server_tool_use"), "web_search_requests"),
        service_tier=text_in(raw, "service_tier"),
        speed=text_in(raw, "speed"),
        inference_geo=text_in(raw, "inference_geo"),
        iterations=iterations if isinstance(iterations, list) else None,
        in_container=True if isinstance(container, dict) else None,
    )


def searched(block: Mapping[str, Any]) -> bool:
    """Whether a block is the result of a web search: one that failed, whose content is no list, is not billed."""
    return block.get("type") == "web_search_tool_result" and isinstance(block.get("content"), list)


def parse_usage(usage: WireUsage) -> Usage:
    """Inclusive counts, of all that the answer took."""
    counts = _counts(usage)
    beside: dict[str, int] = {"code_containers": 1} if usage.in_container else {}
    for item in usage.iterations or ():
        kind = text_in(item, "type") if isinstance(item, dict) else None
        if kind not in (_COMPACTION, _ADVISER):
            # All others are within the message's own counts.
            continue
        said = _counts(read_usage(item) or WireUsage())
        if kind == _COMPACTION:
            counts = _added(counts, said)
            if said.input_tokens:
                beside["compaction"] = beside.get("compaction", 0) + said.input_tokens
            continue
        model = text_in(item, "model") or UNTOLD_MODEL
        for name, field in OTHER_FIELDS.items():
            if number := getattr(said, field):
                beside[f"{model}/{name}"] = beside.get(f"{model}/{name}", 0) + number
    return structs.replace(counts, rare_counts=tuple(beside.items())) if beside else counts


def _added(counts: Usage, more: Usage) -> Usage:
    sums = {field: (getattr(counts, field) or 0) + number for field in _SUMMED if (number := getattr(more, field))}
    return structs.replace(counts, **sums)


def _counts(usage: WireUsage) -> Usage:
    written, written_5m, written_1h = _cache_writes(usage)
    parts = (usage.input_tokens, written, usage.cache_read_input_tokens)
    return Usage(
        input_tokens=None if usage.input_tokens is None else sum(part or 0 for part in parts),
        cached_tokens=usage.cache_read_input_tokens,
        cache_write_tokens=written,
        cache_write_5m_tokens=written_5m,
        cache_write_1h_tokens=written_1h,
        output_tokens=usage.output_tokens,
        reasoning_tokens=usage.thinking_tokens,
        web_searches=usage.web_searches,
        service_tier=usage.service_tier,
        speed=usage.speed,
        inference_geo=usage.inference_geo,
    )


def _cache_writes(usage: WireUsage) -> tuple[int | None, int | None, int | None]:
    """Total, 5-minute and 1-hour writes, always adding up: what the split leaves out was written for 5 minutes."""
    five, hour, total = usage.written_5m, usage.written_1h, usage.cache_creation_input_tokens
    if total is None and five is None and hour is None:
        return None, None, None
    hour = hour or 0
    total = max(total or 0, (five or 0) + hour)
    return total, total - hour, hour


def render_usage(usage: Usage | None) -> dict[str, Any]:
    """The whole usage object, as in an answer's body and in message_start."""
    usage = usage or Usage()
    written = usage.cache_write_tokens or 0
    hour = min(usage.cache_write_1h_tokens or 0, written)
    body = {
        **render_delta_usage(usage),
        "cache_creation": {"ephemeral_5m_input_tokens": written - hour, "ephemeral_1h_input_tokens": hour},
        "service_tier": usage.service_tier if usage.service_tier in ("standard", "priority", "batch") else None,
    }
    if usage.speed is not None:
        body["speed"] = usage.speed
    return body


def render_delta_usage(usage: Usage) -> dict[str, Any]:
    """The cumulative counters of message_delta."""
    cached, written = usage.cached_tokens or 0, usage.cache_write_tokens or 0
    body: dict[str, Any] = {
        "input_tokens": max(0, (usage.input_tokens or 0) - cached - written),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": cached,
        "output_tokens": usage.output_tokens or 0,
    }
    if usage.reasoning_tokens is not None:
        body["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    if usage.web_searches is not None:
        body["server_tool_use"] = {"web_search_requests": usage.web_searches, "web_fetch_requests": 0}
    return body
