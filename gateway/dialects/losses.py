"""What a translation leaves out or bends, by the client's own field names, and what it must refuse.

A field whose loss changes the answer's meaning is refused (`Unsupported`); a hint, a quality or billing knob is
dropped and named; a default that says nothing is dropped without a word. Names are the chat door's where the neutral
model knows the field; a foreign dialect's own fields keep their own names.
"""

from collections.abc import Container, Mapping
from typing import Any

from gateway.errors import Unsupported
from gateway.model import Request

# Honoured by the gateway itself, or hints about caching and storage that cannot change an answer.
_SILENT = frozenset(
    (
        "client_metadata",
        "include",
        "metadata",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "store",
        "stream_options",
        "user",
    )
)
_DEFAULT_TIERS = (None, "auto", "default")


class Losses:
    """Names in the order in which they were met, each once."""

    def __init__(self) -> None:
        self._dropped: dict[str, None] = {}
        self._adapted: dict[str, None] = {}

    def drop(self, name: str) -> None:
        self._dropped[name] = None

    def adapt(self, name: str) -> None:
        self._adapted[name] = None

    @property
    def dropped(self) -> tuple[str, ...]:
        return tuple(self._dropped)

    @property
    def adapted(self) -> tuple[str, ...]:
        return tuple(self._adapted)


def own_fields(request: Request, dialect: str, losses: Losses, carried: Container[str] = ()) -> Mapping[str, Any]:
    """The request's pocket of this dialect; what other dialects' pockets hold is refused or named as dropped.

    `carried` are fields of other dialects that the caller carries all the same. Raises Unsupported for an essential
    field of another dialect.
    """
    own = request.extra.get(dialect, {})
    for name in request.essential:
        if name not in own:
            raise Unsupported(f"The model's provider has nothing like '{name}': leave it out.", param=name)
    for other, pocket in request.extra.items():
        if other == dialect:
            continue
        for name, value in pocket.items():
            if value not in (None, [], {}) and name not in _SILENT and name not in carried:
                losses.drop(name)
    return own


def drop_service_tier(request: Request, losses: Losses) -> None:
    """A tier changes the price, so that another provider's tier is never guessed from it."""
    if request.service_tier not in _DEFAULT_TIERS:
        losses.drop("service_tier")
