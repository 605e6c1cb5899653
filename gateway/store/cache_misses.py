"""Why a turn read less from the provider's prompt cache than the turn before had left there. Pure.

A cache holds a prefix: tools, then instructions, then messages, each byte. What differs first decides what is lost.
"""

from collections.abc import Callable, Mapping
from typing import Any

from gateway.store.cache_blocks import MESSAGE_CHANGED, SAME, SYSTEM_CHANGED, TOOLS_CHANGED, TOOLS_MOVED
from gateway.thread_records import CacheMiss

# Providers count cached tokens in steps, OpenAI's of 128; what is smaller is no miss.
LEAST_TOKENS = 128
MINUTE_US = 60_000_000
# Anthropic's lifetimes; OpenAI keeps a prefix for 5 to 10 minutes of rest.
SHORT_US, LONG_US = 5 * MINUTE_US, 60 * MINUTE_US

# (provider, model, tokens, µs since the epoch) → what these cost more then as fresh input than from the cache, None
# where no price is known.
Unit = Callable[[str, str, int, int], int | None]
Row = Mapping[str, Any]


def explain(before: Row, row: Row, unit: Unit | None = None) -> CacheMiss | None:
    """None where nothing was lost, or nobody said what was cached."""
    if row["cached_tokens"] is None and row["input_tokens"] is None:
        return None
    left = (before["cached_tokens"] or 0) + (before["cache_write_tokens"] or 0)
    # A shorter history cannot read more than it has.
    lost = min(left, row["input_tokens"] or left) - (row["cached_tokens"] or 0)
    if lost < LEAST_TOKENS or row["outcome"] == "error":
        return None
    reason, where = _reason(before, row)
    priced = unit is not None and row["provider"] and row["model"]
    cost = unit(row["provider"], row["model"], lost, row["started_us"]) if unit and priced else None
    return CacheMiss(reason=reason, where=where, lost_tokens=lost, cost_nano=cost)


def _reason(before: Row, row: Row) -> tuple[str, str]:
    if (before["provider"], before["model"]) != (row["provider"], row["model"]):
        return "model_changed", f"{before['model']} before, {row['model']} now"
    changed = row["changed"]
    if changed == TOOLS_MOVED:
        return "tools_moved", "the same tools in another order"
    if changed == TOOLS_CHANGED or (changed is None and before["tools"] != row["tools"]):
        return "tools_changed", "tool definitions"
    if changed == SYSTEM_CHANGED or (changed is None and before["system"] != row["system"]):
        return "system_changed", "system instructions"
    if changed is not None and changed >= MESSAGE_CHANGED:
        return "changed", f"message {changed - MESSAGE_CHANGED + 1} of the history"
    if row["shortened"]:
        return "changed", "the history was shortened"
    rest_us = row["started_us"] - before["ended_us"]
    if rest_us > (LONG_US if before["cache_write_1h_tokens"] else SHORT_US):
        return "expired", f"{rest_us // MINUTE_US} minutes after the turn before"
    return "unknown", "nothing that was sent" if changed == SAME else "not known"
