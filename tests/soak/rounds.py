"""One round: a gateway is started, many requests run at once, and `kill -9` ends it at a random moment.

Each request bears a name of its own, as end user for the row and in the prompt for the provider's ledger, so that
rows, calls and received answers can be compared one by one: a row for every call, one only, and a row that is
complete for every answer that its client had in full.
"""

import asyncio
import random
import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from gateway.records import ExchangeRecord
from tests.endtoend.serving import CHAT, MODELS, PROVIDERS, Served, opened
from tests.provider.client import ProviderProcess

REQUESTS = 200
# How long after the last answer that is waited for: within another one, or between two.
KILL_WITHIN_S = 0.1


@dataclass(frozen=True)
class Received:
    """An answer that its client had in full."""

    request_id: str
    upstream_id: str
    user: str


@dataclass
class Totals:
    """What has been seen over all rounds."""

    kills: int = 0
    sent: int = 0
    received: list[Received] = field(default_factory=list)


async def _ask(session: aiohttp.ClientSession, url: str, rng: random.Random, user: str) -> Received | None:
    """One request to its end; None where the answer did not come in full."""
    streamed = rng.random() < 0.6
    slow = f" [[slow:{rng.randint(5, 60)}]]" if rng.random() < 0.5 else ""
    model = MODELS[rng.choice(PROVIDERS)]
    body: dict[str, Any] = {
        "model": model,
        "stream": streamed,
        "messages": [{"role": "user", "content": f"I am {user}.{slow}"}],
    }
    try:
        async with session.post(url + CHAT, json=body, headers={"x-user": user}) as answer:
            data = await answer.read()
            complete = answer.status == 200 and (not streamed or data.endswith(b"data: [DONE]\n\n"))
            headers = answer.headers
    except (aiohttp.ClientError, OSError):
        return None
    if not complete:
        return None
    return Received(headers["x-request-id"], headers["x-faregate-upstream-request-id"], user)


async def _load(gateway: Served, rng: random.Random, name: str, requests: int, after: int) -> list[Received]:
    """Ask everything at once; end the gateway a moment after so many answers, however long the machine takes."""
    headers = {"authorization": f"Bearer {gateway.key()}"}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(_ask(session, gateway.url, rng, f"{name}-{number}")) for number in range(requests)
            ]
            while sum(task.done() for task in tasks) < after:
                await asyncio.sleep(0.002)
            await asyncio.sleep(rng.uniform(0.0, KILL_WITHIN_S))
            gateway.process.kill()
        return [answer for task in tasks if (answer := task.result()) is not None]


def run_round(
    gateway: Served, provider: ProviderProcess, rng: random.Random, totals: Totals, requests: int = REQUESTS
) -> tuple[int, list[str]]:
    """Start, compare what the last kill left, load, kill: after how many answers, and the faults. The gateway is left
    dead."""
    gateway.start()
    found = faults(gateway, provider, totals)
    after = rng.randrange(requests)
    totals.received += asyncio.run(_load(gateway, rng, f"r{totals.kills}", requests, after))
    totals.sent += requests
    totals.kills += 1
    gateway.kill()
    return after, found


def faults(gateway: Served, provider: ProviderProcess, totals: Totals) -> list[str]:
    """What is not as it must be, once the gateway has been started again and has replayed its journal."""
    rows = gateway.records()
    ledger = provider.ledger()
    return [
        *_unequal_counts(rows, ledger),
        *_unequal_answers({row.id: row for row in rows}, {entry["request_id"]: entry for entry in ledger}, totals),
        *unequal_buckets(gateway),
    ]


def _unequal_counts(rows: list[ExchangeRecord], ledger: list[dict[str, Any]]) -> list[str]:
    per_id = Counter(row.id for row in rows)
    per_user = Counter(row.end_user for row in rows)
    called = Counter(entry["prompt"].removeprefix("I am ").partition(".")[0] for entry in ledger)
    found = [f"The row {id} is there {times} times." for id, times in per_id.items() if times > 1]
    found += [f"The request {user} has {times} rows." for user, times in per_user.items() if times > 1]
    found += [f"The provider was called for {user}, and there is no row." for user in called if user not in per_user]
    return found


def _unequal_answers(
    rows: Mapping[str, ExchangeRecord], entries: Mapping[str, Mapping[str, Any]], totals: Totals
) -> list[str]:
    found = []
    for answer in totals.received:
        row, entry = rows.get(answer.request_id), entries[answer.upstream_id]
        if row is None:
            found.append(f"{answer.user} has its answer, and there is no row.")
            continue
        recorded = (row.outcome, row.upstream_request_id, row.end_user, row.input_tokens, row.output_tokens)
        if recorded != ("ok", answer.upstream_id, answer.user, entry["input"], entry["output"]):
            found.append(f"{answer.user} has its answer, and its row says {recorded}.")
    return found


def unequal_buckets(gateway: Served) -> list[str]:
    with opened(gateway.folder) as store:
        found = store.check()
    with closing(sqlite3.connect(gateway.folder / "usage.db")) as connection:
        integrity = connection.execute("PRAGMA integrity_check").fetchone()[0]
    return found if integrity == "ok" else [*found, f"The database is damaged: {integrity}"]
