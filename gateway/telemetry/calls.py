"""Which tellings are of one call, and which of the gateway's exchanges that call is. Pure.

A call can be told by an app's instrumentation, by an SDK's own span and by the gateway's row. Usage is counted once,
the gateway's first, since it read the wire. Two tellings that both have ids, and different ones, are never one call;
what only time, key and model speak for is marked as inferred, and what is ambiguous stays apart.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import accumulate

from msgspec import Struct

from gateway.telemetry.observed import Observed, Role
from gateway.telemetry.records import Span

SLACK_NS = 50_000_000
CALLS = (Role.INFERENCE, Role.EMBEDDINGS)
# Of tellings at one time, so many are held against each other.
MOST_BESIDE = 64
_BLOCK = 64
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
    for word, candidates in (("parent", _by_parent(tree, groups, exchanged)), ("id", _by_id(groups, exchanged))):
        for number, near in sorted(candidates.items()):
            matches = [each for each in near if taken.setdefault(each.request_id, number) == number]
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
        self._inference_above: dict[tuple[str, str], Seen | None] = {}

    def ids(self, each: Seen) -> set[str]:
        """Those that a telling says; where an exchange has several, all are the same one."""
        return {self._same.get(id, id) for id in _ids(each)}

    def inference_above(self, trace_id: str, span_id: str | None) -> Seen | None:
        """The call that a span is or stands in, without a frame in between."""
        known, passed, found = self._inference_above, list[tuple[str, str]](), None
        while span_id is not None and (place := (trace_id, span_id)) not in known:
            # One that it comes back to stands in none.
            known[place] = None
            passed.append(place)
            each = self.by_id.get(place)
            if each is None or each.observed.role in _FRAMES:
                break
            if each.observed.role in CALLS:
                found = each
                break
            span_id = each.span.parent_span_id
        else:
            found = None if span_id is None else known[trace_id, span_id]
        known.update(dict.fromkeys(passed, found))
        return found


def _groups(tree: _Tree) -> list[_Group]:
    """Tellings of one call each: nested ones, those of one answer's id, and an SDK's own span beside another's."""
    tellings = [each for each in tree.seen if each.observed.role in CALLS]
    group_of: dict[int, _Group] = {id(each): [each] for each in tellings}
    ids_of: dict[int, set[str]] = {id(group_of[id(each)]): tree.ids(each) for each in tellings}

    def unite(one: Seen, other: Seen) -> None:
        ours, theirs = group_of[id(one)], group_of[id(other)]
        if ours is theirs or _differ(ids_of[id(ours)], ids_of[id(theirs)]):
            return
        ours += theirs
        ids_of[id(ours)] |= ids_of[id(theirs)]
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
    for native, other in _contained(_distinct(group_of, tellings), ids_of):
        unite(other, native)
    groups = _distinct(group_of, tellings)
    for group in groups:
        group.sort(key=_says_most)
    return groups


def _distinct(group_of: Mapping[int, _Group], tellings: Sequence[Seen]) -> list[_Group]:
    return list({id(group): group for group in (group_of[id(each)] for each in tellings)}.values())


def _differ(ours: set[str], theirs: set[str]) -> bool:
    return bool(ours) and bool(theirs) and not ours & theirs


def _contained(groups: Sequence[_Group], ids_of: Mapping[int, set[str]]) -> list[tuple[Seen, Seen]]:
    """Pairs of an SDK's own telling and another's of the same time and model, each the only one for the other."""
    others: dict[str | None, list[_Group]] = {}
    for group in groups:
        if not any(each.observed.native for each in group):
            others.setdefault(_model(group[0]), []).append(group)
    beside = {model: _Beside(of_model, ids_of) for model, of_model in others.items()}
    for group in groups:
        if all(each.observed.native for each in group) and (of_model := beside.get(_model(group[0]))) is not None:
            of_model.note(group)
    return [pair for of_model in beside.values() for pair in of_model.pairs()]


