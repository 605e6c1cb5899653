"""The admin routes of other names for models: `GET`, and `PUT` or `DELETE` of one by its name."""

from collections.abc import Mapping
from typing import Any, Protocol

from msgspec import Struct

from gateway.api.admin import BASE, body_as, refusals, route
from gateway.errors import missing
from gateway.routes import Call, Route


class AliasCommands(Protocol):
    """What the routes ask of the gateway."""

    def aliases(self) -> Mapping[str, str]: ...

    async def set_alias(self, name: str, model: str) -> None: ...

    async def remove_alias(self, name: str) -> None: ...


class Alias(Struct, forbid_unknown_fields=True, kw_only=True):
    model: str


def alias_routes(commands: AliasCommands) -> tuple[Route, ...]:
    """For an admin's key only."""

    async def every(_call: Call) -> Any:
        return {"data": [{"name": name, "model": model} for name, model in commands.aliases().items()]}

    async def put(call: Call) -> Any:
        model = body_as(call, Alias).model
        with refusals():
            await commands.set_alias(call.rest, model)
        return {"name": call.rest, "model": model}

    async def remove(call: Call) -> Any:
        if call.rest not in commands.aliases():
            raise missing(f"No other name is called so: GET {BASE}/aliases lists them.")
        with refusals():
            await commands.remove_alias(call.rest)
        return {"name": call.rest, "model": None}

    return (
        route("GET", "/aliases", every),
        route("PUT", "/aliases/", put),
        route("DELETE", "/aliases/", remove),
    )
