"""The tray icon: three shapes for on, off and attention, the day's figures, and the few things one wants from there.

Whether the desktop has a tray is asked again every few seconds, since its host may come and go; only
`isSystemTrayAvailable` tells the truth. The picture is drawn anew only when something in it changes.
"""

from collections.abc import Callable

from PySide6.QtCore import QObject, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from app import formats, sources
from app.resources import resource
from app.sidebar import STATES
from app.theme import Theme
from app.translation import tr
from gateway import ExchangeRecord, GatewayState, Summary

_CHECK_MS = 5000
_SIZES = (16, 22, 24, 32, 48, 64)
_SHAPES = {"running": "tray-on", "starting": "tray-on", "stopping": "tray-off", "off": "tray-off"}
_ATTENTION = "tray-attention"


def tray_picture(shape: str, color: str) -> QIcon:
    """A shape of `resources/icons/own`, tinted, in every size that trays ask for."""
    text = resource("icons", "own", f"{shape}.svg").read_text("utf-8").replace("currentColor", color)
    renderer = QSvgRenderer(text.encode())
    icon = QIcon()
    for size in _SIZES:
        picture = QPixmap(QSize(size, size))
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        renderer.render(painter, QRectF(0, 0, size, size))
        painter.end()
        icon.addPixmap(picture)
    return icon


def error_words(row: ExchangeRecord) -> str:
    """ "claude-haiku-4-5, 429 at 18:04"; without a status what became of it."""
    model = row.model or row.model_requested or formats.UNKNOWN
    what = str(row.status) if row.status is not None else (row.error_type or row.outcome).replace("_", " ")
    return tr("{model}, {what} at {time}").format(model=model, what=what, time=formats.time_of_day(row.started_us))


def pause_words(until_us: int | None) -> str:
    """What the menu offers while the capture runs, or until when it is paused."""
    if until_us is None:
        return tr("Pause logging 15 min")
    return tr("Logging paused until {time} · Resume").format(time=formats.time_of_day(until_us))


class Tray(QObject):
    """Says what was asked of it; `available_changed` when a tray host comes or goes."""

    gateway_switched = Signal(bool)
    toggle_asked = Signal()
    open_asked = Signal()
    copy_asked = Signal()
    pause_asked = Signal(bool)
    error_asked = Signal()
    settings_asked = Signal()
    quit_asked = Signal()
    available_changed = Signal(bool)

    def __init__(self, theme: Theme, state: GatewayState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._state = state
        self._summary = Summary()
        self._drawn: tuple[str, str] | None = None
        self.menu = QMenu()
        self.gateway_action = self._add(tr("Gateway on"), lambda on: self.gateway_switched.emit(on), checkable=True)
        self.today_action = self._add("", None)
        self.error_action = self._add("", lambda _=False: self.error_asked.emit())
        self.error_action.setVisible(False)
        self.menu.addSeparator()
        self._add(tr("Open window"), lambda _=False: self.open_asked.emit())
        self._add(tr("Copy endpoint"), lambda _=False: self.copy_asked.emit())
        self.pause_action = self._add("", lambda _=False: self.pause_asked.emit(not self._paused))
        self._add(tr("Settings"), lambda _=False: self.settings_asked.emit())
        self.menu.addSeparator()
        self._add(tr("Quit"), lambda _=False: self.quit_asked.emit())
        self.icon = QSystemTrayIcon(self)
        self.icon.setContextMenu(self.menu)
        self.icon.activated.connect(self._on_activated)
        theme.changed.connect(self._draw)
        self._timer = QTimer(self, interval=_CHECK_MS)
        self._timer.timeout.connect(self.check)
        self._timer.start()
        self.available = False
        self.show_state(state)
        self.show_today(self._summary)
        self.check()

    def _add(self, text: str, act: Callable[..., object] | None, *, checkable: bool = False) -> QAction:
        action = self.menu.addAction(text)
        action.setCheckable(checkable)
        if act is None:
            action.setEnabled(False)
        else:
            action.triggered.connect(act)
        return action

    def check(self) -> None:
        """Look whether there is a tray now."""
        available = QSystemTrayIcon.isSystemTrayAvailable()
        if available and not self.icon.isVisible():
            self.icon.show()
        if available != self.available:
            self.available = available
            self.available_changed.emit(available)

    def show_state(self, state: GatewayState) -> None:
        self._state = state
        self.gateway_action.setChecked(STATES[state.word][2])
        self.gateway_action.setEnabled(state.word not in ("starting", "stopping"))
        self.pause_action.setText(pause_words(state.capture_paused_until_us))
        self._draw()
        self._say()

    def show_today(self, summary: Summary) -> None:
        self._summary = summary
        self.today_action.setText(tr("Today {cost}").format(cost=self._cost))
        self._keep_on_screen()
        self._say()

    def show_error(self, words: str) -> None:
        """The last request of the day that failed, in a few words; "" where none did."""
        self.error_action.setText(tr("Last error: {words}").format(words=words))
        self.error_action.setVisible(bool(words))
        self._keep_on_screen()

    def _keep_on_screen(self) -> None:
        """Figures are read as the menu opens: one that has grown since would reach over the screen's edge."""
        screen = self.menu.screen()
        if not self.menu.isVisible() or screen is None:
            return
        self.menu.adjustSize()
        room, place = screen.availableGeometry(), self.menu.geometry()
        left = max(room.left(), min(place.left(), room.right() + 1 - place.width()))
        top = max(room.top(), min(place.top(), room.bottom() + 1 - place.height()))
        self.menu.move(left, top)

    @property
    def _paused(self) -> bool:
        return self._state.capture_paused_until_us is not None

    @property
    def _cost(self) -> str:
        return sources.marked_money(self._summary.cost_nano, sources.estimated_cost(self._summary))

    def notify(self, title: str, text: str) -> None:
        """A desktop notification, where there is a tray to show it."""
        if self.available:
            self.icon.showMessage(title, text, self.icon.icon(), 6000)

    def close(self) -> None:
        self._timer.stop()
        self.icon.hide()
        self.menu.deleteLater()

    def _draw(self) -> None:
        shape = _SHAPES.get(self._state.word, _ATTENTION)
        color = self._theme.tokens.accent if shape != "tray-off" else self._theme.tokens.text3
        if (shape, color) != self._drawn:
            self._drawn = (shape, color)
            self.icon.setIcon(tray_picture(shape, color))

    def _say(self) -> None:
        word = tr("on") if self._state.word == "running" else tr(STATES[self._state.word][0]).casefold()
        requests = self._summary.requests
        words = tr("Gateway {word} · {cost} today · {count} requests")
        if requests == 1:
            words = tr("Gateway {word} · {cost} today · 1 request")
        text = words.format(word=word, cost=self._cost, count=formats.count(requests))
        if text != self.icon.toolTip():
            self.icon.setToolTip(text)

    def _on_activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason == QSystemTrayIcon.ActivationReason.Trigger:
            self.toggle_asked.emit()
