"""Compare as a person uses it: a question, models, answers side by side while they come, ratings, and replays."""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLayout
from pytestqt.qtbot import QtBot

from app import formats
from app.context import AppContext
from app.filters import FilterState
from app.pages.compare import ComparePage
from app.pages.compare_parts.answer_blocks import blocks_of
from app.pages.compare_parts.answer_column import LEAST_WIDTH, AnswerColumn
from app.pages.compare_parts.answer_words import winners
from app.pages.compare_parts.asked import Asked, taken_from
from app.pages.conversations_parts.block import text_of
from app.pages.page import RequestTarget, ThreadTarget
from app.theme import Theme
from app.widgets import Stars
from gateway import (
    AnswerEstimate,
    Blob,
    Changes,
    ComparedAnswer,
    FaregateError,
    Reasoning,
    Text,
    ToolCall,
    VaultState,
)
from tests.app.accessible import unnamed
from tests.app.fake_comparisons import SECOND, UNKNOWN, Script
from tests.app.fake_gateway import NOW_US, FakeGateway
from tests.app.fake_threads import FULL, SYSTEM, full_thread, plain_thread
from tests.app.mouse import click
from tests.app.spawner import Spawner
from tests.app.whole import PseudoLocale, crossing, cut
from tests.waiting import until

ALL = Changes(providers=True, prices=True, comparisons=True)
CLAUDE, GPT, GEMINI, GROK, UNPRICED = (
    "claude-sonnet-4.5",
    "gpt-5.1",
    "gemini-3-pro",
    "grok-4.1-fast",
    "unlisted-preview",
)


@pytest.fixture
def gateway() -> FakeGateway:
    made = FakeGateway(20)
    made.scripts = {
        CLAUDE: Script(
            parts=(Reasoning("The clock is the cause."), Text("Inject **the clock**, then run `pytest`.")),
            ttft_us=900_000,
            latency_us=4 * SECOND,
            output_tokens=300,
        ),
        GPT: Script(parts=(Text("Freeze the time."),), ttft_us=300_000, latency_us=SECOND, output_tokens=100),
        GEMINI: Script(
            parts=(Text("It seems that"),),
            outcome="error",
            status=429,
            error_type="rate_limited",
            error_message="Google is limiting requests (429): try again in 12 s.",
        ),
    }
    return made


@pytest.fixture
def page(qtbot: QtBot, theme: Theme, gateway: FakeGateway, spawner: Spawner) -> ComparePage:
    made = ComparePage(AppContext(gateway, theme, FilterState(tz="Europe/Paris"), spawner))  # type: ignore[arg-type]
    for control in made.header_controls():
        control.setParent(made)
    qtbot.addWidget(made)
    made._estimating.setInterval(0)
    made.resize(1220, 840)
    made.show()
    asyncio.run(made.refresh(ALL))
    return made


def ask(
    page: ComparePage, qtbot: QtBot, text: str = "Why is it flaky?", models: tuple[str, ...] = (CLAUDE, GPT)
) -> None:
    page.question.models.choose(models)
    page.question.user.setPlainText(text)
    click(qtbot, page.question.run_button)
    all_shown(page, qtbot)


def all_shown(page: ComparePage, qtbot: QtBot) -> None:
    """What was heard so far, one answer in each turn."""
    qtbot.waitUntil(lambda: not page._has_more)


def at_rest(page: ComparePage) -> bool:
    """Whether nothing is answered any more, and all that was heard stands there."""
    return not page.running and not page._has_more


def said(column: AnswerColumn) -> list[tuple[str, str]]:
    """(kind, text) of each block on show."""
    return [(block.kind, text_of(block)) for block in column.view.blocks]


async def meanwhile(holds: Callable[[], Any]) -> None:
    """Until it holds, while Qt goes on too."""

    def held() -> object:
        QApplication.processEvents()
        return holds()

    await until(held)


# what can be asked


def test_one_model_of_each_provider_that_can_be_asked_is_offered_first(page: ComparePage) -> None:
    assert page.question.models.models == (CLAUDE, GPT, GEMINI)
    assert page.empty.isVisible() and not page.question.run_button.isEnabled()


def test_the_models_that_were_compared_last_are_taken_again(
    page: ComparePage, qtbot: QtBot, theme: Theme, gateway: FakeGateway, spawner: Spawner
) -> None:
    ask(page, qtbot, models=(GPT, UNPRICED))
    other = ComparePage(page.context)
    qtbot.addWidget(other)
    asyncio.run(other.refresh(ALL))
    assert other.question.models.models == (GPT, UNPRICED)


def test_a_model_that_a_script_compared_with_itself_is_not_all_that_is_offered(
    page: ComparePage, qtbot: QtBot, gateway: FakeGateway
) -> None:
    asyncio.run(gateway.compare((GPT, GPT), {"messages": [{"role": "user", "content": "Hi"}]}))
    other = ComparePage(page.context)
    qtbot.addWidget(other)
    asyncio.run(other.refresh(ALL))
    assert other.question.models.models == (CLAUDE, GPT, GEMINI)


def test_the_list_tells_price_life_and_missing_keys(page: ComparePage, gateway: FakeGateway, qtbot: QtBot) -> None:
    rows = [replace(row, state="retired" if row.id == "gpt-5.1-mini" else row.state) for row in gateway.models()]
    page.question.models.offer(rows, gateway.provider_list)
    told = {command.text: command.kind for command in page.question.models.commands()}
    assert told[GROK] == "no key · $0.20 / $0.50 · xAI"
    assert told[UNPRICED] == "no price · OpenAI"
    assert told["gpt-5.1-mini"].startswith("retired · ")
    # What can be asked stands first, what is retired last; what is chosen is not offered.
    assert list(told) == ["claude-haiku-4.5", UNPRICED, GROK, "gpt-5.1-mini"]
    click(qtbot, page.question.models.add_button)
    picker = page.question.models.picker
    assert picker.isVisible()
    qtbot.keyClicks(picker.search, "haiku")
    qtbot.keyClick(picker, Qt.Key.Key_Return)
    assert page.question.models.models == (CLAUDE, GPT, GEMINI, "claude-haiku-4.5")
    # A name that the list does not have may be one that its provider knows.
    click(qtbot, page.question.models.add_button)
    qtbot.keyClicks(picker.search, "gpt-9-brand-new")
    assert picker.hint.isVisible()
    qtbot.keyClick(picker, Qt.Key.Key_Return)
    assert page.question.models.models[-1] == "gpt-9-brand-new" and not picker.isVisible()
    page.question.models.remove("gpt-9-brand-new")
    chip = page.question.models.chip(GEMINI)
    qtbot.keyClick(chip, Qt.Key.Key_Delete)
    assert page.question.models.models == (CLAUDE, GPT, "claude-haiku-4.5")


