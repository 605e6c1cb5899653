"""One model's column: who answers, what it says as it says it, what that took, and what the person thinks of it."""

import time
from collections.abc import Sequence

from PySide6.QtCore import QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFontMetrics, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app import formats
from app.fonts import ui_font
from app.pages.compare_parts import answer_words
from app.pages.compare_parts.answer_blocks import blocks_of
from app.pages.compare_parts.rating import Rating
from app.pages.conversations_parts.pictures import Pictures
from app.pages.conversations_parts.thread_view import ThreadView
from app.theme import Theme
from app.translation import tr
from app.widgets import Card, ElidedLabel, IconButton, Pill
from app.widgets.painting import smooth_painter
from gateway import ComparedAnswer

LEAST_WIDTH = 296
_CLOCK_MS = 100
_DOT = 8
_SIDE = 13
# Of a figure's three lines: pixels between them, and beside the widest.
_BETWEEN, _SPARE = 1, 2
# Of the foot's width.
_SHARES = {"ttft": 10, "total": 8, "tokens": 12, "cost": 12}


class AnswerColumn(Card):
    """`stopped`: give this answer up; `asked_again`: ask the model once more; `rated(stars, note)`, 0 to take the
    rating back; `request_asked`: its row; `copied(words)` after something went to the clipboard."""

    stopped = Signal()
    asked_again = Signal()
    rated = Signal(int, str)
    request_asked = Signal()
    copied = Signal(str)
    link_asked = Signal(str)

    def __init__(
        self,
        theme: Theme,
        pictures: Pictures,
        place: int,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, parent)
        self._theme = theme
        self.place = place
        self.model = ""
        self.answer: ComparedAnswer | None = None
        self._first: ComparedAnswer | None = None
        self._provider = ""
        self._late = False
        self.setObjectName(f"answer_{place}")
        self.setMinimumWidth(LEAST_WIDTH)
        self._build(pictures)
        self._clock = QTimer(self, interval=_CLOCK_MS)
        self._clock.timeout.connect(self._tick)
        self._clear()

    def _build(self, pictures: Pictures) -> None:
        theme = self._theme
        self.dot = _Dot(theme)
        self.name = ElidedLabel(theme, "", Qt.TextElideMode.ElideMiddle)
        self.name.setFont(ui_font(13, 600))
        self.name.setObjectName("answer_model")
        self.state = ElidedLabel(theme, "", tone="text2")
        self.state.setFont(ui_font(12))
        self.state.setObjectName("answer_state")
        self.marks = {
            "cheapest": Pill(theme, tr("Cheapest"), "ok"),
            "fastest": Pill(theme, tr("Fastest"), "accent"),
        }
        self.request_button = IconButton(theme, "list", tr("Open its request"))
        self.request_button.setObjectName("answer_request")
        self.request_button.clicked.connect(self.request_asked)
        self.stop_button = IconButton(theme, "circle-stop", tr("Stop this answer"))
        self.stop_button.setObjectName("answer_stop")
        self.stop_button.clicked.connect(self.stopped)
        self.again_button = IconButton(theme, "rotate-ccw", tr("Ask this model again"))
        self.again_button.setObjectName("answer_again")
        self.again_button.clicked.connect(self.asked_again)
        self.view = ThreadView(theme, pictures, self, margins=(_SIDE, _SIDE, _SIDE))
        self.view.setObjectName("answer_words")
        self.view.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.view.copied.connect(self.copied)
        self.view.link_asked.connect(self.link_asked)
        self.figures = {key: _FigureCell(theme, key) for key in _SHARES}
        self.rating = Rating(theme, "answer")
        self.rating.rated.connect(self.rated)
        self._lay_out()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(14, 0, 8, 0)
        head.setSpacing(6)
        names = QVBoxLayout()
        names.setSpacing(1)
        first = QHBoxLayout()
        first.setSpacing(6)
        first.addWidget(self.dot)
        first.addWidget(self.name, 1)
        names.addLayout(first)
        names.addWidget(self.state)
        head.addLayout(names, 1)
        for widget in (*self.marks.values(), self.request_button, self.stop_button, self.again_button):
            head.addWidget(widget, 0, Qt.AlignmentFlag.AlignVCenter)
        grid = QGridLayout()
        grid.setContentsMargins(14, 8, 14, 0)
        grid.setHorizontalSpacing(4)
        for number, (key, cell) in enumerate(self.figures.items()):
            grid.addWidget(cell, 0, number)
            grid.setColumnStretch(number, _SHARES[key])
        foot = QHBoxLayout()
        foot.setContentsMargins(10, 0, 14, 0)
        foot.addWidget(self.rating)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 10, 1, 12)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self.view, 1)
        column.addLayout(grid)
        column.addLayout(foot)

    # what is shown

    @property
    def running(self) -> bool:
        return self.answer is not None and self.answer.record is None

    def _clear(self) -> None:
        self.show_marks(())
        for button in (self.request_button, self.stop_button, self.again_button):
            button.hide()
        self.rating.show_rating(None, "")
        self.rating.stars.setEnabled(False)
        self.state.setText("")
        for key, cell in self.figures.items():
            cell.show_figure(answer_words.Figure(key=key, title="", value=formats.UNKNOWN))
            cell.setToolTip("")

    def show_model(self, model: str, slot: int, provider: str) -> None:
        """This one answers here from now on, and has not said anything yet; `slot` is its colour's."""
        self.model = model
        self.setAccessibleName(tr("Answer of {0}").format(model))
        self.name.setText(model)
        self.dot.show_slot(slot)
        self.show_provider(provider)
        self.show_first(None)
        if self.answer is not None:
            self._begin()

    def show_provider(self, title: str) -> None:
        self._provider = title

    def _begin(self) -> None:
        """The model answers anew: nothing of an earlier answer stays, but a note on it that was begun."""
        self.rating.finish_note()
        self.answer = None
        self._late = False
        self._clock.stop()
        self._clear()
        self.view.set_blocks((), keep=False)

    def show_answer(self, answer: ComparedAnswer) -> None:
        """What it has said so far; painted now where it is in sight, else when it comes into sight."""
        if self.answer is not None and self.answer.request_id != answer.request_id:
            self._begin()
        before, self.answer = self.answer, answer
        if before is None:
            self.view.waiting_since_us = answer.started_us
        over = answer.record is not None
        self.stop_button.setVisible(not over)
        self.again_button.setVisible(over)
        self.request_button.setVisible(over)
        self.rating.stars.setEnabled(over and answer.state == "ok")
        (self._clock.stop if over else self._clock.start)()
        if self.isVisible() or over:
            self._show_words()
        else:
            self._late = True
        self._tick()

    def _show_words(self) -> None:
        self._late = False
        assert self.answer is not None
        # An answer is read from its beginning, unless someone has gone to its end.
        follows = self.running and self.view.at_end and self.view.verticalScrollBar().value() > 0
        self.view.set_blocks(blocks_of(self.answer), keep=True)
        if follows:
            self.view.go_to_end()
        self.view.setAccessibleName(tr("What {0} says").format(self.model))

    def show_first(self, first: ComparedAnswer | None) -> None:
        """The answer that this one's figures are told against."""
        self._first = first
        self._tick()

    def show_marks(self, names: Sequence[str]) -> None:
        for name, pill in self.marks.items():
            pill.setVisible(name in names)

    def _tick(self) -> None:
        """The figures, and while it answers the clock."""
        answer = self.answer
        if answer is None:
            return
        first = self._first
        is_baseline = first is answer and answer.state == "ok"
        state = tr("baseline") if is_baseline else answer_words.state_words(answer)
        self.state.setText(" · ".join(filter(None, (self._provider, state))))
        self.state.set_tone("bad" if answer.state == "error" else "text2")
        for figure in answer_words.figures(answer, first, time.time_ns() // 1000):
            cell = self.figures[figure.key]
            cell.show_figure(figure)
            cell.setToolTip(self._explained(figure))

    def _explained(self, figure: answer_words.Figure) -> str:
        """What it stands for, and its difference whole: a narrow column cuts that."""
        told = [figure.meaning]
        if self._first is not None and figure.difference:
            told.append(tr("{0} compared with {1}").format(figure.difference, self._first.model))
        return "\n".join(filter(None, told))

    # Qt

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._late:
            self._show_words()


class _FigureCell(QLabel):
    """A figure under its title, and how it differs from the first answer's. It paints all three: as labels they were
    half of the page's widgets. Its text is the figure."""

    def __init__(self, theme: Theme, key: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.figure = answer_words.Figure(key=key, title="", value="")
        self._fonts = ui_font(11), ui_font(12, 600), ui_font(11)
        self.setObjectName(f"figure_{key}")
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_figure(self, figure: answer_words.Figure) -> None:
        if figure != self.figure:
            self.figure = figure
            self.setText(figure.value)
            self.setAccessibleName(" ".join((figure.title, figure.value, figure.difference)).strip())
            self.updateGeometry()
            self.update()

    @property
    def texts(self) -> tuple[str, str, str]:
        """From the top down."""
        return self.figure.title, self.figure.value, self.figure.difference

    def sizeHint(self) -> QSize:
        lines = [(QFontMetrics(font), text) for font, text in zip(self._fonts, self.texts, strict=True)]
        widest = max(metrics.horizontalAdvance(text) for metrics, text in lines)
        return QSize(widest + _SPARE, sum(metrics.height() for metrics, _ in lines) + _BETWEEN * (len(lines) - 1))

    def minimumSizeHint(self) -> QSize:
        # Cut, a figure would be another one: titles and differences are cut first.
        figure = QFontMetrics(self._fonts[1]).horizontalAdvance(self.figure.value)
        return QSize(figure + _SPARE, self.sizeHint().height())

    def shown_texts(self) -> tuple[str, ...]:
        """As they fit now."""
        elide = Qt.TextElideMode.ElideRight
        return tuple(
            QFontMetrics(font).elidedText(text, elide, self.width())
            for font, text in zip(self._fonts, self.texts, strict=True)
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth_painter(self)
        top = 0
        for font, text, tone in zip(self._fonts, self.shown_texts(), ("text3", "text", "text3"), strict=True):
            height = QFontMetrics(font).height()
            painter.setFont(font)
            painter.setPen(self._theme.color(tone))
            painter.drawText(QRect(0, top, self.width(), height), Qt.AlignmentFlag.AlignVCenter, text)
            top += height + _BETWEEN


class _Dot(QWidget):
    """The model's colour, here as in the charts."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.slot = 0
        self.setFixedSize(_DOT, _DOT)
        theme.changed.connect(self.update)

    def show_slot(self, slot: int) -> None:
        self.slot = slot
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth_painter(self)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.series_color(self.slot))
        painter.drawRoundedRect(self.rect(), 2, 2)
