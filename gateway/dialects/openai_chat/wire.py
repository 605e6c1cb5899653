"""The shapes of chat answers and their words, as both sides of the codec need them.

A whole answer's `message` and a stream's `delta` have the same fields, so one set of typed records serves both;
decoding into them skips what we do not read. Leaves are untyped where providers are known to differ (a null index,
content as a list), so that only a wrong structure is an error. Field lists: types of `openai` 3.54.0;
`reasoning_content`, `reasoning`, `images` and `extra_content` are what xAI, DeepSeek, OpenRouter and Google add.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from gateway.dialects.json_text import decode_as, decode_json
from gateway.dialects.media_types import is_sketch
from gateway.model import NO_EXTRA, Blob, Extra, FinishReason

__all__ = ["decode_as", "decode_json"]

NAME = "openai_chat"
ANSWER_PREFIX = "chatcmpl-"
# The other spelling of the same provider: what it says in chat's words is read from its pocket, too.
KIN = "openai_responses"

CITATIONS = "citations"

ENCODER = msgspec.json.Encoder()


class WireFunction(Struct, gc=False):
    name: Any = None
    arguments: Any = None
    input: Any = None


class WireCall(Struct, gc=False):
    index: Any = None
    id: Any = None
    function: WireFunction | None = None
    custom: WireFunction | None = None
    extra_content: Any = None


class WireMessage(Struct, gc=False):
    content: Any = None
    refusal: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    tool_calls: list[WireCall] | None = None
    function_call: WireFunction | None = None
    annotations: Any = None
    audio: Any = None
    images: Any = None


class WireChoice(Struct, gc=False):
    index: Any = None
    delta: WireMessage | None = None
    message: WireMessage | None = None
    finish_reason: Any = None
    error: Any = None
    logprobs: Any = None


class WireAnswer(Struct, gc=False):
    id: Any = None
    object: Any = None
    created: Any = None
    model: Any = None
    choices: list[WireChoice] | None = None
    usage: Any = None
    error: Any = None
    service_tier: Any = None
    system_fingerprint: Any = None
    citations: Any = None


_ANSWER_DECODER = msgspec.json.Decoder(WireAnswer)


def decode_answer(data: bytes) -> WireAnswer:
    """A whole answer or one chunk of a stream. Raises ValueError."""
    return decode_as(data, _ANSWER_DECODER)


def pocket(values: Mapping[str, Any]) -> Extra:
    """The side pocket with these values, the shared empty one if there are none."""
    return {NAME: values} if values else NO_EXTRA


def own(extra: Extra) -> Mapping[str, Any]:
    """This dialect's side pocket."""
    return extra.get(NAME, {})


def citations_in(answer: WireAnswer) -> Extra:
    """xAI's list of sources, which stands beside the choices and comes with the last words of a stream."""
    return pocket({CITATIONS: answer.citations} if isinstance(answer.citations, list) and answer.citations else {})


def citations_out(extra: Extra) -> dict[str, Any]:
    """The field of an answer, or of a chunk, for the sources in a choice's pocket."""
    found = own(extra).get(CITATIONS)
    return {CITATIONS: found} if found else {}


def signature_in(extra_content: Any) -> Extra:
    """Gemini's thought signature, which travels in chat as `extra_content.google.thought_signature`."""
    google = extra_content.get("google") if isinstance(extra_content, dict) else None
    signature = google.get("thought_signature") if isinstance(google, dict) else None
    return {"gemini": {"thought_signature": signature}} if isinstance(signature, str) else NO_EXTRA


def signature_out(extra: Extra) -> dict[str, Any]:
    """`extra_content` of a tool call that has a thought signature, else nothing."""
    signature = extra.get("gemini", {}).get("thought_signature")
    return {"extra_content": {"google": {"thought_signature": signature}}} if isinstance(signature, str) else {}


def is_empty(call: WireCall) -> bool:
    """Some servers send a call, or a fragment of one, that the model did not make (BerriAI/litellm#17425)."""
    function = call.function or call.custom
    says = function is not None and (function.name or function.arguments or function.input)
    return not (call.id or says or call.extra_content)


def arguments_text(arguments: Any) -> str:
    """A call's arguments as JSON text; some servers send the object itself."""
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else ENCODER.encode(arguments).decode()


def content_text(content: Any) -> str:
    """The text of `content`: a string, or a list of parts with `text`, as some servers send it."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = (part.get("text") for part in content if isinstance(part, dict))
    return "".join(text for text in texts if isinstance(text, str))


def minted_call_id(answer_id: str | None, choice: int, position: int) -> str:
    """An id for a call that came without one: the same for the same answer, another in the next."""
    base = (answer_id or "").removeprefix(ANSWER_PREFIX) or "0"
    return f"call_{base}_{choice}_{position}"


def images_in(images: Any) -> list[Blob]:
    """The images that a model made, as OpenRouter tells them beside the text; those by address are passed over."""
    found = []
    for image in images if isinstance(images, list) else ():
        place = image.get("image_url") if isinstance(image, dict) else None
        url = place.get("url") if isinstance(place, dict) else None
        head, _, data = url.partition(";base64,") if isinstance(url, str) else ("", "", "")
        if head.startswith("data:image/") and data:
            found.append(Blob(head.removeprefix("data:"), data, "image"))
    return found


def is_made(part: Blob) -> bool:
    """Whether an answer's client is to see it."""
    return part.modality == "image" and not is_sketch(part)


def image_out(image: Blob, index: int) -> dict[str, Any]:
    """The same for a client: OpenAI's own answers have no place for an image. By `index`, the place among a choice's,
    OpenAI's SDK joins what comes in several chunks."""
    url = f"data:{image.mime_type};base64,{image.data}"
    return {"type": "image_url", "image_url": {"url": url}, "index": index}


FAILED = "error"
_REASONS = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
    FAILED: FinishReason.ERROR,
}
_WORDS = {
    FinishReason.STOP: "stop",
    FinishReason.STOP_SEQUENCE: "stop",
    FinishReason.LENGTH: "length",
    FinishReason.CONTEXT: "length",
    FinishReason.TOOL_CALLS: "tool_calls",
    FinishReason.CONTENT_FILTER: "content_filter",
    FinishReason.PAUSE: "stop",
    FinishReason.ERROR: "stop",
}


def neutral_reason(word: Any, has_calls: bool) -> FinishReason:
    """A `finish_reason`; an answer with tool calls that merely "stopped" waits for their results."""
    reason = _REASONS.get(word, FinishReason.STOP) if isinstance(word, str) else FinishReason.STOP
    return FinishReason.TOOL_CALLS if has_calls and reason is FinishReason.STOP else reason


def chat_reason(reason: FinishReason | None, has_calls: bool, legacy: bool = False) -> str:
    """The `finish_reason` for a client; `legacy` says function_call for tool_calls."""
    word = "stop" if reason is None else _WORDS[reason]
    if word in ("stop", "tool_calls"):
        # A client that is told of calls and gets none waits for them.
        word = "tool_calls" if has_calls else "stop"
    return "function_call" if legacy and word == "tool_calls" else word
