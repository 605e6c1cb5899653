"""The columns of the Requests table, in the order in which they stand at first."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from app import formats, sources
from app.pages.requests_parts.causes import cause
from app.shown_names import telling_first
from app.tables.column import Column, PillText, dollars, utc_text
from app.tables.figure_columns import count_column, duration_column, ttft_column
from app.translation import Words, later, tr
from gateway import ExchangeRecord

_PILL_KINDS = {"ok": "ok", "error": "bad", "interrupted": "bad", "aborted": "warn"}
_OUTCOME_PILLS = Words({"aborted": later("Aborted"), "interrupted": later("Interrupted")})


def status_pill(row: ExchangeRecord) -> PillText:
    """The HTTP status that the client got, or the word for an ending that has none."""
    return PillText(
        _OUTCOME_PILLS.get(row.outcome, str(row.status or row.outcome)), _PILL_KINDS.get(row.outcome, "neutral")
    )


def model_shown(row: ExchangeRecord) -> str | None:
    """The model that answered, else the one that was asked for."""
    return row.model or row.model_requested


def _words(
    key: str,
    title: str,
    get: Callable[[ExchangeRecord], str | None],
    width: int,
    *,
    grow: int = 0,
    tone: str = "text2",
    optional: bool = False,
) -> Column[ExchangeRecord]:
    return Column(
        key=key,
        title=title,
        text=lambda row: get(row) or formats.UNKNOWN,
        value=get,
        width=width,
        grow=grow,
        tone=tone,
        optional=optional,
    )


def _tokens(
    key: str,
    title: str,
    get: Callable[[ExchangeRecord], int | None],
    width: int,
    *,
    estimated: Callable[[ExchangeRecord], bool] = sources.estimated_input,
    optional: bool = False,
) -> Column[ExchangeRecord]:
    return Column(
        key=key,
        title=title,
        text=lambda row: sources.marked(formats.count(get(row)), estimated(row)),
        value=get,
        right=True,
        width=width,
        tooltip=sources.row_usage,
        optional=optional,
    )


_TIME: Column[ExchangeRecord] = Column(
    key="time",
    title=later("Time"),
    text=lambda row: formats.row_clock(row.started_us),
    value=lambda row: utc_text(row.started_us),
    width=108,
    more_by_twelve=28,
    tone="text",
    tooltip=lambda row: utc_text(row.started_us),
)
_STATUS: Column[ExchangeRecord] = Column(
    key="status",
    title=later("Status"),
    text=lambda row: status_pill(row).text,
    value=lambda row: row.status if row.outcome in ("ok", "error") else row.outcome,
    pills=lambda row: (status_pill(row),),
    width=94,
    tooltip=lambda row: cause(row) or "",
)
_TAGS: Column[ExchangeRecord] = Column(
    key="tags",
    title=later("Tags"),
    text=lambda row: ", ".join(row.tags),
    value=lambda row: ",".join(row.tags),
    pills=lambda row: tuple(map(PillText, telling_first(row.tags))),
    width=140,
    grow=3,
    tooltip=lambda row: "\n".join(row.tags),
)
_COST: Column[ExchangeRecord] = Column(
    key="cost",
    title=later("Cost"),
    text=lambda row: sources.marked_money(row.cost_nano, sources.estimated_cost(row), 6),
    value=lambda row: dollars(row.cost_nano),
    unit="USD",
    right=True,
    width=100,
    tone="text",
    tooltip=sources.row_cost,
)


# What of the read API a column stands for, where it is not called so.
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "time": ("started_at",),
    "status": ("status", "outcome"),
    "cost": ("cost_usd",),
    "ttft": ("ttft_ms",),
    "latency": ("latency_ms",),
    "stream": ("streamed",),
    "cause": ("error_type",),
    "overhead": ("overhead_us",),
    "conversation": ("conversation_id",),
}


def export_fields(columns: Iterable[Column[ExchangeRecord]]) -> tuple[str, ...]:
    """The fields of the read API that these columns show, in their order."""
    return tuple(field for column in columns for field in _FIELDS.get(column.key, (column.key,)))


def _titled(column: Column[ExchangeRecord]) -> Column[ExchangeRecord]:
    return replace(column, title=tr(column.title))


def request_columns(provider_title: Callable[[str], str]) -> tuple[Column[ExchangeRecord], ...]:
    """`provider_title` turns a provider's name into its title."""
    return (
        *map(_titled, (_TIME, _STATUS)),
        _words("model", tr("Model"), model_shown, 140, grow=3, tone="text"),
        _words("provider", tr("Provider"), lambda row: row.provider and provider_title(row.provider), 110, grow=1),
        _words("key", tr("Key"), lambda row: row.key, 96, grow=1),
        _words("user", tr("User"), lambda row: row.user, 72, grow=1),
        _titled(_TAGS),
        _tokens("input_tokens", tr("Tokens in"), lambda row: row.input_tokens, 76),
        _tokens(
            "output_tokens", tr("Tokens out"), lambda row: row.output_tokens, 86, estimated=sources.estimated_output
        ),
        _titled(_COST),
        ttft_column(lambda row: row.ttft_us, 68, sortable=False),
        duration_column("latency", tr("Latency"), lambda row: row.latency_us, 68, sortable=False),
        _tokens("cached_tokens", tr("Cached"), lambda row: row.cached_tokens, 80, optional=True),
        _tokens("reasoning_tokens", tr("Reasoning"), lambda row: row.reasoning_tokens, 92, optional=True),
        _words("stream", tr("Stream"), lambda row: tr("yes") if row.streamed else tr("no"), 72, optional=True),
        _words("door", tr("Door"), lambda row: row.door, 92, optional=True),
        _words("client", tr("Client"), lambda row: row.client, 110, optional=True),
        _words("app", tr("App"), lambda row: row.app, 110, optional=True),
        _words("cause", tr("Cause"), cause, 260, grow=2, optional=True),
        duration_column("overhead", tr("Overhead"), lambda row: row.overhead_us, 84, sortable=False, optional=True),
        _words("conversation", tr("Conversation"), lambda row: row.conversation_id, 130, optional=True),
        _words("model_requested", tr("Requested model"), lambda row: row.model_requested, 150, optional=True),
        count_column("attempts", tr("Attempts"), lambda row: len(row.attempts), 84, sortable=False, optional=True),
        _words("usage_source", tr("Usage source"), lambda row: row.usage_source, 110, optional=True),
        _words("cost_source", tr("Cost source"), lambda row: row.cost_source, 110, optional=True),
    )
