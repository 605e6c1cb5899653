"""What a page is to the window: a title, an icon, a key, controls for the header, and a refresh when it is looked at.

A page never polls. The window calls `refresh` when the page is first shown, when something that may concern it has
changed while it is visible, at most once a second.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from msgspec import Struct
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from app.context import AppContext
from app.known_errors import KNOWN_ERRORS
from app.questions import ask_to_discard
from app.translation import tr
from app.widgets import Drawer, SearchField, Veil
from app.widgets.places import Places, table_places
from gateway import Changes


class RequestTarget(Struct, frozen=True):
    """One request, for any page that can show it: its row, or the turn of a conversation."""

    id: str


class ThreadTarget(Struct, frozen=True):
    """One conversation, for the page that shows them, or one of its turns."""

    id: str
    turn: int | None = None


class PartTarget(Struct, frozen=True):
    """One of the parts that a page has (`PageEntry.parts`), by its key."""

    key: str


class StepsTarget(Struct, frozen=True):
    """The way to the first request, for the page that has it."""


Target = RequestTarget | ThreadTarget | PartTarget | StepsTarget
_COMMANDS = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier


class Page(QWidget):
    """`subtitle` and `toast` carry text for the header and for a passing note; `navigate` a page's key and the
    filters (`FilterSnapshot`) that it opens with, a `Target` that it shows, or None. `built`: much of it was made
    later than the page itself, and stays."""

    title: str = ""
    icon: str = ""
    key: str = ""
    # (keys, what they do): the sheet of keys tells them.
    shortcuts: tuple[tuple[str, str], ...] = ()
    # Where its parts stand, as long as they are not read.
    places: Places = staticmethod(table_places)

    subtitle = Signal(str)
    toast = Signal(str)
    navigate = Signal(str, object)
    built = Signal()

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.context = context
        # It has the keyboard when it opens.
        self.setAccessibleName(tr(self.title))
        self._veil: Veil | None = None
        self._reads = 0
        self._was_read = False
        if type(self).find_here is not Page.find_here:
            self.listen("Ctrl+F", self.find_here)

    def listen(self, keys: str, act: Callable[[], object]) -> None:
        """`act()` where the keys are pressed anywhere in the window while the page is on show."""
        shortcut = QShortcut(QKeySequence(keys), self)
        shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
        shortcut.activated.connect(act)

    def header_controls(self) -> list[QWidget]:
        """Widgets for the right of the header, left to right."""
        return []

    @property
    def veil(self) -> Veil:
        """What lies over the page while it is read. Made when it is first wanted."""
        if self._veil is None:
            self._veil = Veil(self.context.theme, self, self.places)
        return self._veil

    @contextmanager
    def loading(self) -> Iterator[None]:
        """Something that was asked for is read within; that it takes long is to be seen."""
        self._reads += 1
        self.veil.begin(empty=not self._was_read)
        try:
            yield
        finally:
            self._reads -= 1
            self._was_read = True
            if not self._reads:
                self.veil.end()

    async def refresh(self, changes: Changes) -> None:
        """Read and show what `changes` may have changed; errors are shown by the window."""

    def on_shown(self) -> None:
        """The page has become visible."""
        self.as_time_passes()

    def as_time_passes(self) -> None:
        """Time has passed: what is told as "2 min ago" is told anew. Every half minute, while it can be seen."""

    def on_hidden(self) -> None:
        """The page is no longer visible: nothing of it needs painting."""

    def show_target(self, target: Target) -> None:
        """Show one request, conversation or part; a page that knows none leaves this as it is."""

    def open_said(self, key: str, request_id: str) -> None:
        """Another page on what a request said. Where nothing of that is kept this one stays: the other would show
        what was said elsewhere."""
        self.context.spawn(self._open_said(key, request_id))

    async def _open_said(self, key: str, request_id: str) -> None:
        try:
            place = await self.context.gateway.thread_of_request(request_id)
        except KNOWN_ERRORS as error:
            self.toast.emit(str(error))
            return
        if place is None:
            self.toast.emit(tr("The messages of this request were not kept"))
        else:
            self.navigate.emit(key, RequestTarget(request_id))

    def guard(self, drawer: Drawer, is_unsaved: Callable[[], bool]) -> None:
        """What was typed in a drawer goes only after a question; `is_unsaved()`: whether there is anything."""
        drawer.watch(is_unsaved)
        drawer.discarding.connect(lambda discard: ask_to_discard(self, discard))

    def start_export(self) -> None:
        """Ctrl+E: ask where to, then save what is shown. A page without rows leaves this as it is."""

    def find_here(self) -> None:
        """Ctrl+F, or / outside of a field: the keyboard goes to what searches or filters here. A page that has
        nothing of the kind leaves this as it is."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc closes the details, wherever on the page the keyboard is; then it empties the search that has it."""
        drawer = next((each for each in self.findChildren(Drawer) if each.isVisible()), None)
        search = self.focusWidget()
        if event.key() == Qt.Key.Key_Escape and drawer is not None:
            drawer.leave()
        elif event.key() == Qt.Key.Key_Escape and isinstance(search, SearchField) and search.text():
            search.clear()
        elif event.text() == "/" and not event.modifiers() & _COMMANDS:
            # Some keyboards have it behind Shift.
            self.find_here()
        else:
            super().keyPressEvent(event)
