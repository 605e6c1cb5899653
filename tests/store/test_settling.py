"""What the settling leaves for another time, and what it never tells."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from gateway.configuration.setting_values import Keep
from gateway.records import UsageQuery
from gateway.store import settling
from gateway.store.buckets import DAY, HOUR
from gateway.store.kept import kept
from gateway.store.pairs import MONTH
from gateway.store.quarters import QUARTER_US
from gateway.store.settling import GRACE_US, settle
from gateway.store.usage import UsageStore
from tests.store.examples import BASE_US, DAY_US, HOUR_US, record
from tests.store.test_pairs import assert_rows_say_the_same, many, marks, settled, while_a_day_is_counted

# The first moment at which March is over and the hours, days and months that are over are those until then.
APRIL_US = BASE_US + 3 * DAY_US + 2 * HOUR_US + GRACE_US


def test_a_month_is_settled_as_soon_as_it_is_over_and_the_grace_has_passed(store: UsageStore) -> None:
    store.insert_history(many())
    assert settled(store, APRIL_US - 1) > 0
    assert (2, 3) in marks(store) and MONTH not in dict(marks(store))
    settled(store, APRIL_US)
    assert (2, 4) in marks(store) and (MONTH, 1) in marks(store)
    assert store.check() == []


def test_a_month_waits_for_a_day_that_another_settling_has_left_midway(store: UsageStore) -> None:
    store.insert_history(many())
    path = store._folder / "usage.db"

    def claimed() -> list[tuple[int, int]]:
        with store._readers.snapshot() as connection:
            return connection.execute("SELECT start, state FROM settled WHERE level = 2 AND state <> 0").fetchall()

    def another() -> None:
        before = claimed()
        settle(path, APRIL_US, lambda _: claimed() == before)

    settle(path, APRIL_US, while_a_day_is_counted(store, another))
    assert len(claimed()) == 1
    assert (2, 3) in marks(store) and MONTH not in dict(marks(store))
    settled(store, APRIL_US)
    assert (2, 4) in marks(store) and (MONTH, 1) in marks(store)
    assert store.check() == []


def test_a_month_whose_first_days_are_gone_is_told_by_its_days(store: UsageStore) -> None:
    store.insert_history(many())
    store.clean_up({"requests": Keep(days=10), "buckets": Keep(days=30)}, BASE_US + 41 * DAY_US)
    with closing(sqlite3.connect(store._folder / "usage.db")) as connection, connection:
        first_us = kept(connection).buckets_from_us
        connection.execute("DELETE FROM settled")
    assert settled(store) > 25 and first_us is not None
    with store._readers.snapshot() as connection:
        (oldest,) = connection.execute("SELECT MIN(start) FROM settled").fetchone()
        months = connection.execute(f"SELECT start FROM settled WHERE level = {MONTH}").fetchall()
    assert oldest * 900_000_000 >= first_us and len(months) == 1, "May, and not what is left of April"
    assert store.check() == []


def test_after_each_transaction_it_asks_whether_to_go_on_and_says_how_many_pairs_there_are(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.insert_history(many())
    happened: list[str] = []
    writing = settling.writing

    @contextmanager
    def noted(connection: sqlite3.Connection) -> Iterator[None]:
        with writing(connection):
            yield
        happened.append("written")

    def between(seconds: float) -> bool:
        assert 0 < seconds < 60
        happened.append("asked")
        return True

    monkeypatch.setattr(settling, "writing", noted)
    monkeypatch.setattr(settling, "WRITE_ROWS", 7)
    settle(store._folder / "usage.db", APRIL_US, between)
    written = [place for place, word in enumerate(happened) if word == "written"]
    assert len(written) > 20 and all(happened[place + 1] == "asked" for place in written)
    with store._readers.snapshot() as connection:
        counted = connection.execute(
            "SELECT cells, (SELECT COUNT(*) FROM pairs p WHERE p.level = s.level AND p.start = s.start) FROM settled s"
        ).fetchall()
    assert len(counted) > 10 and all(cells == number > 7 for cells, number in counted)


def test_an_hour_is_told_for_eight_days_and_not_a_quarter_longer(store: UsageStore) -> None:
    store.insert_history([record(0), record(1, started_us=BASE_US + HOUR_US)])
    first_us = BASE_US // HOUR_US * HOUR_US
    settled(store, first_us + DAY_US)

    def hours(table: str) -> list[int]:
        with store._readers.snapshot() as connection:
            starts = connection.execute(
                f"SELECT DISTINCT start FROM {table} WHERE level = {HOUR} ORDER BY 1"
            ).fetchall()
        return [start * QUARTER_US - first_us for (start,) in starts]

    over_us = first_us + 8 * DAY_US + GRACE_US
    for now_us, told in ((over_us, [0, HOUR_US]), (over_us + QUARTER_US, [HOUR_US])):
        settled(store, now_us)
        assert hours("pairs") == hours("settled") == told
    assert store.check() == []


def test_what_one_day_leaves_out_its_month_leaves_out(store: UsageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told by the other days alone it would be less than there was."""
    monkeypatch.setattr(settling, "MOST_CELLS", 300)
    store.insert_history(many())
    day = range(20 * 24, 20 * 24 + 8)
    store.insert_history(
        record(hour * 3600, id=f"user-{hour}-{number}", principal=f"user-{hour}-{number}", tags=(f"job:{number}",))
        for hour in day
        for number in range(4)
    )
    settled(store)
    with store._readers.snapshot() as connection:
        of_days, of_months = (
            [text for (text,) in connection.execute("SELECT left_out FROM settled WHERE level = ?", (level,))]
            for level in (DAY, MONTH)
        )
    assert len(of_days) > 30 and len(of_months) == 3
    assert [text for text in of_days if text] == [text for text in of_months if text] and any(of_months)
    assert_rows_say_the_same(store, UsageQuery(model=("gpt-5",)), "user")


@pytest.mark.parametrize("after", [1, 5, 40, 400])
def test_days_of_a_zone_that_is_changed_meanwhile_are_not_settled(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    store.insert_history(many())
    monkeypatch.setattr(settling, "WRITE_ROWS", 7)
    asked = 0

    def between(_seconds: float) -> bool:
        nonlocal asked
        asked += 1
        if asked == after:
            UsageStore(store._folder, day_zone="Asia/Kathmandu").rebuild()
        return True

    settle(store._folder / "usage.db", APRIL_US, between)
    assert asked >= after, "it was told to go on and stopped by itself"
    with store._readers.snapshot() as connection:
        strange = (
            "SELECT COUNT(*) FROM settled s WHERE level = ? AND NOT EXISTS "
            "(SELECT 1 FROM buckets b WHERE b.level = s.level AND b.start = s.start)"
        )
        assert connection.execute(strange, (DAY,)).fetchone() == (0,)
    assert store.check() == []
    assert settled(store) > 0 and store.check() == []
