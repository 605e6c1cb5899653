"""`faregate export`: usage as CSV or JSON lines, streamed; the file appears only when it is whole."""

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

import msgspec

from gateway.commands import UsageError, open_folder, tell
from gateway.output_file import output_file
from gateway.read_api import parse_query, render_breakdown, render_bucket, render_row, render_time
from gateway.records import UsageQuery
from gateway.store.usage import UsageStore

PROGRESS_ROWS = 1000
_FILTERS = ("provider", "model", "key", "user", "outcome", "tag")


def run(args: argparse.Namespace) -> int:
    query = parse_query(_parameters(args))
    store = UsageStore(open_folder(args).path)
    store.start()
    try:
        with _opened(args.output) as file:
            count = _write(store, query, args, file)
        complete_from_us = _complete_from(store, query, args)
    finally:
        store.close()
    if complete_from_us is not None:
        tell(f"Requests before {render_time(complete_from_us)} are gone (retention): what needs them lacks them.")
    if args.output != "-":
        tell(f"{count:,} rows written to {args.output}.")
    return 0


def _complete_from(store: UsageStore, query: UsageQuery, args: argparse.Namespace) -> int | None:
    match args.what:
        case "requests":
            return store.requests(query, limit=1).complete_from_us
        case "buckets":
            return store.complete_from(query, args.by)
    return store.complete_from(query, "conversation")


def _parameters(args: argparse.Namespace) -> list[tuple[str, str]]:
    """The options in the read API's own words, so that both follow one set of rules."""
    single = {"from": args.start, "to": args.end, "tz": args.tz}
    parameters = [(name, value) for name, value in single.items() if value is not None]
    return parameters + [(name, value) for name in _FILTERS for value in getattr(args, name)]


def _write(store: UsageStore, query: UsageQuery, args: argparse.Namespace, file: TextIO) -> int:
    progress = _progress if sys.stderr.isatty() else None
    csv = args.format == "csv"
    try:
        match args.what:
            case "requests" if csv:
                return store.export_requests(query, file, progress)
            case "requests":
                return _write_lines(map(render_row, store.iter_requests(query)), file, progress)
            case "buckets" if csv:
                return store.export_timeseries(query, args.bucket, args.by, file)
            case "buckets":
                buckets = store.iter_timeseries(query, args.bucket, args.by)
                return _write_lines((render_bucket(bucket, args.by) for bucket in buckets), file, progress)
            case _ if csv:
                return store.export_breakdown(query, "conversation", file)
        return _write_lines(render_breakdown(store.breakdown(query, "conversation"))["data"], file, progress)
    finally:
        if progress is not None:
            sys.stderr.write("\r\x1b[K")


def _write_lines(rows: Iterable[Any], file: TextIO, progress: Callable[[int], None] | None) -> int:
    encode, count = msgspec.json.Encoder().encode, 0
    for row in rows:
        file.write(encode(row).decode() + "\n")
        count += 1
        if progress is not None and count % PROGRESS_ROWS == 0:
            progress(count)
    return count


def _progress(count: int) -> None:
    sys.stderr.write(f"\r{count:,} rows")
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
