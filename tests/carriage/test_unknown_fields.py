"""A new field at any place of any request: carried, refused, or told as lost, in the client's own words."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.dialects.carriage import ANTHROPIC, CHAT, DIALECT_NAMES, GEMINI
from gateway.errors import ClientError
from gateway.model import Rendered
from tests.carriage.examples import EXAMPLES
from tests.carriage.test_table import ABLE, BASES, rendered

NEW = "hat_size"
# Read by the gateway itself and meant for no provider.
OWN = ("client_metadata",)
Place = tuple[str | int, ...]


def objects(value: Any, place: Place = ()) -> Iterator[Place]:
    if isinstance(value, dict):
        yield place
        for key, item in value.items():
            yield from objects(item, (*place, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from objects(item, (*place, index))


def with_new(body: dict[str, Any], place: Place) -> dict[str, Any]:
    changed: Any = copy.deepcopy(body)
    found = changed
    for step in place:
        found = found[step]
    found[NEW] = 46
    return dict(changed)


def path_of(place: Place) -> str:
    path = "".join("[]" if isinstance(step, int) else f".{step}" for step in place)
    return path.removeprefix(".")


def said(door: str, dialect: str, body: dict[str, Any]) -> Rendered | str:
    try:
        return rendered(door, dialect, body, ABLE[dialect])
    except ClientError as error:
        return error.message


@pytest.mark.parametrize("feature", EXAMPLES)
def test_a_new_field_is_carried_or_told(feature: str) -> None:
    for door, body in EXAMPLES[feature].items():
        for dialect in DIALECT_NAMES:
            base = said(door, dialect, body)
            if dialect == door or isinstance(base, str):
                continue
            told = [name.removesuffix(".type") for name in (*base.dropped, *base.adapted)]
            for place in objects(body):
                path = path_of(place)
                # What is lost as a whole was told already.
                if said(door, dialect, with_new(body, place)) == base and path not in OWN:
                    assert any(path.startswith(name) for name in told), (door, dialect, path)


@pytest.mark.parametrize(
    ("door", "place", "field"),
    [
        (CHAT, (), "hat_size"),
        (CHAT, ("messages", 0), "hat_size"),
        (ANTHROPIC, ("messages", 0), "messages[].hat_size"),
        (GEMINI, ("contents", 0), "contents[].hatSize"),
    ],
)
def test_it_is_told_once_by_its_own_path(door: str, place: Place, field: str) -> None:
    body = BASES[door]
    dialect = next(name for name in DIALECT_NAMES if name != door)
    found = rendered(door, dialect, with_new(body, place), ABLE[dialect])
    assert found.dropped == (field,)
    assert rendered(door, dialect, body, ABLE[dialect]).dropped == ()
