"""What the host does with a person's settings: restarting on new ones, starting switched off, closing, telling."""

import asyncio
import time
from pathlib import Path

import msgspec
import pytest
from PySide6.QtWidgets import QMessageBox

from app.host import Host
from gateway import Changes, Completeness, DataFolder, Difference
from tests.app.fake_gateway import FakeGateway
from tests.app.test_host import Stage, notice, press, stage, started
from tests.waiting import until

__all__ = ["stage"]


def prefer(folder: Path, name: str, value: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "window.ini").write_text(f"[preferences]\n{name}={value}\n")


def texts(host: Host) -> tuple[str, ...]:
    return host.window.toasts.texts


def drain_until(over: asyncio.Event, gateway: FakeGateway) -> None:
    """Its running requests last so long."""
    stop = gateway.stop

    async def slow(drain_s: float = 10.0) -> None:
        gateway._set_word("stopping")
        await over.wait()
        await stop(drain_s)

    gateway.stop = slow  # type: ignore[method-assign]


def test_a_restart_takes_the_settings_as_they_are_saved_and_opens_the_same_page(stage: Stage) -> None:
    async def drive(host: Host) -> None:
        await started(host)
        host.window.open_page("providers")
        (stage.folder / "config.toml").write_text("[server]\nport = 4321\n")
        old = stage.gateways[0]

        def moved(gateway: FakeGateway) -> None:
            gateway.state = msgspec.structs.replace(gateway.state, url=gateway.settings.url)  # type: ignore[attr-defined]

        stage.change = moved
        host.shell.restart_asked.emit()
        await until(lambda: len(stage.gateways) == 2 and host.window.page is not None)
        assert [call for call in old.calls if call in ("stop", "close")] == ["stop", "close"]
        new = stage.gateways[1]
        assert new.settings.port == 4321  # type: ignore[attr-defined]
        assert host.window.header.title.text() == "Providers"
        await until(lambda: bool(texts(host)))
        assert texts(host) == ("The gateway is at http://127.0.0.1:4321 now: point tools there.",)
        assert host.window.sidebar.card.endpoint.text() == "127.0.0.1:4321"
        holder = DataFolder(stage.folder).holder()
        assert holder is not None and holder.url == "http://127.0.0.1:4321"
        host.shell.restart_asked.emit()
        await until(lambda: len(texts(host)) == 2)
        assert texts(host)[1] == "The gateway runs with its new settings."

    assert stage.run(drive) == 0


def test_a_restart_that_is_asked_for_twice_leaves_one_gateway(stage: Stage) -> None:
    """Running requests are waited for, and whoever pressed meanwhile had a gateway beside the one of the window."""
    over = asyncio.Event()

    async def drive(host: Host) -> None:
        await started(host)
        drain_until(over, stage.gateways[0])
        host.shell.restart_asked.emit()
        host.shell.restart_asked.emit()
        await until(lambda: not host.window._ready)
        over.set()
        await until(lambda: len(stage.gateways) == 3 and host.window.page is not None)
        assert ["close" in gateway.calls for gateway in stage.gateways] == [True, True, False]
        assert host._gateway is stage.gateways[2]

    assert stage.run(drive) == 0


def test_while_a_restart_waits_for_requests_the_gateway_is_not_said_to_run_and_cannot_be_switched(
    stage: Stage,
) -> None:
    over = asyncio.Event()

    async def drive(host: Host) -> None:
        told: list[str] = []
        host._alerts._deliver = lambda title, text: told.append(title)
        await started(host)
        drain_until(over, stage.gateways[0])
        host.shell.restart_asked.emit()
        card = host.window.sidebar.card
        await until(lambda: card.word.text() == "Stopping")
        assert not card.switch.isEnabled() and not host.tray.gateway_action.isEnabled()
        over.set()
        await until(lambda: card.word.text() == "Running")
        assert card.switch.isEnabled() and host.tray.gateway_action.isEnabled()
        assert told == []

    assert stage.run(drive) == 0


