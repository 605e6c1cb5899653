"""`faregate prune`: takes away what retention no longer keeps, now, and gives its space on the disk back.

A running gateway does the same at its start and every hour; both at once do no harm.
"""

import argparse
import os
import sqlite3
import time

from msgspec.structs import asdict

from gateway.commands import open_folder, tell
from gateway.configuration import settings as settings_file
from gateway.counted import counted
from gateway.read_api import render_time
from gateway.schema import unusable
from gateway.store.usage import DATABASE, UsageStore


def run(args: argparse.Namespace) -> int:
    folder = open_folder(args)
    retention = settings_file.load(folder.path, os.environ).retention
    path = folder.path / DATABASE
    if not path.exists():
        tell("There is no usage yet: nothing is too old.")
        return 0
    store = UsageStore(folder.path)
    store.start()
    try:
        cleaned = store.clean_up(asdict(retention), time.time_ns() // 1000)
        sizes = store.sizes()
    except sqlite3.Error as error:
        raise unusable(path, error) from None
    finally:
        store.close()
    taken = ", ".join(counted(count, kind.removesuffix("s")) for kind, count in cleaned.taken.items())
    print(f"Taken away: {taken}. Given back: {cleaned.freed_bytes / 1e6:.1f} MB.")
    since = "" if sizes.rows_from_us is None else f", complete from {render_time(sizes.rows_from_us)} on"
    print(f"Left: {counted(sizes.requests, 'request')}{since}, in {sizes.usage_bytes / 1e6:.1f} MB.")
    return 0
