"""The read routes over stand-in queries: what they ask for whom, and what they answer."""

from collections.abc import AsyncGenerator, Collection
from typing import Any

import pytest
from msgspec import structs

from gateway.api.reads import BASE, read_routes
from gateway.errors import ClientError
from gateway.keys.access import Principal
from gateway.price_records import CostExplanation, CostPart, PriceList
from gateway.records import (
    Breakdown,
    BreakdownRow,
    ConversationPage,
    ExchangeRecord,
    Export,
    OtherRows,
    RequestPage,
    Summary,
    TimeBucket,
    UsageQuery,
)
from gateway.routes import Call, Download

ROW = ExchangeRecord(id="req_1", started_us=0, door="openai_chat", key_id="key_1", key="laptop")


class Asked:
    """Answers with nothing used, and keeps what was asked."""

    def __init__(self) -> None:
        self.queries: list[UsageQuery] = []
        self.exports: list[Export] = []
        self.breakdowns: list[Breakdown] = []
        self.cuts: list[tuple[int | None, Collection[str | None] | None, bool]] = []
        self.told: list[tuple[str | None, ...]] = []

    async def summary(self, query: UsageQuery, *, before: UsageQuery | None = None) -> tuple[Summary, Summary | None]:
        self.queries += [query] if before is None else [query, before]
        return Summary(), None if before is None else Summary(requests=7)

    async def timeseries(self, query: UsageQuery, bucket: str, by: str | None = None) -> tuple[TimeBucket, ...]:
        self.queries.append(query)
        self.told.append((bucket, by))
        return ()

    async def breakdown(
        self,
        query: UsageQuery,
        by: str,
        *,
        sort: str = "cost_usd",
        limit: int | None = None,
        only: Collection[str | None] | None = None,
        others: bool = False,
    ) -> Breakdown:
        self.queries.append(query)
        self.cuts.append((limit, only, others))
        self.told.append((by, sort))
        return self.breakdowns.pop(0) if self.breakdowns else Breakdown(rows=())

    async def conversations(
        self, query: UsageQuery, *, sort: str = "cost_usd", limit: int = 100, cursor: str | None = None
    ) -> ConversationPage:
        self.queries.append(query)
        return ConversationPage(rows=(), next_cursor=f"{sort} {limit} {cursor}")

    async def _lines(self) -> AsyncGenerator[bytes, None]:
        yield b"line\r\n"

    def download(self, query: UsageQuery, export: Export) -> AsyncGenerator[bytes, None]:
        self.queries.append(query)
        self.exports.append(export)
        return self._lines()

    async def requests(
        self, query: UsageQuery, *, limit: int = 100, offset: int = 0, cursor: str | None = None
    ) -> RequestPage:
        self.queries.append(query)
        return RequestPage(rows=(ROW,))

    async def request(self, id: str) -> ExchangeRecord | None:
        return ROW if id == ROW.id else None

    def explain(self, record: ExchangeRecord) -> CostExplanation:
        part = CostPart(unit="input", count=5, price_usd="2.5", per=1_000_000, amount_nano="12500")
        return CostExplanation(
            cost_nano=12_500,
            source="list",
            price_id="gpt-5.4",
            fuzzy=True,
            parts=(part,),
            exact_nano="12500",
            tier_above=7,
            price_list=PriceList(version=None, fetched_us=1, models=3),
            notes=(record.id,),
        )


def principal(role: str, name: str = "laptop") -> Principal:
    return Principal(key_id=f"key_{name}", key_name=name, role=role, user=None, tags=())


async def answer(asked: Asked, path: str, *query: tuple[str, str], who: Principal, rest: str = "") -> Any:
    route = next(route for route in read_routes(asked, dict, dict) if route.path == BASE + path)
    assert route.read is not None
    return await route.read(Call(principal=who, query=query, rest=rest))


