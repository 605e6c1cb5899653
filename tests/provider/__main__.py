"""`python -m tests.provider --port 0 --ledger FILE [--seed N]`: prints one JSON line when it accepts connections."""

import argparse
import asyncio
import json
import os
import signal
from pathlib import Path

from tests.provider.server import BASE_PATHS, serve


async def _run(port: int, ledger: Path, seed: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)

    def ready(bound: int) -> None:
        urls = {name: f"http://127.0.0.1:{bound}{path}" for name, path in BASE_PATHS.items()}
        print(json.dumps({"event": "ready", "port": bound, "pid": os.getpid(), "base_urls": urls}), flush=True)

    await serve(port, ledger, seed, stop, ready)


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.provider")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    asyncio.run(_run(arguments.port, arguments.ledger, arguments.seed))


main()
