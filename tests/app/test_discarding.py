"""What a person has typed is not lost by a slip: Esc, the cross and another row ask first; a saved view too."""

import time
from typing import TypeVar

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.filter_bar import FilterBar
from app.filters import FilterSnapshot, FilterState
from app.pages.api_keys import ApiKeysPage
from app.pages.models import ModelsPage
from app.pages.models_parts.details import ModelDetails
from app.pages.models_parts.editor import PriceEditor
from app.pages.page import Page
from app.pages.providers import ProvidersPage
from app.pages.providers_parts.secret_field import SecretField
from app.theme import Theme
from gateway import Changes
from tests.app.fake_gateway import FakeGateway
from tests.app.turns import Turns

P = TypeVar("P", bound=Page)
EVERYTHING = Changes(usage=True, keys=True, providers=True, prices=True)


@pytest.fixture
def wanted(theme: Theme, turns: Turns) -> AppContext:
    gateway = FakeGateway(50, now_us=time.time_ns() // 1000)
    return AppContext(gateway, theme, FilterState(tz="UTC"), turns)  # type: ignore[arg-type]


def shown(page: P, qtbot: QtBot, turns: Turns) -> P:
    for control in page.header_controls():
        control.setParent(page)
    qtbot.addWidget(page)
    page.resize(1220, 840)
    stand_before_all(page, qtbot)
    turns(page.refresh(EVERYTHING))
    turns.run()
    return page


def stand_before_all(widget: QWidget, qtbot: QtBot) -> None:
    """With the keyboard."""
    widget.show()
    with qtbot.waitActive(widget):
        widget.activateWindow()


def question(widget: QWidget, name: str = "question.discard") -> QMessageBox | None:
    return next((box for box in widget.findChildren(QMessageBox, name) if box.isVisible()), None)


def answer(widget: QWidget, words: str, qtbot: QtBot, name: str = "question.discard") -> None:
    box = question(widget, name)
    assert box is not None
    button = next(each for each in box.buttons() if each.text() == words)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: question(widget, name) is None and widget.isActiveWindow())


def escape(page: Page, field: QWidget, qtbot: QtBot) -> None:
    field.setFocus()
    qtbot.keyClick(field, Qt.Key.Key_Escape)


def opened_editor(page: ModelsPage, price: str = "") -> PriceEditor:
    """Of the first model, with what is typed as its input's price."""
    page.open_editor(page.lines[0])
    editor = page.drawer.content()
    assert isinstance(editor, PriceEditor)
    if price:
        editor.fields["input"].setText(price)
    return editor


def test_a_price_that_was_typed_is_kept_until_it_may_go(qtbot: QtBot, wanted: AppContext, turns: Turns) -> None:
    page = shown(ModelsPage(wanted), qtbot, turns)
    editor = opened_editor(page)
    escape(page, editor.note, qtbot)
    assert question(page) is None and not page.drawer.isVisible(), "nothing was typed: nothing is asked"

    editor = opened_editor(page, "7.25")
    for leave in (
        lambda: escape(page, editor.fields["input"], qtbot),
        lambda: page.drawer.close_button.click(),
        lambda: page.view.opened.emit(1),
        lambda: page.section.segment("repricing").click(),
        lambda: page.add_button.click(),
    ):
        leave()
        answer(page, "Keep editing", qtbot)
        assert page.drawer.isVisible() and page.drawer.content() is editor
        assert (editor.fields["input"].text(), page.section.current) == ("7.25", "prices")
    page.view.opened.emit(1)
    answer(page, "Discard", qtbot)
    qtbot.waitUntil(lambda: isinstance(page.drawer.content(), ModelDetails))
    assert page.drawer.isVisible()
    stand_before_all(page, qtbot)

    editor = opened_editor(page)
    editor.has_from.setChecked(True)
    page.section.segment("repricing").click()
    answer(page, "Discard", qtbot)
    qtbot.waitUntil(page.drawer.isHidden)
    turns.run()
    assert page.section.current == "repricing" and page.repricing.isVisible()


def test_a_price_that_was_saved_or_cancelled_is_left_at_once(qtbot: QtBot, wanted: AppContext, turns: Turns) -> None:
    page = shown(ModelsPage(wanted), qtbot, turns)
    editor = opened_editor(page, "7.25")
    editor.cancel.click()
    assert not page.drawer.isVisible() and question(page) is None
    editor = opened_editor(page, "7.25")
    editor.save.click()
    turns.run()
    assert not page.drawer.isVisible() and question(page) is None


