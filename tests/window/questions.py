"""What can be asked of the running window. Each answer is read from the widgets themselves, as plain JSON.

Names are object names. A place is the middle of what is asked for, in pixels of the screen, and only where the mouse
would really hit it: shown, enabled, and with nothing above it.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import shiboken6
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QAccessible, QImage
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QFileDialog,
    QGridLayout,
    QLabel,
    QListView,
    QListWidget,
    QMenu,
    QPlainTextEdit,
    QTableView,
    QWidget,
)

from app.charts import ChartCard, ScatterCard
from app.charts.plot import colour_of
from app.host import Host
from app.pages.compare import ComparePage
from app.pages.conversations_parts.block import text_of
from app.pages.conversations_parts.thread_view import ThreadView
from app.pages.conversations_parts.waterfall import Waterfall
from app.pages.overview import OverviewPage
from app.tables.model import LOADING
from app.widgets import Chip, Curtain, Stars, Veil
from gateway.errors import FaregateError
from gateway.workers import Workers

Place = tuple[int, int]


def shown_widgets(name: str, within: str | None = None) -> list[QWidget]:
    found = [widget for widget in QApplication.allWidgets() if widget.objectName() == name and widget.isVisible()]
    if within is None:
        return found
    around = shown_widgets(within)
    return [widget for widget in found if any(one.isAncestorOf(widget) for one in around)]


def the_widget(name: str, within: str | None = None) -> QWidget:
    """The only one on show. Raises LookupError."""
    found = shown_widgets(name, within)
    if len(found) != 1:
        raise LookupError(f"{len(found)} widgets named {name!r} are on show")
    return found[0]


def _middle(widget: QWidget, rect: QRect) -> Place:
    """Raises LookupError where a click would not reach the widget."""
    point = widget.mapToGlobal(rect.center())
    hit = QApplication.widgetAt(point)
    if hit is None or not (hit is widget or widget.isAncestorOf(hit)):
        above = "nothing" if hit is None else f"{type(hit).__name__} {hit.objectName()!r}"
        raise LookupError(f"a click at {point.toTuple()} would hit {above} and not {widget.objectName()!r}")
    if not widget.isEnabled():
        raise LookupError(f"{widget.objectName()!r} is disabled")
    return point.x(), point.y()


# where things stand


def place(host: Host, name: str, within: str | None = None) -> Place:
    widget = the_widget(name, within)
    return _middle(widget, widget.rect())


def place_of_nth(host: Host, name: str, number: int) -> Place:
    """One of several of this name, counted from above."""
    found = sorted(shown_widgets(name), key=lambda widget: widget.mapToGlobal(QPoint(0, 0)).y())
    return _middle(found[number], found[number].rect())


def place_of_text(host: Host, text: str) -> Place:
    """The button with these words."""
    found = [
        widget
        for widget in QApplication.allWidgets()
        if isinstance(widget, QAbstractButton) and widget.isVisible() and widget.text().replace("&", "") == text
    ]
    if len(found) != 1:
        raise LookupError(f"{len(found)} buttons say {text!r}")
    return _middle(found[0], found[0].rect())


def place_in_menu(host: Host, text: str) -> Place:
    """An entry of the menu that is open."""
    for menu in (widget for widget in QApplication.allWidgets() if isinstance(widget, QMenu) and widget.isVisible()):
        for action in menu.actions():
            if action.text() == text and action.isEnabled():
                return _middle(menu, menu.actionGeometry(action))
    raise LookupError(f"no open menu offers {text!r}")


def place_in_list(host: Host, text: str) -> Place:
    """A row of the filter popover."""
    popover = the_widget("filterPopover")
    rows = popover.findChild(QListWidget)
    for number in range(rows.count()):
        item = rows.item(number)
        if item.data(Qt.ItemDataRole.UserRole).text == text:
            return _middle(rows.viewport(), rows.visualItemRect(item))
    raise LookupError(f"the popover does not offer {text!r}")


def place_of_conversation(host: Host, title: str) -> Place:
    """The newest row of the conversations' list that has this title."""
    view = the_widget("conversations_list")
    assert isinstance(view, QListView)
    for row in range(view.model().rowCount()):
        index = view.model().index(row, 0)
        if index.data() == title:
            view.scrollTo(index)
            return _middle(view.viewport(), view.visualRect(index))
    raise LookupError(f"no conversation is called {title!r}")


