"""The command line without the window: one parser, and per command a module that is imported only when it is run.

Exit codes: 0 done, 1 failed, 2 wrong usage. What a user can cause is one line on standard error; a traceback is a
bug. The window's own commands (`faregate`, `faregate demo`) are dispatched before this is reached.
"""

import argparse
import io
import os
import sqlite3
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from gateway.capture.matcher import MATCHER
from gateway.capture.matcher import main as match_redactions
from gateway.errors import FaregateError, GatewayError
from gateway.number_filters import NUMBERS

if TYPE_CHECKING:
    _Commands: TypeAlias = "argparse._SubParsersAction[_Parser]"

Run = Callable[[argparse.Namespace], int]
# What `app` takes before this parser sees it; here for the help's sake.
_WINDOW = (
    "faregate alone opens the window, faregate demo opens it on simulated providers; with --in-tray only their icon "
    "is shown, where the desktop has a tray."
)


class _Version(argparse.Action):
    """Looks for the version only where it is asked for, which takes longer than most commands."""

    def __call__(self, parser: argparse.ArgumentParser, *_arguments: object) -> NoReturn:
        from gateway.version import VERSION

        print(f"{parser.prog} {VERSION}")
        parser.exit()


class _Parser(argparse.ArgumentParser):
    """A wrong argument is one line and exit code 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and gives its exit code."""
    # Databases, journal and exports hold what people said and spent.
    os.umask(0o077)
    _mend_streams()
    if (sys.argv[1:] if argv is None else argv) == [MATCHER]:
        match_redactions()
        return 0
    parser = build_parser()
    try:
        args = parser.parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    if args.run is None:
        parser.print_usage(sys.stderr)
        return 2
    try:
        run: Run = args.run
        code = run(args)
        sys.stdout.flush()
        return code
    except FaregateError as error:
        return _failed(error.message, error.exit_code)
    except GatewayError as error:
        return _failed(error.message, 2 if error.status == 400 else 1)
    except (KeyboardInterrupt, EOFError):
        return _failed("stopped.", 1)
    except BrokenPipeError:
        # Whoever read our output has left (`| head`); the interpreter's own last flush must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        reason = error.strerror or str(error)
        if error.filename:
            return _failed(f"{error.filename} cannot be used ({reason}): check its path and mode.", 1)
        return _failed(f"reading or writing failed ({reason}): check the space on the disk.", 1)
    except sqlite3.Error as error:
        from gateway.schema import unusable

        return _failed(unusable("the data folder's database", error).message, 1)


