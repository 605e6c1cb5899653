"""What a stored row costs by today's prices: the order of new requests, at the row's own time."""

from typing import Any

import pytest
from msgspec.structs import replace

from gateway.configuration.extra_providers import ExtraPrice
from gateway.price_records import PriceOverride, UnitPrices
from gateway.prices.pricing import Priced, Pricing, usage_of
from gateway.prices.repricing import KEPT_BECAUSE, Repricer
from gateway.records import ExchangeRecord, UsageQuery
from gateway.store import UsageStore
from tests.store.examples import BASE_US, FULL, record

LISTED = {"openai": "openai"}
# An override's dollars for a million tokens of input and of output: 10 and 5 tokens are 20,000 nano-dollars.
OWN = UnitPrices(input="1", output="2")
# The same by the list for gpt-5: $1.25 and $10 per million.
LIST_NANO = 10 * 1250 + 5 * 10_000


def asked(_provider: str, model: str) -> str:
    return {"my-alias": "gpt-5"}.get(model, model)


def repricer(*overrides: dict[str, Any]) -> Repricer:
    pricing = Pricing({"own": {"local": ExtraPrice(input=3.0, output=3.0)}})
    rows = ({"provider": "openai", "model": "gpt-5", "prices": OWN} | fields for fields in overrides)
    pricing.use_overrides([PriceOverride(id=n, created_us=n, **fields) for n, fields in enumerate(rows, 1)])
    return Repricer(pricing, LISTED, asked)


PROVIDERS = {"cost_source": "provider", "cost_nano": 77}
OVERRIDDEN = {"cost_source": "override", "price_id": "override:9", "cost_nano": 5}
UNPRICED = {"cost_source": "none", "cost_nano": None}
FREE = {"cost_source": "list", "cost_nano": 0, "price_id": None}
ROWS: list[tuple[str, list[dict[str, Any]], dict[str, Any], Priced | str]] = [
    ("list", [], {}, Priced(LIST_NANO, "list", "gpt-5")),
    ("list, unpriced until now", [], UNPRICED, Priced(LIST_NANO, "list", "gpt-5")),
    ("override", [{}], {}, Priced(20_000, "override", "override:1")),
    ("override not yet valid then", [{"valid_from_us": BASE_US + 1}], {}, Priced(LIST_NANO, "list", "gpt-5")),
    ("override valid till then", [{"valid_to_us": BASE_US}], {}, Priced(LIST_NANO, "list", "gpt-5")),
    ("override for what was asked", [{}], {"model": "gpt-5-2025-08-07", "model_requested": "my-alias"}, Priced(20_000, "override", "override:1")),
    ("override of another model", [{"model": "gpt-4.1"}], {}, Priced(LIST_NANO, "list", "gpt-5")),
    ("override removed", [{"removed_us": 5}], OVERRIDDEN, Priced(LIST_NANO, "list", "gpt-5")),
    ("provider's figure", [], PROVIDERS, "provider_figure"),
    ("provider's figure under an override", [{}], PROVIDERS, Priced(20_000, "override", "override:1")),
    ("override gone from a provider's figure", [], OVERRIDDEN | {"said": 77}, Priced(77, "provider")),
    ("a table's price", [], {"provider": "own", "model": "local"} | UNPRICED, Priced(45_000, "override", "own/local")),
    ("a table that is gone", [], {"provider": "gone", "model": "local"} | OVERRIDDEN, Priced(None, "none")),
    ("no price", [], {"provider": "own", "model": "other"} | UNPRICED, "no_price"),
    ("no model", [{}], {"provider": None, "model": None} | UNPRICED, "no_price"),
    ("no longer listed", [], {"model": "zzz-9"}, "price_gone"),
    ("override without a price for its output", [{"prices": UnitPrices(input="1")}], {}, "own_lacks"),
    ("the same, unpriced until now", [{"prices": UnitPrices(input="1")}], UNPRICED, "own_lacks"),
    ("counts unknown", [{}], {"input_tokens": None, "output_tokens": None} | UNPRICED, "unknown_counts"),
    ("free", [{}], FREE, Priced(0, "list")),
    ("nothing by the list", [{}], FREE | {"price_id": "gpt-5"}, Priced(20_000, "override", "override:1")),
    ("nothing, as the provider says", [{}], PROVIDERS | {"cost_nano": 0}, Priced(20_000, "override", "override:1")),
    ("no model that answered", [{"model": "*"}], {"model": None, "model_requested": None} | UNPRICED, "no_price"),
    ("free of input alone", [{}], FREE | {"output_tokens": 0}, Priced(0, "list")),
    ("free of output alone", [{}], FREE | {"input_tokens": 0}, Priced(0, "list")),
    ("input unknown", [{}], {"input_tokens": None}, Priced(10_000, "override", "override:1")),
    ("as dear as can be", [{"prices": UnitPrices(input="10000000000")}], {"output_tokens": 0}, Priced(10**14, "override", "override:1")),
    ("used nothing", [{}], {"input_tokens": 0, "output_tokens": 0} | FREE, Priced(0, "override", "override:1")),
    ("dearer than can be", [{"prices": UnitPrices(input="1000000000000")}], {"output_tokens": 0}, "too_dear"),
    ("one count unknown", [{}], {"output_tokens": None}, Priced(10_000, "override", "override:1")),
]  # fmt: skip


