"""What changes together is painted once: when all of it is there, and not again for what its own paint moves."""

import asyncio

import pytest
from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.charts import CHARTS, ChartCard, ChartInput, chart_data
from app.context import AppContext
from app.loop import QtLoop
from app.pages.overview import OverviewPage
from app.theme import Theme
from app.widgets import Curtain
from gateway import Changes
from tests.app.fake_gateway import FakeGateway
from tests.app.test_charts import START, buckets, busy
from tests.app.test_overview import now_us
from tests.app.test_short_slots import Painted
from tests.waiting import PATIENCE_S


@pytest.fixture
def fake_gateway() -> FakeGateway:
    return FakeGateway(600, now_us=now_us())


class Sheet(QWidget):
    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), QColor("#3B5BDB"))


@pytest.fixture
def page(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.resize(300, 300)
    Sheet(made).setGeometry(10, 10, 200, 200)
    with qtbot.waitExposed(made):
        made.show()
    return made


def settle() -> None:
    for _ in range(5):
        QApplication.processEvents()


def test_what_changes_behind_a_curtain_is_painted_once_it_is_over(qtbot: QtBot, page: QWidget) -> None:
    sheet = page.findChild(Sheet)
    assert isinstance(sheet, Sheet)
    settle()
    curtain, painted = Curtain(page), Painted(sheet)
    with curtain.kept(page.rect()):
        with pytest.raises(ValueError, match="left"), curtain.kept(page.rect()):
            raise ValueError("left")
        for left in (20, 30, 40):
            sheet.setGeometry(left, 10, 200, 200)
            sheet.update()
            # Longer than a curtain waits for what was drawn to be laid out.
            qtbot.wait(15)
        assert painted.parts == [] and curtain.isVisible()
    qtbot.waitUntil(curtain.isHidden)
    settle()
    assert painted.parts == [QRect(0, 0, 200, 200)]


def test_a_page_of_another_size_is_painted_though_it_is_kept(qtbot: QtBot, page: QWidget) -> None:
    sheet = page.findChild(Sheet)
    assert isinstance(sheet, Sheet)
    curtain = Curtain(page)
    with curtain.kept(page.rect()):
        painted = Painted(sheet)
        page.resize(320, 310)
        qtbot.waitUntil(lambda: bool(painted.parts))
    assert curtain.isHidden() and not curtain._timer.isActive()


@pytest.mark.parametrize("kind", ["bars", "lines"])
def test_a_chart_of_another_range_is_painted_once(qtbot: QtBot, theme: Theme, kind: str) -> None:
    chart = ChartCard(next(spec for spec in CHARTS if spec.kind == kind), theme)
    qtbot.addWidget(chart)
    chart.resize(580, 220)
    with qtbot.waitExposed(chart):
        chart.show()
    painted = Painted(chart.plot.viewport())

    def paints_of(hours: int, height: int) -> int:
        rows = buckets(*(busy(number + hours) for number in range(hours)))
        chart.resize(580, height)
        chart.set_data(chart_data(chart.spec, ChartInput(buckets=rows, now_us=START, tz="UTC")))
        painted.parts.clear()
        settle()
        return len(painted.parts)

    assert [paints_of(24, 220), paints_of(300, 220), paints_of(48, 260)] == [1, 1, 1]


def test_another_range_has_each_plot_painted_once(
    qtbot: QtBot, context: AppContext, loop: QtLoop, theme: Theme
) -> None:
    context.filters.set_range("7d")
    overview = OverviewPage(context)
    qtbot.addWidget(overview)
    overview.resize(1220, 839)
    with qtbot.waitExposed(overview):
        overview.show()
    seen: dict[str, list[int]] = {}

    async def change() -> None:
        await overview.refresh(Changes(usage=True))
        while len(overview.charts) < 4 or not overview.veil._curtain.isHidden():
            await asyncio.sleep(0.01)
        painted = [Painted(chart.plot.viewport()) for chart in overview.charts]
        for range_key in ("30d", "1h"):
            # Which has fewer models, and so more room for charts.
            await asyncio.sleep(0.05)
            for each in painted:
                each.parts.clear()
            await settled(range_key)
            seen[range_key] = [len(each.parts) for each in painted]

    async def settled(range_key: str) -> None:
        before = overview.answers
        context.filters.set_range(range_key)
        while overview.answers is before or not overview.veil._curtain.isVisible():
            await asyncio.sleep(0)
        while overview.veil._curtain.isVisible():
            await asyncio.sleep(0.01)

    loop.run_until_complete(asyncio.wait_for(change(), PATIENCE_S))
    assert seen == {"30d": [1] * 4, "1h": [1] * 4}


def test_numbers_that_only_grow_need_no_curtain(context: AppContext, qtbot: QtBot) -> None:
    """Somebody may be about to press what is there."""
    overview = OverviewPage(context)
    qtbot.addWidget(overview)
    overview.show()
    asyncio.run(overview.refresh(Changes(usage=True)))
    covered: list[bool] = []
    card = overview.parts.cards["requests"]
    card.show_figure = lambda figure: covered.append(overview.veil._curtain.isVisible())  # type: ignore[method-assign]
    overview.veil._curtain.end()
    asyncio.run(overview.refresh(Changes(usage=True)))
    context.filters.set_range("30d")
    assert covered == [False, True]
