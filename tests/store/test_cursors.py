"""Cursors come back as they were given, of their own list and sort alone."""

import msgspec
import pytest

from gateway.errors import ClientError
from gateway.store.cursors import EARLIEST, LATEST, Cursors

PLACES = Cursors(msgspec.json.Decoder(tuple[str, tuple[int | float, str]]))


@pytest.mark.parametrize("place", [(EARLIEST, "a"), (LATEST, ""), (0.5, "\N{SNOWMAN}")])
def test_a_place_comes_back_as_it_was(place: tuple[int | float, str]) -> None:
    assert PLACES.parse(PLACES.render(place, "cost"), "cost") == place


@pytest.mark.parametrize(
    ("cursor", "words"),
    [
        (PLACES.render((1, "a"), "newest"), "another sort"),
        (PLACES.render((LATEST + 1, "a"), "cost"), "out of range"),
        (PLACES.render((EARLIEST - 1, "a"), "cost"), "out of range"),
        (PLACES.render((1, "a\0"), "cost"), "out of range"),
        ("", "not one that an earlier answer gave"),
        ("é", "not one that an earlier answer gave"),
    ],
)
def test_another_is_refused_by_name(cursor: str, words: str) -> None:
    with pytest.raises(ClientError, match=words) as error:
        PLACES.parse(cursor, "cost")
    assert error.value.param == "cursor"
