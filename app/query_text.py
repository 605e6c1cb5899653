"""The language of the Requests filter field, parsed without looking anything up.

A word is `name:value`; commas mean "or", words mean "and", a minus before `tag:` means "not", quotes keep spaces.
Within quotes a backslash keeps the quote or the backslash that follows it.
Names of numbers take one comparison (`latency:>5s`), `status:` that or words for an outcome, and a word without a
colon is looked for in model, user and key. What cannot be read is a problem told in one sentence, with what would
work. `render` is the inverse of `parse`, and `resolve` turns a part of a name (`model:claude`) into the known names
that hold it.
"""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct

from app.translation import tr
from gateway import NUMBERS, OUTCOMES, ClientError, NumberCondition, TagCondition, number_text, parse_number

FILTERS: Mapping[str, str] = {
    "model": "model",
    "provider": "provider",
    "status": "outcome",
    "user": "user",
    "key": "key",
    "door": "door",
    "client": "client",
    "app": "app",
    "conversation": "conversation",
}
"""The names that can be typed, each with the dimension that it filters."""

TAG = "tag"
STATUS = "status"
NAMES = tuple(dict.fromkeys((*FILTERS, TAG, *NUMBERS)))
"""All that may stand before a colon."""

_FORBIDDEN_IN_TAGS = frozenset("|!")
_KNOWN = ", ".join(f"{name}:" for name in NAMES)

Word = list[tuple[str, bool]]
"""Characters, each with whether it is quoted."""


class ParsedText(Struct, frozen=True, kw_only=True):
    """`dimensions` holds each one's values as typed; `problem` is a sentence, and then the rest is empty."""

    dimensions: Mapping[str, tuple[str, ...]] = {}
    tags: tuple[TagCondition, ...] = ()
    numbers: tuple[NumberCondition, ...] = ()
    text: tuple[str, ...] = ()
    problem: str | None = None


class _Said(NamedTuple):
    """A character, whether it is quoted, and where its writing begins."""

    character: str
    quoted: bool
    place: int


class _Problem(Exception):
    """A sentence for the person who typed."""


def parse(text: str) -> ParsedText:
    """What the typed text asks for; never raises."""
    dimensions: dict[str, tuple[str, ...]] = {}
    tags: list[TagCondition] = []
    numbers: list[NumberCondition] = []
    texts: list[str] = []
    try:
        for word in _words(text):
            if (":", False) not in word:
                texts.append("".join(character for character, _ in word))
                continue
            negated, name, values = _split(word)
            if name == TAG:
                tags.append(_tag_condition(values, negated))
            elif name in NUMBERS and not (name == STATUS and _are_outcomes(values)):
                numbers.append(_number_condition(name, values))
            else:
                dimension = FILTERS[name]
                both = dimensions.get(dimension, ()) + _dimension_values(name, values)
                dimensions[dimension] = tuple(dict.fromkeys(both))
    except _Problem as problem:
        return ParsedText(problem=str(problem))
    return ParsedText(
        dimensions=dimensions,
        tags=tuple(dict.fromkeys(tags)),
        numbers=tuple(dict.fromkeys(numbers)),
        text=tuple(dict.fromkeys(texts)),
    )


def render(
    dimensions: Mapping[str, Sequence[str]],
    tags: Iterable[TagCondition],
    numbers: Iterable[NumberCondition] = (),
    text: Iterable[str] = (),
) -> str:
    """The text that `parse` reads as these filters."""
    names = {dimension: name for name, dimension in FILTERS.items()}
    words = [f"{names[dimension]}:{_join(values)}" for dimension, values in dimensions.items() if values]
    for tag in tags:
        # A tag without a value stands first: after `team:a` it would be read as another team.
        ordered = sorted(tag.any_of, key=lambda value: ":" in value)
        words.append(f"{'-' if tag.negated else ''}{TAG}:{_join(ordered)}")
    words += [f"{number.field}:{number_text(number)}" for number in numbers]
    words += [quoted(word, apart=":") for word in text]
    return " ".join(words)


