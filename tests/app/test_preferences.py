"""What a person has chosen for the window: kept, checked, and in force everywhere at once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from pytestqt.qtbot import QtBot

from app import formats
from app.filters import FilterState
from app.preferences import CHOICES, OFF, Preferences, use_size
from app.shell import Shell
from app.tables.column import Column
from app.tables.model import ListModel
from app.tables.view import TableView
from app.theme import Theme

MON_18_03 = 1_795_456_980_000_000
"""Mon 23 Nov 2026, 18:03:00 UTC."""


def store(tmp_path: Path) -> QSettings:
    return QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)


def test_choices_are_kept_and_the_first_is_the_usual_one(qtbot: QtBot, tmp_path: Path) -> None:
    first = Preferences(store(tmp_path))
    assert [first.get(name) for name in CHOICES] == [choices[0] for choices in CHOICES.values()]
    with qtbot.waitSignal(first.changed) as told:
        first.set("notify_keys", OFF)
    assert told.args == ["notify_keys"]
    first.set_zone("Asia/Tokyo")
    again = Preferences(store(tmp_path))
    assert (again.is_on("notify_keys"), again.is_on("notify_gateway"), again.zone) == (False, True, "Asia/Tokyo")
    with qtbot.assertNotEmitted(again.changed):
        again.set("notify_keys", OFF)
    with pytest.raises(ValueError, match="choose one of comfortable, compact"):
        again.set("density", "tiny")


def test_a_size_is_taken_at_the_next_start(tmp_path: Path) -> None:
    environ: dict[str, str] = {}
    use_size(tmp_path, environ)
    assert environ == {} and not (tmp_path / "window.ini").exists()
    Preferences(store(tmp_path)).set("size", "150")
    started = "import os, sys\nfrom pathlib import Path\nfrom app.preferences import use_size\n"
    started += "from PySide6.QtWidgets import QApplication\n"
    started += "use_size(Path(sys.argv[1]), os.environ)\nprint(QApplication([]).devicePixelRatio())"
    plain = {name: value for name, value in os.environ.items() if name != "QT_SCALE_FACTOR"}
    for more, ratio in (({}, "1.5"), ({"QT_SCALE_FACTOR": "2"}, "2.0")):
        done = subprocess.run(
            [sys.executable, "-c", started, str(tmp_path)],
            env={**plain, "QT_QPA_PLATFORM": "offscreen", **more},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == ratio


def test_what_cannot_be_chosen_is_as_good_as_none(tmp_path: Path) -> None:
    kept = store(tmp_path)
    kept.setValue("preferences/density", "tiny")
    kept.setValue("preferences/clock", 7)
    for zone in ("Mars/Olympus", "localtime", "Europe", "posix/Europe/Berlin"):
        kept.setValue("preferences/zone", zone)
        assert Preferences(kept).zone == ""
    made = Preferences(kept)
    assert (made.get("density"), made.get("clock"), made.zone) == ("comfortable", "24", "")
    with pytest.raises(ValueError, match="Mars/Olympus is not known on this machine"):
        made.set_zone("Mars/Olympus")


def test_the_clock_and_the_zone_are_everybodys(qtbot: QtBot, theme: Theme) -> None:
    filters = FilterState(tz="Europe/Berlin")
    shell = Shell(theme, filters)
    with qtbot.waitSignals([shell.redraw_asked, theme.changed]):
        shell.preferences.set("clock", "12")
    with qtbot.waitSignals([shell.redraw_asked, filters.changed]):
        shell.preferences.set_zone("Asia/Tokyo")
    day = 86_400_000_000
    assert formats.clock(MON_18_03, now_us=MON_18_03) == "3:03:00.000 am"
    assert formats.clock(MON_18_03, now_us=MON_18_03 + day) == "24 Nov 3:03 am"
    assert filters.tz == "Asia/Tokyo"
    filters.set_range("1h")
    assert filters.words(MON_18_03) == "2:03 am – 3:03 am"
    shell.preferences.set_zone("")
    shell.preferences.set("clock", "24")
    assert filters.tz == "Europe/Berlin"
    assert formats.clock(MON_18_03, "Europe/Berlin", now_us=MON_18_03) == "19:03:00.000"


def test_tables_follow_the_density(qtbot: QtBot, theme: Theme) -> None:
    model = ListModel((Column(key="a", title="A", value=str, text=str),), None)
    model.set_rows([1, 2, 3])
    view = TableView(theme, model, "Numbers")
    qtbot.addWidget(view)
    shell = Shell(theme, FilterState(tz="UTC"))
    assert view.rowViewportPosition(2) == 60
    shell.preferences.set("density", "compact")
    assert view.rowViewportPosition(2) == 52
    shell.preferences.set("density", "comfortable")
    assert view.rowViewportPosition(2) == 60


@pytest.mark.parametrize(
    ("bytes_", "text"),
    [
        (None, "—"),
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (12_400, "12.4 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (3_240_000_000, "3.2 GB"),
        (5_000_000_000_000_000, "5000.0 TB"),
    ],
)
def test_sizes(bytes_: int | None, text: str) -> None:
    assert formats.size(bytes_) == text
