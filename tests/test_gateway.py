"""The Gateway's own life: what keeps it from listening becomes its state, and half a start leaves nothing behind."""

import asyncio
import contextlib
import socket
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from unittest.mock import AsyncMock
from urllib.parse import urlsplit

import pytest

from app.throttle import INTERVAL_MS
from gateway import DataFolder, Export, FaregateError, Gateway, Settings, Summary, UsageQuery
from gateway.aliases import Aliases
from gateway.bell import TOLD_EVERY_S
from gateway.configuration.extra_providers import ExtraPrice, ExtraProvider
from gateway.configuration.setting_values import Keep
from gateway.configuration.settings import Retention, Telemetry
from gateway.keys.sealing import Cost
from gateway.model import Usage
from gateway.prices.pricing import Priced
from gateway.providers.models import MODELS
from gateway.reconcile import Question
from gateway.state_db import connect
from gateway.store import UsageStore
from gateway.store.asking import was_stopped
from gateway.store.writer import GROUP_S
from gateway.upkeep import POLL_S, Upkeep
from tests.store.examples import record
from tests.store.tellings import dialogue, told, user
from tests.store.test_asking import ENDLESS
from tests.waiting import PATIENCE_S, until


async def states(folder: Path, settings: Settings) -> tuple[str, str]:
    gateway = Gateway(DataFolder(folder), settings)
    await gateway.start()
    word, message = gateway.state.word, gateway.state.message
    await gateway.close()
    return word, message


async def test_what_keeps_it_from_listening_is_told_apart(tmp_path: Path) -> None:
    no_certificate = tmp_path / "plain.txt"
    no_certificate.write_text("This is no certificate.")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert await states(tmp_path, Settings(port=port)) == (
            "port_in_use",
            f"Port {port} is in use: end what uses it, or choose another port.",
        )
    elsewhere = Settings(port=0, host="192.0.2.1", insecure_remote=True)
    word, message = await states(tmp_path, elsewhere)
    assert word == "error" and message.startswith("Nothing can listen on 192.0.2.1, port 0 (")
    word, message = await states(tmp_path, Settings(port=0, tls_cert=no_certificate, tls_key=no_certificate))
    assert word == "error" and message.startswith("The certificate cannot be used (")


@pytest.mark.parametrize("name", ["usage.db", "state.db"])
async def test_a_folder_that_was_mended_starts(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"no database at all" * 100)
    gateway = Gateway(DataFolder(tmp_path), Settings(port=0, vault_backend="memory"))
    for _ in range(2):
        await gateway.start()
        assert gateway.state.word == "error" and f"{name} cannot be used" in gateway.state.message
    (tmp_path / name).unlink()
    await gateway.start()
    assert gateway.state.word == "running", gateway.state
    assert await gateway.request_count(UsageQuery()) == 0
    await gateway.create_api_key("made after all")
    await gateway.close()


async def test_a_database_that_fails_later_is_a_sentence_and_is_followed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.upkeep.POLL_S", 0.05)
    gateway = Gateway(DataFolder(tmp_path), Settings(port=0, vault_backend="memory"))
    await gateway.start()
    poll, failed = gateway._parts.access.poll, []

    def noted() -> bool:
        try:
            return poll()
        except sqlite3.Error as error:
            failed.append(str(error))
            raise

    monkeypatch.setattr(gateway._parts.access, "poll", noted)
    with closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as other:
        other.execute("ALTER TABLE api_keys RENAME TO hidden")
        with pytest.raises(FaregateError, match="cannot be used"):
            await gateway.api_keys()
        await until(lambda: failed)
        other.execute("ALTER TABLE hidden RENAME TO api_keys")
    # The task that follows other processes went on.
    with closing(connect(tmp_path / "state.db")) as other:
        other.execute(
            "INSERT INTO api_keys (id, name, prefix, sha256, role, tags, created_us)"
            " VALUES ('key_1', 'later', 'tk_abcd', 'x', 'read', '[]', 1)"
        )
    assert any(row.name == "later" for row in await gateway.api_keys())
    await until(lambda: any(live.principal.key_name == "later" for live in gateway._parts.access._live.values()))
    await gateway.close()


