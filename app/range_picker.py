"""The header's range and bucket: 1h to 12 months at a click, or two calendar fields; hours to months, or what fits.

A custom range runs from the start of its first local day to the end of its last, daylight saving included.
"""

import time
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.context import AppContext
from app.date_field import DateField
from app.filter_words import comparison_name
from app.filters import ALL, COMPARISONS
from app.fonts import ui_font
from app.local_days import day_start_us
from app.popover import Popover
from app.theme import Theme
from app.translation import later, tr
from app.widgets import ComboBox, PushButton, SegmentedControl

RANGES = (
    ("1h", later("1h")),
    ("24h", later("24h")),
    ("7d", later("7d")),
    ("30d", later("30d")),
    ("12m", later("12m")),
    ("all", later("All")),
    ("custom", later("Custom…")),
)
BUCKETS = (
    ("auto", later("Auto")),
    ("hour", later("Hourly")),
    ("day", later("Daily")),
    ("week", later("Weekly")),
    ("month", later("Monthly")),
)
_FITTING = {
    "1h": ("auto",),
    "24h": ("auto", "hour"),
    "7d": ("auto", "hour", "day"),
    "30d": ("auto", "hour", "day", "week"),
    "12m": ("auto", "day", "week", "month"),
}


def day_range(first: date, last: date, tz: str) -> tuple[int, int]:
    """Local days as microseconds: from the first one's midnight to the midnight after the last one."""
    return day_start_us(first, tz), day_start_us(last + timedelta(days=1), tz)


class CustomRange(Popover):
    """A popover with the first and the last day; `applied` carries both, and what they are compared with: one of
    `COMPARISONS`, None where `compares` does not ask."""

    applied = Signal(object, object, object)

    def __init__(self, theme: Theme, parent: QWidget, *, compares: bool = False) -> None:
        super().__init__(theme, parent)
        self.setObjectName("customRange")
        self.setAccessibleName(tr("Custom range"))
        self.first = DateField(theme, tr("From"), self)
        self.last = DateField(theme, tr("To"), self)
        self.problem = QLabel("", self)
        self.problem.setFont(ui_font(12))
        self.problem.setWordWrap(True)
        self.apply_button = PushButton(theme, tr("Apply"), kind="primary")
        self.apply_button.clicked.connect(self._apply)
        cancel = PushButton(theme, tr("Cancel"), kind="ghost")
        cancel.clicked.connect(self.close)
        form = QGridLayout()
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(8)
        for row, field in enumerate((self.first, self.last)):
            form.addWidget(QLabel(field.accessibleName(), self), row, 0)
            form.addWidget(field, row, 1)
            field.dateChanged.connect(self._check)
        self.compare: ComboBox | None = None
        if compares:
            self.compare = ComboBox(theme, tr("Compare with"), self)
            self.compare.setObjectName("customRange.compare")
            for key in COMPARISONS:
                self.compare.addItem(comparison_name(key), key)
            form.addWidget(QLabel(self.compare.accessibleName(), self), 2, 0)
            form.addWidget(self.compare, 2, 1)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(self.apply_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 12)
        column.setSpacing(10)
        column.addLayout(form)
        column.addWidget(self.problem)
        column.addLayout(buttons)
        self._check()

    def open_at(self, anchor: QWidget, first: date, last: date) -> None:
        """Below a widget, on these days."""
        self.first.show_day(first)
        self.last.show_day(last)
        self.place(anchor, right=True)
        self.first.setFocus()

    def _check(self) -> None:
        wrong = self.first.date() > self.last.date()
        self.problem.setText(tr("The first day is after the last: choose an earlier one.") if wrong else "")
        self.problem.setVisible(wrong)
        self.apply_button.setEnabled(not wrong)

    def _apply(self) -> None:
        self.close()
        self.applied.emit(
            self.first.day(), self.last.day(), None if self.compare is None else self.compare.currentData()
        )


class RangePicker(SegmentedControl):
    """Shows and sets `filters.range_key`. `offers_all` where the window says when all began."""

    def __init__(
        self,
        context: AppContext,
        parent: QWidget | None = None,
        *,
        compares: bool = False,
        offers_all: bool = False,
    ) -> None:
        offered = [(key, tr(label)) for key, label in RANGES if key != ALL or offers_all]
        super().__init__(context.theme, offered, parent)
        self._compares = compares
        self._theme = context.theme
        self._filters = filters = context.filters
        self._custom: CustomRange | None = None
        self.setObjectName("picker.range")
        self.setAccessibleName(tr("Range"))
        self.changed.connect(self._on_chosen)
        # The control is silent where the choice stays the same; another custom range is one.
        self.segment("custom").clicked.connect(self._open_custom)
        filters.changed.connect(self._follow)
        self._follow()

    @property
    def custom(self) -> CustomRange:
        """The popover, made when it is first wanted."""
        if self._custom is None:
            self._custom = CustomRange(self._theme, self, compares=self._compares)
            self._custom.applied.connect(self._on_applied)
        return self._custom

    def _follow(self) -> None:
        self.set_current(self._filters.range_key)

    def _on_chosen(self, key: str) -> None:
        if key != "custom":
            self._filters.set_range(key)

    def _open_custom(self) -> None:
        # Nothing is chosen until it is applied.
        self._follow()
        first, last = self._days_on_show(time.time_ns() // 1000)
        if self.custom.compare is not None:
            self.custom.compare.setCurrentIndex(COMPARISONS.index(self._filters.compare))
        self.custom.open_at(self, first, last)

    def _days_on_show(self, now_us: int) -> tuple[date, date]:
        """The first and the last day of the range on show; of one that ends now the whole days, and today."""
        filters, zone = self._filters, ZoneInfo(self._filters.tz)
        start, end = filters.bounds(now_us)
        first, last = (datetime.fromtimestamp(us / 1e6, zone).date() for us in (start, end - 1))
        if filters.range_key not in ("custom", ALL) and day_start_us(first, filters.tz) < start:
            first += timedelta(days=1)
        return min(first, last), last

    def _on_applied(self, first: date, last: date, compare: str | None) -> None:
        if compare is not None:
            self._filters.set_compare(compare)
        self._filters.set_range("custom", day_range(first, last, self._filters.tz))


class BucketPicker(SegmentedControl):
    """Shows and sets `filters.bucket`."""

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(context.theme, [(key, tr(label)) for key, label in BUCKETS], parent)
        self._filters = filters = context.filters
        self.setObjectName("picker.bucket")
        self.setAccessibleName(tr("Bucket width"))
        self.changed.connect(filters.set_bucket)
        filters.changed.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        fitting = _FITTING.get(self._filters.range_key) or self._wide_enough()
        for key, label in BUCKETS:
            segment = self.segment(key)
            segment.setEnabled(key in fitting)
            wrong = tr("{label} is too wide for this range")
            if key == "hour" or self._filters.range_key not in _FITTING:
                wrong = tr("{label} is too fine for this range")
            segment.setToolTip("" if key in fitting else wrong.format(label=tr(label)))
        self.set_current(self._filters.bucket if self._filters.bucket in fitting else "auto")

    def _wide_enough(self) -> tuple[str, ...]:
        """Of a range as long as somebody made it, or as the history is."""
        now_us = time.time_ns() // 1000
        return tuple(key for key, _ in BUCKETS if key == "auto" or self._filters.is_wide_enough(key, now_us))
