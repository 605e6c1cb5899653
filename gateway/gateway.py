"""Gateway: one gateway on one data folder. It wires the parts and offers queries and commands; no logic of its own.

Coroutines run on the loop that called `start`; SQL, keyring and price table are met in worker threads. What changes
is told through `changed`, at most four times a second, so that a window may simply look again.
"""

import asyncio
import contextlib
import errno
import hashlib
import logging
import os
import sqlite3
import ssl
import threading
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from uuid import uuid4

from msgspec.structs import asdict, replace

from gateway.access import AccessKeys, Principal
from gateway.admin import admin_routes
from gateway.admin_aliases import alias_routes
from gateway.admin_prices import price_routes
from gateway.admin_reprice import repricing_routes
from gateway.aliases import Aliases
from gateway.bill_file import write_reconciliation
from gateway.bills import bill_routes
from gateway.capture.capture import Capture
from gateway.capture.wiring import capture_of, redactor_of
from gateway.comparer import Comparer, ComparisonQuestion, Prompts, Tell, comparison_question
from gateway.comparison_records import AnswerEstimate, ComparedAnswer, Comparison, RatedAnswer, RatedModel
from gateway.comparison_routes import comparison_routes
from gateway.comparisons import Comparisons
from gateway.configured import configured_providers, own_models
from gateway.deadlines import Deadlines
from gateway.downloads import downloaded
from gateway.errors import FaregateError
from gateway.extra_providers import ExtraProvider
from gateway.folder import DataFolder
from gateway.key_format import check_format, clean_key
from gateway.key_trial import probe, try_key
from gateway.model import Usage
from gateway.model_rows import model_rows, price_rows
from gateway.output_file import output_file
from gateway.periods import period_before
from gateway.price_overrides import PriceOverrides
from gateway.pricing import Priced, Pricing
from gateway.provider_keys import ProviderKeys
from gateway.providers.catalog import Provider
from gateway.ratings import Ratings
from gateway.read_api import render_counts
from gateway.reads import read_routes
from gateway.receiver import Receiver
from gateway.reconcile import Question, columns_of, opener, reconcile
from gateway.reconcile.records import BillColumns, Reconciliation
from gateway.records import (
    ApiKeyRow,
    Breakdown,
    Changes,
    Cleaned,
    Completeness,
    ConversationPage,
    CostExplanation,
    ExchangeRecord,
    Export,
    GatewayState,
    KeyTrial,
    ModelRow,
    NewApiKey,
    NewPriceOverride,
    PriceList,
    PriceOverride,
    PriceRow,
    ProviderRow,
    Repricing,
    RepricingPreview,
    RequestPage,
    SettingRow,
    Sizes,
    Summary,
    TimeBucket,
    UsageQuery,
    VaultState,
)
from gateway.relay import Relay
from gateway.repricing import Repricer
from gateway.routing import Routing
from gateway.schema import unusable
from gateway.sealing import make_seal_key
from gateway.server import Arrivals, Server, door_routes
from gateway.setting_rows import setting_rows
from gateway.setting_values import oldest_us
from gateway.settings import Settings
from gateway.settings_edit import drop_provider, put_provider
from gateway.settings_edit import save as save_settings
from gateway.store import UsageStore
from gateway.store.asking import Asking
from gateway.store.repriced_rows import Progress as RepricingProgress
from gateway.store.thread_store import ThreadStore
from gateway.telemetry.exchange_spans import Surroundings, upstream_of
from gateway.telemetry.exporting import export_target
from gateway.telemetry.joiner import JoinedTelemetry, Joiner
from gateway.telemetry.keeping import StoredTelemetry
from gateway.telemetry.metric_series import MetricSeries
from gateway.telemetry.own import OwnTelemetry, metrics_route
from gateway.telemetry.privacy import Privacy
from gateway.telemetry.reported import Reported, reported
from gateway.thread_records import Thread, ThreadPage, ThreadQuery, Trace
from gateway.thread_routes import thread_routes
from gateway.told import Told
from gateway.upstream import Upstream
from gateway.vault import Vault
from gateway.version import VERSION

if TYPE_CHECKING:
    from gateway.demo import Demo

_log = logging.getLogger(__name__)
POLL_S = 0.5
TOLD_EVERY_S = 0.25
FLUSH_EVERY = 6
CLEAN_UP_EVERY_S = 3600.0
OFF = "The gateway is off: switch it on to ask models."
# Until a past day is settled it is only slower to ask about; the start has better to do.
SETTLE_EVERY_S, FIRST_SETTLE_S = 1800.0, 20.0

_P = ParamSpec("_P")
_T = TypeVar("_T")


def _digest(key: str) -> str:
    return hashlib.sha256(key.strip().encode()).hexdigest()


def _nobody(_changes: Changes) -> None:
    return


