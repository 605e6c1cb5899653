"""Images and documents as Anthropic takes them: four image types, PDF, and plain text.

The bytes decide an image's type, not what was declared: the API refuses a mismatch. Source: the SDK's source types.
"""

from typing import Any

from gateway.dialects.losses import Losses
from gateway.dialects.media_types import IMAGES, is_text, sniff, text_of
from gateway.model import Blob, File, Uri

_PDF = "application/pdf"


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
    if mime in IMAGES:
        return "image", {"type": "base64", "media_type": mime, "data": part.data}
    if mime == _PDF:
        return "document", {"type": "base64", "media_type": mime, "data": part.data}
    if is_text(mime):
        return "document", {"type": "text", "media_type": "text/plain", "data": text_of(part.data, path)}
    losses.meet("media_type", path, mime or part.modality)
    return "document", {"type": "base64", "media_type": mime, "data": part.data}
