"""The rules of x-tags."""

import pytest
from multidict import CIMultiDict

from gateway.errors import ClientError
from gateway.tags import parse_tags, stamp, tags_of


@pytest.mark.parametrize(
    ("header", "tags"),
    [
        ("", ()),
        (" , ,", ()),
        ("team:ml-ops", ("team:ml-ops",)),
        (" team : ml ops ,  solo ", ("team:ml ops", "solo")),
        ("url:http://x:1", ("url:http://x:1",)),
        ("Team:A,team:a,Team:A", ("Team:A", "team:a")),
        ("a:b,a: b ,a :b", ("a:b",)),
        ("größe:ü", ("größe:ü",)),
        ("k" * 128, ("k" * 128,)),
        (",".join(f"t:{n}" for n in range(32)), tuple(f"t:{n}" for n in range(32))),
    ],
)
def test_parsed(header: str, tags: tuple[str, ...]) -> None:
    assert parse_tags(header) == tags


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ("ok,:value", ":value"),
        ("team:", "team:"),
        ("team: ,ok", "team:"),
        ("!team:a", "!team:a"),
        ("team:a|b", "team:a|b"),
        ("team:a\x01b", r"team:a\x01b"),
        ("team:a\u2028b", r"team:a\u2028b"),
        ("k" * 129, f'"{"k" * 60}…"'),
        (",".join(f"t:{n}" for n in range(33)), "33 tags"),
    ],
)
def test_a_malformed_tag_is_named(header: str, named: str) -> None:
    with pytest.raises(ClientError) as caught:
        parse_tags(header)
    assert named in caught.value.message
    assert (caught.value.status, caught.value.param) == (400, "x-tags")


@pytest.mark.parametrize(
    ("tags", "key_tags", "stamped"),
    [
        ((), (), ()),
        (("a:1",), (), ("a:1",)),
        (("team:other", "env:dev"), ("team:ml",), ("team:ml", "env:dev")),
        (("team",), ("team:ml",), ("team:ml",)),
        (("team:ml",), ("team:ml", "team:ops"), ("team:ml", "team:ops")),
        (("Team:x",), ("team:ml",), ("team:ml", "Team:x")),
    ],
)
def test_the_keys_tags_win_for_their_tag_key(
    tags: tuple[str, ...], key_tags: tuple[str, ...], stamped: tuple[str, ...]
) -> None:
    assert stamp(tags, key_tags) == stamped


def test_a_list_may_come_in_several_lines() -> None:
    """A hop of the way adds a line of its own; taken alone, the first would be all that the row is counted for."""
    headers = CIMultiDict([("X-Tags", "team:a"), ("accept", "*/*"), ("x-tags", "env:dev, team:a")])
    assert tags_of(headers) == ("team:a", "env:dev")
    assert tags_of(CIMultiDict(accept="*/*")) == () == tags_of({})
    with pytest.raises(ClientError, match='"a!b" in x-tags'):
        tags_of(CIMultiDict([("x-tags", "fine"), ("x-tags", "a!b")]))
