"""What is known of a selected row of the timeline, as labelled lines, and its attributes as they came. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from app import formats, sources
from app.pages.conversations_parts import turn_words
from app.pages.conversations_parts.spans import ROLE_WORDS, SpanRow
from app.pages.requests_parts.details import OUTCOME_WORDS
from app.tables.column import utc_text
from app.time_words import TTFT
from app.translation import later, tr
from gateway import Turn

_LONG = 400
_MOST = 150
_PARTS = (later("of which cached"), later("of which cache-written"), later("of which reasoning"))


class Facts(Struct, frozen=True, kw_only=True):
    """`lines` are (label, value), `parts` the labels of what is a part of the line above; `raw` the attributes, a
    line each; `json` all of them for the clipboard."""

    title: str
    lines: tuple[tuple[str, str], ...]
    parts: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    raw: str = ""
    json: str = ""
    request_id: str | None = None


def facts_of(row: SpanRow, turn: Turn | None, start_us: int, provider_title: turn_words.Title) -> Facts:
    """`start_us` is when the conversation began."""
    lines = [(tr("Kind"), ROLE_WORDS[row.role])]
    if turn is not None and row.role in ("inference", "embeddings"):
        lines += _turn_lines(turn, provider_title)
    took = formats.duration((row.end_us - row.start_us) / 1000)
    lines += [
        (tr("Started"), f"+{formats.duration((row.start_us - start_us) / 1000)} · {formats.clock(row.start_us)}"),
        (tr("Took"), tr("≈{took}, the time between two calls").format(took=took) if row.inferred else took),
    ]
    if turn is not None and turn.ttft_us is not None and row.role == "inference":
        lines.append((TTFT, formats.duration(turn.ttft_us / 1000)))
    span = row.span
    raw, encoded, notes = "", "", list(turn.hints) if turn is not None and span is None else []
    if span is not None:
        lines += [(label, value) for label, value in _span_lines(row) if value]
        everything = {**span.attributes, **{f"resource.{name}": value for name, value in span.resource.items()}}
        raw = "\n".join(_raw_lines(everything))
        encoded = _encoded(span)
        notes += span.hints
        notes += [f"{name}, +{formats.duration((at - span.started_us) / 1000)}" for name, at, _ in span.events[:20]]
    lines = [(label, value) for label, value in lines if value]
    request = turn.request_id if turn is not None else span.request_id if span is not None else None
    return Facts(
        title=row.label,
        lines=tuple(lines),
        parts=frozenset(tr(label) for label in _PARTS),
        notes=tuple(notes),
        raw=raw,
        json=encoded,
        request_id=request,
    )


def _turn_lines(turn: Turn, provider_title: turn_words.Title) -> list[tuple[str, str]]:
    usage = sources.USAGE_SOURCE_WORDS.get(turn.usage_source, turn.usage_source)
    cached, written, reasoning = _PARTS
    ending = OUTCOME_WORDS.get(turn.outcome, turn.outcome)
    price = sources.COST_SOURCE_WORDS.get(turn.cost_source, turn.cost_source)
    if turn.cost_nano is None and turn.usage_source == "none":
        price = ""
    lines = [
        (tr("Model"), turn_words.model(turn)),
        (tr("Asked for as"), turn.model_requested or "" if turn.model_requested != turn.model else ""),
        (tr("Provider"), provider_title(turn.provider) if turn.provider else ""),
        (
            tr("Outcome"),
            ending
            if turn.outcome == "ok"
            else tr("{outcome}, status {status}").format(outcome=ending, status=turn.status or tr("unknown")),
        ),
        (tr("Input"), _tokens(turn.input_tokens, turn.usage_source == "estimated")),
        (tr(cached), _tokens(turn.cached_tokens, False)),
        (tr(written), _tokens(turn.cache_write_tokens or None, False)),
        (tr("Output"), _tokens(turn.output_tokens, turn_words.estimated_output(turn))),
        (tr(reasoning), _tokens(turn.reasoning_tokens, False)),
        (tr("Counts"), usage),
        (tr("Cost"), f"{turn_words.cost(turn)} · {price}" if turn.cost_nano is not None else price),
        (tr("Door"), turn.door or ""),
        (tr("Client"), turn.client or ""),
        (tr("Agent"), turn.agent or ""),
        (tr("Reported by"), ", ".join(turn_words.SOURCE_WORDS.get(source, source) for source in turn.sources)),
        (
            tr("Joined"),
            (tr("by {what}, inferred") if turn.inferred else tr("by {what}")).format(what=turn.joined)
            if turn.joined
            else "",
        ),
    ]
    lines += [(tr("Differs"), line) for line in turn_words.differing(turn)]
    return lines


def _span_lines(row: SpanRow) -> list[tuple[str, str]]:
    span = row.span
    assert span is not None
    return [
        (tr("App"), span.app or ""),
        (tr("Span kind"), span.kind),
        (tr("Status"), span.status),
        (tr("Span"), span.span_id),
        (tr("Parent"), span.parent_span_id or ""),
        (tr("Time"), utc_text(span.started_us)),
    ]


def _tokens(count: int | None, estimated: bool) -> str:
    return "" if count is None else sources.marked(f"{count:,}", estimated)


def _raw_lines(attributes: Mapping[str, Any]) -> list[str]:
    lines = []
    for number, (name, value) in enumerate(attributes.items()):
        if number == _MOST:
            lines.append(tr("… {count:,} more: copy them all").format(count=len(attributes) - _MOST))
            break
        text = value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()
        lines.append(f"{name} = {text if len(text) <= _LONG else f'{text[:_LONG]}… ({len(text):,} characters)'}")
    return lines


def _encoded(span: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(span, enc_hook=str)).decode()
