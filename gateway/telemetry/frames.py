"""Frames that repeat what was said stand for a call where nobody told the calls within. Pure.

A framework's run often repeats its whole transcript beside the spans of its calls: then it is no call of its own.
Where an app exports its runs alone, the outermost one that has a transcript is all that is known of what was said.
Its sums of tokens are not counted: they are many calls' at once, and whose is not known.
"""

from collections.abc import Mapping, Sequence

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
    calls = [each for each in seen if each.observed.role in CALLS]
    within = {outer for call in calls for outer in _above(call.span.parent_span_id, above)}
    alone = {
        span_id
        for span_id in frames
        if span_id not in within and frames.keys().isdisjoint(_above(above[span_id], above))
    }
    return [Seen(each.span, frames[each.span.span_id]) if each.span.span_id in alone else each for each in seen]


def _above(span_id: str | None, above: Mapping[str, str | None]) -> list[str]:
    found: list[str] = []
    while span_id is not None and span_id not in found:
        found.append(span_id)
        span_id = above.get(span_id)
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
