"""Filters as chips say them, and how choosing a value changes them; without Qt.

Values of one tag are OR-ed in one condition, and each condition can be turned into its opposite.
"""

from collections.abc import Callable, Mapping, Sequence

from app.formats import money_exact
from app.time_words import TTFT
from app.translation import Words, later, tr
from gateway import NumberCondition, TagCondition

DIMENSION_NAMES: Mapping[str, str] = Words(
    {
        "model": later("Model"),
        "provider": later("Provider"),
        "user": later("User"),
        "key": later("API key"),
        "app": later("App"),
        "client": later("Client"),
        "door": later("Door"),
        "conversation": later("Conversation"),
        "outcome": later("Outcome"),
    }
)
"""The dimensions that can be filtered by, in the order in which they are offered."""

_COMPARISONS: Mapping[str, str] = Words(
    {
        "previous": later("The period before"),
        "weekday": later("The same days of the week before"),
        "none": later("Nothing"),
    }
)
_NUMBER_NAMES: Mapping[str, str] = Words(
    {
        "status": later("Status"),
        "cost": later("Cost"),
        "latency": later("Latency"),
        "ttft": TTFT,
        "overhead": later("Overhead"),
        "tokens": later("Tokens"),
        "input": later("Tokens in"),
        "output": later("Tokens out"),
        "cached": later("Cached"),
        "reasoning": later("Reasoning"),
    }
)
_SIGNS: Mapping[str, str] = {">=": "≥", "<=": "≤"}
_TIMES = ("latency", "ttft", "overhead")
_SHOWN_VALUES = 3
CONVERSATION, PROVIDER = "conversation", "provider"

NameValue = Callable[[str, str], str]
"""What a dimension's value is called."""


def as_written(_dimension: str, value: str) -> str:
    return value


def tag_key(tag: str) -> str:
    """`team` of `team:platform`; a tag without a value is its own key."""
    return tag.partition(":")[0]


def tag_value(tag: str) -> str:
    """`platform` of `team:platform`; empty for a tag without a value."""
    return tag.partition(":")[2]


def condition_key(condition: TagCondition) -> str | None:
    """The tag key that all of a condition's tags share."""
    keys = {tag_key(tag) for tag in condition.any_of}
    return keys.pop() if len(keys) == 1 else None


def tag_text(condition: TagCondition) -> str:
    """`team: platform, growth`, `team: not platform`, `not beta`, `team:a or env:b`."""
    key = condition_key(condition)
    if key is None:
        return _negated(tr(" or ").join(condition.any_of), condition)
    values = [tag_value(tag) for tag in condition.any_of]
    if values == [""]:
        return _negated(key, condition)
    words = _join([value or tr("any") for value in values])
    return f"{key}: {_negated(words, condition)}"


def _negated(words: str, condition: TagCondition) -> str:
    return tr("not {what}").format(what=words) if condition.negated else words


def dimension_text(dimension: str, values: Sequence[str], name: NameValue = as_written) -> str:
    """`Model: gpt-5, o3`."""
    return f"{DIMENSION_NAMES.get(dimension, dimension)}: {_join([name(dimension, value) for value in values])}"


def number_words(condition: NumberCondition) -> str:
    """`Status ≥ 400`, `Cost > $0.01`, `Latency > 5 s`, `Tokens > 10,000`; nothing is rounded away."""
    sign = _SIGNS.get(condition.operator, condition.operator)
    return f"{_NUMBER_NAMES[condition.field]} {sign} {_number_shown(condition)}"


def _number_shown(condition: NumberCondition) -> str:
    value = condition.value
    if condition.field == "cost":
        return money_exact(value)
    if condition.field in _TIMES:
        unit, size = ("s", 1_000_000) if value >= 1_000_000 else ("ms", 1000)
        return f"{value / size:,.6f}".rstrip("0").rstrip(".") + f" {unit}"
    return str(value) if condition.field == "status" else f"{value:,}"


def comparison_name(how: str) -> str:
    """What figures are compared with, as a choice of `COMPARISONS`."""
    return _COMPARISONS[how]


def find_condition(tags: Sequence[TagCondition], key: str) -> TagCondition | None:
    """The first condition about this tag key alone."""
    return next((condition for condition in tags if condition_key(condition) == key), None)


def with_tag_toggled(tags: Sequence[TagCondition], tag: str, *, negated: bool) -> tuple[TagCondition, ...]:
    """The conditions with `tag` chosen, or no longer chosen; its key's condition is kept in its place."""
    old = find_condition(tags, tag_key(tag))
    if old is None:
        return (*tags, TagCondition(any_of=(tag,), negated=negated))
    chosen = tuple(known for known in old.any_of if known != tag)
    if len(chosen) == len(old.any_of):
        chosen = (*old.any_of, tag)
    new = (TagCondition(any_of=chosen, negated=negated),) if chosen else ()
    return tuple(kept for condition in tags for kept in (new if condition is old else (condition,)))


def with_key_negated(tags: Sequence[TagCondition], key: str, *, negated: bool) -> tuple[TagCondition, ...]:
    """The conditions with this key's one turned to "is not", or back."""
    old = find_condition(tags, key)
    return tuple(
        TagCondition(any_of=condition.any_of, negated=negated) if condition is old else condition
        for condition in tags
    )


def _join(values: Sequence[str]) -> str:
    shown = ", ".join(values[:_SHOWN_VALUES])
    more = len(values) - _SHOWN_VALUES
    return tr("{shown} and {more} more").format(shown=shown, more=more) if more > 0 else shown
