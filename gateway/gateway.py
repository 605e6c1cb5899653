"""Gateway: one gateway on one data folder. It has a life, and offers what its queries and commands can be asked.

Coroutines run on the loop that called `start`; SQL, keyring and price table are met in worker threads. What changes
is told through `changed`, at most four times a second, so that a window may simply look again.
"""

import asyncio
import contextlib
import errno
import os
import ssl
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from gateway.api.admin import admin_routes
from gateway.api.admin_aliases import alias_routes
from gateway.api.admin_prices import price_routes
from gateway.api.admin_reprice import repricing_routes
from gateway.api.bills import bill_routes
from gateway.api.comparison_routes import comparison_routes
from gateway.api.reads import read_routes
from gateway.api.thread_routes import thread_routes
from gateway.bell import Bell
from gateway.configuration.setting_rows import setting_rows
from gateway.configuration.settings import Settings, keeping_longer
from gateway.configuration.settings_edit import save as save_settings
from gateway.errors import FaregateError
from gateway.folder import DataFolder
from gateway.http.server import Server
from gateway.operations.bill_queries import BillQueries
from gateway.operations.capture_commands import CaptureCommands
from gateway.operations.comparisons import Comparisons
from gateway.operations.deletions import Deletions
from gateway.operations.door_trials import DoorTrials
from gateway.operations.key_commands import KeyCommands
from gateway.operations.price_commands import PriceCommands
from gateway.operations.provider_commands import ProviderCommands
from gateway.operations.thread_queries import ThreadQueries
from gateway.operations.usage_queries import UsageQueries
from gateway.parts import Parts
from gateway.read_api import render_counts
from gateway.records import Changes, GatewayState, SettingRow
from gateway.routes import Route, door_routes
from gateway.store.database import WRITERS_CACHE_KIB
from gateway.telemetry.own import metrics_route
from gateway.upkeep import Upkeep
from gateway.version import VERSION

FAILED = "The gateway failed inside: its log says why."


def _nobody(_changes: Changes) -> None:
    return


