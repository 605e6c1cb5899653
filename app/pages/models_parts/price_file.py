"""The person's own prices as a table in a file: written, and read back from what a spreadsheet has made of it. Pure.

A line is a price, its columns are named in the first one: `provider`, `model` (`*` is every model of a provider), the
units in dollars per million tokens, `valid_from` and `valid_to` as days, `note`, and `tier_start` with the second
tier's units behind `tier_`. Columns may be missing and stand in any order; what is not known is refused by its name.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from msgspec import structs

from app.local_days import day_start_us
from app.tables.column import csv_text
from app.translation import tr
from gateway import FaregateError, NewPriceOverride, UnitPrices

UNIT_COLUMNS = tuple(UnitPrices.__struct_fields__)
TIER = "tier_"
COLUMNS = (
    "provider",
    "model",
    *UNIT_COLUMNS,
    "valid_from",
    "valid_to",
    "tier_start",
    *(f"{TIER}{unit}" for unit in UNIT_COLUMNS),
    "note",
)
MOST_LINES = 10_000
# Of a number of tokens: more than any model will ever read.
_MOST_DIGITS = 15


class PriceFileError(FaregateError):
    """A table that holds no prices, or a line of it that is none."""


def written(prices: Iterable[NewPriceOverride], tz: str) -> str:
    """CSV; days are those of `tz`."""
    lines = []
    for price in prices:
        cells: dict[str, object] = {
            "provider": price.provider,
            "model": price.model,
            "valid_from": _day(price.valid_from_us, tz),
            "valid_to": _day(price.valid_to_us, tz),
            "tier_start": price.tier_start,
            "note": price.note,
        }
        for unit in UNIT_COLUMNS:
            cells[unit] = getattr(price.prices, unit)
            cells[f"{TIER}{unit}"] = getattr(price.tier_prices, unit) if price.tier_prices is not None else None
        lines.append([cells[name] for name in COLUMNS])
    return csv_text(COLUMNS, lines)


def read(text: str, providers: Mapping[str, str], tz: str) -> tuple[NewPriceOverride, ...]:
    """The prices of a table, in its order. `providers`: what they are called, by name; a line may say either. Raises
    PriceFileError, which names the line."""
    text = text.removeprefix("\ufeff")
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [cell.strip().casefold().replace(" ", "_") for cell in next(lines, [])]
        _check_names(names)
        known = {word.casefold(): name for name, title in providers.items() for word in (name, title)}
        prices: list[NewPriceOverride] = []
        for cells in lines:
            if any(cell.strip() for cell in cells):
                if len(prices) == MOST_LINES:
                    raise PriceFileError(tr("The file has more than {count:,} prices.").format(count=MOST_LINES))
                prices.append(_price(lines.line_num, dict(zip(names, cells, strict=False)), known, tz))
    except csv.Error as error:
        raise PriceFileError(tr("Line {line}: {problem}").format(line=lines.line_num, problem=error)) from None
    if not prices:
        raise PriceFileError(
            tr("The file has no prices: its first line names the columns, each other one is a price.")
        )
    return tuple(prices)


def _check_names(names: Sequence[str]) -> None:
    unknown = [name for name in names if name not in COLUMNS]
    missing = [name for name in COLUMNS[:2] if name not in names]
    if missing:
        words = tr("The file has no column {names}: its first line names the columns.")
        raise PriceFileError(words.format(names=" and ".join(missing)))
    if unknown:
        words = tr("The file has the unknown columns {names}; known are {known}.")
        raise PriceFileError(words.format(names=", ".join(filter(None, unknown)) or '""', known=", ".join(COLUMNS)))


def _price(line: int, cells: Mapping[str, str], known: Mapping[str, str], tz: str) -> NewPriceOverride:
    said = {name: _unquoted(cell) for name, cell in cells.items()}
    provider = known.get(said.get("provider", "").casefold())
    if provider is None:
        words = tr("Line {line}: there is no provider {name}; there are {known}.")
        names = ", ".join(sorted(set(known.values())))
        raise PriceFileError(words.format(line=line, name=f"“{said.get('provider', '')}”", known=names))
    start = said.get("tier_start", "")
    if start and tokens(start) is None:
        raise PriceFileError(tr("Line {line}: “{start}” is not a number of tokens.").format(line=line, start=start))
    return NewPriceOverride(
        provider=provider,
        model=said.get("model", ""),
        prices=_units(line, said, ""),
        valid_from_us=_midnight_us(line, said.get("valid_from", ""), tz),
        valid_to_us=_midnight_us(line, said.get("valid_to", ""), tz),
        tier_start=tokens(start),
        tier_prices=_units(line, said, TIER) if start else None,
        note=said.get("note", ""),
    )


def tokens(text: str) -> int | None:
    """`200000` or `200,000`, at least 1; None for anything else."""
    digits = text.strip().replace(",", "")
    known = digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS
    return (int(digits) if known else 0) or None


def _unquoted(cell: str) -> str:
    """Without the apostrophe that keeps spreadsheets from running a text."""
    return cell.strip().removeprefix("'")


def _units(line: int, said: Mapping[str, str], prefix: str) -> UnitPrices:
    found = {unit: said.get(f"{prefix}{unit}", "").removeprefix("$") or None for unit in UNIT_COLUMNS}
    for unit, dollars in found.items():
        try:
            fine = dollars is None or Decimal(dollars) >= 0
        except InvalidOperation:
            fine = False
        if not fine:
            words = tr("Line {line}: “{dollars}” is not a price in dollars ({column}).")
            raise PriceFileError(words.format(line=line, dollars=dollars, column=f"{prefix}{unit}"))
    return structs.replace(UnitPrices(), **found)


def _midnight_us(line: int, day: str, tz: str) -> int | None:
    if not day:
        return None
    try:
        found = date.fromisoformat(day)
    except ValueError:
        words = tr("Line {line}: “{day}” is not a day such as 2026-11-23.")
        raise PriceFileError(words.format(line=line, day=day)) from None
    return day_start_us(found, tz)


def _day(us: int | None, tz: str) -> str | None:
    """The day that begins then; of a moment within a day the day after it, so that nothing holds too early."""
    if us is None:
        return None
    day = datetime.fromtimestamp(us / 1_000_000, ZoneInfo(tz)).date()
    return (day if us == day_start_us(day, tz) else day + timedelta(days=1)).isoformat()
