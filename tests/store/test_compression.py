"""What is stored comes back as it was, also from the forms of earlier versions, and short messages take half."""

import hashlib
import random
import zlib

import pytest

from gateway.model import Message, Role, Text
from gateway.store import compression, signatures
from gateway.store.compression import LARGE, Unreadable, compressed, expanded
from gateway.store.content import PAGE_BYTES, Sealed, _filling, encode
from tests.store.test_thread_growth import SOURCE


@pytest.mark.parametrize("size", [0, 1, 63, 64, 200, 2_000, LARGE - 1, LARGE, 100_000])
def test_all_comes_back(size: int) -> None:
    for data in (SOURCE[:size].encode(), random.Random(size).randbytes(size), b"\0" * size):
        small = compressed(data)
        assert expanded(small) == data and len(small) <= size + 1
        if size >= LARGE:
            assert expanded(small + b" " * 30).startswith(data)


def test_a_short_message_takes_half_of_its_form() -> None:
    for text in ("Done.", "Please read the file and tell me what is wrong with the function.", SOURCE[:2500]):
        for role in (Role.USER, Role.ASSISTANT):
            data = encode([Message(role, (Text(text),)), []])
            assert len(compressed(data)) < 0.62 * len(data), (text, role)


def test_what_hardly_shrinks_stays_as_it_is() -> None:
    for size in (100, 1_000, 100_000):
        data = random.Random(1).randbytes(size)
        assert compressed(data) == b"\0" + data


def test_the_form_of_earlier_versions_is_read() -> None:
    assert expanded(b"\1" + zlib.compress(b"before", 1)) == b"before"


@pytest.mark.parametrize("plain", [b"", b"\3abc", b"\1abc", b"\2\xff\xff", compressed(SOURCE[:3000].encode())[:-9]])
def test_anything_else_is_refused(plain: bytes) -> None:
    with pytest.raises(Unreadable):
        expanded(plain)


def test_what_stored_bytes_depend_on_has_not_changed() -> None:
    found = [hashlib.sha256(each).hexdigest()[:16] for each in (compression._BEFORE, signatures._SPREAD)]
    assert found == ["4f37f9633e60fe61", "437f4a3339c2c909"]


def test_no_row_nearly_fills_a_page() -> None:
    for size in range(4 * PAGE_BYTES):
        row = size + _filling(size) + 28 + 25
        kept = row if row <= PAGE_BYTES - 35 else 103 + (row - 103) % (PAGE_BYTES - 4)
        assert not PAGE_BYTES * 3 // 4 < kept <= PAGE_BYTES - 35, size
        assert _filling(size) < PAGE_BYTES // 4


def test_spaces_at_the_end_of_a_row_say_nothing() -> None:
    sealed = Sealed(bytes(32), None)  # type: ignore[arg-type]
    for size in range(600, 1_000, 7):
        data = encode([random.Random(size).randbytes(size // 2).hex()])
        assert sealed.unpack(1, b"a", sealed.pack_json(1, b"a", data)).rstrip(b" ") == data


def test_what_saves_little_more_than_half_is_stored_as_it_is() -> None:
    text = ("a line of a text that says the same again and again, " * 40).encode()
    for size in (compression.SHORT, 1000, compression.LONG - 1):
        assert compressed(text[:size]) == b"\0" + text[:size]
    for size in (compression.SHORT - 1, compression.LONG):
        assert len(compressed(text[:size])) < size / 2