async def test_the_period_before_is_null_where_there_is_none() -> None:
    admin, path = principal("admin"), "/usage/summary"
    compared = await answer(Asked(), path, ("compare", "previous"), ("from", "1790000000"), who=admin)
    assert compared["previous"]["requests"] == 7
    assert (await answer(Asked(), path, ("compare", "previous"), who=admin))["previous"] is None
    assert "previous" not in await answer(Asked(), path, who=admin)
    with pytest.raises(ClientError, match="compare must be previous"):
        await answer(Asked(), path, ("compare", "next"), who=admin)


@pytest.mark.parametrize(
    "path",
    [
        "/usage/requests",
        "/usage/summary",
        "/usage/timeseries",
        "/usage/breakdown",
        "/usage/conversations",
        "/usage/export.csv",
        "/usage/export.jsonl",
    ],
)
@pytest.mark.parametrize("role", ["read", "execute"])
async def test_only_an_admin_sees_other_keys_rows(path: str, role: str) -> None:
    asked = Asked()
    await answer(asked, path, who=principal(role))
    await answer(asked, path, ("key", "other"), ("key", "laptop"), who=principal(role))
    assert [query.key for query in asked.queries] == [("laptop",), ("laptop",)]
    with pytest.raises(ClientError) as refused:
        await answer(asked, path, ("key", "other"), who=principal(role))
    assert refused.value.status == 403
    await answer(asked, path, ("key", "other"), who=principal("admin"))
    assert asked.queries[2:] == [UsageQuery(key=("other",))]


async def test_a_name_that_a_revoked_key_had_shows_nothing_of_that_key() -> None:
    asked, path = Asked(), "/usage/summary"
    who = Principal(key_id="key_2", key_name="ci", role="read", user=None, tags=(), created_us=1_790_000_000_000_000)
    for given in ((), (("from", "1780000000"),), (("from", "1795000000"),)):
        await answer(asked, path, *given, who=who)
    assert [query.start_us for query in asked.queries] == [
        1_790_000_000_000_000,
        1_790_000_000_000_000,
        1_795_000_000_000_000,
    ]


async def test_one_row_is_its_own_keys_and_the_admins() -> None:
    path, own = "/usage/requests/", Principal(key_id="key_1", key_name="laptop", role="read", user=None, tags=())
    for who in (own, principal("admin", "root")):
        assert (await answer(Asked(), path, who=who, rest="req_1"))["id"] == "req_1"
    hidden = ((principal("read", "other"), "req_1"), (principal("read", "other"), "req_1/cost"))
    for who, id in (*hidden, (own, "req_2"), (own, "req_2/cost"), (own, "req_1/costs"), (own, "req_1/")):
        with pytest.raises(ClientError) as missing:
            await answer(Asked(), path, who=who, rest=id)
        assert missing.value.status == 404


async def test_how_a_rows_cost_came_about() -> None:
    assert await answer(Asked(), "/usage/requests/", who=principal("admin"), rest="req_1/cost") == {
        "cost_usd": "0.000012500",
        "cost_source": "list",
        "price_id": "gpt-5.4",
        "price_fuzzy": True,
        "parts": [{"unit": "input", "count": 5, "usd": "2.5", "per": 1_000_000, "amount_nano_usd": "12500"}],
        "sum_nano_usd": "12500",
        "above_input_tokens": 7,
        "list": {"version": None, "fetched_at": "1970-01-01T00:00:00.000001Z", "models": 3},
        "notes": ["req_1"],
    }


def by_cost(**costs: int | None) -> Breakdown:
    rows = (BreakdownRow(value=name, summary=Summary(requests=1, cost_nano=nano)) for name, nano in costs.items())
    return Breakdown(rows=tuple(rows))


