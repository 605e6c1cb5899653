"""`python -m tests.soak [--kills 200] [--minutes 15] [--seed N]`: exit 1 and a line for each fault where there is one."""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.endtoend.serving import Served, upstreams
from tests.provider.client import ProviderProcess
from tests.soak.rounds import REQUESTS, Totals, faults, run_round

SHOWN_EVERY = 20
CHECKED_EVERY = 50


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.soak")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=15.0, help="end early after this long")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    began = time.monotonic()
    totals, found = Totals(), list[str]()
    print(f"Seed {arguments.seed}: {arguments.kills} kills, each during {REQUESTS} concurrent requests.", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="faregate-soak-") as folder,
        ProviderProcess(Path(folder) / "ledger.jsonl", seed=arguments.seed) as provider,
    ):
        gateway = Served(Path(folder) / "home", **upstreams(provider.base_urls))
        gateway.key()
        while totals.kills < arguments.kills and time.monotonic() - began < arguments.minutes * 60:
            run_round(gateway, rng, totals)
            if totals.kills % CHECKED_EVERY == 0:
                found = checked(gateway, provider, totals)
            if totals.kills % SHOWN_EVERY == 0:
                print(f"{totals.kills} kills, {len(totals.received)} answers received in full", flush=True)
            if found:
                break
        found = found or checked(gateway, provider, totals)
        outcomes = Counter(row.outcome for row in gateway.records())
    seconds = time.monotonic() - began
    for fault in found[:50]:
        print(fault)
    print(
        f"{totals.kills} kills, {totals.sent} requests, {len(totals.received)} answers received in full, "
        f"{outcomes.total()} rows ({', '.join(f'{count} {outcome}' for outcome, count in outcomes.items())}), "
        f"{len(found)} faults, {seconds:.0f} s."
    )
    return 1 if found or totals.kills < arguments.kills else 0


def checked(gateway: Served, provider: ProviderProcess, totals: Totals) -> list[str]:
    """Starts the gateway, which replays its journal, compares, and stops it in good order."""
    gateway.start()
    found = faults(gateway, provider, totals)
    code = gateway.stop()
    return found if code == 0 else [*found, f"The gateway ended with code {code} when asked to stop."]


if __name__ == "__main__":
    sys.exit(main())
