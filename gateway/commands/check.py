"""`faregate check`: do the buckets say what the requests say; with `--rebuild`, they are made anew."""

import argparse
import contextlib

from gateway.commands import open_folder, tell
from gateway.counted import counted
from gateway.read_api import render_time
from gateway.store.commit import day_zone
from gateway.store.database import open_database
from gateway.store.usage import DATABASE, UsageStore


def run(args: argparse.Namespace) -> int:
    folder = open_folder(args)
    path = folder.path / DATABASE
    if not path.exists():
        tell("There is no usage yet: nothing to compare.")
        return 0
    with contextlib.closing(open_database(path)) as connection:
        zone = day_zone(connection).key
    store = UsageStore(folder.path, day_zone=zone)
    store.start()
    try:
        if args.rebuild:
            store.rebuild()
            tell("The buckets were made anew from the requests.")
        differences, both_from_us = store.check(), store.kept().both_from_us
    finally:
        store.close()
    if both_from_us is not None:
        since = render_time(both_from_us)
        tell(f"Older requests or buckets are gone (retention): those from {since} on were compared, older ones kept.")
    for line in differences:
        print(line)
    if differences:
        places = counted(len(differences), "place")
        tell(f"faregate: buckets and requests differ in {places}: run faregate check --rebuild.")
        return 1
    print("Buckets and requests agree.")
    return 0
