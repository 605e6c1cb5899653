"""`faregate serve`: the gateway without a window, for servers, containers and scripts.

One line of JSON on standard output says that connections are accepted; logs go to standard error. A first SIGTERM or
SIGINT drains running requests, a second one does not wait for them.
"""

import argparse
import asyncio
import gc
import logging
import os
import signal
import sys

import msgspec

from gateway.commands import UsageError, open_folder, tell
from gateway.configuration import settings as settings_file
from gateway.configuration.settings import Settings
from gateway.errors import FaregateError
from gateway.folder import DataFolder
from gateway.port_holder import port_holder

DRAIN_S = 10.0
SWITCH_INTERVAL_S = 0.0005
_OPTIONS = {"host": "server.host", "port": "server.port"}


def run(args: argparse.Namespace) -> int:
    if args.workers != 1:
        raise UsageError(
            f"--workers {args.workers} is not possible: one process serves a data folder; leave it at 1."
        )
    outer = open_folder(args)
    options = {key: getattr(args, name) for name, key in _OPTIONS.items() if getattr(args, name) is not None}
    settings = settings_file.load(outer.path, os.environ, options)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    folder = outer.demo() if args.demo else outer
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_serve(folder, settings, demo=args.demo))


def _loop_factory() -> "type[asyncio.AbstractEventLoop] | None":
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.Loop


async def _serve(folder: DataFolder, settings: Settings, *, demo: bool) -> int:
    # Half a second of imports, which a wrong setting or a held folder need not wait for.
    from gateway.gateway import Gateway

    lock = folder.lock(settings.url)
    gateway = Gateway(folder, settings, demo=demo)
    stops = _stop_signals()
    # Worker threads may hold the interpreter this long; the usual 5 ms would show in every tenth request.
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        await gateway.start()
        state = gateway.state
        if state.word != "running":
            raise FaregateError(_why_not(settings, state.word, state.message))
        lock.set_url(state.url)
        _set_aside()
        ready = {"event": "ready", "url": state.url, "pid": os.getpid()}
        print(msgspec.json.encode(ready).decode(), flush=True)
        await stops.get()
        tell("Stopping: running requests may take up to 10 s; a second signal does not wait for them.")
        async with asyncio.TaskGroup() as group:
            draining = group.create_task(gateway.stop(DRAIN_S))
            hurrying = group.create_task(stops.get())
            await asyncio.wait({draining, hurrying}, return_when=asyncio.FIRST_COMPLETED)
            draining.cancel()
            hurrying.cancel()
    finally:
        await gateway.close()
        lock.release()
    return 0


def _set_aside() -> None:
    """What start-up has made lives as long as the process: to look at all of it again took each full collection of
    garbage 20 ms and more, in the middle of somebody's request."""
    gc.collect()
    gc.freeze()


def _stop_signals() -> "asyncio.Queue[int]":
    received: asyncio.Queue[int] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        if sys.platform == "win32":
            signal.signal(number, lambda got, _frame: loop.call_soon_threadsafe(received.put_nowait, got))
        else:
            loop.add_signal_handler(number, received.put_nowait, number)
    return received


def _why_not(settings: Settings, word: str, message: str) -> str:
    holder = port_holder(settings.port) if word == "port_in_use" else None
    return (
        f"Port {settings.port} is in use by {holder}: end that, or choose another with --port." if holder else message
    )
