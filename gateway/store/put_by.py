"""Rows put by on disk, so that memory does not grow with them. They go with their closing."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec

AT_ONCE = 300

_encode, _decode = msgspec.msgpack.encode, msgspec.msgpack.decode


class PutBy:
    """Rows of numbers and bytes by name, each name's in the order in which they came."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        self._end = 0
        self._places: dict[Any, list[tuple[int, int]]] = {}

    @property
    def names(self) -> Iterable[Any]:
        return self._places.keys()

    def add(self, name: Any, rows: Iterable[Sequence[int | bytes]]) -> None:
        places, left = self._places.setdefault(name, []), iter(rows)
        while some := list(islice(left, AT_ONCE)):
            data = _encode(some)
            self._file.seek(self._end)
            self._file.write(data)
            places.append((self._end, len(data)))
            self._end += len(data)

    def rows(self, name: Any) -> Iterator[list[Any]]:
        """Some in memory at a time."""
        for start, size in self._places[name]:
            self._file.seek(start)
            yield from _decode(self._file.read(size))

    def close(self) -> None:
        self._file.close()
