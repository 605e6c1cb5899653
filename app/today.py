"""Today as the tray tells it while the window may be hidden: the day's figures, and what failed last in it."""

import time
from collections.abc import Callable, Coroutine
from typing import Any

from msgspec.structs import replace
from PySide6.QtCore import QTimer

from app.local_days import midnight_us, today
from app.pages.page import RequestTarget
from app.tray import Tray, error_words
from app.window import Window
from gateway import Changes, ExchangeRecord

_LOOK_MS = 30_000


class Today:
    """It looks every half minute, and when the tray's menu opens; also while the gateway is off, for days change."""

    def __init__(
        self,
        window: Window,
        tray: Tray,
        spawn: Callable[[Coroutine[Any, Any, Any]], None],
    ) -> None:
        self._window = window
        self._tray = tray
        self._spawn = spawn
        self._is_old = False
        self._began_us = self._midnight_us()
        self._last_error: ExchangeRecord | None = None
        self._timer = QTimer(interval=_LOOK_MS)
        self._timer.timeout.connect(self._read)
        self._timer.start()
        window.today.connect(tray.show_today)
        tray.menu.aboutToShow.connect(self._read)
        tray.menu.aboutToShow.connect(self._read_error)
        tray.error_asked.connect(self._open_error)

    def mark(self, changes: Changes) -> None:
        """What the gateway says has changed; the next look reads it."""
        self._is_old = self._is_old or changes.usage

    def stop(self) -> None:
        self._timer.stop()

    def _midnight_us(self) -> int:
        return midnight_us(time.time_ns() // 1000, self._window.context.filters.tz)

    def _read(self) -> None:
        """A new day has its own figures also where nothing was asked in it yet."""
        if not self._window.ready:
            return
        self._window.context.shell.follow_system_zone()
        began_us = self._midnight_us()
        if began_us != self._began_us:
            self._began_us = began_us
            self._is_old = True
            # Dates come to stand beside times, prices begin and end, and a day's sums are another's.
            self._window.context.shell.tell_times_anew()
            self._read_error()
        if self._is_old:
            self._is_old = False
            self._spawn(self._window.refresh_today())

    def _read_error(self) -> None:
        if self._window.ready:
            self._spawn(self._show_error())

    async def _show_error(self) -> None:
        day = today(time.time_ns() // 1000, self._window.context.filters.tz)
        query = replace(day, outcome=("error", "interrupted"))
        found = await self._window.context.gateway.requests(query, limit=1)
        self._last_error = found.rows[0] if found.rows else None
        self._tray.show_error(error_words(self._last_error) if self._last_error is not None else "")

    def _open_error(self) -> None:
        if self._last_error is not None:
            self._window.come_to_front()
            self._window.navigate("requests", RequestTarget(self._last_error.id))
