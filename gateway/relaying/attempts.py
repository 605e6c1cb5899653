"""The calls to a provider within one exchange, until one of them is taken or what it refuses stands."""

from collections.abc import Callable

from gateway.capture.heard import Called
from gateway.configuration.settings import Timeouts
from gateway.dialects.error_bodies import own_form
from gateway.dialects.redaction import redact
from gateway.errors import UpstreamError
from gateway.relaying.deadlines import Deadline
from gateway.relaying.exchange import Exchange
from gateway.relaying.plan import UNREADABLE_STATE, Plan, Planner
from gateway.relaying.upstream import Answer, Upstream

# What a provider says of a failure is told up to here, in characters.
LONGEST_MESSAGE = 4000

# Is told what an answer says of its key: (provider, state, a sentence or None), with one of the states "connected",
# "rejected", "limited" and "unreachable".
Learnt = Callable[[str, str, str | None], None]


class Attempts:
    """Asks providers for one relay."""

    def __init__(self, planner: Planner, upstream: Upstream, timeouts: Timeouts, learnt: Learnt) -> None:
        self._planner = planner
        self._upstream = upstream
        self._timeouts = timeouts
        self._learnt = learnt

    async def accepted(self, plan: Plan, exchange: Exchange, deadline: Deadline) -> tuple[Plan, Answer]:
        """The provider's answer to a request that it took. What it cannot read of a translated history is left out
        once, because the same body would fail for ever (maximhq/bifrost#5892). Raises UpstreamError."""
        answer = await self._ask(plan, exchange, deadline)
        if 200 <= answer.status < 300:
            return plan, answer
        error = await self._refused(plan, answer)
        again = self._planner.without_state(plan, exchange) if error.code == UNREADABLE_STATE else None
        if again is None:
            raise error
        exchange.next_attempt(error.kind)
        answer = await self._ask(again, exchange, deadline)
        if 200 <= answer.status < 300:
            return again, answer
        raise await self._refused(again, answer)

    async def _ask(self, plan: Plan, exchange: Exchange, deadline: Deadline) -> Answer:
        provider = plan.candidate.provider
        deadline.within(self._timeouts.first_byte, "first_byte")
        call = Called(plan.url, plan.headers)
        exchange.heard.calls.append(call)
        answer = await self._upstream.send(exchange, provider.title, plan.url, plan.headers, plan.body)
        call.status, call.answered = answer.status, answer.headers
        exchange.upstream_status = answer.status
        exchange.upstream_request_id = answer.headers.get(provider.request_id_header)
        return answer

    async def _refused(self, plan: Plan, answer: Answer) -> UpstreamError:
        try:
            return await self._refusal(plan, answer)
        finally:
            answer.close()

    async def _refusal(self, plan: Plan, answer: Answer) -> UpstreamError:
        provider = plan.candidate.provider
        body = await answer.read()
        if answer.status < 400:
            return UpstreamError(
                f"{provider.title} answered with a redirect ({answer.status}): check its base URL.",
                status=502,
                upstream_status=answer.status,
                own_words=True,
            )
        error = without_key(plan.key, plan.dialect.parse_error(answer.status, body, answer.headers))
        if plan.dialect.name == plan.door.dialect.name and error.status == answer.status:
            # Clients act on more than its status and message: on which quota it was, or how long to wait.
            error.said = own_form(body, plan.key)
        if (state := state_of_key(error)) and self._planner.says_of_key(plan):
            self._learnt(provider.name, state, error.message)
        return error


def state_of_key(error: UpstreamError) -> str | None:
    """What a refusal says of the key; None where it says nothing. A key that may not do one thing may do others."""
    if error.kind == "provider_quota" or (error.kind == "provider_key_rejected" and error.upstream_status == 403):
        return "limited"
    return "rejected" if error.kind == "provider_key_rejected" else None


def without_key(key: str | None, error: UpstreamError) -> UpstreamError:
    """The error without the key that was sent, should the provider have repeated it in any of its words, which are
    cut then: half a key is hidden by nothing."""
    if key:
        error.message = redact(error.message, key)
        error.param = error.param and redact(error.param, key)
        error.code = error.code and redact(error.code, key)
        error.headers = {name: redact(value, key) for name, value in error.headers.items()}
    if len(error.message) > LONGEST_MESSAGE:
        error.message = f"{error.message[:LONGEST_MESSAGE]}…"
    return error
