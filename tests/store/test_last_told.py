"""What telemetry told last: of any key or of some, by when it came and not by when it was."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.store import last_told as last_told_module
from gateway.store.thread_store import ThreadStore
from gateway.telemetry.records import LogRecord, Span
from tests.store.tellings import START_US, opened, put, told, user

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ThreadStore]:
    with opened(tmp_path) as store:
        yield store


def span(number: int, service: str = "billing", trace: str = TRACE) -> Span:
    return Span(
        trace_id=trace,
        span_id=f"{number:016x}",
        name=f"chat {number}",
        # The later it comes, the earlier it was.
        start_ns=(START_US - number) * 1000,
        end_ns=START_US * 1000,
        resource={"service.name": service},
    )


def test_nothing_was_told_yet(store: ThreadStore) -> None:
    put(store, [told(0, [user("a")], "x")])
    assert store.last_told() is None and store.last_told(["key_1"]) is None


def test_the_last_of_each_key_and_of_all(store: ThreadStore) -> None:
    store.put_spans([span(1)], scope="key_1", key="laptop")
    store.put_spans([span(2, service="unknown_service:python")], scope="key_2", key="opentelemetry")
    last, first = store.last_told(), store.last_told(["key_1", "key_9"])
    assert last is not None and first is not None
    assert (last.name, last.app, last.key_id, last.key) == ("chat 2", None, "key_2", "opentelemetry")
    assert (first.name, first.app, first.key) == ("chat 1", "billing", "laptop")
    assert last.stored_us >= first.stored_us > START_US and last.conversation_id is None
    assert store.last_told(["key_9"]) is None


def test_a_log_record_counts_too(store: ThreadStore) -> None:
    store.put_spans([span(1)], scope="key_1", key="laptop")
    record = LogRecord(event_name="api_request", resource={"service.name": "claude-code"})
    store.put_logs([record], scope="key_2", key="opentelemetry")
    last = store.last_told(["key_2"])
    assert last is not None and (last.name, last.app) == ("api_request", "claude-code")


def test_it_leads_to_the_conversation_that_its_trace_tells(store: ThreadStore) -> None:
    put(store, [told(0, [user("a")], "x", conversation="c-1")])
    store.put_spans([span(1), span(2)], scope="key_1", key="laptop")
    store.change(lambda connection, _: connection.execute("UPDATE spans SET turn = 1 WHERE span_id LIKE '%1'"))
    store.put_spans([span(3)], scope="key_1", key="laptop")
    last = store.last_told()
    assert last is not None and (last.name, last.conversation_id) == ("chat 3", "c-1")


def test_it_looks_among_the_newest_only(store: ThreadStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_told_module, "LOOKED_AT", 2)
    store.put_spans([span(1)], scope="key_1", key="laptop")
    for number in (2, 3):
        assert store.last_told(["key_1"]) is not None
        store.put_spans([span(number)], scope="key_2", key="opentelemetry")
    assert store.last_told(["key_1"]) is None
