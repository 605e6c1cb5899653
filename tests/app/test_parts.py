"""Each kind of part as pieces: Markdown with its code apart, coloured code, JSON trees, and what is named only."""

import json

import pytest

from app import formats
from app.parts import VIEWS
from app.parts.fences import markdown
from app.parts.highlight import LANGUAGES, spans
from app.parts.json_lines import MOST_LINES, closed_at_first, json_lines
from app.parts.piece import (
    EVERYTHING,
    SLICE_CHARS,
    Code,
    Note,
    Picture,
    Piece,
    Plain,
    Prose,
    Room,
    Token,
    Tree,
    cut,
    slices,
)
from gateway import Blob, File, Opaque, Part, Reasoning, Refusal, Text, ToolCall, ToolCallResponse, Uri

SMALL = Room(8, 1_600)


def pieces(part: Part, room: Room = EVERYTHING) -> list[Piece]:
    return list(VIEWS[type(part)](part, room))


def coloured(text: str, language: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for start, length, tone in spans(text, language):
        found.setdefault(tone, []).append(text[start : start + length])
    return found


# Markdown


def test_code_stands_apart_from_prose() -> None:
    found = list(markdown("Before\n\n```python\nx = 1\n```\n\nAfter\n~~~\nraw ``` text\n~~~~"))
    assert found == [
        Prose("Before"),
        Code("x = 1", "python", whole="x = 1"),
        Prose("After"),
        Code("raw ``` text", "", whole="raw ``` text"),
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("```js\na", "a"),
        ("   ```\na\n   ```", "a"),
        ("````\n```\ninner\n```\n````", "```\ninner\n```"),
        ("```\na\n``\nb\n```", "a\n``\nb"),
    ],
)
def test_a_fence_is_closed_by_its_like_or_by_the_end(text: str, code: str) -> None:
    assert [piece.text for piece in markdown(text) if isinstance(piece, Code)] == [code]


def test_ticks_in_a_line_are_no_fence() -> None:
    assert list(markdown("```not a fence``` here\n    ```\nindented")) == [
        Prose("```not a fence``` here\n    ```\nindented")
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('See ![the *plot*](https://a.example/p_1.png "Fig. 1").', "See [the *plot*](https://a.example/p_1.png)."),
        ("![](file:///etc/x) ![ ](<a b.png>)", "[file:///etc/x](file:///etc/x) [a b.png](<a b.png>)"),
        ("[![build](https://b.example/s.svg)](https://b.example)", "[build](https://b.example)"),
        (r"`![a](b)` ``![a](`b)`` \![a](b) ![a] (b) ![", r"`![a](b)` ``![a](`b)`` \![a](b) ![a] (b) !["),
    ],
)
def test_a_picture_that_lies_elsewhere_leaves_its_words(text: str, shown: str) -> None:
    assert list(markdown(text)) == [Prose(shown)]


def test_long_prose_and_code_come_in_slices_that_lose_nothing() -> None:
    prose = "\n\n".join(f"Paragraph {n} says {'much ' * 60}" for n in range(40))
    found = list(markdown(prose))
    assert len(found) > 3
    assert max(len(piece.text) for piece in found if isinstance(piece, Prose)) < 3 * SLICE_CHARS
    assert "".join("".join(piece.text.split()) for piece in found if isinstance(piece, Prose)) == "".join(
        prose.split()
    )
    code = "\n".join(f"line_{n} = {n}" for n in range(500))
    made = [piece for piece in markdown(f"```py\n{code}\n```") if isinstance(piece, Code)]
    assert "\n".join(piece.text for piece in made) == code
    assert [piece.whole for piece in made] == [code, *[None] * (len(made) - 1)]
    assert [(piece.first, piece.last) for piece in made][:: len(made) - 1] == [(True, False), (False, True)]


def test_a_paragraph_without_an_end_is_cut() -> None:
    assert max(len(piece.text) for piece in markdown("x" * 50_000) if isinstance(piece, Prose)) <= SLICE_CHARS


def test_a_table_of_hundreds_of_cells_is_shown_as_it_was_written() -> None:
    row = "| a " * 20 + "|"
    table = "\n".join([row, "|-" * 20 + "|", *[row] * 20])
    assert "".join(piece.text for piece in markdown(table) if isinstance(piece, Code)).replace(
        "\n", ""
    ) == table.replace("\n", "")
    assert list(markdown("| a | b |\n|---|---|\n| 1 | 2 |")) == [Prose("| a | b |\n|---|---|\n| 1 | 2 |")]


# colours


