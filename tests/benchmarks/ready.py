"""How a benchmark's child process says that it listens, and ends when it is told to."""

import asyncio
import json
import signal
import socket
import sys
from collections.abc import Coroutine
from typing import Any

import uvloop


def listen() -> socket.socket:
    """A listening socket on a free loopback port, announced on standard output as `faregate serve` does."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    print(json.dumps({"event": "ready", "url": url}), flush=True)
    return listener


def run(serve: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve)
