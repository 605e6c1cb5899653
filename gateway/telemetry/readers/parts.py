"""Parts of messages in every vocabulary that instrumentations write, read by one tolerant table.

The words of OpenAI, Anthropic, Google, the AI SDK and pydantic-ai for one thing differ, and none of them means
another thing elsewhere, so that a part's `type` alone says how to read it. What is not known stays whole, as an
`Opaque` part of the dialect "otel".
"""

from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from gateway.dialects.media_types import modality
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
from gateway.telemetry.readers.values import first, json_text, parsed, words

OTEL = "otel"
ResultPart = Text | Blob | Uri | File | Opaque
Fields = Mapping[str, Any]


def parts_of(value: Any) -> tuple[Part, ...]:
    """The parts of a content: plain text, a list of parts, or one part."""
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list | tuple):
        return _texts(words(value) or "")
    return tuple(part for item in value for part in _item(item))


def written_parts(value: Any) -> tuple[Part, ...]:
    """The same where a sender writes parts as JSON text: only lists of parts are taken for more than words."""
    read = parsed(value)
    if isinstance(value, str) and isinstance(read, list):
        return parts_of(read if read and all(isinstance(item, dict) and _kind(item) for item in read) else value)
    return parts_of(read if isinstance(read, str) else value)


def tool_call(fields: Fields) -> ToolCall:
    """A call in any shape: flat, or with OpenAI's inner `function`."""
    inner = fields.get("function")
    function: Fields = inner if isinstance(inner, dict) else {}
    flat = {**fields, **function}
    arguments = first(flat, ("arguments", "input", "args"))
    return ToolCall(
        id=words(first(fields, _CALL_IDS)) or "",
        name=words(first(flat, ("name", "toolName", "tool_name"))) or "",
        arguments="" if arguments is None else json_text(arguments),
    )


def tool_response(fields: Fields, content: Any = None) -> ToolCallResponse:
    if content is None:
        content = first(fields, ("response", "result", "output", "content"))
    failed = fields.get("is_error") is True or fields.get("isError") is True
    if isinstance(content, dict) and "value" in content and isinstance(content.get("type"), str):
        # The AI SDK says beside a result of which type it is.
        failed = failed or content["type"].startswith(("error", "execution-denied"))
        content = content["value"]
    return ToolCallResponse(
        id=words(first(fields, _RESPONSE_IDS)) or "",
        content=result_parts(content),
        name=words(first(fields, ("name", "toolName"))),
        is_error=failed,
    )


def result_parts(content: Any) -> tuple[ResultPart, ...]:
    """What a tool said. Structured results become JSON text: what they mean is the tool's own affair."""
    if content is None or content == "":
        return ()
    if isinstance(content, list) and content and all(isinstance(item, dict) and _kind(item) for item in content):
        read = [part for item in content for part in _item(item)]
        if all(isinstance(part, Text | Blob | Uri | File | Opaque) for part in read):
            return tuple(part for part in read if isinstance(part, Text | Blob | Uri | File | Opaque))
    return (Text(json_text(content)),)


