"""What was compared as lines of two tables: models by the ratings of their answers, and these answers. Pure."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from app import formats
from app.tables.column import Column, PillText, utc_text
from app.tables.figure_columns import count_column, duration_column, money_column, ttft_column
from app.translation import later, tr
from gateway import MOST_STARS, RatedAnswer, RatedModel

_Line = TypeVar("_Line", RatedModel, RatedAnswer)

OUTCOMES = {
    "ok": PillText(later("Done"), "ok"),
    "error": PillText(later("Failed"), "bad"),
    "aborted": PillText(later("Stopped"), "warn"),
    "interrupted": PillText(later("Interrupted"), "bad"),
}


def stars_text(stars: int | None) -> str:
    """Filled and empty stars; nothing where there is no rating."""
    return "" if stars is None else "★" * stars + "☆" * (MOST_STARS - stars)


def mean_stars(row: RatedModel) -> str:
    return f"{row.stars:.1f}"


def _model_column(width: int, slot: Callable[[str], int], grow: int = 1) -> Column[_Line]:
    return Column(
        key="model",
        title=tr("Model"),
        text=lambda row: row.model,
        value=lambda row: row.model,
        width=width,
        grow=grow,
        tone="text",
        weight=500,
        elide_middle=True,
        slot=lambda row: slot(row.model),
        sortable=True,
    )


def _time_columns() -> tuple[Column[_Line], ...]:
    return (
        ttft_column(lambda row: row.ttft_us, 68),
        duration_column("total", tr("Total"), lambda row: row.latency_us, 70),
    )


def model_columns(slot: Callable[[str], int]) -> tuple[Column[RatedModel], ...]:
    """Means over the answers that were rated; `slot` gives a model's colour."""
    times: tuple[Column[RatedModel], ...] = _time_columns()
    return (
        # Beside a drawer a name is cut in its middle, which says less than a cost without its end.
        _model_column(128, slot),
        Column(
            key="stars",
            title=tr("Rating"),
            text=mean_stars,
            value=lambda row: row.stars,
            right=True,
            width=66,
            tone="text",
            weight=500,
            sortable=True,
        ),
        count_column("ratings", tr("Ratings"), lambda row: row.ratings, 66),
        money_column(
            "cost", tr("Cost"), lambda row: row.cost_nano, 100, estimated=lambda row: row.costs_estimated > 0
        ),
        *times,
    )


def answer_columns(slot: Callable[[str], int]) -> tuple[Column[RatedAnswer], ...]:
    times: tuple[Column[RatedAnswer], ...] = _time_columns()
    # In the smallest window words are cut, and no figure.
    return (
        Column(
            key="at",
            title=tr("Time"),
            text=lambda row: formats.row_clock(row.at_us),
            value=lambda row: utc_text(row.at_us),
            width=108,
            more_by_twelve=28,
            tone="text",
            sortable=True,
            tooltip=lambda row: utc_text(row.at_us),
        ),
        Column(
            key="prompt",
            title=tr("Prompt"),
            text=lambda row: _one_line(row.prompt) if row.prompt else tr("not kept"),
            value=lambda row: row.prompt,
            width=92,
            grow=3,
            tone="text",
            tooltip=lambda row: (row.prompt or "")[:400],
        ),
        _model_column(138, slot, grow=2),
        Column(
            key="outcome",
            title=tr("State"),
            text=lambda row: tr(OUTCOMES[row.outcome].text),
            value=lambda row: row.outcome,
            pills=lambda row: (PillText(tr(OUTCOMES[row.outcome].text), OUTCOMES[row.outcome].kind),),
            width=84,
            sortable=True,
        ),
        Column(
            key="stars",
            title=tr("Rating"),
            text=lambda row: stars_text(row.stars),
            value=lambda row: row.stars,
            stars=lambda row: row.stars,
            width=102,
            sortable=True,
        ),
        Column(
            key="note",
            title=tr("Note"),
            text=lambda row: _one_line(row.note),
            value=lambda row: row.note,
            width=56,
            grow=1,
            tooltip=lambda row: row.note,
        ),
        *times,
        count_column("tokens", tr("Tokens out"), lambda row: row.output_tokens, 88),
        money_column("cost", tr("Cost"), lambda row: row.cost_nano, 100, estimated=lambda row: row.cost_estimated),
    )


def matching(rows: Iterable[RatedAnswer], words: str) -> tuple[RatedAnswer, ...]:
    """Answers in whose prompt, model or note each word is found."""
    wanted = words.casefold().split()
    return tuple(
        row for row in rows if all(word in f"{row.prompt or ''} {row.model} {row.note}".casefold() for word in wanted)
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())
