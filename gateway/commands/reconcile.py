"""`faregate reconcile`: a provider's bill against the rows, as a table, and as CSV where asked."""

import argparse
import sys
from pathlib import Path

from gateway.commands import UsageError, open_folder, print_table, tell
from gateway.errors import ClientError, FaregateError
from gateway.operations.bill_file import write_reconciliation
from gateway.reconcile import Question, lines, mapping_of, only_of, opener, rate_of, reconcile
from gateway.reconcile.records import Reconciliation
from gateway.store.usage import UsageStore

TITLES = ("day", "model", "kind", "requests", "difference", "why")


def run(args: argparse.Namespace) -> int:
    question = Question(
        provider=args.provider,
        tz=args.tz,
        mapping=mapping_of(args.map) if args.map else {},
        only=only_of(args.only),
        rate=rate_of(args.rate),
        own_keys=args.own_keys,
    )
    for name in args.files:
        if not Path(name).is_file():
            raise UsageError(f"{name} is no file: give the bill's CSV.")
    store = UsageStore(open_folder(args).path)
    store.start()
    try:
        done = _compared(args, store, question)
    finally:
        store.close()
    _show(done)
    if args.output is not None:
        write_reconciliation(done, Path(args.output))
        tell(f"Days and models written to {args.output}.")
    return 0


def _compared(args: argparse.Namespace, store: UsageStore, question: Question) -> Reconciliation:
    progress = _progress if sys.stderr.isatty() else None
    try:
        bills = [opener(Path(name)) for name in args.files]
        return reconcile(bills, store.iter_requests, question, progress, store.kept().rows_from_us)
    except ClientError as error:
        if error.param is not None:
            raise
        # The file is to blame, not the command line.
        raise FaregateError(error.message) from None
    finally:
        if progress is not None:
            sys.stderr.write("\r\x1b[K")


def _show(done: Reconciliation) -> None:
    said, rows = lines(done)
    for line in said:
        print("".join(c for c in line if c.isprintable()))
    if rows:
        print()
        print_table(TITLES, rows)


def _progress(count: int) -> None:
    sys.stderr.write(f"\r{count:,} read")
    sys.stderr.flush()
