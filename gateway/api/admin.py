"""The admin routes: what the window does with keys, providers and settings, as JSON for scripts.

Bodies are typed, and a field that is not known is refused rather than passed over. What is wrong on this machine
becomes a refusal in one sentence. A provider key goes in and never comes out; a `tk_` key is told once, when it is
made. Prices have routes of their own.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import msgspec
from msgspec import Struct

from gateway.capture.pause import LONGEST_MIN
from gateway.dialects.client_json import misshapen
from gateway.errors import ClientError, FaregateError, Unusable, missing
from gateway.keys.access import KeyFieldError, KeyNameError
from gateway.read_api import render_time
from gateway.records import (
    ApiKeyRow,
    Cleaned,
    GatewayState,
    KeyTrial,
    NewApiKey,
    ProviderRow,
    SettingRow,
    Sizes,
    VaultState,
)
from gateway.routes import Call, Route

BASE = "/api/ai/v1/admin"
ROLE = "admin"

_Body = TypeVar("_Body")


class Commands(Protocol):
    """What the routes ask of the gateway."""

    async def api_keys(self) -> tuple[ApiKeyRow, ...]: ...

    async def create_api_key(
        self, name: str, *, role: str = "execute", user: str | None = None, tags: tuple[str, ...] = ()
    ) -> NewApiKey: ...

    async def revoke_api_key(self, id: str) -> None: ...

    async def providers(self) -> tuple[ProviderRow, ...]: ...

    def check_key_format(self, provider: str, key: str) -> str | None: ...

    async def try_provider_key(self, provider: str, key: str) -> KeyTrial: ...

    async def store_provider_key(self, provider: str, key: str) -> None: ...

    async def test_provider(self, provider: str) -> KeyTrial: ...

    async def switch_provider(self, provider: str, on: bool) -> None: ...

    async def remove_provider_key(self, provider: str) -> None: ...

    async def vault_state(self) -> VaultState: ...

    async def sizes(self) -> Sizes: ...

    async def clean_up(self) -> Cleaned: ...

    async def setting_rows(self) -> tuple[SettingRow, ...]: ...

    async def change_settings(self, changes: Mapping[str, Any]) -> None: ...

    @property
    def state(self) -> GatewayState: ...

    def pause_capture(self, minutes: float) -> None: ...

    def resume_capture(self) -> None: ...


class NewKey(Struct, forbid_unknown_fields=True, kw_only=True):
    name: str
    role: str = "execute"
    user: str | None = None
    tags: tuple[str, ...] = ()


class ProviderKey(Struct, forbid_unknown_fields=True, kw_only=True):
    """`verify` false stores the key without trying it."""

    api_key: str
    verify: bool = True

    def __repr__(self) -> str:
        return f"ProviderKey(verify={self.verify})"


class CapturePause(Struct, forbid_unknown_fields=True, kw_only=True):
    minutes: float = LONGEST_MIN


def admin_routes(commands: Commands) -> tuple[Route, ...]:
    """Keys, providers, storage, settings and the capture's pause; each for an admin's key only."""
    return (
        *_key_routes(commands),
        *_provider_routes(commands),
        *_storage_routes(commands),
        *_setting_routes(commands),
        *_capture_routes(commands),
    )


def route(method: str, path: str, answer: Callable[[Call], Awaitable[Any]]) -> Route:
    return Route(method=method, path=BASE + path, role=ROLE, read=answer)


def _key_routes(commands: Commands) -> tuple[Route, ...]:
    async def every(_call: Call) -> Any:
        return {"data": [_key(row) for row in await commands.api_keys()]}

    async def create(call: Call) -> Any:
        asked = body_as(call, NewKey)
        with refusals():
            made = await commands.create_api_key(asked.name, role=asked.role, user=asked.user, tags=asked.tags)
        return {"key": made.key, **_key(made.row)}

    async def one(call: Call) -> Any:
        return _key(await find(call.rest))

    async def revoke(call: Call) -> Any:
        row = await find(call.rest)
        with refusals():
            await commands.revoke_api_key(row.id)
        return _key(await find(row.id))

    async def find(name_or_id: str) -> ApiKeyRow:
        """By its id, or else by its name: the key that is live before one that was."""
        rows = await commands.api_keys()
        named = [row for row in rows if row.id == name_or_id] or [row for row in rows if row.name == name_or_id]
        live = [row for row in named if row.revoked_us is None]
        if not named:
            raise missing(f"No key is called so: GET {BASE}/keys lists them.")
        return (live or named)[-1]

    return (
        route("GET", "/keys", every),
        route("POST", "/keys", create),
        route("GET", "/keys/", one),
        route("DELETE", "/keys/", revoke),
    )


def _provider_routes(commands: Commands) -> tuple[Route, ...]:
    async def every(_call: Call) -> Any:
        vault = await commands.vault_state()
        rows = [_provider(row) for row in await commands.providers()]
        return {"data": rows, "vault": msgspec.to_builtins(vault)}

    async def one(call: Call) -> Any:
        return _provider(await find(call.rest))

    async def store(call: Call) -> Any:
        asked, name = body_as(call, ProviderKey), (await find(call.rest)).name
        with refusals():
            warning = commands.check_key_format(name, asked.api_key)
            trial = await commands.try_provider_key(name, asked.api_key) if asked.verify else None
            if trial is not None and not trial.ok:
                raise ClientError(f"{trial.message} Nothing was stored.", param="api_key")
            await commands.store_provider_key(name, asked.api_key)
        return {**_provider(await find(name)), "warning": warning, "trial": msgspec.to_builtins(trial)}

    async def act(call: Call) -> Any:
        name, slash, verb = call.rest.rpartition("/")
        if not slash or verb not in ("test", "on", "off"):
            raise missing(f"POST {BASE}/providers/NAME/test tries a provider's key; /on and /off switch a provider.")
        row = await find(name)
        with refusals():
            if verb == "test":
                return msgspec.to_builtins(await commands.test_provider(row.name))
            await commands.switch_provider(row.name, verb == "on")
        return _provider(await find(row.name))

    async def remove(call: Call) -> Any:
        row = await find(call.rest)
        with refusals():
            await commands.remove_provider_key(row.name)
        return _provider(await find(row.name))

    async def find(name: str) -> ProviderRow:
        rows = {row.name: row for row in await commands.providers()}
        if name not in rows:
            raise missing(f"No provider is called so: choose one of {', '.join(rows)}.")
        return rows[name]

    return (
        route("GET", "/providers", every),
        route("GET", "/providers/", one),
        route("PUT", "/providers/", store),
        route("POST", "/providers/", act),
        route("DELETE", "/providers/", remove),
    )


def _storage_routes(commands: Commands) -> tuple[Route, ...]:
    async def sizes(_call: Call) -> Any:
        with refusals():
            return _sizes(await commands.sizes())

    async def clean_up(_call: Call) -> Any:
        with refusals():
            cleaned = await commands.clean_up()
            return {**msgspec.to_builtins(cleaned), "storage": _sizes(await commands.sizes())}

    return route("GET", "/storage", sizes), route("POST", "/storage/clean-up", clean_up)


def _setting_routes(commands: Commands) -> tuple[Route, ...]:
    async def every(_call: Call) -> Any:
        with refusals():
            return {"data": msgspec.to_builtins(await commands.setting_rows())}

    async def change(call: Call) -> Any:
        changes = body_as(call, dict[str, str | int | float | bool | list[str] | None])
        with refusals():
            await commands.change_settings(changes)
        return await every(call)

    return route("GET", "/settings", every), route("PATCH", "/settings", change)


def _capture_routes(commands: Commands) -> tuple[Route, ...]:
    async def tell(_call: Call) -> Any:
        return {"paused_until": time_text(commands.state.capture_paused_until_us)}

    async def pause(call: Call) -> Any:
        asked = body_as(call, CapturePause) if call.body else CapturePause()
        with refusals():
            commands.pause_capture(asked.minutes)
        return await tell(call)

    async def resume(call: Call) -> Any:
        commands.resume_capture()
        return await tell(call)

    return (
        route("GET", "/capture", tell),
        route("POST", "/capture/pause", pause),
        route("POST", "/capture/resume", resume),
    )


def body_as(call: Call, shape: type[_Body]) -> _Body:
    """The request's body. Raises ClientError."""
    try:
        return msgspec.json.decode(call.body, type=shape)
    except msgspec.ValidationError as error:
        # It tells types and places, and never a value.
        raise ClientError(f"The body is not as it should be: {error}.", param=misshapen(error).param) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ClientError("The body is not JSON: send a JSON object.") from None
    except RecursionError:
        raise ClientError("The body is nested too deeply: send it with fewer levels.") from None


