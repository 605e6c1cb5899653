"""Compressed bodies: what senders put into them comes out, in bounded pieces, and what is broken is said so."""

import gzip
import random
import zlib
from collections.abc import Iterable

import pytest

from gateway.http.inflate import PIECE, Inflater

WORDS = b"What was said, more than once. " * 999


def bare(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def inflated(encoding: str, pieces: Iterable[bytes]) -> bytes:
    inflater = Inflater(encoding)
    found = [piece for data in pieces for piece in inflater.feed(data)]
    inflater.close()
    assert all(0 < len(piece) <= PIECE for piece in found)
    return b"".join(found)


FORMS = {
    "gzip": ("gzip", gzip.compress(WORDS), WORDS),
    "two members": ("gzip", gzip.compress(WORDS) + gzip.compress(b"And more."), WORDS + b"And more."),
    "zeros behind": ("gzip", gzip.compress(WORDS) + bytes(512), WORDS),
    "deflate": ("deflate", zlib.compress(WORDS), WORDS),
    "deflate without its wrapper": ("deflate", bare(WORDS), WORDS),
    "nothing in it": ("gzip", gzip.compress(b""), b""),
    "nothing at all": ("gzip", b"", b""),
    "a full piece": ("deflate", zlib.compress(bytes(PIECE)), bytes(PIECE)),
    "many pieces of few bytes": ("gzip", gzip.compress(bytes(9 * PIECE + 1)), bytes(9 * PIECE + 1)),
}


@pytest.mark.parametrize("name", FORMS)
def test_what_was_put_in_comes_out_however_it_is_cut(name: str) -> None:
    encoding, packed, whole = FORMS[name]
    assert inflated(encoding, [packed]) == whole
    assert inflated(encoding, [packed[at : at + 1] for at in range(len(packed))]) == whole
    rng, at, cut = random.Random(5), 0, list[bytes]()
    while at < len(packed):
        size = rng.randint(1, 40)
        cut.append(packed[at : at + size])
        at += size
    assert inflated(encoding, cut) == whole


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("gzip", gzip.compress(WORDS)[:-9]),
        ("gzip", gzip.compress(WORDS)[:-1]),
        ("gzip", b"plain words"),
        ("gzip", gzip.compress(WORDS) + b"plain words"),
        ("gzip", bytes(9)),
        ("deflate", zlib.compress(WORDS)[:-2]),
        ("deflate", b"\xff\xff\xff"),
        ("deflate", zlib.compress(WORDS) + b"plain words"),
    ],
    ids=["cut", "checksum cut", "no gzip", "no second member", "zeros", "deflate cut", "no deflate", "more behind"],
)
def test_what_is_broken_is_said_so(encoding: str, data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        inflated(encoding, [data])


def test_a_bomb_is_told_piece_by_piece() -> None:
    pieces = Inflater("gzip").feed(gzip.compress(bytes(64 << 20), 9))
    assert [len(next(pieces)) for _ in range(3)] == [PIECE] * 3
