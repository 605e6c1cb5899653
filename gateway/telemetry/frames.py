"""Frames that repeat what was said stand for a call where nobody told the calls within. Pure.

A framework's run often repeats its whole transcript beside the spans of its calls: then it is no call of its own.
Where an app exports its runs alone, the outermost one that has a transcript is all that is known of what was said.
Its sums of tokens are not counted: they are many calls' at once, and whose is not known.
"""

from collections.abc import Mapping, Sequence, Set

from msgspec.structs import replace

from gateway.model import Choice, Response
from gateway.model import Role as MessageRole
from gateway.telemetry.calls import CALLS, Seen
from gateway.telemetry.observed import Observed, Role

RUN_ALONE = "Only the run was exported, without its calls: their tokens and times are not known."


def with_frames(seen: Sequence[Seen]) -> list[Seen]:
    """The spans of a trace, of which frames that alone tell what was said are calls."""
    above = {each.span.span_id: each.span.parent_span_id for each in seen}
    frames = {each.span.span_id: told for each in seen if (told := _as_call(each.observed)) is not None}
    if not frames:
        return list(seen)
    with_calls: set[str] = set()
    for each in seen:
        if each.observed.role in CALLS:
            _climb(each.span.parent_span_id, above, with_calls)
    within: dict[str, bool] = {}
    alone = {
        span_id
        for span_id in frames
        if span_id not in with_calls and not _within(above[span_id], above, frames.keys(), within)
    }
    return [Seen(each.span, frames[each.span.span_id]) if each.span.span_id in alone else each for each in seen]


def _climb(span_id: str | None, above: Mapping[str, str | None], passed: set[str]) -> None:
    """Add a span and all around it, up to where somebody was before."""
    while span_id is not None and span_id not in passed:
        passed.add(span_id)
        span_id = above.get(span_id)


def _within(span_id: str | None, above: Mapping[str, str | None], frames: Set[str], known: dict[str, bool]) -> bool:
    """Whether a span is one of these frames or stands in one; `known` is what was found before."""
    passed: list[str] = []
    while span_id is not None and span_id not in known:
        # One that it comes back to stands in none.
        known[span_id] = span_id in frames
        passed.append(span_id)
        if known[span_id]:
            break
        span_id = above.get(span_id)
    found = span_id is not None and known[span_id]
    known.update(dict.fromkeys(passed, found))
    return found


def _as_call(observed: Observed) -> Observed | None:
    """The same as a call; None for what is none, or does not tell both what was asked and what was answered."""
    transcript = observed.transcript
    if transcript is None or observed.role in (*CALLS, Role.TOOL) or not transcript.messages:
        return None
    *asked, answer = transcript.messages
    if answer.role is not MessageRole.ASSISTANT or not any(each.role is MessageRole.USER for each in asked):
        return None
    return replace(
        observed,
        role=Role.INFERENCE,
        request=replace(transcript, messages=tuple(asked)),
        response=Response(choices=(Choice(parts=answer.parts),)),
        hints=(*observed.hints, RUN_ALONE),
    )
