"""The HTTP side: keys and roles, host and origin, errors in the door's dialect.

aiohttp's low-level server without its router: a table of our own finds the route. Inference goes to the relay with
the two ends of the connection wrapped, so that waiting for the client's socket is counted; everything else is JSON.
"""

import asyncio
import contextlib
import logging
import ssl
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.web_request import BaseRequest

from gateway.api.otlp_door import Answer, OtlpDoor, otlp_key
from gateway.configuration.settings import Settings
from gateway.errors import ClientError, FaregateError, GatewayError
from gateway.http.connections import LONGEST_FIELD, LONGEST_LINE, Http, http_log
from gateway.http.incoming import Incoming
from gateway.http.listening import Listening
from gateway.http.origin import check_host, check_origin
from gateway.http.outgoing import Outgoing, sent
from gateway.keys.access import AccessKeys, Principal, allows
from gateway.relaying.answer_headers import request_ids
from gateway.relaying.doors import Door
from gateway.relaying.endings import CLIENT_LEFT
from gateway.relaying.exchange import Exchange, new_id
from gateway.relaying.json_array import JsonArray
from gateway.relaying.plan import HOP_HEADER, looped
from gateway.relaying.relay import Relay
from gateway.routes import OPEN, Call, Download, Route, RouteTable

KEEPALIVE_S = 75.0
# Locks and full disks take a moment, if they pass at all.
COME_AGAIN_S = 5
_KEPT_HOSTS = 100

_log = logging.getLogger(__name__)
_JSON = "application/json"


class Arrivals:
    """Exchanges as the server meets them, whatever becomes of their rows: all so far, and those running now."""

    __slots__ = ("running", "seen")

    def __init__(self) -> None:
        self.seen = 0
        self.running = 0