class _Beside:
    """Tellings of one model in order of time, and those beside each, as far as it is the only one for them."""

    def __init__(self, others: Sequence[_Group], ids_of: Mapping[int, set[str]]) -> None:
        self._others = sorted(others, key=lambda group: group[0].span.start_ns)
        self._starts = [group[0].span.start_ns for group in self._others]
        self._longest = max(group[0].span.end_ns - group[0].span.start_ns for group in self._others)
        # When each ends, when the last of _BLOCK ends, and so on upwards.
        self._ends = [[group[0].span.end_ns for group in self._others]]
        while len(below := self._ends[-1]) > _BLOCK:
            self._ends.append([max(below[place : place + _BLOCK]) for place in range(0, len(below), _BLOCK)])
        self._ids_of = ids_of
        # By place: the only one that is beside it and nothing else; None where there is more.
        self._only: dict[int, Seen | None] = {}
        # Where what is crowded begins, and ends.
        self._crowded = [0] * (len(others) + 1)

    def note(self, natives: _Group) -> None:
        """These are beside others that are within their time or around it."""
        native, ids = natives[0], self._ids_of[id(natives)]
        start, end = native.span.start_ns, native.span.end_ns
        first = bisect_left(self._starts, start - max(0, self._longest) - 2 * SLACK_NS)
        last = bisect_right(self._starts, max(start, end) + 2 * SLACK_NS)
        found: list[int] = []
        for place in self._near(first, last, start, end):
            other = self._others[place]
            within = _within(native, other[0]) or _within(other[0], native)
            if within and not _differ(ids, self._ids_of[id(other)]):
                found.append(place)
            if len(found) > MOST_BESIDE:
                # What else is near may be beside it too, and is nobody's only one.
                self._crowded[first] += 1
                self._crowded[last] -= 1
                return
        for place in found:
            self._only[place] = native if len(found) == 1 and place not in self._only else None

    def _near(self, first: int, last: int, start: int, end: int) -> Iterator[int]:
        """Places from `first` to `last` of what may be within these times, or around them: one that lasts for long
        is near to all that follow it, and is all that is looked at of those that began before."""
        inside = bisect_left(self._starts, start - SLACK_NS, first, last)
        yield from self._lasting(0, first, inside, end - SLACK_NS)
        yield from range(inside, last)

    def _lasting(self, level: int, first: int, last: int, until: int) -> Iterator[int]:
        """Places of a level, from `first` to `last`, that end then or later."""
        ends = self._ends[level]
        if level + 1 == len(self._ends):
            yield from (place for place in range(first, last) if ends[place] >= until)
            return
        for above in self._lasting(level + 1, first // _BLOCK, -(-last // _BLOCK), until):
            begin = above * _BLOCK
            for place in range(max(first, begin), min(last, begin + _BLOCK)):
                if ends[place] >= until:
                    yield place

    def pairs(self) -> list[tuple[Seen, Seen]]:
        crowded = list(accumulate(self._crowded))
        return [
            (native, self._others[place][0])
            for place, native in self._only.items()
            if native is not None and not crowded[place]
        ]


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


def _by_parent(tree: _Tree, groups: Sequence[_Group], exchanged: Sequence[Exchanged]) -> dict[int, list[Exchanged]]:
    """The caller's span is one of this call's, or stands within one without another call in between."""
    numbers: dict[tuple[str, str], list[int]] = {}
    for number, group in enumerate(groups):
        for place in {(each.span.trace_id, each.span.span_id) for each in group}:
            numbers.setdefault(place, []).append(number)
    found: dict[int, list[Exchanged]] = {}
    for exchange in exchanged:
        if exchange.trace_id is None or exchange.caller_span_id is None:
            continue
        around = tree.inference_above(exchange.trace_id, exchange.caller_span_id)
        for number in () if around is None else numbers[around.span.trace_id, around.span.span_id]:
            found.setdefault(number, []).append(exchange)
    return found


def _by_id(groups: Sequence[_Group], exchanged: Sequence[Exchanged]) -> dict[int, list[Exchanged]]:
    """Claude Code says the id that our answer's headers have."""
    numbers: dict[str, list[int]] = {}
    for number, group in enumerate(groups):
        for said in {id for each in group for id in _ids(each)}:
            numbers.setdefault(said, []).append(number)
    found: dict[int, list[Exchanged]] = {}
    for exchange in exchanged:
        ids = (*exchange.response_ids, exchange.request_id)
        for number in {number for said in ids for number in numbers.get(said, ())}:
            found.setdefault(number, []).append(exchange)
    return found


def _by_time(
    tree: _Tree,
    groups: Sequence[_Group],
    exchanged: Sequence[Exchanged],
    taken: Mapping[str, int],
    found: _Found,
) -> dict[int, Exchanged]:
    """Pairs of which each is the other's only candidate, or that follow each other too fast for the slack."""
    left = sorted((each for each in exchanged if each.request_id not in taken), key=lambda each: each.started_us)
    starts = [each.started_us * 1000 for each in left]
    near: dict[int, list[Exchanged]] = {}
    callers: dict[str, list[int]] = {}
    for number, group in enumerate(groups):
        if number in found:
            continue
        span, may_be = group[0].span, _Candidate(tree, group)
        first, end = bisect_left(starts, span.start_ns - SLACK_NS), bisect_right(starts, span.end_ns + SLACK_NS)
        candidates = [exchange for exchange in left[first:end] if may_be.one_of(exchange)]
        for exchange in candidates:
            of_exchange = callers.setdefault(exchange.request_id, [])
            if len(of_exchange) <= MOST_BESIDE:
                of_exchange.append(number)
        near[number] = candidates[: MOST_BESIDE + 1]
    only = {
        number: candidates[0]
        for number, candidates in near.items()
        if len(candidates) == 1 and len(callers[candidates[0].request_id]) == 1
    }
    fit = only | _to_the_letter(groups, near, callers)
    begun_well = _in_rows_begun_well(groups, near, fit)
    return {number: exchange for number, exchange in fit.items() if number in only or number in begun_well}


def _to_the_letter(
    groups: Sequence[_Group], near: Mapping[int, Sequence[Exchanged]], callers: Mapping[str, Sequence[int]]
) -> dict[int, Exchanged]:
    """Calls in a row that take less time than the slack: each exchange began within the time of one of them, and so
    did all that are near."""
    within: dict[int, list[Exchanged]] = {}
    around: Counter[str] = Counter()
    for number, candidates in near.items():
        span = groups[number][0].span
        start_us, end_us = span.start_ns // 1000, span.end_ns // 1000
        within[number] = [each for each in candidates if start_us <= each.started_us <= end_us]
        around.update(each.request_id for each in within[number])
    pairs = {
        number: inside[0]
        for number, inside in within.items()
        if len(inside) == 1 and around[inside[0].request_id] == 1 and len(near[number]) <= MOST_BESIDE
    }
    paired = {exchange.request_id for exchange in pairs.values()}
    return {
        number: exchange
        for number, exchange in pairs.items()
        if all(each.request_id in paired for each in near[number])
        and len(called := callers[exchange.request_id]) <= MOST_BESIDE
        and all(caller in pairs for caller in called)
    }


def _in_rows_begun_well(
    groups: Sequence[_Group], near: Mapping[int, Sequence[Exchanged]], fit: Collection[int]
) -> set[int]:
    """The calls of a trace's rows whose first one fits. Where the clocks differ by as much as a call or more, each in
    the midst of an even row seems to be its neighbour, and only the row's beginning has some left over; at its end
    there may be some in any case, that are still to be told of."""
    rows: dict[str, tuple[int, bool | None]] = {}
    found: set[int] = set()
    for number in sorted(near, key=lambda number: groups[number][0].span.start_ns):
        span = groups[number][0].span
        until_ns, begun_well = rows.get(span.trace_id, (0, None))
        if span.start_ns > until_ns:
            begun_well = None
        if begun_well is None and near[number]:
            begun_well = number in fit
        rows[span.trace_id] = max(until_ns, span.end_ns + 2 * SLACK_NS), begun_well
        if begun_well:
            found.add(number)
    return found


class _Candidate:
    """A call of which only its time and what it says of itself tell which exchange it is."""

    def __init__(self, tree: _Tree, group: _Group) -> None:
        self._tree = tree
        self._span = group[0].span
        self._ends_ns = self._span.end_ns + SLACK_NS
        self._has_ids = any(_ids(each) for each in group)
        self._failed = any(each.observed.error_type or each.observed.error_message for each in group)
        self._models = {
            model for each in group for model in (each.observed.model_requested, each.observed.model) if model
        }
        self._users = {value for each in group for _, value in each.observed.users}

    def one_of(self, exchange: Exchanged) -> bool:
        """Whether it may be this one, which began within its time."""
        if exchange.ended_us * 1000 > self._ends_ns or exchange.outcome == "running":
            return False
        if self._has_ids and exchange.response_ids:
            return False
        if self._failed and exchange.outcome == "ok":
            return False
        if self._models and self._models.isdisjoint(exchange.models):
            return False
        # Whose the key is says nothing of who else an app asks for.
        named = not self._users or exchange.user == exchange.principal
        if not named and self._users.isdisjoint((exchange.user, exchange.principal)):
            return False
        return self._may_be_called(exchange)

    def _may_be_called(self, exchange: Exchanged) -> bool:
        """Whose caller is known says itself where it belongs; one whose caller was not exported may be in its
        trace."""
        if exchange.trace_id is None or exchange.caller_span_id is None:
            return True
        called = exchange.trace_id, exchange.caller_span_id
        return exchange.trace_id == self._span.trace_id and called not in self._tree.by_id
