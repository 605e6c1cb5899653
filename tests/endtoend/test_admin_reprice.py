"""Re-pricing by scripts: what was priced a moment ago is priced the same, prices of one's own change it, and back."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.endtoend.serving import MODELS, PROVIDERS, Served, traces, upstreams
from tests.provider.client import ProviderProcess
from tests.waiting import wait_until

REPRICE = "/api/ai/v1/admin/prices/reprice"
PRICES = "/api/ai/v1/admin/prices"
OPENAI, XAI = MODELS["openai"], MODELS["xai"]


@pytest.fixture(scope="module")
def gateway(provider: ProviderProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A call to each provider, an embedding, a count of tokens, and a model that nobody has a price for."""
    served = Served(tmp_path_factory.mktemp("reprice") / "home", **upstreams(provider.base_urls))
    for role in ("read", "execute", "admin"):
        served.key(role)
    with served:
        for name in PROVIDERS:
            for stream in (False, True):
                assert served.chat("Hello.", MODELS[name], stream=stream).status == 200
        assert served.chat("Hello.", "gpt-4.1 mini").status == 200
        served.ask(
            "POST", "/api/ai/v1/embeddings", {"model": "text-embedding-3-small", "input": "a"}, key=served.key()
        )
        count = {"model": MODELS["anthropic"], "messages": [{"role": "user", "content": "Hello."}]}
        assert served.ask("POST", "/api/ai/v1/messages/count_tokens", count, key=served.key()).status == 200
        assert served.chat("Hello.", "no-such-model").status == 404
        served.settle()
        yield served


def ask(gateway: Served, method: str, path: str = "", body: Any = None, *, status: int = 200) -> Any:
    reply = gateway.ask(method, REPRICE + path, body, key=gateway.key("admin"))
    assert reply.status == status, reply
    return reply.json if status == 200 else reply.error


@pytest.fixture
def override(gateway: Served) -> Iterator[str]:
    """A price for all of OpenAI's and xAI's models, for as long as the test."""
    ids = []
    for provider in ("openai", "xai"):
        own = {"provider": provider, "model": "*", "prices": {"input": "1000", "output": "0"}}
        ids.append(gateway.ask("POST", PRICES, own, key=gateway.key("admin")).json["id"])
    yield f"override:{ids[0]}"
    for id in ids:
        assert gateway.ask("DELETE", f"{PRICES}/{id}", key=gateway.key("admin")).status == 200


@pytest.mark.parametrize("role", ["read", "execute"])
@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", ""), ("POST", "/1/undo")])
def test_an_admins_key_is_needed(gateway: Served, role: str, method: str, path: str) -> None:
    assert gateway.ask(method, REPRICE + path, b"{}", key=gateway.key(role)).status == 403


def test_what_was_just_priced_has_the_same_price_from_its_row(gateway: Served) -> None:
    preview = ask(gateway, "POST")
    rows = gateway.records()
    assert (preview["examined"], preview["changed"], preview["difference_usd"]) == (len(rows), 0, "0.000000000")
    kept = {row["reason"]: row["requests"] for row in preview["kept"]}
    assert kept == {"provider_figure": 2, "no_usage": 1}
    assert {row.cost_source for row in rows if row.provider == "xai"} == {"provider"}
    told = ask(gateway, "POST", "", {"apply": True}, status=409)
    assert "nothing to change" in told["message"]


