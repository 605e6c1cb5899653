"""`make run` without a display: the same gateway, its endpoint and a key printed, until it is told to stop."""

import asyncio
import signal
import sys

from msgspec.structs import replace

from app.launch import Launch, announcement, wants_demo
from gateway import FaregateError, Gateway

DRAIN_S = 10.0


def run_headless(launch: Launch) -> int:
    """Runs until SIGINT or SIGTERM. Raises FaregateError where the folder or the port is held."""
    return asyncio.run(_run(launch))


async def _run(launch: Launch) -> int:
    if launch.demo is None:
        looking = Gateway(launch.outer, replace(launch.settings, port=0))
        launch = replace(launch, demo=await wants_demo(looking))
    lock = launch.folder.lock(launch.settings.url)
    gateway = Gateway(launch.folder, launch.settings, demo=bool(launch.demo))
    asked = _stop_asked()
    try:
        await gateway.start()
        if gateway.state.word != "running":
            raise FaregateError(gateway.state.message)
        lock.set_url(gateway.state.url)
        print(await announcement(gateway), flush=True)
        await asked.wait()
        await gateway.stop(DRAIN_S)
    finally:
        await gateway.close()
        lock.release()
    return 0


def _stop_asked() -> asyncio.Event:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        if sys.platform == "win32":
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(asked.set))
        else:
            loop.add_signal_handler(number, asked.set)
    return asked