def test_what_happens_is_seen_within_two_seconds_and_what_another_process_changes_within_one() -> None:
    """The waits on the way of a row to the window add up to less, and so does that for another process's keys."""
    assert GROUP_S + TOLD_EVERY_S + INTERVAL_MS / 1000 < 2
    assert POLL_S < 1


async def test_the_window_is_told_of_own_providers_their_models_and_prices(tmp_path: Path) -> None:
    local = ExtraProvider(
        name="local",
        dialect="openai_chat",
        base_url="http://127.0.0.1:1/v1",
        auth="none",
        models=("llama-3", "gpt-4.1"),
        embeddings=("nomic",),
        prices={"llama-3": ExtraPrice(input=0.1, output=0.4)},
    )
    gateway = Gateway(DataFolder(tmp_path), Settings(port=0, vault_backend="memory", providers=(local,)))
    await gateway.start()
    row = (await gateway.providers())[-1]
    assert (row.name, row.title, row.dialect, row.key_source, row.masked) == (
        "local",
        "local",
        "openai_chat",
        "unneeded",
        None,
    )
    trial = await gateway.test_provider("local")
    assert not trial.ok and "Nothing answers at 127.0.0.1:1" in trial.message
    models = gateway.models()
    assert [(model.id, model.kind) for model in models[-3:]] == [
        ("nomic", "embeddings"),
        ("llama-3", "chat"),
        ("gpt-4.1", "chat"),
    ]
    # One name is one model: the user's stands for the maker's.
    assert len(models) == len(MODELS) + 2 and models[-1].provider == "local"
    llama = models[-2]
    assert (llama.input_price, llama.cached_price, llama.output_price) == (100_000_000, 100_000_000, 400_000_000)
    assert models[-1].input_price is None
    await gateway.close()


async def test_retention_is_kept_at_the_start_and_then_every_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_us, day_us = time.time_ns() // 1000, 86_400_000_000
    store = UsageStore(tmp_path)
    store.start()
    store.insert_history(record(n, started_us=now_us - n * day_us) for n in range(10))
    store.close()
    retention = Retention(requests=Keep(days=4.5))
    gateway = Gateway(DataFolder(tmp_path), Settings(port=0, vault_backend="memory", retention=retention))
    monkeypatch.setattr("gateway.upkeep.CLEAN_UP_EVERY_S", 0.05)
    await gateway.start()

    async def count() -> int:
        return await gateway.request_count(UsageQuery())

    async with asyncio.timeout(PATIENCE_S):
        while await count() != 5:
            await asyncio.sleep(0.02)
        gateway._parts.store.insert_history([record(20, started_us=now_us - 20 * day_us)])
        while (await gateway.sizes()).requests != 5 or (await gateway.summary(UsageQuery()))[0].requests != 11:
            await asyncio.sleep(0.02)
    sizes = await gateway.sizes()
    assert sizes.rows_from_us is not None and now_us - 5 * day_us < sizes.rows_from_us < now_us - 4 * day_us
    assert (await gateway.clean_up()).taken == {"requests": 0, "buckets": 0, "content": 0}
    await gateway.close()


async def test_how_much_writers_keep_of_their_databases_can_be_said(tmp_path: Path) -> None:
    gateway = Gateway(DataFolder(tmp_path), Settings(port=0, vault_backend="memory"), cache_kib=5_000)
    await gateway.start()
    store, threads = gateway._parts.store, gateway._parts.threads
    assert threads is not None
    kept = [one._connection.execute("PRAGMA cache_size").fetchone() for one in (store, threads)]
    assert kept == [(-5_000,), (-2_500,)]
    # And their readers follow them, each with its own.
    for one in (store, threads):
        with one._readers.snapshot() as connection:
            assert connection.execute("PRAGMA cache_size").fetchone() == (-2_000,)
    await gateway.close()


