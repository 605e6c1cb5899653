"""The commands as a user runs them: real processes, exit codes, one line per error, never a traceback."""

import contextlib
import csv
import http.server
import io
import json
import os
import pty
import select
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.folder import DataFolder
from gateway.keys.access import AccessKeys
from gateway.records import ExchangeRecord
from gateway.store.usage import UsageStore
from gateway.version import VERSION
from tests.nursery import commands

ROOT = Path(__file__).parents[1]
KEY = "sk-proj-canary-0123456789abcdef"
COMMAND = [sys.executable, "-W", "error", "-m", "gateway"]


def environment(folder: Path, **more: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("FAREGATE_", "DBUS_"))}
    vault = {"FAREGATE_VAULT": "file", "FAREGATE_VAULT_PASSPHRASE": "correct horse"}
    return {**inherited, "FAREGATE_HOME": str(folder), **vault, **more}


def run(folder: Path, *args: str, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    done = commands().run("gateway", args, environment(folder, **more), stdin)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def assert_failed(done: subprocess.CompletedProcess[str], code: int, message: str) -> None:
    assert (done.returncode, done.stdout) == (code, ""), done
    assert done.stderr.startswith("faregate") and message in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


# api-key


def test_a_key_is_made_listed_and_revoked(tmp_path: Path) -> None:
    made = run(
        tmp_path,
        "api-key",
        "create",
        "--name",
        "laptop",
        "--role",
        "read",
        "--user",
        "ann",
        "--tags",
        "team:ml,env:dev",
    )
    assert made.returncode == 0
    key = made.stdout.splitlines()[-1]
    assert len(key) == 46 and key.startswith("tk_")
    with contextlib.closing(AccessKeys(DataFolder(tmp_path))) as keys:
        principal = keys.authenticate(key)
        assert principal is not None
        assert (principal.key_name, principal.role, principal.user, principal.tags) == (
            "laptop",
            "read",
            "ann",
            ("team:ml", "env:dev"),
        )
        listed = run(tmp_path, "api-key", "list")
        assert listed.returncode == 0
        assert key[:7] in listed.stdout and key[7:] not in listed.stdout
        assert "laptop" in listed.stdout and "live" in listed.stdout
        assert run(tmp_path, "api-key", "revoke", "laptop").returncode == 0
        assert keys.poll() and keys.authenticate(key) is None
    assert "revoked" in run(tmp_path, "api-key", "list").stdout


def test_where_only_a_demo_runs_a_new_key_says_that_it_is_not_the_demo_s(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    with contextlib.ExitStack() as held:
        held.callback(folder.demo().lock("http://127.0.0.1:1").release)
        made = run(tmp_path, "api-key", "create", "--name", "laptop")
        assert f"--data-dir {folder.demo_path}" in made.stderr
        of_demo = run(folder.demo_path, "api-key", "create", "--name", "laptop")
        held.callback(folder.lock("http://127.0.0.1:2").release)
        beside_another = run(tmp_path, "api-key", "create", "--name", "desk")
    assert "demo" not in of_demo.stderr.replace(str(tmp_path), "")
    assert "demo" not in beside_another.stderr
    assert "demo" not in run(tmp_path, "api-key", "create", "--name", "later").stderr


def test_no_key_is_made_that_cannot_be_shown(tmp_path: Path) -> None:
    (tmp_path / "faregate.lock").mkdir()
    assert_failed(run(tmp_path, "api-key", "create", "--name", "a"), 1, "faregate.lock cannot be read")
    assert run(tmp_path, "api-key", "list").stdout.count("\n") == 1


def test_the_short_form_makes_a_key_too(tmp_path: Path) -> None:
    made = run(tmp_path, "api-key", "--name", "ci", "--role", "admin")
    assert made.returncode == 0 and made.stdout.splitlines()[-1].startswith("tk_")
    # What stands before the action counts for it as well.
    assert run(tmp_path, "api-key", "--role", "read", "create", "--name", "two").returncode == 0
    roles = {line.split()[0]: line.split()[1] for line in run(tmp_path, "api-key", "list").stdout.splitlines()[1:]}
    assert roles == {"ci": "admin", "two": "read"}


def test_a_terminal_sees_no_control_characters_from_a_folder(tmp_path: Path) -> None:
    with contextlib.closing(AccessKeys(DataFolder(tmp_path))) as keys:
        keys.create("fine")
        keys._connection.execute("UPDATE api_keys SET name = ?", ("a\x1b[2Jb",))
    assert "\x1b" not in run(tmp_path, "api-key", "list").stdout


@pytest.mark.parametrize(
    "args",
    [
        ("--data-dir", "{}", "api-key", "create", "--name", "a"),
        ("api-key", "--data-dir", "{}", "create", "--name", "a"),
        ("api-key", "create", "--name", "a", "--data-dir", "{}"),
        ("api-key", "--name", "a", "--data-dir={}"),
    ],
)
def test_the_data_folder_may_stand_anywhere(tmp_path: Path, args: tuple[str, ...]) -> None:
    chosen = tmp_path / "chosen"
    assert run(tmp_path / "other", *(arg.format(chosen) for arg in args)).returncode == 0
    assert (chosen / "state.db").exists() and not (tmp_path / "other").exists()


def test_a_home_behind_an_equals_sign_is_the_users_as_where_the_window_is_started(tmp_path: Path) -> None:
    done = run(tmp_path / "other", "api-key", "--name", "a", "--data-dir=~/chosen", HOME=str(tmp_path))
    assert done.returncode == 0 and (tmp_path / "chosen" / "state.db").exists()


WRONG: list[tuple[tuple[str, ...], int, str]] = [
    (("nonsense",), 2, "invalid choice"),
    (("api-key",), 2, "needs a name"),
    (("api-key", "create"), 2, "needs a name"),
    (("api-key", "create", "--name", "x", "--role", "root"), 2, "is not a role"),
    (("api-key", "create", "--name", "x", "--tags", "a|b"), 2, 'The tag "a|b"'),
    (("api-key", "create", "--nam", "x"), 2, "unrecognized arguments"),
    (("api-key", "revoke"), 2, "NAME_OR_ID"),
    (("api-key", "revoke", "nobody"), 1, "does not exist"),
    (("provider",), 2, "ACTION"),
    (("provider", "set", "nope"), 2, "choose one of openai, anthropic, google, xai"),
    (("provider", "set", "openai"), 1, "The key is empty"),
    (("provider", "test", "openai"), 1, "OpenAI has no key: faregate provider set openai"),
    (("export", "--what", "songs", "-o", "x"), 2, "invalid choice"),
    (("export", "--what", "requests"), 2, "-o/--output"),
    (("export", "--what", "requests", "-o", "x", "--from", "tomorrow"), 2, "tomorrow"),
    (("export", "--what", "requests", "-o", "x", "--where", "price>1"), 2, "latency>5s"),
    (
        ("export", "--what", "requests", "-o", "/nowhere/at/all/x.csv"),
        1,
        "/nowhere/at/all/x.csv cannot be written (No such file",
    ),
    (("export", "--what", "requests", "-o", ""), 2, "is not a file"),
    (("export", "--what", "requests", "-o", "/"), 2, "is not a file"),
    (("export", "--what", "requests", "-o", "/tmp"), 2, "is not a file"),
    (("--data-dir", "", "check"), 2, "--data-dir is empty"),
    (("serve", "--port", "0", "--host", "nowhere.localhost"), 1, "Nothing can listen on nowhere.localhost"),
    (("check", "--data-dir=~nobody-at-all"), 1, "names a user who is not known here"),
    (("check", "--data-dir", "/dev/null"), 1, "choose another with --data-dir"),
    (("serve", "--workers", "2"), 2, "leave it at 1"),
    (("serve", "--port", "http"), 2, "--port must be a port number"),
    (("serve", "--host", "0.0.0.0"), 2, "without encryption"),
]


@pytest.mark.parametrize(("args", "code", "message"), WRONG, ids=[" ".join(row[0]) for row in WRONG])
def test_what_a_user_can_get_wrong_is_one_line(
    tmp_path: Path, args: tuple[str, ...], code: int, message: str
) -> None:
    assert_failed(run(tmp_path, *args), code, message)


@pytest.mark.parametrize("setting", ["FAREGATE_STORE=postgres://x", "FAREGATE_VAULT=plain", "FAREGATE_PORT=x"])
@pytest.mark.parametrize("command", ["serve", "provider list"])
def test_wrong_settings_are_wrong_usage(tmp_path: Path, setting: str, command: str) -> None:
    name, _, value = setting.partition("=")
    assert_failed(run(tmp_path, *command.split(), **{name: value}), 2, f"{name} must be")


def test_without_a_command_it_says_how(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 2 and done.stderr.startswith("usage: faregate")
    assert run(tmp_path, "--help").returncode == 0
    for command in ("serve", "api-key", "provider", "export", "check", "prune", "doctor"):
        assert command in run(tmp_path, "--help").stdout
        assert run(tmp_path, command, "--help").returncode == 0


def test_it_says_its_version(tmp_path: Path) -> None:
    done = run(tmp_path, "--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"faregate {VERSION}\n", "")
    assert not list(tmp_path.iterdir())


def test_a_broken_database_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"not a database" * 99)
    assert_failed(run(tmp_path, "api-key", "list"), 1, "state.db cannot be used")


def test_api_key_starts_at_once(tmp_path: Path) -> None:
    run(tmp_path, "api-key", "list")
    program = (
        "import sys; from gateway.cli import main; main(['api-key', 'list']);"
        "print([name for name in ('aiohttp', 'keyring', 'sqlite_utils', 'genai_prices', 'PySide6') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(tmp_path),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    with contextlib.closing(AccessKeys(DataFolder(tmp_path))) as keys:
        # More than a pipe holds.
        for number in range(500):
            keys.create(f"key number {number} {'x' * 80}")
    with subprocess.Popen(
        [*COMMAND, "api-key", "list"],
        cwd=ROOT,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""


# provider


class Provider(http.server.BaseHTTPRequestHandler):
    """Answers a list of models to the one right key."""

    def do_GET(self) -> None:
        right = self.headers["authorization"] == f"Bearer {KEY}"
        body = json.dumps({"data": [{"id": "m1"}]} if right else {"error": {"message": "no"}}).encode()
        self.send_response(200 if right else 401)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def base_url() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join()


def test_a_provider_key_is_tried_stored_listed_and_removed(tmp_path: Path, base_url: str) -> None:
    urls = {"FAREGATE_OPENAI_BASE_URL": base_url}
    stored = run(tmp_path, "provider", "set", "openai", stdin=f"  {KEY}\n", **urls)
    assert stored.returncode == 0, stored.stderr
    assert "OpenAI takes this key." in stored.stderr and "is stored" in stored.stderr
    listed = run(tmp_path, "provider", "list", **urls)
    row = next(line.split() for line in listed.stdout.splitlines() if line.startswith("openai"))
    assert row == ["openai", "sk-…cdef", "vault", base_url]
    tested = run(tmp_path, "provider", "test", "openai", **urls)
    assert tested.returncode == 0 and tested.stdout.splitlines()[-1] == "OpenAI takes this key."
    assert "ok    Check the key" in tested.stdout
    assert run(tmp_path, "provider", "remove", "openai", **urls).returncode == 0
    assert_failed(run(tmp_path, "provider", "test", "openai", **urls), 1, "has no key")
    outputs = [stored, listed, tested]
    assert not any(KEY in done.stdout + done.stderr for done in outputs)
    assert KEY.encode() not in b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_a_rejected_key_is_not_stored_unless_asked(tmp_path: Path, base_url: str) -> None:
    urls = {"FAREGATE_OPENAI_BASE_URL": base_url}
    refused = run(tmp_path, "provider", "set", "openai", stdin="sk-wrong-0123456789abcdef", **urls)
    assert refused.returncode == 1
    assert refused.stderr.splitlines() == [
        "OpenAI rejects this key (401): check it, or make a new one.",
        "faregate: nothing was stored; --no-verify stores a key without trying it.",
    ]
    assert not (tmp_path / "vault.sealed").exists()
    forced = run(tmp_path, "provider", "set", "openai", "--no-verify", stdin="sk-ant-wrong-0123456789ab", **urls)
    assert forced.returncode == 0
    assert "This looks like an Anthropic key, not an OpenAI one." in forced.stderr
    tested = run(tmp_path, "provider", "test", "openai", **urls)
    assert tested.returncode == 1 and "FAIL  Check the key" in tested.stdout


def test_the_environments_key_is_named_as_such(tmp_path: Path) -> None:
    listed = run(tmp_path, "provider", "list", FAREGATE_XAI_API_KEY="xai-0123456789abcdef")
    row = next(line for line in listed.stdout.splitlines() if line.startswith("xai"))
    assert "xai-…cdef" in row and "from the environment" in row


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"FAREGATE_VAULT": "keyring"}, "FAREGATE_VAULT=file"),
        ({"FAREGATE_VAULT_PASSPHRASE": ""}, "needs its passphrase"),
        ({"FAREGATE_VAULT": "memory"}, "memory ends with it"),
    ],
)
def test_without_a_vault_nothing_is_stored(tmp_path: Path, environ: Mapping[str, str], message: str) -> None:
    assert_failed(run(tmp_path, "provider", "set", "openai", "--no-verify", stdin=KEY, **environ), 1, message)


def test_a_terminal_is_asked_and_shows_no_key(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, "provider", "set", "openai", "--no-verify"],
        cwd=ROOT,
        env=environment(tmp_path, FAREGATE_VAULT_PASSPHRASE=""),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    ) as process:
        os.close(slave)
        shown = read_until(master, b"Key for OpenAI (not shown): ")
        os.write(master, KEY.encode() + b"\n")
        shown += read_until(master, b"Passphrase of the file vault: ")
        os.write(master, b"correct horse\n")
        shown += read_until(master, b"is stored")
        assert process.wait(30) == 0
    os.close(master)
    assert KEY.encode() not in shown and b"horse" not in shown
    assert "sk-…cdef" in run(tmp_path, "provider", "list").stdout


