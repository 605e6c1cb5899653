"""A pause that begins is told, reaches what runs, and its end is told when it ends by itself."""

from types import SimpleNamespace
from typing import Any, cast

from gateway.capture.pause import Pause
from gateway.operations.capture_commands import CaptureCommands
from tests.waiting import until


class Stage:
    def __init__(self) -> None:
        self.told: list[int | None] = []
        self.forgotten = 0
        self.pause = Pause()
        capture = SimpleNamespace(forget_running=self.forget)
        parts = SimpleNamespace(pause=self.pause, capture=capture)
        self.commands = CaptureCommands(cast(Any, parts), self.told.append)

    def forget(self) -> None:
        self.forgotten += 1


async def test_a_pause_reaches_what_runs_and_its_end_is_told() -> None:
    stage = Stage()
    stage.commands.pause_capture(0.001)
    assert stage.forgotten == 1 and len(stage.told) == 1
    assert stage.told[0] is not None
    await until(lambda: stage.told[-1] is None)
    assert (stage.pause.left_s, stage.forgotten) == (0, 1)


async def test_a_pause_that_is_resumed_is_told_once() -> None:
    stage = Stage()
    stage.commands.pause_capture()
    assert 0 < stage.pause.left_s <= 900
    stage.commands.resume_capture()
    assert stage.told[0] is not None and stage.told[1:] == [None]
    assert stage.pause.left_s == 0


async def test_a_pause_goes_on_in_the_gateway_that_takes_over_and_its_end_is_told() -> None:
    before, after = Stage(), Stage()
    before.commands.pause_capture(0.01)
    after.commands.take_over_pause(before.pause)
    assert after.told == before.told
    await until(lambda: after.told[-1] is None)
    assert after.pause.left_s == 0 and after.pause.known
    before.commands.close()
