"""What is looked for: letters without upper and lower case are looked for in the bytes as they are, all others folded."""

import sys
from unicodedata import category

import pytest

from gateway.store.needles import AFTER, BEFORE, Needle


def test_no_letter_is_folded_into_one_that_has_no_case() -> None:
    letters = map(chr, range(sys.maxunicode + 1))
    folded = "".join(fold for letter in letters if (fold := letter.casefold()) != letter)
    assert len(folded) > 1_000 and {category(letter) for letter in folded}.isdisjoint({"Lo"})


@pytest.mark.parametrize(
    ("text", "caseless"), [("日本", True), ("א", True), ("हि", False), ("ж", False), ("日a", False), ("ab", False)]
)
def test_which_are_caseless(text: str, caseless: bool) -> None:
    assert Needle(text).caseless is caseless


@pytest.mark.parametrize("text", ["日本", "א", "c日", "ж", "ab"])
def test_a_look_at_many_or_at_one_misses_nothing(text: str) -> None:
    needle = Needle(text)
    plain = [part.encode() for part in (f"AB {text} ", "", f"{text.upper()}{text}", "日", f"x{text[:-1]}", "ЖA")]
    holding = [place for place, part in enumerate(plain) if text in part.decode().casefold()]
    assert [place for place, part in enumerate(plain) if needle.may_be_in(part)] == holding
    if needle.caseless:
        assert needle.may_be_among(plain) == holding


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("here", None),
        ("a  Find\nb", "a Find b"),
        ("-" * BEFORE + "find" + "-" * AFTER, "-" * BEFORE + "find" + "-" * AFTER),
        ("x" + "-" * BEFORE + "find" + "-" * AFTER + "x", "…" + "-" * BEFORE + "find" + "-" * AFTER + "…"),
        # Each ß is folded into two letters.
        ("ß" * BEFORE + "find" + "-" * AFTER, "ß" * BEFORE + "find" + "-" * AFTER),
        ("xßfind", "xßfind"),
    ],
)
def test_the_line_around_it_says_where_it_is_cut(text: str, line: str | None) -> None:
    assert Needle("FIND").line(("other", text)) == line
