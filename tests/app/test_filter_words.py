"""Filters in chips, and how choosing a value changes them."""

import pytest

from app.filter_words import (
    dimension_text,
    find_condition,
    number_words,
    tag_text,
    with_key_negated,
    with_tag_toggled,
)
from gateway import NumberCondition, TagCondition

PLATFORM = TagCondition(any_of=("team:platform", "team:growth"))
NOT_DEV = TagCondition(any_of=("env:dev",), negated=True)


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (PLATFORM, "team: platform, growth"),
        (NOT_DEV, "env: not dev"),
        (TagCondition(any_of=("beta",)), "beta"),
        (TagCondition(any_of=("beta",), negated=True), "not beta"),
        (TagCondition(any_of=("team:a", "env:b")), "team:a or env:b"),
        (TagCondition(any_of=tuple(f"n:{n}" for n in range(5))), "n: 0, 1, 2 and 2 more"),
        (TagCondition(any_of=("url:http://x",)), "url: http://x"),
    ],
)
def test_a_tag_condition_in_words(condition: TagCondition, text: str) -> None:
    assert tag_text(condition) == text


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (NumberCondition("status", ">=", 400), "Status ≥ 400"),
        (NumberCondition("cost", ">", 10_000_000), "Cost > $0.01"),
        (NumberCondition("cost", "<=", 1_500_000_000), "Cost ≤ $1.50"),
        (NumberCondition("cost", ">", 1), "Cost > $0.000000001"),
        (NumberCondition("latency", ">", 5_000_000), "Latency > 5 s"),
        (NumberCondition("ttft", "<", 250_000), "TTFT < 250 ms"),
        (NumberCondition("overhead", ">", 900), "Overhead > 0.9 ms"),
        (NumberCondition("tokens", ">", 10_000), "Tokens > 10,000"),
        (NumberCondition("output", "=", 0), "Tokens out = 0"),
    ],
)
def test_a_number_in_words(condition: NumberCondition, text: str) -> None:
    assert number_words(condition) == text


def test_a_dimension_in_words() -> None:
    assert dimension_text("key", ("ci", "laptop")) == "API key: ci, laptop"


@pytest.mark.parametrize(
    ("tag", "negated", "expected"),
    [
        ("team:ops", False, (TagCondition(any_of=("team:platform", "team:growth", "team:ops")), NOT_DEV)),
        ("team:growth", False, (TagCondition(any_of=("team:platform",)), NOT_DEV)),
        ("env:dev", True, (PLATFORM,)),
        ("app:x", True, (PLATFORM, NOT_DEV, TagCondition(any_of=("app:x",), negated=True))),
    ],
)
def test_choosing_a_tag_value(tag: str, negated: bool, expected: tuple[TagCondition, ...]) -> None:
    assert with_tag_toggled((PLATFORM, NOT_DEV), tag, negated=negated) == expected


def test_a_condition_is_turned_into_its_opposite_in_its_place() -> None:
    turned = with_key_negated((PLATFORM, NOT_DEV), "team", negated=True)
    assert turned == (TagCondition(any_of=PLATFORM.any_of, negated=True), NOT_DEV)
    assert with_key_negated((NOT_DEV,), "team", negated=True) == (NOT_DEV,)
    assert find_condition((PLATFORM, NOT_DEV), "env") is NOT_DEV
