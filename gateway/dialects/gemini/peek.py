"""What the path needs on which a Gemini body passes as it is; model and streaming stand in the request's path."""

import msgspec
from msgspec import Struct

from gateway.dialects.body_look import look
from gateway.dialects.dialect import Peek
from gateway.errors import ClientError


class _Body(Struct):
    """Any object will do: nothing of it is needed."""


_DECODER = msgspec.json.Decoder(_Body)


def peek(body: bytes, path_model: str | None = None, path_stream: bool | None = None) -> Peek:
    """Raises ClientError: bad JSON, or no model in the path."""
    look(body, _DECODER)
    model = (path_model or "").removeprefix("models/")
    if not model:
        raise ClientError("The path names no model: it ends in /models/MODEL:generateContent.", param="model")
    return Peek(model=model, stream=bool(path_stream), include_usage=True)


def splice(body: bytes, *, model: str | None, include_usage: bool) -> bytes:
    """The body as it is: another model's name goes into the path."""
    return body
