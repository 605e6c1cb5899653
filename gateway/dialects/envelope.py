"""Carries another provider's opaque state (signatures, encrypted reasoning) where a door has one string for it.

A client sends the string back untouched. It names the model that made the state: unwrapped, the state goes to that
model and to no other, because every provider refuses what another one signed, or it itself for another model. The
prefix tells ours from a provider's own signature, which is never altered and never invented.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from gateway.model import NO_EXTRA, Extra

# The pocket that names who made the state in the others: {"model": "google/gemini-3.1-pro-preview", "state": […]}.
ORIGIN = "origin"
# What a pocket calls the opaque state that only its maker can read.
_STATE = frozenset(("encrypted_content", "redacted", "signature", "thought_signature"))
# Long, because bodies of any size are searched for it, and a long string is found several times faster.
_PREFIX = "faregate-state-1."
# Doors whose clients bring thoughts back in plain words: there, a thought without state may be anybody's.
STATELESS_DOORS = frozenset(("openai_chat",))
# How a string with our prefix begins in a body: as it is, and in base64, in which Gemini has its signatures.
PLAIN, PACKED = b'"faregate-state-1.', b'"ZmFyZWdhdGUtc3RhdGUt'


class _Carried(Struct, rename={"origin": "from"}):
    origin: str
    state: dict[str, dict[str, object]]


_decode = msgspec.json.Decoder(_Carried).decode


def wrap(extra: Extra, *, without: str, origin: str, mark: str = "part") -> str:
    """The pockets of all dialects but one, and who made them; `mark` says what the state belongs to."""
    pockets = {dialect: dict(pocket) for dialect, pocket in extra.items() if dialect != without}
    packed = urlsafe_b64encode(msgspec.json.encode(_Carried(origin, pockets))).decode().rstrip("=")
    return f"{_PREFIX}{mark}.{packed}"


def unwrap(text: str) -> tuple[str, Extra] | None:
    """The mark and the pockets, one of them saying whose they are; None where the string is not ours.

    What is ours but damaged is nobody's state.
    """
    if not text.startswith(_PREFIX):
        return None
    mark, _, packed = text.removeprefix(_PREFIX).partition(".")
    try:
        carried = _decode(urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
    except (ValueError, msgspec.MsgspecError):
        carried = _Carried("", {})
    pockets = {dialect: pocket for dialect, pocket in carried.state.items() if dialect != ORIGIN}
    return mark, {**pockets, ORIGIN: {"model": carried.origin, "state": list(pockets)}}


def has_state(extra: Extra) -> bool:
    """Whether a provider's opaque state is here."""
    return any(not _STATE.isdisjoint(pocket) for pocket in extra.values())


def without_state(extra: Extra) -> Extra:
    """The pockets without opaque state."""
    kept = {
        dialect: {name: value for name, value in pocket.items() if name not in _STATE}
        for dialect, pocket in extra.items()
    }
    return {dialect: pocket for dialect, pocket in kept.items() if pocket} or NO_EXTRA


def at_home(extra: Extra, home: str) -> Extra:
    """The pockets as the model `home` may get them: what another one made stays out, and who made it stays told."""
    origin: Mapping[str, object] | None = extra.get(ORIGIN)
    if origin is None:
        return extra
    if origin.get("model") == home:
        return {dialect: pocket for dialect, pocket in extra.items() if dialect != ORIGIN} or NO_EXTRA
    foreign = origin.get("state")
    names = foreign if isinstance(foreign, list) else ()
    return {dialect: pocket for dialect, pocket in extra.items() if dialect not in names}
