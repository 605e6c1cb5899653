"""Mixed calls: four doors, four providers, whole and streamed, of which many go wrong on purpose.

The provider stalls, resets, breaks off, sends what is no JSON, repeats its usage, says it in any chunk, omits it, and
dies; clients leave at random bytes; another process holds the database's lock. Each call bears a name of its own, as
end user for the row and in the prompt for the provider's ledger, so that every row can be held against both.
"""

import asyncio
import contextlib
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.records import ExchangeRecord
from gateway.store.meter import contradictory
from tests.endtoend.serving import CHAT, MODELS, PROVIDERS, USAGE, Served
from tests.provider.client import ProviderProcess
from tests.soak.rounds import unequal_buckets

CLIENTS = 48
TIMEOUT_S = 1.0
LIMITS = dict.fromkeys(("FAREGATE_TIMEOUTS_FIRST_BYTE", "FAREGATE_TIMEOUTS_BETWEEN_CHUNKS"), str(TIMEOUT_S))
# How often each is told; most calls are told nothing and answer well.
MARKERS: Mapping[str, int] = {
    "": 30,
    "slow:3": 6,
    "tool": 4,
    "think": 4,
    "twice": 6,
    "early": 6,
    "mute": 6,
    "garbled": 4,
    "half": 3,
    "cut": 3,
    "stall": 1,
    "silent": 1,
    "reset": 3,
    "reset-midway": 3,
    "error": 3,
    "html": 2,
    "400": 2,
    "401": 1,
    "429": 2,
    "500": 2,
    "529": 2,
}
TOKENS = {
    "input": "input_tokens",
    "cached": "cached_tokens",
    "cache_write": "cache_write_tokens",
    "cache_write_1h": "cache_write_1h_tokens",
    "output": "output_tokens",
    "reasoning": "reasoning_tokens",
}
TOOL: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@dataclass(frozen=True)
class Sent:
    """`answered`: its client had a byte of the answer, so that the gateway has surely seen it."""

    user: str
    answered: bool


@dataclass
class Load:
    """What was sent, and how often each kind of loss was named while it was."""

    sent: list[Sent] = field(default_factory=list)
    sent_while_held: int = 0
    named: Counter[str] = field(default_factory=Counter)


def _body(door: str, model: str, text: str, streamed: bool) -> tuple[str, dict[str, Any]]:
    """Path and body."""
    match door:
        case "chat":
            tools = [{"type": "function", "function": {"name": "look", "parameters": TOOL}}]
            messages = [{"role": "user", "content": text}]
            return CHAT, {"model": model, "messages": messages, "tools": tools, "stream": streamed}
        case "responses":
            tools = [{"type": "function", "name": "look", "parameters": TOOL, "strict": False}]
            return "/api/ai/v1/responses", {"model": model, "input": text, "tools": tools, "stream": streamed}
        case "messages":
            tools = [{"name": "look", "input_schema": TOOL}]
            body = {"model": model, "max_tokens": 500, "messages": [{"role": "user", "content": text}]}
            return "/api/ai/v1/messages", {**body, "tools": tools, "stream": streamed}
        case _:
            verb = "streamGenerateContent?alt=sse" if streamed else "generateContent"
            contents = [{"role": "user", "parts": [{"text": text}]}]
            declared = [{"functionDeclarations": [{"name": "look", "parameters": TOOL}]}]
            return f"/api/ai/v1beta/models/{model}:{verb}", {"contents": contents, "tools": declared}


