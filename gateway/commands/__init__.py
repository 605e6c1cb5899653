"""One module per command; what several of them share is below."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from gateway.errors import FaregateError
from gateway.folder import DataFolder, default_folder, named_folder


class UsageError(FaregateError):
    """Arguments that the parser took and the command cannot use."""

    exit_code = 2


def folder_path(args: argparse.Namespace) -> Path:
    chosen: str | None = getattr(args, "data_dir", None)
    if chosen is None:
        return default_folder(os.environ)
    if not chosen.strip():
        raise UsageError("--data-dir is empty: give the path of a folder.")
    return named_folder("--data-dir", chosen)


def open_folder(args: argparse.Namespace) -> DataFolder:
    return DataFolder(folder_path(args))


def tell(message: str) -> None:
    """A line for the person, apart from what a script may read on standard output."""
    print(message, file=sys.stderr)


def print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns aligned on standard output; control characters of stored names do not reach the terminal."""
    table = [list(titles), *(["".join(c for c in cell if c.isprintable()) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(titles))]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