def read_until(descriptor: int, expected: bytes) -> bytes:
    shown, deadline = b"", time.monotonic() + 30
    while expected not in shown:
        assert time.monotonic() < deadline, shown
        if select.select([descriptor], [], [], 1)[0]:
            shown += os.read(descriptor, 4096)
    return shown


# export, check, doctor

HOUR = 3_600_000_000


@pytest.fixture
def used(tmp_path: Path) -> Path:
    store = UsageStore(tmp_path)
    store.start()
    store.insert_history(
        ExchangeRecord(
            id=f"req_{n:03}",
            started_us=1_790_000_000_000_000 + n * HOUR,
            door="openai_chat",
            key_id="key_1",
            key="laptop",
            provider="openai",
            model="gpt-4.1-mini",
            conversation_id=f"conversation-{n % 3}",
            tags=("team:ml",) if n % 2 else (),
            status=200,
            outcome="ok",
            input_tokens=n,
            output_tokens=1,
            cost_nano=1000,
            cost_source="list",
            usage_source="provider",
            latency_us=1000,
        )
        for n in range(50)
    )
    store.close()
    return tmp_path


def exported(folder: Path, *args: str) -> Any:
    target = folder / "out"
    done = run(folder, "export", *args, "-o", str(target))
    assert done.returncode == 0, done.stderr
    text = target.read_text("utf-8")
    target.unlink()
    if "jsonl" in args:
        return [json.loads(line) for line in text.splitlines()]
    return list(csv.DictReader(io.StringIO(text)))


