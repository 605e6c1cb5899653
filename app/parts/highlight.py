"""Colours for code: one scanner for the languages that models write most, told apart by a row each.

It knows comments, strings, numbers and keywords, and no grammar: what it does not know keeps the text's colour.
A span is (start, length, token name); the token names are the theme's, readable on every ground.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from msgspec import Struct

Span = tuple[int, int, str]

COMMENT, STRING, NUMBER, KEYWORD, ADDED, REMOVED, NAME = "text3", "ok", "warn", "accent", "ok", "bad", "accent"

_NUMBER = r"(?<![\w.])(?:0[xXbBoO][\da-fA-F_]+|\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][+-]?\d+)?)(?!\w)"
_DOUBLE, _SINGLE, _BACKTICK = r'"(?:\\.|[^"\\\n])*"?', r"'(?:\\.|[^'\\\n])*'?", r"`(?:\\.|[^`\\])*`?"
_HASH, _SLASHES, _DASHES = r"#[^\n]*", r"//[^\n]*|/\*[\s\S]*?(?:\*/|$)", r"--[^\n]*"


class Language(Struct, frozen=True):
    """`comment` and `strings` are patterns; `keywords` words, in any case where `any_case`."""

    comment: str = ""
    strings: tuple[str, ...] = (_DOUBLE, _SINGLE)
    keywords: str = ""
    any_case: bool = False


_PYTHON = Language(
    _HASH,
    (r'[rbfuRBFU]{0,2}"""[\s\S]*?(?:"""|$)', r"[rbfuRBFU]{0,2}'''[\s\S]*?(?:'''|$)", _DOUBLE, _SINGLE),
    "and as assert async await break case class continue def del elif else except False finally for from global if "
    "import in is lambda match None nonlocal not or pass raise return self True try while with yield",
)
_SCRIPT = Language(
    _SLASHES,
    (_DOUBLE, _SINGLE, _BACKTICK),
    "abstract any as async await boolean break case catch class const continue default delete do else enum export "
    "extends false finally for from function if implements import in instanceof interface let new null number of "
    "private public readonly return static string super switch this throw true try type typeof undefined var void "
    "while yield",
)
_SHELL = Language(
    r"(?<![\w$])#[^\n]*",
    (_DOUBLE, r"'[^']*'?"),
    "if then else elif fi for in do done while until case esac function return export local set cd echo exit sudo",
)
_SQL = Language(
    _DASHES + r"|/\*[\s\S]*?(?:\*/|$)",
    (_SINGLE, _DOUBLE),
    "add all alter and as asc begin between by case check column commit count create cross default delete desc "
    "distinct drop else end exists explain foreign from full group having if in index inner insert into is join key "
    "left like limit not null offset on or order outer over partition primary references returning right rollback "
    "select set sum table then union unique update using values view when where with",
    any_case=True,
)
_BRACES = Language(
    _SLASHES,
    (_DOUBLE, _SINGLE, _BACKTICK),
    "abstract as async auto await bool boolean break case catch chan char class const continue crate default defer "
    "do double dyn else enum extends extern false final float fn for func go goto if impl implements import in int "
    "interface internal let long loop map match mod mut namespace new nil null nullptr override package private "
    "protected pub public range return select self short signed sizeof static str string struct super switch "
    "template this throw throws trait true try type typedef unsafe unsigned use using val var virtual void where "
    "while",
)
_DATA = Language(_HASH, (_DOUBLE, _SINGLE), "true false null yes no on off")
_STYLE = Language(r"/\*[\s\S]*?(?:\*/|$)", (_DOUBLE, _SINGLE), "important media import root hover focus before after")
_MARKUP = Language(r"<!--[\s\S]*?(?:-->|$)", (_DOUBLE, _SINGLE))

_ROWS: tuple[tuple[str, Language], ...] = (
    ("python py python3 pycon", _PYTHON),
    ("javascript js jsx typescript ts tsx mjs node", _SCRIPT),
    ("bash sh shell zsh console fish dockerfile makefile make", _SHELL),
    ("sql postgresql postgres sqlite mysql", _SQL),
    ("go golang rust rs java kotlin kt swift c h cpp c++ cc hpp csharp cs php scala dart proto", _BRACES),
    ("yaml yml toml ini properties ruby rb hcl terraform tf", _DATA),
    ("css scss less", _STYLE),
    ("html xml svg vue", _MARKUP),
)
LANGUAGES = {name: language for names, language in _ROWS for name in names.split()}


@lru_cache(maxsize=32)
def _scanner(language: Language) -> re.Pattern[str]:
    words = "|".join(sorted(language.keywords.split(), key=len, reverse=True))
    groups = [
        ("comment", language.comment),
        ("string", "|".join(language.strings)),
        ("number", _NUMBER),
        ("keyword", rf"\b(?:{words})\b" if words else ""),
    ]
    pattern = "|".join(f"(?P<{name}>{inner})" for name, inner in groups if inner)
    return re.compile(pattern, re.IGNORECASE if language.any_case else 0)


_TONES = {"comment": COMMENT, "string": STRING, "number": NUMBER, "keyword": KEYWORD}
_JSON = re.compile(
    r'(?P<name>"(?:\\.|[^"\\\n])*")(?=\s*:)|(?P<string>"(?:\\.|[^"\\\n])*"?)'
    rf"|(?P<number>-?{_NUMBER})|(?P<keyword>\b(?:true|false|null)\b)"
)
_JSON_TONES = {"name": NAME, "string": STRING, "number": NUMBER, "keyword": KEYWORD}
_DIFF_LINE = re.compile(r"^(?:(?P<removed>-.*)|(?P<added>\+.*)|(?P<place>@@.*|diff .*|index .*))$", re.MULTILINE)
_DIFF_TONES = {"removed": REMOVED, "added": ADDED, "place": COMMENT}

_HTTP_LINE = re.compile(r"^(?P<name>[^:\n]+)(?=: )", re.MULTILINE)
_HTTP_TONES = {"name": NAME}


def spans(text: str, language: str) -> Iterator[Span]:
    """What of the text has a colour of its own; nothing for a language that has no row."""
    name = language.lower()
    if name in ("json", "jsonc", "json5", "jsonl"):
        yield from _found(_JSON, _JSON_TONES, text)
    elif name in ("diff", "patch"):
        yield from _found(_DIFF_LINE, _DIFF_TONES, text)
    elif name == "http":
        yield from _found(_HTTP_LINE, _HTTP_TONES, text)
    elif (row := LANGUAGES.get(name)) is not None:
        yield from _found(_scanner(row), _TONES, text)


def _found(pattern: re.Pattern[str], tones: dict[str, str], text: str) -> Iterator[Span]:
    for match in pattern.finditer(text):
        yield match.start(), match.end() - match.start(), tones[match.lastgroup or ""]
