"""The telemetry side of one gateway: its routes, the port that exporters use unless told otherwise, what it notices.

The standard port takes telemetry only and is a second listener on the same loop. Where it cannot be had, the gateway
runs without it and says so.
"""

import errno
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from msgspec.structs import replace

from gateway.api.otlp_door import ANYBODY, OtlpDoor
from gateway.configuration.settings import Settings
from gateway.http.connections import NO_GRPC
from gateway.http.server import Server
from gateway.keys.access import AccessKeys, Principal
from gateway.port_holder import port_holder
from gateway.routes import Route, otlp_routes
from gateway.telemetry.intake import Change, Consumer, Intake

_log = logging.getLogger(__name__)

SIGNALS = ("traces", "logs", "metrics")


class Receiver:
    """`told` is called when `notices` have changed; `follow_keys` is the server's. `intake.start` and `intake.close`
    are the caller's to call."""

    def __init__(
        self,
        settings: Settings,
        access: AccessKeys,
        consumer: Consumer,
        *,
        changes: Sequence[Change] = (),
        own_instance: str = "",
        told: Callable[[], None],
        follow_keys: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._settings = settings
        self._access = access
        self._told = told
        self._follow_keys = follow_keys
        self._server: Server | None = None
        self._port_notice = ""
        self.grpc_calls = 0
        self.intake = Intake(consumer, changes=changes, own_instance=own_instance)
        telemetry = settings.telemetry
        doors = [OtlpDoor(signal, self.intake, telemetry.wire, telemetry.body) for signal in SIGNALS]
        self.routes: tuple[Route, ...] = otlp_routes(doors)
        self.anybody: Principal | None = ANYBODY if telemetry.allow_unauthenticated else None

    @property
    def notices(self) -> tuple[str, ...]:
        """What runs otherwise than it was meant to: a sentence each."""
        return tuple(filter(None, (self._port_notice, NO_GRPC if self.grpc_calls else "")))

    async def listen(self) -> None:
        """Take telemetry on the standard port too, if that is on."""
        port = self._settings.telemetry.standard_port
        if port is None or self._server is not None:
            return
        server = Server(
            replace(self._settings, port=port),
            self._access,
            None,
            self.routes,
            anybody=self.anybody,
            on_grpc=self.spoke_grpc,
            follow_keys=self._follow_keys,
            on_deaf=partial(self._shut_out, port),
        )
        try:
            await server.start()
        except OSError as error:
            self._shut_out(port, error)
            return
        self._server = server
        self._port_notice = ""
        self._told()

    def _shut_out(self, port: int, error: OSError) -> None:
        """The standard port is not to be had, or not again: telemetry goes on on the gateway's own."""
        self._port_notice = _why_not(port, error)
        _log.warning("%s", self._port_notice)
        self._told()

    async def stop(self, drain_s: float) -> None:
        """Leave the standard port; what was taken is finished."""
        server, self._server, notices = self._server, None, self.notices
        self._port_notice = ""
        if self.notices != notices:
            self._told()
        if server is not None:
            await server.stop(drain_s)

    def spoke_grpc(self) -> None:
        self.grpc_calls += 1
        if self.grpc_calls == 1:
            _log.warning("%s", NO_GRPC)
            self._told()


def _why_not(port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        holder = port_holder(port)
        by = f" by {holder}" if holder else ""
        return (
            f"Port {port} is in use{by}, so telemetry is taken on the gateway's own port only: end that, or turn "
            "telemetry.standard_port off."
        )
    return f"Telemetry cannot be taken on port {port} ({error.strerror}): choose another telemetry.standard_port."
