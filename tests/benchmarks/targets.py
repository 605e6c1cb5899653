"""What is measured: the mock provider itself, the bare relay, the gateway headless, and the gateway in the window.

Each is a process of its own on the first core; the mock provider and the load generator share the second.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.model import Usage
from gateway.simulated.history import history
from gateway.store import UsageStore
from tests.app.display import free_display
from tests.benchmarks.chat import OTHER_DIALECT, Ask, Size, chat_request, door_request
from tests.benchmarks.load import Clients
from tests.benchmarks.processes import LOAD_CORES, ROOT, Child

_PLAIN_PATH = "/v1/chat/completions"
DOOR = "/api/ai/v1/chat/completions"


@dataclass
class Target:
    """A process under load, and how to ask it. `key` and `path` are what its requests carry."""

    child: Child
    clients: Clients
    path: str
    key: str

    @property
    def name(self) -> str:
        return self.child.name

    def request(self, *, chunks: int, other_dialect: bool = False) -> Ask:
        if other_dialect:
            return chat_request(self.child.port, self.path, self.key, model=OTHER_DIALECT, chunks=chunks)
        return chat_request(self.child.port, self.path, self.key, chunks=chunks)

    def door_request(self, *, door: str, provider: str, size: Size, chunks: int) -> Ask:
        """At the gateway's door, or where the mock provider itself has it."""
        prefix = self.path.removesuffix(_PLAIN_PATH)
        return door_request(
            self.child.port, self.key, door=door, provider=provider, size=size, chunks=chunks, prefix=prefix
        )


@contextmanager
def started(folder: Path, *, window: bool) -> Iterator[dict[str, Target]]:
    """The targets by name: direct, relay, gateway and, where asked for, window."""
    with ExitStack() as stack:
        targets: dict[str, Target] = {}

        def add(child: Child, path: str = _PLAIN_PATH, key: str = "none") -> Child:
            stack.callback(child.stop)
            targets[child.name] = Target(child, Clients(child.port), path, key)
            return child

        provider = add(Child("direct", ["-m", "tests.benchmarks.mock"], cores=LOAD_CORES, log=folder / "direct.log"))
        upstream = f"http://127.0.0.1:{provider.port}"
        add(Child("relay", ["-m", "tests.benchmarks.bare_relay", upstream], log=folder / "relay.log"))
        environment = providers_at(upstream)
        home = folder / "headless"
        key = make_key(home)
        command = ["-m", "gateway", "--data-dir", str(home), "serve", "--port", "0"]
        add(Child("gateway", command, environment=environment, log=folder / "gateway.log"), DOOR, key)
        if window:
            display = stack.enter_context(free_display())
            if shutil.which("trayer"):
                display.start("trayer", "--edge", "bottom")
            shown = {"DISPLAY": display.name, "QT_QPA_PLATFORM": "xcb", "FAREGATE_PORT": "0"}
            home = folder / "window"
            key = make_key(home)
            fill(home)
            command = ["-m", "tests.benchmarks.window", str(home)]
            log = folder / "window.log"
            add(Child("window", command, environment={**environment, **shown}, log=log), DOOR, key)
        yield targets


def providers_at(upstream: str) -> dict[str, str]:
    return {
        "FAREGATE_OPENAI_BASE_URL": f"{upstream}/v1",
        "FAREGATE_OPENAI_API_KEY": "sk-benchmark-0123456789abcdef",
        "FAREGATE_ANTHROPIC_BASE_URL": upstream,
        "FAREGATE_ANTHROPIC_API_KEY": "sk-ant-benchmark-0123456789abcdef",
        "FAREGATE_GOOGLE_BASE_URL": upstream,
        "FAREGATE_GOOGLE_API_KEY": "AQ.benchmark0123456789abcdef",
        "FAREGATE_VAULT": "memory",
    }


def fill(home: Path) -> None:
    """A month of example rows, so that the charts have something to draw."""

    def price(_provider: str, _model: str, usage: Usage, _at_us: int) -> tuple[int | None, str, str | None]:
        return (usage.input_tokens or 0) * 400 + (usage.output_tokens or 0) * 1600, "list", None

    store = UsageStore(home)
    store.start()
    store.insert_history(history(time.time_ns() // 1000, price))
    store.close()


def make_key(home: Path) -> str:
    command = [sys.executable, "-m", "gateway", "--data-dir", str(home), "api-key", "create", "--name", "benchmark"]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return made.stdout.split()[-1]
