"""Long work in one place: what runs, how far it is, and that it can be cancelled."""

import asyncio

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.theme import Theme
from app.work import Job, Work
from app.work_strip import ProgressBar, WorkStrip


async def test_work_is_listed_while_it_runs_and_gives_its_result(qtbot: QtBot) -> None:
    work, seen = Work(), []

    async def export(job: Job) -> int:
        job.told(12)
        seen.append((work.jobs, job.done, job.total))
        job.told(24, 48)
        seen.append((work.jobs, job.done, job.total))
        return 48

    assert await work.run("Exporting", "rows", export) == 48
    assert [(len(jobs), done, total) for jobs, done, total in seen] == [(1, 12, None), (1, 24, 48)]
    assert work.jobs == ()


async def test_what_the_person_cancels_ends_and_what_goes_wrong_is_the_callers(qtbot: QtBot) -> None:
    work, ended = Work(), []

    async def endless(_job: Job) -> int:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        return 1

    async def wrong(_job: Job) -> int:
        raise OSError("The disk is full.")

    running = asyncio.get_running_loop().create_task(work.run("Exporting", "rows", endless))
    await asyncio.sleep(0)
    work.jobs[0].cancel()
    work.jobs[0].cancel()
    assert await running is None
    with pytest.raises(OSError, match="disk is full"):
        await work.run("Exporting", "rows", wrong)
    # The page's gateway goes: that is no choice of the person's.
    running = asyncio.get_running_loop().create_task(work.run("Exporting", "rows", endless))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (ended, work.jobs) == (["cancelled"] * 2, ())


def test_a_bar_is_never_more_than_full_and_wanders_where_the_whole_is_unknown(qtbot: QtBot, theme: Theme) -> None:
    bar = ProgressBar(theme)
    qtbot.addWidget(bar)
    shares = []
    for share in (1.7, -0.2, 0.25):
        bar.set_share(share)
        shares.append(bar.share)
    assert shares == [1.0, 0.0, 0.25]
    pictures = []
    for _ in range(3):
        bar.set_share(None)
        pictures.append(bar.grab().toImage())
    assert pictures[0] != pictures[1] != pictures[2]


async def test_the_strip_shows_each_job_and_cancels_it(qtbot: QtBot, theme: Theme) -> None:
    work, strip = Work(), WorkStrip(theme)
    qtbot.addWidget(strip)
    strip.follow(work)
    assert not strip.isVisible()
    told = asyncio.Event()

    async def endless(job: Job) -> None:
        job.told(12_482)
        told.set()
        await asyncio.Event().wait()

    running = asyncio.get_running_loop().create_task(work.run("Exporting requests", "rows", endless))
    await told.wait()
    line = strip.lines[0]
    line.look()
    assert strip.isVisible()
    assert (line.title.text(), line.count.text(), line.bar.share) == ("Exporting requests", "12,482 rows", None)
    assert line.accessibleName() == "Exporting requests: 12,482 rows"
    assert line.cancel.accessibleName() == "Cancel: Exporting requests"
    line.job.told(25_000, 100_000)
    line.look()
    assert (line.count.text(), line.bar.share) == ("25,000 of 100k rows", 0.25)
    strip.grab()
    qtbot.mouseClick(line.cancel, Qt.MouseButton.LeftButton)
    assert (line.count.text(), line.cancel.isEnabled()) == ("Ending …", False)
    assert await running is None
    assert (strip.lines, strip.isVisible()) == ([], False)
