"""Fuzzing of the codecs: `make fuzz` (ten minutes) or `python -m tests.fuzz [--seconds N] [--seed N]`.

Recorded streams and rich requests are damaged, in their JSON and in their bytes, cut anywhere, and fed through each
dialect and on into every other. What comes out is a typed error or something valid; never an exception of another
kind, and never a finished answer, in any dialect, from a stream that failed.
"""

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec

from gateway.dialects import DIALECTS
from gateway.dialects.dialect import AnswerContext, Dialect
from gateway.errors import GatewayError
from gateway.events import Event, StreamError
from gateway.model import Rendered, Request
from gateway.providers.catalog import PROVIDERS
from gateway.routing import Routing
from tests.dialects.feeding import folded, mutate, read

WIRE = Path(__file__).parent / "wire"
TEN_MINUTES_S = 600.0
# A case that takes longer than this hangs, as far as a user can tell.
SLOWEST_CASE_S = 2.0
MODELS = {
    "openai_chat": "gpt-4.1",
    "openai_responses": "gpt-5.4",
    "anthropic": "claude-sonnet-4-6",
    "gemini": "gemini-2.5-flash",
}
RICH = {
    "model": "any",
    "max_completion_tokens": 500,
    "temperature": 0.5,
    "user": "ana",
    "reasoning_effort": "low",
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "look_up",
                "description": "Looks something up.",
                "parameters": {"type": "object", "properties": {"what": {"type": "string"}}, "required": ["what"]},
            },
        }
    ],
    "messages": [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this? é 🚀"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
            ],
        },
        {
            "role": "assistant",
            "content": "I look.",
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": '{"what":"x"}'}},
                {"id": "call_2", "type": "function", "function": {"name": "look_up", "arguments": '{"what":"y"}'}},
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "found"},
        {"role": "tool", "tool_call_id": "call_2", "content": '{"a":1}'},
        {"role": "user", "content": "And now?"},
    ],
}
CONTEXT = AnswerContext(id="0123456789abcdef", created=1_700_000_000, model="any", include_usage=True)


class Fault(AssertionError):
    """What must not happen; the message holds the seed and the case."""


def recordings(dialect: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((WIRE / dialect).glob("*.sse"))]


def requests() -> dict[str, bytes]:
    """The same rich request in every dialect."""
    routing = Routing(PROVIDERS)
    request = DIALECTS["openai_chat"].parse_request(msgspec.json.encode(RICH), None, None)
    return {
        name: dialect.render_request(request, routing.candidates(MODELS[name])[0].target).body
        for name, dialect in DIALECTS.items()
    }


def damaged_bytes(data: bytes, rng: random.Random) -> bytes:
    """Some bytes changed, dropped, doubled, or the end cut off."""
    out = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(out)) if out else 0
        match rng.randrange(4):
            case 0:
                out[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                del out[at : at + rng.randrange(1, 30)]
            case 2:
                out[at:at] = out[at : at + rng.randrange(1, 60)]
            case _:
                del out[at:]
    return bytes(out)


def damaged_json(data: bytes, rng: random.Random) -> bytes:
    value = msgspec.json.decode(data)
    mutate(value, rng)
    return msgspec.json.encode(value)


def damaged_stream(stream: bytes, rng: random.Random) -> bytes:
    if rng.random() < 0.5:
        return damaged_bytes(stream, rng)
    events = stream.replace(b"\r\n", b"\n").split(b"\n\n")
    for _ in range(rng.randrange(1, 3)):
        at = rng.randrange(len(events))
        head, marker, data = events[at].partition(b"data: ")
        if marker and data[:1] == b"{":
            try:
                events[at] = head + marker + damaged_json(data, rng)
            except (msgspec.DecodeError, IndexError):
                continue
    return b"\n\n".join(events)


def chunks_of(stream: bytes, rng: random.Random) -> list[bytes]:
    places = sorted(rng.randrange(len(stream) + 1) for _ in range(rng.randrange(12)))
    return [stream[a:b] for a, b in zip([0, *places], [*places, len(stream)], strict=True)]


def fuzz_stream(dialect: Dialect, stream: bytes, rng: random.Random) -> str:
    """One damaged stream through the reader and on through every writer; what became of it."""
    damaged = damaged_stream(stream, rng)
    events = read(dialect.reader(), chunks_of(damaged, rng))
    errors = [n for n, event in enumerate(events) if isinstance(event, StreamError)]
    if errors and errors[0] != len(events) - 1:
        raise Fault(f"events after an error: {damaged!r}")
    if not errors and not folded(events).finished:
        raise Fault(f"neither finished nor failed: {damaged!r}")
    for other in DIALECTS.values():
        _check_written(other, events, failed=bool(errors))
    return "failed" if errors else "finished"


def _check_written(dialect: Dialect, events: list[Event], *, failed: bool) -> None:
    writer = dialect.writer(CONTEXT)
    out = b"".join(writer.write(event) for event in events if not isinstance(event, StreamError))
    last = events[-1] if events else None
    out += writer.error(last) if isinstance(last, StreamError) else writer.close()
    again = read(dialect.reader(), [out])
    if failed and not any(isinstance(event, StreamError) for event in again):
        raise Fault(f"{dialect.name} passes a failed stream off as an answer: {out[-900:]!r}")


def fuzz_request(dialect: Dialect, body: bytes, rng: random.Random) -> str:
    """One damaged request through the parser and on into every dialect; what became of it."""
    damaged = damaged_bytes(body, rng) if rng.random() < 0.3 else damaged_json(body, rng)
    request = _typed(lambda: dialect.parse_request(damaged, "gemini-2.5-flash", False))
    if not isinstance(request, Request):
        return "refused"
    routing = Routing(PROVIDERS)
    for name, other in DIALECTS.items():
        target = routing.candidates(MODELS[name])[0].target
        rendered = _typed(lambda other=other, target=target: other.render_request(request, target))  # type: ignore[misc]
        if isinstance(rendered, Rendered) and not isinstance(msgspec.json.decode(rendered.body), dict):
            raise Fault(f"{name} rendered no object of {damaged!r}")
    return "carried"


def _typed(call: Callable[[], object]) -> object:
    try:
        return call()
    except GatewayError as error:
        return error


def fuzz(seconds: float, seed: int) -> Counter[tuple[str, str, str]]:
    """Fuzz each dialect for this long; the outcomes by dialect, kind and ending. Raises Fault, or what was raised."""
    bodies, outcomes = requests(), Counter[tuple[str, str, str]]()
    for name, dialect in DIALECTS.items():
        streams, rng = recordings(name), random.Random(f"{seed} {name}")
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            begun = time.monotonic()
            outcomes[name, "stream", fuzz_stream(dialect, rng.choice(streams), rng)] += 1
            outcomes[name, "request", fuzz_request(dialect, bodies[name], rng)] += 1
            if time.monotonic() - begun > SLOWEST_CASE_S:
                raise Fault(f"a case of {name} took {time.monotonic() - begun:.1f} s")
    return outcomes


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=float, default=TEN_MINUTES_S, help="for all dialects together")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    args = parser.parse_args()
    print(f"seed {args.seed}", flush=True)
    for (name, kind, ending), count in sorted(fuzz(args.seconds / len(DIALECTS), args.seed).items()):
        print(f"{name:<17}{kind:<9}{ending:<10}{count:>9,}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
