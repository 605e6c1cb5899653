"""Tables are saved by a worker: a loop that also serves requests does not wait for a disk."""

import codecs
import os
import re
import resource
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QFileDialog, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from app.export_files import ask_where, export_table, gateway_export, save_text
from app.filters import FilterState
from app.preferences import OFF, ON
from app.shell import Shell
from app.tables.column import Column
from app.theme import Theme
from gateway import Export, FaregateError

_NOBODY = 65_534


@pytest.fixture
def shell(theme: Theme) -> Shell:
    return Shell(theme, FilterState(tz="UTC"))


async def test_a_table_is_made_and_written_beside_the_loop(tmp_path: Path, shell: Shell) -> None:
    threads: set[int] = set()

    def seen(row: str) -> str:
        threads.add(threading.get_ident())
        return row

    column: Column[str] = Column(key="a", title="A", text=str, value=seen, width=1)
    told: list[tuple[str, Path]] = []
    shell.saved.connect(lambda *saved: told.append(saved))
    await export_table(shell, [column], ["=1", "b"], tmp_path / "rows.csv", "2 rows")
    assert told == [("2 rows", tmp_path)]
    assert (tmp_path / "rows.csv").read_text() == "A\n'=1\nb\n"
    assert threads and threading.get_ident() not in threads
    with pytest.raises(FaregateError, match=r"rows.csv cannot be written \(No such file or directory\): choose"):
        await export_table(shell, [column], [], tmp_path / "no" / "rows.csv", "0 rows")
    assert len(told) == 1, "what is not there was not saved"


@pytest.fixture
def small_files() -> Iterator[None]:
    """A disk that takes no file of more than a thousand bytes."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


async def test_a_file_that_is_not_written_whole_leaves_what_stood_there(tmp_path: Path, small_files: None) -> None:
    path = tmp_path / "rows.csv"
    await save_text(lambda: "before", path)
    with pytest.raises(FaregateError, match=r"rows.csv cannot be written \(.+\): choose another folder\."):
        await save_text(lambda: "after" * 1_000, path)
    assert path.read_text() == "before"
    assert [each.name for each in tmp_path.iterdir()] == ["rows.csv"], "and nothing else is left"


async def test_a_file_is_written_where_a_link_points_to(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    target, link = tmp_path / "kept" / "rows.csv", tmp_path / "rows.csv"
    target.write_text("before")
    link.symlink_to(target)
    await save_text(lambda: "after\r\nä", link)
    assert link.is_symlink() and target.read_bytes() == b"after\r\n\xc3\xa4"


@pytest.fixture
def closed_folder() -> Iterator[Path]:
    """One that takes no new file of a person without special rights, and lets the one that is there be changed."""
    is_root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "rows.csv").write_text("before")
        (folder / "rows.csv").chmod(0o666)
        folder.chmod(0o555)
        if is_root:
            os.seteuid(_NOBODY)
        try:
            yield folder
        finally:
            if is_root:
                os.seteuid(0)
            folder.chmod(0o755)


async def test_a_file_is_written_in_its_place_where_its_folder_takes_no_other(closed_folder: Path) -> None:
    with pytest.raises(FaregateError, match=r"other.csv cannot be written"):
        await save_text(lambda: "after", closed_folder / "other.csv")
    await save_text(lambda: "after", closed_folder / "rows.csv")
    assert (closed_folder / "rows.csv").read_text() == "after"


def test_a_name_without_an_ending_gets_that_of_the_kind_that_was_chosen(
    qtbot: QtBot, theme: Theme, tmp_path: Path
) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    page.show()
    chosen: list[Path] = []
    kinds = "CSV, all columns (*.csv);;JSON lines (*.jsonl *.ndjson)"
    for wanted, typed in (("CSV, all columns (*.csv)", "one"), ("JSON lines (*.jsonl *.ndjson)", "two")):
        dialog = ask_where(page, "Export", "rows.csv", kinds, chosen.append)
        dialog.setDirectory(str(tmp_path))
        kind = dialog.findChild(QComboBox, "fileTypeCombo")
        assert kind is not None
        kind.setCurrentText(wanted)
        kind.textActivated.emit(wanted)
        kind.activated.emit(kind.currentIndex())
        name = dialog.findChild(QLineEdit, "fileNameEdit")
        assert name is not None
        name.setText(typed)
        qtbot.keyClick(name, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda dialog=dialog: not shiboken6.isValid(dialog) or not dialog.isVisible())
    assert chosen == [tmp_path / "one.csv", tmp_path / "two.jsonl"]


async def test_csv_begins_with_the_mark_where_it_was_chosen(tmp_path: Path, shell: Shell) -> None:
    column: Column[str] = Column(key="a", title="Größe", text=str, value=str, width=1)
    for marked in (False, True):
        shell.preferences.set("csv_mark", ON if marked else OFF)
        await export_table(shell, [column], ["漢"], tmp_path / "rows.csv", "1 row")
        assert (tmp_path / "rows.csv").read_bytes().startswith(codecs.BOM_UTF8) is marked
        assert (tmp_path / "rows.csv").read_text("utf-8-sig") == "Größe\n漢\n"


def test_only_csv_is_marked() -> None:
    by_day = Export(what="buckets", bucket="day")
    asked = gateway_export(Path("a.csv"), by_day, marked=True)
    assert asked == Export(what="buckets", bucket="day", format="csv", bom=True)
    assert gateway_export(Path("a.jsonl"), Export(), marked=True) == Export(format="jsonl")
    assert gateway_export(Path("a.csv"), Export(), marked=False) == Export()


def test_every_csv_of_the_window_asks_whether_to_be_marked() -> None:
    """Whoever writes CSV says what was chosen; prices of one's own are written for this window and not for Excel."""
    app = Path(__file__).parents[2] / "app"
    writing = re.compile(r"(?:await save_csv|= gateway_export|export_reconciliation)\(([^\n]*(?:\n[^\n]*)?)")
    found = {
        str(path.relative_to(app)): writing.findall(path.read_text("utf-8"))
        for path in app.rglob("*.py")
        if path.name != "export_files.py"
    }
    found = {name: calls for name, calls in found.items() if calls}
    assert len(found) >= 5
    assert [
        name for name, calls in found.items() if not all("marked=" in call or "bom=" in call for call in calls)
    ] == []


def test_a_first_file_goes_to_the_documents_and_a_later_one_beside_it(
    qtbot: QtBot, theme: Theme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It went to where the program was started: a folder of its own source, or the whole disk."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr("app.export_files._chosen", [])
    parent = QWidget()
    qtbot.addWidget(parent)

    def offered() -> tuple[QFileDialog, Path]:
        dialog = ask_where(parent, "Export", "rows.csv", "CSV (*.csv)", lambda path: None)
        return dialog, Path(dialog.directory().path())

    assert offered()[1] == tmp_path, "who has no folder for documents has a home"
    for name in ("Documents", "bills"):
        (tmp_path / name).mkdir()
    dialog, folder = offered()
    assert folder == tmp_path / "Documents"
    dialog.setDirectory(str(tmp_path / "bills"))
    name = dialog.findChild(QLineEdit, "fileNameEdit")
    assert name is not None
    qtbot.keyClick(name, Qt.Key.Key_Return)
    assert offered()[1] == tmp_path / "bills"
    typed = tmp_path / "typed"
    typed.mkdir()
    dialog, _ = offered()
    name = dialog.findChild(QLineEdit, "fileNameEdit")
    assert name is not None
    name.setText(str(typed / "rows.csv"))
    qtbot.keyClick(name, Qt.Key.Key_Return)
    assert offered()[1] == typed
