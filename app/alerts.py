"""Desktop notifications of what a person would want to know while the window is hidden, once for each cause.

A cause is told again only after it was over: a gateway that runs again, a key that works again. Both kinds can be
switched off in the settings. `deliver` shows a notification (`notifications`).
"""

import re
import time
from collections.abc import Callable, Iterable

from app.preferences import Preferences
from app.translation import tr
from gateway import GatewayState, ProviderRow

Deliver = Callable[[str, str], object]
_FAILED = ("error", "port_in_use")
# What a provider says of a key that a person must do something about.
_KEY_FAILS = ("rejected",)
# A limited one does a part of what it could.
_KEY_WORKS = ("connected", "limited")
# How long to wait is another with each answer; the reason is the same.
_FIGURES = re.compile(r"\d[\d.,]*")


class Alerts:
    """Told every state and every list of providers; it keeps what it has told."""

    def __init__(self, preferences: Preferences, deliver: Deliver) -> None:
        self._preferences = preferences
        self._deliver = deliver
        self._stopped: GatewayState | None = None
        self._failing: set[str] = set()
        self._began_us = time.time_ns() // 1000
        self._began_s = time.monotonic()
        self._limits: set[tuple[str, str]] = set()

    def show_state(self, state: GatewayState, *, wanted: bool) -> None:
        """`wanted`: the gateway is meant to run, so that being off is unexpected."""
        if state.word == "running":
            self._stopped = None
        failed = state.word in _FAILED or (state.word == "off" and wanted)
        if not failed or (self._stopped is not None and self._stopped.message == state.message):
            return
        self._stopped = state
        if self._preferences.is_on("notify_gateway"):
            message = state.message or tr("Tools cannot reach it until it is turned on again.")
            self._deliver(tr("The gateway does not run"), message)

    def show_providers(self, rows: Iterable[ProviderRow]) -> None:
        for row in rows:
            if row.state in _KEY_WORKS or not row.has_key:
                self._failing.discard(row.name)
                self._tell_of_limit(row)
            elif row.state in _KEY_FAILS and row.name not in self._failing:
                self._failing.add(row.name)
                if self._is_news(row):
                    usual = tr("Requests to it fail until another key is set under Providers.")
                    title = tr("{provider} rejects its key").format(provider=row.title)
                    self._deliver(title, row.detail or usual)

    def _tell_of_limit(self, row: ProviderRow) -> None:
        """Once for each reason: a key that may not do one thing does others in between."""
        reason = (row.name, _FIGURES.sub("", row.detail or ""))
        if row.state != "limited" or not row.detail or reason in self._limits:
            return
        self._limits.add(reason)
        if self._is_news(row):
            self._deliver(tr("{provider} limits its key").format(provider=row.title), row.detail)

    def _is_news(self, row: ProviderRow) -> bool:
        """What was learnt before the last start was told then. By a clock that was put back meanwhile, the start was
        earlier than it was by that of then."""
        by_this_clock = time.time_ns() // 1000 - round((time.monotonic() - self._began_s) * 1_000_000)
        began_us = min(self._began_us, by_this_clock)
        return (row.state_at_us or 0) >= began_us and self._preferences.is_on("notify_keys")
