"""Gemini's parts into neutral parts and back.

A part holds exactly one kind of data; what stands beside it (signature, media resolution) stays in its pocket. A
thought signature belongs to the very part that it came on: it is never moved to another one and never merged away.
Where history lost the signature of a call that the model wants signed, Google's documented sentinel takes its place.
Tool names are restored from the escape that `names.py` gives them. Source: google-genai's Part.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import Struct

from gateway.dialects.arguments import to_object, to_text
from gateway.dialects.client_json import rest
from gateway.dialects.envelope import unwrap, wrap
from gateway.dialects.losses import Losses
from gateway.dialects.media_types import described, media_feature, modality, omitted, sniff
from gateway.errors import ClientError
from gateway.events import merge_extra
from gateway.model import (
    NO_EXTRA,
    Blob,
    Extra,
    File,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolCallResponse,
    Uri,
)

NAME = "gemini"
SIGNATURE = "thought_signature"
SENTINEL = "skip_thought_signature_validator"
Wire = dict[str, Any]
# Google's own SDK writes bytes in the alphabet for URLs, which the other providers refuse.
_PLAIN_BASE64 = str.maketrans("-_", "+/")


class _Call(Struct):
    name: str
    id: str | None = None
    args: dict[str, Any] | None = None


class _Inline(Struct, rename="camel"):
    data: str
    mime_type: str = ""
    display_name: str | None = None


class _FileData(Struct, rename="camel"):
    file_uri: str
    mime_type: str | None = None


class _Result(Struct):
    name: str
    id: str | None = None
    response: dict[str, Any] | None = None
    parts: list[Wire] | None = None


class _Part(Struct, rename="camel"):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: _Call | None = None
    function_response: _Result | None = None
    inline_data: _Inline | None = None
    file_data: _FileData | None = None


_VIDEO_PAGE = re.compile(r"https?://(www\.|m\.)?(youtube\.com|youtu\.be)/")
_MEDIA_BY_ENDING = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "heic": "image/heic",
    "heif": "image/heif",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "mp3": "audio/mp3",
    "wav": "audio/wav",
    "mp4": "video/mp4",
    "mov": "video/mov",
    "webm": "video/webm",
}


def parse_part(part: Wire) -> Part:
    """Raises msgspec.ValidationError for a wrong shape. A call's id may be empty: who reads it mints one."""
    wire = msgspec.convert(part, _Part)
    beside = rest(part, _Part)
    if wire.thought_signature:
        beside[SIGNATURE] = wire.thought_signature
    extra: Extra = {NAME: beside} if beside else NO_EXTRA
    if wire.function_call is not None:
        call = wire.function_call
        return ToolCall(call.id or "", call.name, to_text(call.args or {}), extra=extra)
    if wire.function_response is not None:
        return _parse_result(wire.function_response, part["functionResponse"], beside)
    if wire.inline_data is not None:
        inline = wire.inline_data
        if wire.thought:
            extra = {NAME: {**beside, "thought": True}}
        data = inline.data.translate(_PLAIN_BASE64) if "-" in inline.data or "_" in inline.data else inline.data
        return Blob(inline.mime_type, data, modality(inline.mime_type), inline.display_name, extra)
    if wire.file_data is not None:
        mime = wire.file_data.mime_type
        uri = wire.file_data.file_uri
        # Google takes videos by the address of their page, for which clients name no type.
        kind = "video" if mime is None and _VIDEO_PAGE.match(uri) else modality(mime or "")
        return Uri(uri, kind, mime, extra)
    if wire.text is None:
        return Opaque(NAME, part)
    return Reasoning(wire.text, extra) if wire.thought else Text(wire.text, extra)