async def test_memory_that_was_wanted_for_a_while_is_given_up_off_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_back: list[int] = []
    monkeypatch.setattr("gateway.upkeep.POLL_S", 0.05)
    monkeypatch.setattr("gateway.upkeep.LET_GO_EVERY", 1)
    monkeypatch.setattr("gateway.upkeep.heap.give_back", lambda: given_back.append(threading.get_ident()))
    gateway = Gateway(DataFolder(tmp_path), Settings(port=0, vault_backend="memory"))
    await gateway.start()
    store, threads = gateway._parts.store, gateway._parts.threads
    assert threads is not None
    for readers in (store._readers, threads._readers):
        with readers.snapshot() as one, readers.snapshot() as other:
            assert one is not other
        # Upkeep may have asked something of its own meanwhile.
        assert len(readers._idle) >= 2
    await until(lambda: not (store._readers._idle or threads._readers._idle) and len(given_back) >= 2)
    assert threading.get_ident() not in given_back
    await gateway.close()


async def test_past_days_are_settled_soon_after_the_start_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_us, day_us = time.time_ns() // 1000, 86_400_000_000
    monkeypatch.setattr("gateway.upkeep.FIRST_SETTLE_S", 0.05)
    monkeypatch.setattr("gateway.upkeep.SETTLE_EVERY_S", 0.05)
    gateway = Gateway(DataFolder(tmp_path), Settings(port=0, vault_backend="memory"))
    await gateway.start()

    def days() -> int:
        with gateway._parts.store._readers.snapshot() as connection:
            found = connection.execute("SELECT COUNT(*) FROM settled WHERE level = 2 AND state = 0").fetchone()
        return int(found[0])

    for first, settled in ((2, 3), (40, 6)):
        gateway._parts.store.insert_history(
            record(n, id=f"r{n}", started_us=now_us - n * day_us) for n in range(first, first + 3)
        )
        await until(lambda settled=settled: days() == settled)
    assert (await gateway.summary(UsageQuery()))[0].requests == 6
    await gateway.close()


async def test_combinations_are_counted_soon_after_their_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.upkeep.COMBINE_EVERY_S", 0.02)
    gateway = Gateway(DataFolder(tmp_path), Settings(port=0, vault_backend="memory"))
    await gateway.start()

    def counted() -> int:
        with gateway._parts.store._readers.snapshot() as connection:
            found = connection.execute("SELECT SUM(requests) FROM combined WHERE level = 2").fetchone()
        return int(found[0] or 0)

    for number in range(2):
        gateway._parts.store.insert_history([record(number)])
        await until(lambda number=number: counted() == number + 1)
    await gateway.close()


async def test_a_clean_up_that_is_cancelled_ends_after_the_step_that_it_is_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.clean_up.FIRST_ENTRIES", 10)
    monkeypatch.setattr("gateway.store.clean_up.MOST_ENTRIES", 10)
    # The gateway's own, which is late on a busy machine, would take what this one left.
    monkeypatch.setattr("gateway.upkeep.Upkeep.keep_bounds", AsyncMock())
    gateway = Gateway(DataFolder(tmp_path), Settings(port=0, vault_backend="memory"))
    await gateway.open()
    assert gateway.state.word == "off", "it is open, and listens to nobody"
    gateway._parts.store.insert_history(record(number) for number in range(100))
    gateway.settings = Settings(retention=Retention(requests=Keep(days=1)))
    loop, reached, go_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    told: list[int] = []

    def progress(entries: int) -> None:
        told.append(entries)
        loop.call_soon_threadsafe(reached.set)
        go_on.wait(PATIENCE_S)

    assert not gateway.cleaning_up
    given_up = loop.create_task(gateway.clean_up(progress))
    await reached.wait()
    assert gateway.cleaning_up
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    assert not gateway.cleaning_up
    go_on.set()
    assert (await gateway.clean_up()).taken["requests"] == 90 and told == [10]
    await gateway.close()


