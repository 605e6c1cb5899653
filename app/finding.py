"""What the palette finds and the sheet of keys tells: the window's pages and actions, and what its gateway knows.

Pages and actions are there at once; models, tags and conversations come a moment later, from the gateway's workers.
"""

import time
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace
from PySide6.QtGui import QKeySequence

from app.filter_words import with_tag_toggled
from app.filters import FilterSnapshot
from app.known_errors import KNOWN_ERRORS
from app.pages.page import ThreadTarget
from app.palette import Command, Palette
from app.shortcut_sheet import Keys, ShortcutSheet
from app.translation import later, tr
from gateway import ThreadQuery, UsageQuery

if TYPE_CHECKING:
    from app.window import Window

_TAGS = 200
_MODELS = 200
_CONVERSATIONS = 30
_LATELY_US = 30 * 86_400_000_000
# A cap has room for two.
_KEYS_OF_ONE = 2
LIST_KEYS: Keys = (
    ("↑ ↓ J K", later("Move")),
    ("Return, Space", later("Open")),
    ("Ctrl+C", later("Copy rows")),
    ("Menu", later("Columns and other actions")),
    ("Esc", later("Close the details")),
)


class Finding:
    """The palette and the sheet of one window, made when they are first wanted."""

    def __init__(self, window: "Window") -> None:
        self._window = window
        self._palette: Palette | None = None
        # How often the palette was opened: what is found for one opening is no part of the next.
        self._openings = 0
        self._sheet: ShortcutSheet | None = None

    @property
    def palette(self) -> Palette:
        if self._palette is None:
            self._palette = Palette(self._window.context.theme, self._window)
        return self._palette

    @property
    def sheet(self) -> ShortcutSheet:
        if self._sheet is None:
            self._sheet = ShortcutSheet(self._window.context.theme, self._window)
        return self._sheet

    def open_palette(self) -> None:
        self.palette.open_over(self._window, [*self._pages(), *self._views(), *self._actions(), *self._models()])
        self._openings += 1
        self._window.context.spawn(self._add_what_is_asked(self._openings))

    def open_sheet(self) -> None:
        self.sheet.open_over(self._window, self.groups())

    def groups(self) -> dict[str, Keys]:
        """Every key, under headings."""
        window = self._window
        pages = [(keys, name) for name, keys in self._keys("page.")]
        groups: dict[str, Keys] = {tr("Window"): [(keys, name) for name, keys in self._keys("")]}
        if window.page is not None and window.page.shortcuts:
            groups[tr(window.page.title)] = [(keys, tr(words)) for keys, words in window.page.shortcuts]
        groups[tr("Pages")] = pages
        groups[tr("Lists")] = [(keys, tr(words)) for keys, words in LIST_KEYS]
        return groups

    def _keys(self, prefix: str) -> list[tuple[str, str]]:
        rows = self._window.window_actions.items()
        return [
            (action.text(), QKeySequence.listToString(action.shortcuts()[:_KEYS_OF_ONE]).replace("; ", ", "))
            for name, action in rows
            if name.startswith("page.") == bool(prefix) and not action.shortcut().isEmpty()
        ]

    # commands

    def _pages(self) -> list[Command]:
        open_page = self._window.open_page
        return [
            Command(text=tr(entry.title), kind=tr("Page"), icon=entry.icon, act=partial(open_page, entry.key))
            for entry in self._window.entries
        ]

    def _views(self) -> list[Command]:
        window = self._window
        return [
            Command(
                text=tr("view: {name}").format(name=view.name),
                kind=tr("View"),
                icon="eye",
                act=partial(window.navigate, "overview", view.filters),
            )
            for view in window.context.shell.views.views
        ]

    def _actions(self) -> list[Command]:
        made = []
        for name, action in self._window.window_actions.items():
            if name.startswith("page.") or name == "palette" or not action.isEnabled():
                continue
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            made.append(Command(text=action.text(), kind=keys or tr("Action"), icon="zap", act=action.trigger))
        return made

    def _models(self) -> list[Command]:
        return [self._model(row.id) for row in self._window.context.gateway.models()]

    def _model(self, name: str) -> Command:
        return Command(text=name, kind=tr("Model"), icon="cpu", act=partial(self._narrow, "model", name))

    def _narrow(self, dimension: str, value: str) -> None:
        """The requests of one value, in the range that is set."""
        snapshot = self._window.context.filters.snapshot()
        narrowed = FilterSnapshot(
            range_key=snapshot.range_key,
            custom=snapshot.custom,
            bucket=snapshot.bucket,
            dimensions={dimension: (value,)},
        )
        self._window.navigate("requests", narrowed)

    def _filter(self, tag: str) -> None:
        filters = self._window.context.filters
        for condition in filters.tags:
            if tag in condition.any_of:
                return
        snapshot = filters.snapshot()
        filters.restore(replace(snapshot, tags=with_tag_toggled(snapshot.tags, tag, negated=False)))

    async def _add_what_is_asked(self, opening: int) -> None:
        """Tags, conversations, and models that were used though no list has them; where the gateway cannot say, the
        palette does without."""
        gateway = self._window.context.gateway
        try:
            lately = UsageQuery(start_us=time.time_ns() // 1000 - _LATELY_US)
            tags = await gateway.breakdown(lately, "tag", sort="requests", limit=_TAGS)
            models = await gateway.breakdown(lately, "model", sort="requests", limit=_MODELS)
            page = await gateway.threads(ThreadQuery(among=lately), limit=_CONVERSATIONS)
        except KNOWN_ERRORS:
            return
        found = [
            Command(
                text=tr("filter: {value}").format(value=row.value),
                kind=tr("Tag"),
                icon="tag",
                act=partial(self._filter, row.value),
            )
            for row in tags.rows
            if row.value is not None
        ]
        listed = {row.id for row in gateway.models()}
        found += [self._model(row.value) for row in models.rows if row.value and row.value not in listed]
        for row in page.rows:
            name = " · ".join(filter(None, (row.title or row.id, row.app, row.user)))
            open_it = partial(self._window.navigate, "conversations", ThreadTarget(row.id))
            found.append(Command(text=name, kind=tr("Conversation"), icon="messages-square", act=open_it))
        if opening == self._openings:
            self.palette.add(found)