def test_requests_leave_as_csv_and_json_lines(used: Path) -> None:
    rows = exported(used, "--what", "requests")
    assert [row["id"] for row in rows] == [f"req_{n:03}" for n in reversed(range(50))]
    lines = exported(used, "--what", "requests", "--format", "jsonl")
    assert [line["id"] for line in lines] == [row["id"] for row in rows]
    assert [str(line["input_tokens"]) for line in lines] == [row["input_tokens"] for row in rows]
    assert lines[0]["tags"] == ["team:ml"] and lines[0]["cost_usd"] == rows[0]["cost_usd"] == "0.000001000"
    tagged = exported(
        used, "--what", "requests", "--tag", "team:ml", "--from", "1790000000", "--to", str(1790000000 + 36000)
    )
    assert [row["id"] for row in tagged] == ["req_009", "req_007", "req_005", "req_003", "req_001"]
    assert exported(used, "--what", "requests", "--provider", "xai") == []
    assert exported(used, "--what", "requests", "--where", "input>=0", "--text", "GPT") == rows
    assert exported(used, "--what", "requests", "--where", "status<200") == []


def test_buckets_and_conversations_leave_too(used: Path) -> None:
    for format in ("csv", "jsonl"):
        days = exported(used, "--what", "buckets", "--bucket", "day", "--format", format)
        assert sum(int(day["requests"]) for day in days) == 50
        split = exported(used, "--what", "buckets", "--bucket", "day", "--by", "model", "--format", format)
        assert {bucket["value"] for bucket in split if int(bucket["requests"])} == {"gpt-4.1-mini"}
        conversations = exported(used, "--what", "conversations", "--format", format)
        assert {row["id"]: int(row["requests"]) for row in conversations} == {
            "conversation-0": 17,
            "conversation-1": 17,
            "conversation-2": 16,
        }


