"""What there is to ask for: a route per line, what its handler is given, and which route a request takes."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from msgspec import Struct

from gateway.api.model_lists import caller_dialect
from gateway.api.otlp_door import OtlpDoor, otlp_paths
from gateway.dialects import DIALECTS, openai_chat
from gateway.dialects.dialect import Dialect
from gateway.errors import ClientError
from gateway.keys.access import Principal
from gateway.parameters import single
from gateway.relaying.doors import DOORS, Door

DOOR_ROLE = "execute"
OPEN = ""


class Call(Struct, frozen=True, kw_only=True):
    """A request with an accepted key that is no inference. `rest` follows a route that ends in a slash; `dialect`
    names the caller's; `body` is what came with anything but a GET. `headers` are case-insensitive, and may hold
    keys."""

    principal: Principal | None
    query: tuple[tuple[str, str], ...]
    rest: str
    dialect: str = openai_chat.DIALECT.name
    body: bytes = b""
    headers: Mapping[str, str] = {}

    @property
    def scope(self) -> str | None:
        """The id of the key whose rows it may see, None where that is everybody's."""
        return None if self.principal is None or self.principal.role == "admin" else self.principal.key_id

    def one(self, name: str) -> str | None:
        """A parameter's value, None where it is missing or empty. Raises ClientError where it is given twice."""
        return single(self.query, name)


class Download(Struct, frozen=True, kw_only=True):
    """An answer that is sent while it is made: a chunk is asked for when the client has taken the one before, and
    the generator is closed when the client leaves."""

    headers: Mapping[str, str]
    chunks: AsyncGenerator[bytes, None]


async def made_beside(content_type: str, make: Callable[[], bytes]) -> Download:
    """An answer that takes longer to make than the loop, with all its streams, can wait."""
    body = await asyncio.to_thread(make)

    async def once() -> AsyncGenerator[bytes, None]:
        yield body

    return Download(headers={"content-type": content_type}, chunks=once())


Read = Callable[[Call], Awaitable[Any]]


class Route(Struct, frozen=True, kw_only=True):
    """`path` ends in a slash where a name follows. `role` is what the key needs, "" for an open route.

    `door` takes inference, `otlp` telemetry; `read` answers with a value that becomes JSON, or with a Download.
    `any_dialect`: answers and errors are in the caller's own dialect, told by its path and headers. `lenient`:
    slashes may be doubled or stand at the end.
    """

    method: str
    path: str
    role: str
    door: Door | None = None
    otlp: OtlpDoor | None = None
    read: Read | None = None
    any_dialect: bool = False
    lenient: bool = False

    def dialect(self, path: str, headers: Mapping[str, str], query: Mapping[str, str]) -> Dialect:
        """That of its answers and errors."""
        if self.any_dialect:
            return DIALECTS[caller_dialect(path, headers, query)]
        return self.door.dialect if self.door else openai_chat.DIALECT


def taking(names: Iterable[str], read: Read) -> Read:
    """`read` for these query parameters only: one that was passed over would answer more than was asked."""
    known = frozenset(names)

    async def refusing(call: Call) -> Any:
        for name, _ in call.query:
            if name not in known:
                listed = f"use {', '.join(sorted(known))}" if known else "there are none"
                raise ClientError(f"The parameter {name[:100]!r} is unknown here: {listed}.", param=name)
        return await read(call)

    return refusing


def door_routes() -> tuple[Route, ...]:
    return tuple(Route(method="POST", path=door.path, role=DOOR_ROLE, door=door) for door in DOORS)


def otlp_routes(doors: Iterable[OtlpDoor]) -> tuple[Route, ...]:
    return tuple(
        Route(method="POST", path=path, role=DOOR_ROLE, otlp=door, lenient=True)
        for door in doors
        for path in otlp_paths(door.signal)
    )


class RouteTable:
    """All the routes that there are. A dict of paths finds those that end without a slash."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._exact: dict[str, dict[str, Route]] = {}
        self._lenient: dict[str, dict[str, Route]] = {}
        self._prefixes: list[Route] = []
        for route in routes:
            if route.path.endswith("/"):
                self._prefixes.append(route)
            else:
                self._exact.setdefault(route.path, {})[route.method] = route
            if route.lenient:
                self._lenient[route.path] = {route.method: route}

    def find(self, method: str, path: str, *, upgrade: bool) -> tuple[Route, str]:
        """The route that a raw path takes, and what follows it there. `upgrade`: another protocol is asked for.

        Raises ClientError (404, 405, 426).
        """
        methods = self._methods(path)
        if not methods:
            raise ClientError(
                "There is nothing at this path: the doors are /api/ai/v1/chat/completions, /api/ai/v1/responses, "
                "/api/ai/v1/embeddings, /api/ai/v1/messages and /api/ai/v1beta/models/MODEL:VERB. For what else a "
                "provider has (files, batches, images, audio …) ask the provider itself.",
                status=404,
                kind="not_found",
                code="unknown_url",
            )
        # A probe by HEAD is a GET whose body aiohttp leaves out.
        route = methods.get("GET" if method == "HEAD" else method)
        if route is None:
            raise _method_not_allowed(method, methods, upgrade)
        return route, unquote(path[len(route.path) :]) if route.path.endswith("/") else ""

    def dialect(self, method: str, path: str, headers: Mapping[str, str], query: Mapping[str, str]) -> Dialect:
        """That in which a request is refused that takes no route, or has not taken its own yet."""
        methods = self._methods(path)
        door = next((route for route in methods.values() if route.door is not None and not route.door.verbs), None)
        route = methods.get(method, door)
        if route is not None:
            return route.dialect(path, headers, query)
        return DIALECTS[caller_dialect(path, headers, query)]

    def _methods(self, path: str) -> Mapping[str, Route]:
        return self._exact.get(path) or self._lenient.get(_plain(path)) or self._under(path)

    def _under(self, path: str) -> Mapping[str, Route]:
        return {route.method: route for route in self._prefixes if _goes_on(route.path, path)}


def _plain(path: str) -> str:
    return "/" + "/".join(filter(None, path.split("/")))


def _goes_on(prefix: str, path: str) -> bool:
    return path.startswith(prefix) and len(path) > len(prefix)


def _method_not_allowed(method: str, methods: Iterable[str], upgrade: bool) -> ClientError:
    allowed = ", ".join(sorted(methods))
    if upgrade:
        # Codex tries a web socket first and posts at once when told so.
        return ClientError(
            f"There is no web socket here: send a plain {allowed}.", status=426, kind="upgrade_required"
        )
    return ClientError(
        f"{method} is not possible here: use {allowed}.",
        status=405,
        kind="method_not_allowed",
        headers={"allow": allowed},
    )