async def test_a_breakdown_is_compared_with_the_period_before_and_tells_what_has_stopped() -> None:
    asked, admin = Asked(), principal("admin")
    asked.breakdowns = [by_cost(a=3, b=2), by_cost(b=5, gone=9)]
    given = (("by", "tag:team"), ("compare", "previous"), ("from", "2026-11-08"), ("to", "2026-11-15"))
    data = (await answer(asked, "/usage/breakdown", *given, who=admin))["data"]
    assert [(row["value"], row["cost_usd"], row["previous"]["cost_usd"]) for row in data] == [
        ("a", "0.000000003", "0.000000000"),
        ("b", "0.000000002", "0.000000005"),
        ("gone", "0.000000000", "0.000000009"),
    ]
    first, second = asked.queries
    assert second.end_us == first.start_us and first.start_us and first.end_us and second.start_us
    assert first.end_us - first.start_us == second.end_us - second.start_us == 7 * 86_400_000_000
    asked.breakdowns = [by_cost(a=3)]
    assert "previous" not in (await answer(asked, "/usage/breakdown", ("compare", "previous"), who=admin))["data"][0]


@pytest.mark.parametrize("path", ["/usage/summary", "/usage/breakdown"])
async def test_a_key_is_compared_with_nothing_from_before_it_was(path: str) -> None:
    """An earlier key of its name had those rows: they were told, of a whole range before the key's first hour."""
    made = 1_790_000_000
    who = Principal(key_id="key_2", key_name="ci", role="read", user=None, tags=(), created_us=made * 1_000_000)

    async def asked_for(start: int, end: int) -> list[tuple[int, int]]:
        asked = Asked()
        asked.breakdowns = [by_cost(), by_cost()]
        given = (("compare", "previous"), ("from", str(start)), ("to", str(end)))
        await answer(asked, path, *given, who=who)
        assert [query.key for query in asked.queries] == [("ci",)] * 2
        return [((query.start_us or 0) // 10**6, (query.end_us or 0) // 10**6) for query in asked.queries]

    assert await asked_for(made + 10, made + 20) == [(made + 10, made + 20), (made, made + 10)]
    assert await asked_for(made + 5, made + 15) == [(made + 5, made + 15), (made, made + 5)], "five of ten seconds"
    assert await asked_for(made - 10, made + 20) == [(made, made + 20), (made, made)]
    assert await asked_for(made - 20, made - 10) == [(made, made), (made, made)]
    asked = Asked()
    assert (await answer(asked, "/usage/summary", ("compare", "previous"), who=who))["previous"] is None


@pytest.mark.parametrize("filter", [("conversation", "c"), ("trace", "t")])
async def test_the_costliest_step_is_marked_within_one_conversation_or_trace(filter: tuple[str, str]) -> None:
    asked, admin = Asked(), principal("admin")
    asked.breakdowns = [by_cost(plan=3, code=7, free=0, unpriced=None), by_cost(free=0), by_cost(plan=3)]
    marked = (await answer(asked, "/usage/breakdown", ("by", "tag:step"), filter, who=admin))["data"]
    assert [row["costliest"] for row in marked] == [False, True, False, False]
    assert not (await answer(asked, "/usage/breakdown", filter, who=admin))["data"][0]["costliest"]
    assert "costliest" not in (await answer(asked, "/usage/breakdown", who=admin))["data"][0]


async def test_a_limit_leaves_the_rest_as_others_and_marks_the_costliest_of_all() -> None:
    asked, admin = Asked(), principal("admin")
    rest = OtherRows(values=3, summary=Summary(requests=5, cost_nano=9), most_nano=8)
    asked.breakdowns = [structs.replace(by_cost(a=3), others=rest)]
    told = await answer(asked, "/usage/breakdown", ("limit", "1"), ("trace", "t"), who=admin)
    assert list(told) == ["data", "others", "overlapping"] and asked.cuts == [(1, None, True)]
    assert [told["others"][name] for name in ("values", "requests", "cost_usd")] == [3, 5, "0.000000009"]
    assert not told["data"][0]["costliest"]
    await answer(asked, "/usage/breakdown", who=admin)
    assert asked.cuts[1:] == [(None, None, False)]
    for bad in ("0", "1001", "ten"):
        with pytest.raises(ClientError, match="whole number from 1 to 1000"):
            await answer(asked, "/usage/breakdown", ("limit", bad), who=admin)


async def test_others_are_compared_with_what_the_listed_had_not_used_before() -> None:
    asked, admin = Asked(), principal("admin")
    given = (("limit", "1"), ("compare", "previous"), ("from", "2026-11-08"), ("to", "2026-11-15"))
    before = OtherRows(values=2, summary=Summary(requests=6))
    now = OtherRows(values=3, summary=Summary(requests=5))
    asked.breakdowns = [structs.replace(by_cost(a=3), others=now), structs.replace(by_cost(a=1), others=before)]
    told = await answer(asked, "/usage/breakdown", *given, who=admin)
    assert asked.cuts == [(1, None, True), (None, {"a"}, True)]
    assert [row["previous"]["cost_usd"] for row in told["data"]] == ["0.000000001"]
    assert (told["others"]["requests"], told["others"]["previous"]["requests"]) == (5, 6)
    asked.breakdowns = [by_cost(a=3), structs.replace(by_cost(a=1), others=before)]
    stopped = (await answer(asked, "/usage/breakdown", *given, who=admin))["others"]
    assert (stopped["values"], stopped["requests"], stopped["previous"]["requests"]) == (0, 0, 6)
    asked.breakdowns = [structs.replace(by_cost(a=3), others=now), by_cost(a=1)]
    new = (await answer(asked, "/usage/breakdown", *given, who=admin))["others"]
    assert (new["requests"], new["previous"]["requests"]) == (5, 0)


async def test_conversations_take_a_sort_a_limit_and_a_cursor() -> None:
    given = (("sort", "requests"), ("limit", "7"), ("cursor", "x"))
    page = await answer(Asked(), "/usage/conversations", *given, who=principal("admin"))
    assert page == {"data": [], "next_cursor": "requests 7 x"}


async def test_an_export_says_what_it_is_and_what_it_is_called() -> None:
    asked, admin = Asked(), principal("admin")
    given = (("what", "buckets"), ("bucket", "month"), ("by", "tag:team"), ("bom", "1"), ("tz", "Asia/Kolkata"))
    download = await answer(asked, "/usage/export.csv", *given, who=admin)
    assert isinstance(download, Download)
    assert download.headers == {
        "content-type": "text/csv; charset=utf-8; header=present",
        "content-disposition": 'attachment; filename="faregate-buckets.csv"',
    }
    assert [piece async for piece in download.chunks] == [b"line\r\n"]
    lines = await answer(asked, "/usage/export.csv", ("format", "jsonl"), who=admin)
    assert lines.headers["content-type"] == "application/x-ndjson"
    await answer(asked, "/usage/export.jsonl", ("what", "conversations"), ("sort", "requests"), who=admin)
    assert asked.exports == [
        Export(what="buckets", bucket="month", by="tag:team", bom=True),
        Export(format="jsonl"),
        Export(what="conversations", format="jsonl", sort="requests"),
    ]
    assert asked.queries[0].tz == "Asia/Kolkata"


@pytest.mark.parametrize(
    ("name", "value"), [("what", 'x"\r\n'), ("format", "xlsx"), ("bom", "yes"), ("bom", "1"), ("from", "soon")]
)
async def test_an_export_that_makes_no_sense_is_refused_before_it_begins(name: str, value: str) -> None:
    path = "/usage/export.jsonl" if value == "1" else "/usage/export.csv"
    with pytest.raises(ClientError) as refused:
        await answer(Asked(), path, (name, value), who=principal("admin"))
    assert refused.value.param == name


async def test_a_question_is_passed_on_as_it_was_asked_or_as_usual() -> None:
    admin, asked = principal("admin"), Asked()
    usual = await answer(asked, "/usage/timeseries", who=admin), await answer(asked, "/usage/breakdown", who=admin)
    assert usual == ({"buckets": []}, {"data": [], "overlapping": False})
    await answer(asked, "/usage/timeseries", ("bucket", "day"), ("by", "user"), who=admin)
    await answer(asked, "/usage/breakdown", ("by", "tag:team"), ("sort", "requests"), who=admin)
    assert asked.told == [("hour", None), ("model", "cost_usd"), ("day", "user"), ("tag:team", "requests")]
    (row,) = (await answer(asked, "/usage/requests", who=admin))["data"]
    assert row["id"] == ROW.id
