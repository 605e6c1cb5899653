"""The drawer's Attempts: each call to a provider with what became of it, its wait and times, and which one answered."""

import itertools

import msgspec
import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.pages.requests_parts.attempt_lines import attempt_sections, no_attempt_words
from app.pages.requests_parts.causes import refusal
from app.pages.requests_parts.details import answered, attempts_words, sections
from app.pages.requests_parts.panel import AttemptsPanel
from app.pages.requests_parts.request_details import RequestDetails
from app.theme import Theme
from app.widgets import Pill
from gateway import AttemptRecord, CostExplanation, ExchangeRecord
from tests.app.fake_gateway import FakeGateway

FIRST = AttemptRecord(
    n=1, provider="google", model="gemini-3-pro", started_us=1_000_700, latency_us=412_000, status=429,
    error_type="rate_limited", upstream_request_id="up-1",
)  # fmt: skip
SECOND = AttemptRecord(
    n=2, provider="openai", model="gpt-5.1", started_us=1_437_700, latency_us=1_562_300, status=200,
    input_tokens=1_204, output_tokens=88, cost_nano=2_385_000, upstream_request_id="up-2",
)  # fmt: skip
ROW = ExchangeRecord(
    id="r", started_us=1_000_000, door="chat", key_id="k", key="ci", provider="openai", model="gpt-5.1", status=200,
    outcome="ok", input_tokens=1_204, output_tokens=88, usage_source="provider", cost_nano=2_385_000,
    cost_source="list", latency_us=2_000_000, ttft_us=947_000, streamed=True, attempts=(FIRST, SECOND),
)  # fmt: skip
REFUSED = msgspec.structs.replace(
    ROW, status=429, outcome="error", error_type="rate_limited", error_message="Wait 12 s.", ttft_us=None,
    usage_source="none", cost_nano=None, cost_source="none", attempts=(FIRST,),
)  # fmt: skip
ONCE = msgspec.structs.replace(ROW, attempts=(msgspec.structs.replace(SECOND, n=1, started_us=1_000_900),))
LEFT = msgspec.structs.replace(
    ROW, status=499, outcome="aborted", attempts=(msgspec.structs.replace(FIRST, status=None, error_type=None),)
)


def told(row: ExchangeRecord) -> list[dict[str, tuple[str, str]]]:
    return [
        {line.label: (line.value, line.note) for line in section.lines}
        for section in attempt_sections(row, str.title)
    ]


def test_each_attempt_says_whom_it_asked_what_came_and_when() -> None:
    first, second = told(ROW)
    assert first == {
        "Provider": ("Google", ""),
        "Model": ("gemini-3-pro", ""),
        "Key": ("ci", ""),
        "Status": ("429 · rate limited", ""),
        "Error": ("The provider's rate limit was reached.", ""),
        "Wait": ("0.70 ms", "since the request came"),
        "Time": ("412 ms", ""),
        "Provider's request": ("up-1", ""),
    }
    # 1,437,700 lies 25 ms after 1,000,700 + 412,000; the first token came 947 ms after 1,000,000.
    assert second == {
        "Provider": ("Openai", ""),
        "Model": ("gpt-5.1", ""),
        "Key": ("ci", ""),
        "Status": ("200", ""),
        "Wait": ("25.0 ms", "after attempt 1 had failed"),
        "Time": ("1.56 s", ""),
        "First token": ("509 ms", ""),
        "Input": ("1,204", ""),
        "Output": ("88", ""),
        "Cost": ("$0.002385", ""),
        "Provider's request": ("up-2", ""),
    }


def test_what_is_estimated_is_marked_and_a_key_of_the_callers_is_named() -> None:
    row = msgspec.structs.replace(ROW, usage_source="estimated", byok=True)
    second = told(row)[1]
    assert [second[name][0] for name in ("Input", "Output", "Cost")] == ["≈1,204", "≈88", "≈$0.002385"]
    assert second["Key"] == ("ci", "with the caller's own key for the provider")


@pytest.mark.parametrize(
    ("row", "words", "which"),
    [
        (ONCE, "One attempt, answered at once", [True]),
        (ROW, "2 attempts, the last one answered", [False, True]),
        (REFUSED, "One attempt, which failed", [False]),
        (msgspec.structs.replace(REFUSED, attempts=(FIRST, FIRST)), "2 attempts, none was answered", [False] * 2),
        (LEFT, "One attempt, the client left before the end", [False]),
        (msgspec.structs.replace(ROW, attempts=()), "", []),
    ],
)
def test_what_became_of_them_is_one_sentence(row: ExchangeRecord, words: str, which: list[bool]) -> None:
    assert attempts_words(row) == words
    assert list(map(answered, row.attempts)) == which


@pytest.mark.parametrize(
    ("kind", "status", "words"),
    [
        ("bad_request", 400, "The provider refused the request as it was written."),
        ("never_heard_of", 418, "The provider answered with status 418."),
        (None, None, "The provider gave no answer."),
        ("timeout", None, "The provider fell silent."),
    ],
)
def test_an_attempt_that_was_not_the_last_says_what_happened(
    kind: str | None, status: int | None, words: str
) -> None:
    first = msgspec.structs.replace(FIRST, error_type=kind, status=status)
    assert refusal(msgspec.structs.replace(ROW, attempts=(first, SECOND)), first) == words


def test_the_last_attempt_ends_as_the_request_does() -> None:
    assert refusal(REFUSED, FIRST) == "Wait 12 s."
    assert (told(LEFT)[0]["Error"][0], told(LEFT)[0]["Status"][0]) == (
        "The client left before the answer was complete; the call to the provider was cancelled at once.",
        "no answer",
    )


