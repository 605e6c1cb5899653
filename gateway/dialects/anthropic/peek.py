"""What the path needs on which a Messages body passes as it is: a look at it, and another model's name put in."""

import msgspec
from msgspec import Struct

from gateway.dialects.body_look import look
from gateway.dialects.dialect import Peek
from gateway.dialects.json_splice import edited, replace_model
from gateway.errors import ClientError


class _Metadata(Struct):
    user_id: str | None = None


class _Body(Struct):
    model: str = ""
    stream: bool | None = None
    metadata: _Metadata | None = None


class _ToolUser(Struct):
    """Claude Code's `metadata.user_id` is JSON text with these in it (captured, November 2026)."""

    account_uuid: str | None = None
    device_id: str | None = None
    session_id: str | None = None


_DECODER = msgspec.json.Decoder(_Body)
_USER_DECODER = msgspec.json.Decoder(_ToolUser)


def peek(body: bytes, path_model: str | None = None, path_stream: bool | None = None) -> Peek:
    """Raises ClientError: bad JSON, no model, or a field of a wrong type (named by `param`)."""
    found = look(body, _DECODER)
    if not found.model:
        raise ClientError("`model` is missing: name the model to use.", param="model")
    user_id = found.metadata.user_id if found.metadata else None
    user, conversation = _said_by_tools(user_id)
    return Peek(
        model=found.model, stream=found.stream or False, include_usage=True, user=user, conversation=conversation
    )


def splice(body: bytes, *, model: str | None, include_usage: bool) -> bytes:
    """The body with another model's name (None: its own), else byte for byte. Raises ClientError for no object."""
    return body if model is None else edited(body, replace_model(body, model))


def _said_by_tools(user_id: str | None) -> tuple[str | None, str | None]:
    """The end user, and the conversation where the id holds one."""
    if user_id is None or not user_id.startswith("{"):
        return user_id, None
    try:
        found = _USER_DECODER.decode(user_id)
    except msgspec.DecodeError:
        return user_id, None
    return found.account_uuid or found.device_id or user_id, found.session_id
