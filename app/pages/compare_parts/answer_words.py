"""An answer in words and figures: what its column's foot says, how it differs from the first, and who won. Pure."""

from collections.abc import Sequence

from msgspec import Struct

from app import formats, sources
from app.tables.column import milliseconds
from app.time_words import TTFT, TTFT_MEANING
from app.translation import tr
from gateway import ComparedAnswer, ExchangeRecord


class Figure(Struct, frozen=True, kw_only=True):
    """`difference` is against the first answer, "" for the first itself and where one of the two is not known;
    `meaning` what the title stands for, where it is an abbreviation."""

    key: str
    title: str
    value: str
    difference: str = ""
    meaning: str = ""


def state_words(answer: ComparedAnswer) -> str:
    """How it stands, in a word or two."""
    return {
        "waiting": tr("waiting"),
        "answering": tr("answering"),
        "ok": tr("done"),
        "error": tr("failed"),
        "aborted": tr("stopped"),
        "interrupted": tr("interrupted"),
    }[answer.state]


def figures(answer: ComparedAnswer, first: ComparedAnswer | None, now_us: int) -> tuple[Figure, ...]:
    """Time to the first token, total time, tokens and cost; while it answers, the time so far."""
    row, other = answer.record, first.record if first is not None else None
    ttft = row.ttft_us if row is not None else answer.ttft_us
    total = row.latency_us if row is not None else now_us - answer.started_us
    made = (
        ("ttft", TTFT, tr(TTFT_MEANING), formats.duration(milliseconds(ttft)), "ttft_us"),
        ("total", tr("Total"), "", formats.duration(milliseconds(total)), "latency_us"),
        ("tokens", tr("Tokens"), "", tokens(row), "output_tokens"),
        ("cost", tr("Cost"), "", cost(row), "cost_nano"),
    )
    return tuple(
        Figure(
            key=key,
            title=title,
            value=value,
            difference=_difference(row, other, name),
            meaning=meaning,
        )
        for key, title, meaning, value, name in made
    )


def tokens(row: ExchangeRecord | None) -> str:
    """In and out; "≈" where they are not the provider's own count."""
    if row is None or (row.input_tokens is None and row.output_tokens is None):
        return formats.UNKNOWN
    words = f"{formats.count(row.input_tokens)} → {formats.count(row.output_tokens)}"
    return sources.marked(words, sources.estimated_output(row))


def cost(row: ExchangeRecord | None) -> str:
    if row is None:
        return formats.UNKNOWN
    return sources.marked_money(row.cost_nano, sources.estimated_cost(row))


def _difference(row: ExchangeRecord | None, other: ExchangeRecord | None, name: str) -> str:
    if row is None or other is None or row is other or not row.outcome == other.outcome == "ok":
        return ""
    return formats.delta_percent(getattr(row, name), getattr(other, name)) or ""


def winners(answers: Sequence[ComparedAnswer]) -> dict[str, int]:
    """`cheapest` and `fastest`, each with the place of the answer that is it; none where fewer than two can be."""
    rows = [(answer.place, answer.record) for answer in answers if answer.state == "ok" and answer.record is not None]
    costs = [(row.cost_nano, place) for place, row in rows if row.cost_nano is not None]
    times = [(row.latency_us, place) for place, row in rows if row.latency_us is not None]
    found = {}
    for name, ranked in (("cheapest", sorted(costs)), ("fastest", sorted(times))):
        # Two that share the first place have not won it.
        if len(ranked) > 1 and ranked[0][0] < ranked[1][0]:
            found[name] = ranked[0][1]
    return found
