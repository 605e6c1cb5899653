"""The real app with an ear: `python -m tests.window.probe FD [words of faregate …]`.

Everything is as `faregate` does it, except that questions (`questions.py`) that come over the socket FD are answered
from inside, on Qt's thread: what the widgets show, and where they stand. Nothing is done from here; doing is the
mouse's and the keyboard's, from outside.
"""

import asyncio
import json
import socket
import sys
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent

import app.window_process
from app.__main__ import main
from app.host import Host
from tests.window.questions import QUESTIONS


class ProbedHost(Host):
    """The host, which also answers questions."""

    channel: socket.socket

    async def run(self) -> int:
        ear = asyncio.get_running_loop().create_task(self._listen())
        try:
            return await super().run()
        finally:
            ear.cancel()
            await asyncio.gather(ear, return_exceptions=True)

    async def _listen(self) -> None:
        reader, writer = await asyncio.open_connection(sock=self.channel)
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self._answer(json.loads(line))).encode() + b"\n")
                await writer.drain()
        finally:
            writer.close()

    async def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        # What has come but is not laid out yet stands where nobody sees it: a click there would meet nothing.
        QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)
        try:
            found = QUESTIONS[asked["question"]](self, **asked["arguments"])
            return {"answer": await found if asyncio.iscoroutine(found) else found}
        except Exception as error:
            return {"problem": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    ProbedHost.channel = socket.socket(fileno=int(sys.argv[1]))
    app.window_process.Host = ProbedHost  # type: ignore[misc]
    sys.exit(main(sys.argv[2:]))
