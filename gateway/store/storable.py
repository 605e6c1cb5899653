"""Records that JSON and SQLite can hold and add up, whatever a client or provider made them hold.

Half a surrogate pair and the null character come in through JSON escapes. A count that is negative or beyond
anything that a request can use is no count: it becomes unknown, since sums of such numbers would leave SQLite's
integers and no question could be answered any more. Texts keep all else.
"""

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

import msgspec

from gateway.model import MOST_NANO, MOST_TOKENS
from gateway.records import ExchangeRecord
from gateway.store.measures import COUNTS

LARGEST = 2**53
# A hundred thousand dollars, and four months: a hundred thousand rows of either still add up.
LIMITS: Mapping[str, int] = {
    **dict.fromkeys(COUNTS, MOST_TOKENS),
    "cost_nano": MOST_NANO,
    **dict.fromkeys(("latency_us", "ttft_us", "overhead_us"), 10**13),
}

_limited_of = attrgetter(*LIMITS)
_limits = tuple(LIMITS.values())
_LEAST_LIMIT = min(_limits)


def adds_up(record: ExchangeRecord) -> bool:
    """Whether each number of a record may go into sums as it is."""
    # Most are far from any limit.
    if 0 <= _bits_of(record) <= _LEAST_LIMIT:
        return True
    return all(value is None or 0 <= value <= most for value, most in zip(_limited_of(record), _limits, strict=True))


def _bits_of(record: ExchangeRecord) -> int:
    """All bits of what is limited: at least the largest of all numbers, and negative where one of them is. Each by
    its name, which is faster than by a getter of all."""
    return (
        (record.input_tokens or 0)
        | (record.cached_tokens or 0)
        | (record.cache_write_tokens or 0)
        | (record.cache_write_1h_tokens or 0)
        | (record.input_audio_tokens or 0)
        | (record.output_tokens or 0)
        | (record.reasoning_tokens or 0)
        | (record.output_audio_tokens or 0)
        | (record.web_searches or 0)
        | (record.cost_nano or 0)
        | (record.latency_us or 0)
        | (record.ttft_us or 0)
        | (record.overhead_us or 0)
    )


def storable(record: ExchangeRecord) -> ExchangeRecord:
    """The same record with impossible texts mended and impossible numbers unknown (0 where there must be one)."""
    fields = _sound_fields(record)
    for name, most in LIMITS.items():
        if fields[name] is not None and not 0 <= fields[name] <= most:
            fields[name] = None
    if fields["cost_nano"] is None:
        fields["cost_source"] = "none"
    return ExchangeRecord(**fields)


def is_sound(text: str) -> bool:
    """Whether SQLite and JSON hold a text as it is; False only says that it is to be looked at."""
    return text.isascii() and "\0" not in text


def sound_text(text: str) -> str:
    """A text that SQLite and JSON hold."""
    return text if is_sound(text) else text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _sound_fields(value: msgspec.Struct) -> dict[str, Any]:
    defaults = {field.name: field.default for field in msgspec.structs.fields(value) if not field.required}
    return {name: _sound(getattr(value, name), defaults.get(name, 0)) for name in value.__struct_fields__}


def _sound(value: Any, default: Any) -> Any:
    if isinstance(value, str):
        return sound_text(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value if -LARGEST <= value <= LARGEST else default
    if isinstance(value, tuple):
        return tuple(_sound(part, 0) for part in value)
    if isinstance(value, msgspec.Struct):
        return type(value)(**_sound_fields(value))
    return value
