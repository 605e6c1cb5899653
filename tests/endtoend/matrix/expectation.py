"""What a cell is expected to do: read off the gateway's carriage table, for the model that the cell asks.

Where a request needs no translation it passes as it came, and its provider judges it: what the dialect itself has no
form for is then refused by the provider, not by the gateway.
"""

from dataclasses import dataclass

from gateway.dialects.carriage import BY_NAME, CHAT
from gateway.dialects.verdicts import Verdict
from gateway.providers.catalog import PROVIDERS
from gateway.relaying.routing import Routing
from tests.endtoend.matrix.scenario import Ask

_ROUTING = Routing(PROVIDERS)


@dataclass(frozen=True)
class Expected:
    """`fields` are the door's own names of what is lost; `verbatim`: the request passes as it came."""

    verdict: Verdict
    fields: tuple[str, ...]
    verbatim: bool


def expected(door: str, feature: str, ask: Ask) -> Expected:
    row = BY_NAME[feature]
    (candidate,) = _ROUTING.candidates(ask.model)
    dialect = candidate.dialect(tools=bool(ask.tools), effort=ask.effort)
    provider = candidate.provider
    native = provider.dialect == door == dialect or (door != provider.dialect and door in provider.also_speaks)
    verdict = row.fates[door if native else dialect].at(candidate.target)
    if native and verdict is not Verdict.CARRIED:
        verdict = Verdict.REFUSED
    # A door without a word of its own for it is spoken to in chat's.
    return Expected(verdict, row.said.get(door) or row.said[CHAT], native)
