"""The gateway's public surface over rows in memory, so that the window is tested without a server or a database.

Answers are computed from the rows by the same words that the real queries take. A test sets `fails` to make every
query raise, and reads `calls` to see what was asked.
"""

import asyncio
import csv
import operator
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from gateway import (
    ApiKeyRow,
    Breakdown,
    BreakdownRow,
    Changes,
    Completeness,
    ConversationPage,
    ConversationRow,
    CostExplanation,
    CostPart,
    Distribution,
    DoorTrial,
    ExchangeHeaders,
    ExchangeRecord,
    Export,
    ExtraProvider,
    FaregateError,
    GatewayState,
    KeyTrial,
    LastTold,
    ModelRow,
    NewApiKey,
    NewPriceOverride,
    NumberCondition,
    PriceList,
    PriceOverride,
    PriceRow,
    ProviderRow,
    RequestPage,
    Summary,
    Thread,
    ThreadPage,
    ThreadQuery,
    TimeBucket,
    Trace,
    TrialStep,
    UnitPrice,
    UsageQuery,
    VaultState,
)
from gateway.prices.pricing import Pricing
from tests.app.fake_comparisons import FakeComparisons
from tests.app.fake_data import api_key_rows, exchanges, model_rows, provider_rows
from tests.app.fake_repricing import FakeRepricing
from tests.app.fake_settings import FakeSettings
from tests.app.fake_threads import page_of

NOW_US = 1_795_456_980_000_000
"""Mon 23 Nov 2026, 18:03 UTC: what the rows end at, unless a test says otherwise."""
_WIDTHS = {"1m": 60_000_000, "15m": 900_000_000, "hour": 3_600_000_000}
_OPERATORS = {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt, "=": operator.eq}
_FIELDS = {"provider", "model", "key", "door", "client", "app", "outcome"}


NO_HEADERS = "Content is not kept: capture.content is off."


