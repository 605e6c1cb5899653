"""The filter field's language: what is understood, what is refused with which words, and that it can be said back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.query_text import ParsedText, parse, render, resolve
from gateway import NUMBERS, OPERATORS, NumberCondition, TagCondition

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
    (r'model:"a \"b\""', {"model": ('a "b"',)}, ()),
    (r'user:"a \\" key:"c:\new dir"', {"user": ("a \\",), "key": (r"c:\new dir",)}, ()),
    (r"user:corp\ana", {"user": (r"corp\ana",)}, ()),
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


@pytest.mark.parametrize(
    ("text", "numbers", "words"),
    [
        ("status:500", [("status", "=", 500)], ()),
        ("status:>=400 cost:>0.01", [("status", ">=", 400), ("cost", ">", 10_000_000)], ()),
        ("latency:>5s latency:<10s", [("latency", ">", 5_000_000), ("latency", "<", 10_000_000)], ()),
        ("tokens:>10k sonnet", [("tokens", ">", 10_000)], ("sonnet",)),
        ("claude ana claude", [], ("claude", "ana")),
        ('"model:gpt" "two words"', [], ("model:gpt", "two words")),
        ("Cost:<=1", [("cost", "<=", 1_000_000_000)], ()),
    ],
)
def test_numbers_and_free_text_are_understood(
    text: str, numbers: list[tuple[str, str, int]], words: tuple[str, ...]
) -> None:
    conditions = tuple(NumberCondition(*number) for number in numbers)
    assert parse(text) == ParsedText(numbers=conditions, text=words)
    assert parse(render({}, (), conditions, words)) == ParsedText(numbers=conditions, text=words)


REFUSED = [
    ("modle:gpt", ["“modle:” is not a filter", "Did you mean model:?", "latency:", "tag:"]),
    ("model:a latensy:>5", ["“latensy:”", "Did you mean latency:?"]),
    ("latency:slow", ["no number for latency", "latency:>5s"]),
    ("cost:", ["Say what cost: should be", "cost:>0.01"]),
    ("tokens:>1,<5", ["one number at a time", "tokens:>1 tokens:<5"]),
    ("status:error,429", ["“429”"]),
    ("status:fine", ["ok, error, aborted, interrupted", "status:>=400", "“fine”"]),
    ("-cost:>1", ["Only tags"]),
    ("model:", ["Say what model: should be", "model:gpt"]),
    ("model:,", ["Say what model: should be"]),
    ("provider:", ["as in provider:openai."]),
    ("status:", ["as in status:error."]),
    ("tag:", ["as in tag:team:ml-ops."]),
    ("latency:", ["as in latency:>5s."]),
    ("ttft:", ["as in ttft:>2s."]),
    ("overhead:", ["as in overhead:>5ms."]),
    ("tokens:", ["as in tokens:>10000."]),
    ("user:", ["as in user:NAME."]),
    ("-model:gpt", ["Only tags", "-tag:env:dev", "model:"]),
    ('user:"Ana', ["quotation mark"]),
    ("tag:team:", ["half a tag"]),
    ("tag::x", ["half a tag"]),
    ("tag:team:a|team:b", ["contain | or !"]),
]


@pytest.mark.parametrize(("text", "words"), REFUSED)
def test_refused_in_one_sentence_that_says_what_works(text: str, words: list[str]) -> None:
    parsed = parse(text)
    assert parsed.problem is not None
    assert (parsed.dimensions, parsed.tags) == ({}, ())
    assert [word for word in words if word not in parsed.problem] == []


_value = st.text(
    st.sampled_from('" \\,:') | st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1
).filter(lambda text: text == text.strip())
_part = st.text('abc-. é"\\,', min_size=1).filter(lambda text: text == text.strip())
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


_numbers = st.builds(
    NumberCondition, st.sampled_from(NUMBERS), st.sampled_from(OPERATORS), st.integers(0, 10**12)
)  # fmt: skip


@given(
    _dimensions,
    st.lists(_tags, unique=True).map(tuple),
    st.lists(_numbers, unique=True).map(tuple),
    st.lists(_value, unique=True).map(tuple),
)
def test_what_is_rendered_is_read_back(
    dimensions: dict[str, tuple[str, ...]],
    tags: tuple[TagCondition, ...],
    numbers: tuple[NumberCondition, ...],
    text: tuple[str, ...],
) -> None:
    expected = ParsedText(dimensions=dimensions, tags=tags, numbers=numbers, text=text)
    assert parse(render(dimensions, tags, numbers, text)) == expected


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
