"""The read routes over stand-in queries: what they ask for whom, and what they answer."""

from typing import Any

import pytest

from gateway.access import Principal
from gateway.errors import ClientError
from gateway.reads import BASE, read_routes
from gateway.records import Breakdown, ExchangeRecord, RequestPage, Summary, TimeBucket, UsageQuery
from gateway.server import Call

ROW = ExchangeRecord(id="req_1", started_us=0, door="openai_chat", key_id="key_1", key="laptop")


class Asked:
    """Answers with nothing used, and keeps what was asked."""

    def __init__(self) -> None:
        self.queries: list[UsageQuery] = []

    async def summary(self, query: UsageQuery, *, previous: bool = False) -> tuple[Summary, Summary | None]:
        self.queries.append(query)
        return Summary(), Summary(requests=7) if previous and query.start_us is not None else None

    async def timeseries(self, query: UsageQuery, bucket: str, by: str | None = None) -> tuple[TimeBucket, ...]:
        self.queries.append(query)
        return ()

    async def breakdown(
        self, query: UsageQuery, by: str, *, sort: str = "cost_usd", limit: int | None = None
    ) -> Breakdown:
        self.queries.append(query)
        return Breakdown(rows=())

    async def requests(
        self, query: UsageQuery, *, limit: int = 100, offset: int = 0, cursor: str | None = None
    ) -> RequestPage:
        self.queries.append(query)
        return RequestPage(rows=(ROW,))

    async def request(self, id: str) -> ExchangeRecord | None:
        return ROW if id == ROW.id else None


def principal(role: str, name: str = "laptop") -> Principal:
    return Principal(key_id=f"key_{name}", key_name=name, role=role, user=None, tags=())


async def answer(asked: Asked, path: str, *query: tuple[str, str], who: Principal, rest: str = "") -> Any:
    route = next(route for route in read_routes(asked, dict) if route.path == BASE + path)
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


@pytest.mark.parametrize("path", ["/usage/requests", "/usage/summary", "/usage/timeseries", "/usage/breakdown"])
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
    for who, id in ((principal("read", "other"), "req_1"), (own, "req_2")):
        with pytest.raises(ClientError) as missing:
            await answer(Asked(), path, who=who, rest=id)
        assert missing.value.status == 404
