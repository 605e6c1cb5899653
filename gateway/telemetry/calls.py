"""Which tellings are of one call, and which of the gateway's exchanges that call is. Pure.

A call can be told by an app's instrumentation, by an SDK's own span and by the gateway's row. Usage is counted once,
the gateway's first, since it read the wire. Two tellings that both have ids, and different ones, are never one call;
what only time, key and model speak for is marked as inferred, and what is ambiguous stays apart.
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from gateway.telemetry.observed import Observed, Role
from gateway.telemetry.records import Span

SLACK_NS = 50_000_000
CALLS = (Role.INFERENCE, Role.EMBEDDINGS)
# Frames end a search upwards: what stands above one of them is another call.
_FRAMES = (Role.AGENT, Role.WORKFLOW, Role.TOOL)
OUTERMOST = "gen_ai.conversation.id"


class Seen(Struct, frozen=True):
    """A span and what a reader found in it."""

    span: Span
    observed: Observed


class Exchanged(Struct, frozen=True, kw_only=True):
    """An exchange of the gateway, as far as joining it needs. Times are µs; `turn` is the store's number of it."""

    turn: int
    request_id: str
    trace_id: str | None
    caller_span_id: str | None
    response_ids: frozenset[str]
    models: frozenset[str]
    user: str | None
    started_us: int
    ended_us: int
    outcome: str = "ok"


class Call(Struct, frozen=True, kw_only=True):
    """One call of a trace: its tellings, the one that says most first; the exchanges that it is, none where it went
    past the gateway. `joined` is how they were found: id, parent, time."""

    tellings: tuple[Seen, ...]
    exchanges: tuple[Exchanged, ...] = ()
    joined: str | None = None
    inferred: bool = False


def calls_of(seen: Sequence[Seen], exchanged: Sequence[Exchanged]) -> tuple[Call, ...]:
    """The calls that the spans of one trace tell, in order of time."""
    tree = _Tree(seen)
    groups = _groups(tree)
    taken: dict[str, int] = {}
    found: dict[int, tuple[list[Exchanged], str]] = {}
    for join in (_by_parent, _by_id):
        for number, group in enumerate(groups):
            matches = [each for each in join(tree, group, exchanged) if taken.get(each.request_id, number) == number]
            for each in matches:
                taken[each.request_id] = number
            if matches and number not in found:
                found[number] = (matches, "parent" if join is _by_parent else "id")
    for number, exchange in _by_time(groups, exchanged, taken, found).items():
        found[number] = ([exchange], "time")
    calls = []
    for number, group in enumerate(groups):
        matches, joined = found.get(number, ([], ""))
        calls.append(
            Call(
                tellings=tuple(group),
                exchanges=tuple(sorted(matches, key=lambda each: each.started_us)),
                joined=joined or None,
                inferred=joined == "time",
            )
        )
    return tuple(calls)


class _Tree:
    def __init__(self, seen: Sequence[Seen]) -> None:
        self.seen = sorted(seen, key=lambda each: (each.span.start_ns, each.span.span_id))
        self.by_id: Mapping[str, Seen] = {each.span.span_id: each for each in self.seen}

    def above(self, span_id: str | None) -> Iterable[Seen]:
        """A span and those around it, from within outwards."""
        visited: set[str] = set()
        while span_id is not None and span_id not in visited and (found := self.by_id.get(span_id)) is not None:
            visited.add(span_id)
            yield found
            span_id = found.span.parent_span_id

    def inference_above(self, span_id: str | None) -> Seen | None:
        for each in self.above(span_id):
            if each.observed.role in CALLS:
                return each
            if each.observed.role in _FRAMES:
                return None
        return None


