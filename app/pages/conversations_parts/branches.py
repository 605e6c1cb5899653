"""The way through a conversation's turns: which are shown, in which order, and where there are others.

A failed turn that was repeated stands with the turn that repeated it. Children that were edited or asked again are
alternatives, of which one is shown: the newest, unless another was chosen. Sub-agents, parallel calls and what was
asked on the side (a title, a summary) are no alternatives: they are shown where they began. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from gateway import ThreadMessage, Turn

ASIDES = ("sub_agent", "parallel", "side")
ROOT = -1


class Step(Struct, frozen=True, kw_only=True):
    """A turn that is shown. `attempts` are the failed ones that it repeated, oldest first.

    `siblings` are the alternatives by number, itself among them, () where there is no other; `fork` is the key under
    which one of them is chosen. `aside` is the first turn of the sub-agent or side call that it belongs to.
    """

    turn: Turn
    attempts: tuple[Turn, ...] = ()
    siblings: tuple[int, ...] = ()
    fork: int = ROOT
    aside: int | None = None


ByTurn = Mapping[int, Sequence[ThreadMessage]]


def by_turn(messages: Iterable[ThreadMessage]) -> ByTurn:
    """Messages by the number of the turn that said them."""
    found: dict[int, list[ThreadMessage]] = {}
    for message in messages:
        found.setdefault(message.turn, []).append(message)
    return found


def messages_of(step: Step, messages: ByTurn) -> list[ThreadMessage]:
    """What a step asked, each message once however often it was attempted, and then what its turn answered."""
    asked: list[ThreadMessage] = []
    for turn in (*step.attempts, step.turn):
        own = [message for message in messages.get(turn.n, ()) if not message.output]
        again = [(message.role, message.parts) for message in own]
        asked = [message for message in asked if (message.role, message.parts) not in again] + own
    return [*asked, *(message for message in messages.get(step.turn.n, ()) if message.output)]


def until(turns: Sequence[Turn], number: int) -> list[Step]:
    """The turns that a turn continued, and as their end that turn with the attempts that it repeated; it may be an
    attempt itself. What stands before it and was not said to it is left out: parallel calls, sub-agents."""
    found: list[Step] = []
    way = way_to(turns, number)
    continued = set(way.values())
    for step in steps(turns, way):
        if step.turn.n not in continued:
            continue
        all_of_it = (*step.attempts, step.turn)
        place = next((place for place, turn in enumerate(all_of_it) if turn.n == number), None)
        if place is not None:
            return [*found, replace(step, turn=all_of_it[place], attempts=all_of_it[:place])]
        found.append(step)
    return found


def steps(turns: Sequence[Turn], chosen: Mapping[int, int]) -> list[Step]:
    """The shown way. `chosen` names, by the turn before a fork (`ROOT` before the first), the turn that goes on."""
    by_number = {turn.n: turn for turn in turns}
    repeated = {turn.n: _last_repeat(turn, by_number) for turn in turns if turn.attempt_of in by_number}
    attempts: dict[int, list[Turn]] = {}
    for number, later in repeated.items():
        attempts.setdefault(later, []).append(by_number[number])
    children: dict[int, list[Turn]] = {}
    for turn in turns:
        if turn.n not in repeated:
            children.setdefault(_parent(turn, by_number, repeated), []).append(turn)
    roots = children.get(ROOT, [])
    made = _walk(_ways_from_root(roots, chosen), children, attempts, chosen)
    for turn in sorted((turn for turn in roots if turn.branch in ASIDES), key=lambda turn: turn.started_us):
        # What hangs on nothing stands where it began.
        after = [step.aside is None and step.turn.started_us > turn.started_us for step in made]
        place = after.index(True) if True in after else len(made)
        made[place:place] = _walk([(turn, turn.n, (), ROOT)], children, attempts, chosen)
    return made


_Entry = tuple[Turn, int | None, tuple[int, ...], int]
"""A turn, the aside that it belongs to, its alternatives, and the fork's key."""


def _walk(
    first: Sequence[_Entry],
    children: Mapping[int, Sequence[Turn]],
    attempts: Mapping[int, Sequence[Turn]],
    chosen: Mapping[int, int],
) -> list[Step]:
    made: list[Step] = []
    stack = list(reversed(first))
    while stack:
        turn, aside, siblings, fork = stack.pop()
        failed = tuple(sorted(attempts.get(turn.n, ()), key=lambda attempt: attempt.started_us))
        made.append(Step(turn=turn, attempts=failed, siblings=siblings, fork=fork, aside=aside))
        following = children.get(turn.n, ())
        ways = [child for child in following if child.branch not in ASIDES]
        beside: list[_Entry] = [(child, child.n, (), turn.n) for child in following if child.branch in ASIDES]
        stack.extend(reversed([*beside, *_alternatives(ways, turn.n, chosen, aside)]))
    return made


def _ways_from_root(roots: Sequence[Turn], chosen: Mapping[int, int]) -> list[_Entry]:
    """Turns that nothing joins follow each other; only an edited first message is another way."""
    ways = [turn for turn in roots if turn.branch not in ASIDES]
    edited = [turn for turn in ways[1:] if turn.branch is not None]
    apart: list[_Entry] = [(turn, None, (), ROOT) for turn in ways[1:] if turn.branch is None]
    entries = [*_alternatives([*ways[:1], *edited], ROOT, chosen, None), *apart]
    return sorted(entries, key=lambda entry: entry[0].started_us)


def _alternatives(ways: Sequence[Turn], fork: int, chosen: Mapping[int, int], aside: int | None) -> list[_Entry]:
    if not ways:
        return []
    taken = next((turn for turn in ways if turn.n == chosen.get(fork)), ways[-1])
    return [(taken, aside, tuple(turn.n for turn in ways) if len(ways) > 1 else (), fork)]


def _last_repeat(turn: Turn, by_number: Mapping[int, Turn]) -> int:
    later = turn
    # A chain of retries ends; a circle in what was told would not.
    for _ in range(len(by_number)):
        following = by_number.get(later.attempt_of) if later.attempt_of is not None else None
        if following is None or following.n == turn.n:
            break
        later = following
    return later.n


def _parent(turn: Turn, by_number: Mapping[int, Turn], repeated: Mapping[int, int]) -> int:
    parent = by_number.get(turn.parent) if turn.parent is not None else None
    for _ in range(len(by_number)):
        if parent is None or parent.n not in repeated:
            break
        parent = by_number.get(parent.parent) if parent.parent is not None else None
    return ROOT if parent is None or parent.n == turn.n else parent.n


def way_to(turns: Sequence[Turn], number: int) -> dict[int, int]:
    """The choices that show a turn: for each fork before it, the child that leads there."""
    by_number = {turn.n: turn for turn in turns}
    repeated = {turn.n: _last_repeat(turn, by_number) for turn in turns if turn.attempt_of in by_number}
    turn = by_number.get(repeated.get(number, number))
    chosen: dict[int, int] = {}
    while turn is not None:
        parent = _parent(turn, by_number, repeated)
        if parent in chosen:
            break
        chosen[parent] = turn.n
        turn = by_number.get(parent)
    return chosen
