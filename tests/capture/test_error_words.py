"""The words of an error may repeat what was said: a row has of them what may be kept, before they are on the disk."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.capture.capture import Capture
from gateway.capture.pause import Pause
from gateway.capture.redactor import SHORT_CHARACTERS, Redactor
from gateway.capture.rules import chosen
from gateway.capture.switches import Switches
from gateway.configuration.redact_rules import RedactRule
from gateway.dialects import anthropic, gemini, openai_chat, openai_responses
from gateway.dialects.dialect import Dialect
from gateway.events import StreamError
from gateway.relaying.upstream import unreachable
from tests.capture.test_capture import WHY, FakeThreads
from tests.endtoend.inside import Inside
from tests.endtoend.scripted import Scripted, Sent, answer
from tests.endtoend.serving import MODELS, PROVIDERS, upstreams
from tests.relaying.test_relay import TEXT, FakeKeys, Run, json_answer, sse
from tests.waiting import wait_until

COMPARE = "/api/ai/v1/compare"
EMAIL = Redactor(chosen(("email",), ()))
PIN = RedactRule(name="pin", pattern=r"pin \d+", replacement="[pin]")


def refused(words: str) -> tuple[int, list[bytes], dict[str, str]]:
    status, pieces, headers = json_answer({"error": {"message": words}}, 400)
    return status, pieces, dict(headers)


async def row_and_told(
    words: str, switches: Switches, redactor: Redactor, pause: Pause | None = None
) -> tuple[str | None, str | None]:
    threads = FakeThreads()
    capture = Capture(threads, switches, redactor, pause=pause)
    try:
        row = await Run(refused(words), listener=capture).go()
        assert capture.flush(60) and (row.error_type, row.status) == ("bad_request", 400)
        return row.error_message, threads.told[-1].error_message
    finally:
        capture.close()


@pytest.mark.parametrize("switches", [switches for switches, _ in WHY.values()], ids=WHY)
async def test_where_content_is_not_kept_the_row_has_the_kind_alone(switches: Switches) -> None:
    assert await row_and_told("You said Hi.", switches, EMAIL) == (None, None)


async def test_in_a_pause_too() -> None:
    pause = Pause()
    pause.begin(15)
    assert await row_and_told("You said Hi.", Switches(), EMAIL, pause) == (None, None)


async def test_rules_take_out_of_the_row_what_they_take_out_of_the_turn() -> None:
    kept = "[redacted: email] is not allowed."
    assert await row_and_told("ana@example.com is not allowed.", Switches(), EMAIL) == (kept, kept)


async def test_own_rules_do_not_hold_up_the_answer_and_the_turn_has_what_they_leave() -> None:
    assert await row_and_told("Your pin 1234?", Switches(), Redactor((), [PIN])) == (None, "Your [pin]?")


OWN = {
    "no key": (None, "No key for OpenAI is stored"),
    "unreachable": (unreachable("OpenAI", ConnectionRefusedError()), "OpenAI cannot be reached"),
    "slow to connect": (unreachable("OpenAI", TimeoutError()), "OpenAI did not accept a connection in time"),
    "redirect": ((302, [], {}), "OpenAI answered with a redirect (302)"),
    "web page": ((200, [], {"content-type": "text/html"}), "OpenAI answered with a web page"),
    "cancelled": ((200, [asyncio.CancelledError()], {}), "The client closed the connection"),
}


@pytest.mark.parametrize(("answer", "words"), OWN.values(), ids=OWN)
async def test_the_gateway_s_own_words_quote_nothing_and_are_kept_though_content_is_not(
    monkeypatch: pytest.MonkeyPatch, answer: Any, words: str
) -> None:
    if answer is None:
        monkeypatch.setattr(FakeKeys, "key_for", lambda self, name: None)
    threads = FakeThreads()
    capture = Capture(threads, Switches(content=False), Redactor((), [PIN]))
    run = Run(answer, listener=capture)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await run.go()
        assert run.row.error_message is not None and run.row.error_message.startswith(words)
        assert capture.flush(60) and threads.told[-1].error_message == run.row.error_message
    finally:
        capture.close()


async def test_a_refusal_of_the_request_may_quote_it() -> None:
    capture = Capture(FakeThreads(), Switches(content=False), EMAIL)
    run = Run(None, listener=capture)
    try:
        row = await run.go(b'{"model": "secret-word", "messages": []}')
        assert b"secret-word" in run.client.body and (row.error_type, row.error_message) == ("not_found", None)
    finally:
        capture.close()


def test_words_too_long_to_look_through_at_once_are_not_kept() -> None:
    short = EMAIL.at_once()
    assert short is not None
    found = short.through(lambda clean: clean("Hi @ " * SHORT_CHARACTERS))
    assert found == f"[redaction took too long: {5 * SHORT_CHARACTERS} characters are not kept]"


def quotes(sent: Sent, send: Callable[[bytes], None]) -> None:
    (message,) = json.loads(sent.body)["messages"]
    words = f"Not allowed: {message['content']}"
    send(answer(json.dumps({"error": {"message": words}}).encode(), status="400 Bad Request"))


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Inside]:
    config = """