@pytest.mark.parametrize(("overrides", "fields", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_each_row_has_todays_price_at_its_own_time_or_a_reason_to_keep_its_own(
    overrides: list[dict[str, Any]], fields: dict[str, Any], expected: Priced | str
) -> None:
    said = fields.get("said", fields.get("cost_nano") if fields.get("cost_source") == "provider" else None)
    row = record(0, **{name: value for name, value in fields.items() if name != "said"})
    assert repricer(*overrides)(row, said) == expected
    assert not isinstance(expected, str) or expected in KEPT_BECAUSE


def test_list_prices_are_those_of_the_rows_time() -> None:
    # $2 and $10 per million until the end of November, twice that from December on.
    argon, december_us = {"provider": "google", "model": "gemini-4-argon"}, 1_796_083_200_000_000
    price = Repricer(Pricing(), {"google": "google"}, asked)
    costs = [price(record(0, **argon, started_us=december_us + after), None) for after in (-1, 0)]
    assert costs == [Priced(nano, "list", "gemini-4-argon") for nano in (10 * 2000 + 5 * 10_000, 140_000)]


def test_a_price_follows_from_stored_rows_as_from_new_ones(store: UsageStore) -> None:
    told: list[ExchangeRecord] = []

    def price(row: ExchangeRecord, _said: int | None) -> str:
        told.append(row)
        return "no_price"

    full = replace(FULL, speed="fast", inference_geo="us")
    store.insert_history([full])
    store.preview_repricing(UsageQuery(), price)
    (row,) = told
    assert usage_of(row) == usage_of(full)
    kept = (
        "started_us",
        "provider",
        "model",
        "model_requested",
        "usage_source",
        "cost_source",
        "cost_nano",
        "price_id",
    )
    assert all(getattr(row, name) == getattr(full, name) for name in kept)


def test_an_order_of_prices_is_applied_and_undone(store: UsageStore) -> None:
    store.insert_history([record(0, **PROVIDERS), record(1), record(2, **UNPRICED)])
    applied = store.apply_repricing(UsageQuery(), repricer({}), 1)
    assert [row.cost_nano for row in store.iter_requests(UsageQuery())] == [20_000] * 3
    # The override goes: what the provider said counts again, and the list.
    again = store.apply_repricing(UsageQuery(), repricer(), 2)
    assert [row.cost_nano for row in store.iter_requests(UsageQuery())] == [LIST_NANO, LIST_NANO, 77]
    assert store.check() == []
    store.undo_repricing(again.id, 3)
    store.undo_repricing(applied.id, 4)
    assert [row.cost_nano for row in store.iter_requests(UsageQuery())] == [None, 1000, 77]


def test_a_look_at_the_list_survives_that_another_thread_clears_what_is_kept() -> None:
    class Cleared(dict[Any, Any]):
        def get(self, key: Any, default: Any = None) -> Any:
            found = super().get(key, default)
            self.clear()
            return found

        def __contains__(self, key: Any) -> bool:
            found = super().__contains__(key)
            self.clear()
            return found

    price = repricer()
    expected = price(record(0), None)
    prices = price._pricing._list
    prices._matches = Cleared(prices._matches)
    assert price(record(0), None) == price(record(0), None) == expected


def test_the_prices_are_those_of_when_it_was_made() -> None:
    pricing = Pricing()
    price = Repricer(pricing, LISTED, asked)
    pricing.use_overrides([PriceOverride(id=1, created_us=1, provider="openai", model="gpt-5", prices=OWN)])
    assert price(record(0), None) == Priced(LIST_NANO, "list", "gpt-5")
    assert Repricer(pricing, LISTED, asked)(record(0), None) == Priced(20_000, "override", "override:1")
