"""`python -m tests.soak [--calls 10000] [--kills 200] [--minutes 30] [--seed N]`: exit 1 and a line for each fault.

First the mixed calls, while another process holds the database for half a minute; then a disk that fills up; then a
store whose combinations are counted, held and killed as well; then the kills of a gateway, with rows, ledger and buckets
compared after each.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from gateway.records import ExchangeRecord
from tests.endtoend.serving import Served, upstreams
from tests.provider.client import ProviderProcess
from tests.soak.counted import held_counting, killed_counting
from tests.soak.full_disk import disk, run_full
from tests.soak.mixed import LIMITS, mixed_faults, run_mixed
from tests.soak.rounds import REQUESTS, Totals, faults, run_round

DEATHS = 5
HELD_S = 30.0
KILLS_OF_A_FOLDER = 20


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.soak")
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=30.0, help="kill no more after this long")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    arguments = parser.parse_args()
    print(f"Seed {arguments.seed}.", flush=True)
    rng, ends = random.Random(arguments.seed), time.monotonic() + arguments.minutes * 60
    found = []
    with tempfile.TemporaryDirectory(prefix="faregate-soak-") as folder:
        if arguments.calls:
            found += mixed(Path(folder) / "mixed", rng, arguments.calls)
            found += filled(Path(folder) / "filled", rng)
            found += held_counting(Path(folder) / "held", HELD_S)
        if arguments.kills:
            found += killed_counting(Path(folder) / "counted", rng, arguments.kills // 2, ends)
            found += killed(Path(folder) / "killed", rng, arguments.kills, ends)
    for fault in found[:50]:
        print(fault)
    print(f"{len(found)} faults.")
    return 1 if found else 0


def words(rows: list[ExchangeRecord]) -> str:
    counted = Counter(row.outcome for row in rows), Counter(row.usage_source for row in rows)
    parts = [", ".join(f"{count} {name}" for name, count in sorted(counts.items())) for counts in counted]
    return f"{len(rows)} rows ({parts[0]}; counts: {parts[1]})"


def served(folder: Path, provider: ProviderProcess, **limits: str) -> Served:
    gateway = Served(folder, **upstreams(provider.base_urls), **limits)
    gateway.key()
    gateway.key("admin")
    return gateway


def stopped(gateway: Served) -> list[str]:
    code = gateway.stop()
    return [f"The gateway ended with code {code} when asked to stop."] if code else []


def mixed(folder: Path, rng: random.Random, calls: int) -> list[str]:
    folder.mkdir()
    began = time.monotonic()
    with (
        ProviderProcess(folder / "ledger.jsonl", seed=rng.getrandbits(20)) as provider,
        served(folder / "home", provider, **LIMITS) as gateway,
    ):
        load = run_mixed(gateway, provider, rng, calls, deaths=DEATHS, held_s=HELD_S)
        found = mixed_faults(gateway, provider, load)
        print(
            f"{calls} mixed calls, {DEATHS} deaths of the provider, the database held for {HELD_S:g} s while "
            f"{load.sent_while_held} calls went on: {words(gateway.records())}; named on the way: "
            f"{', '.join(sorted(load.named))}; {len(found)} faults, {time.monotonic() - began:.0f} s.",
            flush=True,
        )
        return found + stopped(gateway)


def filled(folder: Path, rng: random.Random) -> list[str]:
    folder.mkdir()
    with (
        ProviderProcess(folder / "ledger.jsonl", seed=rng.getrandbits(20)) as provider,
        disk(folder / "home") as full,
        served(folder / "home", provider) as gateway,
    ):
        ids, found = run_full(gateway, full)
        rows = gateway.records()
        if sorted(row.id for row in rows) != sorted(ids):
            found.append(f"{len(ids)} calls were answered around a full disk, {len(rows)} rows are there.")
        print(f"{len(ids)} calls around a full disk ({full.kind}): {words(rows)}, {len(found)} faults.", flush=True)
        return found + stopped(gateway)


def killed(folder: Path, rng: random.Random, kills: int, ends: float) -> list[str]:
    """Kills in one folder after another: all that a folder holds is compared after each kill, so what that costs
    follows its age."""
    folder.mkdir()
    began, done, found = time.monotonic(), Totals(), list[str]()
    while done.kills < kills and time.monotonic() < ends and not found:
        totals = Totals()
        found = killed_in(
            folder / f"after-{done.kills}", rng, min(KILLS_OF_A_FOLDER, kills - done.kills), totals, ends
        )
        done.kills += totals.kills
        done.sent += totals.sent
        done.received += totals.received
        print(f"{done.kills} kills, {time.monotonic() - began:.0f} s", flush=True)
    print(
        f"{done.kills} kills, each during {REQUESTS} concurrent requests, {done.sent} in all, "
        f"{len(done.received)} answers received in full, {len(found)} faults, {time.monotonic() - began:.0f} s.",
        flush=True,
    )
    return found if done.kills >= kills else [*found, f"Only {done.kills} kills fitted into the time."]


def killed_in(folder: Path, rng: random.Random, kills: int, totals: Totals, ends: float) -> list[str]:
    """Kills in a folder of their own; the faults of the first after which there were any."""
    folder.mkdir()
    found: list[str] = []
    with ProviderProcess(folder / "ledger.jsonl", seed=rng.getrandbits(20)) as provider:
        gateway = served(folder / "home", provider)
        while totals.kills < kills and time.monotonic() < ends and not found:
            found = run_round(gateway, provider, rng, totals)[1]
        with gateway:
            found = found or faults(gateway, provider, totals)
            print(f"  {words(gateway.records())}, {len(found)} faults", flush=True)
            return found + stopped(gateway)


if __name__ == "__main__":
    sys.exit(main())
