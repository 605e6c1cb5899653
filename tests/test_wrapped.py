"""What a text is wrapped in."""

import re
import time

import pytest

from gateway.wrapped import element_of


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("<note>words</note>", "note"),
        ("\n<note kind='x'>a <b>bold</b> word</note>\n", "note"),
        ("<a>1</a>\n<b>2</b>", "a"),
        ("<a>1</a> words <b>2</b>", None),
        ("words <a>1</a>", None),
        ("<a>1<a>2</a>3</a>", "a"),
        ("<a>names <a> without closing it</a>", "a"),
        ("<a>1</a></a> words", None),
        ("<a-b>1</a-b>", "a-b"),
        ("<a>1</ab>", None),
        ("<a>never closed", None),
        ("", None),
    ],
)
def test_the_element_that_all_of_a_text_stands_in(text: str, name: str | None) -> None:
    assert element_of(text) == name


def test_no_pattern_is_made_for_a_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    """One for each of many names took ten seconds for a megabyte."""
    monkeypatch.setattr(re, "compile", None)
    assert element_of("".join(f"<t{number}>x</t{number}>" for number in range(100))) == "t0"


def test_many_elements_that_do_not_end_before_the_text_are_looked_through_once() -> None:
    """Each was looked for through all that follows: eighty kilobytes of them took nine seconds."""

    def seconds(elements: int) -> float:
        text = "".join(f"<t{number}><t{number}></t{number}>" for number in range(elements))
        began = time.thread_time()
        assert element_of(text) == "t0"
        return time.thread_time() - began

    few = min(seconds(1000) for _ in range(5))
    assert min(seconds(8000) for _ in range(3)) < 24 * few
