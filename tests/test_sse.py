"""Server-sent events: every way of cutting and writing the same stream gives the same events."""

import itertools
import json
import random
import time

import pytest

from gateway.sse import Decoder, ServerSentEvent, WholeEvents, encode


def decode(chunks: list[bytes]) -> list[tuple[str | None, bytes]]:
    decoder = Decoder()
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return [(event.event, event.data) for event in events + decoder.close()]


TABLE = [
    pytest.param(b"data: a\n\n", [(None, b"a")], id="plain"),
    pytest.param(b"data:a\n\n", [(None, b"a")], id="no space"),
    pytest.param(b"data:  a\n\n", [(None, b" a")], id="only one space is the separator"),
    pytest.param(b"data: a\r\n\r\n", [(None, b"a")], id="CRLF"),
    pytest.param(b"data: a\r\rdata: b\r\r", [(None, b"a"), (None, b"b")], id="CR"),
    pytest.param(
        b"event: x\ndata: a\n\ndata: b\n\n", [("x", b"a"), (None, b"b")], id="event name holds for one event"
    ),
    pytest.param(b"event: x\n\ndata: b\n\n", [(None, b"b")], id="an event without data is none"),
    pytest.param(b"data: a\ndata:\ndata: b\n\n", [(None, b"a\n\nb")], id="several lines"),
    pytest.param(b"data\n\n", [(None, b"")], id="field without colon"),
    pytest.param(
        b": ping\n\n: ping\n\ndata: a\n: in between\n\n", [(None, b"a")], id="comments (maximhq/bifrost#5874)"
    ),
    pytest.param(b"\xef\xbb\xbfdata: a\n\n", [(None, b"a")], id="byte order mark"),
    pytest.param(b"id: 7\nretry: 10\nother: x\ndata: a\n\n", [(None, b"a")], id="other fields"),
    pytest.param("data: grüße 🎈\n\n".encode(), [(None, "grüße 🎈".encode())], id="characters of several bytes"),
    pytest.param(b"data: a\n\ndata: [DONE]", [(None, b"a"), (None, b"[DONE]")], id="no blank line at the end"),
    pytest.param(b"data: [DONE]\n", [(None, b"[DONE]")], id="no second line end at the end"),
    pytest.param(b"\n\n\n", [], id="blank lines only"),
    pytest.param(b"", [], id="nothing"),
]


@pytest.mark.parametrize(("stream", "events"), TABLE)
def test_every_cut_gives_the_same_events(stream: bytes, events: list[tuple[str | None, bytes]]) -> None:
    assert decode([stream]) == events
    assert decode([stream[i : i + 1] for i in range(len(stream))]) == events
    for at in range(len(stream) + 1):
        assert decode([stream[:at], b"", stream[at:]]) == events


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_random_cuts_of_a_long_stream(end: bytes) -> None:
    events = [(None if n % 3 else f"kind{n}", f'{{"n":{n},"t":"é🎈"}}'.encode()) for n in range(200)]
    stream = b"".join(encode(data, event) + b": comment\n" for event, data in events).replace(b"\n", end)
    rng = random.Random(7)
    for _ in range(5):
        cuts = sorted(rng.randrange(len(stream)) for _ in range(300))
        chunks = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
        assert decode(chunks) == events


def test_an_event_is_given_as_soon_as_its_last_byte_is_there() -> None:
    decoder = Decoder()
    assert decoder.feed(b"data: a\r\n\r") == [ServerSentEvent(None, b"a")]
    assert decoder.feed(b"\ndata: b\r\r") == [ServerSentEvent(None, b"b")]
    assert decoder.close() == []


@pytest.mark.parametrize(
    ("data", "event", "encoded"),
    [
        (b'{"a":1}', None, b'data: {"a":1}\n\n'),
        (b'{"a":1}', "message_start", b'event: message_start\ndata: {"a":1}\n\n'),
        (b"a\nb\r\nc\rd", None, b"data: a\ndata: b\ndata: c\ndata: d\n\n"),
        (b"", None, b"data: \n\n"),
    ],
)
def test_encode(data: bytes, event: str | None, encoded: bytes) -> None:
    assert encode(data, event) == encoded
    assert decode([encoded]) == [(event, data.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))]


def test_no_reader_takes_a_letter_for_a_line_end() -> None:
    """Gemini CLI reads by Node's readline, to which U+2028 ends a line; httpx reads by what `splitlines` does."""
    text = "a\u2028b\u2029c\x85d"
    event = encode(json.dumps({"text": text}, ensure_ascii=False).encode())
    lines = [line for line in event.decode().splitlines() if line]
    assert len(lines) == 1 and json.loads(lines[0].removeprefix("data: ")) == {"text": text}


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_events_pass_whole_however_they_are_cut(end: bytes) -> None:
    events = [b"data: a" + end * 2, b": said" + end, end, b"event: b" + end + b"data: " + end * 2]
    stream, ends = b"".join(events) + b"data: c", list(itertools.accumulate(map(len, events)))
    for first, second in itertools.combinations_with_replacement(range(len(stream) + 1), 2):
        whole = WholeEvents()
        passed, arrived = b"", 0
        for piece in (stream[:first], stream[first:second], stream[second:]):
            passed, arrived = passed + whole.feed(piece), arrived + len(piece)
            past = max((at for at in ends if at <= arrived), default=0)
            # The last LF of a CRLF may come with what follows it.
            assert passed == stream[:past] or (
                end == b"\r\n" and passed + b"\n" in (stream[:past], stream[: arrived + 1])
            )
        assert passed + whole.close() == stream


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_a_comment_between_events_waits_for_none(end: bytes) -> None:
    """By it a server shows in a long pause that it is there, to clients that would give up else."""
    whole = WholeEvents()
    assert whole.feed(b"data: a" + end + end) == b"data: a" + end + end
    assert whole.feed(b": he") == b"" and whole.feed(b"re" + end) == b": here" + end
    assert whole.feed(b":" + end + end + b":" + end) == b":" + end + end + b":" + end
    assert whole.feed(b"data: b" + end) == b"" and whole.feed(b": here" + end) == b""
    assert whole.feed(end + b":" + end) == b"data: b" + end + b": here" + end + end + b":" + end


def seconds(size: int, step: int) -> float:
    stream = b"data: " + b"x" * size + b"\n\n"
    chunks = [stream[i : i + step] for i in range(0, len(stream), step)]
    started = time.process_time()
    events = decode(chunks)
    spent = time.process_time() - started
    assert len(events[0][1]) == size
    return spent


@pytest.mark.parametrize(("step", "small"), [(16_384, 1 << 20), (1, 1 << 15)])
def test_time_is_linear_in_the_size_of_an_event(step: int, small: int) -> None:
    """BerriAI/litellm#26181: looking at the whole buffer for each chunk makes a large event quadratic."""
    base = min(seconds(small, step) for _ in range(3))
    eightfold = min(seconds(8 * small, step) for _ in range(2))
    assert eightfold < 24 * max(base, 0.001)
