"""What is kept comes back as it was told: odd spellings of large files, and traces of which only records told."""

from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.model import Blob, Message, Role
from gateway.store.content import APART_BYTES
from gateway.store.thread_store import ThreadStore
from tests.store.tellings import all_threads, opened, put, told, user

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ThreadStore]:
    with opened(tmp_path) as store:
        yield store


@pytest.mark.parametrize("end", ["QQ==", "QR==", "QUI=", "QUJ=", "no base64"])
def test_a_large_file_has_its_own_spelling_again(store: ThreadStore, end: str) -> None:
    data = "QUJD" * (APART_BYTES // 4 + 1) + end
    put(store, [told(0, [Message(Role.USER, (Blob("image/png", data),))], "a picture")])
    (thread,) = all_threads(store)
    (blob,) = thread.messages[0].parts
    assert isinstance(blob, Blob) and blob.data == data
    if end in ("QR==", "QUJ="):
        # Another spelling of the same bytes.
        assert b64decode(end) in (b"A", b"AB")


def test_a_call_that_only_records_tell_is_no_span_of_its_trace(store: ThreadStore) -> None:
    put(store, [told(0, [user("q")], "a", source="log", request_id=None, identity="log 1", trace_id=TRACE)])
    assert store.trace(TRACE) is None
    put(store, [told(1, [user("p")], "b", trace_id=TRACE, span_id="b7ad6b7169203331")])
    trace = store.trace(TRACE)
    assert trace is not None and [span.source for span in trace.spans] == ["gateway"]