def test_python_has_colours() -> None:
    found = coloured('def f(x):  # note\n    return """doc""" + x * 0x1F', "python")
    assert found["accent"] == ["def", "return"]
    assert found["text3"] == ["# note"]
    assert found["ok"] == ['"""doc"""']
    assert found["warn"] == ["0x1F"]


@pytest.mark.parametrize(
    ("language", "text", "tone", "words"),
    [
        ("ts", "const a = `b ${c}` // end", "ok", ["`b ${c}`"]),
        ("bash", "echo '#no' # yes", "text3", ["# yes"]),
        ("sql", "SELECT a FROM t -- why", "accent", ["SELECT", "FROM"]),
        ("go", "func f() { /* a\nb */ }", "text3", ["/* a\nb */"]),
        ("yaml", "on: true # c", "accent", ["on", "true"]),
        ("css", "a { color: red } /* x */", "text3", ["/* x */"]),
        ("html", "<!-- c --><a href='x'>", "ok", ["'x'"]),
        ("json", '{"a": "b", "n": -1.5e3, "t": null}', "accent", ['"a"', '"n"', '"t"', "null"]),
        ("diff", "-old\n+new\n same", "bad", ["-old"]),
    ],
)
def test_languages_have_colours(language: str, text: str, tone: str, words: list[str]) -> None:
    assert coloured(text, language)[tone] == words


def test_what_has_no_row_has_no_colour() -> None:
    assert coloured("if x then y", "klingon") == {}
    assert coloured("if x then y", "") == {}


@pytest.mark.parametrize("language", sorted({*LANGUAGES, "json", "diff", "http"}))
def test_spans_lie_in_the_text_and_never_on_each_other(language: str) -> None:
    text = "if x: \"open\n/* never closed\n# 'a' 0b11 1.5e9 ``` <a b='c'> -- \\\" é😀 @@ +1\n-2" * 3
    end = 0
    for start, length, _tone in spans(text, language):
        assert start >= end and length > 0
        end = start + length
    assert end <= len(text)


# JSON


def lines(value: object, closed: frozenset[tuple[str | int, ...]] = frozenset()) -> list[str]:
    return ["  " * line.depth + "".join(text for text, _ in line.runs) for line in json_lines(value, closed)]


def test_a_value_is_the_json_that_it_was() -> None:
    value = {"a": [1, 2.5, None, True], "b": {"c": 'quo"te', "empty": {}}, "ü": []}
    assert json.loads("\n".join(lines(value))) == value


def test_closed_values_say_their_size() -> None:
    assert lines({"a": [1, 2], "b": 3}, frozenset({("a",)})) == ["{", '  "a": [ … ],  2 items', '  "b": 3', "}"]
    assert lines({"a": {"x": 1}}, frozenset({("a",)}))[1] == '  "a": { … }  1 key'


def test_deep_and_long_values_are_closed_at_first() -> None:
    value = {"long": list(range(25)), "short": [1], "deep": {"er": {"est": {"x": 1}}}}
    assert closed_at_first(value) == {("long",), ("deep", "er", "est")}
    wide = {name: {"a": 1, "b": 2, "c": 3} for name in "vwxyz"}
    assert closed_at_first({**wide, "n": 1}) == {(name,) for name in "vwxyz"}, "it would be long"


def test_a_long_tree_says_where_it_ends() -> None:
    shown = json_lines(list(range(MOST_LINES * 2)), frozenset())
    assert len(shown) == MOST_LINES + 1
    assert "more" in shown[-1].runs[0][0]


def test_a_deep_tree_is_no_deeper_than_can_be_read() -> None:
    value: object = 1
    for _ in range(500):
        value = [value]
    assert len(json_lines(value, frozenset())) < 100


# parts


def test_text_and_refusals() -> None:
    assert pieces(Text("Hello **you**")) == [Prose("Hello **you**")]
    found = pieces(Refusal("I cannot."))
    assert isinstance(found[0], Note) and "declined" in found[0].text
    assert found[1] == Prose("I cannot.")


def test_reasoning_is_plain_behind_a_bar_and_hidden_reasoning_says_so() -> None:
    assert pieces(Reasoning("I should *not* be Markdown.")) == [
        Plain("I should *not* be Markdown.", "text2", bar="reasoning")
    ]
    (hidden,) = pieces(Reasoning(""))
    assert isinstance(hidden, Note) and "Encrypted by the provider" in hidden.text


