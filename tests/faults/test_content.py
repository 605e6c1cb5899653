"""Known faults of other gateways with images and files: what a client attaches arrives, or the call fails loudly."""

import base64
import hashlib
import json
import random
import re
from collections.abc import Callable
from typing import Any

import pytest

from gateway.errors import Unsupported
from tests.faults.requests import Wire, asking, carried, leaves, resulting, sent

DIALECTS = ("openai_chat", "openai_responses", "anthropic", "gemini")
DOORS = pytest.mark.parametrize("door", DIALECTS)
UPSTREAMS = pytest.mark.parametrize("upstream", DIALECTS)
PLACES = pytest.mark.parametrize("place", [asking, resulting], ids=["user turn", "tool result"])
Place = Callable[..., Wire]

# Too random to be squeezed: 113 KB, as the picture of a screen.
PNG = b"\x89PNG\r\n\x1a\n" + random.Random(1).randbytes(113_000)
PDF = b"%PDF-1.7\n" + random.Random(2).randbytes(20_000)
# The only fields that may hold bytes; a text field is none of them.
BYTES_FIELDS = ("image_url.url", "image_url", "source.data", "inlineData.data", "file.file_data", "file_data")
LONG_RUN = re.compile(r"[A-Za-z0-9+/=]{1024}")


def coded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def image(door: str) -> Wire:
    data = coded(PNG)
    return {
        "openai_chat": {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}},
        "openai_responses": {"type": "input_image", "image_url": f"data:image/png;base64,{data}", "detail": "auto"},
        "anthropic": {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}},
        "gemini": {"inlineData": {"mimeType": "image/png", "data": data}},
    }[door]


def image_by_url(door: str, url: str) -> Wire:
    return {
        "openai_chat": {"type": "image_url", "image_url": {"url": url}},
        "openai_responses": {"type": "input_image", "image_url": url, "detail": "auto"},
        "anthropic": {"type": "image", "source": {"type": "url", "url": url}},
        "gemini": {"fileData": {"mimeType": "image/png", "fileUri": url}},
    }[door]


def pdf(door: str) -> Wire:
    data = coded(PDF)
    source = {"type": "base64", "media_type": "application/pdf", "data": data}
    named = {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{data}"}
    return {
        "openai_chat": {"type": "file", "file": named},
        "openai_responses": {"type": "input_file", **named},
        "anthropic": {"type": "document", "title": "a.pdf", "source": source},
        "gemini": {"inlineData": {"mimeType": "application/pdf", "data": data}},
    }[door]


# Chat knows no documents by URL.
PDF_BY_URL: dict[str, Callable[[str], Wire]] = {
    "openai_responses": lambda url: {"type": "input_file", "file_url": url},
    "anthropic": lambda url: {"type": "document", "source": {"type": "url", "url": url}},
    "gemini": lambda url: {"fileData": {"mimeType": "application/pdf", "fileUri": url}},
}


def arrived(body: Any, data: bytes) -> list[str]:
    """Where these bytes stand in what is sent, by their hash."""
    wanted = hashlib.sha256(data).digest()
    found = []
    for path, value in leaves(body):
        if not isinstance(value, str) or len(value) < len(data):
            continue
        assert path.endswith(BYTES_FIELDS), f"{len(value)} characters in {path}"
        if hashlib.sha256(base64.b64decode(value.partition("base64,")[2] or value)).digest() == wanted:
            found.append(path)
    return found


@DOORS
@UPSTREAMS
@PLACES
def test_litellm_23712_an_image_arrives_wherever_it_stands(door: str, upstream: str, place: Place) -> None:
    """In the user's turn and in a tool's result: once, with the same hash, and in order of the turns."""
    body = sent(door, place(door, image(door)), upstream)
    (path,) = arrived(body, PNG)
    if place is resulting and upstream != "openai_chat":
        # The other three take it in the result itself.
        assert re.search(r"output\[|content\[0\]\.content\[|functionResponse", path)


@DOORS
@UPSTREAMS
@PLACES
def test_litellm_23712_an_image_s_address_arrives(door: str, upstream: str, place: Place) -> None:
    url = "https://example.com/a.png?size=1&x=%20"
    body = sent(door, place(door, image_by_url(door, url)), upstream)
    (path,) = [path for path, value in leaves(body) if value == url]
    assert path.endswith(("image_url.url", "image_url", "source.url", "fileData.fileUri"))


@DOORS
@UPSTREAMS
def test_cl_3_19_0_an_image_in_a_result_is_never_text(door: str, upstream: str) -> None:
    """A picture of 113 KB as base64 in a text is over 100,000 tokens, about 9,000 times what it costs as a picture."""
    request = resulting(door, image(door))
    body = carried(door, request, upstream).body
    assert len(body) <= 1.5 * len(json.dumps(request))
    for path, value in leaves(json.loads(body)):
        if isinstance(value, str) and not path.endswith(BYTES_FIELDS):
            assert not LONG_RUN.search(value), path


@DOORS
@UPSTREAMS
@PLACES
def test_litellm_9798_a_pdf_arrives(door: str, upstream: str, place: Place) -> None:
    body = sent(door, place(door, pdf(door)), upstream)
    assert len(arrived(body, PDF)) == 1


@pytest.mark.parametrize("door", PDF_BY_URL)
@UPSTREAMS
@PLACES
def test_litellm_9798_a_pdf_s_address_arrives_or_is_refused(door: str, upstream: str, place: Place) -> None:
    url = "https://example.com/a.pdf"
    body = place(door, PDF_BY_URL[door](url))
    if upstream == "openai_chat":
        refused(door, body, upstream)
    else:
        (path,) = [path for path, value in leaves(sent(door, body, upstream)) if value == url]
        assert path.endswith(("file_url", "source.url", "fileData.fileUri"))


# What a provider holds for who uploaded it: OpenAI's two dialects share theirs.
HELD: dict[str, Wire] = {
    "openai_chat": {"type": "file", "file": {"file_id": "file-held"}},
    "openai_responses": {"type": "input_file", "file_id": "file-held"},
    "anthropic": {"type": "document", "source": {"type": "file", "file_id": "file-held"}},
    "gemini": {
        "fileData": {
            "mimeType": "application/pdf",
            "fileUri": "https://generativelanguage.googleapis.com/v1beta/files/file-held",
        }
    },
}
OPENAI = ("openai_chat", "openai_responses")


@DOORS
@UPSTREAMS
@PLACES
def test_litellm_24776_a_file_by_its_id_goes_only_to_who_holds_it(door: str, upstream: str, place: Place) -> None:
    body = place(door, HELD[door])
    if door != upstream and not {door, upstream} <= {*OPENAI}:
        refused(door, body, upstream)
        return
    (path,) = [path for path, value in leaves(sent(door, body, upstream)) if "file-held" in str(value)]
    assert path.endswith(("file.file_id", "file_id", "source.file_id", "fileData.fileUri"))


# Where each door's client wrote the part: the user's turn, and the tool's result.
PLACES_OF = {
    "openai_chat": ("messages[0].content[1]", "messages[2]"),
    "openai_responses": ("input[0].content[1]", "input[2]"),
    "anthropic": ("messages[0].content[1]", "messages[2].content[0]"),
    "gemini": ("contents[0].parts[1]", "contents[2].parts[0]"),
}


def refused(door: str, body: Wire, upstream: str) -> None:
    """A 400 that names the part by the client's own path."""
    with pytest.raises(Unsupported) as raised:
        carried(door, body, upstream)
    param = raised.value.param
    assert raised.value.status == 400 and param and param in raised.value.message
    assert param.startswith(PLACES_OF[door])
