"""Why a conversation has branches, told from its turns: retries, edits, sub-agents, calls in parallel. Pure.

A row is one of `turns`, rows are in order of time.
"""

from collections.abc import Container, Mapping, Sequence
from typing import Any

EDITED, RETRY, SUB_AGENT, PARALLEL, SIDE = "edited", "retry", "sub_agent", "parallel", "side"
# Longer, and asking again is no second attempt but a question of its own.
ATTEMPT_US = 600 * 1_000_000

Row = Mapping[str, Any]


def later_attempts(rows: Sequence[Row]) -> dict[int, int]:
    """By each call that failed: the next one that asked the same, once it had failed."""
    found: dict[int, int] = {}
    taken: set[int] = set()
    for place, row in enumerate(rows):
        if row["outcome"] != "error" or row["question"] is None:
            continue
        for later in rows[place + 1 :]:
            if later["started_us"] - row["ended_us"] > ATTEMPT_US:
                break
            again = later["question"] == row["question"] and later["started_us"] >= row["ended_us"]
            if again and later["id"] not in taken:
                found[row["id"]] = later["id"]
                taken.add(later["id"])
                break
    return found


def branch_words(rows: Sequence[Row]) -> dict[int, str]:
    """By each call that begins a branch beside an earlier one: why."""
    folded = later_attempts(rows)
    known = {row["id"] for row in rows}
    beside: dict[Any, list[Row]] = {}
    for row in rows:
        if row["id"] not in folded:
            beside.setdefault((row["parent"] if row["parent"] in known else None, row["choice"]), []).append(row)
    continued = {row["parent"] for row in rows}
    words: dict[int, str] = {}
    for (parent, _), siblings in beside.items():
        first = siblings[0] if parent is not None else _beginning(siblings, continued)
        words |= {row["id"]: _word(first, row) for row in siblings if row is not first}
    return words


def _beginning(roots: Sequence[Row], continued: Container[int]) -> Row:
    """The call that a conversation begins with. A tool may ask for a title before it asks the question itself."""
    first = roots[0]
    if first["tools"] is not None or first["id"] in continued:
        return first
    return next((row for row in roots if row["tools"] is not None and row["system"] != first["system"]), first)


def _word(before: Row, row: Row) -> str:
    if row["sub"] != before["sub"] or row["agent"] != before["agent"]:
        return SUB_AGENT
    if row["system"] != before["system"]:
        return SUB_AGENT if row["tools"] is not None or row["parent"] is not None else SIDE
    if row["started_us"] < before["ended_us"]:
        return PARALLEL
    return RETRY if row["question"] == before["question"] else EDITED
