"""Comparisons of the fake gateway: answers from a script, told in steps, and ratings kept in memory."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gateway import (
    AnswerEstimate,
    Changes,
    ClientError,
    ComparedAnswer,
    Comparison,
    ExchangeRecord,
    FaregateError,
    Part,
    RatedAnswer,
    RatedModel,
    Reasoning,
    Text,
)
from tests.app.fake_data import MODELS, provider_rows

SECOND = 1_000_000
Tell = Callable[[ComparedAnswer], None]

UNKNOWN = "house-model-7"


class Script(Struct, frozen=True, kw_only=True):
    """What a model answers. `outcome` other than ok: it broke off after its text."""

    parts: tuple[Part, ...] = (Text("An answer."),)
    ttft_us: int = 400_000
    latency_us: int = 2 * SECOND
    output_tokens: int = 120
    outcome: str = "ok"
    status: int = 200
    error_type: str | None = None
    error_message: str | None = None


class FakeComparisons:
    """`scripts` by model; `held` makes answers wait, half told, until `release` or until they are given up."""

    now_us: int
    rows: list[ExchangeRecord]
    changed: Callable[[Changes], None]

    def __init__(self) -> None:
        self.scripts: dict[str, Script] = {}
        self.kept: dict[str, RatedAnswer] = {}
        self.asked: list[Mapping[str, Any]] = []
        self.held = False
        self._waiting: dict[tuple[str, int], asyncio.Future[str]] = {}
        self._count = 0

    def _note(self, call: str) -> None:
        raise NotImplementedError

    async def compare(
        self, models: Sequence[str], request: Mapping[str, Any], *, id: str | None = None, told: Tell | None = None
    ) -> Comparison:
        self._note(f"compare {' '.join(models)}")
        if not request["messages"]:
            raise ClientError("`request` must be a chat body: its `messages` are a list of objects.", param="request")
        self.asked.append(request)
        self._count += 1
        id = id or f"cmp_{self._count}"
        answers = await asyncio.gather(
            *(self._answer(id, place, model, request, told) for place, model in enumerate(models))
        )
        self.changed(Changes(comparisons=True))
        return Comparison(id=id, at_us=self.now_us, answers=tuple(answers))

    async def ask_again(
        self, comparison: str, place: int, model: str, request: Mapping[str, Any], *, told: Tell | None = None
    ) -> ComparedAnswer:
        self._note(f"ask_again {model}")
        self.asked.append(request)
        return await self._answer(comparison, place, model, request, told)

    def cancel_comparison(self, id: str, place: int | None = None) -> None:
        self._note(f"cancel_comparison {id} {'all' if place is None else place}")
        for (comparison, number), waiting in list(self._waiting.items()):
            if comparison == id and place in (None, number) and not waiting.done():
                waiting.set_result("aborted")

    def release(self, place: int | None = None) -> None:
        """Let what is held come to its end."""
        for (_, number), waiting in list(self._waiting.items()):
            if place in (None, number) and not waiting.done():
                waiting.set_result("")

    async def _answer(
        self, id: str, place: int, model: str, request: Mapping[str, Any], told: Tell | None
    ) -> ComparedAnswer:
        script = self.scripts.get(model, Script())
        self._count += 1
        answer = ComparedAnswer(
            comparison=id,
            place=place,
            model=model,
            request_id=f"req_cmp_{self._count}",
            started_us=self.now_us,
        )
        tell = told or (lambda _answer: None)
        tell(answer)
        begun = replace(answer, state="answering", parts=_half(script.parts), ttft_us=script.ttft_us)
        tell(begun)
        outcome = script.outcome
        if self.held:
            waiting = self._waiting[id, place] = asyncio.get_running_loop().create_future()
            outcome = await waiting or outcome
            del self._waiting[id, place]
        parts = script.parts if outcome == "ok" else begun.parts
        record = _record(answer, script, outcome)
        self.rows.insert(0, record)
        done = replace(begun, state=outcome, parts=parts, record=record)
        self._keep(done, record, request)
        tell(done)
        return done

    def _keep(self, answer: ComparedAnswer, row: ExchangeRecord, request: Mapping[str, Any]) -> None:
        said = [each["content"] for each in request["messages"] if each["role"] == "user"]
        self.kept[row.id] = RatedAnswer(
            request_id=row.id,
            comparison=answer.comparison,
            at_us=row.started_us,
            owner="window",
            key="Faregate window",
            prompt_hash=hashlib.sha256(str(said).encode()).hexdigest(),
            prompt=str(said[-1]) if said else None,
            place=answer.place,
            model_requested=answer.model,
            model=row.model or answer.model,
            provider=row.provider,
            outcome=row.outcome,
            error_type=row.error_type,
            input_tokens=row.input_tokens,
            output_tokens=row.output_tokens,
            cost_nano=row.cost_nano,
            cost_source=row.cost_source,
            cost_estimated=row.cost_estimated,
            ttft_us=row.ttft_us,
            latency_us=row.latency_us,
        )

    def estimate_comparison(self, models: Sequence[str], request: Mapping[str, Any]) -> tuple[AnswerEstimate, ...]:
        tokens = sum(len(str(each["content"])) for each in request["messages"]) // 4
        most = request.get("max_completion_tokens")
        found = []
        for model in models:
            price = next((row for row in MODELS if row[0] == model), None)
            keyless = {row.name for row in provider_rows(0) if row.key_source == "none"}
            cost = None
            if price is not None and price[3] is not None and price[4] is not None:
                cost = tokens * price[3] + (most or 500) * price[4]
            found.append(
                AnswerEstimate(
                    model=model,
                    provider=price[1] if price else None,
                    input_tokens=tokens,
                    output_tokens=most or 500,
                    bounded=most is not None,
                    cost_nano=cost,
                    problem="No key for xAI is stored: add it under Providers."
                    if price and price[1] in keyless
                    else f"The model '{model}' is not known. GET /api/ai/v1/models lists what is known."
                    if model == UNKNOWN
                    else None,
                )
            )
        return tuple(found)

    # ratings

    async def rate(self, request_id: str, stars: int, note: str = "") -> RatedAnswer:
        self._note(f"rate {request_id} {stars} {note}".rstrip())
        return self._change(request_id, stars=stars, note=note, rated_us=self.now_us)

    async def remove_rating(self, request_id: str) -> RatedAnswer:
        self._note(f"remove_rating {request_id}")
        return self._change(request_id, stars=None, note="", rated_us=None)

    async def compared_answer(self, request_id: str) -> RatedAnswer:
        self._note(f"compared_answer {request_id}")
        if request_id not in self.kept:
            raise FaregateError("No answer of a comparison has this request id.")
        return self.kept[request_id]

    def _change(self, request_id: str, **fields: object) -> RatedAnswer:
        if request_id not in self.kept:
            raise FaregateError("No answer of a comparison has this request id.")
        self.kept[request_id] = replace(self.kept[request_id], **fields)
        self.changed(Changes(comparisons=True))
        return self.kept[request_id]

    async def ratings(self, *, limit: int = 100) -> tuple[RatedAnswer, ...]:
        self._note("ratings")
        rated = [row for row in self.kept.values() if row.stars is not None]
        return tuple(sorted(rated, key=lambda row: row.rated_us or 0, reverse=True)[:limit])

    async def comparisons(self, *, limit: int = 100) -> tuple[RatedAnswer, ...]:
        self._note("comparisons")
        latest = sorted({(row.at_us, row.comparison) for row in self.kept.values()}, reverse=True)[:limit]
        return tuple(
            row
            for _, comparison in latest
            for row in sorted(self.kept.values(), key=lambda each: each.place)
            if row.comparison == comparison
        )

    async def rated_models(self) -> tuple[RatedModel, ...]:
        self._note("rated_models")
        groups: dict[tuple[str | None, str], list[RatedAnswer]] = {}
        for row in self.kept.values():
            if row.stars is not None:
                groups.setdefault((row.provider, row.model), []).append(row)
        made = [
            RatedModel(
                provider=provider,
                model=model,
                ratings=len(rows),
                stars=_mean([row.stars for row in rows]) or 0,
                cost_nano=_mean([row.cost_nano for row in rows]),
                costs_estimated=sum(row.cost_estimated for row in rows),
                ttft_us=_mean([row.ttft_us for row in rows]),
                latency_us=_mean([row.latency_us for row in rows]),
                output_tokens=_mean([row.output_tokens for row in rows]),
            )
            for (provider, model), rows in groups.items()
        ]
        return tuple(sorted(made, key=lambda each: -each.stars))


def _mean(values: Sequence[int | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _half(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """The first part, and the first half of its text."""
    first = parts[0] if parts else None
    if isinstance(first, Text | Reasoning):
        return (replace(first, text=first.text[: len(first.text) // 2]),)
    return ()


def _record(answer: ComparedAnswer, script: Script, outcome: str) -> ExchangeRecord:
    price = next((row for row in MODELS if row[0] == answer.model), None)
    given_up = outcome == "aborted"
    counted = outcome == "ok"
    tokens_in = 80 if counted else None
    cost = None
    if counted and price is not None and price[3] is not None and price[4] is not None:
        cost = 80 * price[3] + script.output_tokens * price[4]
    return ExchangeRecord(
        id=answer.request_id,
        started_us=answer.started_us,
        door="openai_chat",
        key_id="window",
        key="Faregate window",
        provider=price[1] if price else None,
        model_requested=answer.model,
        model=answer.model,
        tags=(f"compare:{answer.comparison}", "source:compare"),
        streamed=True,
        status=499 if given_up else script.status,
        outcome=outcome,
        error_type="client_left" if given_up else script.error_type,
        error_message="The client closed the connection." if given_up else script.error_message,
        input_tokens=tokens_in,
        output_tokens=script.output_tokens if counted else None,
        usage_source="provider" if counted else "none",
        cost_nano=cost,
        cost_source="list" if cost is not None else "none",
        latency_us=script.latency_us,
        ttft_us=script.ttft_us,
        client="Faregate",
    )
