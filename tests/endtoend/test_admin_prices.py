"""Prices by scripts: the list with its sources, the user's own prices in force at once, and what cannot be is refused."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from gateway.folder import DataFolder
from gateway.price_records import NewPriceOverride, UnitPrices
from gateway.prices.price_overrides import PriceOverrides
from tests.endtoend.serving import MODELS, Served, upstreams
from tests.provider.client import ProviderProcess
from tests.waiting import wait_until

PRICES = "/api/ai/v1/admin/prices"
MODEL = MODELS["openai"]
OWN = {"provider": "openai", "model": MODEL, "prices": {"input": 3, "output": "7.50"}}


@pytest.fixture(scope="module")
def gateway(provider: ProviderProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("prices") / "home", **upstreams(provider.base_urls))
    for role in ("read", "execute", "admin"):
        served.key(role)
    with served:
        yield served


def ask(gateway: Served, method: str, path: str = "", body: Any = None, *, status: int = 200) -> Any:
    reply = gateway.ask(method, PRICES + path, body, key=gateway.key("admin"))
    assert reply.status == status, reply
    return reply.json if status == 200 else reply.error


def listed(gateway: Served, model: str = MODEL, more: str = "") -> Any:
    rows = ask(gateway, "GET", f"?provider=openai&model={model}{more}")["data"]
    assert len(rows) == 1
    return rows[0]


@pytest.mark.parametrize("role", ["read", "execute"])
@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("POST", ""), ("POST", "/update"), ("PUT", "/1"), ("DELETE", "/1")]
)
def test_an_admins_key_is_needed(gateway: Served, role: str, method: str, path: str) -> None:
    assert gateway.ask(method, PRICES + path, b"{}", key=gateway.key(role)).status == 403


def test_the_list_of_prices(gateway: Served) -> None:
    every = ask(gateway, "GET")
    assert every["list"]["version"] and every["list"]["fetched_at"] is None and every["list"]["models"] > 1000
    rows = {(row["provider"], row["model"]): row for row in every["data"]}
    assert rows["google", "gemini-3.1-pro-preview"]["prices"][:2] == [
        {"unit": "web searches", "usd": "14", "per": 1000, "above_input_tokens": None},
        {"unit": "output", "usd": "12", "per": 1_000_000, "above_input_tokens": None},
    ]
    unpriced = [row for row in every["data"] if row["source"] == "none"]
    assert ("openai", "gpt-6.2-sol") in {(row["provider"], row["model"]) for row in unpriced}
    assert all(row["prices"] == [] and row["price_id"] is None for row in unpriced)
    argon = ask(gateway, "GET", "?model=gemini-4-argon&at=2026-11-30")["data"]
    assert [(row["provider"], row["valid_to"]) for row in argon] == [("google", "2026-12-01T00:00:00.000000Z")]


def test_a_price_of_ones_own_is_made_used_replaced_and_removed(gateway: Served) -> None:
    before = listed(gateway)
    assert (before["source"], before["price_id"]) == ("list", MODEL)
    made = ask(gateway, "POST", "", OWN)
    assert (made["prices"], made["price_id"]) == ({"input": "3", "output": "7.5"}, f"override:{made['id']}")
    assert (listed(gateway)["source"], listed(gateway)["price_id"]) == ("override", made["price_id"])
    row = gateway.row(gateway.chat("Hello.", MODEL).id)
    assert row.cost_nano == (row.input_tokens or 0) * 3000 + (row.output_tokens or 0) * 7500
    assert (row.cost_source, row.price_id, row.price_fuzzy) == ("override", made["price_id"], False)
    told = gateway.get(f"/api/ai/v1/usage/requests/{row.id}", key=gateway.key("admin"))
    assert (told["price_id"], told["price_fuzzy"], told["cost_source"]) == (made["price_id"], False, "override")
    cost = gateway.get(f"/api/ai/v1/usage/requests/{row.id}/cost", key=gateway.key("execute"))
    # What was cached costs what other input does: the price says nothing else.
    counts = {(part["unit"], part["usd"]): part["count"] for part in cost["parts"]}
    assert counts.pop(("output", "7.5")) == row.output_tokens
    assert {usd for _, usd in counts} == {"3"} and sum(counts.values()) == row.input_tokens
    assert (cost["sum_nano_usd"], cost["cost_usd"], cost["notes"]) == (str(row.cost_nano), told["cost_usd"], [])
    changed = ask(gateway, "PUT", f"/{made['id']}", {**OWN, "prices": {"input": 0, "output": 0}})
    assert changed["id"] > made["id"]
    assert gateway.row(gateway.chat("Hello.", MODEL).id).cost_nano == 0
    assert ask(gateway, "GET", f"/{made['price_id']}", status=404)["code"] == "not_found"
    assert ask(gateway, "DELETE", f"/{changed['price_id']}")["removed_at"] is not None
    assert listed(gateway) == before
    assert gateway.row(gateway.chat("Hello.", MODEL).id).cost_source == "list"
    assert ask(gateway, "DELETE", f"/{changed['id']}", status=404)
    assert ask(gateway, "GET")["overrides"] == []


def test_a_price_has_its_time_and_its_tier(gateway: Served) -> None:
    body = {
        **OWN,
        "model": "priced-later",
        "valid_from": "2030-01-01",
        "valid_to": "2031-01-01T00:00:00+01:00",
        "tier": {"above": 1000, "prices": {"input": "6", "output": "15"}},
        "note": "from the contract",
    }
    made = ask(gateway, "POST", "", body)
    assert (made["valid_from"], made["valid_to"]) == ("2030-01-01T00:00:00.000000Z", "2030-12-31T23:00:00.000000Z")
    assert (made["tier"], made["note"]) == (body["tier"], "from the contract")
    sources = [
        listed(gateway, "priced-later", f"&at={at}")["source"] for at in ("2029-12-31", "2030-01-01", "2031-01-01")
    ]
    assert sources == ["none", "override", "none"]
    inputs = [row for row in listed(gateway, "priced-later", "&at=2030-06-01")["prices"] if row["unit"] == "input"]
    assert [(row["usd"], row["above_input_tokens"]) for row in inputs] == [("3", None), ("6", 1000)]
    ask(gateway, "DELETE", f"/{made['id']}")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"provider": "nobody"}, "choose one of"),
        ({"model": ""}, "exact id"),
        ({"prices": {}}, "at least one"),
        ({"prices": {"input": -1}}, "from 0 to"),
        ({"prices": {"input": "a lot"}}, "from 0 to"),
        ({"prices": {"input": "1e-13"}}, "12 decimal places"),
        ({"prices": {"input": "NaN"}}, "from 0 to"),
        ({"prices": {"inputs": 1}}, "unknown field"),
        ({"valid_from": "soon"}, "cannot be read"),
        ({"valid_from": True}, "$.valid_from"),
        ({"valid_from": "2027-01-01", "valid_to": "2026-01-01"}, "begin before"),
        ({"tier": {"above": 5, "prices": {"input": 1}}}, "the same units"),
        ({"tier": {"above": 0, "prices": {"input": 1, "output": 1}}}, "larger than 0"),
        ({"note": "n" * 501}, "500"),
    ],
)
def test_a_price_that_cannot_be_is_refused_in_a_sentence(gateway: Served, change: dict[str, Any], words: str) -> None:
    message = ask(gateway, "POST", "", {**OWN, **change}, status=400)["message"]
    assert words in message and message.endswith(".")
    assert ask(gateway, "GET")["overrides"] == []


def test_a_running_gateway_follows_another_process(gateway: Served) -> None:
    with closing(PriceOverrides(DataFolder(gateway.folder))) as elsewhere:
        (made,) = elsewhere.add(
            NewPriceOverride(provider="openai", model="*", prices=UnitPrices(input="1", output="1"))
        )
        wait_until(lambda: listed(gateway)["price_id"] == made.price_id)
        elsewhere.remove(made.id)
        wait_until(lambda: listed(gateway)["source"] == "list")
        (again,) = elsewhere.add(
            NewPriceOverride(provider="openai", model="*", prices=UnitPrices(input="1", output="1"))
        )
        assert again.id > made.id, "an id never becomes another price's"
        elsewhere.remove(again.id)
    wait_until(lambda: listed(gateway)["source"] == "list")
