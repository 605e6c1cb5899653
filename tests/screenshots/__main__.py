"""`python -m tests.screenshots [names]`: each page in both themes, as README shows it, into resources/screenshots.

The app runs as a person runs it, on a display of the window's size, on the demo's data; pages, states and themes are
reached by mouse and keyboard. README shows the pictures at the top; those in `states` are for looking at.
"""

import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gateway import DataFolder, Settings
from tests.screenshots.deflate import deflate_again
from tests.screenshots.huge import make_huge
from tests.screenshots.palette import keep_few_colours
from tests.screenshots.states import (
    ALL,
    DEMO_STATES,
    EMPTY_STATES,
    ERROR_STATES,
    HUGE_STATES,
    LARGE,
    LOADING_STATES,
    REPRICED_STATES,
    TROUBLED_STATES,
    Size,
    State,
)
from tests.waiting import wait_until
from tests.window.display import Display
from tests.window.real_app import ROOT, RealApp

PICTURES = ROOT / "resources" / "screenshots"
THEMES = ("light", "dark")
SETTLED_S = 0.3
STANDS_STILL_S = 5.0


def picture_path(state: State, theme: str, size: Size) -> Path:
    other = "" if size == LARGE else f"_{size.scale}x" if size.scale > 1 else f"_{size.width}"
    folder = PICTURES if state.readme and not other else PICTURES / "states"
    return folder / f"{state.name}{other}_{theme}.png"


def take(app: RealApp, state: State, theme: str, size: Size) -> None:
    state.reach(app)
    if state.name not in ("overview_tooltip", "tray_menu", "tray_menu_paused"):
        # Nothing is hovered in a picture, and a note stays where the pointer is.
        app.display.point(size.width - 1, size.height - 1)
    # What was done on the way there is told in passing, over what the picture is of.
    app.wait_for("toasts", [])
    time.sleep(SETTLED_S)
    if state not in LOADING_STATES:
        app.wait_for("painted")
    path = picture_path(state, theme, size)
    app.display.picture(path)
    keep_few_colours(path)
    deflate_again(path)
    print(f"{path.relative_to(ROOT)}  {path.stat().st_size / 1024:.0f} kB", flush=True)
    state.leave(app)


def take_all(
    folder: Path,
    size: Size,
    states: Sequence[State],
    *words: str,
    port: int | None = None,
    themes: Sequence[str] = THEMES,
    huge: bool = False,
) -> None:
    """One run of the app, on the usual port where none is named; `huge`: on what an earlier run has left there, many
    times over."""
    wanted = [state for state in states if size in state.sizes]
    if not wanted:
        return
    run = f"{size.width}-{size.scale}-{'-'.join(words)}"
    # A picture shows where the data is, and nothing of this machine.
    home = folder / f"home-{run}" / ".local" / "share" / "faregate"
    if huge:
        if not home.exists():
            with running(folder, home, run, size, words, port):
                pass
        make_huge(DataFolder(home).demo())
    with running(folder, home, run, size, words, port) as app:
        # A tray host changes what is in the corner from then on.
        for tray in (False, True):
            for theme in themes if any(one.tray is tray for one in wanted) else ():
                choose_theme(app, theme)
                for state in wanted:
                    if state.tray is tray:
                        take(app, state, theme, size)


def choose_theme(app: RealApp, theme: str) -> None:
    def chosen() -> bool:
        """What stands at the sidebar's foot moves while the first figures come."""
        app.click(f"theme.{theme}")
        time.sleep(SETTLED_S)
        return bool(app.ask("theme") == theme)

    wait_until(chosen, what="The theme")


@contextmanager
def running(
    folder: Path, home: Path, run: str, size: Size, words: Sequence[str], port: int | None
) -> Iterator[RealApp]:
    """The app over a whole screen, with all of its example history where it is the demo."""
    home.parent.mkdir(parents=True, exist_ok=True)
    port = usual_port() if port is None else port
    # Settings say of a port that is given so where it comes from; empty is as if none were.
    given = "" if port == Settings().port else str(port)
    variables = {"FAREGATE_PORT": given, "HOME": str(home.parents[2])}
    with (
        Display(folder / f"display-{run}.log", size=size[:2], tray=False, scale=size.scale) as display,
        RealApp(display, home, *words, **variables) as app,
    ):
        app.fill_screen(size[:2])
        if words == ("demo",):
            wait_until(lambda: stands_still(app), 120, "The history")
        yield app


def stands_still(app: RealApp) -> bool:
    """Whether the history is filled in."""
    before = app.ask("counts")["requests"]
    time.sleep(STANDS_STILL_S)
    return bool(before not in ("", "0") and app.ask("counts")["requests"] == before)


def usual_port() -> int:
    """Faregate's own port where it is free, so that pictures show it."""
    port = Settings().port
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return 0
    return port


def main(names: Sequence[str]) -> int:
    (PICTURES / "states").mkdir(parents=True, exist_ok=True)

    def asked(states: Sequence[State]) -> list[State]:
        return [state for state in states if not names or state.name in names]

    with tempfile.TemporaryDirectory(prefix="faregate-pictures-") as folder:
        for size in ALL:
            take_all(Path(folder), size, asked(DEMO_STATES), "demo")
            take_all(Path(folder), size, asked(EMPTY_STATES))
            # Another price stays, and would stand in the other theme's pictures.
            take_all(Path(folder) / "repriced", size, asked(REPRICED_STATES), "demo")
        for theme in THEMES:
            # What is opened for the first time can be seen once in a run.
            take_all(Path(folder) / theme, LARGE, asked(LOADING_STATES), "demo", themes=(theme,))
        take_all(Path(folder), LARGE, asked(ERROR_STATES), "demo")
        take_all(Path(folder), LARGE, asked(HUGE_STATES), "demo", huge=True)
        troubled = asked(TROUBLED_STATES)
        with socket.create_server(("127.0.0.1", usual_port())) as holder:
            take_all(Path(folder) / "troubled", LARGE, troubled, port=holder.getsockname()[1])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
