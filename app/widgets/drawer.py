"""The panel at the right that shows the details of what is chosen beside it, 420 px wide or as wide as it was made;
Esc closes it."""

from collections.abc import Callable

from PySide6.QtCore import QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QPainter, QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QLayout, QVBoxLayout, QWidget

from app.focus import keep_focus
from app.fonts import ui_font
from app.next_turn import NextTurn
from app.preferences import Preferences
from app.theme import Theme
from app.translation import tr
from app.widgets.buttons import IconButton
from app.widgets.curtain import Curtain
from app.widgets.elided_label import ElidedLabel
from app.widgets.width_grip import WidthGrip

WIDTH = 420
# What it leaves of its page where it is made wider.
_BESIDE = 520


class Drawer(QFrame):
    """Starts closed. `open()` shows it; `closed` comes when it is closed by its cross, Esc or `close_drawer`, and the
    keyboard is then again with what had it before.

    `discarding(go)`: a person is leaving what was typed and is not saved, and `go()` is to be called where it may go.
    It comes only where `watch` was given a way to tell.
    """

    closed = Signal()
    discarding = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._content: QWidget | None = None
        self._kept: list[QWidget] = []
        self._is_unsaved: Callable[[], bool] = bool
        self._before: QWidget | None = None
        self.setFixedWidth(WIDTH)
        self.title_label = ElidedLabel(theme, "", parent=self)
        self.title_label.setFont(ui_font(16, 600))
        self.close_button = IconButton(theme, "x", tr("Close (Esc)"), self)
        self.close_button.setObjectName("drawer.close")
        self.close_button.clicked.connect(self.leave)
        head = self._head = QHBoxLayout()
        head.setContentsMargins(16, 12, 12, 8)
        head.addWidget(self.title_label, 1)
        head.addWidget(self.close_button)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(1, 0, 0, 0)
        self._column.setSpacing(0)
        self._column.addLayout(head)
        self._column.addStretch(0)
        # Opened by a double click's first half, it must not be what the second half presses.
        self._shield = QWidget(self)
        self._shield.setAttribute(Qt.WidgetAttribute.WA_NoMousePropagation)
        # It shows nothing: with it, all of the drawer would be painted anew as it goes.
        self._shield.setUpdatesEnabled(False)
        self._shield.hide()
        self._shielding = QTimer(self, singleShot=True)
        self._shielding.timeout.connect(self._shield.hide)
        # Painted after what it makes narrower.
        self._curtain = Curtain(self)
        self._beside: Curtain | None = None
        self._opening = NextTurn(self)
        theme.changed.connect(self._take_surface)
        self._take_surface()
        self.hide()

    def set_title(self, title: str) -> None:
        self.title_label.setText(title)
        self.setAccessibleName(title)

    def add_action(self, button: QWidget) -> None:
        """What can be done with all that the drawer shows, before its cross."""
        self._head.insertWidget(self._head.count() - 1, button)

    def stand_beside(self, main: QLayout | QWidget, page: QWidget, *, in_pieces: bool = False) -> None:
        """Lay a page out: `main`, with the drawer at its right. `in_pieces`: what is beside it has many widgets, and
        is painted some in each turn as the drawer comes or goes; a table sees to itself."""
        self._beside = Curtain(page) if in_pieces else None
        whole = QHBoxLayout(page)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        if isinstance(main, QWidget):
            whole.addWidget(main, 1)
        else:
            whole.addLayout(main, 1)
        whole.addWidget(self)

    def let_widen(self, preferences: Preferences, kept: str) -> None:
        """Its edge can be dragged from now on; `kept` names where its width is put by."""
        WidthGrip(self._theme, self, preferences, kept, usual=WIDTH, reserve=_BESIDE)

    def content(self) -> QWidget | None:
        return self._content

    def keep(self, content: QWidget) -> None:
        """This one is shown again and again: it is not dropped where another one takes its place."""
        self._kept.append(content)

    def set_content(self, content: QWidget) -> None:
        """Show another widget below the title; the drawer owns it, and drops the one before."""
        if content is self._content:
            return
        if self._content is not None:
            self._column.removeWidget(self._content)
            self._content.hide()
            if self._content not in self._kept:
                self._content.deleteLater()
        self._content = content
        self._column.insertWidget(1, content, 1)
        content.show()

    def open(self) -> None:
        opens = self.isHidden()
        if opens:
            self._before = QApplication.focusWidget()
            self._shield.setGeometry(self.rect())
            self._shield.raise_()
            self._shield.show()
            self._shielding.start(QGuiApplication.styleHints().mouseDoubleClickInterval())
            self._cover_page(without=self.width())
        self.show()
        if opens:
            self._keep_room(False)
            self._curtain.draw(self.rect())

    def open_soon(self, go: Callable[[], object]) -> None:
        """`go()`, which opens it, as `unless_unsaved` lets it, but in a turn after that of the click. What is beside
        it in pieces makes room in a turn before. Not where its page is left meanwhile: it would take the keyboard
        from the one that came."""
        self.unless_unsaved(lambda: self._opening.ask(lambda: self._make_room(go)))

    def _make_room(self, go: Callable[[], object]) -> None:
        page = self._beside.parentWidget() if self._beside is not None else None
        layout = page.layout() if page is not None else None
        if layout is None or not self.isHidden():
            self._open_in_sight(go)
            return
        self._cover_page()
        self._keep_room(True)
        layout.activate()
        self._opening.ask(lambda: self._open_into_room(go))

    def _open_into_room(self, go: Callable[[], object]) -> None:
        try:
            self._open_in_sight(go)
        finally:
            self._keep_room(False)

    def _open_in_sight(self, go: Callable[[], object]) -> None:
        page = self.parentWidget()
        if page is None or page.isVisible():
            go()

    def _keep_room(self, kept: bool) -> None:
        """Whether it takes its place while it is hidden."""
        policy = self.sizePolicy()
        if policy.retainSizeWhenHidden() != kept:
            policy.setRetainSizeWhenHidden(kept)
            self.setSizePolicy(policy)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._shield.setGeometry(self.rect())

    def watch(self, is_unsaved: Callable[[], bool]) -> None:
        """`is_unsaved()`: whether closing would lose what was typed."""
        self._is_unsaved = is_unsaved

    def unless_unsaved(self, go: Callable[[], object]) -> None:
        """`go()` takes the place of what stands here: at once, or once a person has let go of what was typed."""
        if not self.isHidden() and self._is_unsaved():
            self.discarding.emit(go)
        else:
            go()

    def leave(self) -> None:
        """Close it as a person does, which asks first where something would be lost."""
        self.unless_unsaved(self.close_drawer)

    def close_drawer(self) -> None:
        """At once, whatever stands there."""
        self._opening.leave()
        self._keep_room(False)
        if not self.isHidden():
            # Of the window's own: while a question stands before it, that has the keyboard.
            now = self.window().focusWidget()
            within = now is not None and (now is self or self.isAncestorOf(now))
            self._cover_page()
            self.hide()
            if within:
                keep_focus(self.window(), self._before)
            self.closed.emit()

    def _cover_page(self, without: int = 0) -> None:
        """`without` so many pixels at its right."""
        if self._beside is not None:
            page = self._beside.parentWidget()
            assert page is not None
            self._beside.draw(page.rect().adjusted(0, 0, -without, 0))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.leave()
        else:
            super().keyPressEvent(event)

    def _take_surface(self) -> None:
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.Window, self._theme.color("surface"))
        self.setPalette(palette)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.color("surface"))
        painter.fillRect(QRectF(0, 0, 1, self.height()), self._theme.color("border"))