def test_a_provider_that_is_being_described_is_kept_until_it_may_go(
    qtbot: QtBot, wanted: AppContext, turns: Turns
) -> None:
    page = shown(ProvidersPage(wanted), qtbot, turns)
    page.add_button.setFocus()
    page.open_own_panel(None)
    page.own_panel.start.setCurrentIndex(1)
    escape(page, page.own_panel.base_url, qtbot)
    assert not page.drawer.isVisible() and question(page) is None, "choosing a server is nothing typed"
    assert page.add_button.hasFocus()
    page.open_own_panel(None)
    page.own_panel.models.setText("qwen3:8b")
    escape(page, page.own_panel.base_url, qtbot)
    answer(page, "Keep editing", qtbot)
    assert page.drawer.isVisible() and page.own_panel.models.text() == "qwen3:8b"
    escape(page, page.own_panel.base_url, qtbot)
    answer(page, "Discard", qtbot)
    assert not page.drawer.isVisible()


def test_a_provider_that_is_being_described_gives_way_after_a_question(
    qtbot: QtBot, wanted: AppContext, turns: Turns
) -> None:
    page = shown(ProvidersPage(wanted), qtbot, turns)
    page.open_own_panel(None)
    page.own_panel.name.setText("house")
    for leave in (
        lambda: page.add_button.click(),
        lambda: page.cards["openai"].asked.emit("key", "openai"),
        lambda: page.cards["openai"].asked.emit("edit", "openai"),
        lambda: page.vault_banner.action.emit(),
    ):
        leave()
        answer(page, "Keep editing", qtbot)
        assert page.own_panel.isVisible() and page.own_panel.name.text() == "house"
    page.cards["openai"].asked.emit("key", "openai")
    answer(page, "Discard", qtbot)
    qtbot.waitUntil(page.key_panel.isVisible)


@pytest.mark.parametrize("panel", ["key", "vault"])
def test_a_secret_that_was_typed_is_kept_until_it_may_go(
    panel: str, qtbot: QtBot, wanted: AppContext, turns: Turns
) -> None:
    page = shown(ProvidersPage(wanted), qtbot, turns)
    page.add_button.setFocus()

    def show() -> SecretField:
        if panel == "key":
            page.open_key_panel("openai")
            return page.key_panel.field
        page.vault_banner.action.emit()
        qtbot.waitUntil(page.vault_panel.isVisible)
        return page.vault_panel.second

    field = show()
    escape(page, field.edit, qtbot)
    assert not page.drawer.isVisible() and question(page) is None, "nothing was typed: nothing is asked"
    field = show()
    field.edit.setText("sk-proj-0123456789")
    for leave in (
        lambda: escape(page, field.edit, qtbot),
        lambda: page.drawer.close_button.click(),
        lambda: page.add_button.click(),
        lambda: page.cards["anthropic"].asked.emit("key", "anthropic"),
    ):
        leave()
        box = question(page)
        assert box is not None and "sk-proj" not in box.text() + box.informativeText()
        answer(page, "Keep editing", qtbot)
        assert field.isVisible() and field.text() == "sk-proj-0123456789"
    escape(page, field.edit, qtbot)
    answer(page, "Discard", qtbot)
    assert not page.drawer.isVisible() and field.text() == "", "and nothing of it is left"


def test_a_key_that_works_leaves_nothing_to_ask_for(qtbot: QtBot, wanted: AppContext, turns: Turns) -> None:
    page = shown(ProvidersPage(wanted), qtbot, turns)
    page.open_key_panel("openai")
    page.key_panel.field.edit.setText("sk-proj-0123456789")
    page.key_panel.save.click()
    turns.run()
    assert page.key_panel.cancel.text() == "Done"
    escape(page, page.key_panel.field.edit, qtbot)
    assert not page.drawer.isVisible() and question(page) is None


def test_a_models_name_that_was_typed_is_kept_until_it_may_go(qtbot: QtBot, wanted: AppContext, turns: Turns) -> None:
    page = shown(ModelsPage(wanted), qtbot, turns)
    first, second = page.lines[:2]
    page.open_details(first)
    details = page.drawer.content()
    assert isinstance(details, ModelDetails) and not details.unsaved
    details.names.field.setText("best-model")
    page.view.opened.emit(page.lines.index(second))
    answer(page, "Keep editing", qtbot)
    assert details.line == first and details.names.field.text() == "best-model"
    page.view.opened.emit(page.lines.index(second))
    answer(page, "Discard", qtbot)
    qtbot.waitUntil(lambda: details.line == second)
    assert details.names.field.text() == "" and not details.unsaved
    stand_before_all(page, qtbot)
    details.names.field.setText("best-model")
    escape(page, details.names.field, qtbot)
    answer(page, "Discard", qtbot)
    stand_before_all(page, qtbot)
    page.open_details(second)
    assert details.names.field.text() == "", "what was discarded does not come back"
    details.names.field.setText("best-model")
    details.names.add_button.click()
    turns.run()
    escape(page, details.names.field, qtbot)
    assert not page.drawer.isVisible() and question(page) is None, "it was given"