def quoted(value: str, *, apart: str = ",") -> str:
    """A value as it is read back as one; `apart`: what would else end it, besides spaces."""
    if not any(character.isspace() or character in f'{apart}"' for character in value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def last_part(text: str, separates: Callable[[str], bool]) -> int:
    """Where the last part of a text begins that is still being typed; what is quoted does not separate."""
    said, _ = _said(text)
    return max((one.place + 1 for one in said if not one.quoted and separates(one.character)), default=0)


def unquoted(text: str) -> str:
    """What a text says, without its quotes; the last one need not be closed yet."""
    return "".join(one.character for one in _said(text)[0])


def resolve(values: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """Each value as it is where it is known (or nothing known holds it), else every known name that holds it."""
    names = tuple(known)
    found: list[str] = []
    for value in values:
        folded = value.casefold()
        exact = [name for name in names if name.casefold() == folded]
        found += exact or [name for name in names if folded in name.casefold()] or [value]
    return tuple(dict.fromkeys(found))


def _said(text: str) -> tuple[list[_Said], bool]:
    """The characters that a text says, and whether a quote is left open."""
    said: list[_Said] = []
    quoted, place = False, 0
    while place < len(text):
        begins = place
        if quoted and text[place] == "\\" and text[place + 1 : place + 2] in ('"', "\\"):
            place += 1
            said.append(_Said(text[place], True, begins))
        elif text[place] == '"':
            quoted = not quoted
        else:
            said.append(_Said(text[place], quoted, begins))
        place += 1
    return said, quoted


def _words(text: str) -> list[Word]:
    """The words; an unclosed quote is a problem."""
    said, open_quote = _said(text)
    if open_quote:
        told = tr("A quotation mark is not closed: write it as {example}.")
        raise _Problem(told.format(example='model:"a name with spaces"'))
    words: list[Word] = [[]]
    for character, quoted, _ in said:
        if character.isspace() and not quoted:
            words.append([])
        else:
            words[-1].append((character, quoted))
    return [word for word in words if word]


def _split(word: Word) -> tuple[bool, str, list[str]]:
    """(negated, name, comma-separated values) of one word; quoted commas do not separate."""
    place = word.index((":", False))
    name = "".join(character for character, _ in word[:place])
    negated = name.startswith("-")
    name = name.removeprefix("-").casefold()
    if name not in NAMES:
        raise _Problem(_unknown(name))
    if negated and name != TAG:
        words = tr("Only tags can be left out with a minus, as in {example}; take the minus off {name}:.")
        raise _Problem(words.format(example="-tag:env:dev", name=name))
    rest = word[place + 1 :]
    if negated is False and name == TAG and rest[:1] == [("!", False)]:
        negated, rest = True, rest[1:]
    values = [""]
    for character, quoted in rest:
        if character == "," and not quoted:
            values.append("")
        else:
            values[-1] += character
    values = [value.strip() for value in values if value.strip()]
    if not values:
        raise _Problem(tr("Say what {name}: should be, as in {example}.").format(name=name, example=_example(name)))
    return negated, name, values


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, NAMES, n=1, cutoff=0.6)
    hint = tr(" Did you mean {near}:?").format(near=near[0]) if near else ""
    return tr("“{name}:” is not a filter.{hint} These work: {known}.").format(name=name, hint=hint, known=_KNOWN)


def _example(name: str) -> str:
    examples = {
        STATUS: "status:error",
        TAG: "tag:team:ml-ops",
        "model": "model:gpt",
        "provider": "provider:openai",
        "cost": "cost:>0.01",
        "latency": "latency:>5s",
        "ttft": "ttft:>2s",
        "overhead": "overhead:>5ms",
    }
    return examples.get(name, f"{name}:>10000" if name in NUMBERS else f"{name}:NAME")


def _are_outcomes(values: list[str]) -> bool:
    """Whether these say how a request ended, and not which status it had."""
    return any(value[:1].isalpha() for value in values)


def _number_condition(name: str, values: list[str]) -> NumberCondition:
    if len(values) > 1:
        words = tr("{name}: takes one number at a time: write {example} for a range.")
        raise _Problem(words.format(name=name, example=f"{name}:>1 {name}:<5"))
    try:
        return parse_number(name, values[0])
    except ClientError as error:
        raise _Problem(str(error)) from None


def _dimension_values(name: str, values: list[str]) -> tuple[str, ...]:
    if name != STATUS:
        return tuple(values)
    outcomes = tuple(value.casefold() for value in values)
    wrong = [value for value in outcomes if value not in OUTCOMES]
    if wrong:
        words = tr("{name}: is one of {known}, or a number as in {example}; “{value}” is none of them.")
        raise _Problem(words.format(name=STATUS, known=", ".join(OUTCOMES), example="status:>=400", value=wrong[0]))
    return outcomes


def _tag_condition(values: list[str], negated: bool) -> TagCondition:
    """`team:a,b` means team:a or team:b: a value without a colon takes the tag key before it."""
    tags: list[str] = []
    key = ""
    for value in values:
        if _FORBIDDEN_IN_TAGS & set(value):
            words = tr("A tag cannot contain | or !: write “{value}” as {example}, with commas for “or”.")
            raise _Problem(words.format(value=value, example="tag:key:value"))
        own, colon, rest = value.partition(":")
        if colon and (not own or not rest):
            words = tr("“{value}” is half a tag: write it as {one}, or {any} for any team.")
            raise _Problem(words.format(value=value, one="tag:team:ml-ops", any="tag:team"))
        if colon:
            key = own
        tags.append(value if colon or not key else f"{key}:{value}")
    return TagCondition(any_of=tuple(dict.fromkeys(tags)), negated=negated)


def _join(values: Iterable[str]) -> str:
    return ",".join(map(quoted, values))