def test_a_price_of_ones_own_is_looked_at_applied_and_undone(gateway: Served, override: str) -> None:
    before = {row.id: row for row in gateway.records()}
    chosen = {id: row for id, row in before.items() if row.model == OPENAI}
    wait_until(lambda: chosen.keys() < said(gateway).keys())
    said_before = said(gateway)
    assert len(chosen) == 3
    query = f"?model={OPENAI}&provider=openai&from=2020-01-01"
    preview = ask(gateway, "POST", query)
    old, new = sum(row.cost_nano or 0 for row in chosen.values()), sum(tokens(row) for row in chosen.values()) * 10**6
    money = {"from_usd": dollars(old), "to_usd": dollars(new), "difference_usd": dollars(new - old)}
    exact = {"from_costs_estimated": 0, "to_costs_estimated": 0}
    assert preview == {
        "examined": 3,
        "changed": 3,
        **money,
        **exact,
        "newly_priced": 0,
        "no_longer_priced": 0,
        "by_model": [{"provider": "openai", "model": OPENAI, "changed": 3, **money, **exact}],
        "by_source": [{"from_source": "list", "to_source": "override", "changed": 3, **money}],
        "kept": [],
    }
    wrong = {"apply": True, "expected": {"changed": 3, "difference_usd": "0.000000001"}}
    assert "look at the preview again" in ask(gateway, "POST", query, wrong, status=409)["message"]
    expected = {"changed": preview["changed"], "difference_usd": preview["difference_usd"]}
    applied = ask(gateway, "POST", query, {"apply": True, "expected": expected})
    assert {name: applied[name] for name in money} == money
    assert applied["filters"] == {
        "from": "2020-01-01T00:00:00.000000Z",
        "provider": ["openai"],
        "model": [OPENAI],
    }
    after = {row.id: row for row in gateway.records()}
    for id, row in after.items():
        same = before[id]
        if id in chosen:
            assert (row.cost_nano, row.cost_source, row.price_id) == (tokens(same) * 10**6, "override", override)
            assert [each.cost_nano for each in row.attempts] == [row.cost_nano]
        else:
            assert row == same
    assert gateway.get(f"/api/ai/v1/usage/summary?model={OPENAI}")["cost_usd"] == dollars(new)
    # What was said costs the same, at once.
    told = said(gateway)
    assert {id: told[id] for id in said_before} == {id: after[id].cost_nano for id in said_before}
    assert gateway.command("check").returncode == 0
    undone = ask(gateway, "POST", f"/{applied['id']}/undo")
    assert said(gateway).items() >= said_before.items()
    assert undone["undone_at"] > applied["applied_at"]
    assert {row.id: row for row in gateway.records()} == before
    assert ask(gateway, "GET")["data"][0] == undone
    assert "undone" in ask(gateway, "POST", f"/{applied['id']}/undo", status=409)["message"]


def test_a_providers_own_figure_gives_way_to_an_override_and_to_nothing_else(gateway: Served, override: str) -> None:
    preview = ask(gateway, "POST", f"?model={XAI}")
    (change,) = preview["by_source"]
    assert (preview["changed"], change["from_source"], change["to_source"]) == (2, "provider", "override")


def said(gateway: Served) -> dict[str, int | None]:
    """The cost of each turn of a conversation, by its request; those of each come to its own."""
    found: dict[str, int | None] = {}
    for thread in gateway.threads():
        turns = {turn["request_id"]: turn["cost_usd"] for turn in thread["turns"]}
        costs = {id: None if cost is None else int(Decimal(cost) * 10**9) for id, cost in turns.items()}
        assert int(Decimal(thread["cost_usd"] or 0) * 10**9) == sum(cost or 0 for cost in costs.values())
        found |= costs
    return found


def tokens(row: Any) -> int:
    assert row.input_tokens
    return int(row.input_tokens)


def dollars(nano: int) -> str:
    return f"{'-' if nano < 0 else ''}{abs(nano) // 10**9}.{abs(nano) % 10**9:09d}"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("POST", "?modle=gpt-5", None, 400, "'modle' is unknown here"),
        ("POST", "?model=", None, 400, "is empty"),
        ("POST", "?from=soon", None, 400, "cannot be read"),
        ("POST", "", {"aply": True}, 400, "unknown field"),
        ("POST", "", {"apply": "yes"}, 400, "$.apply"),
        ("POST", "", b"{", 400, "not JSON"),
        (
            "POST",
            "",
            {"apply": True, "expected": {"changed": 1, "difference_usd": "0.0000000001"}},
            400,
            "nine places",
        ),
        ("POST", "", {"apply": True, "expected": {"changed": 1, "difference_usd": "much"}}, 400, "nine places"),
        ("POST", "", {"apply": True, "expected": {"changed": 1, "difference_usd": "inf"}}, 400, "nine places"),
        ("POST", "", {"apply": True, "expected": {"changed": 1, "difference_usd": "1e99999"}}, 400, "nine places"),
        (
            "POST",
            "",
            {"apply": True, "expected": {"changed": 1, "difference_usd": "1e999999999"}},
            400,
            "nine places",
        ),
        ("POST", "/99/undo", None, 404, "no re-pricing 99"),
        ("POST", "/soon/undo", None, 404, "ID/undo"),
        ("POST", "/1", None, 404, "ID/undo"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(
    gateway: Served, method: str, path: str, body: Any, status: int, words: str
) -> None:
    before = gateway.records()
    assert words in ask(gateway, method, path, body, status=status)["message"]
    assert gateway.records() == before


def test_a_key_in_the_address_is_neither_a_filter_nor_kept(gateway: Served, override: str) -> None:
    key = gateway.key("admin")
    reply = gateway.ask("POST", f"{REPRICE}?key={key}&tag=!env:dev&model={OPENAI}", {"apply": True})
    assert reply.status == 200 and reply.json["changed"] == 3
    assert reply.json["filters"] == {"model": [OPENAI], "tag": ["!env:dev"]}
    assert traces(key, [path for path in gateway.folder.rglob("*") if path.is_file()]) == []
    ask(gateway, "POST", f"/{reply.json['id']}/undo")