class Gateway:
    """See the module. `demo`: simulated providers answer, and the folder holds an example history.

    Raises FaregateError or GatewayError, whose messages are one sentence for people.
    """

    def __init__(self, folder: DataFolder, settings: Settings, *, demo: bool = False) -> None:
        self.changed: Callable[[Changes], None] = _nobody
        # Where `update_prices` asks: None for the list's own address.
        self.prices_url: str | None = None
        self.demo = demo
        self.settings = settings
        self._folder = folder
        self._state = GatewayState(word="off", url=settings.url)
        self._workers = ThreadPoolExecutor(max_workers=4, thread_name_prefix="faregate")
        self._tasks: set[asyncio.Task[None]] = set()
        self._pending = Changes()
        self._telling: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opened = False
        self._parts = contextlib.AsyncExitStack()
        # The key that a provider took last, as a digest: storing it next need not ask again.
        self._proven: tuple[str, str] | None = None
        self._models: tuple[date, tuple[ModelRow, ...]] | None = None
        self._health: dict[str, tuple[str, int, str | None]] = {}
        self._providers: Mapping[str, Provider] = {}
        self._pricing = Pricing({} if demo else {extra.name: extra.prices for extra in settings.providers})
        self._store = UsageStore(folder.path, on_commit=self._on_commit)
        self._access: AccessKeys
        self._overrides: PriceOverrides
        self._keys: ProviderKeys
        self._upstream: Upstream
        self._deadlines: Deadlines
        self._routing: Routing
        self._capture: Capture | None = None
        self._relay: Relay
        self._receiver: Receiver
        self._metric_series = MetricSeries()
        # What tells our own export from that of apps.
        self.instance = uuid4().hex
        self._server: Server | None = None
        # It outlives the server, as the store does: a gateway may be switched off and on.
        self._arrivals = Arrivals()
        self._metered = Completeness()
        self._demo: Demo | None = None
        self._threads: ThreadStore | None = None
        self._own: OwnTelemetry
        self._joiner: Joiner
        self._ratings: Ratings
        self._comparisons: Comparisons

    # Life.

    @property
    def folder(self) -> Path:
        return self._folder.path

    @property
    def state(self) -> GatewayState:
        return self._state

    async def open(self) -> None:
        """Open the folder, so that queries work, without listening; what hinders it becomes the state."""
        try:
            await self._open()
        except OSError as error:
            self._set_state(*self._why_not(error))
        except FaregateError as error:
            self._set_state("error", error.message)

    async def start(self) -> None:
        """Listen. A port that is in use becomes the state, not an exception."""
        if self._state.word in ("running", "starting"):
            return
        self._set_state("starting")
        try:
            await self._open()
            routes = (
                *door_routes(),
                *read_routes(self, self._healthz, lambda: self._routing.offered),
                *admin_routes(self),
                *alias_routes(self),
                *price_routes(self),
                *bill_routes(self),
                *repricing_routes(self),
                *thread_routes(self),
                *comparison_routes(self),
                metrics_route(self._own, VERSION, self.completeness, lambda: self._arrivals.running),
                *self._receiver.routes,
            )
            server = Server(
                self.settings,
                self._access,
                self._relay,
                routes,
                self._arrivals,
                anybody=self._receiver.anybody,
                on_grpc=self._receiver.spoke_grpc,
            )
            await server.start()
            await self._receiver.listen()
        except OSError as error:
            self._set_state(*self._why_not(error))
            return
        except FaregateError as error:
            self._set_state("error", error.message)
            return
        self._server = server
        self._state = replace(self._state, url=replace(self.settings, port=server.port).url)
        self._set_state("running")

    async def stop(self, drain_s: float = 10.0) -> None:
        """Stop listening; running requests get `drain_s` seconds. Queries go on working."""
        if self._server is None:
            self._set_state("off")
            return
        self._set_state("stopping")
        await asyncio.gather(self._server.stop(drain_s), self._receiver.stop(drain_s))
        # What the window asked has no connection that ends with the server.
        await self._comparisons.stop()
        self._server = None
        self._set_state("off")

    async def close(self) -> None:
        """Stop, write what is left, let everything go."""
        await self.stop(0.0)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._telling is not None:
            self._telling.cancel()
        await self._parts.aclose()
        self._opened = False
        self._workers.shutdown(wait=True)

    async def _open(self) -> None:
        if self._opened:
            return
        self._loop = asyncio.get_running_loop()
        async with contextlib.AsyncExitStack() as parts:
            await self._open_parts(parts)
            await self._load_prices()
            await self._keys.load()
            self._parts = parts.pop_all()
        self._opened = True
        self._spawn(self._follow())
        self._spawn(self._keep_bounds())
        self._spawn(self._settle())
        if self._demo is not None:
            for name in self._demo.base_urls:
                self._learnt(name, "connected", None)
            self._spawn(
                self._demo.fill(self._store, self._access, self._workers, self._keys_changed, self._tell_example)
            )

    async def _open_parts(self, parts: contextlib.AsyncExitStack) -> None:
        """Wires everything; each part that must be closed goes on the stack, so that half a start leaves nothing."""
        self._access = await self._work(AccessKeys, self._folder)
        parts.push_async_callback(self._work, self._access.close)
        self._overrides = await self._work(PriceOverrides, self._folder)
        parts.push_async_callback(self._work, self._overrides.close)
        self._aliases = await self._work(Aliases, self._folder)
        parts.push_async_callback(self._work, self._aliases.close)
        await self._work(self._store.start)
        parts.push_async_callback(self._work, self._store.close)
        environment = self.settings.provider_keys
        settings, backend = self.settings, self.settings.vault_backend
        if self.demo:
            self._demo = await self._start_demo()
            parts.push_async_callback(self._demo.stop)
            settings = replace(self.settings, base_urls=self._demo.base_urls, providers=())
            environment, backend = self._demo.keys, "memory"
        passphrase = self.settings.vault_passphrase
        vault = Vault(self._folder, backend, passphrase.reveal() if passphrase else None)
        self._keys = ProviderKeys(self._folder, vault, environment)
        parts.callback(self._keys.close)
        rows = configured_providers(settings)
        self._providers = {row.name: row for row in rows}
        self._upstream = Upstream(settings.timeouts.connect)
        parts.push_async_callback(self._upstream.close)
        threads = await self._start_threads(parts)
        self._receiver = await self._start_receiver(parts, threads)
        self._deadlines = Deadlines()
        parts.callback(self._deadlines.close)
        self._routing = Routing(
            rows, own_models=own_models(settings), aliases=self._aliases.every(), off=settings.providers_off
        )
        self._relay = Relay(
            routing=self._routing,
            keys=self._keys,
            store=self._store,
            pricing=self._pricing,
            upstream=self._upstream,
            deadlines=self._deadlines,
            timeouts=settings.timeouts,
            learnt=self._learnt,
            listener=self._capture,
        )
        comparer = Comparer(self._relay, self._routing, self._arrivals, self._access.touch)
        self._comparisons = Comparisons(
            comparer,
            self._ratings,
            self._routing,
            self._keys,
            self._pricing,
            self._work,
            lambda: self._note(Changes(comparisons=True)),
        )

    async def _start_threads(self, parts: contextlib.AsyncExitStack) -> ThreadStore:
        """The store of conversations and what feeds it; what is fed is closed after what feeds."""
        seal_key = await self._work(make_seal_key, self._folder.seal_key)
        threads = ThreadStore(
            self.folder,
            key=seal_key,
            on_commit=self._on_told,
            on_joined=self._on_joined,
        )
        await self._work(threads.start)
        self._threads = threads
        parts.push_async_callback(self._work, threads.close)
        self._joiner = Joiner(threads, self._price_told, self._on_app, self._on_detached)
        parts.push_async_callback(self._work, self._joiner.close)
        self._own = OwnTelemetry(
            self._surroundings, export_target(self.settings), content=self.settings.export.content
        )
        parts.push_async_callback(self._work, self._own.close)
        self._ratings = await self._work(Ratings, self._folder, seal_key)
        parts.push_async_callback(self._work, self._ratings.close)
        prompts = Prompts(self._ratings.keep_prompt)
        witnesses = (self._joiner.heard, self._own, prompts.heard)
        self._capture = await self._work(capture_of, self.settings, threads, witnesses)
        parts.push_async_callback(self._work, self._capture.close)
        return threads

    def _surroundings(self) -> Surroundings:
        upstreams = {name: upstream_of(row.base_url) for name, row in self._providers.items()}
        return Surroundings(
            instance=self.instance,
            version=VERSION,
            scheme="https" if self.settings.tls_cert else "http",
            address=self.settings.host,
            port=self._server.port if self._server is not None else 0,
            upstreams=upstreams,
        )

    async def _start_receiver(self, parts: contextlib.AsyncExitStack, threads: ThreadStore) -> Receiver:
        settings = self.settings
        redactor = redactor_of(settings)
        parts.push_async_callback(self._work, redactor.close)
        privacy = Privacy(
            redactor,
            content=settings.capture,
            keys_off=settings.capture_keys_off,
            tags_off=settings.capture_tags_off,
            parts_off=settings.capture_parts_off,
        )
        receiver = Receiver(
            settings,
            self._access,
            JoinedTelemetry(StoredTelemetry(threads, self._metric_series), self._joiner),
            changes=(privacy,),
            own_instance=self.instance,
            told=self._noticed,
        )
        receiver.intake.start()
        parts.push_async_callback(self._work, receiver.intake.close)
        return receiver

    async def _load_prices(self) -> None:
        try:
            await self._work(self._pricing.load_list, self.folder)
        except FaregateError as error:
            _log.warning("The list of prices that came with the program is used: %s", error.message)
        await self._work(self._pricing.warm)
        self._use_overrides()

    def _use_overrides(self) -> None:
        self._pricing.use_overrides(self._overrides.every())
        self._prices_changed()

    def _use_aliases(self) -> None:
        self._routing.use_aliases(self._aliases.every())
        self._prices_changed()

    def _prices_changed(self) -> None:
        self._models = None
        self._note(Changes(prices=True))

    def _keys_changed(self) -> None:
        self._note(Changes(keys=True))

    async def _start_demo(self) -> "Demo":
        from gateway.demo import Demo

        demo = Demo(self._pricing)
        await demo.start()
        return demo

    async def _follow(self) -> None:
        """Follow what other processes change in the folder, and write down which keys were used."""
        beat = 0
        while True:
            await asyncio.sleep(POLL_S)
            beat += 1
            self._follow_meter()
            with contextlib.suppress(FaregateError):
                if await self._work(self._access.poll):
                    self._note(Changes(keys=True))
                if await self._keys.poll():
                    self._note(Changes(providers=True))
                if await self._work(self._overrides.poll):
                    self._use_overrides()
                if await self._work(self._aliases.poll):
                    self._use_aliases()
                if beat % FLUSH_EVERY == 0:
                    await self._work(self._access.flush)
            with contextlib.suppress(FaregateError):
                if await self._work(self._pricing.poll_list, self.folder):
                    self._prices_changed()

    async def _keep_bounds(self) -> None:
        """At the start, then every hour."""
        while True:
            try:
                await self.clean_up()
            except FaregateError as error:
                _log.warning(
                    "What is too old could not be taken away (%s); the next hour tries again.", error.message
                )
            await asyncio.sleep(CLEAN_UP_EVERY_S)

    async def _settle(self) -> None:
        """Soon after the start, then twice an hour."""
        await asyncio.sleep(FIRST_SETTLE_S)
        while True:
            try:
                await self._work(self._store.settle, time.time_ns() // 1000)
            except FaregateError as error:
                _log.warning("Sums of past days could not be counted ahead (%s); it is tried again.", error.message)
            await asyncio.sleep(SETTLE_EVERY_S)

    def _follow_meter(self) -> None:
        """What is missing is told also while nothing is written, which is when it matters."""
        reading = self.completeness()
        if reading != self._metered:
            self._metered = reading
            self._note(Changes(meter=True))

    # Queries.

    async def summary(self, query: UsageQuery, *, previous: bool = False) -> tuple[Summary, Summary | None]:
        """Sums over the matching rows, and the same over the period before (`periods.period_before`)."""
        now = replace(await self._work(self._store.summary, query), completeness=self.completeness())
        before = period_before(query, time.time_ns() // 1000) if previous else None
        if before is None:
            return now, None
        return now, replace(await self._work(self._store.summary, before), completeness=now.completeness)

    async def timeseries(self, query: UsageQuery, bucket: str, by: str | None = None) -> tuple[TimeBucket, ...]:
        return await self._work(self._store.timeseries, query, bucket, by)

    async def breakdown(
        self, query: UsageQuery, by: str, *, sort: str = "cost_usd", limit: int | None = None
    ) -> Breakdown:
        return await self._work(self._store.breakdown, query, by, sort, limit)

    async def request_count(self, query: UsageQuery) -> int:
        return await self._work(self._store.request_count, query)

    async def requests(
        self, query: UsageQuery, *, limit: int = 100, offset: int = 0, cursor: str | None = None
    ) -> RequestPage:
        return await self._work(self._store.requests, query, limit, offset, cursor)

    async def request(self, id: str) -> ExchangeRecord | None:
        return await self._work(self._store.request, id)

    async def conversations(
        self, query: UsageQuery, *, sort: str = "cost_usd", limit: int = 100, cursor: str | None = None
    ) -> ConversationPage:
        return await self._work(self._store.conversations, query, sort, limit, cursor)

    # Conversations with their content: none where no store of them is open.

    async def threads(
        self,
        query: ThreadQuery,
        *,
        limit: int = 50,
        cursor: str | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> ThreadPage:
        """`progress` is told, on a worker's thread, how far a search for text is: messages, of how many. Raises
        ClientError for a cursor or an order that is none."""
        if self._threads is None:
            return ThreadPage(rows=(), total=0)
        return await self._work(self._threads.threads, query, limit=limit, cursor=cursor, progress=progress)

    async def thread(self, id: str, *, scope: str | None = None) -> Thread | None:
        """A conversation, whole. `scope` is a key's id: None where it was said with another key."""
        if self._threads is None:
            return None
        return await self._work(self._threads.thread, id, scope=scope, unit=self._cost_of_miss)

    async def trace(self, trace_id: str, *, scope: str | None = None) -> Trace | None:
        return None if self._threads is None else await self._work(self._threads.trace, trace_id, scope)

    async def thread_of_request(self, request_id: str) -> tuple[str, int] | None:
        """The conversation of a request, and the number of its turn there."""
        return None if self._threads is None else await self._work(self._threads.thread_of_request, request_id)

    async def delete_thread(self, id: str) -> bool:
        """What was said is gone for good; the rows that metered it stay. False where there is none of this id."""
        if self._threads is None:
            return False
        asked = await self._work(self._threads.requests_of, id)
        deleted = await self._work(self._threads.delete_thread, id)
        await self._comparisons.forget_prompts_of(asked)
        return deleted

    async def rename_thread(self, id: str, title: str) -> bool:
        """Give it a title; an empty one takes the user's own away again. False where there is none of this id."""
        return self._threads is not None and await self._work(self._threads.rename_thread, id, title or None)

    def reported(self) -> tuple[Reported, ...]:
        """What tools and apps say by metrics that they used, since the start; no figure of ours holds it."""
        return reported(self._metric_series.series())

    def _tell_example(self, said: Sequence[Told]) -> None:
        if self._threads is not None:
            for told in said:
                self._threads.put(told)

    def download(self, query: UsageQuery, export: Export) -> AsyncGenerator[bytes, None]:
        """An export piece by piece, each made when it is asked for."""
        return downloaded(self._store.export(query, export), self._work, self._workers)

    async def export_file(
        self, query: UsageQuery, export: Export, path: Path, progress: Callable[[int], None] | None = None
    ) -> int:
        """Write an export to a file; how many rows. `progress` is told the rows so far, on a worker's thread."""

        def whole() -> int:
            with output_file(path) as file:
                return self._store.export_to(query, export, file, progress)

        return await self._work(whole)

    async def reconcile(
        self, files: Sequence[Path | bytes], question: Question, progress: Callable[[int], None] | None = None
    ) -> Reconciliation:
        """A provider's bill against the rows. `progress` hears the lines, then the rows read so far, on a worker's
        thread. Raises ClientError where a file cannot be read as a bill."""
        bills, rows = [opener(file) for file in files], self._store.iter_requests

        def compared(told: RepricingProgress) -> Reconciliation:
            kept_from_us = self._store.kept().rows_from_us
            return reconcile(bills, rows, question, lambda read: told(read, 0), kept_from_us)

        return await self._until_cancelled(compared, None if progress is None else lambda read, _: progress(read))

    async def bill_columns(self, file: Path | bytes) -> BillColumns:
        """What a bill's columns are, and what they are taken for. Raises ClientError where the file is no table."""
        return await self._work(columns_of, opener(file))

    async def export_reconciliation(
        self, done: Reconciliation, path: Path, progress: RepricingProgress | None = None
    ) -> int:
        """Write a comparison as CSV, a line per day, model and kind; how many lines. `progress` is told those written
        and all, on a worker's thread. Cancelling leaves what stood there before."""
        return await self._until_cancelled(partial(write_reconciliation, done, path), progress)

    async def running(self) -> tuple[Told, ...]:
        """The exchanges that run now, with what was said so far; it is made when it is asked for, so ask seldom."""
        return () if self._capture is None else await self._work(self._capture.running)

    def completeness(self) -> Completeness:
        """The meter's reading since the start; all zero before the folder is open."""
        if not self._opened:
            return Completeness()
        uncaptured = self._capture.uncaptured() if self._capture is not None else {}
        return self._store.completeness(self._arrivals.seen, self._arrivals.running, uncaptured)

    # Comparisons: one question to several models. `owner` is a key's id, None for everybody's.

    async def compare(
        self, models: Sequence[str], request: Mapping[str, Any], *, id: str | None = None, told: Tell | None = None
    ) -> Comparison:
        """Ask 2 to 6 models what a chat body asks, all at once; an answer of each, whatever became of the others.

        `told` hears of each answer as it grows, at most ten times a second. Cancelling gives all of them up. Raises
        ClientError for a question that cannot be asked, FaregateError while the gateway is off.
        """
        if self._server is None:
            raise FaregateError(OFF)
        return await self._comparisons.ask(comparison_question(models, request), id=id, told=told)

    async def ask_again(
        self, comparison: str, place: int, model: str, request: Mapping[str, Any], *, told: Tell | None = None
    ) -> ComparedAnswer:
        """Ask one model of a comparison once more; its new answer counts to the same one. Raises as `compare`."""
        if self._server is None:
            raise FaregateError(OFF)
        asked = comparison_question((model,), request, least=1)
        made = await self._comparisons.ask(asked, id=comparison, first_place=place, told=told)
        return made.answers[0]

    async def compare_for(
        self, principal: Principal, headers: Mapping[str, str], asked: ComparisonQuestion
    ) -> Comparison:
        """The same for a caller of the API, with what the request's headers say."""
        return await self._comparisons.ask(asked, principal, headers)

    def cancel_comparison(self, id: str, place: int | None = None) -> None:
        """Give up one answer of a comparison that runs, or all; what came so far stays."""
        self._comparisons.cancel(id, place)

    def estimate_comparison(self, models: Sequence[str], request: Mapping[str, Any]) -> tuple[AnswerEstimate, ...]:
        """What each answer would take, before anything is asked. It waits for nothing."""
        return self._comparisons.estimate(models, request)

    async def rate(self, request_id: str, stars: int, note: str = "", *, owner: str | None = None) -> RatedAnswer:
        """Rate an answer of a comparison, with 1 to 5 stars, or change its rating. Raises FaregateError."""
        return await self._comparisons.rate(request_id, stars, note, owner)

    async def remove_rating(self, request_id: str, *, owner: str | None = None) -> RatedAnswer:
        return await self._comparisons.remove(request_id, owner)

    async def compared_answer(self, request_id: str, *, owner: str | None = None) -> RatedAnswer:
        """An answer of a comparison, rated or not. Raises FaregateError where there is none."""
        return await self._comparisons.one(request_id, owner)

    async def ratings(
        self, *, model: str | None = None, provider: str | None = None, limit: int = 100, owner: str | None = None
    ) -> tuple[RatedAnswer, ...]:
        """Answers that were rated, the latest rating first."""
        return await self._comparisons.rated(model, provider, limit, owner)

    async def rated_models(self, *, owner: str | None = None) -> tuple[RatedModel, ...]:
        """All models that were rated, the best first."""
        return await self._comparisons.models(owner)

    async def comparisons(self, *, limit: int = 100) -> tuple[RatedAnswer, ...]:
        """The answers of the latest comparisons, rated or not, the latest first."""
        return await self._comparisons.latest(limit)

    # Storage.

    async def sizes(self) -> Sizes:
        """What the data folder takes on the disk."""
        return await self._work(self._store.sizes)

    async def clean_up(self, progress: Callable[[int], None] | None = None) -> Cleaned:
        """Take away what retention no longer keeps, now. `progress` is told the entries so far, on a worker's thread;
        cancelled, it ends after the step that it is at."""
        left = threading.Event()

        def told(entries: int) -> bool:
            if progress is not None:
                progress(entries)
            return not left.is_set()

        keeps, now_us = asdict(self.settings.retention), time.time_ns() // 1000
        try:
            cleaned = await self._work(self._store.clean_up, keeps, now_us, told)
            await self._comparisons.forget(
                prompts_before_us=oldest_us(keeps["content"], now_us),
                unrated_before_us=oldest_us(keeps["requests"], now_us),
            )
        except asyncio.CancelledError:
            left.set()
            raise
        if cleaned.taken.get("content"):
            self._note(Changes(conversations=True))
        return cleaned

    # tk_ keys.

    async def api_keys(self) -> tuple[ApiKeyRow, ...]:
        return await self._work(self._access.list)

    async def create_api_key(
        self, name: str, *, role: str = "execute", user: str | None = None, tags: tuple[str, ...] = ()
    ) -> NewApiKey:
        made = await self._work(self._access.create, name, role, user, tags)
        self._note(Changes(keys=True))
        return made

    async def create_temporary_key(self, name: str, *, role: str = "execute") -> NewApiKey:
        """A key that is valid until this process ends."""
        made = await self._work(self._access.add_temporary, name, role)
        self._note(Changes(keys=True))
        return made

    async def revoke_api_key(self, id: str) -> None:
        await self._work(self._access.revoke, id)
        self._note(Changes(keys=True))

    # Providers.

    async def providers(self) -> tuple[ProviderRow, ...]:
        return tuple(self._provider_row(provider) for provider in self._providers.values())

    def check_key_format(self, provider: str, key: str) -> str | None:
        return check_format(provider, key)

    async def try_provider_key(self, provider: str, key: str) -> KeyTrial:
        """Asks the provider with this key; nothing is stored."""
        row = self._provider(provider)
        asked = probe(row.title, row.base_url, row.probe_path, row.auth, row.dialect)
        trial = await try_key(self._upstream.session, asked, clean_key(key))
        self._proven = (provider, _digest(key)) if trial.ok else None
        return trial

    async def store_provider_key(self, provider: str, key: str) -> None:
        self._provider(provider)
        await self._keys.store(provider, key)
        self._health.pop(provider, None)
        if self._proven == (provider, _digest(key)):
            self._learnt(provider, "connected", None)
        self._note(Changes(providers=True))

    async def test_provider(self, provider: str) -> KeyTrial:
        """Tries the key that is in force."""
        row = self._provider(provider)
        key = self._keys.key_for(provider)
        if key is None and row.auth != "none":
            return KeyTrial(
                ok=False, state="unconfigured", message=f"No key for {row.title} is stored: add one first."
            )
        asked = probe(row.title, row.base_url, row.probe_path, row.auth, row.dialect)
        trial = await try_key(self._upstream.session, asked, key or "")
        self._learnt(provider, "connected" if trial.ok else trial.state, None if trial.ok else trial.message)
        return trial

    async def remove_provider_key(self, provider: str) -> None:
        await self._keys.remove(provider)
        self._health.pop(provider, None)
        self._note(Changes(providers=True))

    async def switch_provider(self, provider: str, on: bool) -> None:
        """Whether it takes requests, from now on and after a restart; running ones end. Raises SettingsError."""
        self._provider(provider)
        key = f"providers.{provider}.enabled"
        await self._work(save_settings, self._folder.settings_path, {key: None if on else False})
        self._routing.switch(provider, on)
        self._note(Changes(providers=True))

    def own_providers(self) -> tuple[ExtraProvider, ...]:
        """The user's `[[provider]]` tables, as they are in force."""
        return self.settings.providers

    async def save_own_provider(self, values: Mapping[str, Any]) -> None:
        """Add a `[[provider]]` table, or set fields of the one of that `name`; taken at the next start.

        Raises SettingsError, and changes nothing, where the gateway could not be started with it.
        """
        await self._work(put_provider, self._folder.settings_path, values)
        self._note(Changes(providers=True))

    async def remove_own_provider(self, name: str) -> None:
        """Take its table and its key away; it answers until the next start. Raises SettingsError."""
        await self._work(drop_provider, self._folder.settings_path, name)
        await self.remove_provider_key(name)

    async def vault_state(self) -> VaultState:
        return await self._keys.vault.state()

    async def choose_vault(self, backend: str, passphrase: str | None = None) -> None:
        """Keep provider keys elsewhere from now on, also after a restart. Raises VaultError or SettingsError."""
        await self._keys.use(Vault(self._folder, backend, passphrase))
        await self._work(save_settings, self._folder.settings_path, {"vault.backend": backend})
        self._note(Changes(providers=True))

    # Settings.

    async def setting_rows(self) -> tuple[SettingRow, ...]:
        """Every setting, in force and as saved; no secret is among them. Raises SettingsError."""
        return await self._work(setting_rows, self._folder.settings_path, self.settings, os.environ)

    async def change_settings(self, changes: Mapping[str, Any]) -> None:
        """Save settings by dotted key, None to go back to the default; the next start takes them.

        Raises SettingsError, with nothing saved.
        """
        await self._work(save_settings, self._folder.settings_path, changes)

    # Models.

    def models(self) -> tuple[ModelRow, ...]:
        """All models that we know, with the prices of today."""
        today = datetime.now(UTC).date()
        if self._models is None or self._models[0] != today:
            self._models = (today, model_rows(self._routing.models, self._providers, self._pricing, today))
        return self._models[1]

    # Prices.

    async def prices(self, at_us: int | None = None) -> tuple[PriceRow, ...]:
        """What each model that we know costs at a time (None: now), and where that is from."""
        moment = time.time_ns() // 1000 if at_us is None else at_us
        return await self._work(price_rows, self._routing.models, self._providers, self._pricing, moment)

    def price_overrides(self) -> tuple[PriceOverride, ...]:
        """The user's own prices that were not removed, oldest first."""
        return tuple(row for row in self._overrides.every() if row.removed_us is None)

    async def add_price(self, price: NewPriceOverride) -> PriceOverride:
        """A price of the user's own, from now on for the requests that begin while it is valid."""
        self._provider(price.provider)
        made = await self._work(self._overrides.add, price)
        self._use_overrides()
        return made

    async def replace_price(self, id: int, price: NewPriceOverride) -> PriceOverride:
        """Another price in the place of one: it has an id of its own."""
        self._provider(price.provider)
        made = await self._work(self._overrides.replace, id, price)
        self._use_overrides()
        return made

    async def remove_price(self, id: int) -> PriceOverride:
        removed = await self._work(self._overrides.remove, id)
        self._use_overrides()
        return removed

    def aliases(self) -> Mapping[str, str]:
        """The user's other names for models: name → model."""
        return self._aliases.every()

    async def set_alias(self, name: str, model: str) -> None:
        """`name` is answered by `model` from the next request on. Raises AliasError, ClientError (404)."""
        self._routing.candidates(model)
        await self._work(self._aliases.put, name, model)
        self._use_aliases()

    async def remove_alias(self, name: str) -> None:
        """Raises AliasError where there is none."""
        await self._work(self._aliases.remove, name)
        self._use_aliases()

    def price_list(self) -> PriceList:
        """The list of prices in use, and its date."""
        return self._pricing.list_state

    async def update_prices(self) -> PriceList:
        """Fetch the list of prices over the network and use it from now on; where that fails, nothing changes."""
        await self._work(self._pricing.fetch_list, self.folder, self.prices_url)
        self._prices_changed()
        return self._pricing.list_state

    def explain(self, record: ExchangeRecord) -> CostExplanation:
        """The arithmetic of a row's cost. It waits for nothing."""
        provider = self._providers.get(record.provider or "")
        listed = provider.price_provider if provider else None
        return self._pricing.explain(listed or "", record)

    # History by today's prices.

    async def preview_repricing(
        self, query: UsageQuery, progress: RepricingProgress | None = None
    ) -> RepricingPreview:
        """What today's prices would make of these rows; nothing is changed. `progress` is told the rows so far and in
        all, on a worker's thread. Raises ClientError where rows of that time are gone."""
        price = self._repricer()
        return await self._until_cancelled(
            lambda told: self._store.preview_repricing(query, price, told),
            progress,
        )

    async def apply_repricing(
        self,
        query: UsageQuery,
        *,
        expected: RepricingPreview | None = None,
        progress: RepricingProgress | None = None,
    ) -> Repricing:
        """Give these rows today's prices, all or none. With `expected` only if that is what would still happen.

        Cancelling leaves everything as it is. Raises ClientError.
        """
        price, now_us = self._repricer(), time.time_ns() // 1000
        return await self._until_cancelled(
            lambda told: self._store.apply_repricing(query, price, now_us, expected, told), progress
        )

    async def undo_repricing(self, id: int, *, progress: RepricingProgress | None = None) -> Repricing:
        """Give the rows of a re-pricing back what they cost before, all or none. Raises ClientError."""
        now_us = time.time_ns() // 1000
        return await self._until_cancelled(lambda told: self._store.undo_repricing(id, now_us, told), progress)

    async def repricings(self) -> tuple[Repricing, ...]:
        """All that were ever applied, newest first."""
        return await self._work(self._store.repricings)

    def _cost_of_miss(self, provider: str, model: str, tokens: int, at_us: int) -> int | None:
        """What these tokens cost more as fresh input than read from the provider's cache (nano-dollars)."""
        row = self._providers.get(provider)
        listed = row.price_provider or "" if row else ""
        fresh, cached = (
            self._pricing.price(
                listed, model, Usage(input_tokens=tokens, cached_tokens=read), at_us, provider=provider
            ).cost_nano
            for read in (0, tokens)
        )
        return None if fresh is None or cached is None else max(0, fresh - cached)

    def _repricer(self) -> Repricer:
        listed = {name: row.price_provider or "" for name, row in self._providers.items()}
        return Repricer(self._pricing, listed, self._routing.asked)

    # Within.

    async def _until_cancelled(
        self, call: Callable[[RepricingProgress], _T], progress: RepricingProgress | None
    ) -> _T:
        """Run in a worker thread, and end there at the next step once nobody waits any more."""
        left = threading.Event()

        def told(done: int, total: int) -> None:
            if left.is_set():
                raise FaregateError("It was given up.")
            if progress is not None:
                progress(done, total)

        try:
            return await self._work(call, told)
        except asyncio.CancelledError:
            left.set()
            raise

    def _provider(self, name: str) -> Provider:
        row = self._providers.get(name)
        if row is None:
            known = ", ".join(self._providers)
            raise FaregateError(f'There is no provider "{name}": choose one of {known}.')
        return row

    def _provider_row(self, provider: Provider) -> ProviderRow:
        name = provider.name
        source = "unneeded" if provider.auth == "none" else self._keys.source(name)
        state, at_us, detail = self._health.get(name, ("untested", None, None))
        if source == "none":
            state, at_us, detail = "unconfigured", None, self._keys.problem(name)
        return ProviderRow(
            name=name,
            title=provider.title,
            dialect=provider.dialect,
            base_url=provider.base_url,
            key_source=source,
            enabled=self._routing.is_on(name),
            own=any(own.name == name for own in self.settings.providers) and not self.demo,
            models=sum(model.provider == name for model in self._routing.models),
            masked=self._keys.masked(name),
            state=state,
            state_at_us=at_us,
            detail=detail,
        )

    def _learnt(self, provider: str, state: str, detail: str | None) -> None:
        """What traffic or a trial says of a provider's key."""
        known = self._health.get(provider)
        self._health[provider] = (state, time.time_ns() // 1000, detail)
        if known is None or known[0] != state:
            self._note(Changes(providers=True))

    def _healthz(self) -> dict[str, Any]:
        return {"status": "ok", "demo": self.demo, "completeness": render_counts(self.completeness())}

    def _why_not(self, error: OSError) -> tuple[str, str]:
        """The state's word and sentence for what kept the gateway from listening."""
        if not self._opened:
            return "error", f"The data folder cannot be used ({error.strerror}): check {self.folder}."
        if isinstance(error, ssl.SSLError):
            return (
                "error",
                f"The certificate cannot be used ({error.strerror}): check server.tls_cert and server.tls_key.",
            )
        port, host = self.settings.port, self.settings.host
        if error.errno == errno.EADDRINUSE:
            return "port_in_use", f"Port {port} is in use: end what uses it, or choose another port."
        return "error", f"Nothing can listen on {host}, port {port} ({error.strerror}): choose another host or port."

    def _set_state(self, word: str, message: str = "") -> None:
        self._state = replace(self._state, word=word, message=message)
        self._note(Changes(state=True))

    def _on_app(self, request_id: str, app: str) -> None:
        """Telemetry says which app made a request; on the thread that joins them."""
        self._store.assign(request_id, app=app)

    def _on_detached(self, request_id: str, alone: bool) -> None:
        """What telemetry said of a request's app, and perhaps of its conversation, does not hold any more."""
        self._store.assign(request_id, app="", conversation_id="" if alone else None)

    def _price_told(self, provider: str, model: str, usage: Usage, at_us: int) -> Priced:
        """What a call that went past the gateway costs by our prices."""
        row = self._providers.get(provider)
        listed = row.price_provider if row is not None else None
        return self._pricing.price(listed or "", model, usage, at_us, provider=provider)

    def _on_joined(self, request_id: str, conversation_id: str) -> None:
        """The store of conversations says where a turn belongs, on a thread of its own."""
        self._store.assign(request_id, conversation_id=conversation_id)

    def _noticed(self) -> None:
        self._state = replace(self._state, notices=self._receiver.notices)
        self._note(Changes(state=True))

    def _on_commit(self) -> None:
        # On the writer's thread.
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._note, Changes(usage=True))

    def _on_told(self) -> None:
        # On the thread of the store of conversations.
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._note, Changes(conversations=True))

    def _note(self, changes: Changes) -> None:
        pending = self._pending
        self._pending = Changes(
            usage=pending.usage or changes.usage,
            keys=pending.keys or changes.keys,
            providers=pending.providers or changes.providers,
            prices=pending.prices or changes.prices,
            state=pending.state or changes.state,
            meter=pending.meter or changes.meter,
            conversations=pending.conversations or changes.conversations,
            comparisons=pending.comparisons or changes.comparisons,
        )
        if changes.state:
            self._tell()
        elif self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(TOLD_EVERY_S, self._tell)

    def _tell(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None
        told, self._pending = self._pending, Changes()
        if told != Changes():
            self.changed(told)

    async def _work(self, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run in a worker thread; its reads stop where the task that asks is cancelled. Raises FaregateError where
        SQLite cannot go on."""
        asking = Asking()
        run = partial(asking.ask, call, *args, **kwargs)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._workers, run)
        except asyncio.CancelledError:
            asking.drop()
            raise
        except sqlite3.Error as error:
            raise unusable(self.folder, error) from None

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
