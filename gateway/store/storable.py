"""Records that JSON and SQLite can hold, whatever a client or provider made them hold.

Half a surrogate pair and the null character come in through JSON escapes; a count beyond 2⁵³ is no count. Texts keep
all else; an impossible count becomes unknown.
"""

from typing import Any

import msgspec

from gateway.records import ExchangeRecord

LARGEST = 2**53


def storable(record: ExchangeRecord) -> ExchangeRecord:
    """The same record with impossible texts mended and impossible numbers unknown (0 where there must be one)."""
    return ExchangeRecord(**_sound_fields(record))


def _sound_fields(value: msgspec.Struct) -> dict[str, Any]:
    defaults = {field.name: field.default for field in msgspec.structs.fields(value) if not field.required}
    return {name: _sound(getattr(value, name), defaults.get(name, 0)) for name in value.__struct_fields__}


def _sound(value: Any, default: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, int) and not isinstance(value, bool):
        return value if -LARGEST <= value <= LARGEST else default
    if isinstance(value, tuple):
        return tuple(_sound(part, 0) for part in value)
    if isinstance(value, msgspec.Struct):
        return type(value)(**_sound_fields(value))
    return value