def place_of_row(host: Host, name: str, row: int) -> Place:
    """A row of a list, by its number among those that are on show."""
    view = the_widget(name)
    assert isinstance(view, QListView)
    first = view.indexAt(QPoint(8, 8)).row()
    return _middle(view.viewport(), view.visualRect(view.model().index(first + row, 0)))


def place_of_item(host: Host, name: str, text: str) -> Place:
    """The row of a list of words that says this, scrolled to."""
    view = the_widget(name)
    assert isinstance(view, QListWidget)
    for number in range(view.count()):
        item = view.item(number)
        if item.text() == text:
            view.scrollToItem(item)
            return _middle(view.viewport(), view.visualItemRect(item))
    raise LookupError(f"{name!r} has no {text!r}")


def place_of_cell(host: Host, table: str, row: int, column: int = 0) -> Place:
    view = _table(table)
    return _middle(view.viewport(), view.visualRect(view.model().index(row, column)))


def place_of_bucket(host: Host, chart: str, bucket: int) -> Place:
    """The middle of a chart's bucket."""
    card = the_widget(f"chart.{chart}")
    assert isinstance(card, ChartCard)
    left, right = card.plot.columns(bucket, bucket)
    middle = QPoint(round((left + right) / 2), card.plot.area().center().y())
    return _middle(card.plot.viewport(), QRect(middle, middle))


def place_of_chip_cross(host: Host) -> Place:
    """The cross of the first filter chip."""
    assert host.window.page is not None
    chip = next((chip for chip in host.window.page.findChildren(Chip) if chip.isVisible()), None)
    if chip is None:
        raise LookupError("there is no chip")
    return _middle(chip, chip.cross)


def place_of_star(host: Host, within: str, stars: int) -> Place:
    """A star of a rating, counted from 1."""
    found = [widget for widget in the_widget(within).findChildren(Stars) if widget.isVisible()]
    if len(found) != 1:
        raise LookupError(f"{len(found)} ratings are on show in {within!r}")
    middle = found[0].place(stars).toPoint()
    return _middle(found[0], QRect(middle, middle))


def place_of_mark(host: Host, number: int) -> Place:
    """A mark of the scatter, from the left."""
    card = the_widget("chart.scatter")
    assert isinstance(card, ScatterCard)
    middle = card.plot.place(number)
    return _middle(card.plot.viewport(), QRect(middle, middle))


def place_of_tray(host: Host) -> Place:
    area = host.tray.icon.geometry()
    if not host.tray.available or area.isEmpty():
        raise LookupError("there is no tray icon")
    return area.center().x(), area.center().y()


# what is shown


def state(host: Host) -> str:
    return host.window.sidebar.card.word.text()


def address(host: Host) -> str:
    """Where the sidebar says that tools reach the gateway; known also while the window is hidden."""
    return host.window.sidebar.card.endpoint.text()


def shown(host: Host, name: str, within: str | None = None) -> bool:
    return bool(shown_widgets(name, within))


def painted(host: Host) -> bool:
    """Whether all of the window is as it is now: no curtain keeps a part of it as it was, no page is read anew."""
    covering = (*host.window.findChildren(Curtain), *host.window.findChildren(Veil))
    return not any(one.isVisible() for one in covering)


def theme(host: Host) -> str:
    """Which one was chosen."""
    return host.theme.mode


def banner(host: Host, subject: str) -> str:
    """What the notice under the header says; empty where there is none."""
    found = host.window.notices.banner(subject)
    return found.text() if found is not None and found.isVisible() else ""


def counts(host: Host) -> dict[str, str]:
    """The numbers beside the sidebar's pages."""
    return {key: button.count for key, button in host.window.sidebar.buttons.items()}


def text(host: Host, name: str, within: str | None = None) -> str:
    """What a label, a button or a field says."""
    widget: Any = the_widget(name, within)
    return str(widget.text())


def texts(host: Host, name: str) -> list[str]:
    """What each block of text of this name says, from above."""
    blocks = [widget for widget in shown_widgets(name) if isinstance(widget, QPlainTextEdit)]
    blocks.sort(key=lambda block: block.mapToGlobal(QPoint(0, 0)).y())
    return [block.toPlainText() for block in blocks]


