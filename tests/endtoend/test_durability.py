"""Nothing recorded is lost: `kill -9` at ten random moments under load, and an orderly end that lets requests finish."""

import csv
import http.client
import io
import json
import random
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from gateway.commands.serve import DRAIN_S
from tests.endtoend.serving import CHAT, Served, opened, upstreams
from tests.provider.client import ProviderProcess
from tests.soak.rounds import Totals, faults, run_round
from tests.waiting import PATIENCE_S, wait_until

KILLS, REQUESTS = 10, 60


@pytest.mark.timeout(240)
def test_litellm_35531_kill_at_random_moments(provider: ProviderProcess, tmp_path: Path) -> None:
    with ProviderProcess(tmp_path / "ledger.jsonl", seed=9) as witness:
        gateway = Served(tmp_path / "home", **upstreams(witness.base_urls))
        gateway.key()
        rng, totals = random.Random(11), Totals()
        for _ in range(KILLS):
            after, found = run_round(gateway, witness, rng, totals, REQUESTS)
            assert found == [], f"before the kill after {after} answers"
        with gateway:
            assert faults(gateway, witness, totals) == []
            outcomes = {row.outcome for row in gateway.records()}
            assert gateway.stop() == 0
        # The moments were such that some answers came and some did not.
        assert 0 < len(totals.received) < KILLS * REQUESTS and {"ok", "interrupted"} <= outcomes
        assert list((gateway.folder / "journal").iterdir()) == []


def asking(gateway: Served, text: str, results: list[Any]) -> threading.Thread:
    def ask() -> None:
        try:
            results.append(gateway.chat(text, "claude-sonnet-4-6", stream=True))
        except (OSError, http.client.HTTPException) as error:
            results.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    return thread


@pytest.fixture
def own(provider: ProviderProcess, tmp_path: Path) -> Any:
    gateway = Served(tmp_path / "home", **upstreams(provider.base_urls))
    gateway.key()
    with gateway:
        yield gateway


def test_sigterm_lets_running_requests_finish_and_takes_no_more(own: Served, provider: ProviderProcess) -> None:
    results: list[Any] = []
    thread = asking(own, "Slowly. [[slow:150]]", results)
    # A second client holds a connection open, and would go on asking over it.
    with socket.create_connection(own.address, timeout=PATIENCE_S) as kept:
        kept.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b'"status"' in kept.recv(1000)
        wait_until(lambda: provider.open() == 1)
        own.process.send_signal(signal.SIGTERM)
        assert kept.recv(1000) == b""
        wait_until(lambda: not listens(own.address))
        assert own.process.poll() is None
        thread.join(PATIENCE_S)
    assert own._ended() == 0
    (reply,) = results
    assert reply.status == 200 and reply.body.endswith(b"data: [DONE]\n\n")
    (row,) = own.records()
    assert (row.id, row.outcome, row.usage_source) == (reply.id, "ok", "provider")
    with opened(own.folder) as store:
        assert store.check() == []


def listens(address: tuple[str, int]) -> bool:
    with socket.socket() as probe:
        probe.settimeout(PATIENCE_S)
        return probe.connect_ex(address) == 0


def test_a_second_sigterm_waits_for_nobody_and_the_row_says_so(own: Served, provider: ProviderProcess) -> None:
    results: list[Any] = []
    thread = asking(own, "For ever. [[stall]]", results)
    wait_until(lambda: provider.open() == 1)
    own.process.send_signal(signal.SIGTERM)
    wait_until(lambda: not listens(own.address))
    began = time.monotonic()
    assert own.stop() == 0
    assert time.monotonic() - began < DRAIN_S, "a first one waits so long for what runs"
    thread.join(PATIENCE_S)
    provider.wait_idle()
    (row,) = own.records()
    assert (row.outcome, row.error_type, row.streamed) == ("interrupted", "interrupted", True)
    assert row.error_message == "The gateway stopped before this request had its answer."
    assert row.usage_source == "partial" and row.input_tokens == provider.ledger()[-1]["input"]


def test_what_was_running_at_a_kill_is_an_interrupted_row(own: Served, provider: ProviderProcess) -> None:
    own.chat("Before.")
    results: list[Any] = []
    thread = asking(own, "Cut off. [[stall]]", results)
    wait_until(lambda: provider.open() == 1)
    own.kill()
    thread.join(10)
    own.start()
    rows = own.records()
    assert [row.outcome for row in rows] == ["interrupted", "ok"]
    assert (rows[0].model, rows[0].cost_nano, rows[0].usage_source) == ("claude-sonnet-4-6", None, "none")
    own.kill()
    own.start()
    assert own.records() == rows
    summary = own.ask("GET", "/api/ai/v1/usage/summary", key=own.key()).json
    assert (summary["requests"], summary["errors"], summary["unpriced_requests"]) == (2, 1, 1)
    # What it used is unknown, which is no zero.
    usage, cut_off = "/api/ai/v1/usage", "outcome=interrupted"
    (model,) = own.get(f"{usage}/breakdown?by=model&{cut_off}")["data"]
    assert (model["value"], model["cost_usd"], model["unpriced_requests"]) == ("claude-sonnet-4-6", None, 1)
    exported = own.ask("GET", f"{usage}/export.csv?what=breakdown&by=model&{cut_off}", key=own.key()).body.decode()
    (line,) = csv.DictReader(io.StringIO(exported.removeprefix("\ufeff")))
    assert (line["value"], line["cost_usd"], line["unpriced_requests"]) == ("claude-sonnet-4-6", "", "1")


def test_cc_switch_805_totals_stand_over_a_restart(own: Served) -> None:
    for n in range(5):
        own.ask("POST", CHAT, {"model": "grok-4.3", "messages": [{"role": "user", "content": str(n)}]}, key=own.key())
    own.settle()
    before = own.ask("GET", "/api/ai/v1/usage/summary", key=own.key()).json
    assert own.stop() == 0
    own.start()
    after = own.ask("GET", "/api/ai/v1/usage/summary", key=own.key()).json
    assert json.dumps({**before, "completeness": 0}) == json.dumps({**after, "completeness": 0})
    assert after["completeness"] == {"seen": 0, "written": 0, "priced": 0, "open": 0, "differences": []}
