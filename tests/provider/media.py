"""Images and documents in requests: the declared type must be one that the provider takes, and fit the bytes."""

import base64
import hashlib
from collections.abc import Collection
from typing import Any

from tests.provider.strict import Rejected

JPEG, PNG, GIF, WEBP, PDF = "image/jpeg", "image/png", "image/gif", "image/webp", "application/pdf"
_BEGINNINGS = {JPEG: b"\xff\xd8\xff", PNG: b"\x89PNG\r\n\x1a\n", GIF: b"GIF8", WEBP: b"RIFF", PDF: b"%PDF-"}


def check_media(mime: str, data: object, allowed: Collection[str], where: str) -> None:
    """Base64 `data` of the type `mime`. Raises Rejected."""
    if mime not in allowed:
        raise Rejected(f"{where}: unsupported media type '{mime}'.", param=where)
    try:
        raw = base64.b64decode(data if isinstance(data, str) else "", validate=True)
    except ValueError:
        raise Rejected(f"{where}: the data is not valid base64.", param=where) from None
    beginning = _BEGINNINGS.get(mime)
    if beginning is not None and not raw.startswith(beginning):
        raise Rejected(f"{where}: the bytes do not appear to be of the type '{mime}'.", param=where)


def split_data_url(url: object, where: str) -> tuple[str, str]:
    """Media type and base64 of a data URL. Raises Rejected."""
    head, comma, data = str(url).partition(",")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        raise Rejected(f"{where}: expected a base64-encoded data URL.", param=where)
    return head[5:].removesuffix(";base64"), data


def described(mime: str, data: str) -> dict[str, Any]:
    """Bytes as the ledger holds them."""
    return {"mime": mime, "sha256": hashlib.sha256(base64.b64decode(data)).hexdigest()}


def described_url(url: str) -> dict[str, Any]:
    """A data URL's bytes, or the address."""
    if not url.startswith("data:"):
        return {"url": url}
    head, _, data = url.partition(",")
    return described(head[5:].removesuffix(";base64"), data)