def _parse_result(result: _Result, fields: Wire, beside: Wire) -> ToolCallResponse:
    response = result.response or {}
    said = next(iter(response.values()), None) if len(response) == 1 else None
    is_error = "error" in response and len(response) == 1
    if isinstance(said, str) and next(iter(response)) in ("output", "error"):
        text = said
    else:
        text = to_text(response)
    found = [(parse_part(part), part) for part in result.parts or ()]
    media = [item if isinstance(item, Blob | Uri) else Opaque(NAME, part) for item, part in found]
    beside = {**beside, **rest(fields, _Result)}
    return ToolCallResponse(
        result.id or "", (Text(text), *media), result.name, is_error, {NAME: beside} if beside else NO_EXTRA
    )


def minted_id(*about: str) -> str:
    """An id for a call that came without one, the same for the same words."""
    return "call_" + blake2b("\0".join(about).encode(), digest_size=12).hexdigest()


def unwrapped(part: Part) -> Part:
    """A part of a history, with the state of another provider that we hid in its signature back in its pockets."""
    if not isinstance(part, Reasoning | ToolCall):
        return part
    try:
        carried = unwrap(b64decode(part.extra.get(NAME, {}).get(SIGNATURE, "")).decode())
    except ValueError:
        return part
    if carried is None:
        return part
    if isinstance(part, Reasoning):
        return Reasoning(part.text, carried[1])
    kept = {name: value for name, value in part.extra[NAME].items() if name != SIGNATURE}
    return msgspec.structs.replace(part, extra=merge_extra({NAME: kept} if kept else NO_EXTRA, carried[1]))


def is_sendable(part: Part) -> bool:
    """Empty text says nothing, except where it carries a signature; thoughts go back only with their own."""
    match part:
        case Text():
            return bool(part.text) or SIGNATURE in part.extra.get(NAME, {})
        case Refusal():
            return bool(part.text)
        case Reasoning():
            return SIGNATURE in part.extra.get(NAME, {})
    return True


def beside(extra: Extra) -> Wire:
    """What stands beside a part's data."""
    pocket = extra.get(NAME, {})
    return {"thoughtSignature" if name == SIGNATURE else name: value for name, value in pocket.items()}


def told(extra: Extra) -> Wire:
    """The same in an answer: a signature that is no base64 is nobody's, and Google's SDK raises on it."""
    found = beside(extra)
    if "thoughtSignature" in found and not _is_base64(found["thoughtSignature"]):
        del found["thoughtSignature"]
    return found


def _is_base64(value: object) -> bool:
    """Base64 as Google writes it or as its SDK sends it (URL-safe), with or without padding, no more."""
    if not isinstance(value, str):
        return False
    plain = value.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return b64encode(b64decode(plain + "=" * (-len(plain) % 4), validate=True)).decode().rstrip("=") == plain
    except ValueError:
        return False


def request_part(part: Part, path: str, names: Mapping[str, str], losses: Losses) -> Wire:
    """A part of a turn, media of tool results apart. `names`: the tool behind each call's id. Raises Unsupported."""
    match part:
        case Text():
            return {"text": part.text} | beside(part.extra)
        case Refusal():
            return {"text": part.text}
        case Reasoning():
            return {"text": part.text, "thought": True} | beside(part.extra)
        case ToolCall():
            return call_part(part, losses)
        case ToolCallResponse():
            return _result_part(part, path, names)
        case Blob() | Uri():
            _meet_name(part, path, losses)
            return media_part(part) if losses.meet(media_feature(part), path) else {"text": omitted(part)}
        case Opaque() if part.dialect == NAME:
            return dict(part.value)
        case File():
            losses.meet("file_id", path)
        case _:
            losses.meet("unknown_content", path, described(part))
    return {"text": omitted(part)}


def _meet_name(part: Blob | Uri, path: str, losses: Losses) -> None:
    if isinstance(part, Blob) and part.filename and losses.door != NAME:
        losses.meet("filename", path)


