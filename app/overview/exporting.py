"""What leaves the Overview as a file: its series and tables from the gateway, and each chart as picture or CSV."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QMenu, QWidget

from app.context import AppContext
from app.export_files import (
    CSV_FILTER,
    EXPORT_FILTER,
    PICTURE_FILTER,
    ask_where,
    gateway_export,
    save_csv,
    save_picture,
)
from app.overview.answers import Answers
from app.overview.breakdown import DIMENSION_TITLES, group_title
from app.overview.words import export_name
from app.tables.column import csv_text
from app.translation import counted, later, tr
from app.work import Job
from gateway import Export

if TYPE_CHECKING:
    from app.charts import ChartCard, ChartData, ChartSpec

TIME_SERIES, SPLIT_SERIES = later("time series"), later("split time series")


def chart_csv(spec: "ChartSpec", data: "ChartData") -> str:
    """What a chart draws, a line for each bucket: UTC, local time and each series in full; unknown is empty. Where
    values can be estimates, which of the series hold some then."""
    names = [f"{series.name} ({spec.unit})" if spec.unit else series.name for series in data.series]
    tells_estimates = any(series.estimated is not None for series in data.series)
    lines = []
    for index in range(len(data.starts_us)):
        values = (float(series.values[index]) for series in data.series)
        texts = ["" if np.isnan(value) else spec.plain_text(value) for value in values]
        if tells_estimates:
            texts.append("; ".join(series.name for series in data.series if series.holds_estimate(index)))
        lines.append([*_times(int(data.starts_us[index]), int(data.ends_us[index]), data.tz), *texts])
    estimated = ["estimated"] if tells_estimates else []
    return csv_text(["start_utc", "end_utc", "start_local", *names, *estimated], lines)


def _times(start_us: int, end_us: int, tz: str) -> Sequence[str]:
    start, end = (datetime.fromtimestamp(us / 1e6, UTC) for us in (start_us, end_us))
    utc = [moment.isoformat(timespec="seconds").replace("+00:00", "Z") for moment in (start, end)]
    return [*utc, start.astimezone(ZoneInfo(tz)).isoformat(timespec="seconds")]


def _words(what: str) -> str:
    """A time series, or a dimension's breakdown, within a sentence."""
    if what in (TIME_SERIES, SPLIT_SERIES):
        return tr(what)
    title = group_title(what)
    return title[:1].lower() + title[1:]


class OverviewExport(QObject):
    """`told` carries what to say of it. Raises KNOWN_ERRORS within the tasks that it starts."""

    told = Signal(str)

    def __init__(self, context: AppContext, page: QWidget) -> None:
        super().__init__(page)
        self._context = context
        self._page = page
        self.answers: Answers | None = None
        self.split = ""
        self.side = ""

    def offer(self, anchor: QWidget) -> None:
        """The series and the tables, below a button."""
        menu = self._menu()
        menu.addAction(tr("Time series (CSV)…"), partial(self.choose_file, TIME_SERIES))
        split = tr("Time series {split} (CSV)…").format(split=group_title(self.split).lower())
        menu.addAction(split, partial(self.choose_file, SPLIT_SERIES))
        for dimension in dict.fromkeys((*DIMENSION_TITLES, self.side)):
            menu.addAction(f"{group_title(dimension)} (CSV)…", partial(self.choose_file, dimension))
        menu.popup(anchor.mapToGlobal(QPoint(0, anchor.height() + 4)))

    def _menu(self) -> QMenu:
        menu = QMenu(self._page)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return menu

    def choose_file(self, what: str) -> None:
        """Ask where a time series, or a dimension's breakdown, is to be saved."""
        if self.answers is not None:
            ask_where(
                self._page,
                tr("Export {what}").format(what=_words(what)),
                export_name(what, self.answers.query),
                tr(EXPORT_FILTER),
                lambda path: self._context.spawn(self.save_csv(what, path)),
            )

    async def save_csv(self, what: str, path: Path) -> None:
        """Write the numbers on show as CSV: the range, filters and bucket of the last answer."""
        answers = self.answers
        if answers is None:
            return
        gateway = self._context.gateway
        if what in (TIME_SERIES, SPLIT_SERIES):
            by = self.split if what == SPLIT_SERIES else None
            asked = Export(what="buckets", bucket=answers.bucket, by=by)
        else:
            asked = Export(what="breakdown", by=what)
        export = gateway_export(path, asked, marked=self._context.shell.marks_csv)

        async def write(job: Job) -> int:
            return await gateway.export_file(answers.query, export, path, job.told)

        rows = await self._context.shell.work.run(
            tr("Exporting {what} to {name}").format(what=_words(what), name=path.name), tr("rows"), write
        )
        if rows is None:
            self.told.emit(tr("Cancelled"))
        else:
            self._tell_rows(rows, path)

    def _tell_rows(self, rows: int, path: Path) -> None:
        words = counted(
            rows, later("Exported 1 row to {name}"), later("Exported {count} rows to {name}"), name=path.name
        )
        self._context.shell.saved.emit(words, path.parent)

    # One chart

    def offer_chart(self, chart: "ChartCard", anchor: QWidget) -> QMenu:
        """What can be done with one chart, below a button."""
        menu = self._menu()
        menu.setObjectName("menu.chart")
        menu.addAction(tr("Save picture (PNG)…"), partial(self.choose_picture, chart))
        menu.addAction(tr("Save values (CSV)…"), partial(self.choose_values, chart))
        menu.addAction(tr("Copy picture"), partial(self.copy_picture, chart))
        menu.popup(anchor.mapToGlobal(QPoint(0, anchor.height() + 2)))
        return menu

    def choose_picture(self, chart: "ChartCard") -> None:
        """Ask where the picture of a chart is to be saved. It is as the chart stands now."""
        picture = chart.picture()
        ask_where(
            self._page,
            tr("Save picture"),
            self._name(chart, ".png"),
            tr(PICTURE_FILTER),
            lambda path: self._context.spawn(self.save_picture(picture, path)),
        )

    def choose_values(self, chart: "ChartCard") -> None:
        """Ask where the values of a chart are to be saved. They are those on show now."""
        if chart.data is None:
            return
        spec, data = chart.spec, chart.data
        ask_where(
            self._page,
            tr("Save values"),
            self._name(chart, ".csv"),
            tr(CSV_FILTER),
            lambda path: self._context.spawn(self.save_values(spec, data, path)),
        )

    def copy_picture(self, chart: "ChartCard") -> None:
        QGuiApplication.clipboard().setImage(chart.picture())
        self.told.emit(tr("Picture copied"))

    def _name(self, chart: "ChartCard", ending: str) -> str:
        answers = self.answers
        assert answers is not None
        return export_name(chart.title.lower(), answers.query).removesuffix(".csv") + ending

    async def save_picture(self, picture: QImage, path: Path) -> None:
        await save_picture(picture, path)
        self._context.shell.saved.emit(tr("Saved {name}").format(name=path.name), path.parent)

    async def save_values(self, spec: "ChartSpec", data: "ChartData", path: Path) -> None:
        await save_csv(lambda: chart_csv(spec, data), path, marked=self._context.shell.marks_csv)
        self._tell_rows(len(data.starts_us), path)
