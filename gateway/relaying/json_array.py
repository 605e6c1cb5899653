"""A stream as one JSON array, which is what Google's API sends where the client does not ask for events.

The provider is asked for events all the same, and codecs write them: here only the framing changes, so that each
element's bytes are those of its event. An error in the middle is the last element, an early refusal the only one.
Source: Google's own answers to `streamGenerateContent` without `alt=sse`, as its REST clients read them.
"""

from collections.abc import Mapping

from gateway.relaying.connection import Client
from gateway.sse import Decoder


class JsonArray:
    """Takes events for `end` and gives it the elements of an array."""

    def __init__(self, end: Client) -> None:
        self._end = end
        self._decoder = Decoder()
        self._before = b"["

    @property
    def started(self) -> bool:
        return self._end.started

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        await self._end.whole(status, headers, body if body.lstrip()[:1] == b"[" else b"[%b]" % body)

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        await self._end.start(status, {**headers, "content-type": "application/json; charset=UTF-8"})

    async def write(self, data: bytes) -> None:
        if elements := self._elements([event.data for event in self._decoder.feed(data)]):
            await self._end.write(elements)

    async def finish(self, data: bytes) -> None:
        events = self._decoder.feed(data) + self._decoder.close()
        elements = self._elements([event.data for event in events])
        await self._end.finish(elements + (b"[]" if self._before == b"[" else b"\n]\n"))

    def _elements(self, found: list[bytes]) -> bytes:
        out = bytearray()
        for element in found:
            out += self._before + element
            self._before = b",\r\n"
        return bytes(out)
