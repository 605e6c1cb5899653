"""Content parts of messages, both ways: text, refusal, image_url, input_audio, file.

Inline bytes stay the base64 text that they came as. What a part says beyond the model (an image's `detail`, cache
breakpoints) goes to its side pocket and comes back from there.
"""

from collections.abc import Callable, Iterable
from typing import Any

from gateway.dialects.losses import Losses
from gateway.dialects.media_types import (
    IMAGES,
    default_filename,
    described,
    is_text,
    media_feature,
    omitted,
    sniff,
    text_of,
)
from gateway.dialects.openai_chat.fields import Fields, json_type
from gateway.dialects.openai_chat.wire import KIN, NAME, own, pocket
from gateway.errors import ClientError
from gateway.model import Blob, File, Part, Refusal, Text, Uri

# What Responses says of a part in the same words.
_KIN_FIELDS = ("detail", "prompt_cache_breakpoint")
_AUDIO_MIMES = {"wav": "audio/wav", "mp3": "audio/mpeg"}
_AUDIO_FORMATS = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}


def parse_content(content: Any, path: str) -> tuple[Part, ...]:
    """A message's `content`: string, array of parts, or null. Empty text says nothing and is left out."""
    if content is None or content == "":
        return ()
    if isinstance(content, str):
        return (Text(content),)
    if not isinstance(content, list):
        raise ClientError(f"`{path}` must be a string or an array, but is {json_type(content)}.", param=path)
    parts = (_parse_part(Fields(part, f"{path}[{index}]")) for index, part in enumerate(content))
    return tuple(part for part in parts if not (isinstance(part, Text) and not part.text and not part.extra))


def _parse_part(fields: Fields) -> Part:
    kind = fields.need_str("type")
    parse = _PARTS.get(kind)
    if parse is None:
        known = ", ".join(_PARTS)
        raise ClientError(f"`{fields.at('type')}` is {kind!r}, but must be one of {known}.", param=fields.at("type"))
    return parse(fields)


def _parse_text(fields: Fields) -> Part:
    return Text(fields.need_str("text"), pocket(fields.rest()))


def _parse_refusal(fields: Fields) -> Part:
    return Refusal(fields.need_str("refusal"), pocket(fields.rest()))


def _parse_image(fields: Fields) -> Part:
    path, image = fields.at("image_url"), fields.take("image_url")
    inner = Fields({"url": image} if isinstance(image, str) else image, path)
    url = inner.need_str("url")
    extra = pocket({**inner.rest(), **fields.rest()})
    if not url.startswith("data:"):
        return Uri(url, "image", extra=extra)
    mime_type, data = _data_url(url, inner.at("url"))
    return Blob(mime_type, data, "image", extra=extra)


def _parse_audio(fields: Fields) -> Part:
    audio = fields.need_fields("input_audio")
    kind = audio.need_str("format")
    return Blob(_AUDIO_MIMES.get(kind, f"audio/{kind}"), audio.need_str("data"), "audio", extra=pocket(fields.rest()))


def _parse_file(fields: Fields) -> Part:
    file = fields.need_fields("file")
    filename, file_id = file.take_str("filename"), file.take_str("file_id")
    extra = pocket(fields.rest())
    if file_id is not None:
        return File(file_id, filename=filename, extra=extra)
    mime_type, data = _data_url(file.need_str("file_data"), file.at("file_data"))
    return Blob(mime_type, data, _modality(mime_type), filename, extra)


_PARTS: dict[str, Callable[[Fields], Part]] = {
    "text": _parse_text,
    "image_url": _parse_image,
    "input_audio": _parse_audio,
    "file": _parse_file,
    "refusal": _parse_refusal,
}


def _data_url(url: str, path: str) -> tuple[str, str]:
    head, _, data = url.partition(",")
    if not (head.startswith("data:") and head.endswith(";base64")):
        raise ClientError(f"`{path}` must be a data URL in base64 (data:<type>;base64,<data>).", param=path)
    return head[5:].split(";")[0] or "application/octet-stream", data


def _modality(mime_type: str) -> str:
    family = mime_type.split("/")[0]
    return family if family in ("image", "audio", "video") else "document"


def render_content(parts: Iterable[tuple[Part, str]], losses: Losses) -> str | list[dict[str, Any]]:
    """`content`, each part with the client's path to it: a string where it is one plain text, else an array. Raises
    Unsupported."""
    rendered = [render_part(part, place, losses) for part, place in parts]
    if not rendered:
        return ""
    if len(rendered) == 1 and rendered[0].keys() == {"type", "text"}:
        return str(rendered[0]["text"])
    return rendered


def render_part(part: Part, place: str, losses: Losses) -> dict[str, Any]:
    """One part. Raises Unsupported for what chat has no form for (video, documents by URL)."""
    left_out = {"type": "text", "text": omitted(part)}
    if isinstance(part, Blob | Uri) and not losses.meet(media_feature(part), place):
        return left_out
    match part:
        case Text():
            marks = {name: value for name, value in part.extra.get(KIN, {}).items() if name == _KIN_FIELDS[1]}
            return {"type": "text", "text": part.text, **marks, **own(part.extra)}
        case Refusal():
            return {"type": "refusal", "refusal": part.text, **own(part.extra)}
        case Blob(modality="image"):
            if losses.door != NAME and (sniff(part.data) or part.mime_type) not in IMAGES:
                losses.meet("media_type", place, part.mime_type)
            return _render_image(f"data:{part.mime_type};base64,{part.data}", part)
        case Uri(modality="image"):
            return _render_image(part.uri, part)
        case Blob(modality="audio") if part.mime_type in _AUDIO_FORMATS:
            audio = {"data": part.data, "format": _AUDIO_FORMATS[part.mime_type]}
            return {"type": "input_audio", "input_audio": audio, **own(part.extra)}
        case Blob(modality="document") if is_text(part.mime_type) and losses.door != NAME:
            name = part.filename or default_filename(part.mime_type)
            words = text_of(part.data, place)
            return {"type": "text", "text": f'<document name="{name}">\n{words}\n</document>'}
        case Blob(modality="document"):
            file = {"file_data": f"data:{part.mime_type};base64,{part.data}"}
            return _render_file({"filename": default_filename(part.mime_type), **file}, part)
        case File() if part.extra.keys() <= {NAME, KIN}:
            return _render_file({"file_id": part.file_id}, part)
        case File():
            losses.meet("file_id", place)
        case _:
            losses.meet("unknown_content", place, described(part))
    return left_out


def _render_image(url: str, part: Blob | Uri) -> dict[str, Any]:
    kin = part.extra.get(KIN, {})
    beside = {name: kin[name] for name in _KIN_FIELDS if name in kin} | dict(own(part.extra))
    image = {"url": url}
    if "detail" in beside:
        image["detail"] = beside.pop("detail")
    return {"type": "image_url", "image_url": image, **beside}


def _render_file(file: dict[str, str], part: Blob | File) -> dict[str, Any]:
    if part.filename is not None:
        file["filename"] = part.filename
    return {"type": "file", "file": file, **own(part.extra)}
