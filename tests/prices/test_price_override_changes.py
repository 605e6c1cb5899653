"""The user's own prices, several at once: all of them or none, in one transaction."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway import state_db
from gateway.folder import DataFolder
from gateway.price_records import NewPriceOverride, PriceOverride, UnitPrices
from gateway.prices.price_overrides import NoSuchPrice, PriceFieldError, PriceOverrides


def _price(model: str, dollars: str = "1") -> NewPriceOverride:
    return NewPriceOverride(provider="openai", model=model, prices=UnitPrices(input=dollars))


@pytest.fixture
def overrides(tmp_path: Path) -> Iterator[PriceOverrides]:
    made = PriceOverrides(DataFolder(tmp_path / "folder"))
    yield made
    made.close()


def _version(overrides: PriceOverrides) -> int:
    return state_db.version(overrides._connection, "price_overrides")


def test_several_are_added_and_removed_by_one_change(overrides: PriceOverrides) -> None:
    made = overrides.add(*(_price(f"model-{number}") for number in range(300)))
    assert [row.model for row in made] == [f"model-{number}" for number in range(300)]
    assert (overrides.every(), _version(overrides)) == (made, 1)
    removed = overrides.remove(*(row.id for row in made[:200]))
    assert [row.id for row in removed] == [row.id for row in made[:200]]
    assert all(row.removed_us is not None for row in removed) and _version(overrides) == 2
    assert sum(row.removed_us is None for row in overrides.every()) == 100


def test_where_one_is_wrong_none_is_changed(overrides: PriceOverrides) -> None:
    with pytest.raises(PriceFieldError):
        overrides.add(_price("fine"), _price("wrong", "dear"))
    assert (overrides.every(), _version(overrides)) == ((), 0)
    (kept,) = overrides.add(_price("kept"))
    with pytest.raises(NoSuchPrice):
        overrides.remove(kept.id, kept.id + 1)
    assert overrides.every() == (kept,) and _version(overrides) == 1


def test_one_that_was_removed_holds_again_in_its_place(overrides: PriceOverrides) -> None:
    (old,) = overrides.add(_price("a"))
    new = overrides.replace(old.id, _price("a", "2"))
    with pytest.raises(NoSuchPrice):
        overrides.restore(new.id)
    with pytest.raises(NoSuchPrice):
        overrides.restore(old.id, instead_of=99)
    assert [row.removed_us is None for row in overrides.every()] == [False, True], "all of it or nothing"
    before = _version(overrides)
    assert overrides.restore(old.id, instead_of=new.id) == old and _version(overrides) == before + 1
    assert [row.id for row in overrides.every() if row.removed_us is None] == [old.id]
    overrides.remove(old.id)
    assert overrides.restore(old.id) == old


def test_a_star_within_a_name_would_price_nothing_and_is_refused(overrides: PriceOverrides) -> None:
    with pytest.raises(PriceFieldError, match="only by itself"):
        overrides.add(_price("gpt-*"))
    assert [row.model for row in overrides.add(_price("*"))] == ["*"]


def _made(overrides: PriceOverrides, **fields: Any) -> PriceOverride:
    given: dict[str, Any] = {"provider": "openai", "model": "gpt-5", "prices": UnitPrices(input="1")}
    (made,) = overrides.add(NewPriceOverride(**(given | fields)))
    return made


TWO, LAST_US = UnitPrices(input="2"), 2**53
KEPT: dict[str, dict[str, Any]] = {
    "a model of one letter": {"model": "m"},
    "a model of two hundred": {"model": "m" * 200},
    "a note of five hundred": {"note": "n" * 500},
    "from the first microsecond": {"valid_from_us": 0, "valid_to_us": 1},
    "until the last": {"valid_from_us": LAST_US - 1, "valid_to_us": LAST_US},
    "open at its beginning": {"valid_to_us": 5},
    "open at its end": {"valid_from_us": 5},
    "a tier above one token": {"tier_start": 1, "tier_prices": TWO},
    "a tier above very many": {"tier_start": LAST_US, "tier_prices": TWO},
    "a tier and requests": {"prices": UnitPrices(input="1", request="3"), "tier_start": 1, "tier_prices": TWO},
    "no dollars": {"prices": UnitPrices(input="0")},
    "a million": {"prices": UnitPrices(input="1000000")},
    "twelve decimals": {"prices": UnitPrices(input="0.000000000001")},
}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no provider": ({"provider": ""}, "provider"),
    "no model": ({"model": ""}, "exact id"),
    "a longer model": ({"model": "m" * 201}, "exact id"),
    "a model with an end of line": ({"model": "gpt\n5"}, "exact id"),
    "a model with a space": ({"model": "gpt-5 "}, "exact id"),
    "a longer note": ({"note": "n" * 501}, "500 characters"),
    "before 1970": ({"valid_from_us": -1}, "between 1970 and 2255"),
    "after 2255": ({"valid_to_us": LAST_US + 1}, "between 1970 and 2255"),
    "no time": ({"valid_from_us": 5, "valid_to_us": 5}, "begin before it ends"),
    "backwards": ({"valid_from_us": 6, "valid_to_us": 5}, "begin before it ends"),
    "a tier without prices": ({"tier_start": 1}, "A tier needs both"),
    "a tier without its start": ({"tier_prices": TWO}, "A tier needs both"),
    "a tier of other units": ({"tier_start": 1, "tier_prices": UnitPrices(output="2")}, "the same units"),
    "a tier for a request": (
        {"prices": UnitPrices(input="1"), "tier_start": 1, "tier_prices": UnitPrices(input="2", request="1")},
        "the same units",
    ),
    "a tier above nothing": ({"tier_start": 0, "tier_prices": TWO}, "larger than 0"),
    "a tier above too many": ({"tier_start": LAST_US + 1, "tier_prices": TWO}, "larger than 0"),
    "no unit": ({"prices": UnitPrices()}, "at least one of its units"),
    "less than nothing": ({"prices": UnitPrices(input="-1")}, "price of input must be"),
    "more than a million": ({"prices": UnitPrices(output="1000000.01")}, "price of output must be"),
    "thirteen decimals": (
        {"prices": UnitPrices(cache_write_1h="0.0000000000001")},
        "price of cache write 1h must be",
    ),
    # Written out, these fill the memory, or take more than there is.
    "digits without end": ({"prices": UnitPrices(input="1e99999999999")}, "price of input must be"),
    "decimals without end": ({"prices": UnitPrices(input="1e-99999999999")}, "price of input must be"),
    "no number": ({"prices": UnitPrices(input="NaN")}, "price of input must be"),
    "no end of money": ({"prices": UnitPrices(input="Infinity")}, "price of input must be"),
}


def test_prices_are_kept_as_they_were_given(overrides: PriceOverrides) -> None:
    for name, fields in KEPT.items():
        before_us = time.time_ns() // 1000
        made = _made(overrides, **fields)
        assert {field: getattr(made, field) for field in fields} == fields, name
        assert before_us <= made.created_us <= time.time_ns() // 1000


def test_prices_that_cannot_be_are_refused(overrides: PriceOverrides) -> None:
    for fields, words in REFUSED.values():
        with pytest.raises(PriceFieldError, match=words):
            _made(overrides, **fields)
    assert overrides.every() == ()


def test_dollars_have_one_form(overrides: PriceOverrides) -> None:
    written = {"input": " 1.50 ", "output": "1e1", "cached": "0.0", "request": "100", "reasoning": "5E-2"}
    (made,) = overrides.add(NewPriceOverride(provider="p", model="m", prices=UnitPrices(**written)))
    assert made.prices == UnitPrices(input="1.5", output="10", cached="0", request="100", reasoning="0.05")


def test_what_another_process_changes_is_followed_once(overrides: PriceOverrides, tmp_path: Path) -> None:
    other = PriceOverrides(DataFolder(tmp_path / "folder"))
    assert not overrides.poll()
    before_us = time.time_ns() // 1000
    made = _made(other)
    assert overrides.poll() and overrides.every() == (made,) and not overrides.poll()
    other.remove(made.id)
    assert overrides.poll()
    (gone,) = overrides.every()
    assert gone.removed_us is not None and before_us <= gone.removed_us <= time.time_ns() // 1000
    for id in (0, 2, 2**63, made.id):
        with pytest.raises(NoSuchPrice):
            overrides.remove(id)
    other.close()


def test_one_that_is_replaced_is_removed_and_the_other_told(overrides: PriceOverrides) -> None:
    first = _made(overrides)
    second = overrides.replace(first.id, _price("gpt-5", "3"))
    assert (second.id, second.prices, second.removed_us) == (first.id + 1, UnitPrices(input="3"), None)
    assert [row.removed_us is None for row in overrides.every()] == [False, True]
