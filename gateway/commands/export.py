"""`faregate export`: usage as CSV or JSON lines, streamed; the file appears only when it is whole."""

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from gateway.commands import UsageError, open_folder, tell
from gateway.counted import counted
from gateway.number_filters import NUMBERS
from gateway.output_file import output_file
from gateway.read_api import DIMENSION_PARAMETERS, TEXT_PARAMETER, parse_export, parse_query, render_time
from gateway.records import Export, UsageQuery
from gateway.store.usage import UsageStore

_SINGLE = ("what", "format", "tz", "bucket", "by", "sort")
_FILTERS = (*DIMENSION_PARAMETERS, "tag", TEXT_PARAMETER)


def run(args: argparse.Namespace) -> int:
    parameters = _parameters(args)
    query, export = parse_query(parameters), parse_export(parameters)
    store = UsageStore(open_folder(args).path)
    store.start()
    try:
        with _opened(args.output) as file:
            count = _write(store, query, export, file)
        complete_from_us = _complete_from(store, query, export)
    finally:
        store.close()
    if complete_from_us is not None:
        tell(f"Requests before {render_time(complete_from_us)} are gone (retention): what needs them lacks them.")
    if args.output != "-":
        tell(f"{counted(count, 'row')} written to {args.output}.")
    return 0


def _complete_from(store: UsageStore, query: UsageQuery, export: Export) -> int | None:
    match export.what:
        case "requests":
            return store.requests(query, limit=1).complete_from_us
        case "buckets":
            return store.complete_from(query, export.by)
    return store.complete_from(query, "conversation")


def _parameters(args: argparse.Namespace) -> list[tuple[str, str]]:
    """The options in the read API's own words, so that both follow one set of rules."""
    single = {"from": args.start, "to": args.end, "bom": "1" if args.bom else None}
    single |= {name: getattr(args, name) for name in _SINGLE}
    parameters = [(name, value) for name, value in single.items() if value is not None]
    parameters += [_number(written) for written in args.where]
    return parameters + [(name, value) for name in _FILTERS for value in getattr(args, name)]


def _number(written: str) -> tuple[str, str]:
    """`latency>5s` as a parameter. Raises UsageError."""
    for name in NUMBERS:
        if written.startswith(name) and written[len(name) : len(name) + 1] in tuple("<>="):
            return name, written[len(name) :]
    raise UsageError(
        f'--where "{written}" names no number: write it as "latency>5s", with one of {", ".join(NUMBERS)}.'
    )


def _write(store: UsageStore, query: UsageQuery, export: Export, file: TextIO) -> int:
    progress = _progress if sys.stderr.isatty() else None
    try:
        return store.export_to(query, export, file, progress)
    finally:
        if progress is not None:
            sys.stderr.write("\r\x1b[K")


def _progress(count: int, total: int) -> None:
    sys.stderr.write(f"\r{count:,} of {counted(total, 'row')}")
    sys.stderr.flush()


@contextlib.contextmanager
def _opened(output: str) -> Iterator[TextIO]:
    if output == "-":
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8", newline="")
        yield sys.stdout
        return
    path = Path(output)
    if not path.name or os.path.isdir(path):
        raise UsageError(f'-o "{output}" is not a file: give the name of one, or - for standard output.')
    with output_file(path) as file:
        yield file
