"""A file's media type from its first bytes: providers refuse what does not match, and clients declare it wrongly."""

from base64 import b64decode

from gateway.errors import ClientError
from gateway.model import Blob, Opaque, Part, Uri

_MAGIC = (
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF", "application/pdf"),
)


# What every provider of images takes.
IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_TEXTUAL = ("application/json", "application/xml", "application/yaml", "application/x-yaml", "application/javascript")


def is_text(mime_type: str) -> bool:
    plain = mime_type.partition(";")[0].strip().lower()
    return plain.startswith("text/") or plain in _TEXTUAL


def text_of(data: str, path: str) -> str:
    """A text file's words. Raises ClientError naming the path."""
    try:
        return b64decode(data, validate=True).decode()
    except ValueError:
        raise ClientError("The file is not text in UTF-8, as its type says.", param=path) from None


def sniff(data: str) -> str | None:
    """The type of base64 data, None where its bytes do not tell."""
    try:
        head = b64decode(data[:24])
    except ValueError:
        return None
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((mime for magic, mime in _MAGIC if head.startswith(magic)), None)


def default_filename(mime_type: str) -> str:
    """A name for a document that has none: OpenAI refuses file data without one."""
    return "document." + {"application/pdf": "pdf", "text/plain": "txt"}.get(mime_type, mime_type.rpartition("/")[2])


def modality(mime_type: str) -> str:
    """image, audio, video or document."""
    kind = mime_type.partition("/")[0]
    return kind if kind in ("image", "audio", "video") else "document"


# Stores whose files only their own provider can read; Google names its files by address and not by id.
_STORES = ("https://generativelanguage.googleapis.com/", "gs://")
_FEATURES = {"image": ("image", "image_url"), "audio": ("audio_in", "audio_in"), "video": ("video", "video")}


def media_feature(part: Blob | Uri) -> str:
    """The carriage row of bytes or an address."""
    if isinstance(part, Uri) and part.uri.startswith(_STORES):
        return "held_file"
    if isinstance(part, Blob) and part.modality == "document" and is_text(part.mime_type):
        return "text_file"
    inline, by_address = _FEATURES.get(part.modality, ("pdf", "pdf_url"))
    return inline if isinstance(part, Blob) else by_address


def is_sketch(part: Part) -> bool:
    """Whether it is an image among a model's thoughts (Google's image models make some), and none of its answer."""
    return isinstance(part, Blob) and any(pocket.get("thought") for pocket in part.extra.values())


def omitted(part: Part) -> str:
    """What stands where content was left out."""
    return f"[{described(part)} left out]"


def described(part: Part) -> str:
    """What kind of content it is, for a person."""
    if isinstance(part, Blob | Uri):
        return f"{part.modality} content"
    if isinstance(part, Opaque):
        return f"{part.value.get('type') or next(iter(part.value), 'unknown')} content"
    return f"{type(part).__name__.lower()} content"