def call_part(part: ToolCall, losses: Losses | None = None) -> Wire:
    if part.custom:
        arguments = {"input": part.arguments}
        if losses is not None:
            losses.meet("custom_tools")
    else:
        found, wrapped = to_object(part.arguments)
        arguments = dict(found)
        if wrapped and losses is not None:
            losses.meet("broken_arguments")
    return {"functionCall": {"id": part.id, "name": part.name, "args": arguments}} | beside(part.extra)


def media_part(part: Blob | Uri) -> Wire:
    """Bytes inline; an address as it is: Google fetches its own files, and for newer models public ones."""
    if isinstance(part, Blob):
        mime = sniff(part.data) or part.mime_type or "application/octet-stream"
        return {"inlineData": {"mimeType": mime, "data": part.data}} | beside(part.extra)
    mime_type = part.mime_type or _MEDIA_BY_ENDING.get(part.uri.partition("?")[0].rpartition(".")[2].lower())
    file_data = {"fileUri": part.uri} | ({"mimeType": mime_type} if mime_type else {})
    return {"fileData": file_data} | beside(part.extra)


def _result_part(part: ToolCallResponse, path: str, names: Mapping[str, str]) -> Wire:
    name = part.name or names.get(part.id)
    if name is None:
        raise ClientError(f"The tool result for '{part.id}' names no tool and answers no call.", param=path)
    text = "\n".join(item.text for item in part.content if isinstance(item, Text))
    pocket = beside(part.extra)
    signature = {"thoughtSignature": pocket.pop("thoughtSignature")} if "thoughtSignature" in pocket else {}
    result = {"id": part.id, "name": name, "response": _response(text, part.is_error)}
    return {"functionResponse": result | pocket} | signature


def _response(text: str, is_error: bool) -> Wire:
    if is_error:
        return {"error": text}
    found, wrapped = to_object(text)
    # A reference inside the result is taken for one of the request's own and refused (vercel/ai#14369).
    if wrapped or not text.strip() or _has_reference(found):
        return {"output": text}
    return dict(found)


def _has_reference(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(key in ("$ref", "$defs") or _has_reference(item) for key, item in value.items())
    return isinstance(value, list) and any(_has_reference(item) for item in value)


def result_media(part: ToolCallResponse, path: str, losses: Losses) -> list[Wire]:
    """The images and files of a tool result. Raises Unsupported for what is neither text nor media."""
    media: list[Wire] = []
    for item in part.content:
        if isinstance(item, Blob | Uri):
            _meet_name(item, path, losses)
            media.append(media_part(item))
        elif isinstance(item, File):
            losses.meet("file_id", path)
        elif isinstance(item, Opaque) and item.dialect == NAME:
            media.append(dict(item.value))
        elif not isinstance(item, Text):
            losses.meet("result_content", path, described(item))
    return media


def answer_part(part: Part, origin: str) -> Wire | None:
    """A part of an answer, for a client; None for what Gemini's answers cannot hold."""
    match part:
        case Text() if is_sendable(part):
            return {"text": part.text} | told(part.extra)
        case Refusal():
            return {"text": part.text}
        case Reasoning():
            return {"text": part.text, "thought": True} | signed(part.extra, origin)
        case ToolCall():
            return _unsigned(call_part(part)) | signed(part.extra, origin)
        case Blob():
            return _unsigned(media_part(part)) | told(part.extra)
        case Opaque() if part.dialect == NAME:
            return dict(part.value)
    return None


def _unsigned(wire: Wire) -> Wire:
    return {name: value for name, value in wire.items() if name != "thoughtSignature"}


def signed(extra: Extra, origin: str) -> Wire:
    """A thought's or a call's own signature, or an envelope for another provider's state.

    What another provider made gets one in any case: Gemini refuses its calls unsigned, so they must be known again.
    """
    foreign = origin or any(pocket for other, pocket in extra.items() if other != NAME)
    if SIGNATURE in extra.get(NAME, {}) or not foreign:
        return told(extra)
    return {"thoughtSignature": b64encode(wrap(extra, without=NAME, origin=origin).encode()).decode()}
