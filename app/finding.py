"""What the palette finds and the sheet of keys tells: the window's pages and actions, and what its gateway knows.

Pages and actions are there at once; parts of pages, and tags and conversations from the gateway's workers, come a
moment later.
"""

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace
from PySide6.QtGui import QKeySequence

from app.filter_words import with_tag_toggled
from app.filters import FilterSnapshot
from app.known_errors import KNOWN_ERRORS
from app.pages import PageEntry
from app.pages.page import PartTarget, ThreadTarget
from app.palette import NO_NAMES, Command, Names, Palette
from app.shortcut_sheet import Keys, ShortcutSheet
from app.sidebar import THEMES
from app.translation import later, tr
from gateway import Breakdown, ThreadQuery, UsageQuery

if TYPE_CHECKING:
    from app.window import Window

# As many as the filters beside the pages offer: one that is not here cannot be found by typing.
_TAGS = 10_000
_MODELS = 200
_CONVERSATIONS = 30
_LATELY_US = 30 * 86_400_000_000
# A cap has room for two.
_KEYS_OF_ONE = 2
LIST_KEYS: Keys = (
    ("↑ ↓ J K", later("Move")),
    ("Return, Space", later("Open")),
    ("Ctrl+C", later("Copy rows")),
    ("Menu, Shift+F10", later("Columns and other actions")),
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
        self.palette.open_over(
            self._window, [*self._pages(), *self._views(), *self._actions(), *self._themes(), *self._models()]
        )
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

    def _parts(self, entry: PageEntry) -> list[Command]:
        """What of a page has a name of its own; it is found by that of the page as well."""
        page = tr(entry.title)
        return [
            Command(
                text=part.title,
                kind=page,
                icon=part.icon,
                act=partial(self._window.navigate, entry.key, PartTarget(part.key)),
                words=f"{page} {part.words}",
            )
            for part in entry.parts()
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

    def _themes(self) -> list[Command]:
        choose, words, kind = self._window.context.theme.set_mode, tr("Theme: {name}"), tr("Action")
        return [
            Command(text=words.format(name=tr(title)), kind=kind, icon=icon, act=partial(choose, mode))
            for mode, icon, title in THEMES
        ]

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

    def _tags(self, tags: Breakdown) -> Names:
        words, kind = tr("filter: {value}"), tr("Tag")
        values = [row.value for row in tags.rows if row.value is not None]
        texts = [words.format(value=value) for value in values]

        def make(place: int) -> Command:
            return Command(text=texts[place], kind=kind, icon="tag", act=partial(self._filter, values[place]))

        return Names.of(texts, make)

    async def _add_what_is_asked(self, opening: int) -> None:
        """The parts of pages; then tags, conversations, and models that were used though no list has them. Where the
        gateway cannot say, the palette does without those."""
        gateway = self._window.context.gateway
        parts: list[Command] = []
        for entry in self._window.entries:
            # Some import what knows them, a turn for each.
            await asyncio.sleep(0)
            parts += self._parts(entry)
        self._add(opening, parts)
        try:
            lately = UsageQuery(start_us=time.time_ns() // 1000 - _LATELY_US)
            tags = await gateway.breakdown(lately, "tag", sort="requests", limit=_TAGS)
            models = await gateway.breakdown(lately, "model", sort="requests", limit=_MODELS)
            page = await gateway.threads(ThreadQuery(among=lately), limit=_CONVERSATIONS)
        except KNOWN_ERRORS:
            return
        listed = {row.id for row in gateway.models()}
        found = [self._model(row.value) for row in models.rows if row.value and row.value not in listed]
        for row in page.rows:
            name = " · ".join(filter(None, (row.title or row.id, row.app, row.user)))
            open_it = partial(self._window.navigate, "conversations", ThreadTarget(row.id))
            found.append(Command(text=name, kind=tr("Conversation"), icon="messages-square", act=open_it))
        self._add(opening, found, await asyncio.to_thread(self._tags, tags))

    def _add(self, opening: int, commands: Sequence[Command], tags: Names = NO_NAMES) -> None:
        if opening == self._openings and self.palette.isVisible():
            self.palette.add(commands, tags)
