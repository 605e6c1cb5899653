"""What telemetry costs the requests beside it: `python -m tests.benchmarks.otlp [--quick]`.

A hundred requests a second go through the gateway all the time; in every second slice a thousand spans a second come
in beside them, as one app's exporter sends them, compressed. Slices with and without stand side by side, so that the
machine's other work meets both. At the end the gateway is killed, and each span that it acknowledged is looked for.
Memory is judged with caches that are full from the start (`full_caches`): what else grows has no bound.
"""

import argparse
import asyncio
import gzip
import secrets
import sqlite3
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import uvloop
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.benchmarks.chat import Ask
from tests.benchmarks.figures import percentile
from tests.benchmarks.load import Clients, Slice
from tests.benchmarks.processes import LOAD_CORES, Child, pin_load
from tests.benchmarks.report import mark
from tests.benchmarks.targets import DOOR, Target, make_key, providers_at

REQUESTS_PER_S = 100
BATCHES_PER_S, SPANS = 10, 100
SLICE_S = 5.0
# What a span of a call holds: figures, and a history of this size that grows with the conversation.
FIGURES, TEXT_BYTES = 16, 2_000
# Requests that are answered at their own pace take one connection each.
CONNECTIONS = 8
# By so much the memory of a process that does the same all the time goes up and down.
SPREAD_MB = 3.0


# The ids of its spans, and a request's body.
Batch = tuple[list[tuple[str, str]], bytes]