def test_details_with_a_name_being_typed_stay_open_and_are_true_where_a_price_goes(
    qtbot: QtBot, wanted: AppContext, turns: Turns
) -> None:
    page = shown(ModelsPage(wanted), qtbot, turns)
    editor = opened_editor(page, "7.25")
    editor.save.click()
    turns.run()
    page.open_details(page.lines[0])
    details = page.drawer.content()
    assert isinstance(details, ModelDetails) and details.own.buttons
    details.names.field.setText("best-model")
    for _, remove in tuple(details.own.buttons.values()):
        remove.click()
    turns.run()
    assert page.drawer.isVisible() and details.names.field.text() == "best-model"
    assert not details.own.buttons and details.line is not None and details.line.source != "override"


def test_a_key_that_is_being_described_is_kept_until_it_may_go(
    qtbot: QtBot, wanted: AppContext, turns: Turns
) -> None:
    page = shown(ApiKeysPage(wanted), qtbot, turns)
    page.open_create()
    form = page.panel.form
    form.roles.button(2).click()
    escape(page, form.user, qtbot)
    assert not page.drawer.isVisible() and question(page) is None, "choosing a role is nothing typed"
    for field in (form.name, form.user, form.tags):
        page.open_create()
        field.setText("team:ml")
        for leave in (
            lambda: escape(page, form.name, qtbot),
            lambda: page.drawer.close_button.click(),
            lambda: page.create_button.click(),
        ):
            leave()
            answer(page, "Keep editing", qtbot)
            assert page.drawer.isVisible() and field.text() == "team:ml"
        escape(page, form.name, qtbot)
        answer(page, "Discard", qtbot)
        assert not page.drawer.isVisible() and field.text() == ""


def test_a_key_that_was_made_leaves_nothing_to_ask_for(qtbot: QtBot, wanted: AppContext, turns: Turns) -> None:
    page = shown(ApiKeysPage(wanted), qtbot, turns)
    page.open_create()
    page.panel.form.name.setText("laptop")
    page.panel.form.make.click()
    turns.run()
    page.panel.shown.done.click()
    assert not page.drawer.isVisible() and question(page) is None


def test_models_that_were_typed_before_a_server_was_chosen_are_unsaved(
    qtbot: QtBot, wanted: AppContext, turns: Turns
) -> None:
    page = shown(ProvidersPage(wanted), qtbot, turns)
    page.open_own_panel(None)
    page.own_panel.models.setText("qwen3:8b")
    page.own_panel.start.setCurrentIndex(1)
    assert page.own_panel.models.text() == "qwen3:8b" and page.own_panel.unsaved


def test_a_price_that_is_typed_is_kept_while_the_past_is_offered(
    qtbot: QtBot, wanted: AppContext, turns: Turns
) -> None:
    page = shown(ModelsPage(wanted), qtbot, turns)
    editor = opened_editor(page, "7.25")
    page.past.action.emit()
    answer(page, "Keep editing", qtbot)
    assert (page.drawer.content(), page.section.current) == (editor, "prices")
    page.past.action.emit()
    answer(page, "Discard", qtbot)
    turns.run()
    assert (page.section.current, page.drawer.isVisible()) == ("repricing", False)


def test_a_saved_view_is_deleted_after_a_question(qtbot: QtBot, wanted: AppContext) -> None:
    views = wanted.shell.views
    views.save("Reviews", FilterSnapshot(text=("opus",)))
    views.save("Slow ones", FilterSnapshot(text=("slow",)))
    bar = FilterBar(wanted, views=True)
    qtbot.addWidget(bar)
    bar.resize(900, 40)
    stand_before_all(bar, qtbot)

    def delete(words: str) -> None:
        bar.views_button.click()
        menu = next(one for one in bar.findChildren(QMenu) if one.objectName() == "menu.views" and one.isVisible())
        deleting = menu.actions()[-1].menu()
        assert isinstance(deleting, QMenu)
        deleting.actions()[0].trigger()
        menu.close()
        answer(bar, words, qtbot, "question.delete_view")

    delete("Keep")
    assert [view.name for view in views.views] == ["Reviews", "Slow ones"]
    delete("Delete")
    assert [view.name for view in views.views] == ["Slow ones"] and bar.views_button.hasFocus()
    delete("Delete")
    assert views.views == () and not bar.views_button.isVisible()
    assert bar.add_button.hasFocus(), "the keyboard is not lost with the button"


def test_what_was_discarded_of_a_provider_does_not_come_back(wanted: AppContext, qtbot: QtBot, turns: Turns) -> None:
    page = shown(ProvidersPage(wanted), qtbot, turns)
    page.open_own_panel(None)
    page.own_panel.models.setText("qwen3:8b")
    page.own_panel.embeddings.setText("nomic-embed-text")
    page.drawer.close_drawer()
    page.open_own_panel(None)
    assert (page.own_panel.models.text(), page.own_panel.embeddings.text()) == ("", "")
    assert not page.own_panel.unsaved
