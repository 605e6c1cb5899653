"""Fuzzing of the codecs: `make fuzz` (ten minutes) or `python -m tests.fuzz [--seconds N] [--seed N]`.

Recorded streams, whole answers, error bodies and rich requests are damaged, in their JSON and in their bytes, cut
anywhere, and fed through each dialect and on into every other. What comes out is a typed error or something valid:
never an exception of another kind, never a case that takes long, never a finished answer, in any dialect, from a
stream that failed, and never one that lost more than what was damaged. Whole histories of every door come out in an
order that each provider takes, and nothing of them is missing that is not named. A case is made of seed, dialect and
number alone: `--seed S --dialect D --case N` does that one again.
"""

import argparse
import faulthandler
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import msgspec

from gateway.dialects import DIALECTS
from gateway.dialects.dialect import Dialect
from gateway.errors import GatewayError, UpstreamError
from gateway.events import StreamError
from gateway.model import Opaque, Rendered, Request, Response, Target, ToolCall
from gateway.providers.catalog import PROVIDERS
from gateway.relaying.routing import Routing
from tests.dialects.feeding import folded, mutate, read
from tests.dialects.grammars import CONTEXT, heard, told
from tests.dialects.histories import DOORS, check, history, missing
from tests.dialects.recordings import RECORDINGS, TWINS, Recording

WIRE = Path(__file__).parent / "wire"
TEN_MINUTES_S = 600.0
# CPU time of a case beyond which a user would call it a hang; and how long one may take before all ends with a trace.
SLOWEST_CASE_S = 2.0
HANGS_S = 60.0
MODELS = {
    "openai_chat": "gpt-4.1",
    "openai_responses": "gpt-5.4",
    "anthropic": "claude-sonnet-4-6",
    "gemini": "gemini-2.5-flash",
}
ERROR_BODIES = [
    b'{"error":{"message":"Incorrect API key provided: sk-proj-abcdef123456.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}',
    b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded","details":{"error_code":"x"}},"request_id":"req_1"}',
    b'[{"error":{"code":429,"message":"Quota","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"39s"},{"reason":"API_KEY_INVALID"}]}}]',
    b'{"code":"The system is busy","error":"Some resource has been exhausted"}',
    b'{"detail":[{"loc":["body","model"],"msg":"field required"}]}',
    b"<!doctype html><title>502 Bad Gateway</title>",
    b"upstream connect error",
]  # fmt: skip


class Fault(AssertionError):
    """What must not happen; the message holds the case."""


@lru_cache
def recordings(dialect: str) -> list[Recording]:
    return [item for item in RECORDINGS if item.dialect == dialect]


@lru_cache
def bodies(dialect: str) -> list[bytes]:
    """Requests: the dialect's own rich one, and every other's as it is rendered for this dialect."""
    routing = Routing(PROVIDERS)
    target = routing.candidates(MODELS[dialect])[0].target
    found = []
    for name, other in DIALECTS.items():
        body = (WIRE / "requests" / f"{name}.json").read_bytes()
        if name == dialect:
            found.append(body)
            continue
        rendered = _typed(lambda other=other, body=body: DIALECTS[dialect].render_request(other.parse_request(body, "m", True), target))  # type: ignore[misc]  # fmt: skip
        if isinstance(rendered, Rendered):
            found.append(rendered.body)
    return found


def damaged_bytes(data: bytes, rng: random.Random) -> tuple[bytes, int]:
    """Some bytes changed, dropped, doubled, or the end cut off; and from where on they were touched at most."""
    out, touched = bytearray(data), len(data)
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
        touched = min(touched, at)
    return bytes(out), touched


def damaged_json(data: bytes, rng: random.Random) -> bytes:
    value = msgspec.json.decode(data)
    mutate(value, rng)
    return msgspec.json.encode(value)


def damaged_stream(stream: bytes, rng: random.Random) -> tuple[bytes, int | None]:
    """The stream with damage, and how many bytes of events were damaged: None where that may be any part of it."""
    if rng.random() < 0.4:
        return damaged_bytes(stream, rng)[0], None
    events = stream.replace(b"\r\n", b"\n").split(b"\n\n")
    size = 0
    for _ in range(rng.randrange(1, 3)):
        at = rng.randrange(len(events))
        head, marker, data = events[at].partition(b"data: ")
        match rng.randrange(8):
            case 0:
                size += len(events.pop(at))
                events = events or [b""]
            case 1:
                other = rng.randrange(len(events))
                size += len(events[at]) + len(events[other])
                events[at], events[other] = events[other], events[at]
            case _ if marker and data[:1] == b"{":
                try:
                    events[at] = head + marker + damaged_json(data, rng)
                    size += len(data)
                except (msgspec.DecodeError, IndexError):
                    continue
    return b"\n\n".join(events), size