def spoken(host: Host, name: str, within: str | None = None) -> list[str]:
    """What a screen reader says of a widget: its name, and what describes it."""
    widget = the_widget(name, within)
    return [widget.accessibleName(), widget.accessibleDescription()]


def listed(host: Host, name: str) -> list[str]:
    """The rows of a list as they are read out."""
    view = the_widget(name)
    assert isinstance(view, QListView)
    model = view.model()
    return [str(model.index(row, 0).data(Qt.ItemDataRole.AccessibleTextRole)) for row in range(model.rowCount())]


def labelled(host: Host, name: str) -> dict[str, str]:
    """The lines of a grid within a card: what stands at the left, and what it says."""
    found = {}
    for grid in the_widget(name).findChildren(QGridLayout):
        around = grid.parentWidget()
        if around is None or not around.isVisible():
            continue
        for row in range(grid.rowCount()):
            pair = [item.widget() for column in (0, 1) if (item := grid.itemAtPosition(row, column)) is not None]
            if len(pair) == 2 and all(isinstance(each, QLabel) for each in pair):
                label, value = (each.text() for each in pair if isinstance(each, QLabel))
                found[label] = value
    return found


def timeline(host: Host) -> list[list[str]]:
    """The rows of the conversation's timeline: what, how long, and how long after the beginning."""
    view = the_widget("conversation_timeline")
    assert isinstance(view, Waterfall)
    return [[row.label, view.duration(row), view._since(row)] for row in view.rows]


def tooltip(host: Host, chart: str) -> dict[str, Any]:
    """The card of values that stands over a chart."""
    card = the_widget(f"chart.{chart}")
    assert isinstance(card, ChartCard | ScatterCard)
    if not card.tooltip.isVisible():
        raise LookupError(f"{chart!r} shows no values")
    return {"title": card.tooltip.title, "rows": {name: value for _, name, value in card.tooltip.rows}}


def marks(host: Host) -> list[dict[str, Any]]:
    """The marks of the scatter from the left: name, label, place and figures."""
    card = the_widget("chart.scatter")
    assert isinstance(card, ScatterCard)
    return [
        {"name": one.name, "label": one.label, "x": one.x, "y": one.y, "figures": dict(one.figures)}
        for one in card.points
    ]


def focused_name(host: Host) -> str:
    """What has the keyboard, by its object name."""
    widget = QApplication.focusWidget()
    if widget is None:
        raise LookupError("nothing has the keyboard")
    return widget.objectName()


_looked_at: list[tuple[QWidget, QImage]] = []


def focused(host: Host) -> dict[str, Any]:
    """What has the keyboard: its object name, what a screen reader calls it, and whether it can be seen. `ringed`:
    whether what was asked for before looked otherwise as long as it had the keyboard; None where that is not known."""
    ringed = None
    if _looked_at:
        before, picture = _looked_at.pop()
        if shiboken6.isValid(before) and before.isVisible() and not before.hasFocus():
            ringed = before.grab().toImage() != picture
    widget = QApplication.focusWidget()
    if widget is None:
        raise LookupError("nothing has the keyboard")
    _looked_at.append((widget, widget.grab().toImage()))
    interface = QAccessible.queryAccessibleInterface(widget)
    return {
        "name": widget.objectName(),
        "called": interface.text(QAccessible.Text.Name) if interface is not None else "",
        "within": [each.objectName() for each in _around(widget)],
        "seen": not _on_show(widget).isEmpty(),
        "ringed": ringed,
    }


def _on_show(widget: QWidget) -> QRect:
    """What of a widget its surroundings leave on show, in the screen's pixels."""
    rect = QRect(widget.mapToGlobal(QPoint(0, 0)), widget.size())
    for above in _around(widget):
        rect &= QRect(above.mapToGlobal(QPoint(0, 0)), above.size())
    return rect


def _around(widget: QWidget) -> Iterator[QWidget]:
    while (above := widget.parentWidget()) is not None:
        yield above
        widget = above


def page(host: Host) -> str:
    return host.window.header.title.text() if host.window.page is not None else ""


