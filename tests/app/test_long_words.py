"""Names that callers give themselves may be longer than the drawer is wide: nothing of them is cut without a mark, and
all of it can be had."""

import msgspec
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.pages.requests_parts.details import Line, sections
from app.pages.requests_parts.request_details import RequestDetails
from gateway import CostExplanation
from tests.app.test_request_attempts import ROW

USER = "user_" + "b3" * 32 + "_account__session_0f0e2f9a-7d1c-4c7e-9a55-2f5f0b0c9d11"
TAGS = ("compare:cmp_01a22754cdd6ecc1f2b3", "env:prod")
LONG = msgspec.structs.replace(ROW, end_user=USER, tags=TAGS)
EXPLAINED = CostExplanation(cost_nano=LONG.cost_nano, source=LONG.cost_source)


def line_of(label: str) -> Line:
    found = sections(LONG, str.title, EXPLAINED)
    return next(line for section in found for line in section.lines if line.label == label)


def test_a_long_word_is_cut_in_its_middle_and_copied_whole() -> None:
    user, tags = line_of("User"), line_of("Tags")
    assert user.value.startswith("user_b3b3") and user.value.endswith("b0c9d11") and user.copy == USER
    assert tags.value.endswith(", env:prod") and "…" in tags.value and tags.copy == ", ".join(TAGS)
    key = line_of("Key")
    assert (key.value, key.copy) == ("ci", None), "what finds room stays as it is"


def test_no_word_is_wider_than_its_line(qtbot: QtBot, context: AppContext) -> None:
    details = RequestDetails(context)
    qtbot.addWidget(details)
    details.resize(420, 800)
    details.show()
    details.show_record(LONG, str.title, EXPLAINED)
    qtbot.waitUntil(lambda: details.panel.body is not None and details.panel.body.complete)
    for name in ("detail_user", "detail_tags"):
        label = details.findChild(QLabel, name)
        assert label is not None
        widest = max(QFontMetrics(label.font()).horizontalAdvance(word) for word in label.text().split())
        assert widest <= label.width(), name
