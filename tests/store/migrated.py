"""Stores whose database need not be migrated: it is made once for each zone of days, and every test has a copy."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.store.thread_store import FILE, ThreadStore
from gateway.store.usage import DATABASE, UsageStore


@cache
def _empty(day_zone: str) -> bytes:
    with TemporaryDirectory() as folder:
        store = UsageStore(Path(folder), day_zone=day_zone)
        store.start()
        store.close()
        return (Path(folder) / DATABASE).read_bytes()


def started(folder: Path, day_zone: str = "UTC") -> UsageStore:
    """A store at work on the folder's database; where there is none, it is an empty one."""
    path = folder / DATABASE
    if not path.exists():
        path.write_bytes(_empty(day_zone))
    store = UsageStore(folder, day_zone=day_zone)
    store.start()
    return store


@cache
def _empty_threads() -> bytes:
    with TemporaryDirectory() as folder:
        store = ThreadStore(Path(folder), key=bytes(32))
        store.start()
        store.close()
        return (Path(folder) / FILE).read_bytes()


def lay_out_threads(folder: Path) -> None:
    """An empty database of what was said, where there is none; nothing in it depends on the seal key."""
    path = folder / FILE
    if not path.exists():
        path.write_bytes(_empty_threads())
