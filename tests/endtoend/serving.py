"""A gateway as users run it: `python -m gateway serve` in a process of its own, on a folder of its own.

Warnings are errors in it too, its log is kept, and its rows are read from the database by this process.
"""

import base64
import contextlib
import http.client
import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, quote_plus, urlsplit

from gateway.folder import DataFolder
from gateway.keys.access import AccessKeys
from gateway.records import ExchangeRecord, UsageQuery
from gateway.store.usage import UsageStore
from tests.nursery import Forked, commands
from tests.waiting import PATIENCE_S, wait_until

CHAT = "/api/ai/v1/chat/completions"
EMBEDDINGS = "/api/ai/v1/embeddings"
USAGE = "/api/ai/v1/usage"
PROVIDERS = ("openai", "anthropic", "google", "xai")
MODELS = {
    "openai": "gpt-4.1-mini",
    "anthropic": "claude-sonnet-4-6",
    "google": "gemini-2.5-flash",
    "xai": "grok-4.3",
}
PROVIDER_KEYS = {
    "openai": "sk-proj-canaryOpenAI0123456789abcdef",
    "anthropic": "sk-ant-canaryAnthropic0123456789abcdef",
    "google": "AQ.canaryGoogle0123456789abcdef",
    "xai": "xai-canaryGrok0123456789abcdef",
}


def environment(folder: Path, **more: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("FAREGATE_", "DBUS_"))}
    return {**inherited, "FAREGATE_HOME": str(folder), "FAREGATE_VAULT": "memory", "FAREGATE_PORT": "0", **more}


def upstreams(base_urls: Mapping[str, str], keys: Mapping[str, str] = PROVIDER_KEYS) -> dict[str, str]:
    """The variables that point a gateway at these providers, with these keys."""
    urls = {f"FAREGATE_{name.upper()}_BASE_URL": url for name, url in base_urls.items()}
    return urls | {f"FAREGATE_{name.upper()}_API_KEY": key for name, key in keys.items()}


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        """The error object of OpenAI's form; all its keys must be there."""
        error = self.json["error"]
        assert set(error) == {"message", "type", "param", "code"}, error
        return dict(error)

    @property
    def id(self) -> str:
        return self.headers["x-request-id"]


