"""Retention: what goes, what stays, what everybody counts meanwhile, and that the file shrinks."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import pytest

from gateway.configuration.setting_values import Keep
from gateway.errors import FaregateError
from gateway.records import Breakdown, Cleaned, ExchangeRecord, Sizes, Summary, TagCondition, TimeBucket, UsageQuery
from gateway.store import clean_up as clean_up_module
from gateway.store.clean_up import TARGET_S, clean_up, next_step, shares
from gateway.store.database import Moved, open_database
from gateway.store.kept import Kept
from gateway.store.quarters import QUARTER_US
from gateway.store.retention import DATABASES, USAGE
from gateway.store.usage import UsageStore
from tests.store.examples import BASE_US, DAY_US, FULL, HOUR_US, record

FOR_EVER = Keep()
ROWS = 3000
MINUTE_US = 60_000_000
END_US = BASE_US + ROWS * MINUTE_US


def history(rows: int = ROWS) -> Iterator[ExchangeRecord]:
    """A request a minute, of a handful of models, tags and users."""
    for number in range(rows):
        yield record(
            60 * number,
            id=f"req_{number:012}",
            model=f"model-{number % 5}",
            principal=f"user-{number % 3}",
            tags=(f"team:{number % 4}", "urgent") if number % 2 else (),
            conversation_id=f"conversation-{number // 10}",
            input_tokens=number,
            attempts=FULL.attempts if number % 50 == 0 else (),
        )


def all_sums(store: UsageStore) -> tuple[Summary, list[Breakdown], list[tuple[TimeBucket, ...]]]:
    query = UsageQuery(tz="Asia/Kolkata")
    tagged = UsageQuery(tags=(TagCondition(("team:1",)),), tz="Asia/Kolkata")
    one = UsageQuery(model=("model-1",))
    return (
        store.summary(query),
        [
            *(store.breakdown(query, by) for by in ("model", "user", "key", "tag", "tag:team", "outcome")),
            store.breakdown(one, "user"),
        ],
        [store.timeseries(query, "day", "model"), store.timeseries(query, "hour"), store.timeseries(tagged, "month")],
    )


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the history, to be copied."""
    folder = tmp_path_factory.mktemp("example")
    store = UsageStore(folder)
    store.start()
    store.insert_history(history())
    store.combine()
    store.close()
    return folder


@pytest.fixture
def folder(example: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(example, tmp_path / "filled"))


@pytest.fixture
def filled(folder: Path) -> Iterator[UsageStore]:
    made = UsageStore(folder)
    made.start()
    yield made
    made.close()


def size_of(store: UsageStore) -> int:
    """What is in the log already included."""
    return sum(pages for (pages,) in query(store, "PRAGMA page_count")) * 4096


def query(store: UsageStore, statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(store._folder / "usage.db")) as connection:
        return connection.execute(statement).fetchall()


def keeps(requests: Keep = FOR_EVER, buckets: Keep = FOR_EVER) -> Mapping[str, Keep]:
    return {"requests": requests, "buckets": buckets}


def assert_whole(store: UsageStore) -> None:
    assert store.check() == []
    assert query(store, "PRAGMA integrity_check") == [("ok",)]
    orphans = "SELECT COUNT(*) FROM attempts WHERE request NOT IN (SELECT n FROM requests)"
    assert query(store, orphans) == [(0,)]


def test_what_is_older_goes_and_every_sum_stays(filled: UsageStore) -> None:
    before, size = all_sums(filled), size_of(filled)
    cleaned = filled.clean_up(keeps(Keep(days=1)), END_US)
    cut = (END_US - DAY_US) // QUARTER_US * QUARTER_US
    left = [each for each in history() if each.started_us >= cut]
    assert cleaned.taken == {"requests": ROWS - len(left), "buckets": 0}
    assert [each.id for each in filled.iter_requests(UsageQuery())] == [each.id for each in reversed(left)]
    assert filled.request_count(UsageQuery()) == len(left)
    assert filled.kept() == Kept(rows_from_us=cut)
    assert all_sums(filled) == before
    assert cleaned.freed_bytes == size - size_of(filled)
    assert_whole(filled)
    assert filled.clean_up(keeps(Keep(days=1)), END_US).taken == {"requests": 0, "buckets": 0}
    assert filled.request(left[0].id) == left[0]
    assert filled.request("req_000000000000") is None