async def _call(gateway: Served, rng: random.Random, user: str) -> Sent:
    """One call by a client that may leave, within its own request or at a random byte of the answer."""
    marker = rng.choices(list(MARKERS), list(MARKERS.values()))[0]
    text = f"I am {user}. {f'[[{marker}]]' if marker else ''}"
    door = rng.choice(("chat", "responses", "messages", "gemini"))
    path, value = _body(door, MODELS[rng.choice(PROVIDERS)], text, rng.random() < 0.7)
    body = b"{no json" if rng.random() < 0.02 else json.dumps(value).encode()
    leaves = rng.random() < 0.2
    half = leaves and rng.random() < 0.2
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {gateway.key()}\r\nx-user: {user}\r\n"
    head += (
        f"Connection: close\r\nContent-Length: {len(body)}\r\n{'Expect: 100-continue' if half else 'x-a: b'}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection(*gateway.address)
    try:
        writer.write(head.encode())
        if half:
            # The gateway says that it wants the body: it has read the headers.
            await reader.readuntil(b"\r\n\r\n")
            writer.write(body[: len(body) // 2])
            return Sent(user, answered=True)
        writer.write(body)
        if not leaves:
            return Sent(user, answered=bool(await reader.read()))
        wanted = int(10 ** rng.uniform(0, 4)) if rng.random() < 0.8 else 0
        seen = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(rng.uniform(0, 0.1) if not wanted else 3 * TIMEOUT_S):
                while seen < max(wanted, 1) and (data := await reader.read(max(1, wanted - seen))):
                    seen += len(data)
        return Sent(user, answered=seen > 0)
    finally:
        writer.transport.abort()


async def _watch(gateway: Served, load: Load) -> None:
    """The meter is read all the while, and its counts must fit at every moment."""
    while True:
        await asyncio.sleep(0.25)
        reading = await asyncio.to_thread(completeness, gateway)
        load.named.update({each["kind"] for each in reading["differences"]})
        assert unexplained(reading) == []


async def _hold(gateway: Served, load: Load, seconds: float) -> None:
    with held_database(gateway.folder):
        before = len(load.sent)
        await asyncio.sleep(seconds)
        load.sent_while_held = len(load.sent) - before


async def _all(
    gateway: Served, provider: ProviderProcess, rng: random.Random, calls: int, deaths: int, held_s: float
) -> Load:
    load = Load()
    provided = asyncio.Event()
    provided.set()
    numbers = iter(range(calls))
    dies_at = {calls * (death + 1) // (deaths + 1) for death in range(deaths)}

    async def client(seed: int) -> None:
        own = random.Random(seed)
        for number in numbers:
            if number in dies_at:
                provided.clear()
                provider.kill()
                # Who asks just now is refused; the others wait, or all that is left would be refused.
                await asyncio.sleep(0.1)
                await asyncio.to_thread(provider.start)
                provided.set()
            await provided.wait()
            load.sent.append(await _call(gateway, own, f"c{number}"))

    watch = asyncio.create_task(_watch(gateway, load))
    async with asyncio.TaskGroup() as group:
        group.create_task(_hold(gateway, load, held_s))
        for _ in range(CLIENTS):
            group.create_task(client(rng.getrandbits(32)))
    if watch.done():
        watch.result()
    watch.cancel()
    return load


def run_mixed(
    gateway: Served, provider: ProviderProcess, rng: random.Random, calls: int, *, deaths: int, held_s: float
) -> Load:
    """Send so many calls to a gateway that runs; the provider dies so many times meanwhile, and another process holds
    the database for the first seconds."""
    return asyncio.run(_all(gateway, provider, rng, calls, deaths, held_s))


_HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
connection.execute("ROLLBACK")
"""


@contextlib.contextmanager
def held_database(folder: Path) -> Iterator[None]:
    """Another process holds the lock that every writer needs."""
    command = [sys.executable, "-c", _HOLD, str(folder / "usage.db")]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        yield
    finally:
        holder.communicate("")
        assert holder.returncode == 0


def completeness(gateway: Served) -> dict[str, Any]:
    return dict(
        gateway.get(f"{USAGE}/summary?from=2000-01-01&to=2000-01-02", key=gateway.key("admin"))["completeness"]
    )


def unexplained(reading: Mapping[str, Any]) -> list[str]:
    """Where the named differences do not come to what lies between two counts."""
    sums: Counter[str] = Counter()
    for difference in reading["differences"]:
        sums[difference["of"]] += difference["count"]
    between = {"written": reading["seen"] - reading["written"], "priced": reading["written"] - reading["priced"]}
    return [f"{gap} are not {of}, {sums[of]} are named: {reading}" for of, gap in between.items() if gap != sums[of]]


def mixed_faults(gateway: Served, provider: ProviderProcess, load: Load) -> list[str]:
    """What is not as it must be, once all calls are over and all is written."""
    counts = gateway.settle()
    rows, reading = gateway.records(), completeness(gateway)
    entries = {entry["prompt"].removeprefix("I am ").partition(".")[0]: entry for entry in provider.ledger()}
    return [
        *_unequal_calls(rows, entries, load, counts["seen"]),
        *(fault for row in rows if (fault := _unlike(row, entries.get(row.end_user or ""))) is not None),
        *unexplained(reading),
        *_misnamed(rows, reading),
        *unequal_buckets(gateway),
    ]


def _unequal_calls(
    rows: Sequence[ExchangeRecord], entries: Mapping[str, Any], load: Load, seen: int
) -> Iterator[str]:
    per_user = Counter(row.end_user for row in rows)
    if len(rows) != seen:
        yield f"{seen} exchanges were seen, {len(rows)} rows are there."
    if len({row.id for row in rows}) != len(rows):
        yield "An id is there twice."
    yield from (f"{user} has {times} rows." for user, times in per_user.items() if times > 1)
    yield from (
        f"{sent.user} was answered and has no row." for sent in load.sent if sent.answered and not per_user[sent.user]
    )
    yield from (f"{row.end_user} failed inside the gateway." for row in rows if row.error_type == "internal")
    yield from (f"The provider was called for {user}, which has no row." for user in entries if not per_user[user])


def _unlike(row: ExchangeRecord, entry: Mapping[str, Any] | None) -> str | None:
    """How this row differs from the provider's ledger without saying why."""
    told = entry["reported"] if entry is not None else None
    recorded = {name: getattr(row, column) for name, column in TOKENS.items()}
    where = f"{row.end_user} ({row.door}, {row.provider}, {row.outcome}, {row.error_type}, {entry and entry['behaviours']})"
    match row.usage_source:
        case "provider":
            if entry is None:
                # The provider died before it could note what it had said.
                return None
            wanted = {name: told[name] for name in TOKENS} if told else None
            return None if recorded == wanted else f"{where}: the row says {recorded}, the provider said {wanted}."
        case "partial":
            fits = row.outcome != "ok" and (told is None or recorded["input"] == told["input"])
        case "estimated":
            fits = row.outcome != "ok" or told is None
        case _:
            fits = row.outcome != "ok" and recorded == dict.fromkeys(TOKENS)
    why = row.error_type is not None or (row.usage_source == "estimated" and row.outcome == "ok")
    return None if fits and why else f"{where}: {row.usage_source} {recorded}, and the provider said {told}."


def _misnamed(rows: Sequence[ExchangeRecord], reading: Mapping[str, Any]) -> Iterator[str]:
    """The meter names what the rows say, kind by kind; every row is of this run."""
    wanted = {
        "estimated": sum(row.usage_source == "estimated" for row in rows),
        "partial": sum(row.usage_source == "partial" for row in rows),
        "use_unknown": sum(row.use_unknown for row in rows),
        "not_used": sum(row.cost_nano is None and not row.unpriced for row in rows),
        "no_price": sum(row.cost_nano is None and row.usage_source != "none" for row in rows),
        "unreadable": sum(row.error_type == "unreadable_answer" for row in rows),
        "contradictory": sum(map(contradictory, rows)),
        "price_fuzzy": sum(row.price_fuzzy for row in rows),
    }
    named = {difference["kind"]: difference["count"] for difference in reading["differences"]}
    if named != (counted := {kind: count for kind, count in wanted.items() if count}):
        yield f"The meter names {named}, the rows say {counted}."
