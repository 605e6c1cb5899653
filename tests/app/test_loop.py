"""The loop that asyncio and Qt share: asyncio's own promises, few Qt wake-ups, and turns for both."""

import asyncio
import gc
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable

import pytest
import qasync
from aiohttp import ClientSession, web
from PySide6.QtCore import QEventLoop, QObject, QTimer, QTimerEvent
from PySide6.QtWidgets import QApplication

from app.loop import QtLoop, make_loop
from tests.waiting import PATIENCE_MS, PATIENCE_S


def test_it_is_a_qasync_loop(loop: QtLoop, qapp: QApplication) -> None:
    assert isinstance(loop, qasync.QEventLoop)
    other = make_loop(qapp)
    assert isinstance(other, QtLoop)
    other.close()


def test_callbacks_run_in_the_order_in_which_they_were_asked_for(loop: QtLoop) -> None:
    seen: list[object] = []

    async def main() -> None:
        for number in range(500):
            loop.call_soon(seen.append, number)
        loop.call_later(0.02, seen.append, "late")
        loop.call_later(0.005, seen.append, "early")
        await asyncio.sleep(0.06)

    loop.run_until_complete(main())
    assert seen == [*range(500), "early", "late"]


def test_a_callback_that_is_asked_for_during_a_callback_runs_in_a_later_round(loop: QtLoop) -> None:
    seen: list[str] = []

    def first() -> None:
        loop.call_soon(seen.append, "third")
        seen.append("first")

    async def main() -> None:
        loop.call_soon(first)
        loop.call_soon(seen.append, "second")
        await asyncio.sleep(0.01)

    loop.run_until_complete(main())
    assert seen == ["first", "second", "third"]


def test_cancelled_callbacks_and_timers_do_not_run(loop: QtLoop) -> None:
    seen: list[str] = []

    async def main() -> None:
        loop.call_soon(seen.append, "soon").cancel()
        loop.call_later(0.001, seen.append, "later").cancel()
        await asyncio.sleep(0.02)

    loop.run_until_complete(main())
    assert seen == []


def test_cancelled_timers_are_dropped_long_before_their_time(loop: QtLoop) -> None:
    async def main() -> int:
        for _ in range(20_000):
            loop.call_later(300, lambda: None).cancel()
        await asyncio.sleep(0.01)
        return len(loop._scheduled)

    assert loop.run_until_complete(main()) < 200


def test_thousands_of_timers_come_in_the_order_of_their_deadlines(loop: QtLoop) -> None:
    seen: list[int] = []

    async def main() -> None:
        start = loop.time() + 0.02
        for number in range(3000):
            place = number * 7 % 3000
            loop.call_at(start + place / 100_000, seen.append, place)
        await asyncio.sleep(0.2)

    loop.run_until_complete(main())
    assert seen == list(range(3000))


@pytest.mark.parametrize("delay", [0.0, 0.0004, 0.003, 0.03])
def test_a_sleep_never_ends_early(loop: QtLoop, delay: float) -> None:
    async def main() -> float:
        start = loop.time()
        await asyncio.sleep(delay)
        return loop.time() - start

    assert loop.run_until_complete(main()) >= delay


