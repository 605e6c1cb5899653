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
    """An exchange of the gateway, as far as joining it needs. Times are µs; `turn` is the store's number of it;
    `user` is the end user, where one was named, else the principal."""

    turn: int
    request_id: str
    trace_id: str | None
    caller_span_id: str | None
    response_ids: frozenset[str]
    models: frozenset[str]
    user: str | None
    principal: str | None = None
    started_us: int
    ended_us: int
    outcome: str = "ok"


class Call(Struct, frozen=True, kw_only=True):
    """One call: its tellings, the one that says most first; the exchanges that it is, none where it went past the
    gateway. `joined` is how they were found: id, parent, time."""

    tellings: tuple[Seen, ...]
    exchanges: tuple[Exchanged, ...] = ()
    joined: str | None = None
    inferred: bool = False


_Group = list[Seen]
_Found = dict[int, tuple[list[Exchanged], str]]


def calls_of(seen: Sequence[Seen], exchanged: Sequence[Exchanged]) -> tuple[Call, ...]:
    """The calls that these spans tell, in order of time; spans of several traces may tell the same ones."""
    tree = _Tree(seen, exchanged)
    groups = _groups(tree)
    taken: dict[str, int] = {}
    found: _Found = {}
    for word, join in (("parent", _by_parent), ("id", _by_id)):
        for number, group in enumerate(groups):
            matches = [
                each for each in join(tree, group, exchanged) if taken.setdefault(each.request_id, number) == number
            ]
            if matches and number not in found:
                found[number] = matches, word
    for number, exchange in _by_time(tree, groups, exchanged, taken, found).items():
        found[number] = [exchange], "time"
    return tuple(_call(group, *found.get(number, ([], ""))) for number, group in enumerate(groups))


def _call(group: _Group, matches: Sequence[Exchanged], joined: str) -> Call:
    return Call(
        tellings=tuple(group),
        exchanges=tuple(sorted(matches, key=lambda each: (each.started_us, each.request_id))),
        joined=joined or None,
        inferred=joined == "time",
    )


class _Tree:
    def __init__(self, seen: Sequence[Seen], exchanged: Sequence[Exchanged]) -> None:
        self._same = _same_ids(exchanged)
        self.seen = sorted(seen, key=lambda each: (each.span.start_ns, each.span.trace_id, each.span.span_id))
        self.by_id: Mapping[tuple[str, str], Seen] = {
            (each.span.trace_id, each.span.span_id): each for each in self.seen if not each.observed.from_session
        }

    def ids(self, each: Seen) -> set[str]:
        """Those that a telling says; where an exchange has several, all are the same one."""
        return {self._same.get(id, id) for id in _ids(each)}

    def differ(self, one: _Group, other: _Group) -> bool:
        ours, theirs = ({id for each in group for id in self.ids(each)} for group in (one, other))
        return bool(ours) and bool(theirs) and not ours & theirs

    def above(self, trace_id: str, span_id: str | None) -> Iterable[Seen]:
        """A span and those around it, from within outwards."""
        visited: set[str] = set()
        while span_id is not None and span_id not in visited and (found := self.by_id.get((trace_id, span_id))):
            visited.add(span_id)
            yield found
            span_id = found.span.parent_span_id

    def inference_above(self, trace_id: str, span_id: str | None) -> Seen | None:
        for each in self.above(trace_id, span_id):
            if each.observed.role in CALLS:
                return each
            if each.observed.role in _FRAMES:
                return None
        return None


def _groups(tree: _Tree) -> list[_Group]:
    """Tellings of one call each: nested ones, those of one answer's id, and an SDK's own span beside another's."""
    tellings = [each for each in tree.seen if each.observed.role in CALLS]
    group_of: dict[int, _Group] = {id(each): [each] for each in tellings}

    def unite(one: Seen, other: Seen) -> None:
        ours, theirs = group_of[id(one)], group_of[id(other)]
        if ours is not theirs and not tree.differ(ours, theirs):
            ours += theirs
            for each in theirs:
                group_of[id(each)] = ours

    first_of: dict[str, Seen] = {}
    for each in tellings:
        for answer in sorted(tree.ids(each)):
            unite(first_of.setdefault(answer, each), each)
    for each in tellings:
        around = tree.inference_above(each.span.trace_id, each.span.parent_span_id)
        if around is not None:
            unite(around, each)
    for each in tellings:
        # A log record says under which span it was written.
        named = each.observed.span_id if each.observed.from_session else None
        around = tree.by_id.get((each.span.trace_id, named)) if named else None
        if around is not None and around.observed.role in CALLS:
            unite(around, each)
    for native, other in _contained(tree, _distinct(group_of, tellings)):
        unite(other, native)
    groups = _distinct(group_of, tellings)
    for group in groups:
        group.sort(key=_says_most)
    return groups


def _distinct(group_of: Mapping[int, _Group], tellings: Sequence[Seen]) -> list[_Group]:
    return list({id(group): group for group in (group_of[id(each)] for each in tellings)}.values())