class Gateway:
    """See the module. `demo`: simulated providers answer, and the folder holds an example history. `cache_kib` is how
    much a store's writer keeps of its database: what it comes back to in every transaction, at thousands a second.

    Raises FaregateError or GatewayError, whose messages are one sentence for people.
    """

    def __init__(
        self,
        folder: DataFolder,
        settings: Settings,
        *,
        demo: bool = False,
        cache_kib: int = WRITERS_CACHE_KIB,
    ) -> None:
        self.changed: Callable[[Changes], None] = _nobody
        self.demo = demo
        self._state = GatewayState(word="off", url=settings.url)
        self._tasks: set[asyncio.Task[None]] = set()
        # What was taken last, 0 before.
        self._port = 0
        # A start, stop or opening waits for the one before: two at once would leave a server that nobody ends.
        self._turning = asyncio.Lock()
        self._bell = Bell(lambda changes: self.changed(changes))
        self._parts = Parts(folder, settings, demo, self._bell, self._on_noticed, self._on_upgrade, cache_kib)
        self._comparisons = Comparisons(self._parts)
        self._keys = KeyCommands(self._parts)
        self._prices = PriceCommands(self._parts)
        self._capture = CaptureCommands(self._parts, self._on_paused)
        self._offer_queries()
        self._upkeep = Upkeep(self._parts, self._prices, self._comparisons, self.completeness, self._on_noticed)
        self._offer_commands()

    def _offer_queries(self) -> None:
        """What each is asked and answers is said where it is defined."""
        usage = UsageQueries(self._parts)
        self.summary = usage.summary
        self.timeseries = usage.timeseries
        self.breakdown = usage.breakdown
        self.request_count = usage.request_count
        self.requests = usage.requests
        self.request = usage.request
        self.conversations = usage.conversations
        self.conversations_named = usage.conversations_named
        self.download = usage.download
        self.export_file = usage.export_file
        self.completeness = usage.completeness
        self.sizes = usage.sizes

        said = ThreadQueries(self._parts, self._comparisons.forget_prompts_of)
        self.threads = said.threads
        self.thread = said.thread
        self.trace = said.trace
        self.last_told = said.last_told
        self.thread_of_request = said.thread_of_request
        self.headers_of_request = said.headers_of_request
        self.headers_of_thread = said.headers_of_thread
        self.delete_thread = said.delete_thread
        self.rename_thread = said.rename_thread
        self.running = said.running
        self.reported = said.reported

        bills = BillQueries(self._parts.store, self._parts.workers)
        self.reconcile = bills.reconcile
        self.bill_columns = bills.bill_columns
        self.export_reconciliation = bills.export_reconciliation

    def _offer_commands(self) -> None:
        asked = self._comparisons
        self.compare = asked.compare
        self.ask_again = asked.ask_again
        self.compare_for = asked.compare_for
        self.cancel_comparison = asked.cancel_comparison
        self.estimate_comparison = asked.estimate_comparison
        self.rate = asked.rate
        self.remove_rating = asked.remove_rating
        self.compared_answer = asked.compared_answer
        self.ratings = asked.ratings
        self.rated_models = asked.rated_models
        self.comparisons = asked.comparisons

        keys = self._keys
        self.api_keys = keys.api_keys
        self.create_api_key = keys.create_api_key
        self.create_temporary_key = keys.create_temporary_key
        self.revoke_api_key = keys.revoke_api_key
        self.try_door = DoorTrials(self._parts, lambda: self._state.url).try_door

        providers = ProviderCommands(self._parts)
        self.providers = providers.providers
        self.check_key_format = providers.check_key_format
        self.try_provider_key = providers.try_provider_key
        self.store_provider_key = providers.store_provider_key
        self.test_provider = providers.test_provider
        self.remove_provider_key = providers.remove_provider_key
        self.switch_provider = providers.switch_provider
        self.own_providers = providers.own_providers
        self.save_own_provider = providers.save_own_provider
        self.remove_own_provider = providers.remove_own_provider
        self.vault_state = providers.vault_state
        self.choose_vault = providers.choose_vault

        prices = self._prices
        self.models = prices.models
        self.prices = prices.prices
        self.explain = prices.explain
        self.price_list = prices.price_list
        self.update_prices = prices.update_prices
        self.price_overrides = prices.price_overrides
        self.add_price = prices.add_price
        self.add_prices = prices.add_prices
        self.replace_price = prices.replace_price
        self.restore_price = prices.restore_price
        self.remove_price = prices.remove_price
        self.remove_prices = prices.remove_prices
        self.aliases = prices.aliases
        self.set_alias = prices.set_alias
        self.remove_alias = prices.remove_alias
        self.preview_repricing = prices.preview_repricing
        self.apply_repricing = prices.apply_repricing
        self.undo_repricing = prices.undo_repricing
        self.repricings = prices.repricings

        self.clean_up = self._upkeep.clean_up
        deletions = Deletions(self._parts)
        self.preview_deletion = deletions.preview
        self.delete_range = deletions.delete

        self.pause_capture = self._capture.pause_capture
        self.resume_capture = self._capture.resume_capture

    # Life.

    @property
    def cleaning_up(self) -> bool:
        """Whether a clean-up that is asked for now waits for another."""
        return self._upkeep.cleaning_up

    @property
    def folder(self) -> Path:
        return self._parts.folder.path

    @property
    def state(self) -> GatewayState:
        return self._state

    @property
    def settings(self) -> Settings:
        return self._parts.settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        """What is not wired yet, and what is read when it is needed, follows them."""
        self._parts.settings = settings

    async def open(self) -> None:
        """Open the folder, so that queries work, without listening; what hinders it becomes the state."""
        try:
            async with self._turning:
                await self._open()
        except OSError as error:
            self._set_state(*self._why_not(error))
        except FaregateError as error:
            self._set_state("error", error.message)
        except Exception:
            self._set_state("error", FAILED)
            raise

    async def start(self) -> None:
        """Listen, after a stop that is under way. A port that is in use becomes the state, not an exception."""
        async with self._turning:
            await self._start()

    async def _start(self) -> None:
        if self._state.word == "running":
            return
        self._set_state("starting")
        parts = self._parts
        try:
            await self._open()
            server = await self._listening()
            try:
                await parts.receiver.listen()
            except BaseException:
                # Tools would be answered still by what is told to have failed.
                await asyncio.gather(server.stop(0.0), parts.receiver.stop(0.0))
                raise
        except OSError as error:
            self._set_state(*self._why_not(error))
            return
        except FaregateError as error:
            self._set_state("error", error.message)
            return
        except asyncio.CancelledError:
            self._set_state("off")
            raise
        except Exception:
            # Whoever called has a log; whoever looks is told, and may try again.
            self._set_state("error", FAILED)
            raise
        parts.server = server
        self._port = server.port
        self._state = replace(self._state, url=replace(self.settings, port=server.port).url)
        self._set_state("running")

    async def stop(self, drain_s: float = 10.0) -> None:
        """Stop listening; running requests get `drain_s` seconds, or what a stop that is under way gives them.
        Queries go on working."""
        async with self._turning:
            await self._stop(drain_s)

    async def _stop(self, drain_s: float) -> None:
        parts = self._parts
        if parts.server is None:
            self._set_state("off")
            return
        self._set_state("stopping")
        await asyncio.gather(parts.server.stop(drain_s), parts.receiver.stop(drain_s))
        # What the window asked has no connection that ends with the server.
        await parts.comparer.stop()
        parts.server = None
        self._set_state("off")

    async def close(self) -> None:
        """Stop, write what is left, let everything go."""
        await self.stop(0.0)
        self._capture.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._parts.close()

    def take_over(self, before: "Gateway") -> None:
        """Go on with the pause of the capture of the gateway before this one, which may be closed, with the provider
        keys that are kept in memory until quit and the passphrase that was given, and on its port where both may take
        any."""
        self._capture.take_over_pause(before._parts.pause)
        self._parts.take_over_vault(before._parts)
        if self.settings.port == before.settings.port == 0:
            self._port = before._port

    async def _open(self) -> None:
        parts = self._parts
        if parts.opened:
            return
        await parts.open()
        self._spawn(self._upkeep.follow())
        self._spawn(self._upkeep.keep_bounds())
        self._spawn(self._upkeep.combine())
        self._spawn(self._upkeep.settle())
        if parts.simulated is not None:
            for name in parts.simulated.base_urls:
                parts.health.learnt(name, "connected", None)
            self._spawn(
                parts.simulated.fill(parts.store, parts.access, parts.workers.pool, self._keys.changed, parts.tell)
            )

    async def _listening(self) -> Server:
        """A server on the port of the settings; where any will do, on the one that was taken before, to which tools
        are pointed, while it is free. Raises OSError."""
        if self.settings.port == 0 and self._port:
            server = self._server(replace(self.settings, port=self._port))
            with contextlib.suppress(OSError):
                await server.start()
                return server
        server = self._server(self.settings)
        await server.start()
        return server

    async def _go_deaf(self, error: OSError) -> None:
        """Its socket is gone, and the port with it: that is told, once what runs has ended."""
        await self.stop()
        self._set_state(*self._why_not(error))

    def _server(self, settings: Settings) -> Server:
        parts = self._parts
        return Server(
            settings,
            parts.access,
            parts.relay,
            self._routes(),
            parts.arrivals,
            anybody=parts.receiver.anybody,
            on_grpc=parts.receiver.spoke_grpc,
            follow_keys=parts.follow_keys,
            on_deaf=lambda error: self._spawn(self._go_deaf(error)),
        )

    def _routes(self) -> tuple[Route, ...]:
        parts = self._parts
        return (
            *door_routes(),
            *read_routes(self, self._healthz, lambda: parts.routing),
            *admin_routes(self),
            *alias_routes(self),
            *price_routes(self),
            *bill_routes(self),
            *repricing_routes(self),
            *thread_routes(self),
            *comparison_routes(self),
            metrics_route(parts.own, VERSION, self.completeness, lambda: parts.arrivals.running),
            *parts.receiver.routes,
        )

    # Settings.

    async def setting_rows(self) -> tuple[SettingRow, ...]:
        """Every setting, in force and as saved; no secret is among them. Raises SettingsError."""
        parts = self._parts
        return await parts.workers.run(setting_rows, parts.folder.settings_path, self.settings, os.environ)

    async def change_settings(self, changes: Mapping[str, Any]) -> None:
        """Save settings by dotted key, None to go back to the default; the next start takes them, and what is to be
        kept longer is so at once.

        Raises SettingsError, with nothing saved.
        """
        await self._parts.workers.run(save_settings, self._parts.folder.settings_path, changes)
        self.settings = keeping_longer(self.settings, changes, os.environ)

    # Within.

    def _healthz(self) -> dict[str, Any]:
        return {"status": "ok", "demo": self.demo, "completeness": render_counts(self.completeness())}

    def _why_not(self, error: OSError) -> tuple[str, str]:
        """The state's word and sentence for what kept the gateway from listening."""
        if not self._parts.opened:
            return "error", f"The data folder cannot be used ({error.strerror}): check {self.folder}."
        if isinstance(error, ssl.SSLError):
            return (
                "error",
                f"The certificate cannot be used ({error.strerror}): check server.tls_cert and server.tls_key.",
            )
        # Where any will do, it is the one that was taken.
        port, host = self.settings.port or self._port, self.settings.host
        if error.errno == errno.EADDRINUSE:
            return "port_in_use", f"Port {port} is in use: end what uses it, or choose another port."
        return "error", f"Nothing can listen on {host}, port {port} ({error.strerror}): choose another host or port."

    def _set_state(self, word: str, message: str = "") -> None:
        self._state = replace(self._state, word=word, message=message)
        self._bell.note(Changes(state=True))

    def _on_noticed(self) -> None:
        self._state = replace(self._state, notices=(*self._parts.receiver.notices, *self._upkeep.notices))
        self._bell.note(Changes(state=True))

    def _on_upgrade(self, sentence: str) -> None:
        if self._state.word == "starting":
            self._set_state("starting", sentence)

    def _on_paused(self, until_us: int | None) -> None:
        self._state = replace(self._state, capture_paused_until_us=until_us)
        self._bell.note(Changes(state=True))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
