"""A file's media type from its first bytes: providers refuse what does not match, and clients declare it wrongly."""

from base64 import b64decode

_MAGIC = (
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF", "application/pdf"),
)


def sniff(data: str) -> str | None:
    """The type of base64 data, None where its bytes do not tell."""
    try:
        head = b64decode(data[:24])
    except ValueError:
        return None
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((mime for magic, mime in _MAGIC if head.startswith(magic)), None)


def modality(mime_type: str) -> str:
    """image, audio, video or document."""
    kind = mime_type.partition("/")[0]
    return kind if kind in ("image", "audio", "video") else "document"
