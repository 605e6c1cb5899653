"""The parts of one gateway, and how they are wired.

What the constructor makes is there at once. The rest is there once `open` has returned; each part that must be closed
goes on its stack, so that half a start leaves nothing.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from uuid import uuid4

from msgspec.structs import replace

from gateway import struct_types
from gateway.aliases import Aliases
from gateway.bell import Bell
from gateway.capture.capture import Capture
from gateway.capture.pause import Pause
from gateway.capture.wiring import capture_of, redactor_of
from gateway.comparing.comparer import Comparer, Prompts
from gateway.comparing.ratings import Ratings
from gateway.configuration.configured import configured_providers, own_models
from gateway.configuration.settings import Settings
from gateway.errors import FaregateError, Unusable
from gateway.folder import DataFolder
from gateway.http.server import Arrivals, Server
from gateway.keys.access import AccessKeys
from gateway.keys.kept_health import KeptHealth
from gateway.keys.provider_health import Health, ProviderHealth
from gateway.keys.provider_keys import ProviderKeys
from gateway.keys.sealing import make_seal_key
from gateway.keys.vault import Vault
from gateway.model import Usage
from gateway.prices.price_overrides import PriceOverrides
from gateway.prices.pricing import Priced, Pricing
from gateway.providers.catalog import Provider
from gateway.receiver import Receiver
from gateway.records import Changes
from gateway.relaying.deadlines import Deadlines
from gateway.relaying.exchange import Exchange
from gateway.relaying.relay import Relay
from gateway.relaying.routing import Routing
from gateway.relaying.upstream import Upstream
from gateway.store import UsageStore
from gateway.store.thread_store import ThreadStore
from gateway.telemetry.exchange_spans import Surroundings, upstream_of
from gateway.telemetry.exporting import export_target
from gateway.telemetry.joiner import JoinedTelemetry, Joiner
from gateway.telemetry.keeping import StoredTelemetry
from gateway.telemetry.metric_series import MetricSeries
from gateway.telemetry.own import OwnTelemetry
from gateway.telemetry.privacy import Privacy
from gateway.told import Told
from gateway.version import VERSION
from gateway.workers import Workers

if TYPE_CHECKING:
    from gateway.demo import Demo


_log = logging.getLogger(__name__)


class _Closable(Protocol):
    def close(self) -> None: ...


_Part = TypeVar("_Part", bound=_Closable)


class Parts:
    """See the module. `noticed` is called when the receiver's notices have changed, `upgrading` with a sentence where
    opening takes minutes. `cache_kib` is how much the writer of usage keeps of its database; that of conversations
    keeps half of it."""

    access: AccessKeys
    overrides: PriceOverrides
    aliases: Aliases
    keys: ProviderKeys
    upstream: Upstream
    routing: Routing
    relay: Relay
    receiver: Receiver
    own: OwnTelemetry
    joiner: Joiner
    ratings: Ratings
    comparer: Comparer

    def __init__(
        self,
        folder: DataFolder,
        settings: Settings,
        demo: bool,
        bell: Bell,
        noticed: Callable[[], None],
        upgrading: Callable[[str], None],
        cache_kib: int,
    ) -> None:
        self.folder = folder
        self._cache_kib = cache_kib
        self.settings = settings
        self.demo = demo
        self.bell = bell
        self._noticed = noticed
        self._upgrading = upgrading
        self.workers = Workers(folder.path)
        self.health = ProviderHealth(lambda: bell.note(Changes(providers=True)))
        self.kept_health: KeptHealth | None = None
        self._health_written: Mapping[str, Health] = {}
        self.pricing = Pricing({} if demo else {extra.name: extra.prices for extra in settings.providers})
        self.store = UsageStore(
            folder.path, on_commit=lambda: bell.note_from_thread(Changes(usage=True)), cache_kib=cache_kib
        )
        # It outlives the server, as the store does: a gateway may be switched off and on.
        self.arrivals = Arrivals()
        self.metric_series = MetricSeries()
        # What tells our own export from that of apps.
        self.instance = uuid4().hex
        self.providers: Mapping[str, Provider] = {}
        self.simulated: Demo | None = None
        self.threads: ThreadStore | None = None
        self.capture: Capture | None = None
        self.pause = Pause()
        self._vault: Vault | None = None
        # While the gateway listens.
        self.server: Server | None = None
        self.opened = False
        self._stack = contextlib.AsyncExitStack()

    def take_over_vault(self, before: "Parts") -> None:
        """Go on with the vault of these, which may be closed, where it is of the same folder and nobody else knows
        what opens it or what it keeps. Before they are opened."""
        # Those that were never opened have none.
        keys: ProviderKeys | None = getattr(before, "keys", None)
        if keys is not None and (before.folder.path, before.demo) == (self.folder.path, self.demo):
            self._vault = keys.vault if keys.vault.backend != "keyring" else None

    def provider(self, name: str) -> Provider:
        """Raises FaregateError where there is none of this name."""
        row = self.providers.get(name)
        if row is None:
            known = ", ".join(self.providers)
            raise FaregateError(f'There is no provider "{name}": choose one of {known}.')
        return row

    def listed_as(self, provider: str) -> str:
        """What the list of prices calls a provider; "" where it has none."""
        row = self.providers.get(provider)
        return (row.price_provider if row is not None else None) or ""

    def price(self, provider: str, model: str, usage: Usage, at_us: int) -> Priced:
        """What a call costs by our prices, also one that went past the gateway."""
        return self.pricing.price(self.listed_as(provider), model, usage, at_us, provider=provider)

    async def follow_keys(self) -> None:
        """Takes over what another process changed among the tk_ keys. Raises FaregateError."""
        if await self.workers.run(self.access.poll):
            self.bell.note(Changes(keys=True))

    async def follow_provider_keys(self) -> None:
        """Takes over what another process changed among the providers' keys, and those of a vault that answers at
        last. Raises FaregateError."""
        if await self.keys.poll():
            self.forget_replaced()
            await self._recall_health()
            self.bell.note(Changes(providers=True))

    def forget_replaced(self) -> None:
        """What was learnt was learnt of other keys than those that are in force now."""
        for name in self.keys.replaced:
            self.health.forget(name)

    def tell(self, said: Sequence[Told]) -> None:
        """Keep what was said, where there is a store for it."""
        if self.threads is not None:
            for told in said:
                self.threads.put(told)

    def stored(self, timeout_s: float = 10.0) -> bool:
        """Wait until all that was said by exchanges that have ended is stored; False where that took too long. From
        any thread but the loop's."""
        capture, threads = self.capture, self.threads
        return (capture is None or capture.flush(timeout_s)) and (threads is None or threads.flush(timeout_s))

    async def until_stored(self) -> None:
        """Before what was said is deleted: what waits would come back. Raises Unusable where it takes too long."""
        if not await self.workers.run_long(self.stored):
            raise Unusable("What was said is still being stored: try again in a moment.")

    async def open(self) -> None:
        """Raises FaregateError or OSError, and may be called again then."""
        struct_types.make_all()
        self.bell.open()
        async with contextlib.AsyncExitStack() as stack:
            await self._open(stack)
            await self._load_prices()
            await self.keys.load()
            if not self.demo:
                self.kept_health = await self._opened(stack, KeptHealth, self.folder)
                stack.push_async_callback(self.keep_health)
            await self._recall_health()
            self._stack = stack.pop_all()
        self.opened = True

    async def close(self) -> None:
        self.bell.close()
        await self._stack.aclose()
        self.opened = False
        await self.workers.close()

    async def _open(self, stack: contextlib.AsyncExitStack) -> None:
        self.access = await self._opened(stack, AccessKeys, self.folder)
        self.overrides = await self._opened(stack, PriceOverrides, self.folder)
        self.aliases = await self._opened(stack, Aliases, self.folder)
        loop = asyncio.get_running_loop()
        await self.workers.run(
            self.store.start, lambda sentence: loop.call_soon_threadsafe(self._upgrading, sentence)
        )
        stack.push_async_callback(self.workers.run, self.store.close)
        settings = await self._open_providers(stack)
        threads = await self._open_threads(stack)
        self.receiver = await self._open_receiver(stack, threads)
        deadlines = Deadlines()
        stack.callback(deadlines.close)
        self.routing = Routing(
            tuple(self.providers.values()),
            own_models=own_models(settings),
            aliases=self.aliases.every(),
            off=settings.providers_off,
        )
        self.relay = Relay(
            routing=self.routing,
            keys=self.keys,
            store=self.store,
            pricing=self.pricing,
            upstream=self.upstream,
            deadlines=deadlines,
            timeouts=settings.timeouts,
            learnt=self.health.learnt,
            listener=self.capture,
        )
        self.comparer = Comparer(self.relay, self.routing, self.arrivals, self.access.touch)

    async def _open_providers(self, stack: contextlib.AsyncExitStack) -> Settings:
        """Who is called, and with which keys; the settings as they are for that, which a demo has of its own."""
        settings, backend, environment = self.settings, self.settings.vault_backend, self.settings.provider_keys
        if self.demo:
            simulated = await self._start_demo()
            stack.push_async_callback(simulated.stop)
            self.simulated = simulated
            settings = replace(settings, base_urls=simulated.base_urls, providers=())
            environment, backend = simulated.keys, "memory"
        passphrase, vault = settings.vault_passphrase, self._vault
        if vault is None or vault.backend != backend:
            vault = Vault(self.folder, backend, passphrase.reveal() if passphrase else None)
        self.keys = ProviderKeys(self.folder, vault, environment)
        stack.callback(self.keys.close)
        self.providers = {row.name: row for row in configured_providers(settings)}
        self.upstream = Upstream(settings.timeouts.connect)
        stack.push_async_callback(self.upstream.close)
        return settings

    async def _open_threads(self, stack: contextlib.AsyncExitStack) -> ThreadStore:
        """The store of conversations and what feeds it; what is fed is closed after what feeds."""
        seal_key = await self.workers.run(make_seal_key, self.folder.seal_key)
        threads = ThreadStore(
            self.folder.path,
            key=seal_key,
            on_commit=lambda: self.bell.note_from_thread(Changes(conversations=True)),
            on_joined=self.join,
            cache_kib=self._cache_kib // 2,
        )
        await self.workers.run(threads.start)
        self.threads = threads
        stack.push_async_callback(self.workers.run, threads.close)
        self.joiner = Joiner(threads, self.price, self._on_app, self._on_detached)
        stack.push_async_callback(self.workers.run, self.joiner.close)
        self.own = OwnTelemetry(
            self._surroundings, export_target(self.settings), content=self.settings.export.content
        )
        stack.push_async_callback(self.workers.run, self.own.close)
        self.ratings = await self._opened(stack, Ratings, self.folder, seal_key)
        prompts = Prompts(self.ratings.keep_prompt)
        witnesses = (self.joiner.heard, self.own, prompts.heard, self._on_failure)
        self.capture = await self._opened(stack, capture_of, self.settings, threads, witnesses, self.pause)
        return threads

    async def _open_receiver(self, stack: contextlib.AsyncExitStack, threads: ThreadStore) -> Receiver:
        settings = self.settings
        redactor = redactor_of(settings)
        stack.push_async_callback(self.workers.run, redactor.close)
        privacy = Privacy(
            redactor,
            content=settings.capture,
            keys_off=settings.capture_keys_off,
            tags_off=settings.capture_tags_off,
            parts_off=settings.capture_parts_off,
            pause=self.pause,
        )
        receiver = Receiver(
            settings,
            self.access,
            JoinedTelemetry(StoredTelemetry(threads, self.metric_series), self.joiner),
            changes=(privacy,),
            own_instance=self.instance,
            told=self._noticed,
            follow_keys=self.follow_keys,
        )
        receiver.intake.start()
        stack.push_async_callback(self.workers.run, receiver.intake.close)
        return receiver

    async def _recall_health(self) -> None:
        """What was learnt of these keys before the last start. Raises FaregateError."""
        if self.kept_health is not None:
            self.health.recall(await self.workers.run(self.kept_health.read, self._key_mark))

    async def keep_health(self) -> None:
        """Write down what was learnt of keys, where it is something else than before."""
        known = self.health.known
        if self.kept_health is None or known == self._health_written:
            return
        with contextlib.suppress(FaregateError):
            await self.workers.run(self.kept_health.write, known, self._key_mark)
            self._health_written = known

    def _key_mark(self, provider: str) -> str | None:
        """What a key is known again by, which tells nothing of it; None where nothing is kept of it."""
        row, stored_us = self.providers.get(provider), self.keys.stored_us(provider)
        if row is None or stored_us is None:
            return None
        upstream = upstream_of(row.base_url)
        return f"{stored_us} {upstream.address}:{upstream.port}"

    async def _load_prices(self) -> None:
        try:
            await self.workers.run(self.pricing.load_list, self.folder.path)
        except FaregateError as error:
            _log.warning("The list of prices that came with the program is used: %s", error.message)
        await self.workers.run(self.pricing.warm)
        self.pricing.use_overrides(self.overrides.every())
        self.bell.note(Changes(prices=True))

    async def _start_demo(self) -> "Demo":
        from gateway.demo import Demo

        demo = Demo(self.pricing)
        await demo.start()
        return demo

    async def _opened(self, stack: contextlib.AsyncExitStack, make: Callable[..., _Part], *args: Any) -> _Part:
        """Made in a worker thread, and closed in one."""
        part = await self.workers.run(make, *args)
        stack.push_async_callback(self.workers.run, part.close)
        return part

    def _surroundings(self) -> Surroundings:
        upstreams = {name: upstream_of(row.base_url) for name, row in self.providers.items()}
        return Surroundings(
            instance=self.instance,
            version=VERSION,
            scheme="https" if self.settings.tls_cert else "http",
            address=self.settings.host,
            port=self.server.port if self.server is not None else 0,
            upstreams=upstreams,
        )

    def join(self, request_id: str, conversation_id: str) -> None:
        """The store of conversations says where a turn belongs, on a thread of its own."""
        self.store.assign(request_id, conversation_id=conversation_id)

    def _on_failure(self, exchange: Exchange, told: Told) -> None:
        """The capture says what may be kept of an error's words; on its thread."""
        if told.error_message and exchange.record is not None and exchange.record.error_message is None:
            self.store.assign(exchange.id, error_message=told.error_message)

    def _on_app(self, request_id: str, app: str) -> None:
        """Telemetry says which app made a request; on the thread that joins them."""
        self.store.assign(request_id, app=app)

    def _on_detached(self, request_id: str, alone: bool) -> None:
        """What telemetry said of a request's app, and perhaps of its conversation, does not hold any more."""
        self.store.assign(request_id, app="", conversation_id="" if alone else None)
