"""The shell: sidebar, header, notices and the pages, which are built when they are first opened.

The window asks the gateway only for what the sidebar shows. It says what the user wants (`gateway_switched`,
`pause_asked`, `close_asked`, `quit_asked`), and `host` does it. A page is refreshed while it is on show, at most once
a second; what changed meanwhile is kept for the pages that are not.
"""

import contextlib
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec
from PySide6.QtCore import QByteArray, QEvent, QPoint, QRect, QSettings, QSize, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import (
    QAction,
    QCloseEvent,
    QDesktopServices,
    QHideEvent,
    QIcon,
    QKeyEvent,
    QKeySequence,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QVBoxLayout, QWidget

from app import formats
from app.context import AppContext
from app.field_keys import FieldKeys
from app.filters import FilterSnapshot
from app.finding import Finding
from app.focus import ask_for_menu
from app.header import Header
from app.next_turn import NextTurn
from app.notices import Notices
from app.page_stack import PageStack
from app.pages import PAGES, PageEntry
from app.pages.page import Page, StepsTarget, Target
from app.places import Place, Places
from app.resources import resource
from app.shortcuts import SHORTCUTS
from app.sidebar import Sidebar
from app.sidebar_figures import SidebarFigures
from app.state_notices import show_hindrances
from app.tab_order import give_to_neighbour
from app.throttle import EVERYTHING, NOTHING, Coalescer
from app.translation import tr
from app.widgets import Banner, Curtain, SegmentedControl, Toasts
from app.work_strip import WorkStrip
from gateway import Changes, GatewayState

DESIGN_SIZE = (1440, 900)
LEAST_SIZE = (1024, 680)
NARROW_BELOW = 1180
# What a desktop draws around a window.
_FRAME = (4, 36)
_RETIRED_MS = 1000
_AGES_MS = 30_000


class _Opened(NamedTuple):
    page: Page
    controls: QWidget


class _Body(QWidget):
    """`painted` once, after the shell's first paint: what is slow to load may be loaded then."""

    painted = Signal()
    _first = True

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._first:
            self._first = False
            self.painted.emit()


class Window(QMainWindow):
    """`today` carries the day's Summary whenever it was read anew. `built`: a page was made, or more of one, which
    stays. `retired`: all of them have had their time."""

    gateway_switched = Signal(bool)
    pause_asked = Signal(bool)
    close_asked = Signal()
    quit_asked = Signal()
    painted = Signal()
    today = Signal(object)
    built = Signal()
    retired = Signal()

    def __init__(self, context: AppContext, store: QSettings, pages: Sequence[PageEntry] = PAGES) -> None:
        super().__init__()
        self.context = context
        self._store = store
        self.entries = tuple(pages)
        self._entries = {entry.key: entry for entry in pages}
        self._opened: dict[str, _Opened] = {}
        self._subtitles: dict[str, str] = {}
        self._dirty: dict[str, Changes] = {}
        self._places = Places()
        self._current = ""
        self._ready = False
        self._busy = False
        self._may_close = False
        self._narrow_chosen: bool | None = None
        self._undoable: set[str] = set()
        self.coalescer = Coalescer(parent=self)
        self.coalescer.due.connect(lambda changes: self.context.spawn(self._look(changes)))
        self._ages = QTimer(self, interval=_AGES_MS)
        self._ages.timeout.connect(self._let_time_pass)
        self._finding = Finding(self)
        self._build(pages)
        self._figures = SidebarFigures(self.sidebar, self.today.emit, partial(show_hindrances, self.notices))
        self._add_actions(pages)
        FieldKeys(self)
        self._follow_shell()
        self._restore()

    # layout

    def _build(self, pages: Sequence[PageEntry]) -> None:
        theme = self.context.theme
        self.setWindowTitle("Faregate")
        self.setWindowIcon(QIcon(str(resource("icons", "own", "mark.svg"))))
        self.setMinimumSize(self._on_screen(LEAST_SIZE))
        body = _Body()
        body.painted.connect(self.painted)
        self.sidebar = Sidebar(theme, pages, body)
        self.header = Header(theme, body)
        self.notices = Notices(theme, body)
        self.stack = PageStack(body)
        self.work_strip = WorkStrip(theme, body)
        self.toasts = Toasts(theme, self)
        right = QVBoxLayout()
        right.setSpacing(0)
        right.addWidget(self.header)
        right.addWidget(self.notices)
        right.addWidget(self.stack, 1)
        right.addWidget(self.work_strip)
        whole = QHBoxLayout(body)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.sidebar)
        whole.addLayout(right, 1)
        self._body = body
        self.setCentralWidget(body)
        layout = self.layout()
        assert layout is not None
        # How large the window is says its user: its layout would ask all that is in it, whenever a word changes.
        layout.setEnabled(False)
        self._curtain = Curtain(body)
        self._opening, self._heading = NextTurn(self), NextTurn(self)
        self.sidebar.chosen.connect(self._open_soon)
        self.sidebar.card.switched.connect(self.gateway_switched)
        self.sidebar.card.copied.connect(self.toast)
        self.show_state(self.context.gateway.state)

    def _add_actions(self, pages: Sequence[PageEntry]) -> None:
        self.window_actions: dict[str, QAction] = {}
        for row in SHORTCUTS:
            self._add_action(row.name, tr(row.text), row.keys, getattr(self, row.slot))
        numbered = [entry for entry in pages if entry.group]
        keys = {entry.key: f"Ctrl+{number}" for number, entry in enumerate(numbered, start=1)}
        for entry in pages:
            opening = partial(self.open_page, entry.key)
            self._add_action(f"page.{entry.key}", tr(entry.title), (keys.get(entry.key, "Ctrl+,"),), opening)

    def _add_action(self, name: str, text: str, keys: tuple[str, ...], act: Callable[[], object]) -> None:
        action = QAction(text, self)
        action.setObjectName(f"action.{name}")
        action.setShortcuts([QKeySequence(key) for key in keys])
        action.triggered.connect(lambda _checked=False: act())
        self.addAction(action)
        self.window_actions[name] = action

    def _follow_shell(self) -> None:
        shell = self.context.shell
        self.work_strip.follow(shell.work)
        shell.redraw_asked.connect(lambda: self.mark(EVERYTHING))
        shell.saved.connect(self._tell_saved)
        shell.offered.connect(self.toasts.show)
        shell.undoable.connect(self._offer_undo)

    # what is remembered

    def _restore(self) -> None:
        geometry = self._store.value("geometry")
        if not (isinstance(geometry, QByteArray) and self.restoreGeometry(geometry)):
            self.resize(self._on_screen(DESIGN_SIZE))
        else:
            self._come_onto_screen()
        kept = self._store.value("filters")
        if isinstance(kept, str):
            # Settings of another version, or edited by hand: the usual filters do as well.
            with contextlib.suppress(msgspec.DecodeError, msgspec.ValidationError):
                self.context.filters.restore(msgspec.json.decode(kept, type=FilterSnapshot))
        if self._store.contains("narrow"):
            self._narrow_chosen = self._store.value("narrow") in (True, "true")
        self._fit_sidebar()

    def _on_screen(self, size: tuple[int, int]) -> QSize:
        """The size, or what the screen has of it: that of a virtual machine is small, and where everything is shown
        larger it has fewer points."""
        return QSize(*size).boundedTo(self.screen().availableSize() - QSize(*_FRAME))

    def _come_onto_screen(self) -> None:
        """It was as small on a screen that is gone as this one does not let it be, and would reach over the edge."""
        if self.isMaximized() or self.isFullScreen():
            return
        room, place = self.screen().availableGeometry(), self.geometry()
        size = place.size().expandedTo(self.minimumSize())
        left = max(room.left(), min(place.left(), room.right() + 1 - size.width()))
        top = max(room.top(), min(place.top(), room.bottom() + 1 - size.height()))
        self.setGeometry(QRect(QPoint(left, top), size))

    def remember(self) -> None:
        """Write down size, place, page, filters and the sidebar's width."""
        self._store.setValue("geometry", self.saveGeometry())
        self._store.setValue("filters", msgspec.json.encode(self.context.filters.snapshot()).decode())
        self._store.setValue("theme", self.context.theme.mode)
        if self._current:
            self._store.setValue("page", self._current)
        if self._narrow_chosen is not None:
            self._store.setValue("narrow", self._narrow_chosen)
        self._store.sync()

    # pages

    @property
    def ready(self) -> bool:
        """Whether the gateway answers what it is asked; it need not listen for that."""
        return self._ready

    @property
    def page(self) -> Page | None:
        opened = self._opened.get(self._current)
        return opened.page if opened is not None else None

    @property
    def stands_at_the_start(self) -> bool:
        """Whether the page is the one that opens where none was chosen yet."""
        return self._current == next(iter(self._entries))

    def start_pages(self) -> None:
        """The gateway answers: open the page that was open last, and look at everything."""
        self._ready = True
        self.coalescer.mark(EVERYTHING)
        kept = self._store.value("page")
        first = next(iter(self._entries))
        self.open_page(self._current or (kept if isinstance(kept, str) and kept in self._entries else first))
        self._follow_visibility()

    def pause_pages(self) -> None:
        """The gateway does not answer: nothing is asked until `start_pages`."""
        self._ready = False
        self._follow_visibility()

    def change_context(self, context: AppContext) -> None:
        """Another gateway from now on: every page is built anew on it."""
        self.pause_pages()
        self.context = context
        for opened in self._opened.values():
            self.stack.removeWidget(opened.page)
            self.header.hand_over(opened.controls, opened.page)
            opened.page.on_hidden()
            opened.page.hide()
            # Steps that the page has put off still find it.
            QTimer.singleShot(_RETIRED_MS, opened.page, opened.page.deleteLater)
        if self._opened:
            self.retired.emit()
        self._opened.clear()
        self._subtitles.clear()
        self._dirty.clear()
        self._places.clear()
        self.toasts.withdraw(self._undoable)
        self._undoable.clear()
        for name in ("hindered", "unstored"):
            self.notices.clear(name)
        self.show_state(context.gateway.state)

    def _open_soon(self, key: str) -> None:
        """In the turn of the click the page before goes, and its picture stays; the other one comes in the next."""
        if self._ready and key != self._current and self.page is not None:
            self._curtain.draw(self.stack.geometry())
            self.page.hide()
        self._opening.ask(partial(self._open_in_turns, key))

    def _open_in_turns(self, key: str) -> None:
        """The page, and in the next turn what the header says of it."""
        opened = self._show_page(key)
        if opened is not None:
            self._heading.ask(partial(self._head_page, key, opened))

    def open_page(self, key: str, *, remember: bool = True) -> None:
        """Show a page; raises KeyError for an unknown one."""
        opened = self._show_page(key, remember=remember)
        if opened is not None:
            self._head_page(key, opened)

    def _show_page(self, key: str, *, remember: bool = True) -> _Opened | None:
        """None where it is on show, or cannot be now."""
        self._opening.leave()
        on_show: QWidget | None = self.stack.currentWidget()
        # Another one than the current where that was chosen while the gateway did not answer.
        left = next((name for name, opened in self._opened.items() if opened.page is on_show), "")
        if key == left or not self._ready:
            self._current = key
            self.sidebar.set_current(key)
            if on_show is not None and on_show.isHidden():
                # It was left for a moment, where another one was chosen just before.
                on_show.show()
                if self._ready:
                    # What it shows may have changed in it: a filter, for one.
                    self._opened[key].page.on_shown()
            return None
        if left:
            if remember:
                self._places.leave((left, self.context.filters.snapshot()))
            self._opened[left].page.on_hidden()
        first = key not in self._opened
        opened = self._opened.get(key) or self._build_page(key)
        self._current = key
        self.stack.setCurrentWidget(opened.page)
        self._curtain.draw(self.stack.geometry())
        opened.page.setFocus(Qt.FocusReason.OtherFocusReason)
        self.sidebar.set_current(key)
        self.notices.set_page(key)
        can_export = type(opened.page).start_export is not Page.start_export
        self.window_actions["export"].setEnabled(can_export)
        opened.page.on_shown()
        changes = EVERYTHING if first else self._dirty.pop(key, NOTHING)
        if changes != NOTHING:
            self.context.spawn(self._read_first(key) if first else self._refresh_page(key, changes))
        return opened

    def _head_page(self, key: str, opened: _Opened) -> None:
        self._heading.leave()
        if self._opened.get(key) is not opened:
            # Another gateway's pages have taken the place of these.
            return
        title = tr(self._entries[key].title)
        self.header.show_page(title, self._subtitles.get(key, ""), opened.controls)
        self.setWindowTitle(tr("{title} – Faregate").format(title=title))

    async def _read_first(self, key: str) -> None:
        page = self._opened[key].page
        with page.loading():
            await self._refresh_page(key, EVERYTHING)

    def _build_page(self, key: str) -> _Opened:
        page = self._entries[key].load()(self.context)
        opened = self._opened[key] = _Opened(page, self.header.add_controls(page.header_controls()))
        self.stack.addWidget(page)
        page.subtitle.connect(lambda text: self._on_subtitle(key, text))
        page.toast.connect(self.toast)
        page.navigate.connect(self.navigate)
        page.built.connect(self.built)
        self.built.emit()
        return opened

    def _on_subtitle(self, key: str, text: str) -> None:
        self._subtitles[key] = text
        if key == self._current:
            self.header.subtitle.setText(text)

    def _place(self) -> Place:
        return self._current, self.context.filters.snapshot()

    def navigate(self, key: str, filters: object) -> None:
        """Open a page, with other filters or on one request; Back returns to the page and its filters."""
        if key not in self._entries:
            return
        if self._current:
            self._places.leave(self._place())
        if isinstance(filters, FilterSnapshot):
            self.context.filters.restore(filters)
        self.open_page(key, remember=False)
        if isinstance(filters, Target) and self.page is not None:
            self.page.show_target(filters)

    def go_back(self) -> None:
        self._return(self._places.back(self._place()))

    def go_forward(self) -> None:
        """To where Back was pressed."""
        self._return(self._places.forward(self._place()))

    def _return(self, place: Place | None) -> None:
        if place is not None:
            key, filters = place
            self.context.filters.restore(filters)
            self.open_page(key, remember=False)

    # the range

    @property
    def _ranges(self) -> SegmentedControl | None:
        """The choice of ranges in the header of the page on show, where it has one."""
        opened = self._opened.get(self._current)
        return opened.controls.findChild(SegmentedControl, "picker.range") if opened is not None else None

    def choose_range(self) -> None:
        if (ranges := self._ranges) is not None:
            ranges.segment(self.context.filters.range_key).setFocus(Qt.FocusReason.ShortcutFocusReason)

    def show_earlier(self) -> None:
        self._shift_range(-1)

    def show_later(self) -> None:
        self._shift_range(1)

    def _shift_range(self, spans: int) -> None:
        if self._ranges is not None:
            self.context.filters.shift_range(spans, time.time_ns() // 1000)

    # looking

    def mark(self, changes: Changes) -> None:
        """Something has changed; whoever shows it looks, soon."""
        self.coalescer.mark(changes)

    def refresh_now(self) -> None:
        if self._ready and self._current:
            self.context.spawn(self._look(EVERYTHING))

    async def _look(self, changes: Changes) -> None:
        if self._busy or not self._ready:
            self.coalescer.mark(changes)
            return
        self._busy, began = True, time.monotonic()
        try:
            for key in self._opened:
                if key != self._current:
                    self._dirty[key] = self._dirty.get(key, NOTHING) | changes
            await self._refresh_page(self._current, changes)
            await self._figures.refresh(self.context, changes)
        finally:
            self._busy = False
            self.coalescer.looked(time.monotonic() - began)

    async def _refresh_page(self, key: str, changes: Changes) -> None:
        opened = self._opened.get(key)
        if opened is not None:
            await opened.page.refresh(changes)
            if self.toasts.texts:
                self.toasts.withdraw(self._told_by_page())

    async def refresh_today(self) -> None:
        """Read the day's figures, for the sidebar and whoever listens to `today`."""
        await self._figures.refresh_today(self.context)

    # the gateway

    def show_state(self, state: GatewayState) -> None:
        self.sidebar.card.show_state(state)

    def toggle_gateway(self) -> None:
        if self.sidebar.card.switch.isEnabled():
            self.gateway_switched.emit(not self.sidebar.card.switch.isChecked())

    def toggle_pause(self) -> None:
        self.pause_asked.emit(self.context.gateway.state.capture_paused_until_us is None)

    # actions

    def toast(self, text: str) -> None:
        """A passing note."""
        self.toasts.show(text)

    def _offer_undo(self, words: str, act: Callable[[], None]) -> None:
        self._undoable.add(words)
        self.toasts.show(words, tr("Undo"), act)

    def _tell_saved(self, words: str, folder: Path) -> None:
        """A passing note with the way to what was written."""
        self.toasts.show(words, tr("Show"), lambda: self._show_folder(folder))

    def _show_folder(self, folder: Path) -> None:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            words = tr("No program here can show folders: look in {folder}.")
            self.toast(words.format(folder=formats.folder(folder)))

    def tell_error(self, words: str) -> None:
        """A passing note, unless the page on show says the same in a strip of its own."""
        if words not in self._told_by_page():
            self.toast(words)

    def _told_by_page(self) -> frozenset[str]:
        page = self.page
        if page is None:
            return frozenset()
        return frozenset(banner.text() for banner in page.findChildren(Banner) if banner.isVisibleTo(page))

    def export(self) -> None:
        if self.page is not None:
            self.page.start_export()

    def open_palette(self) -> None:
        """Ctrl+K: pages, actions and what the gateway knows, by their names."""
        self._finding.open_palette()

    def open_shortcuts(self) -> None:
        self._finding.open_sheet()

    def open_first_steps(self) -> None:
        """From the palette: the way from an empty folder to the first request."""
        if "connect" in self._entries:
            self.navigate("connect", StepsTarget())

    def copy_endpoint(self) -> None:
        self.sidebar.card.copy_endpoint()

    def ask_to_quit(self) -> None:
        self.quit_asked.emit()

    def toggle_sidebar(self) -> None:
        self._narrow_chosen = not self.sidebar.narrow
        self._fit_sidebar()

    def _fit_sidebar(self) -> None:
        small = self.width() < NARROW_BELOW
        self.sidebar.set_narrow(small if self._narrow_chosen is None else self._narrow_chosen)

    # Qt

    def come_to_front(self) -> None:
        """Shown, not minimised, above the others."""
        if self.isMinimized():
            self.showNormal()
        self.show()
        self.raise_()
        self.activateWindow()

    def close_for_good(self) -> None:
        self.remember()
        self._may_close = True
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._may_close:
            event.accept()
        else:
            event.ignore()
            self.close_asked.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._body.setGeometry(self.contentsRect())
        crossed = (event.oldSize().width() < NARROW_BELOW) != (event.size().width() < NARROW_BELOW)
        if crossed and event.oldSize().isValid():
            # The choice was made for the other width.
            self._narrow_chosen = None
        self._fit_sidebar()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._follow_visibility()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._follow_visibility()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange:
            self._follow_visibility()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Many keyboards have no menu key: elsewhere Shift+F10 stands for it, and Qt knows that on Windows only."""
        if event.key() == Qt.Key.Key_F10 and event.modifiers() == Qt.KeyboardModifier.ShiftModifier:
            ask_for_menu()
        else:
            super().keyPressEvent(event)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """What Tab does, asked by whatever has the keyboard."""
        return give_to_neighbour(self, forward=forward) or super().focusNextPrevChild(forward)

    def _follow_visibility(self) -> None:
        active = self._ready and self.isVisible() and not self.isMinimized()
        self.coalescer.set_active(active)
        if not active:
            self._ages.stop()
        elif not self._ages.isActive():
            self._ages.start()
            self._let_time_pass()

    def _let_time_pass(self) -> None:
        if self.page is not None:
            self.page.as_time_passes()