def reasoning_first(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Thinking that stands behind the answer goes before it: some senders gather it last."""
    kept = list(parts)
    end = len(kept)
    while end and isinstance(kept[end - 1], Reasoning):
        end -= 1
    return tuple(kept[end:] + kept[:end])


def without_repeats(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Each call once: several senders write it among the content and again as a call."""
    seen: set[str] = set()
    kept: list[Part] = []
    for part in parts:
        if isinstance(part, ToolCall) and part.id:
            if part.id in seen:
                continue
            seen.add(part.id)
        kept.append(part)
    return tuple(kept)


_CALL_IDS = ("toolCallId", "call_id", "tool_call_id", "id")
_RESPONSE_IDS = ("tool_use_id", "toolCallId", "call_id", "tool_call_id", "id")


def _texts(text: str) -> tuple[Part, ...]:
    return (Text(text),) if text else ()


def _item(item: Any) -> tuple[Part, ...]:
    if isinstance(item, Part):
        return (item,)
    if isinstance(item, str):
        return _texts(item)
    if not isinstance(item, dict):
        return () if item is None else (Text(json_text(item)),)
    kind = _kind(item)
    known = _BY_TYPE.get(kind or "")
    read = known(item) if known else None
    if read is None:
        # Structured attributes may hold bytes: they become what they would be in JSON.
        return (Opaque(OTEL, msgspec.to_builtins(item)),)
    return () if isinstance(read, Text | Reasoning) and not read.text else (read,)


def _kind(item: Fields) -> str | None:
    """Which word of the table a part goes by; Google's and LangChain's parts have no type, their field tells."""
    said = item.get("type", item.get("kind"))
    if isinstance(said, str):
        return said
    if item.get("thought") is True:
        return "thinking"
    return next((field for field in _TYPELESS if item.get(field) is not None), None)


def _said(item: Fields) -> str:
    """The words of a text or a thought. A thought may hold a list of summaries, also as JSON text."""
    value = first(item, ("text", "content", "thinking", "reasoning", "summary", "output_text"))
    read = parsed(value)
    if isinstance(read, list):
        said = [entry.get("text") if isinstance(entry, dict) else entry for entry in read]
        inner = [text for text in said if isinstance(text, str)]
        if len(inner) == len(said):
            return "\n\n".join(inner)
    return "" if value is None else json_text(value)


def _text(item: Fields) -> Part | None:
    value = first(item, ("text", "content"))
    if isinstance(value, dict):
        value = value.get("value", value)
    return Text("" if value is None else json_text(value))


def _reasoning(item: Fields) -> Part | None:
    return Reasoning(_said(item), _signature(item))


def _signature(item: Fields) -> Extra:
    signature = item.get("signature")
    return {"anthropic": {"signature": signature}} if isinstance(signature, str) and signature else NO_EXTRA


def _refusal(item: Fields) -> Part | None:
    return Refusal(words(first(item, ("refusal", "content", "text"))) or "")


def _blob(item: Fields) -> Part | None:
    data = first(item, ("content", "data"))
    if isinstance(data, bytes):
        data = b64encode(data).decode()
    if not isinstance(data, str):
        return None
    mime = _mime(item)
    return Blob(mime or "", data, modality=_modality(item, mime), extra=_size(item))


def _size(item: Fields) -> Extra:
    """What the sender says of the size: of bytes that it cut, or that are elsewhere, nothing else tells it."""
    size = item.get("byte_size")
    return {OTEL: {"byte_size": size}} if isinstance(size, int) else NO_EXTRA


def _uri(item: Fields) -> Part | None:
    return _media(first(item, ("uri", "url")), item)


def _file(item: Fields) -> Part | None:
    """A file by id, or inline: chat nests it below `file`, the AI SDK calls its bytes `data`."""
    inner = item.get("file")
    fields: Fields = {**item, **inner} if isinstance(inner, dict) else item
    held = words(first(fields, ("file_id", "fileId")))
    name = words(first(fields, ("filename", "file_name")))
    mime = _mime(fields)
    if held is not None:
        kind = _modality(fields, mime, "document")
        return File(held, modality=kind, mime_type=mime, filename=name, extra=_size(fields))
    return _media(first(fields, ("file_data", "data", "url", "file_url")), fields, "document", name)


def _image(item: Fields) -> Part | None:
    """OpenAI's `image_url`, Anthropic's `source`, the AI SDK's `image` and pydantic-ai's `url`."""
    source = first(item, ("image_url", "source", "image", "url", "data"))
    if isinstance(source, dict):
        mime = _mime(source) or _mime(item)
        source = first(source, ("url", "data", "file_id"))
        return _media(source, {"mime_type": mime})
    if source is None and isinstance(item.get("file_id"), str):
        return File(item["file_id"], modality="image")
    return _media(source, item)


def _document(item: Fields) -> Part | None:
    source = item.get("source")
    if isinstance(source, dict):
        if source.get("type") == "text":
            return Text(words(source.get("data")) or "")
        held = words(source.get("file_id"))
        title = words(item.get("title"))
        if held is not None:
            return File(held, filename=title)
        return _media(first(source, ("data", "url")), source, "document", title)
    return _media(first(item, ("url", "data")), item, "document")


def _audio(item: Fields) -> Part | None:
    inner = item.get("input_audio", item.get("audio"))
    fields: Fields = inner if isinstance(inner, dict) else item
    form = words(fields.get("format"))
    return _media(first(fields, ("data", "url")), {"mime_type": f"audio/{form}" if form else None}, "audio")


def _video(item: Fields) -> Part | None:
    inner = item.get("video_url")
    return _media(inner.get("url") if isinstance(inner, dict) else inner or item.get("url"), item, "video")


def _google_blob(item: Fields) -> Part | None:
    inner = first(item, ("inlineData", "inline_data"))
    return _media(inner.get("data"), inner) if isinstance(inner, dict) else None


def _google_file(item: Fields) -> Part | None:
    inner = first(item, ("fileData", "file_data"))
    return _media(first(inner, ("fileUri", "file_uri")), inner, "document") if isinstance(inner, dict) else None


def _google_call(item: Fields) -> Part | None:
    inner = first(item, ("functionCall", "function_call"))
    return tool_call(inner) if isinstance(inner, dict) else None


def _bedrock_call(item: Fields) -> Part | None:
    inner = item.get("toolUse")
    return tool_call({**inner, "id": inner.get("toolUseId")}) if isinstance(inner, dict) else None


def _bedrock_response(item: Fields) -> Part | None:
    inner = item.get("toolResult")
    if not isinstance(inner, dict):
        return None
    content = inner.get("content")
    if isinstance(content, list) and len(content) == 1 and isinstance(content[0], dict) and "json" in content[0]:
        content = content[0]["json"]
    return tool_response({"id": inner.get("toolUseId"), "is_error": inner.get("status") == "error"}, content)


def _bedrock_reasoning(item: Fields) -> Part | None:
    inner = item.get("reasoningContent")
    said = inner.get("reasoningText") if isinstance(inner, dict) else None
    return _reasoning(said) if isinstance(said, dict) else None


def _google_response(item: Fields) -> Part | None:
    inner = first(item, ("functionResponse", "function_response"))
    return tool_response(inner) if isinstance(inner, dict) else None


def _media(source: Any, fields: Fields, kind: str = "image", name: str | None = None) -> Part | None:
    """An address as a `Uri`, a data address or bare base64 as a `Blob`; None where there is neither."""
    if not isinstance(source, str) or not source:
        return None
    mime = _mime(fields)
    if source.startswith("data:"):
        head, _, data = source[len("data:") :].partition(",")
        mime = head.partition(";")[0] or mime
        return Blob(mime or "", data, modality=_modality(fields, mime, kind), filename=name)
    if "://" in source[:64]:
        return Uri(source, modality=_modality(fields, mime, kind), mime_type=mime)
    return Blob(mime or "", source, modality=_modality(fields, mime, kind), filename=name)


def _mime(fields: Fields) -> str | None:
    return words(first(fields, ("mime_type", "media_type", "mediaType", "mimeType")))


def _modality(fields: Fields, mime: str | None, otherwise: str = "image") -> str:
    return words(fields.get("modality")) or (modality(mime) if mime else otherwise)


_TYPELESS = (
    "toolUse",
    "toolResult",
    "reasoningContent",
    "functionCall",
    "function_call",
    "functionResponse",
    "function_response",
    "inlineData",
    "inline_data",
    "fileData",
    "file_data",
    "text",
    "content",
)
_BY_TYPE: Mapping[str, Callable[[Fields], Part | None]] = {
    **dict.fromkeys(("text", "input_text", "output_text", "summary_text", "content"), _text),
    **dict.fromkeys(("reasoning", "thinking", "thought"), _reasoning),
    "refusal": _refusal,
    **dict.fromkeys(("tool_call", "tool_use", "tool-call", "function", "custom_tool_call"), tool_call),
    **dict.fromkeys(("tool_call_response", "tool_result", "tool-result"), tool_response),
    **dict.fromkeys(("function_call_output", "custom_tool_call_output"), tool_response),
    **dict.fromkeys(("functionResponse", "function_response"), _google_response),
    "toolUse": _bedrock_call,
    "toolResult": _bedrock_response,
    "reasoningContent": _bedrock_reasoning,
    "functionCall": _google_call,
    "function_call": lambda item: _google_call(item) if "function_call" in item else tool_call(item),
    **dict.fromkeys(("blob", "binary"), _blob),
    "uri": _uri,
    **dict.fromkeys(("file", "input_file"), _file),
    **dict.fromkeys(("image", "image_url", "input_image", "image-url"), _image),
    **dict.fromkeys(("document", "document-url"), _document),
    **dict.fromkeys(("input_audio", "audio", "audio-url"), _audio),
    **dict.fromkeys(("video", "video_url", "video-url"), _video),
    **dict.fromkeys(("inlineData", "inline_data"), _google_blob),
    **dict.fromkeys(("fileData", "file_data"), _google_file),
}
