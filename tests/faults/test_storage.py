"""Faults that others have with what they store: it grows for ever, does not shrink, writes too much, or forgets.

Each test is named after the fault that it guards.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.configuration import settings as settings_file
from gateway.configuration import settings_edit
from gateway.configuration.setting_values import Keep
from gateway.configuration.settings import SETTINGS, Settings
from gateway.records import Breakdown, ExchangeRecord, Sizes, Summary, TagCondition, TimeBucket, UsageQuery
from gateway.store.database import WAL_BYTES
from gateway.store.journal import SEGMENT_BYTES
from gateway.store.usage import UsageStore
from tests.store.examples import record

DAY_US = 86_400_000_000
MINUTE_US = 60_000_000
FOR_EVER = Keep()
MB = 1_000_000

# What one call may cost the disk, journal and checkpoints included: alone in its transaction, and under load.
LONE_CALL_BYTES = 256 * 1024
BUSY_CALL_BYTES = 24 * 1024


def microseconds(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp()) * 1_000_000  # type: ignore[arg-type, misc]


def call(number: int, started_us: int, **fields: Any) -> ExchangeRecord:
    given = {
        "model": f"model-{number % 5}",
        "principal": f"user-{number % 3}",
        "tags": (f"team:{number % 4}", "env:prod"),
        "conversation_id": f"conversation-{number // 8}",
        "client": "codex",
        "app": "notebook",
        "attempts": (),
    }
    return record(number, started_us=started_us, **{**given, **fields})


def file_size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("usage.db*"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[UsageStore]:
    made = UsageStore(tmp_path)
    made.start()
    yield made
    made.close()


def test_litellm_29342_no_table_grows_for_ever(store: UsageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten days of a gateway that may keep half a megabyte of each, with texts of clients that never come twice."""
    monkeypatch.setattr("gateway.store.sweep.sweep.__defaults__", (1000,))
    per_day, most, begins = 600, Keep(size_bytes=MB // 2), microseconds(2026, 3, 1)
    sizes: list[int] = []
    entries: list[dict[str, int]] = []
    for day in range(10):
        first = begins + day * DAY_US
        step = DAY_US // per_day
        store.insert_history(
            call(number, first + (number % per_day) * step, model_requested=f"asked-{number}", tags=(f"run:{day}",))
            for number in range(day * per_day, (day + 1) * per_day)
        )
        cleaned = store.clean_up({"requests": most, "buckets": most}, first + DAY_US)
        assert cleaned.finished
        sizes.append(file_size(store._folder))
        entries.append(counts(store._folder))
    # Both limits, a megabyte that is left for what comes next, and the side files.
    cap = MB + (1 << 20) + 100_000
    assert max(sizes) <= cap, sizes
    for table, count in entries[-1].items():
        assert count <= 3 * max(each[table] for each in entries[2:6]), (table, [each[table] for each in entries])
    assert 500 < store.request_count(UsageQuery()) < 3000
    assert entries[-1]["tag_sets"] < 10
    assert store.check() == []


def counts(folder: Path) -> dict[str, int]:
    with closing(sqlite3.connect(folder / "usage.db")) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {table: connection.execute(f'SELECT COUNT(*) FROM "{table}"').fetchone()[0] for table in tables}
    return {table: count for table, count in found.items() if count}


def test_ccflare_33_better_ccflare_145_a_clean_up_shrinks_the_file_and_a_restart_forgets_no_setting(
    tmp_path: Path,
) -> None:
    now_us = microseconds(2026, 6, 1)
    settings_edit.save(tmp_path, {"retention.requests": "1 day", "retention.buckets": "7 days"})
    sizes: list[int] = []
    for start in range(3):
        kept = settings_file.load(tmp_path, {}).retention
        assert (kept.requests, kept.buckets) == (Keep(days=1), Keep(days=7))
        store = UsageStore(tmp_path)
        store.start()
        if not start:
            store.insert_history(call(number, now_us - number * 10 * MINUTE_US) for number in range(3000))
            store.combine()
            sizes.append(file_size(tmp_path))
        store.clean_up({"requests": kept.requests, "buckets": kept.buckets}, now_us)
        assert 144 <= store.request_count(UsageQuery()) <= 146
        store.close()
        sizes.append(file_size(tmp_path))
        # Something else is set in between, as the window does.
        settings_edit.save(tmp_path, {"server.port": 4300 + start})
    before, *after = sizes
    assert max(after) < 0.6 * before, sizes
    assert max(after) - min(after) < 100_000, sizes


# A value of each setting that is not its default.
VALUES: dict[str, object] = {
    "server.host": "::1",
    "server.port": 4300,
    "server.allowed_origins": ["https://example.org"],
    "server.allowed_hosts": ["gateway.example.org"],
    "server.insecure_remote": True,
    "limits.body": "32 MiB",
    "limits.telemetry_wire": "2 MiB",
    "limits.telemetry": "8 MiB",
    "telemetry.standard_port": True,
    "telemetry.allow_unauthenticated": True,
    "timeouts.connect": 5,
    "timeouts.first_byte": 60.5,
    "timeouts.between_chunks": 30,
    "timeouts.total": 900,
    "vault.backend": "file",
    "capture.content": False,
    "capture.keys_off": ["hr"],
    "capture.tags_off": ["team:legal"],
    "capture.parts_off": ["media"],
    "capture.redact_on": ["iban"],
    "capture.redact_off": ["bearer"],
    "export.endpoint": "https://otel.example.org",
    "export.spans": False,
    "export.metrics": False,
    "export.content": True,
    "retention.requests": "90 days, 2 GB",
    "retention.content": "7 days",
    "retention.buckets": "5 years, 512 MiB",
    "store.url": "sqlite",
}
# These name files that must be there; they are tried together with the two of them.
FILES = ("server.tls_cert", "server.tls_key")


def test_better_ccflare_145_every_setting_survives_a_restart(tmp_path: Path) -> None:
    certificate = tmp_path / "certificate.pem"
    certificate.write_text("a certificate")
    values = {**VALUES, **dict.fromkeys(FILES, str(certificate))}
    assert values.keys() == {row.key for row in SETTINGS}, "a new setting needs a value here"
    settings_edit.save(tmp_path, values)
    first = settings_file.load(tmp_path, {})
    default = Settings()
    for row in SETTINGS:
        if row.key != "store.url":
            assert field(first, row.field) != field(default, row.field), row.key
    for port in (4301, 4302):
        settings_edit.save(tmp_path, {"server.port": port})
        again = settings_file.load(tmp_path, {})
        assert again.port == port
        others = [row for row in SETTINGS if row.key != "server.port"]
        assert [field(again, row.field) for row in others] == [field(first, row.field) for row in others]


def field(settings: Settings, name: str) -> object:
    value: object = settings
    for part in name.split("."):
        value = getattr(value, part)
    return value


def written_bytes() -> int:
    """What this process has handed to the system to write, of any file."""
    told = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(told["wchar"])


def test_codex_28224_a_call_writes_little_and_the_log_stays_small(store: UsageStore) -> None:
    """A day of a call every two minutes, each a transaction of its own; then a thousand in a few moments."""
    begins, log = microseconds(2026, 3, 1), store._folder / "usage.db-wal"
    largest: list[int] = []
    before = written_bytes()
    for number in range(720):
        exchange = call(number, begins + number * 2 * MINUTE_US)
        store.begin(exchange)
        store.end(exchange)
        assert store.flush()
        largest.append(log.stat().st_size)
    lone = (written_bytes() - before) / 720
    assert max(largest) <= WAL_BYTES
    # It is written from its beginning again and again, and does not creep up.
    assert max(largest[360:]) <= 1.2 * max(largest[:360])
    assert lone <= LONE_CALL_BYTES, lone
    before = written_bytes()
    for number in range(720, 1720):
        exchange = call(number, begins + DAY_US + number * 100_000)
        store.begin(exchange)
        store.end(exchange)
    assert store.flush(60)
    busy = (written_bytes() - before) / 1000
    assert busy <= BUSY_CALL_BYTES, busy
    assert log.stat().st_size <= WAL_BYTES
    assert sum(path.stat().st_size for path in (store._folder / "journal").iterdir()) <= SEGMENT_BYTES


def test_codex_28224_a_long_read_lets_the_log_grow_and_its_end_cuts_it(store: UsageStore) -> None:
    with store._readers.snapshot() as connection:
        connection.execute("SELECT COUNT(*) FROM requests").fetchone()
        store.insert_history(call(number, number, error_message="x" * 12_000) for number in range(1000))
        assert (store._folder / "usage.db-wal").stat().st_size > WAL_BYTES
    for number in range(1000, 1003):
        store.end(call(number, number))
        store.flush()
    assert (store._folder / "usage.db-wal").stat().st_size <= WAL_BYTES


def test_codex_28224_one_slow_call_keeps_no_old_journal(store: UsageStore) -> None:
    slow = call(0, 0, outcome="interrupted")
    store.begin(slow)
    error_message = "x" * 20_000
    for number in range(1, 1000):
        exchange = call(number, number, error_message=error_message)
        store.begin(exchange)
        store.end(exchange)
    assert store.flush(60)
    sizes: Sizes = store.sizes()
    assert sizes.journal_bytes <= 2 * SEGMENT_BYTES
    assert len(os.listdir(store._folder / "journal")) <= 2


# The nights in which Europe's clocks change, and the year's end, in quarters of an hour and at their edges.
NIGHTS = ((2025, 12, 31, 20), (2026, 3, 28, 20), (2026, 10, 24, 20))


def nights() -> Sequence[ExchangeRecord]:
    moments = [microseconds(*night) + step * 15 * MINUTE_US + step for night in NIGHTS for step in range(32)]
    return [call(number, moment, cost_nano=1000 + number) for number, moment in enumerate(moments)]


Totals = tuple[Summary, list[Breakdown], list[tuple[TimeBucket, ...]]]


def dashboard(store: UsageStore) -> Totals:
    """What a window shows."""
    query = UsageQuery(tz="Europe/Berlin")
    hours = [
        store.timeseries(UsageQuery(start_us=microseconds(*night), end_us=microseconds(*night) + DAY_US), "hour")
        for night in NIGHTS
    ]
    team = UsageQuery(tz="Europe/Berlin", tags=(TagCondition(("team:1",)),), model=("model-1", "model-2"))
    return (
        store.summary(query),
        [store.breakdown(query, by) for by in ("model", "user", "tag:team", "outcome")],
        [
            tuple(bucket for night in hours for bucket in night),
            store.timeseries(query, "day", "model"),
            store.timeseries(query, "month"),
            store.timeseries(team, "month"),
        ],
    )


def test_ccusage_805_totals_are_the_same_after_restart_roll_up_and_retention(tmp_path: Path) -> None:
    store = UsageStore(tmp_path, day_zone="Europe/Berlin")
    store.start()
    store.insert_history(nights())
    before = dashboard(store)
    whole, _, (hours, days, months, team_months) = before
    assert (whole.requests, whole.cost_nano) == (96, sum(1000 + number for number in range(96)))
    for series in (hours, days, months):
        assert sum(bucket.summary.requests for bucket in series) == 96
        assert sum(bucket.summary.cost_nano or 0 for bucket in series) == whole.cost_nano
    # By hand: Berlin's December has the 12 quarters until 23:00Z.
    assert [(bucket.start_us, bucket.summary.requests) for bucket in months if bucket.summary.requests] == [
        (microseconds(2025, 11, 30, 23), 12),
        (microseconds(2025, 12, 31, 23), 20),
        (microseconds(2026, 2, 28, 23), 32),
        (microseconds(2026, 9, 30, 22), 32),
    ]
    assert sum(bucket.summary.requests for bucket in team_months) > 0
    store.close()
    for _ in range(2):
        store.start()
        assert dashboard(store) == before
        store.close()
    store.start()
    store.rebuild()
    assert dashboard(store) == before and store.check() == []
    store.clean_up({"requests": Keep(days=30), "buckets": FOR_EVER}, microseconds(2026, 4, 20))
    assert store.request_count(UsageQuery()) == 64
    assert dashboard(store) == before
    store.close()
    store.start()
    assert dashboard(store) == before
    store.rebuild()
    store.clean_up({"requests": Keep(days=30), "buckets": FOR_EVER}, microseconds(2027, 1, 1))
    assert store.request_count(UsageQuery()) == 0
    assert dashboard(store) == before
    assert store.check() == []
    store.close()
