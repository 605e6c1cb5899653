"""Who has had an answer finds what was said, and what is deleted then does not come back, though it waits in a group."""

import asyncio
from collections.abc import Coroutine, Iterator
from pathlib import Path
from time import sleep
from typing import Any, TypeVar

import pytest

from gateway import Deletion
from gateway.capture import capture
from gateway.errors import Unusable
from gateway.store import thread_store
from tests.endtoend.inside import Inside
from tests.endtoend.serving import upstreams
from tests.provider.client import ProviderProcess
from tests.waiting import PATIENCE_S, wait_until

_T = TypeVar("_T")
ALL = Deletion(end_us=2**53)


@pytest.fixture
def inside(provider: ProviderProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Inside]:
    monkeypatch.setattr(capture, "GROUP_S", 60.0)
    monkeypatch.setattr(thread_store, "GROUP_S", 60.0)
    with Inside(tmp_path / "home", **upstreams(provider.base_urls)) as gateway:
        threads = gateway.gateway._parts.threads
        assert threads is not None
        gateway.capture._threads = threads
        yield gateway


def result(inside: Inside, work: Coroutine[Any, Any, _T]) -> _T:
    return asyncio.run_coroutine_threadsafe(work, inside._loop).result(PATIENCE_S)


def asked(inside: Inside) -> str:
    """The id of a request that has just been answered."""
    reply = inside.chat("Hi.", headers={"x-conversation-id": "just"})
    assert reply.status == 200
    # A moment after its last byte.
    wait_until(lambda: not inside.gateway._parts.arrivals.running)
    return reply.id


def test_the_turn_of_a_request_is_found(inside: Inside) -> None:
    assert result(inside, inside.gateway.thread_of_request(asked(inside))) is not None
    assert result(inside, inside.gateway.thread_of_request("req_none")) is None


def test_the_headers_of_a_request_are_found(inside: Inside) -> None:
    assert result(inside, inside.gateway.headers_of_request(asked(inside))).groups


def test_days_that_are_deleted_are_without_it(inside: Inside) -> None:
    request_id = asked(inside)
    assert result(inside, inside.gateway.delete_range(ALL)).taken["content"] == 1
    assert result(inside, inside.gateway.thread_of_request(request_id)) is None


def test_a_conversation_that_is_deleted_is_gone_with_its_last_turn(inside: Inside) -> None:
    first = asked(inside)
    assert result(inside, inside.gateway.thread_of_request(first)) == ("just", 0)
    last = asked(inside)
    assert result(inside, inside.gateway.delete_thread("just"))
    assert [result(inside, inside.gateway.thread_of_request(id)) for id in (first, last)] == [None, None]


def test_nothing_is_deleted_while_what_was_said_cannot_be_stored(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would come back after the deletion said that it is gone."""
    request_id = asked(inside)
    assert result(inside, inside.gateway.thread_of_request(request_id)) is not None
    with monkeypatch.context() as patched:
        patched.setattr(inside.capture, "flush", lambda *_: False)
        for deletion in (inside.gateway.delete_range(ALL), inside.gateway.delete_thread("just")):
            with pytest.raises(Unusable, match="still being stored: try again"):
                result(inside, deletion)
    assert result(inside, inside.gateway.thread_of_request(request_id)) is not None


def test_who_waited_before_hurries_nobody_later(inside: Inside) -> None:
    """More comes at nearly the same time, and is told together."""
    assert inside.capture.flush()
    asked(inside)
    sleep(0.1)
    assert len(inside.capture._queue) == 1
