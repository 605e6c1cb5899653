"""The sections about what lies on the disk: retention with its sizes, the data folder, and what Faregate is."""

import platform
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QUrl, Signal, qVersion
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QWidget

from app import formats
from app.export_files import gateway_export
from app.file_dialogs import file_dialog
from app.focus import pause
from app.known_errors import KNOWN_ERRORS
from app.pages.settings_parts.cleaning import CleaningUp
from app.pages.settings_parts.deletion import DaysDeletion, deleted_words
from app.pages.settings_parts.own_sections import Preferring
from app.pages.settings_parts.section import Rows, SectionView
from app.questions import ask_to_replace
from app.resources import FOLDER
from app.text_label import TextLabel
from app.translation import counted, later, tr
from app.widgets import PushButton, SegmentedControl
from app.work import Job
from gateway import Cleaned, Export, Sizes, UsageQuery

# (file's name, what is exported)
EXPORTS = (
    ("requests", Export(what="requests")),
    ("sums-by-day", Export(what="buckets", bucket="day")),
    ("conversations", Export(what="conversations")),
)


def figure(theme_owner: SectionView, name: str) -> TextLabel:
    """A number at the right of a line."""
    made = TextLabel(theme_owner.context.theme, formats.UNKNOWN, weight=500)
    made.setObjectName(name)
    return made


def on_disk(sizes: Sizes) -> int:
    """All of it, in bytes."""
    return sizes.usage_bytes + sizes.traces_bytes + sizes.state_bytes + sizes.journal_bytes + sizes.logs_bytes


def unsorted_bytes(sizes: Sizes) -> int:
    """What the file of requests and sums takes besides them, in bytes."""
    return max(0, sizes.usage_bytes - sizes.requests_bytes - sizes.buckets_bytes)


class DiskPart(NamedTuple):
    """What takes room on the disk; `name` is that of its line's title."""

    name: str
    bytes_of: Callable[[Sizes], int]
    words: str = ""


DISK_PARTS = (
    DiskPart("requests", lambda sizes: sizes.requests_bytes),
    DiskPart("buckets", lambda sizes: sizes.buckets_bytes),
    DiskPart(
        "unsorted",
        unsorted_bytes,
        later("The rest of their file: what was written last, and what may be filled again."),
    ),
    DiskPart("traces", lambda sizes: sizes.traces_bytes),
    DiskPart("journal", lambda sizes: sizes.journal_bytes),
    DiskPart("state", lambda sizes: sizes.state_bytes),
    DiskPart("logs", lambda sizes: sizes.logs_bytes),
)


class RetentionSection(SectionView):
    counts = True

    def build(self) -> None:
        self.add_rows()
        heading = self.held("disk")
        self.sizes: dict[str, TextLabel] = {}
        self.size_lines = {}
        for part in DISK_PARTS:
            label, words = figure(self, f"size.{part.name}"), tr(part.words) if part.words else ""
            self.sizes[part.name] = label
            self.size_lines[part.name] = self.add_line(heading, self.held(part.name), words, label)
        self.total = figure(self, "size.total")
        self.add_line(heading, tr("Total"), "", self.total)
        button = PushButton(self.context.theme, tr("Clean up now"), kind="secondary")
        button.setObjectName("clean_up")
        self.cleaning = CleaningUp(
            self,
            heading,
            self.held("clean_up"),
            tr("Removes what the settings above no longer keep. This happens by itself every hour."),
            button,
            self._result,
            self.refresh,
        )

    async def refresh(self) -> None:
        sizes = await self.context.gateway.sizes()
        for part in DISK_PARTS:
            self.sizes[part.name].setText(formats.size(part.bytes_of(sizes)))
        self.total.setText(formats.size(on_disk(sizes)))
        if sizes.first_request_us is not None:
            since = formats.clock(sizes.first_request_us)
            words = counted(
                sizes.requests,
                later("1 request, of {since}."),
                later("{count} requests, the oldest of {since}."),
                since=since,
            )
            line = self.size_lines["requests"]
            line.words.setText(words)
            line.words.show()

    def _result(self, cleaned: Cleaned | None) -> str:
        if cleaned is not None and not any(cleaned.taken.values()):
            return tr("Nothing was too old or too large")
        return deleted_words(cleaned)


