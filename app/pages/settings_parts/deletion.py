"""Deleting what was kept of some days: how much it is stands there before, and is named again in the question."""

from collections.abc import Callable
from datetime import timedelta

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app import formats
from app.context import AppContext
from app.date_field import DateField
from app.focus import pause
from app.known_errors import KNOWN_ERRORS
from app.pages.settings_parts.line import Line
from app.questions import ask_to_lose
from app.range_picker import day_range
from app.text_label import TextLabel
from app.translation import counted, later, tr
from app.widgets import PushButton, SegmentedControl
from app.work import Job
from gateway import Cleaned, Deletion, DeletionPreview

SAID, REQUESTS = "said", "requests"
_DAYS = 30
AddLine = Callable[[str, str, str, QWidget], Line]


def preview_words(preview: DeletionPreview) -> str:
    """What would go, in a sentence."""
    if not preview.entries:
        return tr("Nothing of these days is kept.")
    calls = counted(preview.turns, later("the messages of 1 call"), later("the messages of {count} calls"))
    parts = [counted(preview.requests, later("1 request"), later("{count} requests"))] if preview.requests else []
    if preview.turns:
        within = counted(preview.conversations, later("in 1 conversation"), later("in {count} conversations"))
        parts.append(tr("{calls} {within}").format(calls=calls, within=within))
    if preview.told:
        parts.append(counted(preview.told, later("1 span or record"), later("{count} spans and records")))
    size = formats.size(preview.bytes)
    return tr("That is {parts}: about {size}.").format(parts=", ".join(parts), size=size)


class DaysDeletion(QObject):
    """Three lines of a section; `title` is that of the one that deletes. `done(words)` says what became of it."""

    done = Signal(str)

    def __init__(self, context: AppContext, title: str, add_line: AddLine, parent: QWidget) -> None:
        super().__init__(parent)
        self._context, self._parent = context, parent
        self._asked: Deletion | None = None
        self._deleting = False
        self.preview: DeletionPreview | None = None
        theme, heading = context.theme, tr("Delete")
        self.what = SegmentedControl(theme, [(SAID, tr("Messages")), (REQUESTS, tr("Requests too"))])
        self.what.setObjectName("delete_what")
        self.what.setAccessibleName(tr("What is deleted"))
        self.what.changed.connect(lambda _key: self._on_changed())
        self.first, self.last = (DateField(theme, name) for name in (tr("First day"), tr("Last day")))
        self.first.setObjectName("delete_first")
        self.last.setObjectName("delete_last")
        self._today = self.last.day()
        self.first.show_day(self._today - timedelta(days=_DAYS))
        for field in (self.first, self.last):
            field.dateChanged.connect(lambda _day: self._on_changed())
        self.button = PushButton(theme, tr("Delete…"), "trash-2", "danger")
        self.button.setObjectName("delete_days")
        self._allow()
        self.button.clicked.connect(self._ask)
        words = tr(
            "Messages of some days, or all requests up to a day with their messages. Sums of requests, tokens "
            "and costs stay, and stay exact."
        )
        add_line(heading, tr("What"), words, self.what)
        add_line(heading, tr("Days"), tr("Whole days, in the time zone of tables and charts."), self._days())
        self.line = add_line(heading, title, tr("Working out how much that is …"), self.button)

    def _days(self) -> QWidget:
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        self.between = TextLabel(self._context.theme, tr("to"), tone="text2")
        for widget in (self.first, self.between, self.last):
            row.addWidget(widget)
        return holder

    def follow_the_day(self) -> None:
        """A day that nobody chose is told from today, also once that is another day; in another zone days are others
        too."""
        before, self._today = self._today, formats.today()
        for field, ago in ((self.first, timedelta(days=_DAYS)), (self.last, timedelta())):
            if field.day() == before - ago:
                field.show_day(self._today - ago)
        if self._asked is not None and self.asked() != self._asked:
            self._context.spawn(self.look())

    # how much

    def asked(self) -> Deletion | None:
        """What the lines say; None where the days are the wrong way round."""
        first, last = self.first.day(), self.last.day()
        with_requests = self.what.current == REQUESTS
        if first > last and not with_requests:
            return None
        start_us, end_us = day_range(min(first, last), last, self._context.filters.tz)
        return Deletion(start_us=None if with_requests else start_us, end_us=end_us, requests=with_requests)

    def _on_changed(self) -> None:
        from_the_first = self.what.current == REQUESTS
        self.first.setVisible(not from_the_first)
        self.between.setVisible(not from_the_first)
        self._context.spawn(self.look())

    async def look(self) -> None:
        """Tell how much would go. What was told of the same days stands until then."""
        before, asked = self._asked, self.asked()
        self._asked = asked
        if asked != before:
            self.preview = None
            self._allow()
        self.line.show_problem("")
        if asked is None:
            self.line.words.setText("")
            self.line.show_problem(tr("The first day is after the last: choose an earlier one."))
            return
        try:
            preview = await self._context.gateway.preview_deletion(asked)
        except KNOWN_ERRORS as error:
            if asked is self._asked:
                self.preview = None
                self._allow()
                self.line.words.setText("")
                self.line.show_problem(str(error))
            return
        if asked is self._asked:
            self.preview = preview
            self.line.words.setText(preview_words(preview))
            self._allow()

    def _allow(self) -> None:
        """Only what is known to be something is deleted, and nothing beside a deletion."""
        known = self.preview is not None and self.preview.entries > 0
        self.button.setEnabled(known and not self._deleting)

    # and away

    def _ask(self) -> None:
        asked, preview = self._asked, self.preview
        if asked is None or preview is None:
            return
        first, last = self.first.text(), self.last.text()
        title = tr("Delete the messages from {first} to {last}?").format(first=first, last=last)
        rest = tr("They do not come back. Requests, tokens and costs stay counted.")
        if asked.requests:
            title = tr("Delete all requests up to {last}, with their messages?").format(last=last)
            rest = tr(
                "They do not come back, and can no longer be looked at, filtered by words or re-priced. "
                "Sums of requests, tokens and costs stay, and stay exact."
            )
        ask_to_lose(
            self._parent,
            "question.delete_days",
            title,
            f"{preview_words(preview)} {rest}",
            lambda: self._context.spawn(self._delete(asked)),
            words=tr("Delete"),
            keep=tr("Keep"),
        )

    async def _delete(self, asked: Deletion) -> None:
        resume = pause(self.button, self.what, self.first, self.last)
        self._deleting = True

        async def work(job: Job) -> Cleaned:
            return await self._context.gateway.delete_range(asked, job.told)

        try:
            cleaned = await self._context.shell.work.run(tr("Deleting"), tr("entries"), work)
        except KNOWN_ERRORS as error:
            self.line.show_problem(str(error))
        else:
            self.done.emit(deleted_words(cleaned))
            await self.look()
        finally:
            self._deleting = False
            resume()
            self._allow()


def deleted_words(cleaned: Cleaned | None) -> str:
    """What became of it; None is one that was ended."""
    if cleaned is None:
        return tr("Cancelled; what was deleted until then is gone")
    entries = sum(cleaned.taken.values())
    if not cleaned.freed_bytes:
        # What is free within the files is filled again first.
        return counted(entries, later("Deleted 1 entry"), later("Deleted {count} entries"))
    return counted(
        entries,
        later("Deleted 1 entry; {size} of disk space is free again"),
        later("Deleted {count} entries; {size} of disk space is free again"),
        size=formats.size(cleaned.freed_bytes),
    )
