"""How Faregate starts: twice, beside a gateway, without a display, by `make run`, and after it was killed."""

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.endtoend.serving import CHAT, MODELS, Served, upstreams
from tests.provider.client import ProviderProcess
from tests.window.display import Display
from tests.window.real_app import ROOT, RealApp, call, new_key

HELLO = [{"role": "user", "content": "Hello."}]
FAREGATE = [sys.executable, "-W", "error", "-m", "app"]


def variables(display: Display, home: Path, **more: str) -> dict[str, str]:
    return (
        display.environment() | {"FAREGATE_HOME": str(home), "FAREGATE_PORT": "0", "FAREGATE_VAULT": "memory"} | more
    )


def run_to_its_end(environ: dict[str, str], *words: str) -> tuple[int, str, str]:
    """Exit code, what it printed, what it complained of."""
    done = subprocess.run(
        [*FAREGATE, *words], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout, done.stderr


@contextmanager
def printing(command: list[str], environ: dict[str, str], log: Path) -> Iterator[list[str]]:
    """The three lines of `faregate run`. It is ended in order, and what it complained of is in `log`."""
    with log.open("wb") as errors:
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=errors, text=True)
    assert process.stdout is not None
    try:
        lines = [process.stdout.readline() for _ in range(3)]
        assert all(lines), log.read_text()
        yield [line.rstrip("\n") for line in lines]
    finally:
        # Faregate itself, not the make that waits for it: make would end by the signal and hide the exit code.
        started = psutil.Process(process.pid)
        (started.children(recursive=True) or [started])[-1].send_signal(signal.SIGINT)
        process.wait(timeout=30)
        process.stdout.close()
    assert process.returncode == 0, log.read_text()


def said_by_curl(line: str, *more: str) -> str:
    """Paste the printed line into a shell."""
    pasted = " ".join((line, "--silent --show-error --fail-with-body --max-time 30", *more))
    done = subprocess.run(["sh", "-c", pasted], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_second_start_raises_the_first_window(display: Display, home: Path) -> None:
    with RealApp(display, home, FAREGATE_VAULT="memory") as app:
        app.click_on("place_of_tray")
        app.wait_for_window("Window", False)
        assert run_to_its_end(variables(display, home)) == (0, "", "")
        app.wait_for_window("Window")
        # `make run` says where it runs.
        code, printed, errors = run_to_its_end(variables(display, home), "run")
        assert (code, errors) == (0, "") and printed == f"Faregate already runs on {home} at {app.url}.\n"


def test_at_login_it_sits_in_the_tray_until_it_is_asked_for(
    display: Display, provider: ProviderProcess, home: Path
) -> None:
    key = new_key(home)
    tools = {"FAREGATE_VAULT": "memory", **upstreams(provider.base_urls)}
    with RealApp(display, home, "--in-tray", **tools) as app:
        app.wait_for_window("Window", False)
        status, _, _ = call(app.url, CHAT, key, {"model": MODELS["openai"], "messages": HELLO})
        assert status == 200
        assert run_to_its_end(variables(display, home), "--in-tray") == (0, "", "")
        app.wait_for_window("Window", False)
        assert run_to_its_end(variables(display, home)) == (0, "", "")
        app.wait_for_window("Window")
        app.wait_for("page", "Overview")
        app.wait_for("requests_drawn", 1)


def test_a_folder_that_a_gateway_serves_is_left_to_it(display: Display, home: Path) -> None:
    with Served(home) as served:
        code, printed, errors = run_to_its_end(variables(display, home), "run")
        assert (code, printed, errors) == (0, f"Faregate already runs on {home} at {served.url}.\n", "")
        code, printed, errors = run_to_its_end(variables(display, home))
        assert (code, printed) == (1, "")
        assert errors.count("\n") == 1 and served.url in errors and str(home) in errors


@pytest.mark.parametrize("shown_at", [None, ":4711"], ids=["no display", "a display that is not there"])
def test_without_a_display_the_same_gateway_runs(display: Display, home: Path, shown_at: str | None) -> None:
    environ = {name: value for name, value in variables(display, home).items() if name != "DISPLAY"}
    environ |= {"DISPLAY": shown_at} if shown_at else {}
    log = home.parent / "log"
    with printing([*FAREGATE, "run"], environ, log) as (first, second, line):
        assert re.fullmatch(r"Faregate runs at http://127\.0\.0\.1:\d+ on simulated providers \(demo\)", first)
        assert re.fullmatch(r"Key, valid until it stops: tk_[\w-]{43}", second)
        assert line.startswith("curl http://127.0.0.1:") and second.split()[-1] in line
        # curl's own type for -d is a form's, and one may leave the header out.
        for more in ((), ("-H", "Content-Type:")):
            assert '"finish_reason":"stop"' in said_by_curl(line, *more).replace(" ", "")
    complaint = log.read_text()
    assert complaint.count("\n") == 1
    assert complaint.startswith("No window can be shown: ") and complaint.endswith("The gateway runs without one.\n")


def test_what_make_run_prints_answers(display: Display, home: Path) -> None:
    make = shutil.which("make")
    assert make is not None
    command = [make, "run", f"VENV={sys.prefix}"]
    log = home.parent / "log"
    # The suite is itself run by make, whose variables would make this one its child.
    environ = {
        name: value for name, value in variables(display, home).items() if not name.startswith(("MAKE", "MFLAGS"))
    }
    with printing(command, environ, log) as (first, _, line):
        assert first.endswith(" on simulated providers (demo)")
        assert '"finish_reason":"stop"' in said_by_curl(line).replace(" ", "")
    # Where the project's files are newer than what is installed, make says that it installs.
    assert [line for line in log.read_text().splitlines() if not line.startswith("Installing Faregate")] == []


def test_what_was_answered_survives_a_kill(display: Display, provider: ProviderProcess, home: Path) -> None:
    key = new_key(home)
    app = RealApp(display, home, FAREGATE_VAULT="memory", **upstreams(provider.base_urls))
    received = []
    with app:
        app.click("nav.requests")
        for number in range(12):
            model = list(MODELS.values())[number % 4]
            body = {"model": model, "messages": [{"role": "user", "content": "Hello."}], "stream": number % 3 == 0}
            status, _, headers = call(app.url, CHAT, key, body)
            assert status == 200
            received.append(headers["x-request-id"])
        app.kill()
    with app:
        app.wait_for("page", "Overview")
        app.wait_for("requests_drawn", 12)
        app.click("nav.requests")
        app.wait_for("rows", 12, name="requests_table")
        rows = app.usage("requests", key, limit=100)["data"]
        assert sorted(row["id"] for row in rows) == sorted(received)
        assert {row["outcome"] for row in rows} == {"ok"}
        lines = app.ask("table", name="requests_table")["rows"]
        assert [line[1] for line in lines] == ["200"] * 12
