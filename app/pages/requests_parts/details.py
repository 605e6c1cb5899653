"""The details of one request as plain rows of words: what the drawer shows, without a widget.

Numbers keep their source beside them. The cost is spelt out in its parts as the gateway explains it: where today's
prices do not give the recorded cost to the nano-dollar, it has none and says why.
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

from msgspec import Struct

from app import formats, sources
from app.price_words import LISTED, price_list_words
from app.tables.column import dollars, milliseconds, utc_text
from app.time_words import TTFT, TTFT_MEANING
from app.translation import Words, counted, later, tr
from gateway import UNTOLD_MODEL, AttemptRecord, CostExplanation, CostPart, ExchangeRecord

OUTCOME_WORDS = Words(
    {
        "ok": later("Answered"),
        "error": later("Failed"),
        "aborted": later("The client left before the end"),
        "interrupted": later("Cut off: the gateway stopped"),
    }
)
# What a line of the drawer has room for, beside a button.
_LONGEST_WORD = 22
_COST_PLACES = 6
# By their names in `ExchangeRecord.rare_counts`.
_USES = Words(
    {
        "file_searches": later("File searches"),
        "map_searches": later("Map searches"),
        "code_containers": later("Code containers"),
        "images": later("Images made"),
    }
)
_PER_WORDS = Words({1_000_000: later("per million"), 1000: later("per thousand"), 1: later("each")})


class Line(Struct, frozen=True, kw_only=True):
    """`part` marks an "of which" line; `note` is the source of the value; `copy` what its button copies; `meaning`
    what the label stands for, where it is an abbreviation."""

    label: str
    value: str
    note: str = ""
    mono: bool = False
    part: bool = False
    meaning: str = ""
    copy: str | None = None


class Section(Struct, frozen=True, kw_only=True):
    title: str
    lines: tuple[Line, ...]


def sections(
    row: ExchangeRecord, provider_title: Callable[[str], str], explanation: CostExplanation
) -> tuple[Section, ...]:
    """Everything that is known of a request, grouped; groups without a line are left out."""
    groups = (
        Section(title=tr("Times"), lines=_times(row)),
        Section(title=tr("Tokens"), lines=_tokens(row)),
        Section(title=tr("Cost"), lines=_cost(row, explanation)),
        Section(title=tr("Who"), lines=_who(row)),
        Section(title=tr("Route"), lines=_route(row, provider_title)),
        Section(title=tr("Changed on the way"), lines=_changed(row)),
        Section(title=tr("Ids"), lines=_ids(row)),
    )
    return tuple(group for group in groups if group.lines)


def answered(attempt: AttemptRecord) -> bool:
    """Whether the provider took it and gave what was asked, as far as the caller stayed to hear it."""
    return attempt.status is not None and attempt.status < 300 and attempt.error_type is None


def attempts_words(row: ExchangeRecord) -> str:
    """How many there were and what became of them, in one sentence; "" where none is known."""
    if not row.attempts:
        return ""
    count, last = len(row.attempts), row.attempts[-1]
    if row.outcome == "aborted":
        ending = tr("the client left before the end")
    elif not answered(last):
        ending = tr("none was answered") if count > 1 else tr("which failed")
    else:
        ending = tr("the last one answered") if count > 1 else tr("answered at once")
    attempts = counted(count, later("One attempt"), later("{count} attempts"))
    return f"{attempts}, {ending}"


def cost_lines(explanation: CostExplanation) -> tuple[Line, ...]:
    """The arithmetic of a cost: its parts, what rounding made of their sum, the tier, the list, and what to know."""
    places = formats.adding_places(map(_whole_nano, explanation.parts), _COST_PLACES)
    order = {unit: place for place, unit in enumerate(LISTED)}
    parts = sorted(explanation.parts, key=lambda part: order.get(_unit(part)[0], len(order)))
    lines = [_cost_part(part, places) for part in parts]
    if explanation.exact_nano is not None and Decimal(explanation.exact_nano) != explanation.cost_nano:
        exact = f"{Decimal(explanation.exact_nano) / 1_000_000_000:f}"
        lines.append(
            Line(
                label=tr("Rounded"),
                value=tr("from ${exact}").format(exact=exact),
                note=tr("half to even"),
                part=True,
            )
        )
    if explanation.tier_above is not None:
        above = tr("above {count:,} input tokens").format(count=explanation.tier_above)
        lines.append(Line(label=tr("Tier"), value=above, note=tr("the whole request is priced so"), part=True))
    if explanation.price_list is not None:
        lines.append(Line(label=tr("Price list"), value=price_list_words(explanation.price_list), part=True))
    lines += [Line(label=tr("To know"), value=note, part=True) for note in explanation.notes]
    return tuple(lines)


def _whole_nano(part: CostPart) -> int:
    return round(Decimal(part.amount_nano))


def _unit(part: CostPart) -> tuple[str, str]:
    """What was priced and, as in "output of gpt-image-2", of which model that a hosted tool asked."""
    unit, _, model = part.unit.partition(" of ")
    return unit, model


def _cost_part(part: CostPart, places: int) -> Line:
    per = _PER_WORDS[part.per]
    unit, model = _unit(part)
    return Line(
        label=LISTED.get(unit, unit.capitalize()),
        value=formats.money_column(_whole_nano(part), places),
        note=f"{part.count:,} × ${_cents(part.price_usd)} {per}" + (f", {_short(model)}" if model else ""),
        part=True,
    )


def _cents(dollars: str) -> str:
    head, _, tail = dollars.partition(".")
    return f"{head}.{tail:0<2}"


def _times(row: ExchangeRecord) -> tuple[Line, ...]:
    lines = [
        Line(label=tr("Started"), value=formats.clock(row.started_us), note=utc_text(row.started_us)),
        Line(label=tr("Latency"), value=formats.duration(milliseconds(row.latency_us))),
    ]
    first = formats.duration(milliseconds(row.ttft_us))
    lines.append(Line(label=TTFT, value=first, meaning=tr(TTFT_MEANING)))
    return tuple(lines)


def _tokens(row: ExchangeRecord) -> tuple[Line, ...]:
    given = sources.marked(_exact(row.input_tokens), sources.estimated_input(row))
    rare = dict(row.rare_counts)
    lines = [Line(label=tr("Input"), value=given, note=sources.row_usage(row))]
    lines += _parts(
        (tr("of which cached"), row.cached_tokens),
        (tr("of which cache-written"), row.cache_write_tokens or None),
        (tr("of which kept 1 hour"), row.cache_write_1h_tokens or None),
        (tr("of which kept 12 hours"), row.cache_write_12h_tokens or None),
        (tr("of which to compact"), rare.get("compaction")),
        (tr("of which audio"), row.input_audio_tokens or None),
        (tr("of which cached audio"), rare.get("cached_audio")),
        (tr("of which images"), rare.get("input_image")),
        (tr("of which video"), rare.get("input_video")),
    )
    made = sources.marked(_exact(row.output_tokens), sources.estimated_output(row))
    lines.append(Line(label=tr("Output"), value=made, note=tr("estimated") if made.startswith(sources.MARK) else ""))
    lines += _parts(
        (tr("of which reasoning"), row.reasoning_tokens),
        (tr("of which audio"), row.output_audio_tokens or None),
        (tr("of which images"), rare.get("output_image")),
        (tr("of which video"), rare.get("output_video")),
    )
    uses = ((tr("Web searches"), row.web_searches), *((title, rare.get(name)) for name, title in _USES.items()))
    lines += [Line(label=title, value=_exact(count)) for title, count in uses if count]
    return (*lines, *_other_models(rare))


def _other_models(counts: Mapping[str, int]) -> Iterator[Line]:
    """Tokens of the models that hosted tools asked."""
    for model in dict.fromkeys(name.rpartition("/")[0] for name in counts if "/" in name):
        given, made = (counts.get(f"{model}/{kind}", 0) for kind in ("input", "output"))
        yield Line(
            label=tr("By a tool"),
            value=tr("{given} in · {made} out").format(given=_exact(given), made=_exact(made)),
            note=tr("of a model not told") if model == UNTOLD_MODEL else _short(model),
        )


def _parts(*parts: tuple[str, int | None]) -> list[Line]:
    return [Line(label=label, value=_exact(count), part=True) for label, count in parts if count is not None]


def _exact(count: int | None) -> str:
    return formats.UNKNOWN if count is None else f"{count:,}"


def _cost(row: ExchangeRecord, explanation: CostExplanation) -> tuple[Line, ...]:
    source = sources.COST_SOURCE_WORDS.get(row.cost_source, row.cost_source)
    if row.price_id and row.cost_source in ("list", "override"):
        words = tr("{source} of {price}, which may not be exact") if row.price_fuzzy else tr("{source} of {price}")
        source = words.format(source=source, price=row.price_id)
    if row.cost_nano is None:
        # Where the explanation has a note, that says it.
        source = "" if explanation.notes else tr("no price is known, so it counts in no sum")
    if row.cost_nano is None and row.usage_source == "none":
        return (Line(label=tr("Total"), value=formats.UNKNOWN, note=sources.uncounted(row)),)
    value = sources.marked_money(row.cost_nano, sources.estimated_cost(row), _COST_PLACES)
    cost = dollars(row.cost_nano)
    total = Line(label=tr("Total"), value=value, note=source, copy=None if cost is None else f"{cost:f}")
    served = (
        (tr("Service tier"), row.service_tier),
        (tr("Speed"), row.speed),
        (tr("Inference in"), row.inference_geo),
    )
    return (total, *cost_lines(explanation), *_known(*served))


def _who(row: ExchangeRecord) -> tuple[Line, ...]:
    return _known(
        (tr("Key"), row.key),
        (tr("User"), row.user),
        (tr("Key's owner"), row.principal if row.end_user else None),
        (tr("Client"), row.client),
        (tr("App"), row.app),
        (tr("Tags"), ", ".join(row.tags)),
    )


def _route(row: ExchangeRecord, provider_title: Callable[[str], str]) -> tuple[Line, ...]:
    renamed = row.model_requested != row.model
    return _known(
        (tr("Door"), row.door),
        (tr("Provider"), row.provider and provider_title(row.provider)),
        (tr("Model"), row.model or row.model_requested),
        (tr("Asked for as"), row.model_requested if row.model and renamed else None),
        (tr("Answered"), tr("as a stream") if row.streamed else tr("in one piece")),
        (tr("Attempts"), attempts_words(row) if len(row.attempts) > 1 else None),
        (tr("Provider key"), tr("the caller's own") if row.byok else None),
    )


def _changed(row: ExchangeRecord) -> tuple[Line, ...]:
    return _known((tr("Left out"), ", ".join(row.dropped)), (tr("Adapted"), ", ".join(row.adapted)))


def _known(*pairs: tuple[str, str | None]) -> tuple[Line, ...]:
    return tuple(_named(label, value) for label, value in pairs if value)


def _named(label: str, text: str) -> Line:
    """A word that finds no room in a line is cut in its middle, and can be copied whole."""
    short = " ".join(_short(word) for word in text.split(" "))
    return Line(label=label, value=short, copy=None if short == text else text)


def _short(word: str) -> str:
    half = _LONGEST_WORD // 2
    return word if len(word) <= _LONGEST_WORD else f"{word[:half]}…{word[-half + 1 :]}"


def _ids(row: ExchangeRecord) -> tuple[Line, ...]:
    ids = (
        (tr("Request"), row.id),
        (tr("Provider's request"), row.upstream_request_id),
        (tr("Conversation"), row.conversation_id),
        (tr("Trace"), row.trace_id),
        (tr("Span"), row.span_id),
    )
    return tuple(Line(label=label, value=value, mono=True, copy=value) for label, value in ids if value)
