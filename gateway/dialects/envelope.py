"""Carries another dialect's opaque state (signatures, encrypted reasoning) through a door that has one string for it.

A client sends the string back untouched; unwrapped, the state goes to the dialect that made it and to no other. The
prefix tells ours from a provider's own signature, which is never altered and never invented.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec

from gateway.model import Extra

_PREFIX = "fg1."
_decode = msgspec.json.Decoder(dict[str, dict[str, object]]).decode


def wrap(extra: Extra, *, without: str, mark: str = "part") -> str:
    """The pockets of all dialects but one; `mark` says what the state belongs to."""
    pockets = {dialect: pocket for dialect, pocket in extra.items() if dialect != without}
    return f"{_PREFIX}{mark}." + urlsafe_b64encode(msgspec.json.encode(pockets)).decode().rstrip("=")


def unwrap(text: str) -> tuple[str, Extra] | None:
    """The mark and the pockets; None where the string is not ours, or is damaged."""
    if not text.startswith(_PREFIX):
        return None
    mark, _, packed = text.removeprefix(_PREFIX).partition(".")
    try:
        return mark, _decode(urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
    except (ValueError, msgspec.MsgspecError):
        return mark, {}
