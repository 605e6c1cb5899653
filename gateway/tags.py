"""Tags: `key[:value]` words by which usage is told apart; the rules of the `x-tags` header, used for keys too.

Comma-separated, split at the first colon, trimmed, case kept, duplicates collapsed.
"""

import unicodedata
from collections.abc import Iterable, Mapping

from gateway.errors import ClientError
from gateway.http_head import header_text

MAX_TAGS = 32
MAX_CHARACTERS = 128
# They separate and negate tags in filters and headers.
_RESERVED = frozenset(",|!")


def parse_tags(header: str) -> tuple[str, ...]:
    """The tags of an `x-tags` header, in order. Raises ClientError naming the bad tag. Empty pieces are skipped."""
    tags: dict[str, None] = {}
    for piece in header.split(","):
        if tag := piece.strip():
            tags[_checked(tag)] = None
    if len(tags) > MAX_TAGS:
        raise ClientError(f"x-tags holds {len(tags)} tags and at most {MAX_TAGS} are allowed.", param="x-tags")
    return tuple(tags)


def tags_of(headers: Mapping[str, str]) -> tuple[str, ...]:
    """The tags that came with a request, in any number of `x-tags` lines. Raises ClientError naming the bad tag."""
    return parse_tags(header_text(whole_list(headers, "x-tags")))


def whole_list(headers: Mapping[str, str], name: str) -> str:
    """A header whose value is a list, "" where it is missing: HTTP lets each hop add a line of its own to it."""
    if name not in headers:
        return ""
    return ",".join([value for key, value in headers.items() if key.lower() == name])


def tag_key(tag: str) -> str:
    return tag.partition(":")[0]


def stamp(tags: Iterable[str], key_tags: Iterable[str]) -> tuple[str, ...]:
    """The request's tags and the key's; the key's win: a request cannot say another value for their tag keys."""
    stamped = tuple(dict.fromkeys(key_tags))
    taken = {tag_key(tag) for tag in stamped}
    return stamped + tuple(tag for tag in dict.fromkeys(tags) if tag_key(tag) not in taken)


def _checked(tag: str) -> str:
    key, colon, value = (part.strip() for part in tag.partition(":"))
    shown = tag if tag.isprintable() else ascii(tag)[1:-1]
    if len(shown) > 60:
        shown = shown[:60] + "…"

    def refuse(reason: str) -> ClientError:
        return ClientError(f'The tag "{shown}" in x-tags {reason}.', param="x-tags")

    if not key:
        raise refuse("has no key before its colon")
    if colon and not value:
        raise refuse("has a colon and no value behind it")
    clean = f"{key}:{value}" if colon else key
    if len(clean) > MAX_CHARACTERS:
        raise refuse(f"is longer than {MAX_CHARACTERS} characters")
    for character in clean:
        if character in _RESERVED or unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
            raise refuse(f"holds {character!a}, which tags must not hold")
    return clean
