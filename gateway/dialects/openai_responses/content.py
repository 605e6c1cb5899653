"""Content parts, both ways: input_text, output_text, refusal, input_image, input_file, input_audio.

Inline bytes stay the base64 text that they came as. What a part says beyond the model (an image's `detail`, cache
breakpoints, annotations) goes to its side pocket and comes back from there; a part of an unknown type is `Opaque`.
A wrong shape raises `msgspec.ValidationError`; who called knows whose fault it is. Source: the SDK's
ResponseInputContent and ResponseOutputMessage; `input_audio` is OpenAI's own description.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from gateway.dialects.client_json import rest, within
from gateway.dialects.losses import Losses
from gateway.dialects.media_types import IMAGES, default_filename, described, media_feature, modality, omitted, sniff
from gateway.dialects.openai_responses.wire import KIN, NAME, Wire, own, own_or_kin, pocket
from gateway.model import Blob, Extra, File, Opaque, Part, Refusal, Text, Uri

_AUDIO_MIMES = {"wav": "audio/wav", "mp3": "audio/mpeg"}
_AUDIO_FORMATS = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}
# What chat says of a part in the same words.
_KIN_FIELDS = ("detail", "prompt_cache_breakpoint")


class _Text(Struct):
    text: str
    annotations: list[Any] | None = None
    logprobs: Any = None


class _Refusal(Struct):
    refusal: str


class _Image(Struct):
    image_url: str | None = None
    file_id: str | None = None
    detail: str | None = None


class _File(Struct):
    file_data: str | None = None
    file_id: str | None = None
    file_url: str | None = None
    filename: str | None = None


class _Sound(Struct):
    data: str
    format: str


class _Audio(Struct):
    input_audio: _Sound


def parse_content(content: Any) -> list[Part]:
    """A message's or a tool output's content: string, list of parts or null. Empty text says nothing, is left out."""
    if content is None or content == "":
        return []
    if isinstance(content, str):
        return [Text(content)]
    found: list[Part] = []
    for index, item in enumerate(msgspec.convert(content, list[Wire])):
        try:
            part = parse_part(item)
        except msgspec.ValidationError as error:
            raise within(error, f"[{index}]") from None
        if not isinstance(part, Text | Refusal) or part.text or part.extra:
            found.append(part)
    return found


def parse_part(part: Wire) -> Part:
    """Raises msgspec.ValidationError where a known type has the wrong shape."""
    kind = part.get("type")
    if not isinstance(kind, str):
        raise msgspec.ValidationError("Object missing required field `type`")
    parse = _PARSERS.get(kind)
    return Opaque(NAME, part) if parse is None else parse(part)


def _text(part: Wire) -> Part:
    fields = msgspec.convert(part, _Text)
    beside = rest(part, _Text, "type")
    if fields.annotations:
        beside["annotations"] = fields.annotations
    return Text(fields.text, pocket(beside))


def _refusal(part: Wire) -> Part:
    return Refusal(msgspec.convert(part, _Refusal).refusal, pocket(rest(part, _Refusal, "type")))


def _image(part: Wire) -> Part:
    fields = msgspec.convert(part, _Image)
    beside = rest(part, _Image, "type")
    if fields.detail not in (None, "auto"):
        beside["detail"] = fields.detail
    if fields.file_id is not None:
        # The pocket marks the id as OpenAI's, even when there is nothing else in it.
        return File(fields.file_id, "image", extra={NAME: beside})
    if fields.image_url is None:
        raise msgspec.ValidationError("Object missing required field `image_url`")
    if not fields.image_url.startswith("data:"):
        return Uri(fields.image_url, "image", extra=pocket(beside))
    mime_type, data = _data_url(fields.image_url, "image_url")
    return Blob(mime_type, data, "image", extra=pocket(beside))


def _file(part: Wire) -> Part:
    fields, beside = msgspec.convert(part, _File), rest(part, _File, "type")
    if fields.file_id is not None:
        return File(fields.file_id, "document", None, fields.filename, {NAME: beside})
    if fields.file_url is not None:
        if fields.filename is not None:
            beside["filename"] = fields.filename
        return Uri(fields.file_url, "document", extra=pocket(beside))
    if fields.file_data is None:
        raise msgspec.ValidationError("Object missing required field `file_data`")
    if fields.file_data.startswith("data:"):
        mime_type, data = _data_url(fields.file_data, "file_data")
    else:
        mime_type, data = sniff(fields.file_data) or "application/pdf", fields.file_data
    return Blob(mime_type, data, modality(mime_type), fields.filename, {NAME: {"file": True, **beside}})


def _audio(part: Wire) -> Part:
    sound = msgspec.convert(part, _Audio).input_audio
    mime_type = _AUDIO_MIMES.get(sound.format, f"audio/{sound.format}")
    return Blob(mime_type, sound.data, "audio", extra=pocket(rest(part, _Audio, "type")))


_PARSERS: dict[str, Callable[[Wire], Part]] = {
    "input_text": _text,
    "output_text": _text,
    "text": _text,
    "refusal": _refusal,
    "input_image": _image,
    "input_file": _file,
    "input_audio": _audio,
}


def _data_url(url: str, field: str) -> tuple[str, str]:
    head, _, data = url.partition(",")
    if not head.endswith(";base64"):
        raise msgspec.ValidationError(f"Expected a data URL in base64 (data:<type>;base64,<data>) - at `$.{field}`")
    return head[5:].split(";")[0] or sniff(data) or "application/octet-stream", data


def render_content(parts: Sequence[tuple[Part, str]], losses: Losses) -> str | list[Wire]:
    """A user's or a tool's content, each part with the client's path to it: a string where it is one plain text, else
    a list. Raises Unsupported."""
    rendered = [render_part(part, place, losses) for part, place in parts]
    if not rendered:
        return ""
    if len(rendered) == 1 and rendered[0].keys() == {"type", "text"}:
        return str(rendered[0]["text"])
    return rendered


def render_part(part: Part, path: str, losses: Losses) -> Wire:
    """One part of what is not the model's own words. Raises Unsupported for what Responses has no form for."""
    left_out: Wire = {"type": "input_text", "text": omitted(part)}
    if isinstance(part, Blob | Uri) and not losses.meet(media_feature(part), path):
        return left_out
    match part:
        case Text() | Refusal():
            beside = own_or_kin(part.extra, "prompt_cache_breakpoint")
            beside.pop("annotations", None)
            return {"type": "input_text", "text": part.text, **beside}
        case Blob(modality="audio") if part.mime_type in _AUDIO_FORMATS:
            sound = {"data": part.data, "format": _AUDIO_FORMATS[part.mime_type]}
            return {"type": "input_audio", "input_audio": sound, **own(part.extra)}
        case Blob(modality="document") | Blob(modality="image"):
            return _render_blob(part, path, losses)
        case Uri(modality="image"):
            return _image_part({"image_url": part.uri}, part.extra)
        case Uri(modality="document"):
            return {"type": "input_file", "file_url": part.uri, **own_or_kin(part.extra, "prompt_cache_breakpoint")}
        case File() if NAME in part.extra or (part.extra.keys() <= {KIN} and losses.meet("file_id", path)):
            return _render_file(part)
        case Opaque() if part.dialect == NAME:
            return dict(part.value)
        case File():
            losses.meet("file_id", path)
        case _:
            losses.meet("unknown_content", path, described(part))
    return left_out


