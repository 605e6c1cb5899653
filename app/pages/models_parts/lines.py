"""One line per model of a provider: what it can do, what it costs today and by whose word, and how it was used."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from msgspec import Struct

from app import formats, sources
from app.price_words import LISTED
from app.tables.column import Column, Pills, PillText, dollars
from app.tables.figure_columns import count_column
from app.translation import Words, later, tr
from gateway import Breakdown, ModelRow, PriceRow, Summary, UnitPrice

UNITS: Mapping[str, str] = Words(
    {
        "input": later("Input"),
        "cached": later("Cached input"),
        "cache_write_5m": later("Cache write, 5 min"),
        "cache_write_1h": later("Cache write, 1 h"),
        "output": later("Output"),
        "reasoning": later("Reasoning"),
        "input_audio": later("Audio input"),
        "output_audio": later("Audio output"),
        "web_search": later("1,000 web searches"),
        "request": later("Request"),
        "cached_audio": later("Cached audio"),
        "input_image": later("Image input"),
        "input_video": later("Video input"),
        "output_image": later("Image output"),
        "output_video": later("Video output"),
        "file_search": later("1,000 file searches"),
        "map_search": later("1,000 map searches"),
        "code_container": later("Code container"),
    }
)
"""What a price of one's own may be given for."""
RARE_UNITS = (
    *("cached_audio", "input_image", "input_video", "output_image", "output_video"),
    *("file_search", "map_search", "code_container"),
)
"""Those of them that few models and requests have."""

SOURCES: Mapping[str, PillText] = Pills(
    {
        "override": PillText(later("Edited"), "accent"),
        "list": PillText(later("List")),
        "none": PillText(later("No price"), "warn"),
    }
)
STATES: Mapping[str, PillText] = Pills(
    {
        "live": PillText(later("Live"), "ok"),
        "deprecated": PillText(later("Deprecated"), "warn"),
        "retired": PillText(later("Retired"), "bad"),
        "unknown": PillText(later("Not listed")),
        "gone": PillText(later("Not set up")),
    }
)
# Of a dollar, in tables of differences between sums: a hundredth of a cent.
PLACES = 4
GONE = later("This provider is no longer set up: what was used of it before keeps its cost.")
_MILLION = 1_000_000
_NANO = 1_000_000_000