def test_a_restart_asks_where_it_would_lose_requests(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the disk had refused went with the gateway, and the window said that all was well."""
    difference = Difference(kind="memory_only", count=1, of="kept", attention=True, meaning="Make room.")

    async def drive(host: Host) -> None:
        await started(host)
        with monkeypatch.context() as full:
            full.setattr(FakeGateway, "completeness", lambda _: Completeness(seen=1, differences=(difference,)))
            for answer in ("Keep running", "Restart"):
                host.shell.restart_asked.emit()
                host.shell.restart_asked.emit()
                (question,) = host.window.findChildren(QMessageBox, "question.restart")
                assert question.text() == "Restart and lose a request?"
                assert len(stage.gateways) == 1 and "close" not in stage.gateways[0].calls
                next(button for button in question.buttons() if button.text() == answer).click()
                await until(lambda: not host.window.findChildren(QMessageBox, "question.restart"))
        await until(lambda: len(stage.gateways) == 2 and host.window.page is not None)

    assert stage.run(drive) == 0


def test_going_to_the_demo_asks_where_it_would_lose_requests(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    difference = Difference(kind="memory_only", count=2, of="kept", attention=True, meaning="Make room.")

    async def drive(host: Host) -> None:
        await started(host)
        with monkeypatch.context() as full:
            full.setattr(FakeGateway, "completeness", lambda _: Completeness(seen=2, differences=(difference,)))
            host.shell.demo_asked.emit()
            (question,) = host.window.findChildren(QMessageBox, "question.demo")
            assert question.text() == "Go to the demo and lose 2 requests?"
            assert len(stage.gateways) == 1 and "close" not in stage.gateways[0].calls
            next(button for button in question.buttons() if button.text() == "Go to the demo").click()
        await until(lambda: len(stage.gateways) == 2 and host.window.page is not None)
        assert "close" in stage.gateways[0].calls and stage.gateways[1].demo

    assert stage.run(drive) == 0


def test_a_switch_while_a_gateway_gives_way_is_not_of_that_one(stage: Stage) -> None:
    """It was started again while it closed: it had the port, which the one of the window found in use."""
    begun, over = asyncio.Event(), asyncio.Event()

    async def drive(host: Host) -> None:
        await started(host)
        (old,) = stage.gateways
        host.window.toggle_gateway()
        await until(lambda: host.window.sidebar.card.word.text() == "Off")
        close = old.close

        async def slow() -> None:
            begun.set()
            await over.wait()
            await close()

        old.close = slow  # type: ignore[method-assign]
        host.shell.restart_asked.emit()
        await begun.wait()
        host.tray.gateway_switched.emit(True)
        await asyncio.sleep(0)
        over.set()
        await until(lambda: len(stage.gateways) == 2 and host.window.sidebar.card.word.text() == "Running")
        assert old.calls.count("start") == 1 and host._gateway is stage.gateways[1]

    assert stage.run(drive) == 0


def test_who_quits_while_a_restart_waits_leaves_no_gateway_open(stage: Stage) -> None:
    over = asyncio.Event()

    async def drive(host: Host) -> None:
        await started(host)

        async def never() -> None:
            await asyncio.Event().wait()

        drain_until(over, stage.gateways[0])
        stage.change = lambda gateway: setattr(gateway, "start", never)
        host.shell.restart_asked.emit()
        await until(lambda: not host.window._ready)
        host.quit()
        over.set()

    assert stage.run(drive) == 0
    assert all("close" in gateway.calls for gateway in stage.gateways)


def test_settings_that_cannot_be_started_with_leave_the_gateway_as_it_is(stage: Stage) -> None:
    async def drive(host: Host) -> None:
        await started(host)
        (stage.folder / "config.toml").write_text("[server]\nport = 'x'\n")
        host.shell.restart_asked.emit()
        await until(lambda: bool(texts(host)))
        assert texts(host) == ("config.toml: server.port must be a port number from 0 to 65535.",)
        assert (len(stage.gateways), stage.gateways[0].state.word) == (1, "running")

    assert stage.run(drive) == 0


def test_a_gateway_may_start_switched_off_and_answers_questions_all_the_same(stage: Stage) -> None:
    prefer(stage.folder, "gateway_at_start", "off")
    stage.change = lambda gateway: gateway._set_word("off")

    async def drive(host: Host) -> None:
        told: list[str] = []
        host._alerts._deliver = lambda title, text: told.append(title)
        await started(host)
        assert [call for call in stage.gateways[0].calls if call in ("open", "start")] == ["open"]
        assert host.window.sidebar.card.word.text() == "Off"
        assert host.window.page is not None
        assert told == [], "a person chose it"
        press(notice(host, "state"))
        await until(lambda: host.window.sidebar.card.word.text() == "Running")

    assert stage.run(drive) == 0


def test_what_runs_otherwise_than_it_was_meant_to_is_told(stage: Stage) -> None:
    async def drive(host: Host) -> None:
        await started(host)
        gateway = stage.gateways[0]
        told = ("Port 4318 is in use.", "The collector speaks gRPC.")
        gateway.state = msgspec.structs.replace(gateway.state, notices=told)
        gateway.changed(Changes(state=True))
        assert notice(host, "otherwise").text() == "Port 4318 is in use. The collector speaks gRPC."
        gateway.state = msgspec.structs.replace(gateway.state, notices=())
        gateway.changed(Changes(state=True))
        assert host.window.notices.banner("otherwise") is None

    assert stage.run(drive) == 0


def test_closing_quits_where_a_person_chose_so(stage: Stage) -> None:
    prefer(stage.folder, "close_to_tray", "off")

    async def drive(host: Host) -> None:
        await started(host)
        host.window.close()
        await until(lambda: "close" in stage.gateways[0].calls)

    assert stage.run(drive) == 0


def test_what_stops_the_gateway_and_keys_that_fail_are_told_and_what_a_person_does_is_not(stage: Stage) -> None:
    told: list[str] = []

    async def drive(host: Host) -> None:
        host._alerts._deliver = lambda title, text: told.append(title)
        await started(host)
        gateway = stage.gateways[0]
        host.window.toggle_gateway()
        await until(lambda: host.window.sidebar.card.word.text() == "Off")
        press(notice(host, "state"))
        await until(lambda: host.window.sidebar.card.word.text() == "Running")
        assert told == []
        gateway.provider_list = [msgspec.structs.replace(row, state="connected") for row in gateway.provider_list]
        at_us = time.time_ns() // 1000
        gateway._change_provider("openai", state="rejected", state_at_us=at_us, detail="401", key_source="vault")
        await until(lambda: bool(told))
        gateway._set_word("error", "The disk is full.")
        await asyncio.sleep(0)
        gateway.changed(Changes(state=True))
        assert [title.split()[-1] for title in told] == ["key", "run"]

    assert stage.run(drive) == 0
    assert len(told) == 2, "quitting is no news"


@pytest.mark.parametrize("held", [False, True])
def test_what_an_earlier_demo_left_is_deleted_unless_someone_works_in_it(stage: Stage, held: bool) -> None:
    async def drive(host: Host) -> None:
        await started(host)
        demo = DataFolder(stage.folder).demo()
        (demo.path / "usage.db").write_text("rows")
        lock = demo.lock("http://127.0.0.1:4999") if held else None
        host.shell.delete_demo_asked.emit()
        await until(lambda: bool(texts(host)))
        assert demo.path.exists() is held
        if lock is not None:
            assert "Faregate already runs on" in texts(host)[0]
            lock.release()
        else:
            assert texts(host) == ("The demo's example data is deleted.",)

    assert stage.run(drive) == 0


def test_leaving_the_demo_is_offered_from_the_settings_and_is_no_alarm(stage: Stage) -> None:
    told: list[str] = []

    async def drive(host: Host) -> None:
        host._alerts._deliver = lambda title, text: told.append(title)
        await started(host)
        host.shell.leave_demo_asked.emit()
        question = host.window.findChild(object, "question.leave_demo")
        assert question is not None
        next(button for button in question.buttons() if button.text() == "Leave demo").click()  # type: ignore[attr-defined]
        await until(lambda: len(stage.gateways) == 2 and host.window.page is not None)

    assert stage.run(drive, demo=True) == 0
    assert told == []
