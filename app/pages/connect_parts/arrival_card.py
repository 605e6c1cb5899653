"""The card that turns green when a tool's first request arrives, and says what to look at while none does."""

import time

from PySide6.QtCore import QT_TRANSLATE_NOOP, QEvent, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app import formats, icons
from app.pages.connect_parts.arrivals import Arrival, ArrivalWords, told
from app.pages.connect_parts.tools import Tool
from app.text_label import TextLabel
from app.theme import Theme
from app.translation import tr
from app.widgets import Card, PushButton

NOTHING_YET = str(
    QT_TRANSLATE_NOOP(
        "Connect",
        "Nothing yet? A tool that says 401 uses another key, one that says 404 another address; a request that gets"
        " as far as the gateway is in Requests, with its cause.",
    )
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
    if arrival.used_us is not None:
        when = formats.ago(arrival.used_us, now_us)
        return ArrivalWords(
            text=tr("{tool} is connected").format(tool=tool.title),
            detail=tr("Its key was last used {when}").format(when=when),
            tone="ok",
            icon="circle-check",
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
    return ArrivalWords(text=waiting.format(tool=tool.title), detail=tr(NOTHING_YET), tone="text2", icon="clock")


def _cause(row: object) -> str:
    message = getattr(row, "error_message", None) or tr("It was broken off.")
    status = getattr(row, "status", 0)
    return f"{status}: {message}" if status else str(message)


class ArrivalCard(Card):
    """`asked(id)`: the request behind it is to be shown."""

    asked = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._theme = theme
        self.setObjectName("arrival")
        self.words: ArrivalWords | None = None
        self._mark = QLabel()
        self._mark.setFixedSize(20, 20)
        self.title = TextLabel(theme, weight=600, wrap=True)
        self.title.setObjectName("arrival_title")
        self.detail = TextLabel(theme, tone="text2", wrap=True)
        self.detail.setObjectName("arrival_detail")
        self.link = PushButton(theme, self.tr("Open request"), "external-link")
        self.link.setObjectName("arrival_link")
        self.link.clicked.connect(self._ask)
        text = QVBoxLayout()
        text.setSpacing(4)
        text.addWidget(self.title)
        text.addWidget(self.detail)
        line = QHBoxLayout(self)
        line.setContentsMargins(16, 12, 16, 12)
        line.setSpacing(12)
        line.addWidget(self._mark)
        line.addLayout(text, 1)
        line.addWidget(self.link)
        theme.changed.connect(self._tint)

    def show_arrival(self, tool: Tool, arrival: Arrival, has_key: bool) -> None:
        words = arrival_words(tool, arrival, has_key, time.time_ns() // 1000)
        self.words = words
        self.title.setText(words.text)
        self.title.set_tone("text" if words.tone == "text2" else words.tone)
        self.detail.setText(words.detail)
        self.link.setVisible(words.request is not None)
        self.setAccessibleName(words.text)
        self.setAccessibleDescription(words.detail)
        self._tint()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._tint()
        super().changeEvent(event)

    def _tint(self) -> None:
        if self.words is not None:
            tone = self._theme.color(self.words.tone)
            self._mark.setPixmap(icons.pixmap(self.words.icon, tone, 20, self.devicePixelRatioF()))

    def _ask(self) -> None:
        if self.words is not None and self.words.request is not None:
            self.asked.emit(self.words.request)