def test_six_models_are_the_most_and_two_the_least(page: ComparePage, qtbot: QtBot) -> None:
    choice = page.question.models
    page.question.user.setPlainText("Hi")
    choice.choose((CLAUDE,))
    page.question.changed.emit()
    assert not page.question.can_run
    for model in ("a", "b", "c", "d", "e", "f"):
        choice.add(model)
    assert choice.models == (CLAUDE, "a", "b", "c", "d", "e") and not choice.add_button.isVisible()
    assert page.question.can_run


def test_the_estimate_is_told_before_money_is_spent(page: ComparePage, gateway: FakeGateway, qtbot: QtBot) -> None:
    question = page.question
    question.models.choose((CLAUDE, GPT))
    assert question.run_button.text() == "Run"
    question.user.setPlainText("x" * 400)
    qtbot.waitUntil(lambda: "est." in question.run_button.text())
    found = gateway.estimate_comparison((CLAUDE, GPT), question.asked().body())
    for each in found:
        assert (
            question.models.chip(each.model)
            .text()
            .startswith(f"{each.model} · ≈{formats.money_column(each.cost_nano, 4)} · $")
        )
    whole = formats.money(sum(each.cost_nano or 0 for each in found))
    assert question.run_button.text() == f"Run · est. {whole}"
    assert question.estimate.text() == "Prices per 1M in / out · ≈100 tokens in, 500 out assumed for each"
    question.models.add(UNPRICED)
    qtbot.waitUntil(lambda: question.run_button.text() == f"Run · est. {whole} + 1 unknown")
    assert question.models.chip(UNPRICED).text() == f"{UNPRICED} · no price"
    question.models.choose((UNPRICED, "other"))
    qtbot.keyClicks(question.max_tokens, "50")
    qtbot.waitUntil(lambda: question.run_button.text() == "Run · cost unknown")
    assert question.estimate.text() == "Prices per 1M in / out · ≈100 tokens in, at most 50 out for each"
    assert gateway.asked == []


async def test_an_estimate_of_what_is_no_longer_asked_is_not_told(
    page: ComparePage, gateway: FakeGateway, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    estimate, slow = gateway.estimate_comparison, threading.Event()

    def estimated(models: Sequence[str], request: Mapping[str, Any]) -> tuple[AnswerEstimate, ...]:
        if "long" in str(request):
            slow.wait(10)
        return estimate(models, request)

    monkeypatch.setattr(gateway, "estimate_comparison", estimated)
    page._estimating.stop()
    page.question.models.choose((CLAUDE, GPT))
    page.question.user.setPlainText("A long question. " * 400)
    page._estimating.stop()
    first = asyncio.create_task(page._estimate())
    await asyncio.sleep(0)
    page.question.user.setPlainText("A short one?")
    page._estimating.stop()
    await page._estimate()
    told = page.question.run_button.text()
    slow.set()
    await first
    assert page.question.run_button.text() == told


def test_a_missing_key_is_told_with_the_way_to_it(page: ComparePage, qtbot: QtBot) -> None:
    page.question.user.setPlainText("Hi")
    page.question.models.choose((CLAUDE, GROK))
    page.question.changed.emit()
    qtbot.waitUntil(page.keyless.isVisible)
    assert page.keyless.text() == "No key for xAI is stored: add it under Providers."
    assert "No key for xAI" in page.question.models.chip(GROK).toolTip()
    with qtbot.waitSignal(page.navigate) as went:
        page.keyless.action.emit()
    assert went.args == ["providers", None]
    page.question.models.remove(GROK)
    qtbot.waitUntil(lambda: not page.keyless.isVisible())


def test_a_model_that_nobody_has_is_told_in_a_persons_words(page: ComparePage, qtbot: QtBot) -> None:
    page.question.user.setPlainText("Hi")
    page.question.models.choose((CLAUDE, UNKNOWN))
    page.question.changed.emit()
    qtbot.waitUntil(page.keyless.isVisible)
    assert page.keyless.text() == "house-model-7 is not known: check its name, or add its provider."


def test_where_keys_cannot_be_read_none_is_said_to_be_missing(
    qtbot: QtBot, theme: Theme, gateway: FakeGateway, spawner: Spawner
) -> None:
    """Of a vault that is locked the window tells on every page: whether it holds a key is not known."""
    gateway.provider_list = [replace(row, key_source="none") for row in gateway.provider_list]
    gateway.vault = VaultState(backend="file", available=False, message="The file vault needs its passphrase.")
    made = ComparePage(AppContext(gateway, theme, FilterState(tz="UTC"), spawner))  # type: ignore[arg-type]
    qtbot.addWidget(made)
    made._estimating.setInterval(0)
    made.show()
    asyncio.run(made.refresh(ALL))
    made.question.user.setPlainText("Hi")
    made.question.models.choose((GROK, UNKNOWN))
    made.question.changed.emit()
    qtbot.waitUntil(made.keyless.isVisible)
    assert made.keyless.text() == "house-model-7 is not known: check its name, or add its provider."


def test_without_any_key_the_way_to_one_is_shown(qtbot: QtBot, theme: Theme, spawner: Spawner) -> None:
    gateway = FakeGateway(0)
    gateway.provider_list = [replace(row, key_source="none") for row in gateway.provider_list]
    made = ComparePage(AppContext(gateway, theme, FilterState(tz="UTC"), spawner))  # type: ignore[arg-type]
    qtbot.addWidget(made)
    made._estimating.setInterval(0)
    made.show()
    asyncio.run(made.refresh(ALL))
    qtbot.waitUntil(made.keyless.isVisible)
    assert made.keyless.text().startswith("No provider has a key yet") and made.question.models.models == ()
    gateway.provider_list = [replace(row, key_source="vault") for row in gateway.provider_list]
    asyncio.run(made.refresh(ALL))
    qtbot.waitUntil(lambda: not made.keyless.isVisible())


def test_the_list_of_models_stays_within_the_window(page: ComparePage, qtbot: QtBot) -> None:
    page.question.user.setPlainText("Hi")
    page.question.changed.emit()
    qtbot.waitUntil(lambda: "≈" in page.question.models.chip(GPT).text())
    page.question.models.choose((CLAUDE, GPT, GEMINI))
    click(qtbot, page.question.models.add_button)
    picker = page.question.models.picker
    assert page.window().frameGeometry().contains(picker.geometry())
    picker.close()


# asking


def test_what_is_typed_is_what_is_asked(page: ComparePage, gateway: FakeGateway, qtbot: QtBot) -> None:
    question = page.question
    question.system.setPlainText("Be brief.")
    qtbot.keyClicks(question.max_tokens, "1x00")
    qtbot.keyClicks(question.temperature, "0.25")
    ask(page, qtbot, "Why?")
    assert gateway.calls[-1] == f"compare {CLAUDE} {GPT}"
    assert gateway.asked == [
        {
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}],
            "max_completion_tokens": 100,
            "temperature": 0.25,
        }
    ]


