"""Images and documents as Anthropic takes them: four image types, PDF, and plain text.

The bytes decide an image's type, not what was declared: the API refuses a mismatch. Source: the SDK's source types.
"""

from base64 import b64decode
from typing import Any

from gateway.dialects.media_types import sniff
from gateway.errors import Unsupported
from gateway.model import Blob, File, Uri

_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_PDF = "application/pdf"
_TEXTUAL = ("application/json", "application/xml", "application/yaml", "application/x-yaml", "application/javascript")


def source(part: Blob | Uri | File, path: str, own: bool) -> tuple[str, dict[str, Any]]:
    """The block's type and its source. Raises Unsupported naming the part; `own`: a file id is Anthropic's."""
    match part:
        case File():
            if not own:
                raise Unsupported(
                    "The file id belongs to another provider: send the file's bytes instead.", param=path
                )
            return part.modality, {"type": "file", "file_id": part.file_id}
        case Uri():
            return _by_url(part, path)
    return _inline(part, path)


def _by_url(part: Uri, path: str) -> tuple[str, dict[str, Any]]:
    kind = part.mime_type or part.modality
    if kind.startswith("image"):
        return "image", {"type": "url", "url": part.uri}
    if kind in (_PDF, "document") or part.modality == "document":
        return "document", {"type": "url", "url": part.uri}
    raise Unsupported(f"The model's provider takes no {part.modality} by address.", param=path)


def _inline(part: Blob, path: str) -> tuple[str, dict[str, Any]]:
    mime = sniff(part.data) or part.mime_type.partition(";")[0].strip().lower()
    if mime in _IMAGES:
        return "image", {"type": "base64", "media_type": mime, "data": part.data}
    if mime == _PDF:
        return "document", {"type": "base64", "media_type": mime, "data": part.data}
    if mime.startswith("text/") or mime in _TEXTUAL:
        try:
            text = b64decode(part.data, validate=True).decode()
        except ValueError:
            raise Unsupported("The file is not text in UTF-8, as its type says.", param=path) from None
        return "document", {"type": "text", "media_type": "text/plain", "data": text}
    raise Unsupported(
        f"The model's provider takes no {mime or part.modality}: send JPEG, PNG, GIF, WebP, PDF or text.", param=path
    )
