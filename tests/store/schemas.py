"""Databases as each version of the schema left them, with data: `python -m tests.store.schemas` writes a missing one.

A file is a dump of a small database, made by the code of its time, so a later change of a step shows as a difference.
What is there is never written again: a step that is not yet released may be changed by deleting its file first.
"""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway import state_db
from gateway.header_records import HeaderGroup
from gateway.records import AttemptRecord, ExchangeRecord
from gateway.schema import Step, bring_up
from gateway.store import migrations, trace_schema
from gateway.store.database import open_database
from gateway.store.usage import UsageStore
from gateway.thread_records import ThreadQuery
from tests.store.tellings import opened, put, session, sign

FOLDER = Path(__file__).parent / "schemas"
# 2025-12-31T23:40Z: the year ends between the records.
START_US = 1_767_224_400_000_000
MINUTE_US = 60_000_000

# What each table of `state.db` holds in these files.
STATE_ROWS = (
    "INSERT INTO api_keys (id, name, prefix, sha256, role, user, tags, created_us) VALUES "
    "('key_1', 'laptop', 'tk_abcd', 'digest-1', 'admin', 'ada', '[\"team:ml\"]', 1767224400000000)",
    "INSERT INTO api_keys (id, name, prefix, sha256, role, tags, created_us, last_used_us, revoked_us) VALUES "
    "('key_2', 'laptop', 'tk_efgh', 'digest-2', 'read', '[]', 1767224400000000, 1767224500000000, 1767224600000000)",
    "INSERT INTO meta (name, value) VALUES ('folder_id', '0123456789abcdef')",
    "INSERT INTO provider_keys (backend, provider, slot, stored_us) VALUES ('keyring', 'openai', 'a', 1767224400000000)",
    "INSERT INTO price_overrides (provider, model, valid_from_us, prices, note, created_us) VALUES "
    "('openai', 'gpt-5', 1767224400000000, '{\"input\":\"0.5\",\"output\":\"2\"}', 'our contract', 1767224400000000)",
    "INSERT INTO comparisons (id, at_us, owner, key, prompt_hash, prompt) VALUES "
    "('cmp_1', 1767224400000000, 'key_1', 'laptop', '0123456789abcdef01234567', X'00ff')",
    "INSERT INTO compared_answers (request_id, comparison, place, model_requested, model, provider, outcome, "
    "output_tokens, cost_nano, cost_source, stars, note, rated_us) VALUES ('req_1', 'cmp_1', 0, 'gpt-5', 'gpt-5', "
    "'openai', 'ok', 12, 3400, 'list', 4, X'01fe', 1767224500000000)",
)


HEADERS = (
    HeaderGroup(whose="asked", line="POST /x", names=("Host", "Authorization"), values=("here", "Bearer tk_…a1b2")),
    HeaderGroup(whose="given", line="200", names=("x-request-id",), values=("req_0",)),
)


def records() -> list[ExchangeRecord]:
    """What `usage.db` holds in these files: fields of the first version only."""
    return [
        ExchangeRecord(
            id=f"req_{number}",
            started_us=START_US + 5 * number * MINUTE_US,
            door=("openai_chat", "anthropic")[number % 2],
            key_id="key_1",
            key="laptop",
            principal="ada",
            end_user=(None, "bob")[number % 2],
            provider=("openai", "google", None)[number % 3],
            model_requested="alias",
            model=("gpt-5", "gemini-2.5-flash", None)[number % 3],
            conversation_id=f"conversation-{number // 3}",
            tags=(("team:ml", "urgent"), ())[number % 2],
            byok=number == 2,
            streamed=number % 2 == 0,
            status=(200, 200, 400)[number % 3],
            outcome=("ok", "ok", "error")[number % 3],
            error_type=(None, None, "bad_request")[number % 3],
            input_tokens=(100 + number, 0, None)[number % 3],
            cached_tokens=(40, None, None)[number % 3],
            output_tokens=(50, 7, None)[number % 3],
            usage_source=("provider", "partial", "none")[number % 3],
            cost_nano=(1_234_567 + number, None, None)[number % 3],
            cost_source=("list", "none", "none")[number % 3],
            price_id=("gpt-5", None, None)[number % 3],
            latency_us=1_000_000 + number,
            ttft_us=(200_000, None)[number % 2],
            overhead_us=900,
            attempts=(
                AttemptRecord(
                    n=1, provider="openai", model="gpt-5", started_us=START_US, latency_us=5, cost_nano=1_234_567
                ),
            )
            if number % 3 == 0
            else (),
            dropped=("seed",) if number == 0 else (),
            trace_id="0af7651916cd43dd8448eb211c80319c" if number == 0 else None,
            client="codex" if number % 2 else None,
            upstream_request_id=f"up_{number}",
        )
        for number in range(7)
    ]


def dumped(connection: sqlite3.Connection) -> str:
    return "\n".join(connection.iterdump()) + "\n"


def file_of(name: str, version: int) -> Path:
    return FOLDER / f"{name}_{version}.sql"


def versions(name: str) -> Sequence[int]:
    return sorted(int(path.stem.rpartition("_")[2]) for path in FOLDER.glob(f"{name}_*.sql"))


def restore(name: str, version: int, path: Path) -> None:
    """The database of a version, as a file that its Faregate would have left."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(file_of(name, version).read_text("utf-8"))


def structure(connection: sqlite3.Connection) -> list[tuple[str, ...]]:
    """Tables, columns and indexes, however their SQL is spaced."""
    found = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name").fetchall()
    return [
        (kind, name, table, re.sub(r" ?([(),]) ?", r"\1", " ".join((sql or "").split())))
        for kind, name, table, sql in found
    ]


def after(steps: Sequence[Step], name: str, path: Path) -> list[tuple[str, ...]]:
    """What these steps make of an empty file."""
    with closing(open_database(path)) as connection:
        bring_up(connection, path, name, steps)
        return structure(connection)


def _usage(folder: Path) -> str:
    store = UsageStore(folder, day_zone="Europe/Berlin")
    store.start()
    store.insert_history(records())
    store.close()
    with closing(sqlite3.connect(folder / "usage.db")) as connection:
        return dumped(connection)


def _state(folder: Path) -> str:
    path = folder / "state.db"
    with closing(state_db.connect(path)) as connection:
        for statement in STATE_ROWS:
            connection.execute(statement)
        return dumped(connection)


def _traces(folder: Path) -> str:
    with opened(folder) as store:
        put(store, session("hello", "hi there", "how are you", "fine", headers=HEADERS))
        store.rename_thread(store.threads(ThreadQuery()).rows[0].id, "Greetings")
        sign(store)
    with closing(sqlite3.connect(folder / "traces.db")) as connection:
        return dumped(connection)


def newest() -> Iterator[tuple[Path, str]]:
    """The files of the newest versions, as this code makes them."""
    with TemporaryDirectory() as folder:
        yield file_of("usage", len(migrations.STEPS)), _usage(Path(folder))
        yield file_of("state", len(state_db.STEPS)), _state(Path(folder))
        yield file_of("traces", len(trace_schema.STEPS)), _traces(Path(folder))


if __name__ == "__main__":
    for path, text in newest():
        if not path.exists():
            path.write_text(text, "utf-8")
            print(path.name)