class ModelLine(Struct, frozen=True, kw_only=True):
    """`known` None: only used, or only priced by the user. `usage` None: not in the range. `gone`: its provider is no
    longer set up. `places`: the decimals of every cost of the table."""

    provider: str
    model: str
    known: ModelRow | None = None
    price: PriceRow | None = None
    usage: Summary | None = None
    gone: bool = False
    places: int = 6

    @property
    def key(self) -> tuple[str, str]:
        return self.provider, self.model

    @property
    def source(self) -> str:
        return self.price.source if self.price is not None else "none"

    @property
    def state(self) -> str:
        if self.gone:
            return "gone"
        return self.known.state if self.known is not None else "unknown"

    @property
    def requests(self) -> int:
        return self.usage.requests if self.usage is not None else 0

    @property
    def unpriced(self) -> int:
        """Requests in the range that cost nobody knows what, because the model has no price, or one's own lacks what
        every request uses."""
        lacks = self.source == "none" or (self.source == "override" and None in map(self.nano, ("input", "output")))
        return self.usage.unpriced_requests if self.usage is not None and lacks else 0

    def nano(self, unit: str) -> int | None:
        """Nano-dollars per million tokens at the base tier, None where unknown."""
        found = self.price.prices if self.price is not None else ()
        return next(
            (nano_of(price) * _MILLION // price.per for price in found if price.unit == unit and price.above is None),
            None,
        )


def nano_of(price: UnitPrice) -> int:
    """Nano-dollars for `price.per` of its unit: a million tokens, a thousand searches, one request."""
    return round(Decimal(price.usd) * _NANO)


def price_words(price: UnitPrice) -> str:
    """ "$3.00 per 1M", "$10.00 per 1,000"; what is counted one by one needs no such words."""
    amount = formats.price(nano_of(price), least=2)
    if price.per == 1:
        return amount
    per = tr("1M") if price.per == _MILLION else f"{price.per:,}"
    return tr("{amount} per {count}").format(amount=amount, count=per)


def in_reading_order(prices: Iterable[UnitPrice]) -> tuple[UnitPrice, ...]:
    order = {unit: place for place, unit in enumerate(LISTED)}
    return tuple(sorted(prices, key=lambda price: (order.get(price.unit, len(order)), price.above or 0)))


def model_lines(
    models: Iterable[ModelRow], prices: Iterable[PriceRow], used: Mapping[str, Breakdown], gone: Collection[str] = ()
) -> tuple[ModelLine, ...]:
    """Used without a price first, then by requests, then by name. `used`: provider → its breakdown by model. `gone`:
    those of them that are no longer set up."""
    known = {(row.provider, row.id): row for row in models}
    priced = {(row.provider, row.model): row for row in prices}
    usage = {
        (provider, row.value): row.summary
        for provider, found in used.items()
        for row in found.rows
        if row.value is not None
    }
    places = formats.money_places(max((summary.cost_nano or 0 for summary in usage.values()), default=0))
    lines = [
        ModelLine(
            provider=provider,
            model=model,
            known=known.get((provider, model)),
            price=priced.get((provider, model)),
            usage=usage.get((provider, model)),
            gone=provider in gone,
            places=places,
        )
        for provider, model in known | priced | usage
    ]
    return tuple(sorted(lines, key=lambda line: (-line.unpriced, -line.requests, line.provider, line.model)))


def matching(lines: Iterable[ModelLine], words: str, provider: str, kept: str) -> tuple[ModelLine, ...]:
    """Lines in whose names each word is found; `kept` is all, used, override or none (without a price)."""
    wanted = words.casefold().split()
    return tuple(
        line
        for line in lines
        if (not provider or line.provider == provider)
        and (kept == "all" or (line.requests > 0 if kept == "used" else line.source == kept))
        and all(word in _names(line) for word in wanted)
    )


def _names(line: ModelLine) -> str:
    known = line.known
    names: Sequence[str] = (known.title, *known.spellings) if known is not None else ()
    return " ".join((line.provider, line.model, *names)).casefold()


def _limit(line: ModelLine, field: str) -> int | None:
    found: int | None = getattr(line.known, field) if line.known is not None else None
    return found


def _price(key: str, title: str, units: tuple[str, ...] = (), width: int = 82) -> Column[ModelLine]:
    """Of the first of these units that has a price; `key` is the unit where none is named."""

    def nano(line: ModelLine) -> int | None:
        known = (line.nano(unit) for unit in units or (key,))
        return next((price for price in known if price is not None), None)

    return Column(
        key=key,
        title=title,
        text=lambda line: formats.price(nano(line)),
        value=lambda line: dollars(nano(line)),
        unit=tr("USD per 1M"),
        right=True,
        width=width,
        sortable=True,
        tone="text",
    )


def _cost(line: ModelLine) -> str:
    if line.usage is None:
        return ""
    return sources.marked_money(line.usage.cost_nano, sources.estimated_cost(line.usage), line.places)


def validity(from_us: int | None, to_us: int | None, tz: str) -> str:
    """From when until when a price holds, in words."""
    if from_us is None and to_us is None:
        return tr("always")
    words = [tr("from {day}").format(day=_day(from_us, tz))] if from_us is not None else []
    if to_us is not None:
        words.append(tr("until before {day}").format(day=_day(to_us, tz)))
    return " ".join(words)


def _day(us: int, tz: str) -> str:
    then = datetime.fromtimestamp(us / 1_000_000, ZoneInfo(tz))
    return f"{then.day} {formats.MONTHS[then.month - 1]} {then.year}"


def _source_words(line: ModelLine, tz: str) -> str:
    """Since when the price holds; nothing where there is none."""
    price = line.price
    if price is None or price.source == "none":
        return ""
    held = validity(price.valid_from_us, price.valid_to_us, tz)
    return tr("{source}, valid {when}").format(source=SOURCES[price.source].text, when=held)


def _gone_words(line: ModelLine) -> str:
    return tr(GONE) if line.gone else ""


def model_columns(
    provider_title: Callable[[str], str] = str, tz: Callable[[], str] = lambda: "UTC"
) -> tuple[Column[ModelLine], ...]:
    """`tz` is asked for the zone that days are told in."""
    return (
        Column(
            key="model",
            title=tr("Model"),
            text=lambda line: line.model,
            value=lambda line: line.model,
            # With what follows as far as the cost it fills the smallest window.
            width=166,
            grow=1,
            tone="text",
            weight=500,
            elide_middle=True,
            sortable=True,
            tooltip=lambda line: line.known.title if line.known is not None else line.model,
        ),
        Column(
            key="provider",
            title=tr("Provider"),
            text=lambda line: provider_title(line.provider),
            value=lambda line: line.provider,
            width=112,
            sortable=True,
            tooltip=_gone_words,
        ),
        _price("input", tr("Input")),
        _price("cached", tr("Cached")),
        _price("cache_write", tr("Cache write"), units=("cache write", "cache write, 5 minutes"), width=96),
        _price("output", tr("Output")),
        Column(
            key="source",
            title=tr("Source"),
            text=lambda line: SOURCES[line.source].text,
            value=lambda line: SOURCES[line.source].text,
            pills=lambda line: (SOURCES[line.source],),
            width=84,
            sortable=True,
            tooltip=lambda line: _source_words(line, tz()),
        ),
        Column(
            key="requests",
            title=tr("Requests"),
            text=lambda line: formats.count(line.requests) if line.usage is not None else "",
            value=lambda line: line.requests if line.usage is not None else None,
            right=True,
            width=82,
            sortable=True,
        ),
        Column(
            key="cost",
            title=tr("Cost"),
            text=_cost,
            value=lambda line: dollars(line.usage.cost_nano) if line.usage is not None else None,
            unit="USD",
            right=True,
            width=120,
            sortable=True,
            tone="text",
            weight=500,
        ),
        # Last, as those that a small window may leave behind its scroll: what is retired is faint besides.
        Column(
            key="state",
            title=tr("State"),
            text=lambda line: STATES[line.state].text,
            value=lambda line: STATES[line.state].text,
            pills=lambda line: (STATES[line.state],),
            width=100,
            sortable=True,
            tooltip=_gone_words,
        ),
        count_column("context", tr("Context"), lambda line: _limit(line, "context_tokens"), 76),
        count_column(
            "max_output", tr("Max output"), lambda line: _limit(line, "max_output_tokens"), 92, optional=True
        ),
    )


def price_changes(
    before: Iterable[PriceRow], after: Iterable[PriceRow], provider_title: Callable[[str], str] = str
) -> tuple[str, ...]:
    """What another list of prices changed, a sentence for each model whose price is another one."""
    old = {(row.provider, row.model): row for row in before}
    told = []
    for row in after:
        was = old.get((row.provider, row.model))
        then, now = _by_unit(was), _by_unit(row)
        parts = [
            f"{_unit_words(unit, above)} {formats.price(then.get((unit, above)), least=2)} → "
            f"{formats.price(now.get((unit, above)), least=2)}"
            for unit, above in dict.fromkeys((*then, *now))
            if then.get((unit, above)) != now.get((unit, above))
        ]
        if parts:
            told.append(f"{row.model} ({provider_title(row.provider)}): {', '.join(parts)}")
    return tuple(told)


def _by_unit(row: PriceRow | None) -> dict[tuple[str, int | None], int]:
    return {(price.unit, price.above): nano_of(price) for price in row.prices} if row is not None else {}


def _unit_words(unit: str, above: int | None) -> str:
    words = LISTED.get(unit, unit).lower()
    return words if above is None else tr("{words} above {above}").format(words=words, above=formats.count(above))
