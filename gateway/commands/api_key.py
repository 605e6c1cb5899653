"""`faregate api-key`: the keys that tools present to the gateway. A running gateway follows within a second."""

import argparse
import contextlib
from datetime import datetime

from gateway.commands import UsageError, open_folder, print_table, tell
from gateway.folder import LOCK_FILE, DataFolder, holder_of
from gateway.keys.access import AccessKeys


def create(args: argparse.Namespace) -> int:
    if not hasattr(args, "name"):
        raise UsageError("a new key needs a name: faregate api-key create --name NAME.")
    role, tags = getattr(args, "role", "execute"), getattr(args, "tags", "")
    folder = open_folder(args)
    # Nothing may fail between making a key and printing it.
    only_demo = _only_demo_runs(folder)
    with contextlib.closing(AccessKeys(folder)) as keys:
        new = keys.create(args.name, role, getattr(args, "user", None), tags.split(","))
    tell(f'The key "{new.row.name}" ({new.row.role}) is shown this once: keep it where your tool reads it.')
    if only_demo:
        tell(f"The demo that is running now does not know it: make its keys with --data-dir {folder.demo_path}.")
    print(new.key)
    return 0


def show(args: argparse.Namespace) -> int:
    with contextlib.closing(AccessKeys(open_folder(args))) as keys:
        rows = keys.list()
    print_table(
        ("NAME", "ROLE", "KEY", "USER", "TAGS", "CREATED", "LAST USED", "STATE", "ID"),
        [
            (
                row.name,
                row.role,
                f"{row.prefix}…",
                row.user or "-",
                ",".join(row.tags) or "-",
                _time(row.created_us),
                _time(row.last_used_us),
                "live" if row.revoked_us is None else f"revoked {_time(row.revoked_us)}",
                row.id,
            )
            for row in rows
        ],
    )
    return 0


def revoke(args: argparse.Namespace) -> int:
    with contextlib.closing(AccessKeys(open_folder(args))) as keys:
        row = keys.revoke(args.key)
    tell(f'The key "{row.name}" ({row.prefix}…) is revoked.')
    return 0


def _only_demo_runs(folder: DataFolder) -> bool:
    return folder.holder() is None and holder_of(folder.demo_path / LOCK_FILE) is not None


def _time(us: int | None) -> str:
    return "-" if us is None else datetime.fromtimestamp(us / 1_000_000).astimezone().strftime("%Y-%m-%d %H:%M")
