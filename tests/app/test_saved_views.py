"""Saved views: named beside the chips, opened from a menu or the palette, kept with what is chosen."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QMessageBox
from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.filter_bar import FilterBar
from app.filters import FilterSnapshot
from app.preferences import Preferences
from app.saved_views import LONGEST_NAME, MOST_VIEWS, SavedViews, suggested_name
from gateway import NumberCondition, TagCondition
from tests.app.whole import PseudoLocale, cut

REVIEWS = FilterSnapshot(
    range_key="12m", bucket="month", tags=(TagCondition(any_of=("feature:code-review",)),), split="tag:team"
)


def store(tmp_path: Path) -> QSettings:
    return QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)


@pytest.fixture
def bar(qtbot: QtBot, context: AppContext) -> Iterator[FilterBar]:
    made = FilterBar(context, views=True)
    qtbot.addWidget(made)
    made.resize(900, 40)
    made.show()
    yield made
    made.save_popover.close()


def test_a_view_outlives_the_window(tmp_path: Path) -> None:
    SavedViews(Preferences(store(tmp_path))).save("Reviews by team", REVIEWS)
    again = SavedViews(Preferences(store(tmp_path)))
    assert [(view.name, view.filters) for view in again.views] == [("Reviews by team", REVIEWS)]
    again.remove("reviews BY team")
    assert SavedViews(Preferences(store(tmp_path))).views == ()


def test_what_cannot_be_read_is_no_view(tmp_path: Path) -> None:
    kept = store(tmp_path)
    kept.setValue("kept/views", '[{"name": 3}]')
    assert SavedViews(Preferences(kept)).views == ()


def test_names_are_unique_trimmed_and_few() -> None:
    views = SavedViews(Preferences())
    views.save("  Two   words ", FilterSnapshot())
    views.save("two words", REVIEWS)
    assert [(view.name, view.filters) for view in views.views] == [("two words", REVIEWS)]
    views.save("x" * 200, FilterSnapshot())
    assert len(views.views[-1].name) == LONGEST_NAME
    with pytest.raises(ValueError, match="needs a name"):
        views.save("  ", FilterSnapshot())
    for number in range(MOST_VIEWS - 2):
        views.save(f"view {number}", FilterSnapshot())
    with pytest.raises(ValueError, match="delete one"):
        views.save("one more", FilterSnapshot())
    views.save("two words", FilterSnapshot())


@pytest.mark.parametrize(
    ("filters", "name"),
    [
        (REVIEWS, "feature: code-review, by team"),
        (FilterSnapshot(dimensions={"user": ("ana",)}, text=("opus",)), "User: ana, “opus”"),
        (FilterSnapshot(numbers=(NumberCondition("latency", ">", 5_000_000),)), "Latency > 5 s"),
        (FilterSnapshot(split="provider"), "by provider"),
    ],
)
def test_a_name_is_suggested(filters: FilterSnapshot, name: str) -> None:
    assert suggested_name(filters) == name


def test_a_view_is_saved_beside_the_chips_and_comes_back(bar: FilterBar, context: AppContext) -> None:
    assert not bar.save_button.isVisible() and not bar.views_button.isVisible() and not bar.clear_button.isVisible()
    context.filters.restore(REVIEWS)
    bar.save_button.click()
    assert bar.save_popover.name.text() == "feature: code-review, by team"
    assert bar.save_popover.name.selectedText() == "feature: code-review, by team", "typed over at once"
    bar.save_popover.name.setText("")
    bar.save_popover.save_button.click()
    assert bar.save_popover.problem.isVisible() and "needs a name" in bar.save_popover.problem.text()
    bar.save_popover.name.setText("Reviews")
    QTest.keyClick(bar.save_popover.name, Qt.Key.Key_Return)
    assert not bar.save_popover.isVisible()
    assert [view.name for view in context.shell.views.views] == ["Reviews"]
    context.filters.restore(FilterSnapshot())
    assert not bar.save_button.isVisible()
    bar.views_button.click()
    menus = [one for one in QApplication.topLevelWidgets() if isinstance(one, QMenu) and one.isVisible()]
    assert [action.text() for action in menus[0].actions() if action.text()] == ["Reviews", "Delete a view"]
    menus[0].actions()[0].trigger()
    menus[0].close()
    assert context.filters.snapshot() == REVIEWS
    bar.views_button.click()
    menus = [one for one in QApplication.topLevelWidgets() if isinstance(one, QMenu) and one.isVisible()]
    deleting = menus[0].actions()[-1].menu()
    assert isinstance(deleting, QMenu) and [action.text() for action in deleting.actions()] == ["Reviews"]
    deleting.actions()[0].trigger()
    menus[0].close()
    question = bar.findChild(QMessageBox, "question.delete_view")
    assert question is not None and len(context.shell.views.views) == 1
    next(button for button in question.buttons() if button.text() == "Delete").click()
    assert context.shell.views.views == () and not bar.views_button.isVisible()


def test_several_chips_go_at_once(bar: FilterBar, context: AppContext) -> None:
    context.filters.restore(msgspec.structs.replace(REVIEWS, text=("opus",)))
    assert len(bar.chips) == 2
    bar.clear_button.click()
    assert bar.chips == () and not bar.clear_button.isVisible()
    assert context.filters.range_key == "12m"


def test_a_bar_of_its_own_filters_saves_nothing(qtbot: QtBot, context: AppContext) -> None:
    bar = FilterBar(context)
    qtbot.addWidget(bar)
    bar.show()
    context.filters.restore(REVIEWS)
    context.shell.views.save("Reviews", REVIEWS)
    assert not bar.save_button.isVisible() and not bar.views_button.isVisible()


def test_nothing_is_cut_in_a_longer_language(qtbot: QtBot, context: AppContext) -> None:
    longer = PseudoLocale()
    QApplication.installTranslator(longer)
    try:
        bar = FilterBar(context, views=True)
        qtbot.addWidget(bar)
        bar.resize(400, 40)
        bar.show()
        context.filters.restore(msgspec.structs.replace(REVIEWS, text=("opus",)))
        context.shell.views.save("Reviews", REVIEWS)
        bar.save_button.click()
        bar.save_popover.show_problem("A view needs a name: type one. " * 3)
        assert cut(bar.save_popover) == [] and cut(bar) == []
        bar.save_popover.close()
    finally:
        QApplication.removeTranslator(longer)
