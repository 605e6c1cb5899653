"""What the path needs on which a Responses body passes as it is: a look at it, and another model's name in it.

What it says of server-held state is not judged: the provider knows it. The usage is in the final event always.
"""

from typing import Any

import msgspec
from msgspec import Struct

from gateway.dialects.body_look import look, refuse_later
from gateway.dialects.dialect import Peek
from gateway.dialects.json_splice import edited, replace_model
from gateway.errors import ClientError


class _Body(Struct):
    model: str | None = None
    stream: bool | None = None
    user: str | None = None
    safety_identifier: str | None = None
    # None of it decides anything here, so no type is asked for: the provider judges.
    conversation: Any = None
    prompt_cache_key: Any = None
    client_metadata: Any = None
    background: Any = None
    store: Any = None


# What Codex calls its conversation in `client_metadata` (captured, November 2026).
_TOOLS_IDS = ("session_id", "thread_id")
_DECODER = msgspec.json.Decoder(_Body)


def peek(body: bytes, path_model: str | None = None, path_stream: bool | None = None) -> Peek:
    """Raises ClientError: bad JSON, no model, a field of a wrong type (named by `param`), or an answer for later."""
    found = look(body, _DECODER)
    if not found.model:
        raise ClientError("`model` is missing: name the model to use.", param="model")
    stream = found.stream or False
    refuse_later("background", asked=found.background is True, stream=stream)
    return Peek(
        model=found.model,
        stream=stream,
        include_usage=True,
        user=found.safety_identifier or found.user,
        conversation=_conversation(found),
        cache_key=found.prompt_cache_key if isinstance(found.prompt_cache_key, str) else None,
        stored=found.store is not False,
    )


def _conversation(body: _Body) -> str | None:
    """The id of a conversation that the provider keeps, as text or in an object, else the tool's own."""
    kept, told = body.conversation, body.client_metadata
    candidates = [kept.get("id") if isinstance(kept, dict) else kept]
    candidates += [told.get(name) for name in _TOOLS_IDS] if isinstance(told, dict) else []
    return next((found for found in candidates if isinstance(found, str) and found), None)


def splice(body: bytes, *, model: str | None, include_usage: bool = False) -> bytes:
    """The body with another model's name (None: its own), else byte for byte; the usage needs no asking.

    `body` is one that `peek` accepted. Raises ClientError where it is no JSON object after all.
    """
    return body if model is None else edited(body, replace_model(body, model))
