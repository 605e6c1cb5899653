"""The providers' model lists, in each one's own shape."""

from collections.abc import Mapping, Sequence
from typing import Any

_CREATED = 1_735_689_600


def list_openai(ids: Sequence[str]) -> Mapping[str, Any]:
    """Also xAI's shape."""
    data = [{"id": model, "object": "model", "created": _CREATED, "owned_by": "system"} for model in ids]
    return {"object": "list", "data": data}


def list_anthropic(ids: Sequence[str]) -> Mapping[str, Any]:
    data = [
        {"id": model, "type": "model", "display_name": model, "created_at": "2025-01-01T00:00:00Z"} for model in ids
    ]
    return {"data": data, "has_more": False, "first_id": ids[0], "last_id": ids[-1]}


def list_google(ids: Sequence[str]) -> Mapping[str, Any]:
    verbs = ["generateContent", "countTokens"]
    return {
        "models": [
            {"name": f"models/{model}", "displayName": model, "supportedGenerationMethods": verbs} for model in ids
        ]
    }