class Served:
    """A gateway on `folder`. Keys are made in this process, as the window's would be made in another one."""

    def __init__(self, folder: Path, *, args: tuple[str, ...] = (), **variables: str) -> None:
        self.folder = folder
        self.log_path = folder.parent / f"{folder.name}.log"
        self._args = args
        self._variables = variables
        self._process: Forked | None = None
        self._keys: dict[str, str] = {}
        self.url = ""

    # Life.

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._process is not None:
            self.kill()

    @property
    def process(self) -> Forked:
        assert self._process is not None
        return self._process

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        reading, writing = os.pipe()
        with open(reading) as said, self.log_path.open("ab") as log:
            try:
                sent = environment(self.folder, **self._variables)
                standard = {1: writing, 2: log.fileno()}
                self._process = commands().fork("gateway", ["serve", *self._args], sent, standard)
            finally:
                os.close(writing)
            line = said.readline()
        if not line:
            raise RuntimeError(f"The gateway ended with code {self._ended()}: {self.log}")
        self.url = json.loads(line)["url"]

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self._ended()

    def kill(self) -> None:
        self.process.kill()
        self._ended()

    def _ended(self) -> int:
        process, self._process = self.process, None
        return process.wait(timeout=PATIENCE_S)

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        assert parts.hostname and parts.port
        return parts.hostname, parts.port

    # Keys.

    def key(self, role: str = "execute", **more: Any) -> str:
        """A key of this role, made once for each name."""
        name = more.pop("name", role)
        if name not in self._keys:
            access = AccessKeys(DataFolder(self.folder))
            try:
                self._keys[name] = access.create(name, role, **more).key
            finally:
                access.close()
            if self._process is not None:
                wait_until(lambda: self.ask("GET", "/api/ai/v1/models", key=self._keys[name]).status == 200)
        return self._keys[name]

    def command(self, *args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Another `faregate` command on the same folder."""
        done = commands().run("gateway", args, environment(self.folder, **self._variables), stdin)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    # Requests.

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str | bytes] | None = None,
        timeout: float = PATIENCE_S,
    ) -> Reply:
        """One request. A body that is not bytes goes as JSON, without a Content-Type."""
        connection = http.client.HTTPConnection(*self.address, timeout=timeout)
        try:
            sent = {**({"authorization": f"Bearer {key}"} if key else {}), **(headers or {})}
            data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
            connection.request(method, path, data, sent)
            answer = connection.getresponse()
            return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def chat(self, text: str, model: str = MODELS["openai"], *, key: str | None = None, **more: Any) -> Reply:
        headers = more.pop("headers", None)
        body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
        return self.ask("POST", CHAT, body, key=key or self.key(), headers=headers)

    def get(self, path: str, key: str | None = None) -> Any:
        reply = self.ask("GET", path, key=key or self.key("admin"))
        assert reply.status == 200, reply
        return reply.json

    def threads(self, query: str = "limit=200", key: str | None = None) -> list[dict[str, Any]]:
        """Conversations, whole. One that was merged into another since it was listed is looked for anew."""
        base = "/api/ai/v1/conversations"
        while True:
            rows = self.get(f"{base}?{query}", key)["data"]
            found = [self.ask("GET", f"{base}/{row['id']}", key=key or self.key("admin")) for row in rows]
            if all(reply.status == 200 for reply in found):
                return [reply.json for reply in found]
            assert all(reply.status in (200, 404) for reply in found), found

    # What was recorded.

    def settle(self) -> dict[str, int]:
        """Wait until nothing is open and all that was seen is written; the counts since the start."""

        def settled() -> bool:
            counts = self.completeness()
            return counts["open"] == 0 and counts["written"] == counts["seen"]

        wait_until(settled)
        return self.completeness()

    def completeness(self) -> dict[str, int]:
        return dict(self.ask("GET", "/healthz").json["completeness"])

    def row(self, request_id: str) -> ExchangeRecord:
        self.settle()
        with opened(self.folder) as store:
            found = store.request(request_id)
        assert found is not None, request_id
        return found

    def last(self) -> ExchangeRecord:
        self.settle()
        with opened(self.folder) as store:
            return store.requests(UsageQuery(), 1).rows[0]

    def count(self) -> int:
        self.settle()
        with opened(self.folder) as store:
            return store.request_count(UsageQuery())

    def records(self) -> list[ExchangeRecord]:
        """All rows, newest first."""
        if self._process is not None:
            self.settle()
        with opened(self.folder) as store:
            return list(store.iter_requests(UsageQuery()))


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[UsageStore]:
    """The folder's usage, read by this process beside a running gateway, as `faregate check` does."""
    store = UsageStore(folder)
    store.start()
    try:
        yield store
    finally:
        store.close()


def forms(secret: str) -> dict[str, bytes]:
    """The ways in which a secret may lie about: raw, base64 at each of the three offsets, hex, URL, UTF-16."""
    raw = secret.encode()
    found = {"raw": raw, "hex": raw.hex().encode(), "utf-16": secret.encode("utf-16-le")}
    found |= {"url": quote(secret, safe="").encode(), "form": quote_plus(secret).encode()}
    for offset in range(3):
        # Without the first and last characters, which depend on what stands before and behind.
        coded = base64.b64encode(b"\0" * offset + raw)
        found[f"base64+{offset}"] = coded[4 if offset else 0 : -4]
    return found


def traces(secret: str, files: list[Path]) -> list[str]:
    """Where the secret is found, in any form."""
    return [
        f"{name} in {path.name}"
        for path in files
        if path.is_file()
        for name, form in forms(secret).items()
        if form in path.read_bytes()
    ]
