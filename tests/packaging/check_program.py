"""The frozen program as somebody has it who installed the package: an empty home, and no Python to be found."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openai
import pytest
from PySide6.QtGui import QImage

from tests.endtoend.serving import MODELS, upstreams
from tests.keyring.traces import traces_in
from tests.provider.client import ProviderProcess
from tests.telemetry.recorded import PROTOBUF, recordings
from tests.waiting import PATIENCE_S, wait_until
from tests.window.display import Display
from tests.window.real_app import RealApp, call, new_key
from tests.window.session_bus import SessionBus
from tests.window.test_provider_key import kept

KEY = "sk-proj-canary3Hs8Vq1Wd6Tz"
OWN_RULE = "[[capture.redact]]\nname = 'ticket'\npattern = 'TICKET-\\d+'\n"
CHAT = "/api/ai/v1/chat/completions"


def run(program: Path, *words: str, environ: dict[str, str], stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, *words], env=environ, input=stdin, capture_output=True, text=True, timeout=60, check=False
    )


@contextmanager
def serving(program: Path, environ: dict[str, str]) -> Iterator[dict[str, Any]]:
    """`faregate serve`; its ready line. It ends in order."""
    process = subprocess.Popen([program, "serve"], env=environ, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE_S) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def folder(home: Path) -> Path:
    return home / ".local" / "share" / "faregate"


def test_it_serves_without_a_window(
    program: Path, provider: ProviderProcess, bare: dict[str, str], folder: Path
) -> None:
    environ = bare | upstreams(provider.base_urls) | {"FAREGATE_VAULT": "memory"}
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(OWN_RULE)
    key = run(
        program, "api-key", "create", "--name", "laptop", "--role", "admin", environ=environ
    ).stdout.splitlines()[-1]
    with serving(program, environ) as ready:
        mapped = Path(f"/proc/{ready['pid']}/maps").read_text()
        assert "uvloop/loop" in mapped and str(program.parents[1]) in mapped
        assert "/site-packages/" not in mapped and ".pyenv" not in mapped, "only its own Python"

        client = openai.OpenAI(base_url=f"{ready['url']}/api/ai/v1", api_key=key)
        for model in MODELS.values():
            answer = client.chat.completions.create(
                model=model, messages=[{"role": "user", "content": "Say hello to TICKET-4711."}]
            )
            assert answer.choices[0].message.content
        chosen = next(one for one in recordings() if one.signal == "traces" and one.content_type == PROTOBUF)
        status, _, _ = _post(ready["url"], chosen.path, key, chosen.body, PROTOBUF)
        assert status == 200

        def rows() -> list[Any]:
            return list(json.loads(call(ready["url"], "/api/ai/v1/usage/requests?limit=9", key)[1])["data"])

        wait_until(lambda: len(rows()) == 4)
        assert {row["provider"] for row in rows()} == set(MODELS)
        assert all(float(row["cost_usd"]) > 0 and row["cost_source"] for row in rows()), "the price list is inside"
        status, metrics, _ = call(ready["url"], "/metrics", key)
        assert status == 200 and b"# TYPE" in metrics
    stored = [path for path in folder.iterdir() if path.is_file() and path.name != "config.toml"]
    assert len(stored) > 3
    assert [path.name for path in stored if b"TICKET-4711" in path.read_bytes()] == [], "the rule ran"

    assert run(program, "check", environ=environ).returncode == 0
    exported = run(program, "export", "--help", environ=environ)
    assert exported.returncode == 0 and exported.stdout.startswith("usage: faregate export")
    wrong = run(program, "serve", "--port", "none", environ=environ)
    assert (wrong.returncode, "Traceback" in wrong.stderr) == (2, False)


def _post(url: str, path: str, key: str, body: bytes, content_type: str) -> tuple[int, bytes, Any]:
    import http.client
    from urllib.parse import urlsplit

    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE_S)
    try:
        connection.request("POST", path, body, {"authorization": f"Bearer {key}", "content-type": content_type})
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers
    finally:
        connection.close()


def test_the_doctor_finds_nothing_missing(program: Path, bare: dict[str, str], session_bus: SessionBus) -> None:
    told = run(program, "doctor", environ=bare | session_bus.environment).stdout
    assert "FAIL" not in told
    assert "ok    keyring" in told and "system keyring" in told
    assert "ok    prices      The price list is genai-prices" in told


def test_a_key_from_the_command_line_goes_to_the_real_keyring(
    program: Path, provider: ProviderProcess, bare: dict[str, str], session_bus: SessionBus
) -> None:
    environ = bare | session_bus.environment | _urls(provider)
    done = run(program, "provider", "set", "openai", environ=environ, stdin=f"{KEY}\n")
    assert done.returncode == 0, done.stderr
    folder = Path(environ["XDG_DATA_HOME"]) / "faregate"
    assert kept(session_bus, folder) == KEY
    assert traces_in(folder, KEY) == []


def _urls(provider: ProviderProcess) -> dict[str, str]:
    return {f"FAREGATE_{name.upper()}_BASE_URL": url for name, url in provider.base_urls.items()}


PLACES = ("nav.providers", "provider_set_key", "provider_key", "provider_key_save")


def places_of(display: Display, home: Path, environ: dict[str, str]) -> dict[str, tuple[int, int]]:
    """Where a person clicks to add a key, told by the same window run from source, in the same size."""
    with RealApp(display, home, **environ) as app:
        found = {"nav.providers": app.find("place", name="nav.providers")}
        app.click("nav.providers")
        app.wait_for("text", "Providers", name="header.title")
        found["provider_set_key"] = app.find("place", name="provider_set_key", within="provider_openai")
        app.click("provider_set_key", within="provider_openai")
        found["provider_key"] = app.find("place", name="provider_key")
        app.write("provider_key", KEY)
        found["provider_key_save"] = app.find("place", name="provider_key_save")
    return found


def test_the_window_takes_a_key_and_serves(
    program: Path, display: Display, provider: ProviderProcess, session_bus: SessionBus, home: Path, tmp_path: Path
) -> None:
    environ = session_bus.environment | _urls(provider)
    places = places_of(display, tmp_path / "source", environ)

    folder = Path(environ["XDG_DATA_HOME"]) / "faregate"
    own = new_key(folder, "admin")
    allowed = {name: value for name, value in display.environment().items() if name in ("DISPLAY", "LANG", "TZ")}
    process = subprocess.Popen(
        [program],
        env=allowed | environ | {"PATH": "", "FAREGATE_PORT": "0"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        url = _url_of(folder)
        window = _window(display, process.pid)
        display.focus(window)
        picture = tmp_path / "window.png"
        display.picture(picture, window)
        assert _colours(picture) > 30, "the window is painted"

        wait_until(lambda: _key_added(display, window, places, session_bus, folder), what="The key in the keyring")
        assert traces_in(folder, KEY) == []

        body = {"model": MODELS["openai"], "messages": [{"role": "user", "content": "Hello."}]}
        status, answer, headers = call(url, CHAT, own, body)
        assert status == 200, answer

        def listed() -> list[str]:
            return [row["id"] for row in json.loads(call(url, "/api/ai/v1/usage/requests?limit=5", own)[1])["data"]]

        wait_until(listed, what="The call's row")
        assert listed() == [headers["x-request-id"]]
        display.picture(tmp_path / "after.png", window)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, said) == (0, b"")
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_its_charts_are_drawn(
    program: Path, display: Display, bare: dict[str, str], home: Path, tmp_path: Path
) -> None:
    """On the demo's history: each card has the colours of its series below its menu."""
    with RealApp(display, tmp_path / "source", "demo", FAREGATE_VAULT="memory") as app:
        places = [app.find("place", name=f"chart.{key}.more") for key in ("requests", "tokens", "cost", "latency")]
    environ = bare | {"DISPLAY": display.name, "FAREGATE_VAULT": "memory", "XDG_RUNTIME_DIR": str(home)}
    process = subprocess.Popen([program, "demo"], env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    picture = tmp_path / "charts.png"
    try:
        window = _window(display, process.pid)

        def drawn() -> bool:
            display.picture(picture, window)
            image = QImage(str(picture))
            return all(_coloured(image, x - 300, y + 30, 300, 130) > 300 for x, y in places)

        wait_until(drawn, what=f"Four charts in {picture}")
    finally:
        process.kill()
        process.wait()


def _coloured(image: QImage, left: int, top: int, width: int, height: int) -> int:
    """How many pixels of a part are of a strong colour: neither ground nor words."""
    colours = (image.pixelColor(x, y) for x in range(left, left + width) for y in range(top, top + height))
    return sum(colour.hslSaturation() > 100 and 40 < colour.lightness() < 220 for colour in colours)


def _key_added(
    display: Display, window: int, places: dict[str, tuple[int, int]], bus: SessionBus, folder: Path
) -> bool:
    """The whole way once; whether the key has come to the keyring. Nothing tells from outside that a page is ready
    for the next click but that it stands still."""
    display.press("Escape")
    for name in PLACES[:3]:
        display.click(*places[name])
        _stands_still(display, window)
    display.press("ctrl+a")
    display.type(KEY)
    display.click(*places["provider_key_save"])
    _stands_still(display, window)
    return bool(kept(bus, folder) == KEY)


def _stands_still(display: Display, window: int) -> None:
    pictures: list[bytes] = []

    def same() -> bool:
        pictures.append(display.pixels(window))
        return len(set(pictures[-3:])) == 1 and len(pictures) > 2

    wait_until(same, what="The window's rest", pause=0.15)


def _url_of(folder: Path) -> str:
    from gateway.folder import DataFolder

    def url() -> str:
        holder = DataFolder(folder).holder()
        return holder.url if holder is not None and not holder.url.endswith((":0", "/")) else ""

    wait_until(url, what="The gateway")
    return url()


def _window(display: Display, pid: int) -> int:
    wait_until(lambda: display.windows_of(pid, "^Faregate$"), what="The window")
    return display.windows_of(pid, "^Faregate$")[0]


def _colours(path: Path) -> int:
    image = QImage(str(path))
    return len({image.pixel(x, y) for x in range(0, image.width(), 5) for y in range(0, image.height(), 5)})


def test_a_second_start_raises_the_first_window(
    program: Path, display: Display, bare: dict[str, str], home: Path
) -> None:
    environ = bare | {"DISPLAY": display.name, "FAREGATE_VAULT": "memory", "XDG_RUNTIME_DIR": str(home)}
    first = subprocess.Popen([program, "demo"], env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _url_of(home / ".local" / "share" / "faregate" / "demo")
        again = run(program, "demo", environ=environ)
        assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
        assert first.poll() is None
        os.kill(first.pid, signal.SIGTERM)
        assert first.wait(timeout=PATIENCE_S) == 0
    finally:
        first.kill()
        first.wait()
