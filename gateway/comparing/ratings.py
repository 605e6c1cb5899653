"""Comparisons that were made, and what people thought of their answers, in `state.db`.

An answer's figures are kept as they were when it came: re-pricing and retention of the rows do not change what a
rating was given for. The question and the notes are sealed; the question is kept only where the capture keeps it,
and goes when what was said goes. Everything here may wait for the disk: call it from a worker thread.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import asdict

from gateway import state_db
from gateway.comparing.comparison_records import LEAST_STARS, MOST_STARS, ComparedAnswer, RatedAnswer, RatedModel
from gateway.errors import FaregateError
from gateway.folder import DataFolder
from gateway.keys.access import Principal
from gateway.keys.sealing import Seal, SealBroken, derive_for
from gateway.store.chain import Hasher

LONGEST_NOTE = 2000
LONGEST_PROMPT = 16_000
MOST_LISTED = 1000
_PURPOSE = "ratings"

_KEEP = (
    "INSERT INTO comparisons (id, at_us, owner, key, prompt_hash) VALUES (:id, :at_us, :owner, :key, :prompt_hash)"
    " ON CONFLICT DO NOTHING"
)
_ANSWER_FIELDS = (
    "request_id",
    "comparison",
    "place",
    "model_requested",
    "model",
    "provider",
    "outcome",
    "error_type",
    "input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cost_nano",
    "cost_source",
    "cost_estimated",
    "ttft_us",
    "latency_us",
)
_KEEP_ANSWER = (
    f"INSERT INTO compared_answers ({', '.join(_ANSWER_FIELDS)}) VALUES (:{', :'.join(_ANSWER_FIELDS)})"
    " ON CONFLICT DO NOTHING"
)
_KEEP_PROMPT = "UPDATE comparisons SET prompt = ? WHERE id = ? AND prompt IS NULL"
_RATE = (
    "UPDATE compared_answers SET stars = ?, note = ?, rated_us = ? WHERE request_id = ? AND EXISTS"
    " (SELECT 1 FROM comparisons c WHERE c.id = comparison AND (?5 IS NULL OR c.owner = ?5))"
)
_SELECT = (
    "SELECT a.*, c.at_us, c.owner, c.key, c.prompt_hash, c.prompt FROM compared_answers a"
    " JOIN comparisons c ON c.id = a.comparison WHERE (:owner IS NULL OR c.owner = :owner)"
)
_ONE = f"{_SELECT} AND a.request_id = :request_id"
_RATED = (
    f"{_SELECT} AND a.stars IS NOT NULL AND (:model IS NULL OR a.model = :model)"
    " AND (:provider IS NULL OR a.provider = :provider) ORDER BY a.rated_us DESC, a.request_id LIMIT :limit"
)
_LATEST = (
    "SELECT a.*, c.at_us, c.owner, c.key, c.prompt_hash, c.prompt FROM (SELECT * FROM comparisons"
    " ORDER BY at_us DESC, id LIMIT :limit) c"
    " JOIN compared_answers a ON a.comparison = c.id ORDER BY c.at_us DESC, c.id, a.place"
)
_MODELS = (
    "SELECT a.provider, a.model, COUNT(*) AS ratings, AVG(a.stars) AS stars, AVG(a.cost_nano) AS cost_nano,"
    " SUM(a.cost_estimated) AS costs_estimated,"
    " AVG(a.ttft_us) AS ttft_us, AVG(a.latency_us) AS latency_us, AVG(a.output_tokens) AS output_tokens"
    " FROM compared_answers a JOIN comparisons c ON c.id = a.comparison"
    " WHERE a.stars IS NOT NULL AND (:owner IS NULL OR c.owner = :owner)"
    " GROUP BY a.provider, a.model ORDER BY stars DESC, ratings DESC, a.model"
)
_FORGET_PROMPTS = "UPDATE comparisons SET prompt = NULL WHERE prompt IS NOT NULL AND at_us < ?"
_FORGET_PROMPTS_OF = (
    "UPDATE comparisons SET prompt = NULL WHERE id IN (SELECT comparison FROM compared_answers WHERE request_id IN"
    " (SELECT value FROM json_each(?)))"
)
# A comparison with a rating stays: it was made by the user's own hand, and is what the ratings over time are made of.
_OLD = (
    "SELECT id FROM comparisons c WHERE at_us < ? AND NOT EXISTS"
    " (SELECT 1 FROM compared_answers a WHERE a.comparison = c.id AND a.stars IS NOT NULL)"
)
_FORGET_OLD = (
    f"DELETE FROM compared_answers WHERE comparison IN ({_OLD})",
    f"DELETE FROM comparisons WHERE id IN ({_OLD})",
)


class RatingError(FaregateError):
    """A rating that cannot be."""

    exit_code = 2


class NoSuchAnswer(FaregateError):
    """No answer of a comparison, or somebody else's."""