def test_a_limit_that_cannot_be_is_told_and_asks_nothing(
    page: ComparePage, gateway: FakeGateway, qtbot: QtBot
) -> None:
    """It was left out of the question without a word."""
    question = page.question
    question.user.setPlainText("Why?")
    question.models.choose((CLAUDE, GPT))
    for field, typed, words in (
        (question.max_tokens, "0", "Most output tokens: from 1 to 1M, or nothing"),
        (question.temperature, "2.5", "Temperature: from 0 to 2, or nothing"),
    ):
        qtbot.keyClicks(field, typed)
        assert (question.estimate.text(), question.run_button.toolTip()) == (words, words)
        assert not question.run_button.isEnabled()
        page.run()
        field.clear()
        assert question.estimate.text() != words and question.run_button.isEnabled()
    assert gateway.asked == []


def test_links_of_answers_are_opened_only_in_browser_or_mail(
    page: ComparePage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("app.links.QDesktopServices.openUrl", lambda url: opened.append(url.toString()))
    ask(page, qtbot)
    for address in ("https://example.org/a", "file:///etc/passwd", "javascript:alert(1)", "mailto:a@example.org"):
        page.columns[0].view.link_asked.emit(address)
    assert opened == ["https://example.org/a", "mailto:a@example.org"]


def test_each_figure_is_the_rows(page: ComparePage, gateway: FakeGateway, qtbot: QtBot) -> None:
    ask(page, qtbot, models=(CLAUDE, GPT, GEMINI))
    rows = {row.model: row for row in gateway.rows[:3]}
    for column in page.columns:
        row = rows[column.model]
        values = {key: cell.text() for key, cell in column.figures.items()}
        assert values["ttft"] == formats.duration((row.ttft_us or 0) / 1000)
        assert values["total"] == formats.duration((row.latency_us or 0) / 1000)
        assert values["cost"] == formats.money(row.cost_nano)
        known = row.output_tokens is not None
        assert values["tokens"] == (f"{row.input_tokens} → {row.output_tokens}" if known else "—")
    claude, gpt, gemini = page.columns
    assert said(claude) == [
        ("reasoning", "The clock is the cause."),
        ("assistant", "Inject **the clock**, then run `pytest`."),
    ]
    assert said(gpt) == [("assistant", "Freeze the time.")]
    assert said(gemini) == [
        ("assistant", "It see"),
        ("error", "Google is limiting requests (429): try again in 12 s."),
    ]
    assert (claude.state.text(), gemini.state.text()) == ("Anthropic · baseline", "Google · failed")
    assert {key: cell.figure.difference for key, cell in gpt.figures.items()} == {
        "ttft": "−66.7%",
        "total": "−75.0%",
        "tokens": "−66.7%",
        "cost": formats.delta_percent(rows[GPT].cost_nano, rows[CLAUDE].cost_nano),
    }
    for column in (claude, gemini):
        assert not any(cell.figure.difference for cell in column.figures.values())
    shown = {
        column.model: [name for name, pill in column.marks.items() if pill.isVisible()] for column in page.columns
    }
    assert shown == {CLAUDE: [], GPT: ["cheapest", "fastest"], GEMINI: []}
    with qtbot.waitSignal(page.navigate) as went:
        click(qtbot, gpt.request_button)
    assert went.args == ["requests", RequestTarget(rows[GPT].id)]


async def test_answers_stand_side_by_side_while_they_come(
    page: ComparePage, gateway: FakeGateway, qtbot: QtBot
) -> None:
    gateway.held = True
    ask(page, qtbot)
    await meanwhile(lambda: len(page.columns) == 2 and all(column.answer for column in page.columns))
    claude, gpt = page.columns
    await meanwhile(lambda: said(gpt) == [("assistant", "Freeze t")])
    assert said(claude) == [("reasoning", "The clock i")]
    assert page.running and not page.question.run_button.isEnabled() and page.question.stop_button.isVisible()
    assert gpt.figures["ttft"].text() == "300 ms" and gpt.figures["cost"].text() == "—"
    assert not gpt.rating.stars.isEnabled() and gpt.stop_button.isVisible() and not gpt.again_button.isVisible()
    gateway.release(1)
    await meanwhile(lambda: not gpt.running)
    assert said(gpt) == [("assistant", "Freeze the time.")] and claude.running and gpt.rating.stars.isEnabled()
    # Who won is told once all are over.
    assert not any(pill.isVisible() for pill in gpt.marks.values())
    gateway.release()
    await meanwhile(lambda: gpt.marks["fastest"].isVisible())
    assert page.question.run_button.isEnabled() and not page.question.stop_button.isVisible()


async def test_presses_that_come_at_once_ask_once(page: ComparePage, gateway: FakeGateway, qtbot: QtBot) -> None:
    gateway.held = True
    page.question.models.choose((CLAUDE, GPT))
    page.question.user.setPlainText("Why is it flaky?")
    for press in (page.run, page.run):
        press()
    await meanwhile(lambda: len(page.columns) == 2)
    gateway.release()
    await meanwhile(lambda: at_rest(page))
    for press in (partial(page.ask_again, 1), partial(page.ask_again, 1), page.run):
        press()
    await meanwhile(lambda: page.columns[1].running)
    gateway.release()
    await meanwhile(lambda: at_rest(page))
    called = [call.split()[0] for call in gateway.calls if call.startswith(("compare ", "ask_again"))]
    assert called == ["compare", "ask_again"]


async def test_one_answer_is_stopped_and_then_all(page: ComparePage, gateway: FakeGateway, qtbot: QtBot) -> None:
    gateway.held = True
    ask(page, qtbot, models=(CLAUDE, GPT, "claude-haiku-4.5"))
    await meanwhile(lambda: len(page.columns) == 3 and all(column.stop_button.isVisible() for column in page.columns))
    click(qtbot, page.columns[1].stop_button)
    await meanwhile(lambda: not page.columns[1].running)
    assert said(page.columns[1])[-1] == ("repeated", "You stopped it")
    assert page.columns[1].state.text() == "OpenAI · stopped" and page.columns[0].running
    click(qtbot, page.question.stop_button)
    await meanwhile(lambda: at_rest(page))
    assert [column.state.text().split(" · ")[1] for column in page.columns] == ["stopped"] * 3
    assert page.question.can_run


async def test_a_hidden_page_draws_nothing_until_it_is_seen(
    page: ComparePage, gateway: FakeGateway, qtbot: QtBot
) -> None:
    gateway.held = True
    ask(page, qtbot)
    await meanwhile(lambda: len(page.columns) == 2 and page.columns[1].answer)
    column = page.columns[1]
    page.hide()
    assert column.answer is not None
    column.show_answer(replace(column.answer, parts=(Text("More of it"),)))
    assert said(column) != [("assistant", "More of it")]
    page.show()
    assert said(column) == [("assistant", "More of it")]
    gateway.release()
    await meanwhile(lambda: at_rest(page))


def test_an_answer_stands_still_while_it_grows_until_someone_goes_to_its_end(page: ComparePage, qtbot: QtBot) -> None:
    ask(page, qtbot)
    column = page.columns[1]
    assert column.answer is not None
    growing = replace(column.answer, state="answering", record=None)

    def show(lines: int) -> None:
        column.show_answer(replace(growing, parts=(Text("\n\n".join(f"Line {n}" for n in range(lines))),)))

    bar = column.view.verticalScrollBar()
    show(2)
    qtbot.waitUntil(lambda: bar.maximum() == 0)
    for lines in (40, 80):
        before = bar.maximum()
        show(lines)
        qtbot.waitUntil(lambda before=before: bar.maximum() > before)
    assert bar.value() == 0

    # Where hardly anything is out of sight, the beginning is the end too.
    def nearly_all_is_seen() -> bool:
        # Laid out in a later turn, it may still grow, or may have grown before more room was given to it.
        if bar.maximum() > 4:
            page.resize(page.width(), page.height() + bar.maximum() - 3)
        elif not bar.maximum():
            page.resize(page.width(), page.height() - 3)
        return 0 < bar.maximum() <= 4

    qtbot.waitUntil(nearly_all_is_seen)
    show(100)
    qtbot.waitUntil(lambda: bar.maximum() > 4)
    assert bar.value() == 0
    column.view.go_to_end()
    qtbot.waitUntil(lambda: column.view.at_end)
    before = bar.maximum()
    show(120)
    qtbot.waitUntil(lambda: bar.maximum() > before and column.view.at_end)
    bar.setValue(100)
    show(160)
    qtbot.waitUntil(lambda: not column.view.at_end)
    assert abs(bar.value() - 100) < 40


def test_one_that_failed_is_asked_again_alone(page: ComparePage, gateway: FakeGateway, qtbot: QtBot) -> None:
    ask(page, qtbot, models=(GPT, GEMINI))
    first = page.columns[1].answer
    gateway.scripts[GEMINI] = Script(parts=(Text("It is the clock."),), latency_us=SECOND // 2)
    click(qtbot, page.columns[1].again_button)
    all_shown(page, qtbot)
    assert gateway.calls.count(f"ask_again {GEMINI}") == 1 and gateway.asked[0] == gateway.asked[1]
    second = page.columns[1].answer
    assert first is not None and second is not None
    assert (second.comparison, second.place) == (first.comparison, 1) and second.request_id != first.request_id
    assert said(page.columns[1]) == [("assistant", "It is the clock.")]
    assert page.columns[1].marks["fastest"].isVisible()


async def test_nothing_is_told_against_what_the_first_one_said_before(
    page: ComparePage, gateway: FakeGateway, qtbot: QtBot
) -> None:
    def differences() -> list[str]:
        return [column.figures["total"].figure.difference for column in page.columns]

    ask(page, qtbot)
    await meanwhile(lambda: page.columns and at_rest(page))
    assert differences() == ["", "−75.0%"]
    gateway.held = True
    gateway.scripts[CLAUDE] = Script(latency_us=8 * SECOND)
    for place in (0, 1):
        page.ask_again(place)
    await meanwhile(lambda: all(column.running for column in page.columns))
    gateway.release(0)
    await meanwhile(lambda: not page.columns[0].running)
    assert page.columns[0].figures["total"].text() == "8.00 s" and differences() == ["", ""]
    gateway.release(1)
    await meanwhile(lambda: at_rest(page))
    assert differences() == ["", "−87.5%"]


def test_one_that_cannot_be_asked_again_keeps_what_it_said(
    page: ComparePage, gateway: FakeGateway, qtbot: QtBot
) -> None:
    """It was empty then, without a way to ask it once more."""
    ask(page, qtbot)
    column = page.columns[1]
    before = column.answer
    gateway.fails = "The gateway is off: switch it on to ask models."
    click(qtbot, column.again_button)
    assert page.error.text() == gateway.fails and page.question.can_run
    assert column.answer is before and said(column) == [("assistant", "Freeze the time.")]
    gateway.fails = None
    click(qtbot, column.again_button)
    all_shown(page, qtbot)
    assert column.answer is not before and said(column) == [("assistant", "Freeze the time.")]


async def test_nothing_is_asked_beside_what_is_asked_again(
    page: ComparePage, gateway: FakeGateway, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one that was over let all be asked anew, and its neighbour's words came among other answers."""
    ask(page, qtbot)
    await meanwhile(lambda: page.question.can_run and len(page.columns) == 2)
    again, called, first, second = gateway.ask_again, [0], asyncio.Event(), asyncio.Event()

    async def slow(comparison: str, place: int, *asked: Any, **told: Any) -> ComparedAnswer:
        called[0] += 1
        await (first, second)[place].wait()
        return await again(comparison, place, *asked, **told)

    monkeypatch.setattr(gateway, "ask_again", slow)
    for column in page.columns:
        click(qtbot, column.again_button)
        click(qtbot, column.again_button)
    await meanwhile(lambda: called[0] == 2)
    first.set()
    await meanwhile(lambda: 0 not in page._again)
    assert page.running and not page.question.can_run and page.question.stop_button.isVisible()
    second.set()
    await meanwhile(lambda: page.question.can_run)
    assert called == [2], "a second press asks nothing"


def test_what_is_heard_is_shown_one_answer_in_each_turn_of_the_windows(page: ComparePage, qtbot: QtBot) -> None:
    ask(page, qtbot)
    before = [column.answer for column in page.columns]
    shown: list[tuple[int, int]] = []
    turns = 0

    def turn() -> None:
        nonlocal turns
        turns += 1

    page._hearing.timeout.connect(turn)
    for column in page.columns:
        column.show_answer = partial(lambda place, answer: shown.append((place, turns)), column.place)  # type: ignore[method-assign]
    for words in ("It", "It is"):
        for answer in before:
            assert answer is not None
            page._hear(replace(answer, parts=(Text(words),)))
    assert shown == [], "the gateway calls, and goes on at once"
    qtbot.waitUntil(lambda: len(shown) == 2)
    assert [place for place, _ in shown] == [0, 1] and shown[0][1] < shown[1][1]


async def test_columns_are_made_in_a_turn_of_the_windows_too(
    page: ComparePage, gateway: FakeGateway, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard, made = page._hear_of, []

    def hear(*told: Any) -> None:
        heard(*told)
        made.append(len(page.columns))

    monkeypatch.setattr(page, "_hear_of", hear)
    gateway.held = True
    ask(page, qtbot)
    await meanwhile(lambda: len(page.columns) == 2 and all(column.answer for column in page.columns))
    assert made[:2] == [0, 0], "the gateway calls, and goes on at once"
    gateway.release()
    await meanwhile(lambda: page.question.can_run)


async def test_a_column_that_still_tells_of_a_comparison_before_is_not_asked_again_in_the_new_one(
    page: ComparePage, gateway: FakeGateway
) -> None:
    page.question.user.setPlainText("Why is it flaky?")
    page.question.models.choose((CLAUDE, GPT))
    page.run()
    await meanwhile(lambda: page.columns and at_rest(page) and page.question.can_run)
    gateway.held = True
    page.question.models.choose((GEMINI, GPT))
    page.run()
    await until(lambda: bool(page._wanted))
    page._hearing.stop()
    page._show_next()
    assert page.columns[0].model == CLAUDE
    page.ask_again(0)
    await asyncio.sleep(0)
    assert not any(call.startswith("ask_again") for call in gateway.calls)
    page._hearing.start()
    await meanwhile(lambda: all(column.running for column in page.columns))
    gateway.release()
    await meanwhile(lambda: at_rest(page))


def take(page: ComparePage, *models: str) -> list[int]:
    """Columns for these, and after each turn how many of them have their model's name."""
    page._wanted, named = models, []
    while page._has_more:
        page._show_next()
        named.append(sum(column.name.text() == model for column, model in zip(page.columns, models, strict=True)))
    return named


def test_columns_are_used_again_and_say_nothing_of_what_was_answered_before(
    page: ComparePage, gateway: FakeGateway, qtbot: QtBot
) -> None:
    ask(page, qtbot, models=(CLAUDE, GPT))
    before = page.columns
    assert before[0].figures["cost"].text() != "—" and said(before[0])
    press_star(qtbot, before[0].rating.stars, 4)
    qtbot.waitUntil(page._pane_turns.curtain.isHidden)
    renamed = take(page, GPT, CLAUDE, "claude-haiku-4.5")
    assert renamed == [0, 1, 2, 3], "one column in each turn"
    assert page.columns[:2] == before and len(page.columns) == 3
    assert page._pane_turns.curtain.isVisible(), "they are painted some in each turn"
    for column, model in zip(page.columns, (GPT, CLAUDE, "claude-haiku-4.5"), strict=True):
        assert (column.name.text(), column.accessibleName()) == (model, f"Answer of {model}")
        assert column.answer is None and column.state.text() == "" and said(column) == []
        told = {(cell.text(), cell.accessibleName()) for cell in column.figures.values()}
        assert told == {("—", "—")} and not column.rating.stars.stars
        assert not any(pill.isVisible() for pill in column.marks.values()) and not column.again_button.isVisible()
    take(page, GPT, CLAUDE)
    assert page.columns == before


def test_an_answer_of_an_earlier_comparison_lands_in_no_later_one(
    page: ComparePage, gateway: FakeGateway, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare, told = gateway.compare, []

    async def listened(models: tuple[str, ...], request: Any, **given: Any) -> Any:
        told.append(given["told"])
        return await compare(models, request, **given)

    monkeypatch.setattr(gateway, "compare", listened)
    ask(page, qtbot)
    old = page.columns[1].answer
    page.run()
    all_shown(page, qtbot)
    new, columns = page.columns[1].answer, page.columns
    assert old is not None and new is not None and old.comparison != new.comparison
    for hear in (told[0], page._hear):
        hear(replace(old, parts=(Text("Too late."),)))
    all_shown(page, qtbot)
    assert page.columns == columns and page.comparison == new.comparison
    assert columns[1].answer is new and said(columns[1]) == [("assistant", "Freeze the time.")]


async def test_what_nobody_has_begun_to_answer_can_be_stopped_too(
    page: ComparePage, gateway: FakeGateway, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the disk is slow the first word is late: the button gave up the comparison before it."""
    ask(page, qtbot)
    await meanwhile(lambda: page.question.can_run and len(page.columns) == 2)
    begun, columns = asyncio.Event(), page.columns

    async def late(*asked: Any, **told: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(gateway, "compare", late)
    page.run()
    await meanwhile(begun.is_set)
    page.ask_again(0)
    click(qtbot, page.question.stop_button)
    await meanwhile(lambda: page.question.can_run)
    assert not any(call.startswith(("cancel_comparison", "ask_again")) for call in gateway.calls)
    assert page.columns == columns and not page.error.isVisible()
    begun.clear()
    before = columns[1].answer
    monkeypatch.setattr(gateway, "ask_again", late)
    page.ask_again(1)
    await meanwhile(begun.is_set)
    click(qtbot, page.question.stop_button)
    await meanwhile(lambda: page.question.can_run)
    assert columns[1].answer is before and not page._again


def test_a_gateway_that_cannot_is_told_and_the_question_stays(
    page: ComparePage, gateway: FakeGateway, qtbot: QtBot
) -> None:
    gateway.fails = "The gateway is off: switch it on to ask models."
    ask(page, qtbot, "Do not lose me")
    assert page.error.isVisible() and page.error.text() == gateway.fails
    assert page.question.user.toPlainText() == "Do not lose me" and page.empty.isVisible()
    page.error.action.emit()
    assert not page.error.isVisible()
    gateway.fails = None
    click(qtbot, page.question.run_button)
    all_shown(page, qtbot)
    assert page.columns[1].answer is not None and page.columns[1].answer.state == "ok"


# ratings


def test_an_answer_is_rated_changed_and_taken_back(page: ComparePage, gateway: FakeGateway, qtbot: QtBot) -> None:
    ask(page, qtbot)
    column = page.columns[1]
    assert column.answer is not None
    id = column.answer.request_id
    assert not column.rating.note.isEnabled()
    assert column.rating.note.toolTip(), "and it says what it waits for"
    press_star(qtbot, column.rating.stars, 3)
    assert (gateway.kept[id].stars, gateway.kept[id].note) == (3, "")
    qtbot.keyClicks(column.rating.note, "short and right")
    qtbot.keyClick(column.rating.note, Qt.Key.Key_Return)
    assert (gateway.kept[id].stars, gateway.kept[id].note) == (3, "short and right")
    column.rating.stars.setFocus()
    qtbot.keyClick(column.rating.stars, Qt.Key.Key_5)
    assert (gateway.kept[id].stars, gateway.kept[id].note) == (5, "short and right")
    assert column.rating.stars.accessibleName() == "Your rating: 5 of 5 stars"
    press_star(qtbot, column.rating.stars, 5)
    assert (gateway.kept[id].stars, gateway.kept[id].note, column.rating.note.text()) == (None, "", "")
    assert [call.split()[0] for call in gateway.calls if "rat" in call and "model" not in call] == [
        "rate",
        "rate",
        "rate",
        "remove_rating",
    ]


def test_a_rating_that_cannot_be_kept_is_not_shown_as_if_it_were(
    page: ComparePage, gateway: FakeGateway, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(page, qtbot)
    column = page.columns[1]
    assert column.answer is not None
    press_star(qtbot, column.rating.stars, 3)
    kept = gateway.kept[column.answer.request_id]

    async def full(*_asked: object) -> None:
        raise FaregateError("The disk is full.")

    monkeypatch.setattr(gateway, "rate", full)
    with qtbot.waitSignal(page.toast) as told:
        press_star(qtbot, column.rating.stars, 5)
    assert told.args == ["The disk is full."]
    assert (column.rating.stars.stars, kept.stars) == (3, 3)
    # One that is not kept at all.
    del gateway.kept[column.answer.request_id]
    with qtbot.waitSignal(page.toast):
        press_star(qtbot, column.rating.stars, 5)
    assert column.rating.stars.stars == 0 and not column.rating.note.isEnabled()


@pytest.mark.parametrize("again", [False, True])
def test_a_note_that_was_begun_is_kept_where_another_answer_takes_its_place(
    page: ComparePage, gateway: FakeGateway, qtbot: QtBot, again: bool
) -> None:
    ask(page, qtbot)
    column = page.columns[0]
    assert column.answer is not None
    rated = column.answer.request_id
    press_star(qtbot, column.rating.stars, 4)
    qtbot.keyClicks(column.rating.note, "to the point")
    if again:
        page.ask_again(0)
    else:
        page.run()
    all_shown(page, qtbot)
    assert column.answer is not None and column.answer.request_id != rated
    assert (gateway.kept[rated].stars, gateway.kept[rated].note) == (4, "to the point")
    assert gateway.kept[column.answer.request_id].stars is None
    assert (column.rating.stars.stars, column.rating.note.text()) == (0, "")


def press_star(qtbot: QtBot, stars: Stars, number: int) -> None:
    at = stars.place(number)
    qtbot.mouseClick(stars, Qt.MouseButton.LeftButton, pos=QPoint(round(at.x()), round(at.y())))


@pytest.mark.parametrize(
    ("keys", "stars"),
    [
        ((Qt.Key.Key_Right, Qt.Key.Key_Right), 2),
        ((Qt.Key.Key_4, Qt.Key.Key_Left), 3),
        ((Qt.Key.Key_5, Qt.Key.Key_Up), 5),
        ((Qt.Key.Key_2, Qt.Key.Key_0), 0),
        ((Qt.Key.Key_2, Qt.Key.Key_Delete), 0),
        ((Qt.Key.Key_Left,), 0),
    ],
)
def test_stars_by_the_keyboard(qtbot: QtBot, theme: Theme, keys: tuple[Qt.Key, ...], stars: int) -> None:
    made = Stars(theme)
    qtbot.addWidget(made)
    made.show()
    given: list[int] = []
    made.rated.connect(given.append)
    for key in keys:
        qtbot.keyClick(made, key)
    assert made.stars == stars and given[-1:] == ([stars] if given else [])


def test_a_rating_that_is_taken_back_is_seen_to_be_gone(qtbot: QtBot, theme: Theme) -> None:
    """Also while the pointer still stands on the star that took it back."""
    made = Stars(theme)
    qtbot.addWidget(made)
    made.show()
    unrated = made.grab().toImage()
    QTest.mouseMove(made, made.place(3).toPoint())
    qtbot.waitUntil(lambda: made.grab().toImage() != unrated)
    offered = made.grab().toImage()
    for stars, seen in ((3, offered), (0, unrated)):
        QTest.mouseClick(made, Qt.MouseButton.LeftButton, pos=made.place(3).toPoint())
        assert made.stars == stars and made.grab().toImage() == seen
    QTest.mouseMove(made, made.place(3).toPoint() + QPoint(2, 0))
    assert made.grab().toImage() == unrated
    QTest.mouseMove(made, made.place(4).toPoint())
    qtbot.waitUntil(lambda: made.grab().toImage() != unrated)


# taken from elsewhere


def test_a_call_of_a_conversation_is_asked_of_others(page: ComparePage, gateway: FakeGateway, qtbot: QtBot) -> None:
    gateway.told = [full_thread(NOW_US), plain_thread(0, NOW_US)]
    thread = gateway.told[1]
    turn = thread.turns[-1]
    page.show_target(ThreadTarget(thread.row.id, turn.n))
    question = page.question
    last = next(message for message in reversed(thread.messages) if message.turn == turn.n and not message.output)
    assert question.user.toPlainText() == last.parts[0].text  # type: ignore[union-attr]
    assert page.question.models.models[0] == turn.model and len(page.question.models.models) >= 2
    assert question.history.isVisible() and thread.row.title in question.history.text()
    click(qtbot, question.run_button)
    messages = gateway.asked[-1]["messages"]
    assert messages[-1] == {"role": "user", "content": question.user.toPlainText()}
    assert len(messages) == 3 and messages[1]["role"] == "assistant"
    click(qtbot, question.drop_history)
    assert not question.history.isVisible() and len(question.asked().body()["messages"]) == 1


def test_a_request_brings_its_system_prompt_history_and_tools(page: ComparePage, gateway: FakeGateway) -> None:
    full = gateway.told = [full_thread(NOW_US)]
    turn = next(turn for turn in reversed(full[0].turns) if turn.request_id and turn.tools is not None)
    page.show_target(RequestTarget(turn.request_id or ""))
    asked = page.question.asked()
    assert asked.system.startswith(SYSTEM[:20]) and asked.source == full[0].row.title
    body = asked.body()
    assert [tool["function"]["name"] for tool in body["tools"]] == ["read_file", "run_tests"]
    assert any(message.get("tool_calls") for message in body["messages"])
    assert "tools" in page.question.history.text()
    # It ends in a tool's result, so that there is something to ask without another word.
    if not asked.user:
        assert body["messages"][-1]["role"] == "tool" and page.question.can_run


def test_what_was_not_kept_is_told(page: ComparePage, qtbot: QtBot) -> None:
    page.question.user.setPlainText("Mine")
    for target in (RequestTarget("req_unknown"), ThreadTarget("conv_unknown")):
        with qtbot.waitSignal(page.toast) as told:
            page.show_target(target)
        assert "were not kept" in told.args[0]
    assert page.question.user.toPlainText() == "Mine"


def test_the_first_call_of_a_conversation_has_no_history() -> None:
    thread = plain_thread(0, NOW_US)
    asked = taken_from(thread, thread.turns[0].n)
    assert asked.history == () and asked.user and not asked.is_empty
    assert Asked(user="  ").is_empty and full_thread(NOW_US).row.id == FULL


# words


def test_an_answer_as_blocks() -> None:
    answer = ComparedAnswer(comparison="c", place=0, model="m", request_id="r", started_us=0)
    assert [block.kind for block in blocks_of(answer)] == ["waiting"]
    parts = (
        Reasoning("Hm."),
        Text("One"),
        Blob("image/png", "AAAA"),
        ToolCall("1", "look", '{"a": 1'),
        Text("Two"),
    )
    blocks = blocks_of(replace(answer, parts=parts, state="answering"))
    assert [(block.key, block.kind, len(block.parts)) for block in blocks] == [
        ("p0", "reasoning", 1),
        ("p1", "assistant", 2),
        ("p3", "tool", 1),
        ("p4", "assistant", 1),
    ]
    assert blocks[2].detail == "look"


def test_no_figure_is_cut_where_columns_are_narrow(page: ComparePage, qtbot: QtBot) -> None:
    ask(page, qtbot)
    column = page.columns[0]
    assert column.answer is not None and column.answer.record is not None
    tiny = replace(column.answer.record, cost_nano=105_000, cost_source="list", usage_source="estimated")
    column.setFixedWidth(LEAST_WIDTH)
    column.show_answer(replace(column.answer, record=tiny))
    cost = column.figures["cost"]
    qtbot.waitUntil(lambda: column.width() == LEAST_WIDTH and cost.shown_texts()[1] == "≈$0.000105")


def test_what_is_below_an_answer_is_scrolled_to_in_a_low_window(page: ComparePage, qtbot: QtBot) -> None:
    """Stars and figures stood below the window's edge, and nothing told that there are any."""
    ask(page, qtbot)
    layout = page.layout()
    assert layout is not None
    # Its window is as low as its screen is.
    layout.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
    page.setMinimumSize(0, 0)
    bar = page.area.verticalScrollBar()
    qtbot.waitUntil(lambda: not bar.isVisible() and bar.maximum() == 0)
    page.resize(1220, 380)
    qtbot.waitUntil(bar.isVisible)


def test_a_difference_that_is_cut_is_whole_in_its_tooltip(page: ComparePage, qtbot: QtBot) -> None:
    ask(page, qtbot)
    first, column = page.columns
    for each in page.columns:
        each.setFixedWidth(LEAST_WIDTH)
    assert column.answer is not None and column.answer.record is not None
    record = column.answer.record
    slow = replace(record, latency_us=9 * SECOND, input_tokens=1_234_567, output_tokens=123_456, cost_nano=10**12)
    column.show_answer(replace(column.answer, record=slow))
    column.show_first(first.answer)
    total = column.figures["total"]
    qtbot.waitUntil(lambda: total.shown_texts()[2].endswith("…"))
    assert total.texts[2] == "+125.0%" and total.toolTip() == f"+125.0% compared with {CLAUDE}"


def test_winners_are_alone_in_front(gateway: FakeGateway) -> None:
    made = asyncio.run(gateway.compare((CLAUDE, GPT, UNPRICED), {"messages": [{"role": "user", "content": "x"}]}))
    claude, gpt, unpriced = made.answers
    assert winners(made.answers) == {"cheapest": 1, "fastest": 1}
    # What has no price is not the cheapest; what is alone has won nothing; two that are equal neither.
    assert winners((gpt, unpriced)) == {"fastest": 1}
    assert winners((gpt,)) == winners(()) == {}
    assert winners((gpt, replace(gpt, place=0))) == {}
    assert winners((replace(gpt, state="error"), claude)) == {}


def test_of_an_answer_that_grows_only_the_end_is_laid_out_anew(page: ComparePage, qtbot: QtBot) -> None:
    ask(page, qtbot)
    column = page.columns[1]
    assert column.answer is not None
    text = "First *paragraph*.\n\n```python\nx = 1\n```\n\nAnd the"
    column.show_answer(replace(column.answer, parts=(Text(text),)))
    # Laying out stops after some milliseconds, and goes on in the next turn.
    qtbot.waitUntil(lambda: all(entry.drawn for entry in column.view._cards["p0"]._entries))
    before = [entry.drawn for entry in column.view._cards["p0"]._entries]
    assert len(before) == 3
    column.show_answer(replace(column.answer, parts=(Text(text + " end."),)))
    qtbot.waitUntil(lambda: all(entry.drawn for entry in column.view._cards["p0"]._entries))
    after = [entry.drawn for entry in column.view._cards["p0"]._entries]
    assert after[:2] == before[:2] and after[2] is not before[2]
    assert after[2] is not None and after[2].text() == "And the end."


# how it looks


@pytest.mark.parametrize("size", [(1220, 840), (968, 620), (784, 620)])
def test_everything_can_be_read_and_named(
    page: ComparePage, gateway: FakeGateway, qtbot: QtBot, size: tuple[int, int]
) -> None:
    page.resize(*size)
    assert cut(page) == [] and unnamed(page) == []
    ask(page, qtbot, models=(CLAUDE, GPT, GEMINI))
    press_star(qtbot, page.columns[1].rating.stars, 4)
    qtbot.waitUntil(lambda: "≈" in page.question.models.chip(GPT).text())
    qtbot.waitUntil(lambda: cut(page) == [] and crossing(page) == [])
    assert unnamed(page) == []


def test_no_word_is_cut_in_a_longer_language(
    qtbot: QtBot, theme: Theme, gateway: FakeGateway, spawner: Spawner
) -> None:
    translator = PseudoLocale()
    QApplication.installTranslator(translator)
    try:
        made = ComparePage(AppContext(gateway, theme, FilterState(tz="UTC"), spawner))  # type: ignore[arg-type]
        qtbot.addWidget(made)
        made.resize(968, 620)
        made.show()
        asyncio.run(made.refresh(ALL))
        ask(made, qtbot, models=(CLAUDE, GPT))
        qtbot.waitUntil(lambda: cut(made) == [] and crossing(made) == [])
    finally:
        QApplication.removeTranslator(translator)
    shown = {child.text() for child in made.findChildren(AnswerColumn)[0].marks.values()}
    assert all(text.endswith("ö") for text in shown)


def test_a_question_is_typed_at_once(page: ComparePage, qtbot: QtBot) -> None:
    with qtbot.waitActive(page):
        page.activateWindow()
    page.on_shown()
    qtbot.keyClicks(page.focusWidget(), "Why?")
    assert page.question.user.toPlainText() == "Why?"


def test_that_the_gateway_was_off_is_said_until_it_runs(
    page: ComparePage, qtbot: QtBot, gateway: FakeGateway
) -> None:
    running = gateway.state
    gateway.fails, gateway.state = "The gateway is off: switch it on to ask models.", replace(running, word="off")
    ask(page, qtbot)
    gateway.fails = None
    asyncio.run(page.refresh(Changes(state=True)))
    assert page.error.isVisible()
    gateway.state = running
    asyncio.run(page.refresh(Changes(state=True)))
    assert not page.error.isVisible()


def test_what_else_went_wrong_is_said_until_the_person_has_seen_it(
    page: ComparePage, qtbot: QtBot, gateway: FakeGateway
) -> None:
    """Pausing the log, which is another state of a gateway that runs, took it away."""
    gateway.fails = "Six models are the most: remove one."
    ask(page, qtbot)
    gateway.fails = None
    asyncio.run(page.refresh(Changes(state=True)))
    asyncio.run(page.refresh(ALL))
    asyncio.run(page._estimate())
    assert page.error.isVisible() and page.error.text() == "Six models are the most: remove one."


def test_what_could_not_be_read_is_said_until_it_is(page: ComparePage, gateway: FakeGateway) -> None:
    gateway.fails = "The database is locked; close what holds it."
    asyncio.run(page.refresh(ALL))
    assert page.error.isVisible()
    gateway.fails = None
    asyncio.run(page.refresh(ALL))
    assert not page.error.isVisible()


def test_a_question_that_nobody_is_asked_leaves_the_answers_before_it(
    page: ComparePage, qtbot: QtBot, gateway: FakeGateway
) -> None:
    ask(page, qtbot, models=(GPT, CLAUDE))
    before = page.columns
    gateway.fails = "The gateway is off: switch it on to ask models."
    page.run()
    assert page.error.isVisible() and page.error.text() == gateway.fails
    assert page.columns == before and all(column.answer and column.isVisible() for column in before)
    gateway.fails, comparison = None, page.comparison
    page.run()
    assert page.comparison != comparison and not page.error.isVisible()


def test_an_answer_is_asked_again_what_its_neighbours_were_asked(
    page: ComparePage, qtbot: QtBot, gateway: FakeGateway
) -> None:
    ask(page, qtbot, "First")
    gateway.fails = "The gateway is off: switch it on to ask models."
    page.question.user.setPlainText("Second")
    page.run()
    gateway.fails = None
    page.ask_again(0)
    all_shown(page, qtbot)
    assert len(gateway.asked) == 2 and gateway.asked[1] == gateway.asked[0]
    page.run()
    all_shown(page, qtbot)
    page.ask_again(0)
    assert gateway.asked[3] == gateway.asked[2] != gateway.asked[0]
