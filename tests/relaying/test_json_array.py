"""A stream of events as one JSON array: the same elements, each out at once."""

import json
from collections.abc import Mapping

import pytest

from gateway.relaying.json_array import JsonArray
from gateway.sse import encode

ELEMENTS = [b'{"a":"\xc3\xa9 ] , ["}', b'{ "b" : 1e2 }', b'{"c":[]}']
STREAM = b"".join(map(encode, ELEMENTS))


class Kept:
    def __init__(self) -> None:
        self.started = False
        self.headers: Mapping[str, str] = {}
        self.pieces: list[bytes] = []

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.headers, self.pieces = headers, [body]

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        self.started, self.headers = True, headers

    async def write(self, data: bytes) -> None:
        self.pieces.append(data)

    async def finish(self, data: bytes) -> None:
        self.pieces.append(data)


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
async def test_the_elements_are_the_events_bytes(size: int) -> None:
    end = Kept()
    array = JsonArray(end)
    assert not array.started
    await array.start(200, {"content-type": "text/event-stream", "x-request-id": "r"})
    for at in range(0, len(STREAM), size):
        await array.write(STREAM[at : at + size])
    await array.finish(b"")
    text = b"".join(end.pieces)
    assert array.started and end.headers == {"content-type": "application/json; charset=UTF-8", "x-request-id": "r"}
    assert text == b"[" + b",\r\n".join(ELEMENTS) + b"\n]\n"
    assert json.loads(text) == [json.loads(element) for element in ELEMENTS]


async def test_each_element_goes_out_with_its_event() -> None:
    end = Kept()
    array = JsonArray(end)
    await array.start(200, {})
    for number, element in enumerate(ELEMENTS, 1):
        await array.write(encode(element))
        assert b"".join(end.pieces) == b"[" + b",\r\n".join(ELEMENTS[:number])
    await array.write(b": a comment is no element\n\n")
    assert len(end.pieces) == len(ELEMENTS)


@pytest.mark.parametrize(
    ("rest", "found"), [(b"", []), (b'data: {"a":1}\n\n', [{"a": 1}]), (b'data: {"a":1}', [{"a": 1}])]
)
async def test_the_last_bytes_end_the_array(rest: bytes, found: list[object]) -> None:
    end = Kept()
    array = JsonArray(end)
    await array.start(200, {})
    await array.finish(rest)
    assert json.loads(b"".join(end.pieces)) == found


@pytest.mark.parametrize(("body", "sent"), [(b'{"error":{}}', b'[{"error":{}}]'), (b' [{"a":1}]', b' [{"a":1}]')])
async def test_a_whole_answer_is_an_array_too(body: bytes, sent: bytes) -> None:
    end = Kept()
    await JsonArray(end).whole(400, {"content-type": "application/json"}, body)
    assert end.pieces == [sent]
