"""Images and documents as Anthropic takes them: four image types, PDF, and plain text.

The bytes decide an image's type, not what was declared: the API refuses a mismatch. Source: the SDK's source types.
"""

from base64 import b64decode
from typing import Any

from gateway.dialects.losses import Losses
from gateway.dialects.media_types import sniff
from gateway.errors import ClientError
from gateway.model import Blob, File, Uri

_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_PDF = "application/pdf"
_TEXTUAL = ("application/json", "application/xml", "application/yaml", "application/x-yaml", "application/javascript")


def source(part: Blob | Uri | File, path: str, losses: Losses) -> tuple[str, dict[str, Any]]:
    """The block's type and its source. Raises Unsupported naming the part."""
    if isinstance(part, File):
        return part.modality, {"type": "file", "file_id": part.file_id}
    return _by_url(part, path, losses) if isinstance(part, Uri) else _inline(part, path, losses)


def _by_url(part: Uri, path: str, losses: Losses) -> tuple[str, dict[str, Any]]:
    kind = part.mime_type or part.modality
    if kind.startswith("image"):
        return "image", {"type": "url", "url": part.uri}
    if kind not in (_PDF, "document") and part.modality != "document":
        losses.meet("media_type", path, part.modality)
    return "document", {"type": "url", "url": part.uri}


def _inline(part: Blob, path: str, losses: Losses) -> tuple[str, dict[str, Any]]:
    mime = sniff(part.data) or part.mime_type.partition(";")[0].strip().lower()
    if mime in _IMAGES:
        return "image", {"type": "base64", "media_type": mime, "data": part.data}
    if mime == _PDF:
        return "document", {"type": "base64", "media_type": mime, "data": part.data}
    if mime.startswith("text/") or mime in _TEXTUAL:
        try:
            text = b64decode(part.data, validate=True).decode()
        except ValueError:
            raise ClientError("The file is not text in UTF-8, as its type says.", param=path) from None
        return "document", {"type": "text", "media_type": "text/plain", "data": text}
    losses.meet("media_type", path, mime or part.modality)
    return "document", {"type": "base64", "media_type": mime, "data": part.data}
