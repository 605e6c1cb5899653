"""Cells of bills as values, case by case: how a column is written, amounts, counts and times."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from gateway.reconcile import values
from gateway.reconcile.values import Unreadable, Writing, amount, count, day_first, moment

# As people type it, no-break, thin, narrow no-break, and as wide as a figure.
SPACES = (" ", "\u00a0", "\u2009", "\u202f", "\u2007")

WRITINGS: list[tuple[Sequence[str], str, str, int]] = [
    # Cells, delimiter, decimal mark, places.
    (["1234", "5"], ",", ".", 2),
    (["1234", "5"], ";", ",", 2),
    (["12.5"], ";", ".", 2),
    (["12,5"], ",", ",", 2),
    (["1,234"], ",", ".", 2),
    (["1,234"], ";", ",", 3),
    (["1.234"], ",", ".", 3),
    (["1.234"], ";", ",", 2),
    (["1,234.56"], ";", ".", 2),
    (["1.234,56"], ",", ",", 2),
    (["1,234,567"], ";", ".", 2),
    (["1,234,567", "1,5", "2,5"], ",", ",", 3),
    (["1.234.567"], ",", ",", 2),
    (["12,34,567.1"], ";", ".", 2),
    (["0,125"], ",", ",", 3),
    (["0.125"], ";", ".", 3),
    (["1.5", "1,5"], ";", ".", 2),
    (["1.5", "1,5", "2,5"], ",", ",", 2),
    (["1,5", "1.234"], ",", ",", 2),
    ([".12345"], ";", ".", 5),
    ([",12345"], ",", ",", 5),
    (["12.34567", "1.2"], ",", ".", 5),
    (["1.23e-7"], ",", ".", 9),
    (["1e-7", "1e-3"], ",", ".", 7),
    (["1.5e3"], ",", ".", 2),
    (["1,23E-05"], ";", ",", 7),
    (["1,23E-05"], ",", ",", 7),
    # Before a power of ten there are no thousands, whatever the file is cut by.
    (["1,234E-05"], ",", ",", 8),
    (["1.234E-05"], ";", ".", 8),
    (["1E-05", "2,5"], ";", ",", 5),
    # A space between the thousands: of any width, and none that breaks a line.
    *(([f"1{space}234,56"], ",", ",", 2) for space in SPACES),
    *(([f"1{space}234,567", "1.234"], ";", ",", 3) for space in SPACES),
    *(([f"1{space}234"], ",", ".", 2) for space in SPACES),
    (["$1234", "-1234567"], ",", ".", 2),
    (["USD 0.1234"], ";", ".", 4),
    (["n/a", "1.23.4.5x"], ";", ",", 2),
]


@pytest.mark.parametrize(("cells", "delimiter", "mark", "places"), WRITINGS)
def test_how_a_column_is_written_shows_in_its_cells(
    cells: Sequence[str], delimiter: str, mark: str, places: int
) -> None:
    writing = Writing()
    for cell in cells:
        writing.learn(cell)
    assert (writing.decimal_mark(delimiter), writing.places(mark)) == (mark, places)


AMOUNTS = [
    ("1,234.56", ".", "1234.56"),
    ("1.234,56", ",", "1234.56"),
    ("1,234", ".", "1234"),
    ("1,234", ",", "1.234"),
    ("12,34,567.5", ".", "1234567.5"),
    ("(1.25)", ".", "-1.25"),
    ("-$1'234.50", ".", "-1234.50"),
    ("US$ 12", ".", "12"),
    ("12 EUR", ",", "12"),
    ("1e3", ".", "1000"),
    (".5", ".", "0.5"),
    ("1,23E-05", ",", "0.0000123"),
    ("1,234E-05", ",", "0.00001234"),
    ("-1.234,5 €", ",", "-1234.5"),
    ("\u22121,25", ",", "-1.25"),
    ("USD\u22125", ".", "-5"),
    *((f"1{space}234{space}567,89{space}€", ",", "1234567.89") for space in SPACES),
]
NO_AMOUNTS = ["1.2.3", "1,23", "12.3,4", "1,234.5,6", "(1.25", "1.25)", "()", "one", ",", "0x1"]


@pytest.mark.parametrize(("text", "mark", "value"), AMOUNTS)
def test_an_amount_is_as_it_is_written(text: str, mark: str, value: str) -> None:
    assert amount(text, mark) == Decimal(value)


@pytest.mark.parametrize("text", NO_AMOUNTS)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(Unreadable, match="is not a number"):
        amount(text, ".")


def test_counts_are_whole() -> None:
    texts = ("12", "1,234", "1.234", "12.0", "1,234,567", "1e3")
    assert [count(text, ".") for text in texts] == [12, 1234, 1234, 12, 1234567, 1000]
    assert [count(f"1{space}234{space}567", ",") for space in SPACES] == [1234567] * len(SPACES)
    for text in ("1.5", "\u0661\u0662", "\u00b2", "many"):
        with pytest.raises(Unreadable):
            count(text, ".")


def test_a_date_tells_whether_its_day_comes_first_where_it_can() -> None:
    told = {
        "30/09/2026": True,
        "09/30/2026": False,
        "12/12/2026": None,
        "13/01/2026": True,
        "01/13/2026 10:00": False,
        "1.2.2026": True,
        "2026-01-31": None,
    }
    assert {text: day_first(text) for text in told} == told


AT = datetime(2026, 10, 14, 10, 30, tzinfo=UTC)
AT_US = int(AT.timestamp()) * 1_000_000
TIMES = [
    # Text, whether days come first; the instant, or else the clock.
    (str(AT_US // 1_000_000), False, AT_US, None),
    (f"{AT_US // 1_000_000}.5", False, AT_US + 500_000, None),
    (str(AT_US // 1000), False, AT_US, None),
    ("2026-10-14T10:30:00Z", False, AT_US, None),
    ("2026-10-14T12:30:00+02:00", False, AT_US, None),
    ("2026-10-14 10:30:00 UTC", False, AT_US, None),
    ("2026-10-14 10:30 gmt", False, AT_US, None),
    ("2026-10-14T10:30:00", False, None, AT_US),
    ("14/10/2026 10:30", True, None, AT_US),
    ("10/14/2026, 10:30:00", False, None, AT_US),
    ("2026/10/14 10:30:00", False, None, AT_US),
    ("2026-10-14", False, None, None),
    ("14.10.2026", False, None, None),
    ("10/14/2026", False, None, None),
    ("Oct 14, 2026", False, None, None),
    ("14 October 2026", False, None, None),
    (" 2026/10/14 ", False, None, None),
]


@pytest.mark.parametrize(("text", "day_is_first", "us", "clock"), TIMES)
def test_a_time_is_a_day_and_an_instant_or_a_clock(
    text: str, day_is_first: bool, us: int | None, clock: int | None
) -> None:
    written = moment(text, day_is_first=day_is_first)
    assert (written.day, written.us, written.clock) == (date(2026, 10, 14), us, clock)


def test_years_that_are_numbers_are_no_times() -> None:
    assert moment("2000-01-01", day_is_first=False).day.year == 2000
    assert moment("2199-12-31", day_is_first=False).day.year == 2199
    for text in ("1999-12-31", "2200-01-01", "12345678", "100000000", "31/31/2026", "soon", "2026-13", "2200-01"):
        with pytest.raises(Unreadable):
            moment(text, day_is_first=False)


def test_a_time_is_not_tried_as_a_month_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []
    monkeypatch.setattr(values, "_month", tried.append)
    for text in ("2026-10-14T10:30:00Z", "2026-10-14", "10/14/2026"):
        moment(text, day_is_first=False)
    assert tried == []


def test_a_month_alone_is_its_first_day() -> None:
    written = moment("2026-01", day_is_first=False)
    assert (written.day, written.month, written.us) == (date(2026, 1, 1), True, None)
    assert moment("202612", day_is_first=False).day == date(2026, 12, 1)
    for text in ("0000-01", "2026-00", "1999-12"):
        with pytest.raises(Unreadable):
            moment(text, day_is_first=False)