class Server:
    """Listens for one gateway. `routes` are all there are; `relay` runs those of the doors. `counters` counts what
    leaves no row, by status. `anybody` is who sends telemetry without a key, None where none may; `on_grpc` is told
    of each connection that spoke gRPC. `follow_keys` takes over what another process changed among the keys."""

    def __init__(
        self,
        settings: Settings,
        access: AccessKeys,
        relay: Relay | None,
        routes: Iterable[Route],
        arrivals: Arrivals | None = None,
        *,
        anybody: Principal | None = None,
        on_grpc: Callable[[], None] | None = None,
        follow_keys: Callable[[], Awaitable[None]] | None = None,
        on_deaf: Callable[[OSError], None] | None = None,
    ) -> None:
        self._settings = settings
        self._follow_keys = follow_keys
        self._anybody = anybody
        self._on_grpc = on_grpc
        self._receiving = 0
        self._arrivals = arrivals or Arrivals()
        self._access = access
        self._relay = relay
        self._table = RouteTable(routes)
        self._hosts = frozenset(name.lower() for name in settings.allowed_hosts)
        self._check_hosts = not settings.insecure_remote
        self._good_hosts: set[str] = set()
        self._runner: web.ServerRunner | None = None
        self._on_deaf = on_deaf
        self._listening: Listening | None = None
        self.counters: Counter[int] = Counter()
        self.port = settings.port

    async def start(self) -> None:
        """Listen. Raises OSError where the port cannot be had."""
        limit = self._settings.limits_body

        def make_request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> BaseRequest:
            return BaseRequest(
                message, payload, protocol, writer, task, asyncio.get_running_loop(), client_max_size=limit
            )

        server = Http(
            self._handle,
            make_request,
            self._spoke_grpc,
            self._unreadable,
            access_log=None,
            logger=http_log,
            keepalive_timeout=KEEPALIVE_S,
            max_line_size=LONGEST_LINE,
            max_field_size=LONGEST_FIELD,
            auto_decompress=False,
        )
        self._runner = web.ServerRunner(server, handle_signals=False, shutdown_timeout=0.5)
        await self._runner.setup()
        listening = Listening(self._runner, self._settings.host, self._settings.port, self._tls(), self._on_deaf)
        try:
            await listening.start()
        except OSError:
            await self._runner.cleanup()
            self._runner = None
            raise
        self._listening = listening
        self.port = listening.port

    async def stop(self, drain_s: float) -> None:
        """Take no more connections, give running requests `drain_s` seconds, then end them."""
        if self._runner is None:
            return
        if self._listening is not None:
            await self._listening.stop()
            self._listening = None
        if self._runner.server is not None:
            # A connection closes with its running request's answer: none begins another one.
            self._runner.server.pre_shutdown()
        until = time.monotonic() + drain_s
        while self._running() and time.monotonic() < until:
            await asyncio.sleep(0.02)
        if self._relay is not None:
            self._relay.stopping = True
        try:
            await self._runner.cleanup()
        finally:
            if self._relay is not None:
                self._relay.stopping = False
        self._runner = None

    def _running(self) -> int:
        return self._receiving + (self._relay.running if self._relay is not None else 0)

    def _tls(self) -> ssl.SSLContext | None:
        if self._settings.tls_cert is None or self._settings.tls_key is None:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self._settings.tls_cert, self._settings.tls_key)
        return context

    async def _handle(self, request: BaseRequest) -> web.StreamResponse:
        started_ns = time.perf_counter_ns()
        cors: Mapping[str, str] = {}
        route: Route | None = None
        try:
            if self._check_hosts:
                self._check_host(request)
            cors = self._cors(request)
            if request.method == "OPTIONS" and cors:
                return web.Response(status=204, headers=cors)
            url = request.rel_url
            route, rest = self._table.find(request.method, url.raw_path, upgrade="Upgrade" in request.headers)
            principal = await self._principal(request, route) if route.role != OPEN else None
            if route.door is not None and principal is not None:
                door = route.door.named(rest, url.query) if route.door.verbs else route.door
                return await self._exchange(door, principal, request, started_ns, cors)
            if route.otlp is not None and principal is not None:
                return await self._receive(route.otlp, principal, request, cors)
            assert route.read is not None
            body = b"" if route.method == "GET" else await Incoming(request, self._settings.limits_body).read()
            query = tuple(pair for pair in url.query.items() if not _is_credential(*pair))
            call = Call(
                principal=principal,
                query=query,
                rest=rest,
                dialect=route.dialect(url.raw_path, request.headers, url.query).name,
                body=body,
                headers=request.headers,
            )
            said = await route.read(call)
            if isinstance(said, Download):
                return await sent(request, said, cors)
            return web.Response(body=msgspec.json.encode(said), headers={"content-type": _JSON, **cors})
        except (GatewayError, FaregateError) as why:
            refusal = why if isinstance(why, GatewayError) else _later(why)
            # What a gateway sends on bears a provider's key and path: without this a loop would look like a bad key.
            error = looped() if HOP_HEADER in request.headers else refusal
            self.counters[error.status] += 1
            if route is not None and route.otlp is not None:
                answer = _response(route.otlp.refuse(error, request.headers), cors)
                if request.content.exception() is not None:
                    # Where the next request begins is unknown.
                    answer.force_close()
                return answer
            return self._refused(error, request, cors)
        except ConnectionError:
            # The client left; what it cost is on its row, and aiohttp only wants an answer to drop.
            return web.Response(status=CLIENT_LEFT)
        except Exception:
            _log.exception("A request failed inside the gateway")
            internal = GatewayError("The gateway failed inside: its log says why.", status=500, kind="internal")
            return self._refused(internal, request, cors)

    def _unreadable(self, error: GatewayError, request: BaseRequest) -> web.Response:
        self.counters[error.status] += 1
        return self._refused(error, request, {})

    def _refused(self, error: GatewayError, request: BaseRequest, cors: Mapping[str, str]) -> web.Response:
        """In the dialect of whoever asks. The id is for the client's own log: no row bears it."""
        url = request.rel_url
        dialect, id = self._table.dialect(request.method, url.raw_path, request.headers, url.query), new_id(_now_us())
        headers = {**error.headers, "content-type": _JSON, **request_ids(dialect, id), **cors}
        return web.Response(status=error.status, headers=headers, body=dialect.render_error(error, id))

    async def _exchange(
        self, door: Door, principal: Principal, request: BaseRequest, started_ns: int, cors: Mapping[str, str]
    ) -> web.StreamResponse:
        assert self._relay is not None
        self._arrivals.seen += 1
        self._arrivals.running += 1
        try:
            exchange = Exchange(door.name, principal, started_ns)
            self._access.touch(principal.key_id, exchange.started_us)
            client = Outgoing(request, exchange, cors)
            incoming = Incoming(request, self._settings.limits_body)
            await self._relay.run(door, incoming, JsonArray(client) if door.array else client, exchange)
        finally:
            self._arrivals.running -= 1
        if client.response is None:
            return web.Response(status=CLIENT_LEFT)
        return client.response

    async def _receive(
        self, door: OtlpDoor, principal: Principal, request: BaseRequest, cors: Mapping[str, str]
    ) -> web.StreamResponse:
        if principal is not self._anybody:
            self._access.touch(principal.key_id, _now_us())
        incoming = Incoming(request, self._settings.limits_body)
        self._receiving += 1
        try:
            return _response(await door.receive(principal, request.headers, incoming), cors)
        finally:
            self._receiving -= 1

    def _spoke_grpc(self) -> None:
        if self._on_grpc is not None:
            self._on_grpc()

    def _check_host(self, request: BaseRequest) -> None:
        values = request.headers.getall("Host", [])
        if len(values) == 1 and values[0] in self._good_hosts:
            return
        check_host(values, self._hosts)
        if len(self._good_hosts) >= _KEPT_HOSTS:
            self._good_hosts.clear()
        self._good_hosts.add(values[0])

    async def _principal(self, request: BaseRequest, route: Route) -> Principal:
        presented, role = presented_key(request.headers, request.rel_url.query), route.role
        if route.otlp is not None:
            presented = presented or otlp_key(request.headers)
            if presented is None and self._anybody is not None:
                return self._anybody
        principal = self._access.authenticate(presented)
        if principal is None and presented is not None and self._follow_keys is not None:
            # Another process may have made it this instant: who makes a key uses it in the next line of the script.
            with contextlib.suppress(FaregateError):
                await self._follow_keys()
            principal = self._access.authenticate(presented)
        if principal is None:
            raise ClientError(
                "No valid Faregate key was sent: send `Authorization: Bearer tk_…`; "
                "make a key in the window or with `faregate api-key create`.",
                status=401,
                kind="key_invalid",
                headers={"www-authenticate": "Bearer"},
            )
        if not allows(principal.role, role):
            raise ClientError(
                f"The key {principal.key_name} has the role {principal.role} and this needs {role}: use another.",
                status=403,
                kind="forbidden",
            )
        return principal

    def _cors(self, request: BaseRequest) -> Mapping[str, str]:
        origin = request.headers.get("Origin")
        if not check_origin(origin, request.headers.get("Sec-Fetch-Site"), self._settings.allowed_origins):
            return {}
        return {
            "access-control-allow-origin": origin or "",
            "access-control-allow-methods": "GET, POST, PUT, PATCH, DELETE",
            "access-control-allow-headers": request.headers.get("Access-Control-Request-Headers", "*"),
            # Without it a page sees the body only, and no id or cost.
            "access-control-expose-headers": "*",
            "vary": "origin",
        }


def _later(why: FaregateError) -> GatewayError:
    """What is wrong on this machine is no fault of who asks, and may pass."""
    return GatewayError(why.message, status=503, kind="internal", headers={"retry-after": str(COME_AGAIN_S)})


def _response(answer: Answer, cors: Mapping[str, str]) -> web.Response:
    return web.Response(status=answer.status, headers={**answer.headers, **cors}, body=answer.body)


def _now_us() -> int:
    return time.time_ns() // 1000


def presented_key(headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
    """The tk_ key as any of the SDKs sends it; where several credentials came, the one that is ours."""
    authorization = headers.get("Authorization", "")
    if authorization.startswith("Bearer tk_"):
        return authorization[7:].strip()
    scheme, _, token = authorization.partition(" ")
    found = [token.strip() if scheme.lower() == "bearer" else "", headers.get("x-api-key", "")]
    found += [headers.get("x-goog-api-key", ""), query.get("key", "")]
    return next((key for key in found if key.startswith("tk_")), None)


def _is_credential(name: str, value: str) -> bool:
    """`?key=` is also the filter by a key's name."""
    return name == "key" and value.startswith("tk_")
