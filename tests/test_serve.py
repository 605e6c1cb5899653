"""`faregate serve` as a process: ready, asked, stopped; a held folder and a taken port are one line each."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.folder import DataFolder, Holder
from tests.test_cli import COMMAND, ROOT, assert_failed, environment, run
from tests.waiting import PATIENCE_S, wait_until

MODEL = "gpt-4.1-mini"


class Served:
    """A running `faregate serve`; `url` from its ready line."""

    def __init__(self, folder: Path, *args: str, **more: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, "serve", *args],
            cwd=ROOT,
            env=environment(folder, **more),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()
        self.ready: dict[str, Any] = json.loads(line)
        self.url: str = self.ready["url"]

    def ask(self, path: str, key: str | None = None, body: Any = None) -> tuple[int, Any]:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, out, err


@contextlib.contextmanager
def served(folder: Path, *args: str, **more: str) -> Iterator[Served]:
    gateway = Served(folder, *args, **more)
    try:
        yield gateway
    finally:
        if gateway.process.poll() is None:
            gateway.process.kill()
            gateway.process.communicate(timeout=PATIENCE_S)


def made_key(folder: Path, role: str = "execute") -> str:
    return run(folder, "api-key", "create", "--name", f"{role} key", "--role", role).stdout.splitlines()[-1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ready_then_drained(tmp_path: Path, number: int) -> None:
    with served(tmp_path, "--port", "0") as gateway:
        assert gateway.ready == {"event": "ready", "url": gateway.url, "pid": gateway.process.pid}
        port = int(gateway.url.rpartition(":")[2])
        assert gateway.url == f"http://127.0.0.1:{port}" and port != 0
        status, _ = gateway.ask("/api/ai/v1/models")
        assert status == 401
        assert DataFolder(tmp_path).holder() == Holder(gateway.process.pid, gateway.url)
        code, out, err = gateway.stop(number)
        assert (code, out) == (0, ""), err
        assert "Traceback" not in err
    assert DataFolder(tmp_path).holder() is None


def test_what_start_up_made_is_set_aside_from_collections(tmp_path: Path) -> None:
    """Left among the rest, it is looked at again by every full collection, and held the loop for 20 ms."""
    told = "import atexit, gc, sys; atexit.register(lambda: print(gc.get_freeze_count(), len(gc.get_objects())))"
    command = [sys.executable, "-W", "error", "-c", f"{told}; from gateway.cli import main; sys.exit(main())"]
    process = subprocess.Popen(
        [*command, "serve", "--port", "0"],
        cwd=ROOT,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["event"] == "ready"
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=PATIENCE_S)
    set_aside, others = map(int, out.split())
    assert process.returncode == 0, err
    assert set_aside > 10 * others


def test_a_key_made_while_it_runs_works_without_a_new_start(tmp_path: Path) -> None:
    with served(tmp_path, "--port", "0") as gateway:
        key = made_key(tmp_path, "read")
        wait_until(lambda: gateway.ask("/api/ai/v1/models", key)[0] == 200)
        run(tmp_path, "api-key", "revoke", "read key")
        wait_until(lambda: gateway.ask("/api/ai/v1/models", key)[0] == 401)
        assert gateway.stop()[0] == 0


def test_a_provider_key_stored_while_it_runs_is_used(tmp_path: Path) -> None:
    body = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]}
    # Nothing listens there: a provider that has a key is called, and cannot be reached.
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        base_url = f"http://127.0.0.1:{closed.getsockname()[1]}/v1"
        with served(tmp_path, "--port", "0", FAREGATE_OPENAI_BASE_URL=base_url) as gateway:
            key = made_key(tmp_path)
            wait_until(lambda: gateway.ask("/api/ai/v1/models", key)[0] == 200)
            assert gateway.ask("/api/ai/v1/chat/completions", key, body)[0] == 503
            run(tmp_path, "provider", "set", "openai", "--no-verify", stdin="sk-proj-0123456789abcdef")
            wait_until(lambda: gateway.ask("/api/ai/v1/chat/completions", key, body)[0] == 502)
            assert gateway.stop()[0] == 0


def test_the_demo_answers_and_leaves_the_real_folder_empty(tmp_path: Path) -> None:
    with served(tmp_path, "--port", "0", "--demo") as gateway:
        key = made_key(tmp_path / "demo")
        wait_until(lambda: gateway.ask("/api/ai/v1/models", key)[0] == 200)
        body = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]}
        # Exports come and go while the gateway runs; each must see what was asked before it, none may cut it off.
        for count in range(1, 4):
            status, answer = gateway.ask("/api/ai/v1/chat/completions", key, body)
            assert status == 200 and answer["choices"][0]["message"]["content"]
            wait_until(lambda: rows_of(tmp_path / "demo", "execute key") == count)  # noqa: B023
        assert gateway.stop()[0] == 0
    assert not (tmp_path / "usage.db").exists()
    assert rows_of(tmp_path / "demo", "execute key") == 3


def rows_of(folder: Path, key: str) -> int:
    exported = run(folder, "export", "--what", "requests", "--key", key, "-o", "-")
    assert exported.returncode == 0, exported.stderr
    return len(exported.stdout.splitlines()) - 1


def test_a_held_folder_names_its_url(tmp_path: Path) -> None:
    with served(tmp_path, "--port", "0") as gateway:
        assert_failed(run(tmp_path, "serve", "--port", "0"), 1, f"already runs on {tmp_path} at {gateway.url}")
        assert gateway.stop()[0] == 0


def test_a_taken_port_names_its_holder_and_no_other_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(tmp_path, "serve", "--port", str(port))
        assert (done.returncode, done.stdout) == (1, "")
        last = done.stderr.splitlines()[-1]
        assert last.startswith(f"faregate: Port {port} is in use by process {os.getpid()} (")
    assert DataFolder(tmp_path).holder() is None


def test_killed_and_started_again(tmp_path: Path) -> None:
    with served(tmp_path, "--port", "0") as gateway:
        gateway.process.kill()
        gateway.process.communicate(timeout=PATIENCE_S)
    with served(tmp_path, "--port", "0") as gateway:
        assert gateway.stop()[0] == 0
