"""Faults that others have with writes: lost beside a long reader, and settings damaged by being saved.

Each test is named after the fault that it guards.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from gateway.configuration import settings_edit
from gateway.records import UsageQuery
from gateway.store.usage import DATABASE, UsageStore
from tests.store.examples import record

CONFIG = b"""# mine\r
[server]\r
port = 4210 # as ever\r
\r
[[provider]]\r
name = "lm-studio"\r
dialect = "openai_chat"\r
base_url = "http://127.0.0.1:1234/v1"\r
auth = "none"\r
\r
[later]\r
unknown = "kept"\r
"""


def test_claude_mem_2821_no_write_is_lost_beside_a_long_reader_a_backup_and_a_check(tmp_path: Path) -> None:
    """thedotmack/claude-mem#2821, Arize-ai/phoenix#3949, #6845: a busy database dropped writes, and a read held all."""
    store = UsageStore(tmp_path)
    store.start()
    try:
        with (
            closing(sqlite3.connect(tmp_path / DATABASE)) as reader,
            closing(sqlite3.connect(tmp_path / "copy.db")) as copy,
        ):
            reader.execute("BEGIN")
            before = reader.execute("SELECT COUNT(*) FROM requests").fetchone()[0]
            for number in range(300):
                store.begin(record(number))
                store.end(record(number))
                if number % 100 == 50:
                    assert reader.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                    with closing(sqlite3.connect(tmp_path / DATABASE)) as source:
                        source.backup(copy, pages=5)
            assert store.flush(20)
            # The long reader sees its own moment to the end, and nobody waited for it.
            assert reader.execute("SELECT COUNT(*) FROM requests").fetchone()[0] == before == 0
            assert store.request_count(UsageQuery()) == 300
            assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert store.completeness().seen == store.completeness().written == 300
        assert store.check() == []
    finally:
        store.close()


def test_cc_switch_1335_settings_and_usage_are_files_of_their_own(tmp_path: Path) -> None:
    """farion1231/cc-switch#1335: one file for both made every request a change of the settings."""
    (tmp_path / "config.toml").write_bytes(CONFIG)
    before = (tmp_path / "config.toml").stat()
    store = UsageStore(tmp_path)
    store.start()
    for number in range(20):
        store.begin(record(number))
        store.end(record(number))
    assert store.flush(20)
    store.close()
    after = (tmp_path / "config.toml").stat()
    assert (tmp_path / "config.toml").read_bytes() == CONFIG
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_bifrost_4353_saving_what_was_not_changed_changes_no_byte(tmp_path: Path) -> None:
    """maximhq/bifrost#4353: a masked preview of a key was written back over the key."""
    (tmp_path / "config.toml").write_bytes(CONFIG)
    settings_edit.save(tmp_path, {"server.port": 4210})
    assert (tmp_path / "config.toml").read_bytes() == CONFIG
    settings_edit.save(tmp_path, {})
    assert (tmp_path / "config.toml").read_bytes() == CONFIG