def _mend_streams() -> None:
    """Streams that a caller closed (`<&-`) are there again, and no character of a name is more than they can say."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            # In their order, so that they get the closed ones' numbers, which no database may have.
            nothing = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(nothing, mode, encoding="utf-8", closefd=False))
        elif mode == "w" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _failed(message: str, code: int) -> int:
    print(f"faregate: {message}", file=sys.stderr)
    return code


def build_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="faregate", description="A gateway for AI providers that meters every request.", epilog=_WINDOW
    )
    parser.set_defaults(run=None)
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    _add_data_dir(parser)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Parser)
    for add in (
        _add_serve,
        _add_api_key,
        _add_provider,
        _add_export,
        _add_check,
        _add_reconcile,
        _add_prune,
        _add_doctor,
    ):
        add(commands)
    return parser


def _add_data_dir(parser: argparse.ArgumentParser) -> None:
    # Without a default, so that an inner parser does not undo what stood before the command.
    parser.add_argument(
        "--data-dir",
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="the data folder (default: FAREGATE_HOME, else the user's data directory)",
    )


def _command(commands: "_Commands", name: str, run: Run | None, summary: str) -> _Parser:
    parser = commands.add_parser(
        name, help=summary, description=summary[0].upper() + summary[1:] + ".", allow_abbrev=False
    )
    if run is not None:
        parser.set_defaults(run=run)
    _add_data_dir(parser)
    return parser


def _add_serve(commands: "_Commands") -> None:
    parser = _command(commands, "serve", _serve, "run the gateway without a window")
    parser.add_argument("--host", help="the address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", help="the port to listen on, 0 for any free one (default 4210)")
    parser.add_argument("--workers", type=int, default=1, metavar="1", help="processes; this version runs one")
    parser.add_argument("--demo", action="store_true", help="on simulated providers, in the sub-folder demo/")


def _add_api_key(commands: "_Commands") -> None:
    parser = _command(commands, "api-key", _create_api_key, "make, list and revoke the tk_ keys that tools use")
    _add_new_key(parser)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", parser_class=_Parser)
    _add_new_key(
        _command(actions, "create", _create_api_key, "make a key; it is printed once, alone on the last line")
    )
    _command(actions, "list", _list_api_keys, "list all keys")
    revoke = _command(actions, "revoke", _revoke_api_key, "refuse a key from now on; answers under way go on")
    revoke.add_argument("key", metavar="NAME_OR_ID")


def _add_new_key(parser: argparse.ArgumentParser) -> None:
    # No defaults: the inner parser's would undo what the outer one read.
    for flag, metavar, text in (
        ("--name", "NAME", "what the key is for"),
        ("--role", "read|execute|admin", "what it may do (default execute)"),
        ("--user", "WHO", "whom its requests are counted for"),
        ("--tags", "a:b,c:d", "tags that all its requests carry"),
    ):
        parser.add_argument(flag, metavar=metavar, default=argparse.SUPPRESS, help=text)


def _add_provider(commands: "_Commands") -> None:
    parser = _command(commands, "provider", None, "store, list, test and remove provider keys")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", parser_class=_Parser, required=True)
    store = _command(actions, "set", _set_provider, "store a provider's key, read from standard input")
    store.add_argument("name", metavar="NAME")
    store.add_argument("--no-verify", action="store_true", help="do not try the key against the provider first")
    _command(actions, "list", _list_providers, "list providers and where their keys come from")
    test = _command(actions, "test", _test_provider, "try a provider's key")
    test.add_argument("name", metavar="NAME")
    remove = _command(actions, "remove", _remove_provider, "remove a provider's stored key")
    remove.add_argument("name", metavar="NAME")


def _add_export(commands: "_Commands") -> None:
    parser = _command(commands, "export", _export, "write usage to a file for a spreadsheet or script")
    parser.add_argument("--what", choices=("requests", "buckets", "conversations"), required=True)
    parser.add_argument("--from", dest="start", metavar="TIME", help="ISO 8601 or epoch seconds, inclusive")
    parser.add_argument("--to", dest="end", metavar="TIME", help="ISO 8601 or epoch seconds, exclusive")
    parser.add_argument("--tz", metavar="ZONE", help="IANA name for times without offset, days, weeks and months")
    for name in ("provider", "model", "key", "user", "door", "client", "app", "conversation", "trace", "outcome"):
        parser.add_argument(
            f"--{name}", action="append", default=[], metavar=name.upper(), help="only these (repeatable)"
        )
    parser.add_argument(
        "--tag", action="append", default=[], metavar="KEY[:VALUE]", help="only these (repeatable: all)"
    )
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="'FIELD>N'",
        help=f"only these, as 'cost>0.01' or 'latency>5s' (repeatable: all): {', '.join(NUMBERS)}",
    )
    parser.add_argument(
        "--text", action="append", default=[], metavar="WORD", help="only where model, user or key holds it"
    )
    parser.add_argument("--bucket", metavar="WIDTH", help="15m, hour, day, week or month, for buckets (default hour)")
    parser.add_argument("--by", metavar="DIMENSION", help="split buckets by model, provider, key, user, tag:KEY …")
    parser.add_argument("--sort", metavar="FIELD", help="largest first, for conversations (default cost_usd)")
    parser.add_argument("--format", choices=("csv", "jsonl"), default="csv")
    parser.add_argument("--bom", action="store_true", help="begin CSV with a byte order mark, for older spreadsheets")
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="- for standard output")


def _add_check(commands: "_Commands") -> None:
    parser = _command(commands, "check", _check, "compare requests with the buckets made of them")
    parser.add_argument("--rebuild", action="store_true", help="make all buckets anew from the requests")


def _add_prune(commands: "_Commands") -> None:
    _command(commands, "prune", _prune, "take away what retention no longer keeps, now")


def _add_reconcile(commands: "_Commands") -> None:
    parser = _command(commands, "reconcile", _reconcile, "compare a provider's bill or usage export with the rows")
    parser.add_argument(
        "files", metavar="FILE", nargs="+", help="CSV; several where usage and costs, or months, come apart"
    )
    parser.add_argument("--provider", metavar="NAME", help="whose bill it is, where the file does not say")
    parser.add_argument("--tz", metavar="ZONE", help="IANA name of the bill's days (default: found by comparing)")
    parser.add_argument("--map", metavar="FIELD=COLUMN,…", help="time=Date,model=Model,cost=Cost … for other forms")
    parser.add_argument("--only", action="append", default=[], metavar="COLUMN=TEXT", help="only these lines")
    parser.add_argument("--rate", metavar="DOLLARS", help="what a unit costs, for bills in another currency")
    parser.add_argument("--own-keys", action="store_true", help="calls with a caller's own key are on this bill too")
    parser.add_argument("-o", "--output", metavar="FILE", help="every day and model as CSV")


def _add_doctor(commands: "_Commands") -> None:
    _command(commands, "doctor", _doctor, "look for what keeps Faregate from working here")


# A function per command, importing what it needs only when it runs: `api-key` waits for no web server.


def _serve(args: argparse.Namespace) -> int:
    from gateway.commands import serve

    return serve.run(args)


def _create_api_key(args: argparse.Namespace) -> int:
    from gateway.commands import api_key

    return api_key.create(args)


def _list_api_keys(args: argparse.Namespace) -> int:
    from gateway.commands import api_key

    return api_key.show(args)


def _revoke_api_key(args: argparse.Namespace) -> int:
    from gateway.commands import api_key

    return api_key.revoke(args)


def _set_provider(args: argparse.Namespace) -> int:
    from gateway.commands import provider

    return provider.store(args)


def _list_providers(args: argparse.Namespace) -> int:
    from gateway.commands import provider

    return provider.show(args)


def _test_provider(args: argparse.Namespace) -> int:
    from gateway.commands import provider

    return provider.test(args)


def _remove_provider(args: argparse.Namespace) -> int:
    from gateway.commands import provider

    return provider.remove(args)


def _export(args: argparse.Namespace) -> int:
    from gateway.commands import export

    return export.run(args)


def _check(args: argparse.Namespace) -> int:
    from gateway.commands import check

    return check.run(args)


def _prune(args: argparse.Namespace) -> int:
    from gateway.commands import prune

    return prune.run(args)


def _reconcile(args: argparse.Namespace) -> int:
    from gateway.commands import reconcile

    return reconcile.run(args)


def _doctor(args: argparse.Namespace) -> int:
    from gateway.commands import doctor

    return doctor.run(args)