@dataclass
class Sent:
    """Ids of the spans that were acknowledged, the seconds until they were, and how many requests were not."""

    acknowledged: list[tuple[str, str]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    refused: int = 0


def grown(memory: list[float]) -> float:
    """MB by which memory has grown in the last third of the rounds."""
    return memory[-1] - memory[-1 - max(1, len(memory) // 3)]


def made(seconds: float) -> list[Batch]:
    return [batch() for _ in range(int(seconds * BATCHES_PER_S))]


def batch() -> Batch:
    """A request with new spans, and their ids."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "benchmark"
    scope = resource.scope_spans.add()
    scope.scope.name = "benchmark"
    now, trace_id = time.time_ns(), secrets.token_bytes(16)
    for number in range(SPANS):
        span = scope.spans.add(
            trace_id=trace_id,
            span_id=secrets.token_bytes(8),
            name="chat gpt-4.1-mini",
            kind=Span.SPAN_KIND_CLIENT,
            start_time_unix_nano=now,
            end_time_unix_nano=now + 1_000_000,
        )
        for figure in range(FIGURES):
            span.attributes.add(key=f"app.figure_{figure}").value.int_value = figure * number
        text = (
            f'[{{"role": "user", "parts": [{{"type": "text", "content": "{secrets.token_hex(TEXT_BYTES // 2)}"}}]}}]'
        )
        span.attributes.add(key="app.said").value.string_value = text
    ids = [(span.trace_id.hex(), span.span_id.hex()) for span in scope.spans]
    return ids, gzip.compress(request.SerializeToString(), 1)


def export_request(port: int, key: str, body: bytes) -> Ask:
    head = (
        f"POST /v1/traces HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/x-protobuf\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return Ask(head.encode() + body)


async def _paced_requests(target: Target, into: Slice, seconds: float) -> None:
    """A request every hundredth of a second, whatever became of those before."""
    ask, begun = target.request(chunks=0), time.perf_counter()

    async def one(clients: Clients) -> None:
        nonlocal begun
        while (now := time.perf_counter()) < until:
            slot = begun = max(begun + 1 / REQUESTS_PER_S, now)
            await asyncio.sleep(slot - now)
            answered = await clients.run(ask, 1, 0.0)
            into.total += answered.total
            into.bad += answered.bad

    until = begun + seconds
    lanes = [Clients(target.child.port) for _ in range(CONNECTIONS)]
    try:
        await asyncio.gather(*map(one, lanes))
    finally:
        for clients in lanes:
            clients.close()


async def _spans(target: Target, sent: Sent, batches: list[Batch]) -> None:
    """Ten batches a second, each answered before the next, as one exporter sends them."""
    clients, due = Clients(target.child.port), time.perf_counter()
    try:
        for ids, body in batches:
            due += 1 / BATCHES_PER_S
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            answered = await clients.run(export_request(target.child.port, target.key, body), 1, 0.0)
            if answered.bad:
                sent.refused += 1
            else:
                sent.acknowledged += ids
                sent.seconds += answered.total
    finally:
        clients.close()


async def measure(target: Target, rounds: int) -> tuple[Slice, Slice, Sent, list[float]]:
    """Requests without spans beside them and with, what was sent, and the MB of memory after each round."""
    without, beside, sent, memory = Slice(), Slice(), Sent(), list[float]()
    await _paced_requests(target, Slice(), 1.0)
    await _spans(target, sent, made(1.0))
    for _ in range(rounds):
        await _paced_requests(target, without, SLICE_S)
        # Made beforehand: the load generator's own work must not look like the gateway's.
        batches = made(SLICE_S)
        await asyncio.gather(_paced_requests(target, beside, SLICE_S), _spans(target, sent, batches))
        memory.append(target.child.rss_mb())
        print(".", end="", flush=True)
    print()
    return without, beside, sent, memory


def missing(folder: Path, sent: Sent) -> int:
    """How many of the acknowledged spans the folder does not hold."""
    with closing(sqlite3.connect(f"{(folder / 'traces.db').as_uri()}?mode=ro", uri=True)) as connection:
        kept = set(connection.execute("SELECT trace_id, span_id FROM spans"))
    return len(set(sent.acknowledged) - kept)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a slice of five seconds rather than twelve")
    rounds = 1 if parser.parse_args().quick else 12
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        provider = Child("direct", ["-m", "tests.benchmarks.mock"], cores=LOAD_CORES, log=folder / "direct.log")
        home = folder / "home"
        key = make_key(home)
        command = ["-m", "tests.benchmarks.full_caches", "--data-dir", str(home), "serve", "--port", "0"]
        variables = providers_at(f"http://127.0.0.1:{provider.port}")
        gateway = Child("gateway", command, environment=variables, log=folder / "gateway.log")
        try:
            pin_load()
            target = Target(gateway, Clients(gateway.port), DOOR, key)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                found = runner.run(measure(target, rounds))
        finally:
            gateway.kill()
            provider.stop()
        _show(*found, missing(home, found[2]))


def _show(without: Slice, beside: Slice, sent: Sent, memory: list[float], lost: int) -> None:
    for title, one in (("without spans", without), ("with spans", beside)):
        p50, p99 = (percentile(one.total, share) * 1000 for share in (0.5, 0.99))
        print(f"{title:15}  p50 {p50:6.2f} ms  p99 {p99:6.2f} ms  {len(one.total)} requests, {one.bad} bad")
    rate = len(sent.acknowledged) / (len(memory) * SLICE_S + 1)
    print(
        f"{len(sent.acknowledged)} spans acknowledged, {rate:.0f} a second, after {percentile(sent.seconds, 0.5) * 1000:.0f} ms "
        f"(p99 {percentile(sent.seconds, 0.99) * 1000:.0f} ms); {sent.refused} requests refused"
    )
    print("memory after each round, MB:", " ".join(f"{one:.1f}" for one in memory))
    times = percentile(beside.total, 0.99) / percentile(without.total, 0.99)
    print(mark("no acknowledged span lost by a kill", not lost, f"{lost} lost"))
    print(mark("p99 with spans at most 1.5 × without", times <= 1.5, f"{times:.2f} ×"))
    if len(memory) > 1:
        more = grown(memory)
        print(mark(f"memory flat in the last third within {SPREAD_MB:.0f} MB", more <= SPREAD_MB, f"{more:+.1f} MB"))


if __name__ == "__main__":
    main()
