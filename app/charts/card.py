"""A chart in its card: title line with legend, plot, crosshair and tooltip, and the same by keyboard.

The crosshair's bucket can be set from outside, so that a page keeps its charts in step. All that the plot shows can
also be read: `values_at` answers a bucket's rows, the accessible description says range, sum and peak, and follows
the arrow keys.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QColor,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.charts.data import ChartData, ChartSpec, Floats, Series
from app.charts.legend import Legend
from app.charts.plot import Plot, colour_of
from app.charts.timescale import bucket_title
from app.charts.tooltip import Row, Tooltip
from app.fonts import ui_font
from app.formats import UNKNOWN
from app.sources import DEFINITION, MARK, marked
from app.text_label import TextLabel
from app.theme import Theme
from app.translation import tr
from app.widgets import Card, ElidedLabel, IconButton

_STEPS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_PageUp: -24, Qt.Key.Key_PageDown: 24}


class ChartCard(Card):
    """`crosshair_moved` names the pointed bucket (-1: none). `range_selected` carries microseconds [start, end), and
    `bucket_activated` the key of the series that was hit too, None for all. `more_wanted` carries the button that
    what can be done with the chart is to be offered at."""

    crosshair_moved = Signal(int)
    range_selected = Signal(object, object)
    bucket_activated = Signal(object, object, object)
    more_wanted = Signal(object)

    def __init__(self, spec: ChartSpec, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.spec = spec
        self._theme = theme
        self._data: ChartData | None = None
        self.crosshair = -1
        self.total: TextLabel | None = None
        self.setObjectName(f"chart.{spec.key}")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("{title} chart").format(title=tr(spec.title)))
        self._lay_out()
        self.plot.hovered.connect(self._on_hovered)
        self.plot.selected.connect(self._on_selected)
        self.plot.clicked.connect(self._activate)
        self.legend.hidden_changed.connect(self._on_hidden_changed)
        theme.changed.connect(self._on_theme_changed)

    def _lay_out(self) -> None:
        self._title = ElidedLabel(self._theme, tr(self.spec.title), Qt.TextElideMode.ElideMiddle, parent=self)
        self._title.setFont(ui_font(13, 600))
        self.legend = Legend(self._theme, self)
        head = QHBoxLayout()
        head.setContentsMargins(16, 0, 6, 0)
        head.setSpacing(12)
        head.addWidget(self._title)
        self.more = IconButton(self._theme, "ellipsis", tr("Save this chart"), self)
        self.more.setAccessibleName(tr("Save this chart: {title}").format(title=tr(self.spec.title)))
        self.more.setObjectName(f"chart.{self.spec.key}.more")
        self.more.clicked.connect(lambda: self.more_wanted.emit(self.more))
        right = QHBoxLayout()
        # On both sides of what takes the legend's room where that is not shown.
        right.setSpacing(2)
        right.addWidget(self.legend, 1)
        right.addStretch(0)
        right.addWidget(self.more)
        head.addLayout(right, 1)
        self._head = head
        self.plot = Plot(self.spec, self._theme, self)
        self.plot.setAccessibleName(tr("{title} plot").format(title=tr(self.spec.title)))
        kept = self.plot.sizePolicy()
        kept.setRetainSizeWhenHidden(True)
        self.plot.setSizePolicy(kept)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 8, 1, 6)
        column.setSpacing(2)
        column.addLayout(head)
        body = QHBoxLayout()
        body.setContentsMargins(2, 0, 0, 0)
        body.addWidget(self.plot)
        column.addLayout(body, 1)
        self.hairline = Hairline(self._theme, self.plot.viewport())
        self.tooltip = Tooltip(self._theme, self)

    def add_control(self, control: QWidget) -> None:
        """Put a control beside the title."""
        self._head.insertWidget(1, control)

    def tell_total(self) -> None:
        """Beside the title, from now on: what its series come to where they add up."""
        self.total = TextLabel(self._theme, px=12, tone="text2")
        self.total.setObjectName(f"chart.{self.spec.key}.total")
        self.add_control(self.total)

    def set_spec(self, spec: ChartSpec) -> None:
        """Another measure of the same kind from now on; its data follows."""
        self.spec = spec
        self.plot.set_spec(spec)
        self.set_title(tr(spec.title))

    def set_title(self, title: str) -> None:
        self._title.setText(title)
        self.setAccessibleName(tr("{title} chart").format(title=title))
        self.plot.setAccessibleName(tr("{title} plot").format(title=title))

    @property
    def title(self) -> str:
        return self._title.text()

    def picture(self, scale: float = 2.0) -> QImage:
        """The card as it stands, without crosshair and buttons, in so many pixels for a logical one; as wide as its
        legend needs to name every series, for a picture has no menu."""
        crosshair, tooltip = self.crosshair, self.tooltip.isVisible()
        size = self.size()
        self.set_crosshair(-1)
        with self._without_keyboard():
            self.more.hide()
            self._settle()
            with self._of_its_own_size():
                lacking = 0 if self.legend.isHidden() else self.legend.whole_width() - self.legend.width()
                self.resize(size.width() + max(0, lacking), size.height())
                self._settle()
                image = super().picture(scale)
                self.resize(size)
            self.more.show()
            self._settle()
        self.set_crosshair(crosshair, tooltip=tooltip)
        return image

    @contextmanager
    def _without_keyboard(self) -> Iterator[None]:
        """A picture has no ring; from a button that hides, the keyboard would go on to another one."""
        keyboard = self.window().focusWidget()
        if keyboard is None or not (keyboard is self or self.isAncestorOf(keyboard)):
            yield
            return
        keyboard.clearFocus()
        try:
            yield
        finally:
            keyboard.setFocus(Qt.FocusReason.OtherFocusReason)

    @contextmanager
    def _of_its_own_size(self) -> Iterator[None]:
        """Whatever its place gives it: with a name that the legend shows, Qt lays out all that is around it."""
        parent = self.parentWidget()
        around = parent.layout() if parent is not None else None
        if around is None:
            yield
            return
        enabled = around.isEnabled()
        around.setEnabled(False)
        try:
            yield
        finally:
            around.setEnabled(enabled)

    def _settle(self) -> None:
        """Now, and not in the loop's next turn."""
        for part in (self, self.legend):
            layout = part.layout()
            if layout is not None:
                layout.activate()

    @property
    def data(self) -> ChartData | None:
        """What was given last."""
        return self._data

    def set_data(self, data: ChartData) -> None:
        self._data = data
        self._set_legend()
        self._on_hidden_changed()

    def set_crosshair(self, index: int, *, tooltip: bool = False) -> None:
        """Put the crosshair on a bucket, -1 for none; `tooltip` shows the card of values too."""
        data = self._data
        if data is None or not 0 <= index < len(data.starts_us):
            self.crosshair = -1
            self.hairline.hide()
            self.tooltip.hide()
            return
        self.crosshair = index
        left, right = self.plot.columns(index, index)
        area = self.plot.area()
        x = round((left + right) / 2)
        self.hairline.setGeometry(x, area.top(), 1, area.height())
        self.hairline.show()
        if not tooltip:
            self.tooltip.hide()
            return
        offset = self.plot.viewport().mapTo(self, QPoint(0, 0))
        bounds = area.translated(offset)
        rows = self._rows_at(index)
        note = tr(DEFINITION) if any(value.startswith(MARK) for _, _, value in rows) else ""
        aligned = self.spec.column_text is not None
        self.tooltip.show_rows(self.title_at(index), rows, x + offset.x(), bounds, note, aligned=aligned)

    def title_at(self, index: int) -> str:
        """A bucket's name in local time."""
        assert self._data is not None
        return bucket_title(int(self._data.starts_us[index]), int(self._data.ends_us[index]), self._data.tz)

    def values_at(self, index: int) -> dict[str, str]:
        """A bucket's values as the tooltip words them, by series name, with the total where there is one."""
        return {name: value for _, name, value in self._rows_at(index)}

    def _rows_at(self, index: int) -> tuple[Row, ...]:
        data = self._data
        assert data is not None
        shown = self._shown()
        values = [float(series.values[index]) for series in shown]
        rows = [
            (
                colour_of(self._theme, series.colour),
                series.name,
                self._marked(text, value, series.holds_estimate(index)),
            )
            for series, text, value in zip(shown, self._texts(values, data.adds_up), values, strict=True)
        ]
        if data.adds_up and len(shown) > 1:
            guessed = any(series.holds_estimate(index) for series in shown)
            total = _total(values)
            (text,) = self._texts([total], True)
            rows.append((self._theme.color("border_strong"), tr("Total"), self._marked(text, total, guessed)))
        return tuple(rows)

    def _texts(self, values: Sequence[float], add_up: bool) -> list[str]:
        """Values that stand below each other."""
        column = self.spec.column_text
        text = self._text if column is None else column(values, add_up)
        return [UNKNOWN if math.isnan(value) else text(value) for value in values]

    def _shown(self) -> list[Series]:
        """Those that the legend does not hide."""
        assert self._data is not None
        return [series for series in self._data.series if series.key not in self.legend.hidden]

    def _sum(self) -> str:
        shown = self._shown()
        total = _total_of(shown)
        return self._marked(self._text(total), total, any(map(_holds_estimates, shown)))

    def _marked(self, text: str, value: float, estimated: bool) -> str:
        return marked(text, estimated, value if self.spec.unit == "usd" else None)

    def _text(self, value: float) -> str:
        return UNKNOWN if math.isnan(value) else self.spec.value_text(value)

    def _set_legend(self) -> None:
        assert self._data is not None
        series = self._data.series
        self.legend.set_entries([(s.key, s.name, colour_of(self._theme, s.colour)) for s in series])

    def _on_hidden_changed(self) -> None:
        """What is told of the chart, too, is of what it shows."""
        data = self._data
        if data is None:
            return
        self.plot.set_data(data, self.legend.hidden)
        if self.total is not None:
            self.total.setText(self._sum() if data.adds_up else "")
        self.set_crosshair(self.crosshair, tooltip=self.tooltip.isVisible())
        self._describe()

    def _describe(self) -> None:
        data = self._data
        assert data is not None
        shown = self._shown()
        if not len(data.starts_us) or not shown:
            self.setAccessibleDescription(tr("Nothing to show"))
            return
        values = np.vstack([series.values for series in shown])
        stacked = np.nan_to_num(values)
        sums = stacked.sum(axis=0) if data.adds_up else stacked.max(axis=0)
        peak = int(sums.argmax())
        top = math.nan if np.isnan(values[:, peak]).all() else float(sums[peak])
        words = [tr("{first} to {last}").format(first=self.title_at(0), last=self.title_at(len(sums) - 1))]
        if data.adds_up:
            words.append(tr("total {amount}").format(amount=self._text(_total_of(shown))))
        words.append(tr("peak {text} at {time}").format(text=self._text(top), time=self.title_at(peak)))
        self.setAccessibleDescription(", ".join(words))

    def _on_hovered(self, index: int) -> None:
        if index != self.crosshair or (index >= 0) != self.tooltip.isVisible():
            self.set_crosshair(index, tooltip=True)
            self.crosshair_moved.emit(index)

    def _on_selected(self, first: int, last: int) -> None:
        data = self._data
        if data is not None and first >= 0 and last >= first:
            self.range_selected.emit(int(data.starts_us[first]), int(data.ends_us[last]))

    def _activate(self, index: int, series: str | None = None) -> None:
        data = self._data
        if data is not None and 0 <= index < len(data.starts_us):
            self.bucket_activated.emit(int(data.starts_us[index]), int(data.ends_us[index]), series)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        data, key = self._data, event.key()
        count = len(data.starts_us) if data is not None else 0
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.crosshair >= 0:
            self._activate(self.crosshair)
        elif key == Qt.Key.Key_Escape and self.crosshair >= 0:
            self._move_crosshair(-1)
        elif count and key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._move_crosshair(0 if key == Qt.Key.Key_Home else count - 1)
        elif count and (step := _STEPS.get(Qt.Key(key))):
            start = self.crosshair if self.crosshair >= 0 else (count if step < 0 else -1)
            self._move_crosshair(min(max(start + step, 0), count - 1))
        else:
            super().keyPressEvent(event)

    def _move_crosshair(self, index: int) -> None:
        self.set_crosshair(index, tooltip=True)
        self.crosshair_moved.emit(index)
        if index < 0:
            self._describe()
            return
        values = ", ".join(f"{name} {value}" for name, value in self.values_at(index).items())
        self.setAccessibleDescription(f"{self.title_at(index)}: {values}")
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if self.crosshair >= 0:
            self._move_crosshair(-1)

    def _on_theme_changed(self) -> None:
        self.plot.recolour()
        if self._data is not None:
            self._set_legend()
        self.set_crosshair(-1)


def _total(values: Floats | Sequence[float]) -> float:
    """What is known of them; NaN where that comes to nothing and others are unknown."""
    total = float(np.nansum(values))
    return total if total or not np.isnan(values).any() else math.nan


def _total_of(layers: Sequence[Series]) -> float:
    return _total(np.concatenate([series.values for series in layers])) if layers else 0.0


def _holds_estimates(series: Series) -> bool:
    """The same of any bucket."""
    return series.estimated is not None and bool((series.estimated & (series.values > 0)).any())


class Hairline(QWidget):
    """The crosshair's vertical line."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), QColor(self._theme.color("border_strong")))
