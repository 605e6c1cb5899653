"""The filter field's language: what is understood, what is refused with which words, and that it can be said back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.query_text import ParsedText, parse, render, resolve
from gateway import TagCondition

UNDERSTOOD = [
    ("", {}, ()),
    ("   ", {}, ()),
    ("model:gpt-4.1", {"model": ("gpt-4.1",)}, ()),
    ("MODEL:gpt-4.1", {"model": ("gpt-4.1",)}, ()),
    ("provider:openai,anthropic", {"provider": ("openai", "anthropic")}, ()),
    ("status:error", {"outcome": ("error",)}, ()),
    ("status:OK,aborted", {"outcome": ("ok", "aborted")}, ()),
    ("status:interrupted", {"outcome": ("interrupted",)}, ()),
    ("model:a model:b model:a", {"model": ("a", "b")}, ()),
    (
        "user:ana key:ci door:chat client:claude-code app:x conversation:c-1",
        {"user": ("ana",), "key": ("ci",), "door": ("chat",), "client": ("claude-code",), "app": ("x",)}
        | {"conversation": ("c-1",)},
        (),
    ),
    ('user:"Ana Maria"', {"user": ("Ana Maria",)}, ()),
    ('key:"a,b",c', {"key": ("a,b", "c")}, ()),
    ("model:vendor:name", {"model": ("vendor:name",)}, ()),
    ("tag:team:ml-ops", {}, (TagCondition(("team:ml-ops",)),)),
    ("tag:team", {}, (TagCondition(("team",)),)),
    ("tag:team:a,team:b", {}, (TagCondition(("team:a", "team:b")),)),
    ("tag:team:a,b", {}, (TagCondition(("team:a", "team:b")),)),
    ("tag:beta,team:a", {}, (TagCondition(("beta", "team:a")),)),
    ("tag:path:a:b", {}, (TagCondition(("path:a:b",)),)),
    ("-tag:env:dev", {}, (TagCondition(("env:dev",), negated=True),)),
    ("tag:!env:dev", {}, (TagCondition(("env:dev",), negated=True),)),
    ("tag:team:a tag:env:prod", {}, (TagCondition(("team:a",)), TagCondition(("env:prod",)))),
    ("tag:team:a tag:team:a", {}, (TagCondition(("team:a",)),)),
]


@pytest.mark.parametrize(("text", "dimensions", "tags"), UNDERSTOOD)
def test_understood(text: str, dimensions: dict[str, tuple[str, ...]], tags: tuple[TagCondition, ...]) -> None:
    assert parse(text) == ParsedText(dimensions=dimensions, tags=tags)


REFUSED = [
    ("claude", ["“claude” is not a filter", "model:", "tag:"]),
    ("modle:gpt", ["“modle:” is not a filter", "Did you mean model:?"]),
    ("model:a latency:>5", ["“latency:”", "provider:"]),
    ("model:", ["Say what model: should be", "model:gpt"]),
    ("model:,", ["Say what model: should be"]),
    ("status:500", ["ok, error, aborted, interrupted", "“500”"]),
    ("-model:gpt", ["Only tags", "-tag:env:dev", "model:"]),
    ('user:"Ana', ["quotation mark"]),
    ("tag:team:", ["half a tag"]),
    ("tag::x", ["half a tag"]),
    ("tag:team:a|team:b", ["no | or !"]),
]


@pytest.mark.parametrize(("text", "words"), REFUSED)
def test_refused_in_one_sentence_that_says_what_works(text: str, words: list[str]) -> None:
    parsed = parse(text)
    assert parsed.problem is not None
    assert (parsed.dimensions, parsed.tags) == ({}, ())
    assert [word for word in words if word not in parsed.problem] == []


_value = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters='"'), min_size=1
).filter(lambda text: text == text.strip())
_part = st.text("abc-. é", min_size=1).filter(lambda text: text == text.strip())
_tag = st.builds(lambda key, value: f"{key}:{value}" if value else key, _part, st.just("") | _part)
_tags = st.builds(
    TagCondition,
    st.lists(_tag, min_size=1, unique=True).map(lambda tags: tuple(sorted(tags, key=lambda tag: ":" in tag))),
    st.booleans(),
)
_dimensions = st.dictionaries(
    st.sampled_from(["model", "provider", "user", "key", "conversation"]),
    st.lists(_value, min_size=1, unique=True).map(tuple),
)


@given(_dimensions, st.lists(_tags, unique=True).map(tuple))
def test_what_is_rendered_is_read_back(
    dimensions: dict[str, tuple[str, ...]], tags: tuple[TagCondition, ...]
) -> None:
    assert parse(render(dimensions, tags)) == ParsedText(dimensions=dimensions, tags=tags)


KNOWN = ("claude-sonnet-4-6", "claude-haiku-4-5", "gpt-4.1", "gpt-4.1-mini")


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (("claude",), ("claude-sonnet-4-6", "claude-haiku-4-5")),
        (("gpt-4.1",), ("gpt-4.1",)),
        (("GPT-4.1",), ("gpt-4.1",)),
        (("mini", "gpt"), ("gpt-4.1-mini", "gpt-4.1")),
        (("grok",), ("grok",)),
        ((), ()),
    ],
)
def test_part_of_a_name_stands_for_all_that_hold_it(values: tuple[str, ...], found: tuple[str, ...]) -> None:
    assert resolve(values, KNOWN) == found