def test_one_wake_up_serves_many_callbacks(loop: QtLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[float] = []
    real = QtLoop._run_ready
    monkeypatch.setattr(QtLoop, "_run_ready", lambda self, until: (turns.append(until), real(self, until))[1])

    async def main() -> None:
        for _ in range(2000):
            await asyncio.sleep(0)

    loop.run_until_complete(main())
    assert len(turns) < 400


def test_qt_gets_its_turn_while_callbacks_keep_coming(loop: QtLoop) -> None:
    class Ticker(QObject):
        ticks = 0

        def timerEvent(self, event: QTimerEvent) -> None:
            self.ticks += 1

    ticker = Ticker()
    ticker.startTimer(5)

    async def main() -> None:
        # A callback is ready at any moment, and still Qt's events come through.
        while ticker.ticks < 10:
            await asyncio.sleep(0)

    loop.run_until_complete(asyncio.wait_for(main(), PATIENCE_S))
    assert ticker.ticks >= 10


def test_other_threads_can_ask_for_callbacks(loop: QtLoop) -> None:
    seen: list[tuple[int, int]] = []

    def ask(number: int) -> None:
        for place in range(200):
            loop.call_soon_threadsafe(seen.append, (number, place))

    async def main() -> None:
        threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        while len(seen) < 800:
            await asyncio.sleep(0.005)
        for thread in threads:
            thread.join()

    loop.run_until_complete(asyncio.wait_for(main(), PATIENCE_S))
    for number in range(4):
        assert [place for owner, place in seen if owner == number] == list(range(200))


def test_an_idle_loop_is_woken_by_another_thread_at_once(loop: QtLoop) -> None:
    async def main() -> float:
        done = asyncio.Event()
        asked: list[float] = []
        # The next deadline of its own is far away.
        sleeping = loop.call_later(10 * PATIENCE_S, done.set)

        def ask() -> None:
            time.sleep(0.05)
            asked.append(time.monotonic())
            loop.call_soon_threadsafe(done.set)

        thread = threading.Thread(target=ask)
        thread.start()
        await done.wait()
        thread.join()
        sleeping.cancel()
        return time.monotonic() - asked[0]

    assert loop.run_until_complete(main()) < PATIENCE_S


def test_work_in_an_executor_returns(loop: QtLoop) -> None:
    async def main() -> list[int]:
        return await asyncio.gather(*(asyncio.to_thread(pow, number, 2) for number in range(20)))

    assert loop.run_until_complete(main()) == [number**2 for number in range(20)]
    loop.run_until_complete(loop.shutdown_default_executor())


def test_sockets_are_read_and_written_through_one_notifier(loop: QtLoop) -> None:
    left, right = socket.socketpair()
    left.setblocking(False)
    right.setblocking(False)

    async def main() -> bytes:
        sending = asyncio.gather(loop.sock_sendall(left, b"x" * 3_000_000))
        got = bytearray()
        while len(got) < 3_000_000:
            got += await loop.sock_recv(right, 65536)
        await sending
        return bytes(got)

    assert loop.run_until_complete(main()) == b"x" * 3_000_000
    left.close()
    right.close()


def test_an_exception_in_a_callback_reaches_the_handler_and_stops_nothing(loop: QtLoop) -> None:
    caught: list[dict[str, object]] = []
    loop.set_exception_handler(lambda _loop, context: caught.append(context))

    async def main() -> str:
        loop.call_soon(lambda: 1 // 0)
        loop.call_later(0.001, lambda: [][0])
        await asyncio.sleep(0.02)
        return "alive"

    assert loop.run_until_complete(main()) == "alive"
    assert [type(context["exception"]) for context in caught] == [ZeroDivisionError, IndexError]
    assert loop.get_exception_handler() is not None


def test_without_a_handler_the_exception_is_logged(loop: QtLoop, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        loop.call_soon(lambda: 1 // 0)
        await asyncio.sleep(0.01)

    with caplog.at_level(logging.ERROR, "asyncio"):
        loop.run_until_complete(main())
    assert any("ZeroDivisionError" in (record.exc_text or "") for record in caplog.records)


def test_system_exit_in_a_callback_leaves_the_loop(loop: QtLoop) -> None:
    def leave() -> None:
        raise SystemExit(3)

    loop.call_soon(leave)
    with pytest.raises(SystemExit) as caught:
        loop.run_forever()
    assert caught.value.code == 3
    assert not loop.is_running()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_heard_while_qt_waits(loop: QtLoop, number: signal.Signals) -> None:
    async def main() -> bool:
        heard = asyncio.Event()
        loop.add_signal_handler(number, heard.set)
        loop.call_later(0.02, os.kill, os.getpid(), number)
        await asyncio.wait_for(heard.wait(), PATIENCE_S)
        return loop.remove_signal_handler(number)

    assert loop.run_until_complete(main()), "it was there until now"


def test_a_nested_qt_loop_inside_a_callback_enters_no_task_twice(loop: QtLoop) -> None:
    seen: list[str] = []

    async def ticker() -> None:
        while True:
            seen.append("tick")
            await asyncio.sleep(0.001)

    async def main() -> None:
        ticking = loop.create_task(ticker())
        await asyncio.sleep(0.01)
        nested = QEventLoop()
        QTimer.singleShot(100, nested.quit)
        before, began, clock = len(seen), time.monotonic(), time.process_time()
        nested.exec()
        assert len(seen) == before
        spent, passed = time.process_time() - clock, time.monotonic() - began
        assert spent < passed / 3, "the nested loop must not spin"
        await asyncio.sleep(0.02)
        assert len(seen) > before
        ticking.cancel()

    loop.run_until_complete(main())


def test_a_nested_qt_loop_inside_a_slot_keeps_asyncio_running(loop: QtLoop) -> None:
    async def main() -> list[str]:
        seen: list[str] = []
        nested = QEventLoop()

        def slot() -> None:
            seen.append("nested")
            QTimer.singleShot(PATIENCE_MS, nested, nested.quit)
            nested.exec()
            seen.append("left")

        async def tick() -> None:
            while "nested" not in seen:
                await asyncio.sleep(0.001)
            seen.append("ticked")
            nested.quit()

        ticking = loop.create_task(tick())
        QTimer.singleShot(0, slot)
        while "left" not in seen:
            await asyncio.sleep(0.002)
        await ticking
        return seen

    assert loop.run_until_complete(main()) == ["nested", "ticked", "left"]


def test_it_runs_again_after_it_was_stopped_and_keeps_what_was_left(loop: QtLoop) -> None:
    seen: list[int] = []

    async def one(number: int) -> int:
        loop.call_soon(seen.append, number)
        return number

    assert [loop.run_until_complete(one(number)) for number in range(5)] == list(range(5))
    loop.run_until_complete(asyncio.sleep(0.01))
    assert seen == list(range(5))


def test_asynchronous_generators_are_closed(loop: QtLoop) -> None:
    closed: list[bool] = []

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            closed.append(True)

    async def main() -> None:
        async for _ in numbers():
            break
        gc.collect()
        await asyncio.sleep(0.01)

    loop.run_until_complete(main())
    loop.run_until_complete(loop.shutdown_asyncgens())
    assert closed == [True]


def test_running_twice_and_closing_while_running_are_refused(loop: QtLoop) -> None:
    async def main() -> None:
        for wrong in (loop.run_forever, loop.close):
            with pytest.raises(RuntimeError):
                wrong()

    loop.run_until_complete(main())


def _server(answer: Callable[[web.Request], object]) -> web.Application:
    app = web.Application()
    app.router.add_post("/echo", answer)
    return app


def test_three_hundred_requests_go_through_a_server_and_a_client_on_it(loop: QtLoop) -> None:
    async def echo(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        body = await request.read()
        for start in range(0, len(body), 100):
            await response.write(body[start : start + 100])
        await response.write_eof()
        return response

    async def main() -> int:
        runner = web.AppRunner(_server(echo))
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        right = 0
        async with ClientSession() as session:

            async def one(number: int) -> bool:
                body = f"{number:04d}".encode() * 100
                async with session.post(f"http://127.0.0.1:{port}/echo", data=body) as response:
                    return await response.read() == body

            for start in range(0, 300, 30):
                right += sum(await asyncio.gather(*(one(number) for number in range(start, start + 30))))
        await runner.cleanup()
        return right

    assert loop.run_until_complete(asyncio.wait_for(main(), 60)) == 300
