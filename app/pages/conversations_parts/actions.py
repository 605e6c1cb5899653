"""What can be done with a conversation: copy, export, rename, delete, and jump to the requests it was made of."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu

from app.context import AppContext
from app.export_files import ask_where, save_csv, save_text
from app.filters import FilterSnapshot
from app.known_errors import KNOWN_ERRORS
from app.links import open_link
from app.pages.conversations_parts import copying
from app.pages.conversations_parts.block import Block
from app.pages.conversations_parts.list_view import title_of
from app.pages.conversations_parts.thread_pane import ThreadPane
from app.pages.page import RequestTarget, ThreadTarget
from app.questions import ask_to_delete_conversation
from app.translation import Words, later, tr

_KINDS = Words(
    {"md": later("Markdown (*.md)"), "json": later("JSON (*.json)"), "csv": later("CSV, a line per call (*.csv)")}
)
_CURL_COPIED = later("Copied as curl; it takes the key from FAREGATE_API_KEY")


class ThreadActions(QObject):
    """Of the conversation that a pane shows. `navigate` as of a page; `deleted(id)`; `renamed(id)`."""

    toast = Signal(str)
    navigate = Signal(str, object)
    deleted = Signal(str)
    renamed = Signal(str)

    def __init__(self, context: AppContext, pane: ThreadPane) -> None:
        super().__init__(pane)
        self._context = context
        self._pane = pane
        pane.head.renamed.connect(lambda title: context.spawn(self._rename(pane.id, title)))
        pane.head.acted.connect(self.act)
        pane.head.requests_asked.connect(lambda: context.spawn(self._open_requests()))
        pane.head.replay_asked.connect(self._replay)
        pane.view.link_asked.connect(open_link)
        pane.view.menu_asked.connect(self._show_block_menu)
        pane.inspector.request_asked.connect(lambda id: self.navigate.emit("requests", RequestTarget(id)))

    def act(self, name: str) -> None:
        """One of the head's `ACTIONS`; raises KeyError for another name."""
        acts: dict[str, Callable[[], None]] = {
            "copy_markdown": lambda: self._context.spawn(self._copy_whole(self.markdown, tr("Copied as Markdown"))),
            "copy_json": lambda: self._context.spawn(self._copy_whole(self.json, tr("Copied as JSON"))),
            "copy_curl": self._copy_call,
            "export_markdown": lambda: self.ask_file("md"),
            "export_json": lambda: self.ask_file("json"),
            "export_csv": lambda: self.ask_file("csv"),
            "replay": self._replay,
            "requests": lambda: self._context.spawn(self._open_requests()),
            "rename": self._pane.head.start_renaming,
            "delete": self._ask_to_delete,
        }
        if self._pane.thread_shown is not None:
            acts[name]()

    def markdown(self) -> str:
        thread = self._pane.thread_shown
        return copying.as_markdown(thread, self._pane.told.blocks) if thread is not None else ""

    def json(self) -> str:
        return copying.as_json(self._pane.thread_shown) if self._pane.thread_shown is not None else ""

    def csv(self) -> str:
        return copying.as_csv(self._pane.thread_shown) if self._pane.thread_shown is not None else ""

    async def _copy_whole(self, make: Callable[[], str], words: str) -> None:
        self._copy(await asyncio.to_thread(make), words)

    def _copy(self, text: str, words: str) -> None:
        QGuiApplication.clipboard().setText(text)
        self.toast.emit(words)

    def _chosen_call(self) -> int | None:
        """The number of the call that the chosen block belongs to, else of the last one."""
        pane = self._pane
        block = pane.block(pane.view.current)
        turn = pane.turn(block.turn) if block is not None else None
        if turn is not None:
            return turn.n
        return pane.thread_shown.turns[-1].n if pane.thread_shown is not None and pane.thread_shown.turns else None

    def _copy_call(self) -> None:
        thread, number = self._pane.thread_shown, self._chosen_call()
        if thread is not None and number is not None:
            self._copy(copying.as_curl(thread, number, self._context.gateway.state.url), _CURL_COPIED)

    def _replay(self) -> None:
        number = self._chosen_call()
        if number is not None:
            self.navigate.emit("compare", ThreadTarget(self._pane.id, number))

    # files

    def ask_file(self, suffix: str) -> None:
        """Asks where to save the shown conversation; `suffix` is the form that is offered first."""
        thread = self._pane.thread_shown
        if thread is None:
            return
        stem = "".join(c if c.isalnum() or c in " -_" else " " for c in title_of(thread.row))
        name = "-".join(stem.lower().split())[:60] or "conversation"
        kinds = [_KINDS[suffix], *(words for key, words in _KINDS.items() if key != suffix)]
        ask_where(
            self._pane,
            tr("Export the conversation"),
            f"{name}.{suffix}",
            ";;".join(kinds),
            lambda path: self._context.spawn(self.export_to(path)),
            name="conversation_export_file",
        )

    async def export_to(self, path: Path) -> None:
        """Writes the shown conversation in the form that the file's ending names."""
        form = path.suffix.lower()
        if form == ".csv":
            await save_csv(self.csv, path, marked=self._context.shell.marks_csv)
        else:
            await save_text(self.json if form == ".json" else self.markdown, path)
        self._context.shell.saved.emit(tr("Saved as {name}").format(name=path.name), path.parent)

    # changes

    async def _rename(self, id: str, title: str) -> None:
        try:
            await self._context.gateway.rename_thread(id, title)
        except KNOWN_ERRORS as error:
            self.toast.emit(str(error))
        self.renamed.emit(id)

    def _ask_to_delete(self) -> None:
        thread = self._pane.thread_shown
        if thread is not None:
            id = thread.row.id
            delete = lambda: self._context.spawn(self._delete(id))  # noqa: E731
            ask_to_delete_conversation(self._pane, title_of(thread.row), delete)

    async def _delete(self, id: str) -> None:
        try:
            await self._context.gateway.delete_thread(id)
        except KNOWN_ERRORS as error:
            self.toast.emit(str(error))
            return
        if self._pane.id == id:
            self._pane.clear()
        self.toast.emit(tr("Conversation deleted"))
        self.deleted.emit(id)

    # elsewhere

    async def _open_requests(self) -> None:
        """Its rows where they share an id, else the row of its last call."""
        thread = self._pane.thread_shown
        ids = [turn.request_id for turn in thread.turns if turn.request_id] if thread is not None else []
        if thread is None or not ids:
            self.toast.emit(tr("No request through the gateway belongs to this conversation"))
            return
        try:
            record = await self._context.gateway.request(ids[-1])
        except KNOWN_ERRORS as error:
            self.toast.emit(str(error))
            return
        if record is None or record.conversation_id is None or len(ids) == 1:
            self.navigate.emit("requests", RequestTarget(ids[-1]))
            return
        wanted = FilterSnapshot(
            range_key="custom",
            custom=(thread.row.started_us - 1, thread.row.ended_us + 60_000_000),
            dimensions={"conversation": (record.conversation_id,)},
        )
        self.navigate.emit("requests", wanted)

    def _show_block_menu(self, key: str, at: QPoint) -> None:
        block = self._pane.block(key)
        if block is None:
            return
        menu = QMenu(self._pane)
        menu.setObjectName("block_actions")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for words, act in self.block_actions(block):
            menu.addAction(words).triggered.connect(lambda _checked=False, act=act: act())
        menu.popup(at)

    def block_actions(self, block: Block) -> list[tuple[str, Callable[[], None]]]:
        """(words, what it does) of a block's menu."""
        pane = self._pane
        thread, turn = pane.thread_shown, pane.turn(block.turn)
        actions: list[tuple[str, Callable[[], None]]] = []
        if pane.view.selected_text():
            actions.append((tr("Copy the selection"), pane.view.copy))
        text = "\n".join(copying.block_markdown(block))
        actions.append((tr("Copy the block as Markdown"), lambda: self._copy(text, tr("Block copied"))))
        if turn is not None and thread is not None:
            curl = copying.as_curl(thread, turn.n, self._context.gateway.state.url)
            actions.append((tr("Copy the call as curl"), lambda: self._copy(curl, tr(_CURL_COPIED))))
            place = ThreadTarget(thread.row.id, turn.n)
            actions.append((tr("Replay in Compare"), lambda: self.navigate.emit("compare", place)))
            if turn.request_id is not None:
                target = RequestTarget(turn.request_id)
                actions.append((tr("Open the request"), lambda: self.navigate.emit("requests", target)))
        return actions
