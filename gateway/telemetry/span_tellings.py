"""What the spans of a trace tell of one call, as the store of conversations takes it. Pure."""

from collections.abc import Callable, Collection, Iterable, Sequence

from gateway.model import Usage
from gateway.prices.pricing import NO_PRICE, Priced
from gateway.telemetry.calls import OUTERMOST, Call, Seen
from gateway.telemetry.observed import Observed
from gateway.telemetry.readers.shared import conversations_of, users_of
from gateway.telemetry.readers.spellings import SESSIONS
from gateway.thread_records import Figures
from gateway.told import Told

# Counts that the gateway did not read from a provider's answer: the sender says them.
REPORTED = "reported"
# (provider, model, usage, at µs) → its price by the list.
Price = Callable[[str, str, Usage, int], Priced]


def told_of(call: Call, around: Sequence[Seen], *, scope: str, key: str, price: Price) -> Told:
    """A call that went past the gateway. `around` are the spans around it, from within outwards."""
    first = call.tellings[0]
    observed, span = first.observed, first.span
    response = observed.response
    usage = usage_of(call)
    counted = usage.input_tokens is not None or usage.output_tokens is not None
    started_us = span.start_ns // 1000
    model = observed.model or (response.model if response else None) or observed.model_requested
    priced = price(observed.provider or "", model, usage, started_us) if counted and model else NO_PRICE
    within = [*call.tellings, *around]
    own, outer = conversation_of(within)
    said = observed.request is not None and bool(observed.request.messages)
    return Told(
        source="log" if observed.from_session else "span",
        scope=scope,
        started_us=started_us,
        identity=identities_of(call)[0],
        trace_id=span.trace_id or None,
        span_id=observed.span_id if observed.from_session else span.span_id,
        parent_span_id=span.parent_span_id,
        key=key,
        user=user_of(within),
        app=app_of(within),
        agent=next((each.observed.agent for each in within if each.observed.agent), None),
        tags=observed.tags,
        # Without words nothing is recognised: then the trace holds together what it tells.
        conversation=own or (None if said else span.trace_id or None),
        parent_conversation=outer if own is not None and outer != own else None,
        session_id=session_of(within, besides=(own, outer)),
        title=observed.title,
        previous_response_id=observed.previous_response_id,
        response_id=observed.response_id,
        provider=observed.provider,
        model_requested=observed.model_requested,
        model=model,
        request=observed.request,
        response=response,
        usage=usage,
        usage_source=REPORTED if counted else "none",
        cost_nano=priced.cost_nano,
        cost_source=priced.source,
        status=observed.status,
        outcome="ok" if observed.error_type is None and observed.error_message is None else "error",
        error_type=observed.error_kind or observed.error_type,
        error_message=observed.error_message,
        latency_us=latency_of(first),
        ttft_us=observed.ttft_us,
        streamed=bool(observed.streamed),
        hints=hints_of(call),
    )


def usage_of(call: Call) -> Usage:
    """Who counts nearest to the wire is believed first."""
    told = sorted(call.tellings, key=lambda each: not each.observed.native)
    usages = [each.observed.response.usage for each in told if each.observed.response is not None]
    counted = (each for each in usages if each is not None and each != Usage())
    return next(counted, Usage())


def identities_of(call: Call) -> tuple[str, ...]:
    """Those that a call may be stored under, by what has come of it. The first is the one for all that came: it does
    not depend on the order."""
    spans = sorted(
        f"span {each.span.trace_id}/{each.span.span_id}" for each in call.tellings if not each.observed.from_session
    )
    logs = sorted(f"log {each.observed.identity}" for each in call.tellings if each.observed.from_session)
    return (*spans, *logs)


def latency_of(telling: Seen) -> int | None:
    """In µs; None where log records alone tell of a call and none says how long it took."""
    if telling.observed.from_session:
        return telling.observed.latency_us
    return max(0, telling.span.end_ns - telling.span.start_ns) // 1000


def figures_of(observed: Observed, latency_us: int | None, source: str = "span") -> Figures:
    """What the app says of a call that the gateway has a row of."""
    response = observed.response
    usage = (response.usage if response else None) or Usage()
    return Figures(
        source=source,
        model=observed.model or observed.model_requested,
        input_tokens=usage.input_tokens,
        cached_tokens=usage.cached_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        output_tokens=usage.output_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        cost_nano=observed.cost_nano,
        latency_us=latency_us,
    )


def hints_of(call: Call) -> tuple[str, ...]:
    """What the fullest telling misses, as far as no other one has it."""
    from gateway.telemetry.readers.tool_genai_logs import SPANS_OFF

    spans = any(not each.observed.from_session for each in call.tellings)
    return tuple(hint for hint in call.tellings[0].observed.hints if not (spans and hint == SPANS_OFF))


def conversation_of(within: Sequence[Seen]) -> tuple[str | None, str | None]:
    """(own, outermost) from the spans of a call and those around it, from within outwards, then what sent them.

    A framework's own id holds for the outermost frame that has one: a sub-agent's run makes one of its own.
    """
    named = [dict(each.observed.conversations) for each in within]
    frameworks = [ids[OUTERMOST] for ids in named if OUTERMOST in ids]
    if frameworks:
        return frameworks[0], frameworks[-1]
    found = next((each.observed.conversations[0][1] for each in within if each.observed.conversations), None)
    if found is None:
        found = next((ids[0][1] for each in within if (ids := conversations_of(each.span.resource))), None)
    return found, found


def session_of(within: Sequence[Seen], besides: Collection[str | None] = ()) -> str | None:
    """The session, looked for in the same places, where it is none of these conversations itself."""
    named = [each.observed.conversations for each in within]
    named += [conversations_of(each.span.resource) for each in within]
    return next((id for ids in named for name, id in ids if name in SESSIONS and id not in besides), None)


def user_of(within: Iterable[Seen]) -> str | None:
    spans = list(within)
    said = [each.observed.users for each in spans] + [users_of(each.span.resource) for each in spans]
    return next((users[0][1] for users in said if users), None)


def app_of(within: Iterable[Seen]) -> str | None:
    return next((each.observed.app for each in within if each.observed.app), None)
