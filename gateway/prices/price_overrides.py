"""The user's own prices in `state.db`: made, replaced, removed, and followed when another process changes them.

A kept price never changes and is never deleted: replacing one removes it and makes another, so that the id on a row
says for ever what it was priced by. One that was removed can be restored: it holds again as it did, in its place
among others. Everything here may wait for the disk: call it from a worker thread.
"""

import re
import threading
import time
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

import msgspec
from msgspec.structs import asdict, replace

from gateway import state_db
from gateway.configuration.extra_providers import ANY_MODEL
from gateway.errors import FaregateError
from gateway.folder import DataFolder
from gateway.price_records import NewPriceOverride, PriceOverride, UnitPrices

_ALL = "SELECT * FROM price_overrides ORDER BY id"
_INSERT = (
    "INSERT INTO price_overrides"
    " (provider, model, valid_from_us, valid_to_us, prices, tier_start, tier_prices, note, created_us) VALUES"
    " (:provider, :model, :valid_from_us, :valid_to_us, :prices, :tier_start, :tier_prices, :note, :created_us)"
)
_REMOVE = "UPDATE price_overrides SET removed_us = ? WHERE id = ? AND removed_us IS NULL"
_RESTORE = "UPDATE price_overrides SET removed_us = NULL WHERE id = ? AND removed_us IS NOT NULL"
_PART = "price_overrides"
_MOST_DOLLARS = Decimal(1_000_000)
_PLACES = 12
# A number's first digit stands no further from its point; written out, one beyond could fill the memory.
_MOST_DIGITS = 100
_DECIMAL = re.compile(r"\d{1,7}(?:\.\d{1,12})?")
_LARGEST = 2**53


class PriceFieldError(FaregateError):
    """A price that cannot be."""

    exit_code = 2


class NoSuchPrice(FaregateError):
    """A price that is not there, or no longer."""