def _render_blob(part: Blob, path: str, losses: Losses) -> Wire:
    url = f"data:{part.mime_type};base64,{part.data}"
    beside = own_or_kin(part.extra, *_KIN_FIELDS)
    as_file = beside.pop("file", False)
    if part.modality == "image" and not as_file:
        if losses.door != NAME and (sniff(part.data) or part.mime_type) not in IMAGES:
            losses.meet("media_type", path, part.mime_type)
        return _image_part({"image_url": url}, part.extra)
    filename = part.filename or default_filename(part.mime_type)
    named = {} if part.filename is None and as_file else {"filename": filename}
    return {"type": "input_file", "file_data": url, **named, **beside}


def _render_file(part: File) -> Wire:
    if part.modality == "image":
        return _image_part({"file_id": part.file_id}, part.extra)
    named = {} if part.filename is None else {"filename": part.filename}
    return {"type": "input_file", "file_id": part.file_id, **named, **own_or_kin(part.extra, _KIN_FIELDS[1])}


def _image_part(image: Wire, extra: Extra) -> Wire:
    # The SDK's type wants `detail` always.
    return {"type": "input_image", **image, "detail": "auto", **own_or_kin(extra, *_KIN_FIELDS)}


_CITATION: Wire = {"start_index": 0, "end_index": 0, "title": "", "url": ""}


def answer_annotations(extra: Extra) -> list[Any]:
    """What a text's annotations are in this dialect; chat's citations of addresses are the same, one level deeper."""
    found = own(extra).get("annotations")
    if isinstance(found, list):
        return found
    notes = extra.get(KIN, {}).get("annotations")
    cited = [note.get("url_citation") for note in notes if isinstance(note, dict)] if isinstance(notes, list) else []
    return [
        {**citation, **_citation(citation), "type": "url_citation"}
        for citation in cited
        if isinstance(citation, dict)
    ]


def _citation(said: Wire) -> Wire:
    """The fields without which strict clients take no citation; a value of another type is none."""
    known = {name: said.get(name) for name in _CITATION}
    return {name: value if type(value) is type(_CITATION[name]) else _CITATION[name] for name, value in known.items()}