def test_for_ever_takes_nothing_and_says_nothing(filled: UsageStore) -> None:
    assert filled.clean_up(keeps(), END_US + 1000 * DAY_US).taken == {"requests": 0, "buckets": 0}
    assert filled.clean_up(keeps(Keep(days=1000), Keep(days=1000)), END_US).taken == {"requests": 0, "buckets": 0}
    assert filled.kept() == Kept()


@pytest.mark.parametrize("settled", [False, True])
def test_buckets_go_on_their_own_and_rows_answer_for_them(filled: UsageStore, settled: bool) -> None:
    """Those of pairs too, once time is settled; a cut is at a full hour."""
    before, now_us = all_sums(filled), END_US + 35 * MINUTE_US
    if settled:
        filled.settle(END_US + 40 * DAY_US)
        assert query(filled, "SELECT COUNT(*) FROM pairs")[0][0] > 500
        assert all_sums(filled) == before
    cleaned = filled.clean_up(keeps(buckets=Keep(days=1)), now_us)
    cut = (now_us - DAY_US) // HOUR_US * HOUR_US
    assert filled.kept() == Kept(buckets_from_us=cut)
    assert cleaned.taken["requests"] == 0 and cleaned.taken["buckets"] > 1000
    for table in ("buckets", "combined"):
        assert query(filled, f"SELECT MIN(start) FROM {table}") == [(cut // QUARTER_US,)]
    for table in ("pairs", "settled"):
        assert query(filled, f"SELECT COUNT(*) FROM {table} WHERE start < {cut // QUARTER_US}") == [(0,)]
        assert bool(query(filled, f"SELECT COUNT(*) FROM {table}")[0][0]) is settled
    assert all_sums(filled) == before
    assert_whole(filled)


def test_once_both_are_gone_the_rest_is_exact_and_says_where_it_begins(filled: UsageStore) -> None:
    later = UsageQuery(start_us=(END_US - DAY_US) // HOUR_US * HOUR_US)
    before = filled.summary(later), filled.breakdown(later, "model")
    filled.clean_up(keeps(Keep(days=2), Keep(days=1)), END_US)
    assert (filled.summary(later), filled.breakdown(later, "model")) == before
    whole = filled.summary(UsageQuery())
    assert whole.complete_from_us == filled.kept().rows_from_us
    assert whole.requests == sum(each.started_us >= (whole.complete_from_us or 0) for each in history())
    filled.clean_up(keeps(Keep(days=1), Keep(days=1)), END_US)
    assert_whole(filled)
    assert filled.summary(later) == before[0]


@pytest.mark.parametrize("kind", ["requests", "buckets"])
def test_a_size_is_a_limit(filled: UsageStore, kind: str) -> None:
    """snipeship/ccflare#33, tombii/better-ccflare#145: space is given back, down to the limit."""
    with closing(open_database(filled._folder / "usage.db")) as connection:
        has = shares(connection, USAGE)
    limit = has[kind] // 3
    cleaned = filled.clean_up({**keeps(), kind: Keep(size_bytes=limit)}, END_US)
    with closing(open_database(filled._folder / "usage.db")) as connection:
        left = shares(connection, USAGE)
    assert 0.6 * limit < left[kind] <= limit
    other = "buckets" if kind == "requests" else "requests"
    assert abs(left[other] - has[other]) < 0.25 * has[other]
    assert cleaned.taken[other] == 0 and cleaned.taken[kind]
    assert_whole(filled)
    again = filled.clean_up({**keeps(), kind: Keep(size_bytes=limit)}, END_US)
    assert again.taken[kind] == 0


def test_both_limits_of_a_kind_hold(filled: UsageStore) -> None:
    now_us = END_US - 7 * MINUTE_US
    filled.clean_up(keeps(Keep(days=1, size_bytes=10**12)), now_us)
    assert filled.request_count(UsageQuery()) == 1440 + 15
    filled.clean_up(keeps(Keep(days=1, size_bytes=1)), now_us)
    # What happened in this quarter of an hour stays, whatever it takes.
    assert filled.request_count(UsageQuery()) == 15
    assert_whole(filled)


def test_every_table_has_a_rule_and_every_rule_a_table(store: UsageStore) -> None:
    """BerriAI/litellm#29342: a table that nobody prunes. Say in `retention.USAGE` what bounds a new one."""
    found = {name for (name,) in query(store, "SELECT name FROM sqlite_master WHERE type = 'table'")}
    found -= {"sqlite_sequence", "sqlite_stat1"}
    assert found - USAGE.tables.keys() == set(), "these tables have no rule in retention.USAGE"
    assert USAGE.tables.keys() - found == set()
    assert DATABASES[0] is USAGE


def test_what_a_kind_bounds_is_empty_once_it_may_keep_nothing(filled: UsageStore) -> None:
    filled.clean_up(keeps(Keep(days=1), Keep(days=1)), END_US + 10 * DAY_US)
    kinds = {kind.name for kind in USAGE.kinds}
    for table, rule in USAGE.tables.items():
        if rule in kinds:
            assert query(filled, f"SELECT COUNT(*) FROM {table}") == [(0,)], table
    assert filled.summary(UsageQuery()).requests == 0
    filled.end(record(0, started_us=END_US + 10 * DAY_US))
    filled.flush()
    assert filled.summary(UsageQuery()).requests == 1
    assert_whole(filled)


def test_the_file_gives_its_space_back(filled: UsageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clean_up_module, "RESERVE_BYTES", 64 * 1024)
    size = size_of(filled)
    cleaned = filled.clean_up(keeps(Keep(days=0.1)), END_US)
    assert cleaned.freed_bytes == size - size_of(filled) > 0.35 * size
    free, pages = query(filled, "PRAGMA freelist_count"), query(filled, "PRAGMA page_count")
    assert free[0][0] <= 16 and pages[0][0] * 4096 == (filled._folder / "usage.db").stat().st_size
    assert (filled._folder / "usage.db-wal").stat().st_size == 0


def test_a_database_from_a_dump_learns_to_shrink(
    example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clean_up_module, "RESERVE_BYTES", 64 * 1024)
    second = tmp_path / "second"
    second.mkdir()
    with (
        closing(sqlite3.connect(example / "usage.db")) as old,
        closing(sqlite3.connect(second / "usage.db")) as copy,
    ):
        copy.executescript("\n".join(old.iterdump()))
        assert copy.execute("PRAGMA auto_vacuum").fetchone() == (0,)
    store = UsageStore(second)
    store.start()
    size = size_of(store)
    room = clean_up_module.shutil.disk_usage(second)
    monkeypatch.setattr(clean_up_module.shutil, "disk_usage", lambda _path: room._replace(free=2 * size))
    store.clean_up(keeps(Keep(days=1)), END_US)
    assert size_of(store) == size
    monkeypatch.undo()
    monkeypatch.setattr(clean_up_module, "RESERVE_BYTES", 64 * 1024)
    store.clean_up(keeps(Keep(days=0.1)), END_US)
    assert size_of(store) < 0.6 * size
    assert query(store, "PRAGMA auto_vacuum") == [(2,)]
    assert_whole(store)
    store.close()


def test_rows_are_stored_while_a_clean_up_runs(filled: UsageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between any two steps the writer has its turn, and whoever asks counts the same."""
    monkeypatch.setattr(clean_up_module, "FIRST_ENTRIES", 50)
    monkeypatch.setattr(clean_up_module, "MOST_ENTRIES", 400)
    before = filled.summary(UsageQuery())
    seen: list[tuple[int, bool]] = []
    real = filled._gave_way

    def between(taken_s: float) -> bool:
        number = len(seen)
        filled.end(record(number, id=f"new_{number}", started_us=END_US + number))
        going = real(taken_s)
        stored = filled.request(f"new_{number}") is not None
        seen.append((filled.summary(UsageQuery(end_us=END_US)).requests, stored))
        return going

    monkeypatch.setattr(filled, "_gave_way", between)
    filled.clean_up(keeps(Keep(days=1)), END_US)
    assert len(seen) > 5
    assert set(seen) == {(before.requests, True)}
    assert filled.summary(UsageQuery()).requests == before.requests + len(seen)
    assert_whole(filled)


def test_whoever_follows_a_clean_up_can_end_it(filled: UsageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clean_up_module, "FIRST_ENTRIES", 50)
    monkeypatch.setattr(clean_up_module, "MOST_ENTRIES", 50)
    told: list[int] = []

    def progress(entries: int) -> bool:
        told.append(entries)
        return entries < 150

    cleaned = filled.clean_up(keeps(Keep(days=1)), END_US, progress)
    assert (told, cleaned.finished, filled.sizes().requests) == ([50, 100, 150], False, ROWS - 150)
    assert_whole(filled)


@pytest.mark.parametrize("raises", [False, True], ids=["told to stop", "by an error"])
def test_what_an_ended_deletion_has_left_is_there_for_everybody(
    filled: UsageStore, monkeypatch: pytest.MonkeyPatch, raises: bool
) -> None:
    """The rows of a year stayed on the disk, and no list showed them any more."""
    monkeypatch.setattr(clean_up_module, "FIRST_ENTRIES", 50)
    monkeypatch.setattr(clean_up_module, "MOST_ENTRIES", 50)
    sums = all_sums(filled)

    def progress(entries: int) -> bool:
        if raises and entries >= 160:
            raise FaregateError("It was given up.")
        return entries < 160

    with pytest.raises(FaregateError) if raises else nullcontext():
        assert filled.clean_up(keeps(), END_US, progress, {"requests": END_US}).finished is False
    assert filled.sizes().requests == ROWS - 200
    # A row a minute: the two hundredth is the first of those that are left, in a quarter that has lost some.
    assert filled.kept().rows_from_us == BASE_US + 210 * MINUTE_US
    assert filled.request_count(UsageQuery()) == ROWS - 210
    assert len(filled.requests(UsageQuery(), limit=1000, offset=ROWS - 1000).rows) == 790
    assert all_sums(filled) == sums
    assert_whole(filled)
    again = filled.clean_up(keeps(), END_US, until={"requests": END_US})
    assert (again.finished, again.taken["requests"], filled.sizes().requests) == (True, ROWS - 200, 0)


@pytest.mark.parametrize(
    ("entries", "share", "following"),
    [(40, 0.2, 80), (400, 0.2, 500), (40, 0.7, 40), (40, 1.2, 20), (1, 9, 1)],
)
def test_steps_are_sized_by_how_long_the_last_one_took(entries: int, share: float, following: int) -> None:
    assert next_step(entries, share * TARGET_S, most=500) == following


def test_closing_ends_a_clean_up_between_two_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clean_up_module, "FIRST_ENTRIES", 10)
    monkeypatch.setattr(clean_up_module, "MOST_ENTRIES", 10)
    store = UsageStore(tmp_path)
    store.start()
    store.insert_history(history(500))
    store.combine()
    steps = 0

    def between(_taken_s: float) -> bool:
        nonlocal steps
        steps += 1
        store._stopped.set()
        return UsageStore._gave_way(store, 0.0)

    monkeypatch.setattr(store, "_gave_way", between)
    assert store.clean_up(keeps(Keep(days=1)), END_US).finished is False
    assert steps == 1
    store.close()
    again = UsageStore(tmp_path)
    again.start()
    assert again.clean_up(keeps(Keep(days=1)), END_US).taken["requests"] == 490
    assert_whole(again)
    again.close()


KILLED = """
import os, sys
from pathlib import Path
from gateway.configuration.setting_values import Keep
from gateway.store.clean_up import clean_up
steps = int(sys.argv[2])
def between(_seconds):
    global steps
    steps -= 1
    if not steps:
        os.kill(os.getpid(), 9)
    return True
from gateway.store import clean_up as module
module.FIRST_ENTRIES = module.MOST_ENTRIES = 300
module.RESERVE_BYTES = 16384
clean_up(Path(sys.argv[1]), {"requests": Keep(days=1), "buckets": Keep(days=2)}, int(sys.argv[3]), between)
"""


@pytest.mark.parametrize("step", [1, 7, 15])
def test_a_kill_between_two_steps_changes_no_answer(folder: Path, step: int) -> None:
    store = UsageStore(folder)
    store.start()
    since = UsageQuery(start_us=(END_US - DAY_US) // HOUR_US * HOUR_US)
    before = store.summary(since), store.breakdown(since, "tag:team"), store.timeseries(since, "hour", "model")
    store.close()
    done = subprocess.run([sys.executable, "-c", KILLED, str(folder), str(step), str(END_US)], check=False)
    assert done.returncode == -9
    store.start()
    assert (
        store.summary(since),
        store.breakdown(since, "tag:team"),
        store.timeseries(since, "hour", "model"),
    ) == before
    assert_whole(store)
    store.clean_up(keeps(Keep(days=1), Keep(days=2)), END_US)
    assert query(store, "SELECT MIN(started_us) FROM requests") >= [(END_US - DAY_US - QUARTER_US,)]
    assert store.summary(since) == before[0]
    store.close()


def test_what_a_killed_deletion_has_left_goes_with_the_next_clean_up(folder: Path) -> None:
    """It stayed on the disk for ever, and no list showed it."""
    done = subprocess.run([sys.executable, "-c", KILLED, str(folder), "1", str(END_US)], check=False)
    assert done.returncode == -9
    with closing(sqlite3.connect(folder / USAGE.file)) as usage:
        (on_disk,) = usage.execute("SELECT COUNT(*) FROM requests").fetchone()
    store = UsageStore(folder)
    store.start()
    shown = store.request_count(UsageQuery())
    assert on_disk > shown > 0
    cleaned = store.clean_up(keeps(), END_US)
    assert (cleaned.taken["requests"], store.sizes().requests) == (on_disk - shown, shown)
    assert_whole(store)
    store.close()


def names(store: UsageStore) -> set[object]:
    return {text for (text,) in query(store, "SELECT text FROM names")}


def test_names_that_nothing_uses_go_and_no_number_is_given_twice(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.sweep.sweep.__defaults__", (0,))
    store.insert_history(
        record(60 * number, model_requested=f"asked-{number}", tags=(f"build:{number}",)) for number in range(300)
    )
    store.end(record(7, id="kept", started_us=END_US, model_requested="asked-still", tags=("build:still",)))
    store.flush()
    highest = query(store, "SELECT MAX(id) FROM names")
    cleaned = store.clean_up(keeps(Keep(days=1)), END_US)
    # Requested models stand in rows alone; tags are those of buckets too, which are kept.
    assert cleaned.names == 300
    assert "asked-still" in names(store) and "build:7" in names(store)
    assert not any(str(text).startswith("asked-") for text in names(store) - {"asked-still"})
    # The writer knew the number of a name that is gone.
    store.end(record(8, id="back", started_us=END_US, model_requested="asked-3", tags=("build:3",)))
    store.flush()
    back = store.request("back")
    assert back is not None and (back.model_requested, back.tags) == ("asked-3", ("build:3",))
    assert query(store, "SELECT MAX(id) FROM names") > highest
    assert_whole(store)
    with closing(sqlite3.connect(store._folder / "usage.db")) as connection, connection:
        connection.execute("DELETE FROM settings WHERE name = 'names_left'")
    store.clean_up(keeps(Keep(days=1), Keep(days=1)), END_US)
    assert "build:7" not in names(store) and "build:3" in names(store)
    assert query(store, "SELECT COUNT(*) FROM tag_sets") == [(2,)]
    assert_whole(store)
    assert store.breakdown(UsageQuery(), "tag:build").rows[0].value in ("3", "still")


def test_a_sweep_waits_until_names_have_doubled(store: UsageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.store.sweep.sweep.__defaults__", (100,))

    def more(first: int, count: int) -> None:
        store.insert_history(record(n, model_requested=f"asked-{n}") for n in range(first, first + count))

    more(0, 50)
    assert store.clean_up(keeps(Keep(days=1)), END_US).names == 0
    more(100, 60)
    assert store.clean_up(keeps(Keep(days=1)), END_US).names > 100


def test_steps_are_as_short_as_they_are_many(filled: UsageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that took too long makes the next one smaller: the writer never waits for long."""
    clock = [0.0]
    sizes: list[int] = []

    def perf_counter() -> float:
        clock[0] += 0.05 if sizes and sizes[-1] > 60 else 0.001
        return clock[0]

    monkeypatch.setattr(clean_up_module, "perf_counter", perf_counter)
    real = clean_up_module._CleanUp.in_steps

    def spied(self: clean_up_module._CleanUp, take) -> int:  # type: ignore[no-untyped-def]
        return real(self, lambda most: sizes.append(most) or take(most))  # type: ignore[func-returns-value]

    monkeypatch.setattr(clean_up_module._CleanUp, "in_steps", spied)
    filled.clean_up(keeps(Keep(days=1)), END_US)
    assert sizes[:4] == [100, 50, 100, 50]


def test_sizes_are_told(filled: UsageStore) -> None:
    filled.clean_up(keeps(Keep(days=1)), END_US)
    sizes: Sizes = filled.sizes()
    rows_from = filled.kept().rows_from_us
    assert rows_from is not None
    assert (sizes.requests, sizes.first_request_us, sizes.rows_from_us) == (
        filled.request_count(UsageQuery()),
        rows_from,
        rows_from,
    )
    side_files: Sequence[Path] = [filled._folder / name for name in ("usage.db", "usage.db-wal", "usage.db-shm")]
    assert sizes.usage_bytes == sum(path.stat().st_size for path in side_files)
    assert sizes.requests_bytes > 0 and sizes.buckets_bytes > 0
    assert sizes.requests_bytes + sizes.buckets_bytes <= size_of(filled)
    assert sizes.journal_bytes == sum(path.stat().st_size for path in (filled._folder / "journal").iterdir())


def test_the_shares_are_about_what_the_tables_take(filled: UsageStore) -> None:
    """Only where SQLite can count pages by table is this checked against it; everywhere else by the sum."""
    with closing(open_database(filled._folder / "usage.db")) as connection:
        share = shares(connection, USAGE)
        try:
            pages = dict(
                connection.execute("SELECT name, SUM(pgsize) FROM dbstat WHERE aggregate = TRUE GROUP BY name")
            )
        except sqlite3.OperationalError:
            pages = {"buckets": share["buckets"], "combined": 0}
    truth = pages["buckets"] + pages["combined"]
    assert 0.6 * truth < share["buckets"] < 1.6 * truth


def test_a_clean_up_of_its_own_needs_no_store(filled: UsageStore) -> None:
    cleaned = clean_up(filled._folder, keeps(Keep(days=1)), END_US, lambda _seconds: True)
    assert cleaned.taken["requests"] == ROWS - filled.request_count(UsageQuery())


def test_the_writer_forgets_the_number_of_a_name_that_it_gave_and_a_sweep_took(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.sweep.sweep.__defaults__", (0,))
    for number, asked in enumerate(("asked-once", "asked-last")):
        store.end(record(number, model_requested=asked))
        store.flush()
    assert store.clean_up(keeps(Keep(days=1)), END_US).names > 0
    assert "asked-once" not in names(store)
    store.end(record(8, id="back", started_us=END_US, model_requested="asked-once"))
    store.flush()
    back = store.request("back")
    assert back is not None and back.model_requested == "asked-once"


def test_where_nothing_is_too_old_nothing_is_said_to_have_gone(store: UsageStore) -> None:
    store.insert_history([record(1)])
    assert store.clean_up(keeps(), END_US) == Cleaned(taken={"requests": 0, "buckets": 0})


@pytest.mark.parametrize(
    "asked",
    [lambda folder: clean_up(folder, keeps(), END_US, lambda _seconds: True), clean_up_module.newest_us],
    ids=["clean_up", "newest_us"],
)
def test_a_database_that_goes_before_it_is_opened_is_not_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: Callable[[Path], object]
) -> None:
    path = tmp_path / USAGE.file
    path.write_bytes(b"")
    real = Path.exists

    def exists(each: Path) -> bool:
        """And this one goes right then."""
        there = real(each)
        if each == path:
            path.unlink(missing_ok=True)
        return there

    with monkeypatch.context() as while_asked:
        while_asked.setattr(Path, "exists", exists)
        with pytest.raises(Moved):
            asked(tmp_path)
    assert list(tmp_path.iterdir()) == []