def blocks(host: Host) -> list[list[str]]:
    """The blocks of the shown conversation: kind, head and what each says."""
    view = the_widget("thread")
    assert isinstance(view, ThreadView)
    return [[block.kind, block.title, text_of(block)] for block in view.blocks]


def answers(host: Host) -> list[dict[str, Any]]:
    """The columns of Compare: who answers, how it stands, what it said, its figures and its rating."""
    page = host.window.page
    assert isinstance(page, ComparePage), page
    return [
        {
            "model": column.model,
            "state": column.answer.state if column.answer is not None else "",
            "said": [text_of(block) for block in column.view.blocks if block.kind == "assistant"],
            "figures": {key: cell.text() for key, cell in column.figures.items()},
            "stars": column.rating.stars.stars,
        }
        for column in page.columns
    ]


def chips(host: Host) -> list[str]:
    """The filters that stand on the page."""
    assert host.window.page is not None
    return [chip.text() for chip in host.window.page.findChildren(Chip) if chip.isVisible()]


def steps(host: Host) -> list[list[object]]:
    """The steps of trying a key: what, and whether it went well."""
    grid = the_widget("trial_steps").findChild(QGridLayout)
    rows = range(grid.rowCount()) if grid is not None else ()
    found: list[list[object]] = []
    for row in rows:
        mark: Any = grid.itemAtPosition(row, 0).widget()
        words: Any = grid.itemAtPosition(row, 1).widget()
        found.append([words.text().partition(":")[0], mark.accessibleName() == "done"])
    return found


def toasts(host: Host) -> list[str]:
    return list(host.window.toasts.texts)


def tray_says(host: Host) -> str:
    return host.tray.icon.toolTip()


def tray(host: Host) -> dict[str, Any]:
    return {
        "available": host.tray.available,
        "menu": [action.text() for action in host.tray.menu.actions() if not action.isSeparator()],
        "on": host.tray.gateway_action.isChecked(),
    }


def dialogs(host: Host) -> int:
    """How many dialogs for files are open."""
    return sum(isinstance(widget, QFileDialog) and widget.isVisible() for widget in QApplication.topLevelWidgets())


def windows(host: Host) -> list[dict[str, Any]]:
    """The top-level windows on show, with the X server's ids."""
    return [
        {
            "class": widget.metaObject().className(),
            "name": widget.objectName(),
            "title": widget.windowTitle(),
            "texts": [label.text() for label in widget.findChildren(QLabel) if label.text()],
            "id": int(widget.winId()),
        }
        for widget in QApplication.topLevelWidgets()
        if widget.isVisible()
    ]


def window_size(host: Host) -> tuple[int, int]:
    return host.window.width(), host.window.height()


def pixel_ratio(host: Host) -> float:
    return host.window.devicePixelRatio()


def cards(host: Host) -> dict[str, dict[str, str]]:
    """The five cards' words, by the card's key and the part's name."""
    page = _overview(host)
    found: dict[str, dict[str, str]] = {}
    for key, card in page.parts.cards.items():
        unit = card.unit.text() if card.unit.isVisible() else ""
        found[key] = {"value": card.value.text(), "unit": unit, "fact": card.fact.text(), "badge": card.badge.text()}
    return found


def charts(host: Host) -> dict[str, Any]:
    """For every chart its buckets' edges (microseconds), and what each bucket's values read."""
    found = {}
    for chart in _overview(host).charts:
        data = chart.data
        assert data is not None
        found[chart.spec.key] = {
            "starts_us": [int(us) for us in data.starts_us],
            "ends_us": [int(us) for us in data.ends_us],
            "values": [chart.values_at(index) for index in range(len(data.starts_us))],
            "described": chart.accessibleDescription(),
        }
    return found


def requests_drawn(host: Host) -> int:
    """How many requests the bars of the Requests chart stand for."""
    drawn = [chart.data for chart in _overview(host).charts if chart.spec.key == "requests"]
    if not drawn or drawn[0] is None:
        return -1
    return int(sum(series.values.sum() for series in drawn[0].series))