def chunks_of(stream: bytes, rng: random.Random) -> list[bytes]:
    places = sorted(rng.randrange(len(stream) + 1) for _ in range(rng.randrange(12)))
    return [stream[a:b] for a, b in zip([0, *places], [*places, len(stream)], strict=True)]


def fuzz_stream(dialect: Dialect, rng: random.Random) -> str:
    """One damaged stream through the reader and on through every writer; what became of it."""
    recording = rng.choice(recordings(dialect.name))
    damaged, size = damaged_stream(recording.stream, rng)
    events = read(dialect.reader(), chunks_of(damaged, rng))
    errors = [n for n, event in enumerate(events) if isinstance(event, StreamError)]
    if errors and errors[0] != len(events) - 1:
        raise Fault(f"events after an error: {damaged!r}")
    answer = folded(events)
    if not errors and not answer.finished:
        raise Fault(f"neither finished nor failed: {damaged!r}")
    if not errors and size is not None:
        _check_loss(folded(recording.events()).response(), answer.response(), size, damaged)
    for door in DIALECTS:
        written = told(door, events)
        # What a dialect alone can say goes to its own clients as it came, so that it may be as odd as it was.
        again = heard(door, written) if door != dialect.name else folded(read(dialect.reader(), [written]))
        if errors and again.error is None:
            raise Fault(f"{door} passes a failed stream off as an answer: {damaged!r}")
    return "failed" if errors else "finished"


def _check_loss(whole: Response, damaged: Response, size: int, stream: bytes) -> None:
    """A finished answer misses no more than the damaged events held."""
    lost = _content(whole) - _content(damaged)
    if lost > size:
        raise Fault(f"{lost} characters lost by {size} damaged bytes: {stream!r}")


def _content(response: Response) -> int:
    parts = (part for choice in response.choices for part in choice.parts)
    return sum(
        len(part.arguments if isinstance(part, ToolCall) else getattr(part, "text", ""))
        + (len(msgspec.json.encode(part.value)) if isinstance(part, Opaque) else 0)
        for part in parts
    )


def fuzz_answer(dialect: Dialect, rng: random.Random) -> str:
    """One damaged whole answer through the parser and on into every dialect; what became of it."""
    whole = rng.choice([item.whole for item in TWINS if item.dialect == dialect.name])
    assert whole is not None
    in_bytes = rng.random() < 0.4
    damaged = damaged_bytes(whole, rng)[0] if in_bytes else damaged_json(whole, rng)
    if dialect.peek_answer is not None:
        dialect.peek_answer(damaged)
    response = _typed(lambda: dialect.parse_response(damaged))
    if not isinstance(response, Response):
        return "failed"
    for door in DIALECTS.values():
        said = door.render_response(response, CONTEXT)
        again = _typed(lambda door=door, said=said: door.parse_response(said))  # type: ignore[misc]
        if not isinstance(msgspec.json.decode(said), dict) or not isinstance(again, Response | UpstreamError):
            raise Fault(f"{door.name} rendered no answer of {damaged!r}")
    return "finished"


def fuzz_error(dialect: Dialect, rng: random.Random) -> str:
    """One damaged error body through the parser and on into every door; what became of it."""
    body = rng.choice(ERROR_BODIES)
    in_bytes = rng.random() < 0.6 or body[:1] not in b"{["
    damaged = damaged_bytes(body, rng)[0] if in_bytes else damaged_json(body, rng)
    status = rng.choice([400, 401, 403, 404, 408, 409, 413, 429, 500, 502, 503, 529, 599, 302])
    retry = rng.choice(["1", "-1", "soon", "1e400", "Sat, 28 Nov 2026 09:00:00 GMT"])
    error = dialect.parse_error(status, damaged, {"Retry-After": retry})
    if not 400 <= error.status <= 599 or not error.message:
        raise Fault(f"{error.status} {error.message!r} of {status} {damaged!r}")
    for door in DIALECTS.values():
        said = msgspec.json.decode(door.render_error(error, "req_1"))
        if not said["error"]["message"]:
            raise Fault(f"{door.name} says nothing of {status} {damaged!r}")
    return error.kind