class PriceOverrides:
    """The overrides of one data folder. Thread-safe. `close()` lets the database go."""

    def __init__(self, folder: DataFolder) -> None:
        self._lock = threading.RLock()
        self._connection = state_db.connect(folder.state_db)
        self._version: int | None = None
        self._rows: tuple[PriceOverride, ...] = ()
        self.poll()

    def every(self) -> tuple[PriceOverride, ...]:
        """All that were ever made, removed ones included, oldest first."""
        return self._rows

    def add(self, *new: NewPriceOverride) -> tuple[PriceOverride, ...]:
        """All of them or none. Raises PriceFieldError."""
        return self._change(new=new)

    def replace(self, id: int, new: NewPriceOverride) -> PriceOverride:
        """Removes one and makes another. Raises NoSuchPrice or PriceFieldError."""
        return self._change(gone=(id,), new=(new,))[0]

    def remove(self, *ids: int) -> tuple[PriceOverride, ...]:
        """From now on they price nothing, all of them or none. Raises NoSuchPrice."""
        self._change(gone=ids)
        return self._with(ids)

    def restore(self, id: int, *, instead_of: int | None = None) -> PriceOverride:
        """One that was removed holds again; what took its place is removed. Raises NoSuchPrice."""
        self._change(gone=() if instead_of is None else (instead_of,), back=(id,))
        return self._with((id,))[0]

    def poll(self) -> bool:
        """Follows other processes: whether there is anything new since the last look."""
        with self._lock:
            version = state_db.version(self._connection, _PART)
            if version == self._version:
                return False
            self._version, self._rows = version, self._read()
        return True

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _change(
        self, *, gone: Sequence[int] = (), back: Sequence[int] = (), new: Sequence[NewPriceOverride] = ()
    ) -> tuple[PriceOverride, ...]:
        """Within one transaction; what was made."""
        rows = [_fields(_checked(each)) for each in new]
        with self._lock:
            with state_db.transaction(self._connection):
                for id in gone:
                    self._set(_REMOVE, id, time.time_ns() // 1000)
                for id in back:
                    self._set(_RESTORE, id)
                made = [self._connection.execute(_INSERT, row).lastrowid for row in rows]
                state_db.bump(self._connection, _PART)
            self.poll()
        return self._with(made)

    def _with(self, ids: Sequence[int | None]) -> tuple[PriceOverride, ...]:
        by_id = {row.id: row for row in self._rows}
        return tuple(by_id[id] for id in ids if id is not None)

    def _set(self, statement: str, id: int, *values: int) -> None:
        if not 0 < id < 2**63 or self._connection.execute(statement, (*values, id)).rowcount != 1:
            raise NoSuchPrice(f"There is no price {id} of yours: see the list of prices for what there is.")

    def _read(self) -> tuple[PriceOverride, ...]:
        cursor = self._connection.execute(_ALL)
        names = [column[0] for column in cursor.description]
        return tuple(_row(dict(zip(names, values, strict=True))) for values in cursor)


def _row(fields: dict[str, object]) -> PriceOverride:
    for name in ("prices", "tier_prices"):
        text = fields[name]
        fields[name] = None if text is None else msgspec.json.decode(str(text))
    return msgspec.convert(fields, PriceOverride)


def _fields(new: NewPriceOverride) -> dict[str, object]:
    return {
        **asdict(new),
        "prices": _text(new.prices),
        "tier_prices": _text(new.tier_prices),
        "created_us": time.time_ns() // 1000,
    }


def _text(prices: UnitPrices | None) -> str | None:
    if prices is None:
        return None
    said = {name: dollars for name, dollars in asdict(prices).items() if dollars is not None}
    return msgspec.json.encode(said).decode()


def _checked(new: NewPriceOverride) -> NewPriceOverride:
    """With its decimals in one form. Raises PriceFieldError."""
    if not new.provider:
        raise PriceFieldError("A price needs the name of its provider.")
    if not 1 <= len(new.model) <= 200 or not new.model.isprintable() or new.model != new.model.strip():
        raise PriceFieldError(f"A price needs a model's exact id, or {ANY_MODEL} for all of the provider's models.")
    if ANY_MODEL in new.model and new.model != ANY_MODEL:
        raise PriceFieldError(
            f"{ANY_MODEL} stands for all of the provider's models, and only by itself: write a model's exact id."
        )
    if len(new.note) > 500:
        raise PriceFieldError("A price's note may have 500 characters.")
    for moment in (new.valid_from_us, new.valid_to_us):
        if moment is not None and not 0 <= moment <= _LARGEST:
            raise PriceFieldError("A price's validity lies between 1970 and 2255.")
    if new.valid_from_us is not None and new.valid_to_us is not None and new.valid_from_us >= new.valid_to_us:
        raise PriceFieldError("A price's validity must begin before it ends.")
    prices = _decimals(new.prices)
    if (new.tier_start is None) != (new.tier_prices is None):
        raise PriceFieldError("A tier needs both its start in input tokens and its prices.")
    tier = None if new.tier_prices is None else _decimals(new.tier_prices)
    if tier is not None and _named(tier) != _named(prices) - {"request"}:
        raise PriceFieldError("A tier's prices must name the same units as the others, but for the request.")
    if new.tier_start is not None and not 0 < new.tier_start <= _LARGEST:
        raise PriceFieldError("A tier starts above a number of input tokens that is larger than 0.")
    return replace(new, prices=prices, tier_prices=tier)


def _named(prices: UnitPrices) -> set[str]:
    return {name for name, dollars in asdict(prices).items() if dollars is not None}


def _decimals(prices: UnitPrices) -> UnitPrices:
    said = {name: _decimal(name, text) for name, text in asdict(prices).items() if text is not None}
    if not said:
        raise PriceFieldError("A price needs at least one of its units: input, output, cached and so on.")
    return UnitPrices(**said)


def _decimal(name: str, text: str) -> str:
    try:
        dollars = Decimal(text.strip())
    except InvalidOperation:
        dollars = Decimal("NaN")
    plain = f"{dollars:f}" if dollars.is_finite() and abs(dollars.adjusted()) <= _MOST_DIGITS else ""
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    if not _DECIMAL.fullmatch(plain) or dollars > _MOST_DOLLARS:
        raise PriceFieldError(
            f"The price of {name.replace('_', ' ')} must be dollars from 0 to {_MOST_DOLLARS:,}"
            f" with at most {_PLACES} decimal places."
        )
    return plain