class DataSection(Preferring):
    counts = True

    def build(self) -> None:
        theme, gateway = self.context.theme, self.context.gateway
        place, out = self.held("folder"), tr("Take it with you")
        self.open_folder = PushButton(theme, tr("Open"), kind="secondary")
        self.open_folder.setObjectName("open_folder")
        self.open_folder.setAccessibleName(tr("Open the data folder"))
        self.open_folder.clicked.connect(self._open_folder)
        self.copy_folder = PushButton(theme, tr("Copy path"))
        self.copy_folder.clicked.connect(self._copy_folder)
        self.folder_line = self.add_line(place, self.held("where"), formats.folder(gateway.folder), self._beside())
        self.total = figure(self, "data.size")
        self.add_line(
            place,
            self.held("size"),
            tr("All of it on the disk; what takes how much stands in Retention."),
            self.total,
        )
        button = PushButton(theme, tr("Compact"), kind="secondary")
        button.setObjectName("compact")
        self.compacting = CleaningUp(
            self,
            place,
            self.held("compact"),
            tr(
                "Removes what Retention no longer keeps, and gives its room back to the disk. This happens by itself "
                "every hour."
            ),
            button,
            self._given_back,
            self._tell_size,
        )
        self.format = SegmentedControl(theme, [("csv", "CSV"), ("jsonl", "JSON lines")])
        self.format.setAccessibleName(tr("Format of the files"))
        self.export = PushButton(theme, tr("Export everything…"), "download", kind="secondary")
        self.export.setObjectName("export_everything")
        self.export.clicked.connect(self.choose_folder)
        self.add_line(out, tr("Format"), "", self.format)
        self.export_line = self.add_line(
            out,
            self.held("export"),
            tr("Requests, sums by day and conversations, a file each, into a folder of your choice."),
            self.export,
        )
        self.add_switch(
            out,
            "csv_mark",
            tr("Every CSV file begins with the mark by which Excel knows letters such as é and ß."),
        )
        self.deletion = DaysDeletion(self.context, self.held("delete"), self.add_line, self)
        self.deletion.done.connect(self.toast)
        self._add_demo()

    def show_settings(self, rows: Rows) -> None:
        super().show_settings(rows)
        self.deletion.follow_the_day()

    async def refresh(self) -> None:
        self.deletion.follow_the_day()
        await self._tell_size()
        await self.deletion.look()

    async def _tell_size(self) -> None:
        self.total.setText(formats.size(on_disk(await self.context.gateway.sizes())))

    def _given_back(self, cleaned: Cleaned | None) -> str:
        if cleaned is None or any(cleaned.taken.values()):
            return deleted_words(cleaned)
        if not cleaned.freed_bytes:
            return tr("There was no room to give back")
        return tr("{size} of disk space is free again").format(size=formats.size(cleaned.freed_bytes))

    def _beside(self) -> QWidget:
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.copy_folder)
        row.addWidget(self.open_folder)
        return holder

    def _add_demo(self) -> None:
        """Leaving the demo, or deleting what an earlier one left behind."""
        gateway, shell = self.context.gateway, self.context.shell
        if not gateway.demo and not (Path(gateway.folder) / "demo").is_dir():
            return
        self.demo = PushButton(self.context.theme, tr("Leave demo") if gateway.demo else tr("Delete"), kind="danger")
        self.demo.setObjectName("delete_demo")
        self.demo.setAccessibleName(tr("Leave the demo") if gateway.demo else tr("Delete the demo's data"))
        words = (
            tr("Deletes the example data and continues in your own folder.")
            if gateway.demo
            else tr("An earlier demo left its example data in a folder of its own.")
        )
        self.demo.clicked.connect(shell.leave_demo_asked if gateway.demo else self._delete_demo)
        self.add_line(tr("Demo"), self.held("demo"), words, self.demo)

    def _delete_demo(self) -> None:
        self.demo.setEnabled(False)
        self.context.shell.delete_demo_asked.emit()

    def _open_folder(self) -> None:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.context.gateway.folder))):
            self.folder_line.show_problem(tr("This desktop cannot open folders; copy the path instead."))

    def _copy_folder(self) -> None:
        QGuiApplication.clipboard().setText(str(self.context.gateway.folder))
        self.toast.emit(tr("Path copied"))

    def choose_folder(self) -> None:
        dialog = file_dialog(self, tr("Export everything into a folder"), "export_everything_folder")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(lambda name: self._ask_before(Path(name)))
        dialog.open()

    def _ask_before(self, folder: Path) -> None:
        """Export at once, or first ask about files that it would replace."""
        there = [path.name for path in self._paths(folder) if path.exists()]

        def export() -> None:
            self.context.spawn(self.export_to(folder))

        if there:
            ask_to_replace(self, there, formats.folder(folder), export)
        else:
            export()

    def _paths(self, folder: Path) -> tuple[Path, ...]:
        """The file of each of `EXPORTS`."""
        return tuple(folder / f"faregate-{name}.{self.format.current}" for name, _ in EXPORTS)

    async def export_to(self, folder: Path) -> None:
        """All files into a folder; cancelling leaves no half of one."""
        resume = pause(self.export)
        self.export_line.show_problem("")
        paths = self._paths(folder)
        rows = 0

        async def work(job: Job) -> int:
            nonlocal rows
            for path, (_, export) in zip(paths, EXPORTS, strict=True):
                asked = gateway_export(path, export, marked=self.context.shell.marks_csv)
                progress = ToldOfFile(job, rows)
                rows += await self.context.gateway.export_file(UsageQuery(), asked, path, progress)
            return rows

        try:
            done = await self.context.shell.work.run(tr("Exporting everything"), tr("rows"), work)
        except KNOWN_ERRORS as error:
            self.export_line.show_problem(str(error))
        else:
            if done is None:
                self.toast.emit(tr("Cancelled"))
            else:
                words = counted(
                    rows,
                    later("Exported 1 row to {folder}"),
                    later("Exported {count} rows to {folder}"),
                    folder=folder.name,
                )
                self.context.shell.saved.emit(words, folder)
        finally:
            resume()