def plots(host: Host) -> dict[str, Any]:
    """Where on the screen each chart of the Overview draws, and of each series its colour and its share of all."""
    found = {}
    for chart in _overview(host).charts:
        plot, data = chart.plot, chart.data
        assert data is not None
        sums = [float(np.nansum(series.values)) for series in data.series]
        series = [
            (colour_of(host.theme, one.colour).name(), amount / (sum(sums) or 1))
            for one, amount in zip(data.series, sums, strict=True)
        ]
        corner = plot.viewport().mapToGlobal(plot.area().topLeft())
        found[chart.spec.key] = {"area": (*corner.toTuple(), *plot.area().size().toTuple()), "series": series}
    return found


def answered(host: Host) -> dict[str, Any] | None:
    """The range and bucket of what the Overview shows; None while it has nothing to show."""
    answers = _overview(host).answers
    if answers is None:
        return None
    return {
        "start_us": answers.query.start_us,
        "end_us": answers.query.end_us,
        "tz": answers.query.tz,
        "bucket": answers.bucket,
        "requests": answers.summary.requests,
    }


def rows(host: Host, name: str) -> int:
    return int(_table(name).model().rowCount())


async def table(host: Host, name: str, most: int = 1000) -> dict[str, Any]:
    """A table's cells as they read, without hidden columns; rows that are on their way are waited for."""
    view = _table(name)
    columns = [column for column in range(view.model().columnCount()) if not view.isColumnHidden(column)]
    titles = [
        view.model().headerData(column, Qt.Orientation.Horizontal, Qt.ItemDataRole.DisplayRole) for column in columns
    ]
    cells = []
    for row in range(min(most, view.model().rowCount())):
        while (line := _line(view, row, columns))[0] == LOADING:
            await asyncio.sleep(0.02)
        cells.append(line)
    return {"titles": titles, "rows": cells}


def _line(view: QTableView, row: int, columns: list[int]) -> list[str]:
    return [str(view.model().index(row, column).data() or "") for column in columns]


def _table(name: str) -> QTableView:
    view = the_widget(name)
    assert isinstance(view, QTableView)
    return view


def _overview(host: Host) -> OverviewPage:
    page = host.window.page
    assert isinstance(page, OverviewPage), page
    return page


# what the gateway does to it


class _Failing(ThreadPoolExecutor):
    """Nothing that is asked of it comes back."""

    def submit(self, *_: Any, **__: Any) -> Future[Any]:  # type: ignore[override]
        failed: Future[Any] = Future()
        failed.set_exception(FaregateError("usage.db cannot be read (disk I/O error): look at the disk, then retry."))
        return failed


_held = threading.Event()
_pools: list[ThreadPoolExecutor] = []


def hold_reads(host: Host) -> None:
    """From now on every question to the gateway waits for an answer, as on a disk that sleeps."""
    _held.clear()
    workers = _workers(host)
    for _ in range(workers.pool._max_workers):
        workers.pool.submit(_held.wait)


def fail_reads(host: Host) -> None:
    """From now on every question to the gateway fails."""
    workers = _workers(host)
    _pools.append(workers.pool)
    workers.pool = _Failing()


def answer_reads(host: Host) -> None:
    """As usual again."""
    _held.set()
    if _pools:
        _workers(host).pool = _pools.pop()


def _workers(host: Host) -> Workers:
    assert host._gateway is not None
    return host._gateway._parts.workers


def clipboard(host: Host) -> str:
    return QApplication.clipboard().text()


QUESTIONS: dict[str, Callable[..., Any]] = {
    question.__name__: question
    for question in (
        place,
        place_of_nth,
        place_of_text,
        place_in_menu,
        place_in_list,
        place_of_conversation,
        place_of_row,
        place_of_item,
        place_of_cell,
        place_of_bucket,
        place_of_chip_cross,
        place_of_star,
        place_of_mark,
        place_of_tray,
        state,
        answers,
        blocks,
        address,
        shown,
        text,
        texts,
        labelled,
        timeline,
        tooltip,
        focused,
        focused_name,
        marks,
        page,
        painted,
        spoken,
        listed,
        chips,
        steps,
        toasts,
        banner,
        counts,
        tray,
        tray_says,
        theme,
        requests_drawn,
        plots,
        dialogs,
        windows,
        pixel_ratio,
        window_size,
        cards,
        charts,
        answered,
        rows,
        table,
        clipboard,
        hold_reads,
        fail_reads,
        answer_reads,
    )
}
