"""The entry point `faregate`: the window for `faregate`, `faregate demo` and `make run`, else a command.

Qt is imported only for the window. What a user can cause is one line on standard error, never a traceback.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from app.launch import IN_TRAY
from gateway import FaregateError, named_folder, run_command

_DATA_DIR = "--data-dir"
# `run` is for `make run`: it chooses between the stored keys and the demo, and does without a display.
_DEMO = {(): False, ("demo",): True, ("run",): None}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command line and gives its exit code: 0 done, 1 failed, 2 wrong usage."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    words, data_dir = _without_data_dir(arguments)
    shown = None if words is None else tuple(word for word in words if word != IN_TRAY)
    if shown is None or shown not in _DEMO:
        return run_command(arguments)
    # Databases, journal and exports hold what people said and spent.
    os.umask(0o077)
    try:
        folder = None if data_dir is None else named_folder(_DATA_DIR, data_dir)
        return _run(_DEMO[shown], folder, announce=shown == ("run",), in_tray=shown != words)
    except FaregateError as error:
        print(f"faregate: {error.message}", file=sys.stderr)
        from app.start_failure import is_seen_on_screen_only, show_failure

        if is_seen_on_screen_only(os.environ):
            show_failure(error.message)
        return error.exit_code
    except KeyboardInterrupt:
        return 1


def _without_data_dir(arguments: Sequence[str]) -> tuple[tuple[str, ...] | None, str | None]:
    """The words without the folder's option; None where the option lacks its folder."""
    words: list[str] = []
    data_dir: str | None = None
    rest = iter(arguments)
    for word in rest:
        name, equals, value = word.partition("=")
        if name != _DATA_DIR:
            words.append(word)
            continue
        data_dir = value if equals else next(rest, "")
        if not data_dir.strip():
            return None, None
    return tuple(words), data_dir


def _run(demo: bool | None, data_dir: Path | None, *, announce: bool, in_tray: bool) -> int:
    from app.display import display_problem
    from app.launch import prepare, running_at

    launch = prepare(data_dir, demo=demo, announce=announce, in_tray=in_tray)
    if announce and (url := running_at(launch.outer)) is not None:
        print(f"Faregate already runs on {launch.outer.path}{f' at {url}' if url else ''}.", flush=True)
        return 0
    problem = display_problem(os.environ)
    if problem is None:
        from app.window_process import run_window

        return run_window(launch)
    if not announce:
        raise FaregateError(f"No window can be shown: {problem}. faregate serve runs the gateway without one.")
    print(f"No window can be shown: {problem}. The gateway runs without one.", file=sys.stderr, flush=True)
    from app.headless import run_headless

    return run_headless(launch)


if __name__ == "__main__":
    sys.exit(main())