@contextmanager
def refusals() -> Iterator[None]:
    """What is wrong on this machine, as a refusal."""
    try:
        yield
    except KeyNameError as error:
        status = 400 if isinstance(error, KeyFieldError) else 409
        raise ClientError(error.message, status=status) from None
    except Unusable:
        raise
    except FaregateError as error:
        raise ClientError(error.message) from None


def time_text(us: int | None) -> str | None:
    return None if us is None else render_time(us)


def _sizes(sizes: Sizes) -> dict[str, Any]:
    return {
        "usage_bytes": sizes.usage_bytes,
        "requests_bytes": sizes.requests_bytes,
        "buckets_bytes": sizes.buckets_bytes,
        "state_bytes": sizes.state_bytes,
        "journal_bytes": sizes.journal_bytes,
        "logs_bytes": sizes.logs_bytes,
        "traces_bytes": sizes.traces_bytes,
        "requests": sizes.requests,
        "first_request_at": time_text(sizes.first_request_us),
        "requests_from": time_text(sizes.rows_from_us),
        "buckets_from": time_text(sizes.buckets_from_us),
    }


def _key(row: ApiKeyRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "prefix": row.prefix,
        "role": row.role,
        "user": row.user,
        "tags": list(row.tags),
        "created_at": time_text(row.created_us),
        "last_used_at": time_text(row.last_used_us),
        "revoked_at": time_text(row.revoked_us),
    }


def _provider(row: ProviderRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "title": row.title,
        "dialect": row.dialect,
        "base_url": row.base_url,
        "key_source": row.key_source,
        "enabled": row.enabled,
        "own": row.own,
        "models": row.models,
        "masked": row.masked,
        "state": row.state,
        "state_at": time_text(row.state_at_us),
        "detail": row.detail,
    }
