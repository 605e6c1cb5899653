"""The completeness meter: one quiet line in the sidebar, amber where something wants attention, and its reasons.

The line says how many exchanges were seen and how many are written; pressed, it opens a list of every reason for
which a count is smaller than the one before it, or a number not the provider's own. It shows what it is given.
"""

from collections.abc import Mapping

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app import formats, icons
from app.fonts import ui_font
from app.overview.label import ToneLabel
from app.popover import Popover
from app.theme import Theme
from app.translation import Words, counted, later, tr
from app.widgets.painting import focus_ring, rounded_box, smooth_painter
from gateway import Completeness, Difference

HEIGHT = 28
GROUPS: Mapping[str, str] = Words(
    {
        "written": later("Seen and not written"),
        "priced": later("Written and not priced"),
        "kept": later("Not safe from a kill"),
        "counted": later("Written with a reservation"),
        "captured": later("Conversations without messages"),
        "start": later("Left by the last run"),
    }
)
_COUNTS: Mapping[str, str] = Words(
    {
        "seen": later("{count} seen"),
        "written": later("{count} written"),
        "priced": later("{count} priced"),
        "running": later("{count} running"),
    }
)
ALL_WELL = later("Everything seen was written and priced, as its provider counted it.")
_NARROW = 110
_ICON = 14
_POPOVER_WIDTH = 380
_COUNT_WIDTH = 56


def title_of(difference: Difference) -> str:
    """`database_locked` as people read it."""
    return difference.kind.replace("_", " ").capitalize()


def attention(reading: Completeness) -> int:
    """How many reasons want something to be done."""
    return sum(difference.attention for difference in reading.differences)


def line(reading: Completeness) -> str:
    if not reading.seen and not reading.written:
        return tr("No requests since start")
    seen, written = formats.count(reading.seen), formats.count(reading.written)
    if reading.seen == reading.written:
        return tr("1 request, recorded") if reading.seen == 1 else tr("{seen} requests, recorded").format(seen=seen)
    return tr("{written} of {seen} recorded").format(seen=seen, written=written)


def spoken(reading: Completeness) -> str:
    """The line in full, for a screen reader."""
    wanted = attention(reading)
    asks = (
        counted(wanted, later(", 1 reason wants attention"), later(", {count} reasons want attention"))
        if wanted
        else ""
    )
    return tr("Completeness: {seen:,} seen, {written:,} written, {priced:,} priced{asks}").format(
        seen=reading.seen, written=reading.written, priced=reading.priced, asks=asks
    )


def reasons(reading: Completeness) -> str:
    """Every reason on a line of its own; where there is none, that all is well."""
    told = [f"{each.count:,} {title_of(each).casefold()}: {each.meaning}" for each in reading.differences]
    return "\n".join(told) or tr(ALL_WELL)


