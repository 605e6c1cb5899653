"""The calls to providers that one request took as plain rows of words: what the drawer's Attempts show, no widget."""

from collections.abc import Callable

from app import formats, sources
from app.pages.requests_parts.causes import cause, refusal
from app.pages.requests_parts.details import Line, Section
from app.pages.requests_parts.timing_bar import time_words
from app.tables.column import milliseconds
from app.translation import tr
from gateway import AttemptRecord, ExchangeRecord


def attempt_sections(row: ExchangeRecord, provider_title: Callable[[str], str]) -> tuple[Section, ...]:
    """A section for each attempt, in order of time."""
    return tuple(
        Section(
            title=tr("Attempt {number}").format(number=attempt.n),
            lines=(*_asked(row, attempt, provider_title), *_times(row, place), *_used(row, attempt)),
        )
        for place, attempt in enumerate(row.attempts)
    )


def no_attempt_words(row: ExchangeRecord) -> str:
    """Why there is none."""
    if row.outcome == "interrupted":
        return tr("The gateway stopped before it could record what it had asked of a provider.")
    return cause(row) or tr("The gateway answered by itself: no provider was asked.")


def _asked(row: ExchangeRecord, attempt: AttemptRecord, provider_title: Callable[[str], str]) -> tuple[Line, ...]:
    own = tr("with the caller's own key for the provider")
    status = tr("no answer") if attempt.status is None else str(attempt.status)
    kind = (attempt.error_type or "").replace("_", " ")
    why = refusal(row, attempt)
    lines = [
        Line(label=tr("Provider"), value=provider_title(attempt.provider)),
        Line(label=tr("Model"), value=attempt.model),
        Line(label=tr("Key"), value=row.key, note=own if row.byok else ""),
        Line(label=tr("Status"), value=" · ".join(filter(None, (status, kind)))),
    ]
    return (*lines, *((Line(label=tr("Error"), value=why),) if why else ()))


def _times(row: ExchangeRecord, place: int) -> tuple[Line, ...]:
    attempt = row.attempts[place]
    if place:
        before = row.attempts[place - 1]
        since_us = before.started_us + before.latency_us
        after = tr("after attempt {number} had failed").format(number=before.n)
    else:
        since_us, after = row.started_us, tr("since the request came")
    lines = [
        Line(label=tr("Wait"), value=time_words(max(0, attempt.started_us - since_us)), note=after),
        Line(label=tr("Time"), value=formats.duration(milliseconds(attempt.latency_us))),
    ]
    if row.ttft_us is not None and attempt is row.attempts[-1]:
        # The row counts from its own beginning.
        first_us = max(0, row.started_us + row.ttft_us - attempt.started_us)
        lines.append(Line(label=tr("First token"), value=formats.duration(milliseconds(first_us))))
    return tuple(lines)


def _used(row: ExchangeRecord, attempt: AttemptRecord) -> tuple[Line, ...]:
    lines = []
    if attempt.input_tokens is not None:
        given = sources.marked(f"{attempt.input_tokens:,}", sources.estimated_input(row))
        lines.append(Line(label=tr("Input"), value=given))
    if attempt.output_tokens is not None:
        made = sources.marked(f"{attempt.output_tokens:,}", sources.estimated_output(row))
        lines.append(Line(label=tr("Output"), value=made))
    if attempt.cost_nano is not None:
        cost = sources.marked_money(attempt.cost_nano, sources.estimated_cost(row), 6)
        lines.append(Line(label=tr("Cost"), value=cost))
    if attempt.upstream_request_id:
        id = attempt.upstream_request_id
        lines.append(Line(label=tr("Provider's request"), value=id, mono=True, copy=id))
    return tuple(lines)