class Ratings:
    """Those of one data folder. Thread-safe. `owner` is a key's id: None where everybody's count."""

    def __init__(self, folder: DataFolder, key: bytes) -> None:
        self._lock = threading.RLock()
        self._hasher = Hasher(derive_for(key, _PURPOSE))
        self._seal = Seal(key, _PURPOSE)
        self._connection = state_db.connect(folder.state_db)

    def begin(self, id: str, principal: Principal, asked: bytes) -> None:
        """A comparison begins. `asked` is what every model is asked: only its hash is kept."""
        fields = {
            "id": id,
            "at_us": time.time_ns() // 1000,
            "owner": principal.key_id,
            "key": principal.key_name,
            "prompt_hash": self._hasher.content(0, asked).hex(),
        }
        with self._lock, state_db.transaction(self._connection):
            self._connection.execute(_KEEP, fields)

    def keep(self, answer: ComparedAnswer) -> None:
        """An answer of a comparison that began, as it came out; one that left no row is not kept."""
        if answer.record is None:
            return
        row = asdict(answer.record)
        row |= {"request_id": answer.request_id, "comparison": answer.comparison, "place": answer.place}
        row |= {"model_requested": answer.model, "model": answer.record.model or answer.model}
        row["cost_estimated"] = answer.record.cost_estimated
        with self._lock, state_db.transaction(self._connection):
            self._connection.execute(_KEEP_ANSWER, {name: row[name] for name in _ANSWER_FIELDS})

    def keep_prompt(self, comparison: str, prompt: str) -> None:
        """What was asked, in words that may be kept; the first words stand."""
        sealed = self._seal.close(prompt[:LONGEST_PROMPT].encode("utf-8", "replace"), _associated("p", comparison))
        with self._lock, state_db.transaction(self._connection):
            self._connection.execute(_KEEP_PROMPT, (sealed, comparison))

    def rate(self, request_id: str, stars: int, note: str = "", *, owner: str | None = None) -> RatedAnswer:
        """Give an answer its rating, or another one. Raises RatingError or NoSuchAnswer."""
        note = note.strip()
        if isinstance(stars, bool) or not LEAST_STARS <= stars <= MOST_STARS:
            raise RatingError(f"A rating is a whole number of stars from {LEAST_STARS} to {MOST_STARS}.")
        if len(note) > LONGEST_NOTE:
            raise RatingError(f"A note may have {LONGEST_NOTE:,} characters.")
        sealed = None
        if note:
            sealed = self._seal.close(note.encode("utf-8", "replace"), _associated("n", request_id))
        return self._change(request_id, (stars, sealed, time.time_ns() // 1000), owner)

    def remove(self, request_id: str, *, owner: str | None = None) -> RatedAnswer:
        """Take a rating back, with its note; the answer's figures stay. Raises NoSuchAnswer."""
        return self._change(request_id, (None, None, None), owner)

    def one(self, request_id: str, *, owner: str | None = None) -> RatedAnswer:
        """An answer, rated or not. Raises NoSuchAnswer."""
        found = self._rows(_ONE, {"request_id": request_id, "owner": owner})
        if not found:
            raise NoSuchAnswer("No answer of a comparison has this request id.")
        return found[0]

    def rated(
        self, *, model: str | None = None, provider: str | None = None, limit: int = 100, owner: str | None = None
    ) -> tuple[RatedAnswer, ...]:
        """Answers that have a rating, the latest rating first."""
        return self._rows(_RATED, {"model": model, "provider": provider, "limit": limit, "owner": owner})

    def latest(self, *, limit: int = 100) -> tuple[RatedAnswer, ...]:
        """The answers of the `limit` latest comparisons, the latest first, each comparison's in their order."""
        return self._rows(_LATEST, {"limit": limit})

    def models(self, *, owner: str | None = None) -> tuple[RatedModel, ...]:
        """All models that have a rating, the best first."""
        with self._lock:
            cursor = self._connection.execute(_MODELS, {"owner": owner})
            names = [column[0] for column in cursor.description]
            return tuple(msgspec.convert(dict(zip(names, row, strict=True)), RatedModel) for row in cursor)

    def forget(self, *, prompts_before_us: int | None, unrated_before_us: int | None) -> None:
        """Take away what is too old; None keeps it all."""
        with self._lock, state_db.transaction(self._connection):
            if prompts_before_us is not None:
                self._connection.execute(_FORGET_PROMPTS, (prompts_before_us,))
            if unrated_before_us is not None:
                for statement in _FORGET_OLD:
                    self._connection.execute(statement, (unrated_before_us,))

    def forget_prompts_of(self, request_ids: Sequence[str]) -> None:
        """What was asked by these exchanges is gone for good; ratings and notes stay."""
        with self._lock, state_db.transaction(self._connection):
            self._connection.execute(_FORGET_PROMPTS_OF, (msgspec.json.encode(request_ids).decode(),))

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _change(
        self, request_id: str, rating: tuple[int | None, bytes | None, int | None], owner: str | None
    ) -> RatedAnswer:
        with self._lock:
            with state_db.transaction(self._connection):
                changed = self._connection.execute(_RATE, (*rating, request_id, owner)).rowcount
            if changed != 1:
                raise NoSuchAnswer("No answer of a comparison has this request id.")
            return self.one(request_id)

    def _rows(self, statement: str, parameters: Mapping[str, Any]) -> tuple[RatedAnswer, ...]:
        with self._lock:
            cursor = self._connection.execute(statement, parameters)
            names = [column[0] for column in cursor.description]
            found = [dict(zip(names, row, strict=True)) for row in cursor]
        return tuple(self._row(fields) for fields in found)

    def _row(self, fields: dict[str, Any]) -> RatedAnswer:
        fields["prompt"] = self._opened(fields["prompt"], _associated("p", fields["comparison"]))
        fields["cost_estimated"] = bool(fields["cost_estimated"])
        fields["note"] = self._opened(fields["note"], _associated("n", fields["request_id"])) or ""
        return msgspec.convert(fields, RatedAnswer)

    def _opened(self, sealed: bytes | None, associated: bytes) -> str | None:
        """None where it cannot be opened any more: the figures are worth showing without it."""
        if sealed is None:
            return None
        try:
            return self._seal.open(sealed, associated).decode()
        except SealBroken:
            return None


def _associated(kind: str, id: str) -> bytes:
    return f"{kind}:{id}".encode()
