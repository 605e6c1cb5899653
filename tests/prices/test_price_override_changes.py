"""The user's own prices, several at once: all of them or none, in one transaction."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import state_db
from gateway.folder import DataFolder
from gateway.price_records import NewPriceOverride, UnitPrices
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


def test_a_star_within_a_name_would_price_nothing_and_is_refused(overrides: PriceOverrides) -> None:
    with pytest.raises(PriceFieldError, match="only by itself"):
        overrides.add(_price("gpt-*"))
    assert [row.model for row in overrides.add(_price("*"))] == ["*"]
