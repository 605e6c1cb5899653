"""The card that turns green when a tool's first request arrives, and says what to look at while none does."""

import time

from PySide6.QtWidgets import QWidget

from app.pages.connect_parts.arrivals import Arrival, ArrivalWords, span_told, told, whose
from app.pages.connect_parts.status_card import StatusCard
from app.pages.connect_parts.tools import Tool
from app.theme import Theme
from app.translation import later, tr

NOTHING_YET = later(
    "Nothing yet? A tool that says 401 uses another key, one that says 404 another address; a request that gets"
    " as far as the gateway is in Requests, with its cause."
)

NO_SPAN_YET = later(
    "Nothing yet? Spans are sent some seconds after a call, or as the app ends, and the app's own log says what"
    " hinders that: 401 is another key, 404 another address. Metrics alone do not count."
)


def arrival_words(tool: Tool, arrival: Arrival, has_key: bool, now_us: int) -> ArrivalWords:
    """What is known, as a person reads it."""
    if arrival.good is not None:
        text, row = tr("{tool} is connected").format(tool=tool.title), arrival.row or arrival.good
        if row.outcome != "ok":
            text = tr("{tool} is connected, but its last request failed").format(tool=tool.title)
            return ArrivalWords(text=text, detail=_cause(row), tone="warn", icon="triangle-alert", request=row.id)
        return ArrivalWords(text=text, detail=told(row, now_us), tone="ok", icon="circle-check", request=row.id)
    if arrival.row is not None:
        return ArrivalWords(
            text=tr("A request of {tool} arrived, and failed").format(tool=tool.title),
            detail=_cause(arrival.row),
            tone="bad",
            icon="circle-x",
            request=arrival.row.id,
        )
    if arrival.told is not None:
        own = whose(arrival.told.key, None) is tool
        words = tr("{tool} is connected") if own else tr("{tool} is connected with the key “{key}”")
        return ArrivalWords(
            text=words.format(tool=tool.title, key=arrival.told.key),
            detail=span_told(arrival.told, now_us),
            tone="ok",
            icon="circle-check",
            thread=arrival.told.conversation_id,
        )
    if arrival.other is not None:
        return ArrivalWords(
            text=tr("{tool} is connected with the key “{key}”").format(tool=tool.title, key=arrival.other.key),
            detail=told(arrival.other, now_us),
            tone="ok",
            icon="circle-check",
            request=arrival.other.id,
        )
    if arrival.stranger is not None:
        return ArrivalWords(
            text=tr("Waiting for the first request from {tool} …").format(tool=tool.title),
            detail=tr("{client} used its key: {what}.").format(
                client=arrival.stranger.client, what=told(arrival.stranger, now_us)
            ),
            tone="text2",
            icon="clock",
            request=arrival.stranger.id,
        )
    waiting = tr("Waiting for the first request from {tool} …") if has_key else tr("{tool} is not connected yet")
    hint = NO_SPAN_YET if tool.sends_spans else NOTHING_YET
    if tool.sends_spans and has_key:
        waiting = tr("Waiting for the first span …")
    return ArrivalWords(text=waiting.format(tool=tool.title), detail=tr(hint), tone="text2", icon="clock")


def _cause(row: object) -> str:
    message = getattr(row, "error_message", None) or tr("It was broken off.")
    status = getattr(row, "status", 0)
    return f"{status}: {message}" if status else str(message)


class ArrivalCard(StatusCard):
    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "arrival", parent)

    def show_arrival(self, tool: Tool, arrival: Arrival, has_key: bool) -> None:
        self.show_words(arrival_words(tool, arrival, has_key, time.time_ns() // 1000))
