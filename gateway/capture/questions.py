"""A client's body as a neutral request: what was asked, by operation and by the door's dialect.

A body that passed as it is may hold what no codec of ours takes: then the field that is in the way is left out and
said, so that the rest of what was asked can be read all the same.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from gateway.dialects.json_text import decode_json
from gateway.errors import ClientError, GatewayError
from gateway.model import Message, Request, Role, Text
from gateway.relaying.doors import Door

# So many fields of one body may be in the way.
_MOST_LEFT_OUT = 8
# Without these nothing was asked.
_ESSENTIAL = frozenset({"messages", "input", "contents", "model"})
_encode = msgspec.json.Encoder().encode

Asked = tuple[Request | None, tuple[str, ...]]


def asked(door: Door, body: bytes) -> Asked:
    """The request, and what is to be said of how it was read. Never raises."""
    read = _READERS.get(door.operation.name)
    if read is None:
        return None, ()
    try:
        return read(door, body)
    except (GatewayError, ValueError, TypeError, KeyError, RecursionError):
        return None, ("The request's body could not be read, so what was asked is not kept.",)


def _chat(door: Door, body: bytes) -> Asked:
    parse = door.dialect.parse_request
    try:
        return parse(body, door.path_model, door.path_stream), ()
    except ClientError as error:
        in_the_way = _field(error)
    fields = decode_json(body)
    left_out: list[str] = []
    while in_the_way in fields and in_the_way not in _ESSENTIAL and len(left_out) < _MOST_LEFT_OUT:
        del fields[in_the_way]
        left_out.append(in_the_way)
        try:
            request = parse(_encode(fields), door.path_model, door.path_stream)
        except ClientError as error:
            in_the_way = _field(error)
        else:
            return request, (f"Of the request {', '.join(left_out)} could not be read and is not shown.",)
    raise ValueError(in_the_way)


def _field(error: ClientError) -> str:
    """The body's own field that an error's path begins with."""
    return (error.param or "").partition(".")[0].partition("[")[0]


def _embeddings(door: Door, body: bytes) -> Asked:
    """Each text that is embedded is a user's message; the vectors that come back are not kept."""
    fields = decode_json(body)
    messages = _contents(door, fields) if door.path_model else tuple(map(_input, _listed(fields["input"])))
    model = door.path_model or fields["model"]
    request = Request(model=model, messages=messages, user=_text(fields.get("user")))
    return request, ("Vectors are not kept, only the texts that were embedded.",)


def _contents(door: Door, fields: Mapping[str, Any]) -> tuple[Message, ...]:
    """Gemini's contents, of one request or of a batch: they are those of a chat."""
    requests = fields.get("requests", [fields])
    contents = [request["content"] for request in requests]
    return door.dialect.parse_request(_encode({"contents": contents}), door.path_model, False).messages


def _listed(value: Any) -> list[Any]:
    """OpenAI's input: a text, texts, one list of token numbers, or several of them."""
    return value if isinstance(value, list) and not all(isinstance(entry, int) for entry in value) else [value]


def _input(entry: Any) -> Message:
    text = entry if isinstance(entry, str) else _encode(entry).decode()
    return Message(Role.USER, (Text(text),))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


# By the door's operation. Counting tokens says nothing that the exchange itself does not say: it is no turn.
_READERS: Mapping[str, Callable[[Door, bytes], Asked]] = {"chat": _chat, "embeddings": _embeddings}


def is_told(door: Door) -> bool:
    """Whether this door's exchanges are turns of conversations."""
    return door.operation.name in _READERS
