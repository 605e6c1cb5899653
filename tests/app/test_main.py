"""The entry point: which command opens what, and `make run` for real, with a window and without a display."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QMessageBox

import app.__main__ as entry
from app.display import display_problem
from app.launch import curl_line, demo_without_looking, example_model, prepare, running_at
from gateway import DataFolder, ModelRow, ProviderRow, Settings, load_settings
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("FAREGATE_")]:
        monkeypatch.delenv(name)


# which command opens what


@pytest.mark.parametrize(
    ("arguments", "demo", "announce"),
    [
        ([], False, False),
        (["demo"], True, False),
        (["run"], None, True),
    ],
)
@pytest.mark.parametrize("place", ["before", "after", "joined"])
def test_the_windows_own_commands(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    demo: bool | None,
    announce: bool,
    place: str,
) -> None:
    seen: list[object] = []

    def run(demo: bool | None, data_dir: Path | None, *, announce: bool, in_tray: bool) -> int:
        seen.extend((demo, data_dir, announce, in_tray))
        return 7

    monkeypatch.setattr(entry, "_run", run)
    folder = ["--data-dir", str(tmp_path)] if place != "joined" else [f"--data-dir={tmp_path}"]
    assert entry.main([*folder, *arguments] if place == "before" else [*arguments, *folder]) == 7
    assert entry.main([*arguments, *folder, "--in-tray"]) == 7
    assert seen == [demo, tmp_path, announce, False, demo, tmp_path, announce, True]


@pytest.mark.parametrize(
    "arguments",
    [
        ["serve", "--port", "0"],
        ["--help"],
        ["api-key", "list", "--data-dir", "x"],
        ["serve", "--data-dir", "~nobody-at-all"],
        ["demo", "now"],
        ["serve", "--in-tray"],
        ["--data-dir"],
        ["--data-dir= "],
    ],
)
def test_everything_else_is_a_command(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    seen: list[object] = []
    monkeypatch.setattr(entry, "run_command", lambda argv: seen.append(argv) or 5)
    assert entry.main(arguments) == 5
    assert seen == [arguments]


def test_a_folder_of_a_user_who_is_not_known_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["--data-dir=~nobody-at-all"]) == 1
    said = capsys.readouterr().err
    assert said == "faregate: --data-dir=~nobody-at-all names a user who is not known here: give a path.\n"


def test_a_wrong_setting_is_one_line_and_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.toml").write_text("[server]\nport = 99999\n")
    assert entry.main(["--data-dir", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("faregate: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize("launched", [True, False], ids=["from a menu", "in a terminal that a menu opened"])
def test_what_keeps_the_window_from_opening_is_shown_where_nobody_reads_standard_error(
    tmp_path: Path, qapp: QApplication, monkeypatch: pytest.MonkeyPatch, launched: bool
) -> None:
    shown: list[str] = []
    monkeypatch.setattr(QMessageBox, "exec", lambda box: shown.append(box.informativeText()))
    monkeypatch.setenv("GIO_LAUNCHED_DESKTOP_FILE_PID", str(os.getpid() if launched else os.getppid()))
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    (tmp_path / "config.toml").write_text("[server")
    assert entry.main(["--data-dir", str(tmp_path)]) == 2
    assert [text.startswith(f"{tmp_path / 'config.toml'} is not valid TOML") for text in shown] == [True] * launched
    qapp.setStyle("Fusion")


def test_a_command_needs_no_qt() -> None:
    code = "import sys, app.__main__ as m; m.main(['--help']); sys.exit('PySide6' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False).returncode == 0


# what is known before there is a gateway


def test_the_demo_is_chosen_by_what_the_settings_and_the_folder_say(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    assert demo_without_looking(folder, Settings()) is True, "a new folder has no key"
    with_key = load_settings(tmp_path, {"FAREGATE_OPENAI_API_KEY": "sk-test"})
    assert demo_without_looking(folder, with_key) is False
    folder.state_db.touch()
    assert demo_without_looking(folder, Settings()) is None, "its vault must be asked"
    assert prepare(tmp_path, demo=None).demo is None
    assert prepare(tmp_path, demo=True).folder.path == tmp_path / "demo"


def test_a_running_faregate_is_found_in_the_folder_and_in_its_demo(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    assert running_at(folder) is None
    lock = folder.demo().lock("http://127.0.0.1:4321")
    assert running_at(folder) == "http://127.0.0.1:4321"
    lock.release()
    assert running_at(folder) is None


def _provider(name: str, source: str) -> ProviderRow:
    return ProviderRow(name=name, title=name, dialect="openai_chat", base_url="http://x", key_source=source)


@pytest.mark.parametrize(
    ("sources", "model"),
    [({"openai": "none", "google": "vault"}, "g-1"), ({"openai": "environment"}, "o-2"), ({}, "o-2")],
)
def test_the_example_uses_a_live_chat_model_that_can_be_called(sources: Mapping[str, str], model: str) -> None:
    models = [
        ModelRow(id="o-1", provider="openai", title="", state="retired"),
        ModelRow(id="o-embed", provider="openai", title="", kind="embedding"),
        ModelRow(id="o-2", provider="openai", title=""),
        ModelRow(id="g-1", provider="google", title=""),
    ]
    assert example_model(models, [_provider(*row) for row in sources.items()]) == model


def test_the_curl_line_has_a_json_body_and_no_content_type() -> None:
    line = curl_line("http://127.0.0.1:4210", "tk_x", "o-2")
    assert "Content-Type" not in line
    body = line.split(" -d ")[1].strip("'")
    assert json.loads(body)["model"] == "o-2"


# displays


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({}, "there is no display"),
        ({"DISPLAY": ":98765"}, "no display answers at DISPLAY=:98765"),
        ({"QT_QPA_PLATFORM": "offscreen"}, None),
        ({"QT_QPA_PLATFORM": "offscreen", "DISPLAY": ":98765"}, None),
    ],
)
def test_a_display_is_looked_for_before_qt_is_asked(environ: Mapping[str, str], problem: str | None) -> None:
    said = display_problem(environ)
    assert said == problem or (problem is not None and said is not None and said.startswith(problem))


# for real


@contextmanager
def running(folder: Path, *arguments: str, **environ: str) -> Iterator[subprocess.Popen[str]]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    }
    command = [sys.executable, "-X", "dev", "-m", "app", *arguments, "--data-dir", str(folder)]
    settings = {"FAREGATE_PORT": "0", "FAREGATE_VAULT": "memory", **environ}
    with subprocess.Popen(
        command, cwd=ROOT, env={**kept, **settings}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def lines(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().rstrip("\n") for _ in range(count)]


@pytest.mark.parametrize("environ", [{}, {"QT_QPA_PLATFORM": "offscreen"}], ids=["headless", "window"])
def test_make_run_prints_a_line_that_can_be_pasted(tmp_path: Path, environ: dict[str, str]) -> None:
    folder = tmp_path / "folder"
    with running(folder, "run", **environ) as process:
        endpoint, key, curl = lines(process, 3)
        assert endpoint.startswith("Faregate runs at http://127.0.0.1:")
        assert "demo" in endpoint, "a new folder has no key"
        assert key.startswith("Key, valid until it stops: tk_")
        answer = json.loads(subprocess.run(f"{curl} -s", shell=True, capture_output=True, check=True).stdout)
        assert answer["choices"][0]["message"]["content"]
        with running(folder, "run", **environ) as second:
            said = lines(second, 1)[0]
            assert said == f"Faregate already runs on {folder} at {endpoint.split()[3]}."
            assert second.wait(30) == 0
        # The example history is still being written in the first moments; ending must not mind.
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert "Traceback" not in err
        assert ("without one" in err) == (not environ)


def test_a_second_window_raises_the_first_and_ends(tmp_path: Path) -> None:
    offscreen = {"QT_QPA_PLATFORM": "offscreen"}
    with running(tmp_path, "demo", **offscreen) as first:
        wait_until((tmp_path / "demo" / "window.sock").exists, pause=0.05)
        with running(tmp_path, "demo", **offscreen) as second:
            assert second.wait(60) == 0
        assert first.poll() is None


def test_without_a_display_the_window_names_the_command_that_needs_none(tmp_path: Path) -> None:
    with running(tmp_path) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert "faregate serve" in err
    assert err.count("\n") == 1


def test_a_folder_that_serve_holds_is_named_with_its_url(tmp_path: Path) -> None:
    lock = DataFolder(tmp_path).lock("http://127.0.0.1:4567")
    with running(tmp_path, QT_QPA_PLATFORM="offscreen") as process:
        _, err = process.communicate(timeout=60)
    lock.release()
    assert process.returncode == 1
    assert "http://127.0.0.1:4567" in err
