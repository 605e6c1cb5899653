"""`POST /admin/reconcile`: a provider's bill as the body, its comparison with the rows as JSON; for admins' keys."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from gateway.errors import ClientError
from gateway.reconcile import Question, mapping_of, only_of, rate_of, render
from gateway.reconcile.records import Reconciliation
from gateway.routes import Call, Route, taking

PATH = "/api/ai/v1/admin/reconcile"
PARAMETERS = ("provider", "tz", "map", "rate", "own_keys")


class Comparing(Protocol):
    """What the route asks of the gateway."""

    async def reconcile(
        self, files: Sequence[Path | bytes], question: Question, progress: Callable[[int], None] | None = None
    ) -> Reconciliation: ...


def bill_routes(gateway: Comparing) -> tuple[Route, ...]:
    async def compare(call: Call) -> Any:
        return render(await gateway.reconcile([call.body], _question(call)))

    return (Route(method="POST", path=PATH, role="admin", read=taking((*PARAMETERS, "only"), compare)),)


def _question(call: Call) -> Question:
    given = {name: call.one(name) for name in PARAMETERS}
    own_keys = given["own_keys"] or "false"
    if own_keys not in ("true", "false"):
        raise ClientError("own_keys is true or false.", param="own_keys")
    return Question(
        provider=given["provider"],
        tz=given["tz"],
        mapping=mapping_of(given["map"]) if given["map"] else {},
        only=only_of([value for name, value in call.query if name == "only"]),
        rate=rate_of(given["rate"]),
        own_keys=own_keys == "true",
    )