def test_standard_output_and_no_half_files(used: Path) -> None:
    done = run(used, "export", "--what", "requests", "-o", "-")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 51
    target = used / "kept.csv"
    target.write_text("as it was")
    assert run(used, "export", "--what", "buckets", "--bucket", "aeon", "-o", str(target)).returncode == 2
    assert target.read_text() == "as it was"
    assert not list(used.glob("*.part")) and not list(used.glob(".*.part"))


def test_check_compares_and_rebuilds(used: Path, tmp_path: Path) -> None:
    import sqlite3

    assert run(tmp_path / "empty", "check").returncode == 0
    good = run(used, "check")
    assert (good.returncode, good.stdout) == (0, "Buckets and requests agree.\n")
    with contextlib.closing(sqlite3.connect(used / "usage.db")) as connection:
        connection.execute("DELETE FROM buckets")
        connection.commit()
    bad = run(used, "check")
    assert bad.returncode == 1 and bad.stdout.count("\n") > 1
    assert "faregate check --rebuild" in bad.stderr
    assert run(used, "check", "--rebuild").returncode == 0
    assert run(used, "check").returncode == 0


def test_prune_takes_what_is_too_old_and_says_what_is_left(used: Path, tmp_path: Path) -> None:
    assert run(tmp_path / "empty", "prune").returncode == 0
    fine = run(used, "prune", FAREGATE_RETENTION_REQUESTS="for ever")
    assert fine.returncode == 0
    assert fine.stdout.startswith("Taken away: 0 requests, 0 buckets. Given back: 0.0 MB.\nLeft: 50 requests, in ")
    (used / "config.toml").write_text('[retention]\nrequests = "1 day"\n')
    done = run(used, "prune")
    assert (
        "Taken away: 50 requests, 0 buckets." in done.stdout and "Left: 0 requests, complete from 20" in done.stdout
    )
    (tmp_path / "one").mkdir()
    with contextlib.closing(UsageStore(tmp_path / "one")) as one:
        one.start()
        one.insert_history(
            [ExchangeRecord(id="old", started_us=HOUR, door="openai_chat", key_id="key_1", key="laptop")]
        )
    assert "Taken away: 1 request, 0 buckets." in run(tmp_path / "one", "prune").stdout
    checked = run(used, "check")
    assert checked.returncode == 0 and "Older requests or buckets are gone (retention)" in checked.stderr
    told = run(used, "export", "--what", "requests", "-o", str(used / "out"))
    assert told.returncode == 0 and "are gone (retention)" in told.stderr
    days = exported(used, "--what", "buckets", "--bucket", "day")
    assert sum(int(day["requests"]) for day in days) == 50
    assert "are gone" not in run(used, "export", "--what", "buckets", "-o", str(used / "out")).stderr
    assert run(used, "check", "--rebuild").returncode == 0
    assert sum(int(day["requests"]) for day in exported(used, "--what", "buckets", "--bucket", "day")) == 50