class ToldOfFile:
    """Rows of this file on top of those of the files before."""

    def __init__(self, job: Job, before: int) -> None:
        self._job = job
        self._before = before
        # That of the file before.
        job.total = None

    def __call__(self, rows: int, total: int | None) -> None:
        self._job.told(self._before + rows, None if total is None else self._before + total)


# Where a file's name is not how it is written.
_CALLED = {"JetBrainsMono": "JetBrains Mono"}


class AboutSection(SectionView):
    """`license_asked` carries the file whose text is to be shown."""

    license_asked = Signal(object)

    def build(self) -> None:
        theme = self.context.theme
        this = tr("This program")
        self.copy_report = PushButton(theme, tr("Copy report"), "copy", kind="secondary")
        self.copy_report.setObjectName("copy_report")
        self.copy_report.clicked.connect(self._copy)
        self._rows: Rows = {}
        self.add_line(
            this,
            tr("Faregate {version}").format(version=program_version()),
            tr("MIT licence. Everything stays on this machine but the calls themselves."),
        )
        self.add_line(
            this,
            self.held("report"),
            tr("Versions, the gateway's state and which settings differ from the defaults; no keys, no content."),
            self.copy_report,
        )
        heading = self.held("licences")
        for path in sorted((FOLDER / "licenses").glob("*.txt")):
            if path.stem != "README":
                show = PushButton(theme, tr("Show"))
                show.setAccessibleName(tr("Show {name}").format(name=path.stem))
                show.clicked.connect(lambda _checked=False, path=path: self.license_asked.emit(path))
                name, _, licence = path.stem.partition("-")
                self.add_line(heading, _CALLED.get(name, name), licence.replace("-", " "), show)
        self.add_line(
            heading,
            "Qt, PySide6",
            tr("LGPL 3, unmodified: the library may be replaced by another build of the same version."),
        )

    def show_settings(self, rows: Rows) -> None:
        self._rows = rows

    def report(self) -> str:
        """What a developer asks for first; settings hold no secrets."""
        state = self.context.gateway.state
        changed = [f"  {row.key} = {row.value!r}" for row in self._rows.values() if row.value != row.default]
        lines = [
            f"Faregate {program_version()}{' (demo)' if self.context.gateway.demo else ''}",
            f"Python {platform.python_version()}, Qt {qVersion()}, {QGuiApplication.platformName()}",
            f"{platform.system()} {platform.release()} {platform.machine()}",
            f"Gateway: {state.word}{f', {state.message}' if state.message else ''}",
            "Settings that differ from the defaults:",
            *(changed or ["  none"]),
        ]
        return "\n".join(lines)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.report())
        self.toast.emit(tr("Report copied"))


def program_version() -> str:
    """As the package says; a frozen program carries its metadata too."""
    try:
        return version("faregate")
    except PackageNotFoundError:
        return "0"