async def test_an_export_that_is_cancelled_leaves_no_file(tmp_path: Path) -> None:
    gateway = Gateway(DataFolder(tmp_path / "data"), Settings(port=0, vault_backend="memory"))
    await gateway.open()
    gateway._parts.store.insert_history(record(number) for number in range(3000))
    loop, reached, go_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    told: list[int] = []

    def progress(rows: int, _total: int | None) -> None:
        told.append(rows)
        loop.call_soon_threadsafe(reached.set)
        go_on.wait(PATIENCE_S)

    path = tmp_path / "all.csv"
    path.write_text("an earlier one")
    given_up = loop.create_task(gateway.export_file(UsageQuery(), Export(), path, progress))
    await reached.wait()
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    go_on.set()
    await until(lambda: list(tmp_path.glob("*.part")) == [] and list(tmp_path.glob(".*.part")) == [])
    assert path.read_text() == "an earlier one" and told[-1] < 3000
    await gateway.close()


async def test_a_folder_that_cannot_be_opened_is_the_state_and_a_demo_changes_the_settings_around_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "state.db").write_bytes(b"no database at all" * 100)
    broken = Gateway(DataFolder(tmp_path), Settings(port=0, vault_backend="memory"))
    await broken.open()
    assert broken.state.word == "error" and "state.db cannot be used" in broken.state.message
    await broken.close()
    demo = Gateway(DataFolder(tmp_path).demo(), Settings(), demo=True)
    await demo.change_settings({"server.port": 4321})
    row = next(row for row in await demo.setting_rows() if row.key == "server.port")
    assert (row.value, row.saved, row.default, row.waits) == (4210, 4321, 4210, True)
    assert (tmp_path / "config.toml").read_text() == "[server]\nport = 4321\n"
    assert not (tmp_path / "demo" / "config.toml").exists()
    await demo.change_settings({"server.port": None})
    assert not any(row.waits for row in await demo.setting_rows())
    await demo.close()


async def test_a_re_pricing_that_nobody_waits_for_any_more_ends_with_nothing_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.repriced_rows.CHUNK_ROWS", 10)
    gateway = Gateway(DataFolder(tmp_path), Settings(port=0, vault_backend="memory"))
    await gateway.start()
    gateway._parts.store.insert_history(record(number) for number in range(100))
    loop, reached, go_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    done: list[int] = []

    def told(rows: int, _total: int) -> None:
        done.append(rows)
        loop.call_soon_threadsafe(reached.set)
        go_on.wait(PATIENCE_S)

    given_up = loop.create_task(gateway.apply_repricing(UsageQuery(), progress=told))
    await reached.wait()
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    go_on.set()
    applied = await gateway.apply_repricing(UsageQuery())
    assert done == [10] and await gateway.repricings() == (applied,)
    assert (applied.id, applied.changed, applied.from_nano) == (1, 100, 100_000)
    await gateway.close()


async def test_conversations_make_up_at_the_start_for_a_re_pricing_that_a_kill_left_half_done(tmp_path: Path) -> None:
    """The rows had their new costs, and what was said of them not yet."""

    def cost(gateway: Gateway) -> int | None:
        assert gateway._parts.threads is not None
        thread = gateway._parts.threads.thread("a")
        return None if thread is None else thread.turns[0].cost_nano

    gateway = Gateway(DataFolder(tmp_path), Settings(port=0, vault_backend="memory"))
    await gateway.start()
    now_us = time.time_ns() // 1000
    said = told(0, dialogue("One?"), "1.", conversation="a", started_us=now_us)
    assert gateway._parts.threads is not None and gateway._parts.threads.put(said)
    store = gateway._parts.store
    await asyncio.to_thread(store.insert_history, [record(0, id=said.request_id, started_us=now_us)])
    await until(lambda: cost(gateway) == 1000)
    await asyncio.to_thread(store.apply_repricing, UsageQuery(), lambda *_: Priced(70, "list", "other"), now_us + 1)
    assert cost(gateway) == 1000
    await gateway.close()
    gateway = Gateway(DataFolder(tmp_path), Settings(port=0, vault_backend="memory"))
    await gateway.start()
    await until(lambda: cost(gateway) == 70)
    await gateway.close()