def _contained(tree: _Tree, groups: Sequence[_Group]) -> list[tuple[Seen, Seen]]:
    """Pairs of an SDK's own telling and another's of the same time and model, each the only one for the other."""
    natives = [group for group in groups if all(each.observed.native for each in group)]
    others = [group for group in groups if not any(each.observed.native for each in group)]
    pairs = [(a, b) for a in natives for b in others if not tree.differ(a, b) and _beside(a[0], b[0])]
    count: dict[int, int] = {}
    for group in (group for pair in pairs for group in pair):
        count[id(group)] = count.get(id(group), 0) + 1
    return [(a[0], b[0]) for a, b in pairs if count[id(a)] == count[id(b)] == 1]


def _beside(one: Seen, other: Seen) -> bool:
    return _model(one) == _model(other) and (_within(one, other) or _within(other, one))


def _says_most(seen: Seen) -> tuple[bool, int, bool, int, str, str]:
    observed, span = seen.observed, seen.span
    return observed.native, -_said(seen), observed.from_session, span.start_ns, span.trace_id, span.span_id


def _said(seen: Seen) -> int:
    request = seen.observed.request
    return len(request.messages) if request is not None else 0


def _ids(seen: Seen) -> set[str]:
    response = seen.observed.response
    return {id for id in (seen.observed.response_id, response.id if response else None) if id}


def _same_ids(exchanged: Sequence[Exchanged]) -> Mapping[str, str]:
    """A provider's answer, the client's and the request itself have an id each; a tool's log may say one of them, and
    an app's span another. What two exchanges have is nobody's."""
    owners: dict[str, set[str]] = {}
    for exchange in exchanged:
        for id in (*exchange.response_ids, exchange.request_id):
            owners.setdefault(id, set()).add(exchange.request_id)
    return {id: next(iter(requests)) for id, requests in owners.items() if len(requests) == 1}


def _model(seen: Seen) -> str | None:
    return seen.observed.model_requested or seen.observed.model


def _within(inner: Seen, outer: Seen) -> bool:
    return inner.span.start_ns >= outer.span.start_ns - SLACK_NS and inner.span.end_ns <= outer.span.end_ns + SLACK_NS


def _by_parent(tree: _Tree, group: _Group, exchanged: Sequence[Exchanged]) -> list[Exchanged]:
    """The caller's span is one of this call's, or stands within one without another call in between."""
    own = {(each.span.trace_id, each.span.span_id) for each in group}
    traces = {trace_id for trace_id, _ in own}
    found = []
    for exchange in exchanged:
        if exchange.trace_id not in traces or exchange.trace_id is None or exchange.caller_span_id is None:
            continue
        around = tree.inference_above(exchange.trace_id, exchange.caller_span_id)
        if around is not None and (around.span.trace_id, around.span.span_id) in own:
            found.append(exchange)
    return found


def _by_id(_tree: _Tree, group: _Group, exchanged: Sequence[Exchanged]) -> list[Exchanged]:
    ids = {id for each in group for id in _ids(each)}
    # Claude Code says the id that our answer's headers have.
    return [each for each in exchanged if ids & each.response_ids or each.request_id in ids]


def _by_time(
    tree: _Tree,
    groups: Sequence[_Group],
    exchanged: Sequence[Exchanged],
    taken: Mapping[str, int],
    found: _Found,
) -> dict[int, Exchanged]:
    """Pairs of which each is the other's only candidate."""
    of_group: dict[int, list[Exchanged]] = {}
    of_exchange: dict[str, list[int]] = {}
    for number, group in enumerate(groups):
        if number in found:
            continue
        for exchange in exchanged:
            if exchange.request_id not in taken and _may_be(tree, group, exchange):
                of_group.setdefault(number, []).append(exchange)
                of_exchange.setdefault(exchange.request_id, []).append(number)
    return {
        number: candidates[0]
        for number, candidates in of_group.items()
        if len(candidates) == 1 and of_exchange[candidates[0].request_id] == [number]
    }


def _may_be(tree: _Tree, group: _Group, exchange: Exchanged) -> bool:
    first = group[0]
    if exchange.outcome == "running" or not _may_be_called(tree, first.span, exchange):
        return False
    if exchange.response_ids and any(_ids(each) for each in group):
        return False
    failed = any(each.observed.error_type or each.observed.error_message for each in group)
    if failed and exchange.outcome == "ok":
        return False
    models = {model for each in group for model in (each.observed.model_requested, each.observed.model) if model}
    if models and not models & exchange.models:
        return False
    users = {value for each in group for _, value in each.observed.users}
    # Whose the key is says nothing of who else an app asks for.
    if users and exchange.user != exchange.principal and not users & {exchange.user, exchange.principal}:
        return False
    starts, ends = first.span.start_ns - SLACK_NS, first.span.end_ns + SLACK_NS
    return exchange.started_us * 1000 >= starts and exchange.ended_us * 1000 <= ends


def _may_be_called(tree: _Tree, span: Span, exchange: Exchanged) -> bool:
    """Whose caller is known says itself where it belongs; one whose caller was not exported may be in its trace."""
    if exchange.trace_id is None or exchange.caller_span_id is None:
        return True
    return exchange.trace_id == span.trace_id and (exchange.trace_id, exchange.caller_span_id) not in tree.by_id
