"""Tool calls and words of any size, as events and as the bytes of each dialect; and how a cost grows with size."""

import gc
import time
from collections.abc import Callable, Iterator, Sequence

import msgspec

from gateway.dialects import DIALECTS
from gateway.dialects.dialect import AnswerContext
from gateway.events import Delta, Event, Finish, PartEnd, PartStart, Start, UsageReport
from gateway.model import FinishReason, Usage

MB = 1 << 20
PIECE = 4 * 1024
USAGE = Usage(input_tokens=61, output_tokens=96)
CONTEXT = AnswerContext(id="answer", created=1763900000, model="model", include_usage=True)
_LINE = 'print("ä line of a file")\n'


def arguments(size: int) -> str:
    """A file to write: JSON text of `size` characters, give or take a line."""
    return msgspec.json.encode({"path": "main.py", "content": _LINE * (size // (len(_LINE) + 3))}).decode()


def call_events(text: str, piece: int = PIECE) -> Iterator[Event]:
    """An answer that is one tool call, its arguments in fragments of `piece` characters."""
    yield Start("answer", "model", CONTEXT.created)
    yield PartStart(0, "tool_call", call_id="call_1", name="write_file")
    for at in range(0, len(text), piece):
        yield Delta(0, text[at : at + piece])
    yield PartEnd(0)
    yield UsageReport(USAGE)
    yield Finish(FinishReason.TOOL_CALLS)


def word_events(kind: str, size: int) -> Iterator[Event]:
    """An answer of about so many characters, as text or reasoning."""
    text = _LINE * (size // len(_LINE))
    yield Start("answer", "model", CONTEXT.created)
    yield PartStart(0, kind)
    for at in range(0, len(text), PIECE):
        yield Delta(0, text[at : at + PIECE])
    yield PartEnd(0)
    yield UsageReport(USAGE)
    yield Finish(FinishReason.STOP)


def call_stream(dialect: str, text: str, piece: int = PIECE) -> bytes:
    """The same answer as a stream of this dialect."""
    writer = DIALECTS[dialect].writer(CONTEXT)
    return b"".join([writer.write(event) for event in call_events(text, piece)] + [writer.close()])


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


ROUNDS = 8


def cpu_costs(work: Sequence[Callable[[], object]], runs: int = 2) -> list[float]:
    """CPU seconds of each piece of work: the least of some runs that take turns, so that noise meets all alike."""
    costs = [float("inf")] * len(work)
    gc.collect()
    # What others have left is no part of any cost: collections pass over it.
    gc.freeze()
    for _ in range(runs):
        for at, job in enumerate(work):
            gc.collect()
            before = time.process_time()
            job()
            costs[at] = min(costs[at], time.process_time() - before)
    return costs


def assert_linear(sizes: Sequence[int], measured: Callable[[], Sequence[float]]) -> None:
    """Costs in seconds, the smallest size's first, grow with the sizes rather than with their squares.

    A noisy machine makes single costs dearer: they are measured again, and the least of each counts, until they are
    nearer to their share than to its square or `ROUNDS` are over.
    """
    costs = list(measured())
    for _ in range(1, ROUNDS):
        if not _beyond(sizes, costs):
            return
        costs = [min(pair) for pair in zip(costs, measured(), strict=True)]
    beyond = _beyond(sizes, costs)
    assert not beyond, beyond


def _beyond(sizes: Sequence[int], costs: Sequence[float]) -> dict[int, float]:
    """By what multiple of its share each cost grew that is nearer to quadratic."""
    least = max(costs[0], 1e-4)
    grown = {size: (size / sizes[0], cost / least) for size, cost in zip(sizes, costs, strict=True)}
    return {size: round(cost / growth, 2) for size, (growth, cost) in grown.items() if cost > growth**1.5}
