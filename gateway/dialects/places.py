"""The client's own paths to the parts of its messages, kept while a codec gathers, splits and restores them."""

from collections.abc import Sequence

from gateway.model import Part, Role, ToolCallResponse

# A part and the client's own path to it.
Placed = tuple[Part, str]


def content_places(content: object, path: str, count: int) -> list[str]:
    """Paths to `count` parts of `content`: to the field itself where it is a string, or parts were left out."""
    if isinstance(content, list) and len(content) == count:
        return [f"{path}[{index}]" for index in range(count)]
    return [path] * count


def realigned(before: Sequence[Part], places: Sequence[str], after: Sequence[Part]) -> list[str]:
    """The places of those parts that are left, in their order, and were changed in their pockets only."""
    if len(before) == len(after):
        return list(places)
    found: list[str] = []
    at = 0
    for number, part in enumerate(after):
        last = len(before) - (len(after) - number)
        while at < last and not _same(before[at], part):
            at += 1
        found.append(places[at])
        at += 1
    return found


def results_first(role: Role, parts: Sequence[Placed]) -> list[tuple[Role, list[Placed]]]:
    """A turn's tool results as a message of their own before its words, as those want it that tell them apart."""
    results = [item for item in parts if isinstance(item[0], ToolCallResponse)]
    rest = [item for item in parts if not isinstance(item[0], ToolCallResponse)]
    return [(kind, items) for kind, items in ((Role.TOOL, results), (role, rest)) if items]


def _same(one: Part, other: Part) -> bool:
    if type(one) is not type(other):
        return False
    return all(getattr(one, name, None) == getattr(other, name, None) for name in ("id", "text", "value"))
