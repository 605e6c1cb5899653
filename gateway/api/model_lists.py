"""The list of models in the three shapes in which pickers ask for it, and how to tell which one a caller reads.

`/v1/models` is shared by OpenAI's, Anthropic's and Google's SDKs, so the path alone does not say who asks. All models
are listed to everyone, in one page unless the caller asks for smaller ones. Facts that no shape has a field for stand
beside it under `faregate`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from msgspec import Struct

from gateway.errors import ClientError
from gateway.parameters import Parameters, single
from gateway.providers.models import Model, life_state

# Where a release day is not known Anthropic's list says the epoch (its SDK's `ModelInfo.created_at`).
EPOCH = "1970-01-01T00:00:00Z"
GEMINI_PATH = "/v1beta/"
LARGEST_PAGE = 1000
_LIFECYCLES = {"live": "active", "deprecated": "deprecated", "retired": "retired"}
_ACTIONS: Mapping[str, tuple[str, ...]] = {
    "chat": ("generateContent", "streamGenerateContent", "countTokens"),
    "embeddings": ("embedContent", "batchEmbedContents"),
}


def caller_dialect(path: str, headers: Mapping[str, str], query: Mapping[str, str]) -> str:
    """The dialect in which this caller reads lists and errors; `headers` is case-insensitive.

    Google's SDK is known by its path, its header or its query parameter, Anthropic's by the version that it always
    sends; every other caller gets OpenAI's shape.
    """
    if GEMINI_PATH in path or "x-goog-api-key" in headers or "key" in query:
        return "gemini"
    return "anthropic" if "anthropic-version" in headers else "openai_chat"


class Shape(Struct, frozen=True, kw_only=True):
    """How one dialect says a model, and a page of those that there are after the caller's query. `page` raises
    ClientError."""

    model: Callable[[Model, date], dict[str, Any]]
    page: Callable[[Sequence[Model], Parameters, date], dict[str, Any]]


def _own_facts(model: Model, today: date) -> dict[str, Any]:
    return {
        "title": model.title,
        "state": life_state(model, today),
        "replacement": model.replacement,
        "context_tokens": model.context,
        "max_output_tokens": model.max_output,
        "spellings": list(model.spellings),
    }


# OpenAI's shape.


def _openai_model(model: Model, today: date) -> dict[str, Any]:
    return {
        "id": model.id,
        "object": "model",
        "created": 0,
        "owned_by": model.provider,
        "shutdown_date": model.ended,
        "faregate": _own_facts(model, today),
    }


def _openai_page(models: Sequence[Model], _query: Parameters, today: date) -> dict[str, Any]:
    return {"object": "list", "data": [_openai_model(model, today) for model in models]}


# Anthropic's shape.


def _anthropic_model(model: Model, today: date) -> dict[str, Any]:
    """All keys of the SDK's `ModelInfo`, null where it is not known. A model that ends is never active there."""
    lifecycle = _LIFECYCLES[life_state(model, today)]
    return {
        "id": model.id,
        "type": "model",
        "display_name": model.title,
        "created_at": EPOCH,
        "lifecycle": lifecycle,
        "line": None,
        "max_input_tokens": model.context,
        "max_tokens": model.max_output,
        "capabilities": None,
        "deprecated_at": None,
        "retires_at": f"{model.ended}T00:00:00Z" if model.ended else None,
        "faregate": _own_facts(model, today),
    }


def _anthropic_page(models: Sequence[Model], query: Parameters, today: date) -> dict[str, Any]:
    after, before = single(query, "after_id"), single(query, "before_id")
    size = _size(query, "limit")
    start, end = 0, len(models)
    if after is not None:
        start = _position(models, after, "after_id") + 1
    elif before is not None:
        end = _position(models, before, "before_id")
        start = max(0, end - size)
    rows = models[start : min(end, start + size)]
    more = start > 0 if before is not None and after is None else start + size < end
    return {
        "data": [_anthropic_model(model, today) for model in rows],
        "has_more": more,
        "first_id": rows[0].id if rows else None,
        "last_id": rows[-1].id if rows else None,
    }


# Gemini's shape.


def _gemini_model(model: Model, today: date) -> dict[str, Any]:
    shown = {
        "name": f"models/{model.id}",
        "version": model.id,
        "displayName": model.title,
        "description": model.note or None,
        "inputTokenLimit": model.context,
        "outputTokenLimit": model.max_output,
        "supportedGenerationMethods": list(_ACTIONS[model.kind]),
        "thinking": bool(model.traits.thinking),
        "faregate": _own_facts(model, today),
    }
    return {name: value for name, value in shown.items() if value is not None}


def _gemini_page(models: Sequence[Model], query: Parameters, today: date) -> dict[str, Any]:
    token = single(query, "pageToken")
    size = _size(query, "pageSize")
    start = _position(models, token, "pageToken") + 1 if token is not None else 0
    rows = models[start : start + size]
    page: dict[str, Any] = {"models": [_gemini_model(model, today) for model in rows]}
    if start + size < len(models):
        page["nextPageToken"] = rows[-1].id
    return page


SHAPES: Mapping[str, Shape] = {
    "openai_chat": Shape(model=_openai_model, page=_openai_page),
    "anthropic": Shape(model=_anthropic_model, page=_anthropic_page),
    "gemini": Shape(model=_gemini_model, page=_gemini_page),
}


def _size(query: Parameters, name: str) -> int:
    said = single(query, name)
    if said is None:
        return LARGEST_PAGE
    if not (said.isascii() and said.isdigit() and len(said) <= 9 and int(said) > 0):
        raise ClientError(f"{name} must be a whole number from 1 to {LARGEST_PAGE}.", param=name)
    return min(int(said), LARGEST_PAGE)


def _position(models: Sequence[Model], id: str, name: str) -> int:
    for position, model in enumerate(models):
        if model.id == id:
            return position
    raise ClientError(f"{name} names no model of this list: begin again without it.", param=name)