def findings(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    return {line[6:16].strip(): line[:4].strip() for line in done.stdout.splitlines()}


def test_doctor_says_a_line_each_and_fails_when_one_fails(used: Path, base_url: str) -> None:
    environ = {"FAREGATE_PORT": "0", "FAREGATE_OPENAI_BASE_URL": base_url, "DISPLAY": ":1"}
    fine = run(used, "doctor", FAREGATE_OPENAI_API_KEY=KEY, **environ)
    assert fine.returncode == 0, fine.stdout
    assert set(findings(fine)) == {
        "folder",
        "settings",
        "keyring",
        "provider",
        "display",
        "tray",
        "port",
        "telemetry",
        "database",
        "storage",
        "prices",
    }
    assert (
        "50 requests since 2026-09-21" in fine.stdout
        and "requests 396 days, content 30 days, buckets for ever" in fine.stdout
    )
    assert "OpenAI takes this key." in fine.stdout and "usage.db is sound" in fine.stdout
    bad = {
        "keyring": run(used, "doctor", FAREGATE_VAULT="keyring", **environ),
        "provider": run(used, "doctor", FAREGATE_OPENAI_API_KEY="sk-wrong", **environ),
    }
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bad["port"] = run(used, "doctor", **{**environ, "FAREGATE_PORT": str(taken.getsockname()[1])})
        taken_port = {"FAREGATE_TELEMETRY_STANDARD_PORT": str(taken.getsockname()[1])}
        noted = run(used, "doctor", **{**environ, **taken_port})
    for subject, done in bad.items():
        assert done.returncode == 1, subject
        failures = [line for line in done.stdout.splitlines() if line.startswith("FAIL")]
        assert len(failures) == 1 and subject in failures[0], done.stdout
    assert f"process {os.getpid()}" in bad["port"].stdout
    assert f"note  telemetry   Port {taken_port['FAREGATE_TELEMETRY_STANDARD_PORT']} is in use" in noted.stdout
    headless = run(used, "doctor", **{**environ, "DISPLAY": "", "WAYLAND_DISPLAY": ""})
    assert headless.returncode == 0 and findings(headless)["display"] == "note"
    (used / "seal.key").write_bytes(b"x" * 32)
    assert findings(run(used, "doctor", **environ))["seal key"] == "ok"
    (used / "seal.key").write_bytes(b"short")
    sealed = run(used, "doctor", FAREGATE_VAULT="memory", **environ)
    assert (sealed.returncode, findings(sealed)["seal key"]) == (1, "FAIL") and "seal.key is damaged" in sealed.stdout
    (used / "seal.key").unlink()
    (used / "state.db").write_bytes(b"\0" * 9000)
    whole = run(used, "doctor", **environ)
    assert whole.returncode == 1 and {"keyring", "port", "database", "prices"} <= findings(whole).keys()
    assert "state.db is damaged" in whole.stdout
    (used / "state.db").unlink()
    (used / "usage.db").write_bytes(b"\0" * 9000)
    damaged = run(used, "doctor", **environ)
    assert damaged.returncode == 1 and "usage.db is damaged" in damaged.stdout


def test_doctor_tells_of_a_newer_versions_database_what_keeps_the_gateway_from_starting(used: Path) -> None:
    with contextlib.closing(sqlite3.connect(used / "usage.db")) as connection, connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('usage', 'of_a_newer_one', '2030')"
        )
    found = run(used, "doctor", FAREGATE_PORT="0", FAREGATE_VAULT="memory")
    words = f"{used / 'usage.db'} was written by a newer Faregate: install that version, or another data folder."
    assert found.returncode == 1 and f"FAIL  database    {words}\n" in found.stdout
    assert words in run(used, "serve", "--port", "0").stderr


@pytest.mark.parametrize(
    ("file", "environ", "message"),
    [
        ("[server\nport = 1", {}, "config.toml is not valid TOML"),
        ("[server]\nport = 'x'", {}, "config.toml: server.port must be"),
        ("", {"FAREGATE_PORT": "x"}, "FAREGATE_PORT must be"),
    ],
)
def test_doctor_tells_of_wrong_settings_and_looks_at_the_rest(
    used: Path, file: str, environ: dict[str, str], message: str
) -> None:
    (used / "config.toml").write_text(file)
    done = run(used, "doctor", **environ)
    assert (done.returncode, done.stderr) == (1, "")
    assert set(findings(done)) == {"folder", "settings", "display", "tray", "database", "prices"}
    failures = [line for line in done.stdout.splitlines() if line.startswith("FAIL")]
    assert len(failures) == 1 and failures[0].startswith("FAIL  settings") and message in failures[0]
    assert "keyring, providers, port, telemetry and sizes are not looked at" in failures[0]
