"""Stores whose database need not be migrated: it is made once for each zone of days, and every test has a copy."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

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
