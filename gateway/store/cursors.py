"""Cursors: the place after which the next page begins, as text that callers give back as it came."""

import base64
import binascii
from typing import Any, Generic, TypeVar

import msgspec

from gateway.errors import ClientError

EARLIEST, LATEST = -(2**63), 2**63 - 1

Place = TypeVar("Place", bound=tuple[Any, ...])


class Cursors(Generic[Place]):
    """Of one list, whose places `decoder` reads beside the sort that they are of."""

    def __init__(self, decoder: msgspec.json.Decoder[tuple[str, Place]]) -> None:
        self._decode = decoder.decode

    def render(self, place: Place, sort: str = "") -> str:
        return base64.urlsafe_b64encode(msgspec.json.encode((sort, place))).decode().rstrip("=")

    def parse(self, cursor: str, sort: str = "") -> Place:
        """Raises ClientError for anything that `render` did not make of this sort, or that no database holds."""
        try:
            found, place = self._decode(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
        except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
            raise ClientError(
                "The cursor is not one that an earlier answer gave; leave it out to begin again.", param="cursor"
            ) from error
        if found != sort:
            raise ClientError("The cursor is one of another sort; keep the sort from page to page.", param="cursor")
        if not all(map(_is_held, place)):
            raise ClientError("The cursor is out of range; leave it out to begin again.", param="cursor")
        return place


def _is_held(value: object) -> bool:
    """Whether a database can hold it."""
    if isinstance(value, int):
        return EARLIEST <= value <= LATEST
    return not isinstance(value, str) or "\0" not in value
