"""Which answers' reasoning state is remembered for the conversation's next request."""

from gateway.errors import UpstreamError
from gateway.model import Response
from gateway.relaying.exchange import Exchange
from gateway.relaying.plan import Plan
from gateway.relaying.replay import ReplayMemory, StateWatch


def watch(memory: ReplayMemory, plan: Plan, exchange: Exchange) -> StateWatch | None:
    """What remembers the answer's reasoning state: of a translated one, and of one that passes as it is through
    a door at which several providers speak the door's dialect."""
    if plan.verbatim and not _is_shared(plan):
        return None
    return StateWatch(memory, exchange.principal.key_id, exchange.id, plan.candidate.target.origin)


def remember(memory: ReplayMemory, plan: Plan, response: Response | None, data: bytes, exchange: Exchange) -> None:
    """The same of a whole answer; one that passes as it is was not parsed yet."""
    if plan.rewrite is not None or plan.door.operation.read_usage is not None:
        return
    if response is None or plan.verbatim:
        if not _is_shared(plan) or b'"encrypted_content"' not in data:
            return
        try:
            response = plan.dialect.parse_response(data)
        except UpstreamError:
            return
    parts = response.choices[0].parts if response.choices else ()
    memory.remember(exchange.principal.key_id, exchange.id, plan.candidate.target.origin, parts)


def _is_shared(plan: Plan) -> bool:
    """Whether several providers speak the door's dialect, so that clients carry what one made to another."""
    return plan.door.dialect.name in plan.candidate.provider.also_speaks
