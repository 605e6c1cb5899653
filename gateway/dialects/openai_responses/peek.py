"""What the path needs on which a Responses body passes as it is: a look at it, and another model's name in it.

What it says of server-held state is not judged: the provider knows it. The usage is in the final event always.
"""

import msgspec
from msgspec import Struct

from gateway.dialects.body_look import look
from gateway.dialects.dialect import Peek
from gateway.dialects.json_splice import edited, replace_model
from gateway.errors import ClientError


class _Body(Struct):
    model: str | None = None
    stream: bool | None = None
    user: str | None = None
    safety_identifier: str | None = None


_DECODER = msgspec.json.Decoder(_Body)


def peek(body: bytes, path_model: str | None = None, path_stream: bool | None = None) -> Peek:
    """Raises ClientError: bad JSON, no model, or a field of a wrong type (named by `param`)."""
    found = look(body, _DECODER)
    if not found.model:
        raise ClientError("`model` is missing: name the model to use.", param="model")
    return Peek(
        model=found.model,
        stream=found.stream or False,
        include_usage=True,
        user=found.safety_identifier or found.user,
    )


def splice(body: bytes, *, model: str | None, include_usage: bool = False) -> bytes:
    """The body with another model's name (None: its own), else byte for byte; the usage needs no asking.

    `body` is one that `peek` accepted. Raises ClientError where it is no JSON object after all.
    """
    return body if model is None else edited(body, replace_model(body, model))