def _groups(tree: _Tree) -> list[list[Seen]]:
    """Tellings of one call each: nested ones, those of one response id, and an SDK's own span beside another's."""
    group_of: dict[str, list[Seen]] = {}
    groups: list[list[Seen]] = []
    for each in tree.seen:
        if each.observed.role not in CALLS:
            continue
        around = tree.inference_above(each.span.parent_span_id)
        own = None
        if around is not None and not _differ(around, each):
            own = group_of.get(around.span.span_id)
        own = own or next((group for group in groups if _same_call(group, each)), None)
        if own is None:
            own = []
            groups.append(own)
        own.append(each)
        group_of[each.span.span_id] = own
    for group in groups:
        group.sort(key=lambda each: (each.observed.native, -_said(each), each.span.start_ns))
    return groups


def _said(seen: Seen) -> int:
    request = seen.observed.request
    return len(request.messages) if request is not None else 0


def _ids(seen: Seen) -> set[str]:
    response = seen.observed.response
    return {id for id in (seen.observed.response_id, response.id if response else None) if id}


def _differ(one: Seen, other: Seen) -> bool:
    return bool(_ids(one)) and bool(_ids(other)) and not _ids(one) & _ids(other)


def _same_call(group: Sequence[Seen], each: Seen) -> bool:
    if any(_ids(known) & _ids(each) for known in group):
        return True
    if any(_differ(known, each) for known in group):
        return False
    return any(
        known.observed.native != each.observed.native
        and _model(known) == _model(each)
        and (_within(known, each) or _within(each, known))
        for known in group
    )


def _model(seen: Seen) -> str | None:
    return seen.observed.model_requested or seen.observed.model


def _within(inner: Seen, outer: Seen) -> bool:
    return inner.span.start_ns >= outer.span.start_ns - SLACK_NS and inner.span.end_ns <= outer.span.end_ns + SLACK_NS


def _by_parent(tree: _Tree, group: Sequence[Seen], exchanged: Sequence[Exchanged]) -> list[Exchanged]:
    """The caller's span is one of this call's, or stands within one without another call in between."""
    own = {each.span.span_id for each in group}
    trace_id = group[0].span.trace_id
    found = []
    for exchange in exchanged:
        if exchange.trace_id != trace_id or exchange.caller_span_id is None:
            continue
        around = tree.inference_above(exchange.caller_span_id)
        if around is not None and around.span.span_id in own:
            found.append(exchange)
    return found


def _by_id(_tree: _Tree, group: Sequence[Seen], exchanged: Sequence[Exchanged]) -> list[Exchanged]:
    ids = {id for each in group for id in _ids(each)}
    # Claude Code says the id that our answer's headers have.
    return [each for each in exchanged if ids & each.response_ids or each.request_id in ids]


def _by_time(
    groups: Sequence[Sequence[Seen]],
    exchanged: Sequence[Exchanged],
    taken: Mapping[str, int],
    found: Mapping[int, object],
) -> dict[int, Exchanged]:
    """Pairs of which each is the other's only candidate."""
    of_group: dict[int, list[Exchanged]] = {}
    of_exchange: dict[str, list[int]] = {}
    for number, group in enumerate(groups):
        if number in found:
            continue
        for exchange in exchanged:
            if exchange.request_id not in taken and _may_be(group, exchange):
                of_group.setdefault(number, []).append(exchange)
                of_exchange.setdefault(exchange.request_id, []).append(number)
    return {
        number: candidates[0]
        for number, candidates in of_group.items()
        if len(candidates) == 1 and of_exchange[candidates[0].request_id] == [number]
    }


def _may_be(group: Sequence[Seen], exchange: Exchanged) -> bool:
    first = group[0]
    if exchange.trace_id is not None and exchange.caller_span_id is not None:
        # It says itself where it belongs.
        return False
    if exchange.response_ids and any(_ids(each) for each in group):
        return False
    models = {model for each in group for model in (each.observed.model_requested, each.observed.model) if model}
    if models and not models & exchange.models:
        return False
    users = {value for each in group for _, value in each.observed.users}
    if users and exchange.user is not None and exchange.user not in users:
        return False
    starts, ends = first.span.start_ns - SLACK_NS, first.span.end_ns + SLACK_NS
    return exchange.started_us * 1000 >= starts and exchange.ended_us * 1000 <= ends
