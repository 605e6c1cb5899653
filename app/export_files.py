"""Files that are saved: the question where to, their kinds by their endings, and a table written beside the loop."""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

from msgspec.structs import replace
from PySide6.QtCore import QBuffer, QIODevice, QSaveFile, QStandardPaths
from PySide6.QtGui import QImage, QImageWriter
from PySide6.QtWidgets import QFileDialog, QWidget

from app.file_dialogs import file_dialog
from app.shell import Shell
from app.tables.column import Column, Row, comma_separated
from app.translation import later, tr
from gateway import Export, FaregateError

CSV_FILTER = later("CSV (*.csv)")
PICTURE_FILTER = later("Pictures (*.png)")
EXPORT_FILTER = later("CSV (*.csv);;JSON lines (*.jsonl)")
_MARK = "\ufeff"
_chosen: list[str] = []


def gateway_export(path: Path, asked: Export, *, marked: bool) -> Export:
    """`asked` as it is written there: the form is what the file is called, CSV `marked` or not."""
    form = export_format(path)
    return replace(asked, format=form, bom=marked and form == "csv")


def export_format(path: Path) -> str:
    """csv, or jsonl where the file is to be called so."""
    return "jsonl" if path.suffix.lower() in (".jsonl", ".ndjson") else "csv"


def ask_where(
    parent: QWidget, title: str, suggested: str, filters: str, chosen: Callable[[Path], object], *, name: str = ""
) -> QFileDialog:
    """Open the dialog that asks where to save; `chosen` is called once somebody has said it. `name`: the object's.
    Which of the filters was chosen, the dialog knows."""
    dialog = file_dialog(parent, title, name)
    # Qt begins where the program was started, and later in the folder that the last dialog showed: a path that was
    # typed leads elsewhere.
    dialog.setDirectory(str(Path(_chosen[-1]).parent) if _chosen else _documents())
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilters(filters.split(";;"))
    dialog.setDefaultSuffix(Path(suggested).suffix.removeprefix("."))
    dialog.filterSelected.connect(lambda words: dialog.setDefaultSuffix(_ending(words)))
    dialog.selectFile(suggested)
    dialog.fileSelected.connect(_chosen.append)
    dialog.fileSelected.connect(lambda path: chosen(Path(path)))
    dialog.open()
    return dialog


def _documents() -> str:
    """The person's folder for documents; their home where there is none."""
    places = QStandardPaths.StandardLocation
    found = QStandardPaths.writableLocation(places.DocumentsLocation)
    return found if Path(found).is_dir() else QStandardPaths.writableLocation(places.HomeLocation)


def _ending(name_filter: str) -> str:
    """The first ending that a filter names: csv of "CSV (*.csv *.tsv)"."""
    return name_filter.rpartition("(*.")[2].rstrip(")").partition(" ")[0]


async def export_table(
    shell: Shell, columns: Iterable[Column[Row]], rows: Iterable[Row], path: Path, words: str
) -> None:
    """Write these rows as CSV, marked as the person wants it, and tell the window in these words. Raises
    FaregateError where it cannot be written."""
    shown, written = tuple(columns), tuple(rows)
    await save_csv(lambda: comma_separated(shown, written), path, marked=shell.marks_csv)
    shell.saved.emit(words, path.parent)


async def save_csv(make: Callable[[], str], path: Path, *, marked: bool) -> None:
    """Make CSV and write it, both beside the loop. Raises FaregateError where the file cannot be written."""
    await save_text(lambda: f"{_MARK if marked else ''}{make()}", path)


async def save_text(make: Callable[[], str], path: Path) -> None:
    """Make a text and write it, both beside the loop. Raises FaregateError where the file cannot be written."""
    await save_bytes(lambda: make().encode(), path)


async def save_bytes(make: Callable[[], bytes], path: Path) -> None:
    """Make what a file holds and write it, both beside the loop. The file is there whole or not at all, and what
    stood there before stays until then, unless its folder takes no new file. Raises FaregateError where it cannot be
    written."""
    problem = await asyncio.to_thread(_write, make, path)
    if problem:
        words = tr("{path} cannot be written ({why}): choose another folder.")
        raise FaregateError(words.format(path=path, why=problem))


async def save_picture(picture: QImage, path: Path) -> None:
    """Write it as PNG, beside the loop. Raises FaregateError where it cannot be made or written."""
    await save_bytes(lambda: _png(picture), path)


def _png(picture: QImage) -> bytes:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QImageWriter(buffer, b"png")
    if not writer.write(picture):
        words = tr("The picture cannot be made ({why}): make the window smaller, or save the chart's values.")
        raise FaregateError(words.format(why=writer.errorString()))
    return bytes(buffer.data().data())


def _write(make: Callable[[], bytes], path: Path) -> str:
    """What went wrong, or ""."""
    content = make()
    file = QSaveFile(str(path))
    # Some folders let their files be changed, and no new one be made: there it is written in its place.
    file.setDirectWriteFallback(True)
    if not file.open(QIODevice.OpenModeFlag.WriteOnly):
        return file.errorString()
    file.write(content)
    return "" if file.commit() else file.errorString()