class FakeGateway(FakeSettings, FakeRepricing, FakeComparisons):
    """`rows` newest first. `put` adds one and tells the window, as a real exchange would."""

    def __init__(
        self,
        rows: int | Sequence[ExchangeRecord] = 400,
        *,
        now_us: int = NOW_US,
        folder: Path = Path("/nonexistent/faregate"),
        demo: bool = False,
        word: str = "running",
        message: str = "",
    ) -> None:
        FakeSettings.__init__(self)
        FakeRepricing.__init__(self)
        FakeComparisons.__init__(self)
        self.now_us = now_us
        self.rows = list(exchanges(rows, now_us) if isinstance(rows, int) else rows)
        self.folder = folder
        self.demo = demo
        self.state = GatewayState(word=word, url="http://127.0.0.1:4210", message=message)
        self.changed: Callable[[Changes], None] = lambda changes: None
        self.fails: str | None = None
        self.paused_minutes: float | None = None
        self.gone_until_us: int | None = None
        self.calls: list[str] = []
        self.keys = list(api_key_rows(now_us))
        self.provider_list = list(provider_rows(now_us))
        self.own_tables: dict[str, ExtraProvider] = {}
        self.own_names: dict[str, str] = {}
        self.vault = VaultState(backend="keyring", available=True)
        self.trial_ok = True
        self.door_trial = DoorTrial(
            ok=True, message="The gateway answered.", request_id="r-test", status=200, ms=420.0, cost_nano=12_000
        )
        self.door_waits: asyncio.Event | None = None
        self.own_prices: list[PriceOverride] = []
        self.removed_prices: dict[int, PriceOverride] = {}
        self.price_ids = 0
        self.changed_prices: dict[str, str] = {}
        self.next_changes: dict[str, str] = {}
        self.listed = PriceList(version="0.2.3", fetched_us=None, models=2330)
        self.told: list[Thread] = []
        self.headers: dict[str, ExchangeHeaders] = {}
        self.traces: dict[str, Trace] = {}
        self.last: list[LastTold] = []

    # the gateway itself

    async def start(self) -> None:
        self._note("start")
        self._set_word("running")

    async def open(self) -> None:
        self._note("open")
        self.changed(Changes(state=True))

    async def stop(self, drain_s: float = 10.0) -> None:
        self._note("stop")
        self._set_word("off")

    async def close(self) -> None:
        self._note("close")
        self._set_word("off")

    def pause_capture(self, minutes: float = 15) -> None:
        self._note("pause_capture")
        self.paused_minutes = minutes
        self._set_paused(time.time_ns() // 1000 + round(minutes * 60_000_000))

    def take_over(self, before: "FakeGateway") -> None:
        self._set_paused(before.state.capture_paused_until_us)

    def resume_capture(self) -> None:
        self._note("resume_capture")
        self._set_paused(None)

    def _set_paused(self, until_us: int | None) -> None:
        self.state = msgspec.structs.replace(self.state, capture_paused_until_us=until_us)
        self.changed(Changes(state=True))

    def _set_word(self, word: str, message: str = "") -> None:
        self.state = msgspec.structs.replace(self.state, word=word, message=message)
        self.changed(Changes(state=True))

    def put(self, row: ExchangeRecord) -> None:
        self.rows.insert(0, row)
        self.changed(Changes(usage=True))

    def _note(self, call: str) -> None:
        self.calls.append(call)
        if self.fails is not None:
            raise FaregateError(self.fails)

    # usage

    async def summary(self, query: UsageQuery, *, before: UsageQuery | None = None) -> tuple[Summary, Summary | None]:
        self._note("summary")
        now = msgspec.structs.replace(summarise(self._matching(query)), complete_from_us=self.gone_until_us)
        return now, None if before is None else summarise(self._matching(before))

    async def timeseries(self, query: UsageQuery, bucket: str, by: str | None = None) -> tuple[TimeBucket, ...]:
        self._note("timeseries")
        rows = self._matching(query)
        start = query.start_us if query.start_us is not None else (rows[-1].started_us if rows else self.now_us)
        end = query.end_us if query.end_us is not None else self.now_us
        edges = bucket_edges(start, end, bucket, query.tz)
        groups = [None] if by is None else sorted({value for row in rows for value in values_of(row, by)}, key=str)
        made: list[TimeBucket] = []
        ordered = sorted(rows, key=lambda row: row.started_us)
        places = [bisect_left(ordered, edge, key=lambda row: row.started_us) for edge in edges]
        for (left, right), (first, last) in zip(pairwise(edges), pairwise(places), strict=True):
            members: dict[str | None, list[ExchangeRecord]] = {}
            for row in ordered[first:last]:
                for value in {None} if by is None else {*values_of(row, by)}:
                    members.setdefault(value, []).append(row)
            for value in groups:
                summary = summarise(members.get(value, ()))
                made.append(TimeBucket(start_us=left, end_us=right, summary=summary, value=value))
        return tuple(made)

    async def breakdown(
        self, query: UsageQuery, by: str, *, sort: str = "cost_usd", limit: int | None = None
    ) -> Breakdown:
        self._note(f"breakdown {by}")
        groups: dict[str | None, list[ExchangeRecord]] = {}
        for row in self._matching(query):
            for value in values_of(row, by):
                groups.setdefault(value, []).append(row)
        made = [BreakdownRow(value=value, summary=summarise(rows)) for value, rows in groups.items()]
        made.sort(
            key=lambda row: row.summary.requests if sort == "requests" else row.summary.cost_nano or 0, reverse=True
        )
        return Breakdown(rows=tuple(made[:limit]), overlapping=by.startswith("tag"))

    async def conversations_named(self, query: UsageQuery, text: str) -> tuple[str, ...]:
        self._note(f"conversations_named {text}")
        ids = dict.fromkeys(row.conversation_id for row in self._matching(query) if row.conversation_id is not None)
        return (text,) if text in ids else tuple(id for id in ids if text.casefold() in id.casefold())

    async def request_count(self, query: UsageQuery) -> int:
        self._note("request_count")
        return len(self._matching(query))

    async def requests(
        self, query: UsageQuery, *, limit: int = 100, offset: int = 0, cursor: str | None = None
    ) -> RequestPage:
        self._note(f"requests {limit} {offset}")
        rows = self._matching(query)
        first = int(cursor) if cursor is not None else offset
        last = first + limit
        return RequestPage(
            rows=tuple(rows[first:last]),
            next_cursor=str(last) if last < len(rows) else None,
            complete_from_us=self.gone_until_us,
        )

    async def conversations(
        self, query: UsageQuery, *, sort: str = "cost_usd", limit: int = 100, cursor: str | None = None
    ) -> ConversationPage:
        self._note("conversations")
        groups: dict[str, list[ExchangeRecord]] = {}
        for row in self._matching(query):
            if row.conversation_id is not None:
                groups.setdefault(row.conversation_id, []).append(row)
        made = [
            ConversationRow(
                id=id,
                started_us=rows[-1].started_us,
                ended_us=rows[0].started_us,
                user=rows[-1].user,
                app=rows[-1].app,
                models=tuple(dict.fromkeys(row.model for row in rows if row.model is not None)),
                tags=tuple(dict.fromkeys(tag for row in rows for tag in row.tags)),
                summary=summarise(rows),
            )
            for id, rows in groups.items()
        ]
        made.sort(key=lambda row: row.ended_us, reverse=True)
        return ConversationPage(rows=tuple(made[:limit]))

    async def request(self, id: str) -> ExchangeRecord | None:
        self._note("request")
        return next((row for row in self.rows if row.id == id), None)

    async def export_file(
        self,
        query: UsageQuery,
        export: Export,
        path: Path,
        progress: Callable[[int, int | None], None] | None = None,
    ) -> int:
        self._note(f"export_file {export.what} {export.format}")
        rows: Sequence[object]
        match export.what:
            case "requests":
                names, rows = ("id", "started_us", "model", "cost_nano"), self._matching(query)
            case "buckets":
                names, rows = ("start_us", "end_us", "value"), await self.timeseries(query, export.bucket, export.by)
            case _:
                names, rows = ("value",), (await self.breakdown(query, export.by or "model")).rows
        _write(path, names, rows)
        if progress is not None:
            progress(len(rows), len(rows))
        return len(rows)

    def completeness(self) -> Completeness:
        return Completeness(seen=len(self.rows), written=len(self.rows), priced=len(self.rows), open=0)

    def _matching(self, query: UsageQuery) -> list[ExchangeRecord]:
        return [row for row in self.rows if matches(row, query)]

    # conversations

    async def threads(
        self,
        query: ThreadQuery,
        *,
        limit: int = 50,
        cursor: str | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> ThreadPage:
        self._note(f"threads {query.sort} {query.text or ''}".strip())
        if progress is not None:
            progress(0, len(self.told))
        return page_of(self.told, query, limit, cursor)

    async def thread(self, id: str) -> Thread | None:
        self._note("thread")
        return next((thread for thread in self.told if thread.row.id == id), None)

    async def trace(self, trace_id: str) -> Trace | None:
        self._note("trace")
        return self.traces.get(trace_id)

    async def last_told(self, keys: Sequence[str] | None = None) -> LastTold | None:
        self._note("last_told")
        return next((one for one in reversed(self.last) if keys is None or one.key_id in keys), None)

    async def headers_of_request(self, request_id: str) -> ExchangeHeaders:
        self._note("headers_of_request")
        return self.headers.get(request_id, ExchangeHeaders(why=NO_HEADERS))

    async def thread_of_request(self, request_id: str) -> tuple[str, int] | None:
        self._note("thread_of_request")
        return next(
            (
                (thread.row.id, turn.n)
                for thread in self.told
                for turn in thread.turns
                if turn.request_id == request_id
            ),
            None,
        )

    async def delete_thread(self, id: str) -> None:
        self._note(f"delete_thread {id}")
        self.told = [thread for thread in self.told if thread.row.id != id]
        self.changed(Changes(conversations=True))

    async def rename_thread(self, id: str, title: str) -> None:
        self._note(f"rename_thread {id}")
        self.told = [
            msgspec.structs.replace(thread, row=msgspec.structs.replace(thread.row, title=title))
            if thread.row.id == id
            else thread
            for thread in self.told
        ]
        self.changed(Changes(conversations=True))

    # keys, providers, models

    async def api_keys(self) -> tuple[ApiKeyRow, ...]:
        self._note("api_keys")
        return tuple(self.keys)

    async def create_api_key(
        self, name: str, *, role: str = "execute", user: str | None = None, tags: tuple[str, ...] = ()
    ) -> NewApiKey:
        self._note("create_api_key")
        if any(row.name == name and row.revoked_us is None for row in self.keys):
            raise FaregateError(f"A key named {name} exists already: choose another name.")
        row = ApiKeyRow(
            id=f"k{len(self.keys) + 1}",
            name=name,
            prefix="tk_FAKE",
            role=role,
            user=user,
            tags=tags,
            created_us=self.now_us,
        )
        self.keys.append(row)
        self.changed(Changes(keys=True))
        return NewApiKey(key="tk_FAKEFAKEFAKEFAKEFAKEFAKEFAKEFAKE", row=row)

    async def create_temporary_key(self, name: str) -> NewApiKey:
        return await self.create_api_key(name)

    async def try_door(self, door: str, model: str, key: str | None = None) -> DoorTrial:
        self._note(f"try_door {door} {model} {'with' if key else 'without'} a key")
        if self.door_waits is not None:
            await self.door_waits.wait()
        return self.door_trial

    async def revoke_api_key(self, id: str) -> None:
        self._note("revoke_api_key")
        self.keys = [
            msgspec.structs.replace(row, revoked_us=self.now_us) if row.id == id else row for row in self.keys
        ]
        self.changed(Changes(keys=True))

    async def providers(self) -> tuple[ProviderRow, ...]:
        self._note("providers")
        return tuple(self.provider_list)

    def check_key_format(self, provider: str, key: str) -> str | None:
        if provider == "openai" and key.startswith("sk-ant-"):
            return "This looks like an Anthropic key: choose Anthropic, or paste an OpenAI key."
        return None

    async def try_provider_key(self, provider: str, key: str) -> KeyTrial:
        self._note("try_provider_key")
        steps = (
            TrialStep(title="Connect", ok=True, ms=24.0, detail="127.0.0.1"),
            TrialStep(title="Authorise", ok=self.trial_ok, ms=61.0),
        )
        if self.trial_ok:
            return KeyTrial(
                ok=True, message="The provider took the key.", state="connected", steps=steps, models=("gpt-5.1",)
            )
        return KeyTrial(
            ok=False, message="The provider rejected the key: paste it again.", state="rejected", steps=steps
        )

    async def store_provider_key(self, provider: str, key: str) -> None:
        self._note("store_provider_key")
        self._change_provider(provider, key_source="vault", masked=f"{key[:3]}…{key[-4:]}", state="connected")

    async def test_provider(self, provider: str) -> KeyTrial:
        return await self.try_provider_key(provider, "")

    async def remove_provider_key(self, provider: str) -> None:
        self._note("remove_provider_key")
        self._change_provider(provider, key_source="none", masked=None, state="unconfigured", detail=None)

    def aliases(self) -> Mapping[str, str]:
        return self.own_names

    async def set_alias(self, name: str, model: str) -> None:
        self._note("set_alias")
        if name == model:
            raise FaregateError("A model needs no other name that is its own.")
        self.own_names[name] = model

    async def remove_alias(self, name: str) -> None:
        self._note("remove_alias")
        del self.own_names[name]

    async def switch_provider(self, provider: str, on: bool) -> None:
        self._note("switch_provider")
        self._change_provider(provider, enabled=on)

    def own_providers(self) -> tuple[ExtraProvider, ...]:
        return tuple(self.own_tables.values())

    async def save_own_provider(self, values: Mapping[str, Any]) -> None:
        self._note("save_own_provider")
        told = {field: value for field, value in values.items() if value is not None}
        if not str(told["base_url"]).startswith("http"):
            raise FaregateError("base_url must begin with http:// or https://.")
        before = self.own_tables.get(told["name"])
        kept = msgspec.structs.asdict(before) if before is not None else {}
        kept = {field: value for field, value in kept.items() if field not in values}
        self.own_tables[told["name"]] = ExtraProvider(**{**kept, **told})

    async def remove_own_provider(self, name: str) -> None:
        self._note("remove_own_provider")
        del self.own_tables[name]

    def _change_provider(self, name: str, **fields: object) -> None:
        self.provider_list = [
            msgspec.structs.replace(row, **fields) if row.name == name else row for row in self.provider_list
        ]
        self.changed(Changes(providers=True))

    async def vault_state(self) -> VaultState:
        self._note("vault_state")
        return self.vault

    async def choose_vault(self, backend: str, passphrase: str | None = None) -> None:
        self._note(f"choose_vault {backend}")
        self.vault = VaultState(backend=backend, available=True)
        self.changed(Changes(providers=True))

    def models(self) -> tuple[ModelRow, ...]:
        return model_rows()

    def price_list(self) -> PriceList:
        return self.listed

    async def update_prices(self) -> PriceList:
        self._note("update_prices")
        self.changed_prices = self.next_changes
        self.listed = PriceList(version=None, fetched_us=NOW_US, models=2400)
        return self.listed

    async def prices(self, at_us: int | None = None) -> tuple[PriceRow, ...]:
        """Each known model's, as the list or the own prices have it; an own one for another model comes last."""
        self._note("prices")
        own = {(price.provider, price.model): price for price in self.own_prices}
        found = [self._price(row.provider, row.id, row) for row in model_rows() if (row.provider, row.id) not in own]
        return (*found, *(_own_price_row(price) for price in own.values()))

    def _price(self, provider: str, model: str, row: ModelRow) -> PriceRow:
        known = {"input": row.input_price, "cached": row.cached_price, "output": row.output_price}
        usd = {unit: str(Decimal(nano) / 10**9) for unit, nano in known.items() if nano is not None}
        if usd and model in self.changed_prices:
            usd["input"] = self.changed_prices[model]
        prices = tuple(UnitPrice(unit=unit, usd=text, per=10**6) for unit, text in usd.items())
        return PriceRow(provider=provider, model=model, source="list" if prices else "none", prices=prices)

    def price_overrides(self) -> tuple[PriceOverride, ...]:
        return tuple(self.own_prices)

    async def add_price(self, price: NewPriceOverride) -> PriceOverride:
        self._note("add_price")
        fields = {name: getattr(price, name) for name in NewPriceOverride.__struct_fields__}
        self.price_ids += 1
        self.own_prices.append(PriceOverride(**fields, id=self.price_ids, created_us=self.now_us))
        return self.own_prices[-1]

    async def add_prices(self, prices: Sequence[NewPriceOverride]) -> tuple[PriceOverride, ...]:
        self._note("add_prices")
        return tuple([await self.add_price(price) for price in prices])

    async def replace_price(self, id: int, price: NewPriceOverride) -> PriceOverride:
        self._note("replace_price")
        await self.remove_price(id)
        return await self.add_price(price)

    async def remove_price(self, id: int) -> PriceOverride:
        self._note("remove_price")
        removed = next((price for price in self.own_prices if price.id == id), None)
        if removed is None:
            raise FaregateError(f"There is no price {id} of yours: see the list of prices for what there is.")
        self.own_prices.remove(removed)
        self.removed_prices[id] = removed
        return removed

    async def restore_price(self, id: int, *, instead_of: int | None = None) -> PriceOverride:
        self._note("restore_price")
        if id not in self.removed_prices:
            raise FaregateError(f"There is no price {id} of yours: see the list of prices for what there is.")
        if instead_of is not None:
            await self.remove_price(instead_of)
        restored = self.removed_prices.pop(id)
        self.own_prices = sorted((*self.own_prices, restored), key=lambda price: price.id)
        return restored

    async def remove_prices(self, ids: Sequence[int]) -> tuple[PriceOverride, ...]:
        self._note("remove_prices")
        return tuple([await self.remove_price(id) for id in ids])

    def explain(self, record: ExchangeRecord) -> CostExplanation:
        """Input and output at the model's prices, as the rows were made."""
        model = next((row for row in model_rows() if row.id == record.model), None)
        parts = []
        for unit, count in (("input", record.input_tokens), ("output", record.output_tokens)):
            nano = getattr(model, f"{unit}_price", None)
            if nano is not None and count:
                usd, amount = f"{Decimal(nano) / 10**9:f}", f"{Decimal(nano) * count / 10**6:f}"
                parts.append(CostPart(unit=unit, count=count, price_usd=usd, per=10**6, amount_nano=amount))
        exact = sum((Decimal(part.amount_nano) for part in parts), Decimal(0))
        if record.cost_nano is None or round(exact) != record.cost_nano:
            return CostExplanation(cost_nano=record.cost_nano, source=record.cost_source)
        return CostExplanation(
            cost_nano=record.cost_nano,
            source=record.cost_source,
            price_id=record.price_id,
            parts=tuple(parts),
            exact_nano=f"{exact:f}",
            price_list=self.listed,
        )


def values_of(row: ExchangeRecord, by: str) -> tuple[str | None, ...]:
    """What a row counts under: a dimension's value, every tag, or the values of one tag key."""
    if by == "tag":
        return row.tags or (None,)
    if by.startswith("tag:"):
        key = by.removeprefix("tag:")
        return tuple(tag.partition(":")[2] for tag in row.tags if tag.partition(":")[0] == key) or (None,)
    if by == "conversation":
        return (row.conversation_id,)
    return (getattr(row, by),)


def _own_price_row(price: PriceOverride) -> PriceRow:
    pricing = Pricing()
    pricing.use_overrides([price])
    return pricing.price_row("", price.provider, price.model, price.valid_from_us or 0)


def matches(row: ExchangeRecord, query: UsageQuery) -> bool:
    if query.start_us is not None and row.started_us < query.start_us:
        return False
    if query.end_us is not None and row.started_us >= query.end_us:
        return False
    for field in (*_FIELDS, "user", "conversation"):
        wanted = getattr(query, field)
        if wanted and values_of(row, field)[0] not in wanted:
            return False
    for word in query.text:
        if not any(word.casefold() in (text or "").casefold() for text in (row.model, row.user, row.key)):
            return False
    if not all(_compares(row, condition) for condition in query.numbers):
        return False
    return all(_has_tag(row, condition.any_of) != condition.negated for condition in query.tags)


def _compares(row: ExchangeRecord, condition: NumberCondition) -> bool:
    counts = [count for count in (row.input_tokens, row.output_tokens) if count is not None]
    number = {
        "status": row.status or None,
        "cost": row.cost_nano,
        "latency": row.latency_us,
        "ttft": row.ttft_us,
        "overhead": row.overhead_us,
        "tokens": sum(counts) if counts else None,
        "input": row.input_tokens,
        "output": row.output_tokens,
        "cached": row.cached_tokens,
        "reasoning": row.reasoning_tokens,
    }[condition.field]
    return number is not None and _OPERATORS[condition.operator](number, condition.value)


def _has_tag(row: ExchangeRecord, any_of: Iterable[str]) -> bool:
    keys = {tag.partition(":")[0] for tag in row.tags}
    return any(tag in row.tags if ":" in tag else tag in keys for tag in any_of)


def summarise(rows: Sequence[ExchangeRecord]) -> Summary:
    """The sums over rows, as the real queries answer them."""
    return _summed(rows) if rows else NOTHING


def _summed(rows: Sequence[ExchangeRecord]) -> Summary:
    costs = [row.cost_nano for row in rows if row.cost_nano is not None]
    sources: dict[str, int] = {}
    for row in rows:
        sources[row.usage_source] = sources.get(row.usage_source, 0) + 1
    return Summary(
        requests=len(rows),
        errors=sum(row.outcome in ("error", "interrupted") for row in rows),
        input_tokens=_sum(rows, "input_tokens"),
        cached_tokens=_sum(rows, "cached_tokens"),
        cache_write_tokens=_sum(rows, "cache_write_tokens"),
        output_tokens=_sum(rows, "output_tokens"),
        reasoning_tokens=_sum(rows, "reasoning_tokens"),
        cost_nano=sum(costs) if costs or not rows else None,
        unpriced_requests=sum(row.unpriced for row in rows),
        price_fuzzy_requests=sum(row.price_fuzzy and row.cost_nano is not None for row in rows),
        usage_sources=sources,
        latency_ms=_distribution([row.latency_us / 1000 for row in rows if row.latency_us is not None]),
        ttft_ms=_distribution([row.ttft_us / 1000 for row in rows if row.ttft_us is not None]),
        tokens_per_s=_speed(rows),
    )


def _speed(rows: Sequence[ExchangeRecord]) -> float | None:
    """Output tokens a second, where both are known."""
    known = [(row.output_tokens, row.latency_us) for row in rows if row.output_tokens and row.latency_us]
    return sum(tokens for tokens, _ in known) / sum(us for _, us in known) * 1e6 if known else None


def _sum(rows: Sequence[ExchangeRecord], field: str) -> int | None:
    known = [value for row in rows if (value := getattr(row, field)) is not None]
    return sum(known) if known or not rows else None


def _distribution(values: list[float]) -> Distribution:
    if not values:
        return Distribution()
    values.sort()
    at = [values[min(len(values) - 1, int(len(values) * share))] for share in (0.5, 0.95, 0.99)]
    return Distribution(avg=sum(values) / len(values), p50=at[0], p95=at[1], p99=at[2])


NOTHING = _summed(())


def bucket_edges(start_us: int, end_us: int, bucket: str, tz: str) -> list[int]:
    """Edges that cover [start, end): fixed widths, or local days, weeks and months."""
    if bucket in _WIDTHS:
        width = _WIDTHS[bucket]
        return list(range(start_us - start_us % width, end_us + width, width))
    zone = ZoneInfo(tz)
    day = datetime.fromtimestamp(start_us / 1e6, zone).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    if bucket == "week":
        day -= timedelta(days=day.weekday())
    elif bucket == "month":
        day = day.replace(day=1)
    edges = [int(day.replace(tzinfo=zone).timestamp() * 1e6)]
    while edges[-1] < end_us:
        day = (
            (day.replace(day=28) + timedelta(days=4)).replace(day=1)
            if bucket == "month"
            else day + timedelta(days=7 if bucket == "week" else 1)
        )
        edges.append(int(day.replace(tzinfo=zone).timestamp() * 1e6))
    return edges


def _write(path: Path, names: Sequence[str], rows: Iterable[object]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows([getattr(row, name) for name in names] for row in rows)
