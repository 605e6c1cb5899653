"""More than anybody has by hand: the demo's folder with 300,000 requests, thousands of conversations, many keys and
rated answers."""

import contextlib
from collections.abc import Iterator, Sequence
from itertools import cycle, islice

from msgspec.structs import replace

from gateway import DataFolder, UsageQuery
from gateway.comparing.comparison_records import ComparedAnswer
from gateway.comparing.ratings import Ratings
from gateway.keys.access import AccessKeys
from gateway.keys.sealing import make_seal_key
from gateway.operations.comparisons import WINDOW
from gateway.records import ExchangeRecord
from gateway.store import UsageStore
from gateway.store.thread_store import ThreadStore
from tests.store.tellings import START_US, assistant, told, user

ROWS, THREADS, TURNS, KEYS, COMPARISONS = 300_000, 2_000, 300, 240, 150
_MODELS = 4
ANSWERS = COMPARISONS * _MODELS
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
    _many_ratings(folder, rows)


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


def _many_ratings(folder: DataFolder, rows: Sequence[ExchangeRecord]) -> None:
    """Each model's own requests are its answers, one after another."""
    of_model: dict[str | None, list[ExchangeRecord]] = {}
    for row in rows:
        if row.outcome == "ok":
            of_model.setdefault(row.model, []).append(row)
    often = sorted(of_model.values(), key=len, reverse=True)[:_MODELS]
    ratings = Ratings(folder, make_seal_key(folder.seal_key))
    try:
        for number, records in enumerate(islice(zip(*map(cycle, often), strict=True), COMPARISONS)):
            id = f"huge-{number}"
            question = f"Which of {number + 2} caches is worth its memory, and how would you show it?"
            ratings.begin(id, WINDOW, question.encode())
            for answer in _answers(id, records):
                ratings.keep(answer)
            ratings.keep_prompt(id, question)
            for place in range(_MODELS):
                ratings.rate(f"{id}-{place}", 5 - number % (place + 2))
    finally:
        ratings.close()


def _answers(id: str, records: Sequence[ExchangeRecord]) -> tuple[ComparedAnswer, ...]:
    return tuple(
        ComparedAnswer(
            comparison=id,
            place=place,
            model=record.model or "",
            request_id=f"{id}-{place}",
            started_us=record.started_us,
            state=record.outcome,
            record=record,
        )
        for place, record in enumerate(records)
    )