def fuzz_request(dialect: Dialect, rng: random.Random) -> str:
    """One damaged request through the parser and on into every dialect; what became of it."""
    body = rng.choice(bodies(dialect.name))
    damaged = damaged_bytes(body, rng)[0] if rng.random() < 0.3 else damaged_json(body, rng)
    request = _typed(lambda: dialect.parse_request(damaged, "gemini-2.5-flash", False))
    if not isinstance(request, Request):
        return "refused"
    for name, other in DIALECTS.items():
        target = _targets()[name]
        rendered = _typed(lambda other=other, target=target: other.render_request(request, target))  # type: ignore[misc]
        if isinstance(rendered, Rendered) and not isinstance(msgspec.json.decode(rendered.body), dict):
            raise Fault(f"{name} rendered no object of {damaged!r}")
    return "carried"


def fuzz_history(dialect: Dialect, rng: random.Random) -> str:
    """One random history of each door, said anew in this dialect: in order, and what is missing is named."""
    for door in DOORS:
        if door == dialect.name:
            continue
        body, marks, files = history(door, rng)
        request = DIALECTS[door].parse_request(body, "gemini-2.5-flash", False)
        rendered = dialect.render_request(request, _targets()[dialect.name])
        sent = msgspec.json.decode(rendered.body)
        check(dialect.name, sent)
        named = any(name.endswith(("filename", "title")) for name in rendered.dropped)
        if lost := missing(marks if named else [*marks, *files], sent):
            raise Fault(f"{lost} of {body!r} lost")
    return "carried"


@lru_cache
def _targets() -> dict[str, Target]:
    routing = Routing(PROVIDERS)
    return {name: routing.candidates(model)[0].target for name, model in MODELS.items()}


def _typed(call: Callable[[], object]) -> object:
    try:
        return call()
    except GatewayError as error:
        return error


KINDS: dict[str, Callable[[Dialect, random.Random], str]] = {
    "stream": fuzz_stream,
    "answer": fuzz_answer,
    "request": fuzz_request,
    "history": fuzz_history,
    "error": fuzz_error,
}


# Dialect, kind, and what became of it.
Outcome = tuple[str, str, str]


def case(seed: int, name: str, number: int) -> list[Outcome]:
    """One case of each kind. Raises Fault that says how to do it again."""
    found = []
    for kind, fuzz_one in KINDS.items():
        rng, begun = random.Random(f"{seed} {name} {kind} {number}"), time.process_time()
        try:
            found.append((name, kind, fuzz_one(DIALECTS[name], rng)))
        except Exception as error:
            raise Fault(f"{kind}: --seed {seed} --dialect {name} --case {number}: {error}") from error
        if time.process_time() - begun > SLOWEST_CASE_S:
            raise Fault(f"{kind}: --seed {seed} --dialect {name} --case {number}: slow")
    return found


def fuzz(name: str, seconds: float, seed: int, before: Callable[[], None] = lambda: None) -> Counter[Outcome]:
    """Fuzz a dialect for this long, and at least once; the outcomes. `before` is called before each case.

    Raises Fault.
    """
    outcomes, until, number = Counter[Outcome](), time.monotonic() + seconds, 0
    while number == 0 or time.monotonic() < until:
        before()
        outcomes.update(case(seed, name, number))
        number += 1
    return outcomes


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=float, default=TEN_MINUTES_S, help="for all dialects together")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--dialect", choices=DIALECTS, help="with --case: one case again")
    parser.add_argument("--case", type=int)
    args = parser.parse_args()
    print(f"seed {args.seed}", flush=True)
    if args.dialect is not None and args.case is not None:
        print(*case(args.seed, args.dialect, args.case), sep="\n")
        return 0
    for dialect in DIALECTS:
        outcomes = fuzz(dialect, args.seconds / len(DIALECTS), args.seed, _watch)
        for (name, kind, ending), count in sorted(outcomes.items()):
            print(f"{name:<17}{kind:<9}{ending:<24}{count:>9,}", flush=True)
    return 0


def _watch() -> None:
    """Ends everything with a trace should a case never end."""
    faulthandler.dump_traceback_later(HANGS_S, exit=True)


if __name__ == "__main__":
    sys.exit(main())
