"""Comparisons over HTTP: one chat request to several models, and what people thought of the answers.

A key that is no admin's sees and rates the answers that it asked for itself.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from msgspec import Raw, Struct

from gateway.api import admin
from gateway.api.admin import body_as, time_text
from gateway.comparing.comparer import DOOR, ComparisonQuestion, comparison_question
from gateway.comparing.comparison_records import ComparedAnswer, Comparison, RatedAnswer, RatedModel
from gateway.comparing.ratings import MOST_LISTED, NoSuchAnswer
from gateway.dialects.dialect import AnswerContext
from gateway.errors import missing
from gateway.keys.access import Principal
from gateway.model import Refusal, Text
from gateway.parameters import refuse_empty
from gateway.read_api import parse_limit, render_money, render_ms, render_row
from gateway.routes import Call, Route, taking

PATH = "/api/ai/v1/compare"
_FIGURES = (
    "input_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "usage_source",
)
_TOLD = ("provider", "model", "status", "outcome", "cost_usd", "cost_source", "ttft_ms", "latency_ms")


class Comparisons(Protocol):
    """What the routes ask of the gateway. `owner` is a key's id."""

    async def compare_for(
        self, principal: Principal, headers: Mapping[str, str], asked: ComparisonQuestion
    ) -> Comparison: ...

    async def rate(self, request_id: str, stars: int, note: str = "", *, owner: str | None = None) -> RatedAnswer: ...

    async def remove_rating(self, request_id: str, *, owner: str | None = None) -> RatedAnswer: ...

    async def compared_answer(self, request_id: str, *, owner: str | None = None) -> RatedAnswer: ...

    async def ratings(
        self, *, model: str | None = None, provider: str | None = None, limit: int = 100, owner: str | None = None
    ) -> tuple[RatedAnswer, ...]: ...

    async def rated_models(self, *, owner: str | None = None) -> tuple[RatedModel, ...]: ...


class ComparisonBody(Struct, forbid_unknown_fields=True, kw_only=True):
    models: list[str]
    request: dict[str, Raw]


class RatingBody(Struct, forbid_unknown_fields=True, kw_only=True):
    stars: int
    note: str = ""


def comparison_routes(comparisons: Comparisons) -> tuple[Route, ...]:
    async def compare(call: Call) -> Any:
        body = body_as(call, ComparisonBody)
        assert call.principal is not None
        asked = comparison_question(body.models, body.request)
        made = await comparisons.compare_for(call.principal, call.headers, asked)
        return {"id": made.id, "created": time_text(made.at_us), "data": [_answer(each) for each in made.answers]}

    async def every(call: Call) -> Any:
        owner = call.scope
        refuse_empty(call.query, ("model", "provider"))
        found = await comparisons.ratings(
            model=call.one("model"),
            provider=call.one("provider"),
            limit=parse_limit(call.query, most=MOST_LISTED),
            owner=owner,
        )
        models = await comparisons.rated_models(owner=owner)
        return {"data": [_rating(row) for row in found], "models": [_model(row) for row in models]}

    async def one(call: Call) -> Any:
        with refusals():
            return _rating(await comparisons.compared_answer(call.rest, owner=call.scope))

    async def rate(call: Call) -> Any:
        body = body_as(call, RatingBody)
        with refusals():
            return _rating(await comparisons.rate(call.rest, body.stars, body.note, owner=call.scope))

    async def remove(call: Call) -> Any:
        with refusals():
            return _rating(await comparisons.remove_rating(call.rest, owner=call.scope))

    return (
        Route(method="POST", path=PATH, role="execute", read=compare),
        Route(method="GET", path=f"{PATH}/ratings", role="read", read=taking(("model", "provider", "limit"), every)),
        Route(method="GET", path=f"{PATH}/ratings/", role="read", read=taking((), one)),
        Route(method="PUT", path=f"{PATH}/ratings/", role="execute", read=rate),
        Route(method="DELETE", path=f"{PATH}/ratings/", role="execute", read=remove),
    )


@contextmanager
def refusals() -> Iterator[None]:
    """What cannot be rated, as a refusal."""
    with admin.refusals():
        try:
            yield
        except NoSuchAnswer as error:
            raise missing(error.message) from None


def _answer(answer: ComparedAnswer) -> dict[str, Any]:
    """`answer` is a chat completion, null where the model did not come to its end; `text` is what it said so far."""
    record = answer.record
    assert record is not None
    row = render_row(record)
    text = "".join(part.text for part in answer.parts if isinstance(part, Text | Refusal))
    return {
        "model_requested": answer.model,
        "request_id": answer.request_id,
        **{name: row[name] for name in _TOLD},
        "text": text or None,
        "answer": _completion(answer) if record.outcome == "ok" else None,
        "usage": {name: row[name] for name in _FIGURES},
        "dropped": list(record.dropped),
        "adapted": list(record.adapted),
        "error": _error(record.error_type, record.error_message),
    }


def _completion(answer: ComparedAnswer) -> Raw | None:
    if answer.response is None:
        return None
    created = answer.response.created or int(time.time())
    context = AnswerContext(id=answer.request_id, created=created, model=answer.response.model or answer.model)
    return Raw(DOOR.dialect.render_response(answer.response, context))


def _error(kind: str | None, message: str | None) -> dict[str, Any] | None:
    return None if kind is None else {"type": kind, "message": message}


def _rating(row: RatedAnswer) -> dict[str, Any]:
    return {
        "request_id": row.request_id,
        "comparison": row.comparison,
        "compared_at": time_text(row.at_us),
        "key": row.key,
        "model_requested": row.model_requested,
        "model": row.model,
        "provider": row.provider,
        "outcome": row.outcome,
        "error_type": row.error_type,
        "stars": row.stars,
        "note": row.note,
        "rated_at": time_text(row.rated_us),
        "prompt": row.prompt,
        "prompt_hash": row.prompt_hash,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "reasoning_tokens": row.reasoning_tokens,
        "cost_usd": render_money(row.cost_nano),
        "cost_source": row.cost_source,
        "cost_estimated": row.cost_estimated,
        "ttft_ms": render_ms(row.ttft_us),
        "latency_ms": render_ms(row.latency_us),
    }


def _model(row: RatedModel) -> dict[str, Any]:
    """Means over the rated answers."""
    return {
        "provider": row.provider,
        "model": row.model,
        "ratings": row.ratings,
        "stars": row.stars,
        "cost_usd": None if row.cost_nano is None else render_money(round(row.cost_nano)),
        "costs_estimated": row.costs_estimated,
        "ttft_ms": render_ms(row.ttft_us),
        "latency_ms": render_ms(row.latency_us),
        "output_tokens": row.output_tokens,
    }