def test_arguments_are_one_line_or_a_tree_or_as_they_came() -> None:
    short = pieces(ToolCall("1", "f", '{"path":"a.py"}'))
    assert short == [Code('{"path": "a.py"}', "json", whole='{"path":"a.py"}')]
    value = {"command": "x" * 100, "more": [1]}
    assert pieces(ToolCall("1", "f", json.dumps(value))) == [Tree(value, json.dumps(value))]
    assert pieces(ToolCall("1", "f", '{"cut off')) == [Code('{"cut off', "json", whole='{"cut off')]
    assert pieces(ToolCall("1", "f", "*** patch", custom=True)) == [Code("*** patch", "", whole="*** patch")]
    (nothing,) = pieces(ToolCall("1", "f", ""))
    assert isinstance(nothing, Note)


def test_json_that_is_too_deep_is_shown_as_text() -> None:
    deep = "[" * 100_000
    (found,) = pieces(ToolCall("1", "f", deep), Room(4, 40_000))[:1]
    assert isinstance(found, Code)


def test_results_are_trees_or_text_and_failures_are_red() -> None:
    value = {"rows": [{"id": n, "name": f"row {n}"} for n in range(9)]}
    assert pieces(ToolCallResponse("1", (Text(json.dumps(value)),))) == [Tree(value, json.dumps(value))]
    assert pieces(ToolCallResponse("1", (Text("no such file"),), is_error=True)) == [
        Code("no such file", "", whole="no such file", tone="bad")
    ]
    (nothing,) = pieces(ToolCallResponse("1", ()))
    assert isinstance(nothing, Note)
    diff = pieces(ToolCallResponse("1", (Text("--- a\n+++ b\n"),)))
    assert isinstance(diff[0], Code) and diff[0].language == "diff"


def test_a_long_result_is_folded() -> None:
    text = "\n".join(f"line {n}" for n in range(500))
    (shown,) = pieces(ToolCallResponse("1", (Text(text),)), SMALL)
    assert isinstance(shown, Code) and shown.text.split("\n") == [f"line {n}" for n in range(8)]


def test_pictures_are_shown_and_other_bytes_named() -> None:
    (shown,) = pieces(Blob("image/png", "aGk=", filename="a.png"))
    assert shown == Picture("aGk=", "image/png", "a.png · image/png · 3 B")
    (sound,) = pieces(Blob("audio/wav", "aGk=", modality="audio"))
    assert isinstance(sound, Token) and "audio/wav" in sound.text
    (vector,) = pieces(Blob("image/svg+xml", "aGk="))
    assert isinstance(vector, Token), "SVG may name other files"


def test_what_lies_elsewhere_is_named_and_never_fetched() -> None:
    (address,) = pieces(Uri("https://example.org/a.png"))
    assert address == Token("link", "https://example.org/a.png", "image, not fetched: https://example.org/a.png")
    (file,) = pieces(File("file_1", filename="report.pdf"))
    assert isinstance(file, Token) and file.text == "report.pdf" and "file_1" in file.detail


def test_a_block_without_a_word_of_ours_is_raw() -> None:
    found = pieces(Opaque("anthropic", {"type": "web_search_tool_result", "content": [{"url": "https://a"}] * 3}))
    assert isinstance(found[0], Note) and found[0].text == "web_search_tool_result, as anthropic wrote it"
    assert isinstance(found[1], Tree) and found[1].value["content"][0] == {"url": "https://a"}


# words and cuts


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (2_140, "2.1 kB"), (99_960, "100.0 kB"), (3_400_000, "3.4 MB")],
)
def test_sizes(count: int, words: str) -> None:
    assert formats.size(count) == words


def test_a_cut_ends_at_a_line_or_a_word() -> None:
    assert cut("a\nb\nc", Room(2, 100)) == "a\nb"
    assert cut("a\nb \nc", Room(2, 100, "…")) == "a\nb…" and cut("a\nb", Room(2, 100, "…")) == "a\nb"
    assert cut("one two three", Room(2, 9, "…")) == "one two…"
    assert cut("a\nb\n\n", Room(2, 100, "…")) == "a\nb", "an empty line at the end is nothing more to read"
    assert cut("some words here", Room(9, 12)) == "some words"
    assert cut("unbroken" * 9, Room(9, 20)) == ("unbroken" * 9)[:20]
    assert cut("short", Room(9, 20)) == "short"


def test_slices_are_whole_lines() -> None:
    text = "\n".join(str(n) for n in range(100))
    parts = list(slices(text, 50, 10))
    assert "\n".join(parts) == text
    assert all(len(part) <= 50 and part.count("\n") < 10 for part in parts)
    assert list(slices("")) == [""]