def test_the_summary_points_to_several_attempts_alone() -> None:
    def route(row: ExchangeRecord) -> list[str]:
        parts = sections(row, str.title, CostExplanation(cost_nano=row.cost_nano, source=row.cost_source))
        return [line.value for part in parts for line in part.lines if line.label == "Attempts"]

    assert route(ROW) == ["2 attempts, the last one answered"]
    assert route(ONCE) == []


def shown(panel: AttemptsPanel) -> list[str]:
    assert panel.body is not None
    return [label.text() for label in panel.body.findChildren(QLabel) if label.isVisibleTo(panel)]


def test_the_one_that_answered_is_marked_whichever_was_shown_before(qtbot: QtBot, theme: Theme) -> None:
    panel = AttemptsPanel(theme)
    qtbot.addWidget(panel)
    answered_twice = msgspec.structs.replace(
        ROW, attempts=(FIRST, msgspec.structs.replace(SECOND, status=206, upstream_request_id="up-3"))
    )
    alike = msgspec.structs.replace(ROW, attempts=(FIRST, SECOND), key="another")
    for row in (ROW, ONCE, REFUSED, alike, answered_twice, ROW):
        panel.show_record(row, str.title)
        qtbot.waitUntil(lambda: panel.body is not None and panel.body.complete)
        fresh = AttemptsPanel(theme)
        qtbot.addWidget(fresh)
        fresh.show_record(row, str.title)
        qtbot.waitUntil(lambda made=fresh: made.body is not None and made.body.complete)
        assert shown(panel) == shown(fresh)
        assert panel.body is not None
        marks = [(status.text(), mark.isVisibleTo(panel.body)) for status, mark in panel.body.pills]
        assert marks == [(str(one.status), answered(one)) for one in row.attempts]
    heads = [label.text() for label in panel.findChildren(QLabel) if label.text().startswith("Attempt ")]
    assert {"Attempt 1", "Attempt 2"} <= set(heads)


def test_the_tab_shows_the_attempts_of_what_is_chosen(qtbot: QtBot, details: RequestDetails) -> None:
    def show(row: ExchangeRecord) -> None:
        details.show_record(row, str.title, CostExplanation(cost_nano=row.cost_nano, source=row.cost_source))

    show(REFUSED)
    details.show_tab("attempts")
    assert details.stack.currentWidget() is details.attempts
    assert "Wait 12 s." in shown(details.attempts)
    # The tab stays for the next row, without a read.
    show(ROW)
    assert details.attempts.record == ROW and "509 ms" in shown(details.attempts)
    show(msgspec.structs.replace(REFUSED, attempts=(), outcome="error", error_message="No key for xAI; set one."))
    assert details.stack.currentWidget() is details.no_attempt
    assert details.no_attempt.text_label.text() == "No key for xAI; set one."
    show(ROW)
    assert details.stack.currentWidget() is details.attempts
    gateway = details._context.gateway
    assert isinstance(gateway, FakeGateway) and not {"thread", "headers_of_request"} & set(gateway.calls)
    with qtbot.waitSignal(details.copied) as copied:
        assert details.attempts.body is not None
        details.attempts.body._copy("Provider's request", details.attempts.body._copies[1])
    assert copied.args == ["Provider's request copied"] and details.attempts.body._copies == ["up-1", "up-2"]


@pytest.fixture
def details(qtbot: QtBot, context: object) -> RequestDetails:
    made = RequestDetails(context)  # type: ignore[arg-type]
    qtbot.addWidget(made)
    made.resize(420, 800)
    made.show()
    return made


@pytest.mark.parametrize(
    ("outcome", "message", "words"),
    [
        ("ok", None, "The gateway answered by itself: no provider was asked."),
        ("interrupted", "Stopped.", "The gateway stopped before it could record what it had asked of a provider."),
        ("error", "No such model.", "No such model."),
    ],
)
def test_why_there_is_no_attempt(outcome: str, message: str | None, words: str) -> None:
    row = msgspec.structs.replace(ROW, attempts=(), outcome=outcome, error_message=message)
    assert no_attempt_words(row) == words


def test_lines_are_made_in_turns(qtbot: QtBot, theme: Theme, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten attempts are a hundred widgets: none of them may hold the loop."""
    many = [msgspec.structs.replace(FIRST, n=n) for n in range(1, 10)]
    monkeypatch.setattr("app.parts.in_turns.BUDGET_S", -1.0)
    panel = AttemptsPanel(theme)
    qtbot.addWidget(panel)
    panel.show_record(msgspec.structs.replace(ROW, attempts=(*many, SECOND)), str.title)
    assert panel.body is not None and not panel.body.complete
    made = [len(panel.body.findChildren(QLabel))]
    while not panel.body.complete:
        panel.turns.go_on()
        made.append(len(panel.body.findChildren(QLabel)))
    assert max(after - before for before, after in itertools.pairwise(made)) <= 6
    assert len(panel.body.pills) == 10 and len(panel.body.findChildren(Pill)) == 20


def test_what_is_on_show_stays_while_others_are_passed_by(
    qtbot: QtBot, theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = AttemptsPanel(theme)
    qtbot.addWidget(panel)
    panel.show()
    panel.show_record(REFUSED, str.title)
    first = panel.body
    assert first is not None and first.complete
    monkeypatch.setattr("app.parts.in_turns.BUDGET_S", -1.0)
    for length in range(2, 8):
        many = tuple(msgspec.structs.replace(FIRST, n=n) for n in range(1, length + 1))
        panel.show_record(msgspec.structs.replace(REFUSED, attempts=many), str.title)
        assert panel.body is not first and first.isVisibleTo(panel)
    while panel.body is not None and panel.body.isHidden():
        panel.turns.go_on()
    assert panel.body is not None and panel.body.isVisibleTo(panel) and not first.isVisibleTo(panel)