async def test_a_re_pricing_is_not_followed_while_what_was_said_before_it_is_still_to_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It bears the price of before: told after the re-pricing was followed, it would keep that for good."""
    followed: list[object] = []

    async def nothing(_: Upkeep) -> None:
        """It would follow them itself."""

    monkeypatch.setattr(Upkeep, "keep_bounds", nothing)
    monkeypatch.setattr("gateway.operations.price_commands.follow_costs", lambda *of: followed.append(of))
    gateway = Gateway(DataFolder(tmp_path), Settings(port=0, vault_backend="memory"))
    await gateway.start()
    assert gateway._parts.threads is not None and gateway._parts.capture is not None
    follow_costs = gateway._prices.follow_costs
    for waits in (gateway._parts.capture, gateway._parts.threads):
        with monkeypatch.context() as patched:
            patched.setattr(waits, "flush", lambda *_: False)
            followed.clear()
            await follow_costs()
            assert not followed and "what was said waits to be written" in caplog.text
    await follow_costs()
    assert len(followed) == 1
    await gateway.close()


async def test_a_bill_that_nobody_waits_for_any_more_is_not_read_on_and_its_result_is_written_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.reconcile.bill._PROGRESS_LINES", 1)
    gateway = Gateway(DataFolder(tmp_path / "home"), Settings(port=0, vault_backend="memory"))
    await gateway.start()
    loop, reached, go_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    done: list[int] = []

    def told(lines: int) -> None:
        done.append(lines)
        loop.call_soon_threadsafe(reached.set)
        go_on.wait(PATIENCE_S)

    bill = b"Date,Model,Input tokens,Cost (USD)\n2026-11-03,gpt-5,5,1\n2026-11-04,gpt-5,5,2\n2026-11-05,gpt-5,5,3\n"
    assert (await gateway.bill_columns(bill)).mapping["time"] == "Date"
    with pytest.raises(FaregateError, match=r"^This is a folder: choose the files in it\.$"):
        await gateway.bill_columns(tmp_path)
    with pytest.raises(FaregateError, match=r"^The file cannot be read \(No such file or directory\): choose"):
        await gateway.reconcile([tmp_path / "gone.csv"], Question(provider="openai"))
    given_up = loop.create_task(gateway.reconcile([bill], Question(provider="openai"), told))
    await reached.wait()
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    go_on.set()
    compared = await gateway.reconcile([bill], Question(provider="openai"))
    assert done == [1] and compared.bill.cost_nano == compared.whole_nano == 6_000_000_000
    path = tmp_path / "bill.csv"
    so_far: list[tuple[int, int]] = []
    assert await gateway.export_reconciliation(compared, path, lambda *told: so_far.append(told)) == 3
    lines = path.read_text().splitlines()
    assert len(lines) == 4 and lines[1].startswith("2026-11-03,gpt-5,missing_here")
    assert so_far == [(0, 3)]
    await gateway.close()


async def test_a_query_stops_when_its_asker_leaves_the_window_or_the_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = Gateway(DataFolder(tmp_path), Settings(port=0, vault_backend="memory"))
    await gateway.start()
    began, stopped = threading.Semaphore(0), threading.Semaphore(0)

    def endless(_query: UsageQuery) -> Summary:
        try:
            with gateway._parts.store._readers.snapshot() as connection:
                began.release()
                connection.execute(ENDLESS).fetchone()
        except sqlite3.OperationalError as error:
            assert was_stopped(error)
            stopped.release()
            raise
        raise AssertionError("An endless query has ended.")

    monkeypatch.setattr(gateway._parts.store, "summary", endless)
    task = asyncio.ensure_future(gateway.summary(UsageQuery()))
    assert await asyncio.to_thread(began.acquire, timeout=PATIENCE_S)
    task.cancel()
    assert await asyncio.to_thread(stopped.acquire, timeout=PATIENCE_S)
    with pytest.raises(asyncio.CancelledError):
        await task
    key = await gateway.create_api_key("reader", role="admin")
    address = urlsplit(gateway.state.url)
    _, client = await asyncio.open_connection(address.hostname, address.port)
    client.write(
        f"GET /api/ai/v1/usage/summary HTTP/1.1\r\nHost: {address.netloc}\r\n"
        f"Authorization: Bearer {key.key}\r\n\r\n".encode()
    )
    assert await asyncio.to_thread(began.acquire, timeout=PATIENCE_S)
    client.close()
    assert await asyncio.to_thread(stopped.acquire, timeout=PATIENCE_S)
    assert await gateway.request_count(UsageQuery()) == 0
    await gateway.close()


async def test_a_second_port_in_use_is_a_notice_of_the_state(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = Settings(port=0, vault_backend="memory", telemetry=Telemetry(standard_port=port))
        gateway = Gateway(DataFolder(tmp_path), settings)
        await gateway.start()
        assert (gateway.state.word, len(gateway.state.notices)) == ("running", 1)
        assert gateway.state.notices[0].startswith(f"Port {port} is in use by process ")
        await gateway.stop()
        assert gateway.state.notices == ()
    await gateway.start()
    assert gateway.state.notices == ()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.0 404")
    writer.close()
    await gateway.close()


async def test_what_a_miss_of_the_cache_cost_is_told_in_money(tmp_path: Path) -> None:
    gateway = Gateway(DataFolder(tmp_path), Settings(port=0, vault_backend="memory"))
    await gateway.open()
    usage = Usage(input_tokens=1300, cache_write_tokens=1200, output_tokens=10)
    first = told(0, [user("one")], "1", usage=usage, conversation="a")
    second = told(
        9, dialogue("one", "1", "two"), "2", usage=Usage(input_tokens=1400), system="Other.", conversation="a"
    )
    gateway._parts.tell([first, second])
    async with asyncio.timeout(PATIENCE_S):
        while (thread := await gateway.thread("a")) is None or len(thread.turns) < 2:
            await asyncio.sleep(0.02)
    missed = thread.turns[1].cache_miss
    # Claude Sonnet's tokens cost $3.00 a million fresh, and $0.30 from the cache.
    assert missed is not None and (missed.lost_tokens, missed.cost_nano) == (1200, 1200 * 2700)
    await gateway.close()


async def test_where_any_port_will_do_the_one_that_was_taken_is_kept_while_it_is_free(tmp_path: Path) -> None:
    settings = Settings(port=0, vault_backend="memory")
    first, second = (Gateway(DataFolder(tmp_path / name), settings) for name in ("one", "two"))
    await first.start()
    url, port = first.state.url, int(first.state.url.rpartition(":")[2])
    await first.stop(0)
    await first.start()
    assert first.state.url == url
    await first.close()
    second.take_over(first)
    await second.start()
    assert second.state.url == url
    await second.stop(0)
    with closing(socket.create_server(("127.0.0.1", port))):
        await second.start()
    assert second.state.word == "running" and second.state.url != url
    await second.close()


async def test_a_port_that_was_chosen_is_nobody_elses(tmp_path: Path) -> None:
    before, after = (
        Gateway(DataFolder(tmp_path / str(port)), Settings(port=port, vault_backend="memory")) for port in (0, 4999)
    )
    before._port = 5000
    after.take_over(before)
    assert after._port == 0
    await before.close()
    await after.close()


async def _restarted(before: Gateway, settings: Settings) -> Gateway:
    """Another one on the same folder, as where settings are taken anew."""
    await before.close()
    after = Gateway(DataFolder(before.folder), settings)
    after.take_over(before)
    await after.open()
    return after


async def _key_source(gateway: Gateway) -> str:
    return next(row.key_source for row in await gateway.providers() if row.name == "openai")


async def test_a_key_that_is_kept_until_quit_outlives_a_restart_of_the_gateway(tmp_path: Path) -> None:
    settings = Settings(port=0, vault_backend="memory")
    gateway = Gateway(DataFolder(tmp_path), settings)
    await gateway.open()
    await gateway.store_provider_key("openai", "sk-canary-0123456789")
    for _ in range(2):
        gateway = await _restarted(gateway, settings)
        assert await _key_source(gateway) == "memory"
    await gateway.remove_provider_key("openai")
    gateway = await _restarted(gateway, settings)
    assert await _key_source(gateway) == "none"
    await gateway.store_provider_key("openai", "sk-canary-0123456789")
    await gateway.close()
    elsewhere = Gateway(DataFolder(tmp_path / "elsewhere"), settings)
    elsewhere.take_over(gateway)
    await elsewhere.open()
    assert await _key_source(elsewhere) == "none", "keys are a folder's own"
    await elsewhere.close()


async def test_a_passphrase_that_was_given_opens_the_file_after_a_restart_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.keys.vault.FILE_COST", Cost(n=1 << 15))
    gateway = Gateway(DataFolder(tmp_path), Settings(port=0, vault_backend="memory"))
    await gateway.open()
    await gateway.choose_vault("file", "correct horse")
    await gateway.store_provider_key("openai", "sk-canary-0123456789")
    gateway = await _restarted(gateway, Settings(port=0, vault_backend="file"))
    assert await _key_source(gateway) == "vault" and (await gateway.vault_state()).available
    await gateway.close()


@pytest.mark.parametrize("begin", ["start", "open"])
async def test_a_fault_while_it_opens_leaves_no_gateway_that_seems_to_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begin: str
) -> None:
    gateway = Gateway(DataFolder(tmp_path), Settings(port=0, vault_backend="memory"))
    with monkeypatch.context() as broken:
        broken.setattr("gateway.parts.Receiver", lambda *_arguments, **_options: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await getattr(gateway, begin)()
    assert (gateway.state.word, "its log says why" in gateway.state.message) == ("error", True)
    await gateway.start()
    assert gateway.state.word == "running"
    await gateway.close()


async def test_where_the_choice_of_a_vault_cannot_be_kept_keys_stay_where_they_are(tmp_path: Path) -> None:
    """They would go to a vault that nobody looks into after the next start."""
    (tmp_path / "config.toml").symlink_to(tmp_path / "gone" / "config.toml")
    settings = Settings(port=0, vault_backend="memory")
    gateway = Gateway(DataFolder(tmp_path), settings)
    await gateway.open()
    await gateway.store_provider_key("openai", "sk-canary-0123456789")
    with pytest.raises(FaregateError, match="cannot be written"):
        await gateway.choose_vault("file", "correct horse")
    assert (await gateway.vault_state()).backend == "memory" and await _key_source(gateway) == "memory"
    await gateway.store_provider_key("openai", "sk-canary-9876543210")
    gateway = await _restarted(gateway, settings)
    assert await _key_source(gateway) == "memory"
    await gateway.close()


async def test_a_stop_and_a_start_that_come_while_requests_are_waited_for_follow_it(tmp_path: Path) -> None:
    gateway = Gateway(DataFolder(tmp_path), Settings(port=0, vault_backend="memory"))
    await gateway.start()
    draining = gateway._parts.server
    assert draining is not None
    draining._receiving = 1
    turns = [asyncio.create_task(gateway.stop())]
    await until(lambda: gateway.state.word == "stopping")
    turns += [asyncio.create_task(gateway.stop()), asyncio.create_task(gateway.start())]
    await asyncio.sleep(0)
    draining._receiving = 0
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*turns)
    assert gateway.state.word == "running"
    async with asyncio.timeout(PATIENCE_S):
        await gateway.stop()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", int(gateway.state.url.rpartition(":")[2]))
    await gateway.close()


async def test_what_closes_it_while_it_opens_closes_all_that_was_opened(tmp_path: Path) -> None:
    gateway = Gateway(DataFolder(tmp_path), Settings(port=0, vault_backend="memory"))
    opening = asyncio.create_task(gateway.open())
    await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE_S):
        await gateway.close()
    assert opening.done() and not gateway._parts.opened
    assert all(task.done() for task in gateway._tasks)
    assert gateway.state.word == "off"


@pytest.mark.parametrize(
    ("failing", "doing"),
    [
        ("access.poll", "following keys"),
        ("keys.poll", "following provider keys"),
        ("overrides.poll", "following prices"),
        ("aliases.poll", "following aliases"),
        ("access.flush", "writing down which keys were used"),
        ("store.let_go", "giving up memory"),
        ("pricing.poll_list", "following the list of prices"),
        ("store.newest_us", "taking away what is too old"),
        ("store.combine", "counting combinations"),
        ("store.settle", "counting past days ahead"),
    ],
)
async def test_upkeep_goes_on_after_a_fault_which_is_told(
    failing: str, doing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("POLL_S", "CLEAN_UP_EVERY_S", "COMBINE_EVERY_S", "SETTLE_EVERY_S", "FIRST_SETTLE_S"):
        monkeypatch.setattr(f"gateway.upkeep.{name}", 0.02)
    for name in ("FLUSH_EVERY", "LET_GO_EVERY"):
        monkeypatch.setattr(f"gateway.upkeep.{name}", 1)
    gateway = Gateway(DataFolder(tmp_path), Settings(port=0, vault_backend="memory"))
    await gateway.start()
    part, name = failing.split(".")
    faults: list[object] = []

    def fault(*arguments: object) -> None:
        faults.append(arguments)
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr(getattr(gateway._parts, part), name, fault)
        await until(lambda: len(faults) > 3)
        assert gateway.state.notices == (
            f"The gateway failed inside at {doing}: its log says why, and it is tried again.",
        )
        given = [f"{record.exc_info and record.exc_info[0]} {record.message}" for record in caplog.records]
        assert given == [f"{ZeroDivisionError} The gateway failed inside at {doing}; it is tried again"]
        # What it does besides it does.
        with closing(Aliases(gateway._parts.folder)) as other:
            other.put("fast", "gpt-4.1-mini")
        if part != "aliases":
            await until(lambda: "fast" in gateway.aliases())
    await until(lambda: not gateway.state.notices)
    await gateway.close()


async def test_a_fault_behind_its_listening_leaves_nothing_that_listens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tools would still be answered while it is told to have failed, and the next start find its port taken."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    gateway = Gateway(DataFolder(tmp_path), Settings(port=port, vault_backend="memory"))
    await gateway.open()
    for fault in (ZeroDivisionError(), FaregateError("Told."), OSError(5, "Told"), asyncio.CancelledError()):
        with monkeypatch.context() as broken:
            broken.setattr(gateway._parts.receiver, "listen", AsyncMock(side_effect=fault))
            with contextlib.suppress(ZeroDivisionError, asyncio.CancelledError):
                await gateway.start()
        assert gateway.state.word in ("error", "off")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port)).close()
    await gateway.start()
    assert gateway.state.word == "running", gateway.state
    await gateway.close()
