"""Filters that were typed become those of the window, and chips."""

import re

from msgspec.structs import replace

from app.filters import FilterState
from app.query_text import ParsedText, parse, resolve
from gateway import Gateway, UsageQuery

# Among words that are searched for; a value in quotes may hold spaces.
_FILTER = re.compile(r'(?<!\S)-?(?:model|tag):(?:"(?:[^"\\]|\\.)*"|[^\s"])+', re.IGNORECASE)


def split(text: str) -> tuple[ParsedText, str]:
    """The models and tags that are typed among words that are searched for, and these words; what cannot be read is
    searched for too."""
    parsed = parse(" ".join(_FILTER.findall(text)))
    if parsed.problem or parsed == ParsedText():
        return ParsedText(), text.strip()
    return parsed, " ".join(_FILTER.sub("", text).split())


async def resolved(gateway: Gateway, parsed: ParsedText, within: UsageQuery) -> ParsedText:
    """A part of a name becomes the names in use `within` that hold it, so that chips say what is filtered. Raises
    what the gateway's queries raise."""
    wanted = dict(parsed.dimensions)
    for dimension, values in parsed.dimensions.items():
        if dimension == "conversation":
            # A year has hundreds of thousands, and each is known by an id that is pasted.
            named = [name for value in values for name in await gateway.conversations_named(within, value)]
            wanted[dimension] = resolve(values, named)
        elif dimension != "outcome":
            found = await gateway.breakdown(within, dimension, sort="requests")
            wanted[dimension] = resolve(values, (row.value for row in found.rows if row.value is not None))
    return replace(parsed, dimensions=wanted)


def add(filters: FilterState, parsed: ParsedText) -> None:
    """To those that are set."""
    dimensions = filters.dimensions
    for dimension, values in parsed.dimensions.items():
        dimensions[dimension] = tuple(dict.fromkeys(dimensions.get(dimension, ()) + values))
    tags = tuple(dict.fromkeys(filters.tags + parsed.tags))
    numbers = tuple(dict.fromkeys(filters.numbers + parsed.numbers))
    text = tuple(dict.fromkeys(filters.text + parsed.text))
    filters.restore(replace(filters.snapshot(), dimensions=dimensions, tags=tags, numbers=numbers, text=text))