class MeterPopover(Popover):
    """The four counts, and the reasons under the count that is smaller for them."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(theme, parent)
        self.setObjectName("meter.popover")
        self.setAccessibleName(tr("Completeness since the gateway started"))
        self.setFixedWidth(_POPOVER_WIDTH)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(16, 14, 16, 14)
        self._body: QWidget | None = None

    def show_reading(self, reading: Completeness) -> None:
        if self._body is not None:
            self._column.removeWidget(self._body)
            self._body.hide()
            self._body.deleteLater()
        self._body = QWidget(self)
        column = QVBoxLayout(self._body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(ToneLabel(self._theme, tr("Since the gateway started"), px=13, weight=600))
        column.addLayout(self._counts(reading))
        if not reading.differences:
            column.addWidget(self._wrapped(tr(ALL_WELL)))
        for of, title in GROUPS.items():
            group = [difference for difference in reading.differences if difference.of == of]
            if group:
                column.addSpacing(6)
                column.addWidget(ToneLabel(self._theme, title, px=12, weight=500, tone="text3"))
                column.addLayout(self._group(group))
        self._column.addWidget(self._body)
        self._body.show()
        # Qt would take the height for the width that the words ask for, which is not the one they have.
        self.setFixedHeight(self._column.totalHeightForWidth(_POPOVER_WIDTH))

    def _counts(self, reading: Completeness) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(16)
        counts = {"seen": reading.seen, "written": reading.written, "priced": reading.priced, "running": reading.open}
        for name, count in counts.items():
            label = ToneLabel(self._theme, _COUNTS[name].format(count=f"{count:,}"), px=12, tone="text2")
            label.setObjectName(f"meter.{name}")
            row.addWidget(label)
        row.addStretch(1)
        return row

    def _group(self, group: list[Difference]) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(4)
        grid.setColumnMinimumWidth(0, _COUNT_WIDTH)
        grid.setColumnStretch(1, 1)
        for row, difference in enumerate(group):
            tone = "warn" if difference.attention else "text"
            count = ToneLabel(self._theme, f"{difference.count:,}", px=13, weight=600, tone=tone)
            count.setAlignment(Qt.AlignmentFlag.AlignRight)
            top = Qt.AlignmentFlag.AlignTop
            grid.addWidget(count, 2 * row, 0, top)
            grid.addWidget(
                ToneLabel(self._theme, title_of(difference), px=13, weight=500, tone=tone), 2 * row, 1, top
            )
            meaning = self._wrapped(difference.meaning)
            meaning.setObjectName(f"meter.{difference.kind}")
            grid.addWidget(meaning, 2 * row + 1, 1)
        return grid

    def _wrapped(self, text: str) -> QLabel:
        label = QLabel(text)
        label.setWordWrap(True)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setFont(ui_font(12))
        return label


class MeterLine(QAbstractButton):
    """Narrow, it is an icon alone; what it means is in its tooltip and name either way."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._popover: MeterPopover | None = None
        self.reading = Completeness()
        self.setObjectName("sidebar.meter")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.clicked.connect(self.open)
        theme.changed.connect(self.update)
        self.show_reading(self.reading)

    @property
    def popover(self) -> MeterPopover:
        """Made when it is first wanted."""
        if self._popover is None:
            self._popover = MeterPopover(self._theme, self)
        return self._popover

    @property
    def tone(self) -> str:
        return "warn" if attention(self.reading) else "text2"

    def show_reading(self, reading: Completeness) -> None:
        self.reading = reading
        self.setText(line(reading))
        self.setAccessibleName(spoken(reading))
        self.setAccessibleDescription(reasons(reading))
        self.setToolTip(f"{line(reading)}\n{reasons(reading)}")
        if self._popover is not None and self._popover.isVisible():
            self._popover.show_reading(reading)
        self.update()

    def open(self) -> None:
        self.popover.show_reading(self.reading)
        self.popover.place(self)

    def sizeHint(self) -> QSize:
        return QSize(40, HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth_painter(self)
        box = QRectF(self.rect())
        if self.underMouse():
            rounded_box(painter, box, 7, self._theme.color("hover"))
        wanted = attention(self.reading) > 0
        narrow = self.width() < _NARROW
        if narrow or wanted:
            name, tone = ("triangle-alert", "warn") if wanted else ("circle-check", "text3")
            picture = icons.pixmap(name, self._theme.color(tone), _ICON, self.devicePixelRatioF())
            left = (self.width() - _ICON) // 2 if narrow else self.width() - 8 - _ICON
            painter.drawPixmap(QRect(left, (self.height() - _ICON) // 2, _ICON, _ICON), picture)
        if not narrow:
            room = self.rect().adjusted(12, 0, -14 - _ICON if wanted else -8, 0)
            fits = QFontMetrics(ui_font(12)).horizontalAdvance(self.text()) <= room.width()
            font = ui_font(12 if fits else 11)
            painter.setFont(font)
            painter.setPen(self._theme.color(self.tone))
            text = QFontMetrics(font).elidedText(self.text(), Qt.TextElideMode.ElideRight, room.width())
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
        if self.hasFocus():
            focus_ring(painter, box, 7, self._theme.color("accent"))
