"""What the path needs on which a Gemini body passes as it is; model and streaming stand in the request's path."""

import msgspec
from msgspec import Struct

from gateway.dialects.body_look import look
from gateway.dialects.dialect import Peek
from gateway.dialects.json_splice import edited, elements, members, replace_model, replace_model_at, start
from gateway.errors import ClientError


class _Body(Struct):
    """Any object will do: nothing of it is needed."""


_HOLD_REQUESTS = ("requests", "generateContentRequest", "generate_content_request")
_DECODER = msgspec.json.Decoder(_Body)


def peek(body: bytes, path_model: str | None = None, path_stream: bool | None = None) -> Peek:
    """Raises ClientError: bad JSON, or no model in the path."""
    look(body, _DECODER)
    model = (path_model or "").removeprefix("models/")
    if not model:
        raise ClientError("The path names no model: it ends in /models/MODEL:generateContent.", param="model")
    return Peek(model=model, stream=bool(path_stream), include_usage=True)


def splice(body: bytes, *, model: str | None, include_usage: bool) -> bytes:
    """The body as it is: another model's name goes into the path, and where the body repeats it (embeddings' and
    counting's own requests do), there too, since Google refuses two names."""
    if model is None:
        return body
    name = f"models/{model}"
    edits = replace_model(body, name)
    for member in members(body, start(body)):
        inner = body[member.start : member.start + 1]
        if member.key in _HOLD_REQUESTS and inner == b"[":
            places = [at for at in elements(body, member.start) if body[at : at + 1] == b"{"]
        else:
            places = [member.start] if member.key in _HOLD_REQUESTS and inner == b"{" else []
        edits += [edit for at in places for edit in replace_model_at(body, at, name)]
    return edited(body, edits)