[capture]
keys_off = ["payroll"]
[[capture.redact]]
name = "pin"
pattern = 'canary \\d+'
"""
    with Scripted(quotes) as provider:
        made = Inside(tmp_path / "home", config, **upstreams(dict.fromkeys(PROVIDERS, provider.url)))
        with made:
            yield made


def words(gateway: Inside, *ids: str) -> list[str | None]:
    rows = [gateway.gateway._parts.store.request(id) for id in ids]
    return [row.error_message if row is not None else "not written" for row in rows]


def test_nothing_of_it_is_on_the_disk_and_who_asked_reads_it_all(gateway: Inside) -> None:
    said = "my canary 4711"
    payroll, other = (gateway.key(name=name) for name in ("payroll", "other"))
    replies = [gateway.chat(said, key=key) for key in (payroll, other)]
    whole = f"Not allowed: {said}"
    assert [reply.error["message"] for reply in replies] == [whole, whole]
    request = {"messages": [{"role": "user", "content": said}]}
    compared = gateway.ask("POST", COMPARE, {"models": [MODELS["openai"]] * 2, "request": request}, key=payroll)
    answers = compared.json["data"]
    assert [each["error"]["message"] for each in answers] == [whole, whole]
    ids = [*(reply.id for reply in replies), *(each["request_id"] for each in answers)]
    wait_until(lambda: words(gateway, *ids) == [None, "Not allowed: my [redacted: pin]", None, None])
    files = [path for path in gateway.folder.rglob("*") if path.is_file()]
    assert any(path.name == "usage.db-wal" for path in files)
    assert not [path for path in files if b"canary 4711" in path.read_bytes()]


class Opened(Run):
    """A run that asked for a stream."""

    async def kept(self) -> tuple[str | None, str | None]:
        row = await self.go(b'{"model": "gpt-4.1-mini", "messages": [], "stream": true}')
        return row.error_type, row.error_message


BROKEN = {
    "cut": (sse(TEXT), "connection_lost", "The provider broke off its answer before the end"),
    "cut before it began": (sse(), "connection_lost", "The provider broke off its answer before the end"),
    "unreadable": (sse(TEXT, "{nonsense"), "unreadable_answer", "The provider's answer could not be read"),
    "refused unread": ((500, [b"<html>"], {}), "unreadable_answer", "The provider's answer could not be read"),
    "failed unsaid": (
        sse(TEXT, {"id": "c1", "choices": [{"index": 0, "delta": {}, "finish_reason": "error"}]}),
        "provider_error",
        "The provider failed in the middle of its answer",
    ),
}


@pytest.mark.parametrize(("answer", "kind", "words"), BROKEN.values(), ids=BROKEN)
async def test_what_the_gateway_says_of_a_broken_stream_is_kept_though_content_is_not(
    answer: Any, kind: str, words: str
) -> None:
    capture = Capture(FakeThreads(), Switches(content=False), EMAIL)
    try:
        found, kept = await Opened(answer, listener=capture).kept()
        assert found == kind and kept is not None and kept.startswith(words)
    finally:
        capture.close()


async def test_what_a_provider_says_in_its_stream_is_not() -> None:
    capture = Capture(FakeThreads(), Switches(content=False), EMAIL)
    try:
        said = sse(TEXT, {"error": {"message": "You said Hi.", "type": "server_error"}})
        assert await Opened(said, listener=capture).kept() == ("provider_error", None)
    finally:
        capture.close()


READERS = {
    "openai_chat": (openai_chat.DIALECT, b'data: {"error": {"message": "You said Hi."}}\n\n'),
    "openai_responses": (
        openai_responses.DIALECT,
        b'event: error\ndata: {"type": "error", "code": "x", "message": "You said Hi."}\n\n',
    ),
    "anthropic": (
        anthropic.DIALECT,
        b'event: error\ndata: {"type": "error", "error": {"type": "api_error", "message": "You said Hi."}}\n\n',
    ),
    "gemini": (gemini.DIALECT, b'data: {"error": {"code": 500, "message": "You said Hi."}}\n\n'),
}


@pytest.mark.parametrize(("dialect", "said"), READERS.values(), ids=READERS)
def test_each_reader_tells_its_own_sentence_from_the_provider_s(dialect: Dialect, said: bytes) -> None:
    def whose(*data: bytes) -> list[tuple[str, bool]]:
        reader = dialect.reader()
        events = [event for piece in data for event in reader.feed(piece)] + reader.close()
        return [(event.kind, event.own_words) for event in events if isinstance(event, StreamError)]

    assert whose() == [("connection_lost", True)]
    assert whose(b"data: {nonsense\n\n") == [("unreadable_answer", True)]
    assert [own for _, own in whose(said)] == [False]
