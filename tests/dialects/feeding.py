"""Feeds a recorded stream to a reader in every way that a network may cut it, and folds the events."""

import random
from collections.abc import Callable, Iterator

import msgspec

from gateway.dialects.dialect import Reader, Writer
from gateway.events import Assembler, Delta, Event, Finish, PartEnd, PartStart, Start, StreamError, UsageReport
from gateway.model import Blob, Choice, Opaque, Part, Reasoning, Refusal, Response, Text, ToolCall


def read(reader: Reader, chunks: list[bytes]) -> list[Event]:
    events = [event for chunk in chunks for event in reader.feed(chunk)]
    return events + reader.close()


def cuts(stream: bytes) -> Iterator[list[bytes]]:
    """Whole, byte by byte, at random places (also inside characters), and with comments or other line ends."""
    yield [stream]
    yield [stream[n : n + 1] for n in range(len(stream))]
    rng = random.Random(len(stream))
    for _ in range(8):
        places = sorted(rng.randrange(len(stream)) for _ in range(rng.randrange(1, 40)))
        yield [stream[a:b] for a, b in zip([0, *places], [*places, len(stream)], strict=True)]
    line_feeds = stream.replace(b"\r\n", b"\n")
    yield [line_feeds.replace(b"\n\n", b"\n\n: ping\n\n").replace(b"data: ", b"data:")]
    yield [line_feeds.replace(b"\n", b"\r\n")]


def folded(events: list[Event]) -> Assembler:
    assembler = Assembler()
    for event in events:
        assembler.feed(event)
    return assembler


def normal(response: Response) -> Response:
    """The same answer with the JSON of its tool calls written in one way."""
    choices = [
        msgspec.structs.replace(item, parts=tuple(_normal(part) for part in item.parts)) for item in response.choices
    ]
    return msgspec.structs.replace(response, choices=tuple(choices))


def _normal(part: Part) -> Part:
    if not isinstance(part, ToolCall) or part.custom:
        return part
    return msgspec.structs.replace(part, arguments=msgspec.json.encode(msgspec.json.decode(part.arguments)).decode())


def events_of(response: Response) -> list[Event]:
    """A whole answer as a stream, each text in two pieces."""
    events: list[Event] = [Start(response.id, response.model)]
    if response.usage is not None:
        events.append(UsageReport(response.usage, final=False))
    number = 0
    for choice in response.choices:
        for part in choice.parts:
            match part:
                case ToolCall():
                    start = PartStart(
                        number, "tool_call", choice.index, part.id, part.name, part.custom, extra=part.extra
                    )
                case Blob() | Opaque():
                    start = PartStart(
                        number, "blob" if isinstance(part, Blob) else "opaque", choice.index, value=part
                    )
                case Text() | Reasoning() | Refusal():
                    start = PartStart(number, type(part).__name__.lower(), choice.index, extra=part.extra)
                case _:
                    raise AssertionError(part)
            text = part.arguments if isinstance(part, ToolCall) else getattr(part, "text", "")
            half = len(text) // 2
            events += [start, Delta(number, text[:half]), Delta(number, text[half:]), PartEnd(number)]
            number += 1
        if response.usage is not None:
            events.append(UsageReport(response.usage))
        assert choice.finish_reason is not None
        events.append(Finish(choice.finish_reason, choice.index, choice.stop_sequence, choice.logprobs, choice.extra))
    return events


def written(writer: Writer, events: list[Event]) -> bytes:
    return b"".join(writer.write(event) for event in events) + writer.close()


def cut_everywhere(stream: bytes, reader: Callable[[], Reader]) -> None:
    """Nothing but the whole stream is a finished answer, and no cut makes a reader raise."""
    whole = read(reader(), [stream])
    assert not any(isinstance(event, StreamError) for event in whole)
    end = len(stream.rstrip(b"\r\n"))
    for at in range(end):
        events = read(reader(), [stream[:at]])
        assert isinstance(events[-1], StreamError), stream[:at][-80:]
        assert not folded(events).finished


def only_choice(response: Response) -> Choice:
    (choice,) = response.choices
    return choice


def mutations(stream: bytes, count: int) -> Iterator[bytes]:
    """The stream with a field of one event missing, null or of another type."""
    rng = random.Random(count)
    events = [item for item in stream.replace(b"\r\n", b"\n").split(b"\n\n") if item]
    for _ in range(count):
        at = rng.randrange(len(events))
        head, _, data = events[at].partition(b"data: ")
        value = msgspec.json.decode(data)
        mutate(value, rng)
        changed = head + b"data: " + msgspec.json.encode(value)
        yield b"\n\n".join([*events[:at], changed, *events[at + 1 :]]) + b"\n\n"


def mutate(value: object, rng: random.Random) -> None:
    places: list[tuple[dict[str, object] | list[object], str | int]] = []

    def walk(node: object) -> None:
        if isinstance(node, dict):
            for key, item in node.items():
                places.append((node, key))
                walk(item)
        elif isinstance(node, list):
            for index, item in enumerate(node):
                places.append((node, index))
                walk(item)

    walk(value)
    holder, key = rng.choice(places)
    replacement = rng.choice([None, 7, -1, "x", True, [], {}, [[]], {"type": "x"}])
    if isinstance(holder, dict) and rng.random() < 0.4:
        del holder[key]  # type: ignore[arg-type]
    else:
        holder[key] = replacement  # type: ignore[index,call-overload]
