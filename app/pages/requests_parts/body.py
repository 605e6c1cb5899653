"""What is said of one request: what happened first, then the numbers, then who, and which ids."""

from collections.abc import Hashable, Iterator, Sequence
from itertools import chain

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app import formats
from app.flow_layout import FlowLayout
from app.pages.requests_parts.causes import cause
from app.pages.requests_parts.columns import model_shown, status_pill
from app.pages.requests_parts.details import OUTCOME_WORDS, Section
from app.pages.requests_parts.section_lines import SectionLines, lines_shape
from app.pages.requests_parts.timing_bar import TimingBar
from app.text_label import TextLabel
from app.theme import Theme
from app.translation import tr
from app.widgets import Banner, ElidedLabel, Pill, PushButton
from gateway import ExchangeRecord


def shape_of(row: ExchangeRecord, groups: Sequence[Section]) -> Hashable:
    """What stands there, without the words that change from request to request."""
    return lines_shape(groups), _cause_kind(row)


class RequestBody(SectionLines):
    """For requests of this one's shape. `conversation_asked` and `replay_asked`: a button was pressed."""

    conversation_asked = Signal()
    replay_asked = Signal()

    def __init__(self, theme: Theme, row: ExchangeRecord, groups: Sequence[Section], parent: QWidget) -> None:
        super().__init__(theme, parent)
        self._row = row
        self._cause: Banner | None = None
        self._timing: TimingBar | None = None
        self._lines = chain(self._make_top(), self._make_lines(groups))

    def show_record(self, row: ExchangeRecord, groups: Sequence[Section]) -> None:
        self._row = row
        self.show_sections(groups)
        self._tell_top()

    def _tell_top(self) -> None:
        """Once it is made."""
        if self._timing is None:
            return
        row = self._row
        pill = status_pill(row)
        self._status.setText(pill.text)
        self._status.set_kind(pill.kind)
        self._ending.setText(OUTCOME_WORDS.get(row.outcome, row.outcome))
        self._model.setText(model_shown(row) or formats.UNKNOWN)
        if self._cause is not None:
            self._cause.set_text(cause(row) or "")
        self._timing.show_row(row)

    def _make_top(self) -> Iterator[None]:
        column = self._column
        column.addLayout(self._head())
        yield
        column.addLayout(self._elsewhere())
        yield
        kind = _cause_kind(self._row)
        if kind is not None:
            self._cause = Banner(self._theme, kind, "")
            self._cause.setObjectName("request_cause")
            column.addWidget(self._cause)
        self._timing = TimingBar(self._theme)
        column.addWidget(self._timing)
        self._tell_top()
        yield

    def _head(self) -> QHBoxLayout:
        self._status = Pill(self._theme, "")
        self._ending = TextLabel(self._theme, weight=600)
        self._model = ElidedLabel(self._theme, "", Qt.TextElideMode.ElideMiddle, tone="text2")
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self._status)
        line.addWidget(self._ending)
        line.addStretch(1)
        line.addWidget(self._model)
        return line

    def _elsewhere(self) -> FlowLayout:
        """What else can be done with what it said."""
        line = FlowLayout(spacing=8)
        line.addWidget(self._conversation_button())
        replay = PushButton(self._theme, tr("Replay in Compare"), "columns-2")
        replay.setObjectName("request_replay")
        replay.setToolTip(tr("Ask other models the same; nothing is sent before you run it"))
        replay.clicked.connect(self.replay_asked)
        line.addWidget(replay)
        return line

    def _conversation_button(self) -> PushButton:
        button = PushButton(self._theme, tr("Open conversation"), "messages-square")
        button.setObjectName("request_conversation")
        button.setToolTip(tr("The conversation, at this request's turn"))
        button.clicked.connect(self.conversation_asked)
        return button


def _cause_kind(row: ExchangeRecord) -> str | None:
    if cause(row) is None:
        return None
    return "warn" if row.outcome == "aborted" else "bad"
