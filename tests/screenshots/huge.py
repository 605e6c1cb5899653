"""More than anybody has by hand: the demo's folder with 300,000 requests, thousands of conversations, many keys."""

import contextlib
from collections.abc import Iterator

from msgspec.structs import replace

from gateway import DataFolder, UsageQuery
from gateway.access import AccessKeys
from gateway.records import ExchangeRecord
from gateway.sealing import make_seal_key
from gateway.store import UsageStore
from gateway.store.thread_store import ThreadStore
from tests.store.tellings import START_US, assistant, told, user

ROWS, THREADS, TURNS, KEYS = 300_000, 2_000, 300, 240
LONG = "Port the billing service, file by file"
ROOM = 20  # Tellings that surely find room: one that finds none is not kept.
_STEP_US = 1_370_003
_S = 1_000_000


def make_huge(folder: DataFolder) -> None:
    """Repeats what the folder's rows are, each some seconds later, until there are ROWS of them."""
    store = UsageStore(folder.path)
    store.start()
    try:
        rows = list(store.iter_requests(UsageQuery()))
        latest = max(row.started_us for row in rows)
        store.insert_history(_repeated(rows))
    finally:
        store.close()
    _many_threads(folder, latest)
    with contextlib.closing(AccessKeys(folder)) as keys:
        for number in range(KEYS):
            keys.create(f"service-{number:03d}", "execute", f"team-{number % 12}")


def _repeated(rows: list[ExchangeRecord]) -> Iterator[ExchangeRecord]:
    for round_ in range(1, ROWS // len(rows) + 1):
        for row in rows:
            # Earlier, so that nothing lies ahead of now.
            us = row.started_us - round_ * _STEP_US
            yield replace(row, id=f"{row.id}-{round_}", started_us=us, attempts=())


def _many_threads(folder: DataFolder, latest_us: int) -> None:
    store = ThreadStore(folder.path, key=make_seal_key(folder.seal_key))
    store.start()
    try:
        now_s = (latest_us - START_US) / _S
        for number in range(THREADS):
            said = [user(f"Question {number}: what changed in release {number % 90}?")]
            name = f"huge-{number}"
            answer = "Nothing that a client would see."
            store.put(told(now_s - 60 * number, said, answer, conversation=name, request_id=name))
            if number % ROOM == 0:
                store.flush(600)
        history = []
        for turn in range(TURNS):
            history.append(user(LONG if not turn else f"Go on with file {turn}."))
            answer = f"File {turn} is ported; its tests pass, and nothing else uses what it exported."
            at_s, id = now_s - 3600 + 10 * turn, f"huge-long-{turn}"
            store.put(told(at_s, history[-20:], answer, conversation="huge-long", request_id=id))
            if turn % ROOM == 0:
                store.flush(600)
            history.append(assistant(answer))
        store.flush(600)
    finally:
        store.close()
