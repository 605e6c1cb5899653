"""The requests that the benchmark sends: one question in each door's words, whole or streamed, of any size."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

QUESTION = (
    "Summarise in two sentences why an event loop that is held for five milliseconds hurts every stream that it "
    "serves, and name one remedy. Answer for a reader who knows sockets but has never written a server."
)
INSTRUCTION = "You are a precise assistant."
SAME_DIALECT = "gpt-4.1-mini"
OTHER_DIALECT = "claude-sonnet-4-6"
# What stands near the end of a stream, by door.
CHAT_END = b"data: [DONE]\n\n"
_TURN_CHARS = 4000
_Body = dict[str, Any]


@dataclass(frozen=True)
class Ask:
    """An HTTP/1.1 request as an SDK sends it, and what a complete stream in answer to it holds."""

    request: bytes
    end: bytes = CHAT_END


@dataclass(frozen=True)
class Size:
    """About how many characters of conversation a body has, and how many tools."""

    name: str
    chars: int
    tools: int = 0


SIZES = (Size("2 kB", 1500), Size("90 kB, 40 tools", 32_000, 40), Size("1 MB", 1_000_000))


def chat_request(port: int, path: str, key: str, *, model: str = SAME_DIALECT, chunks: int = 0) -> Ask:
    """`chunks` > 0 asks for a stream of so many content chunks, which the mock provider reads from `max_tokens`."""
    messages = [{"role": "system", "content": INSTRUCTION}, {"role": "user", "content": QUESTION}]
    body: _Body = {"model": model, "messages": messages, "temperature": 0.2, "max_tokens": chunks or 400}
    if chunks:
        body["stream"] = True
    return Ask(_http(port, path, key, body))


def _http(port: int, path: str, key: str, body: _Body) -> bytes:
    data = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n"
        "Accept: application/json\r\nUser-Agent: OpenAI/Python 3.54.0\r\nX-Stainless-Lang: python\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


def _turns(chars: int) -> list[str]:
    """What user and assistant say in turn, the user first and last."""
    whole, rest = divmod(chars, _TURN_CHARS)
    lengths = [_TURN_CHARS] * whole + [rest]
    turns = [(QUESTION * (length // len(QUESTION) + 1))[:length] for length in lengths if length]
    return turns if len(turns) % 2 else [*turns, "Go on."]


def _schema(number: int) -> _Body:
    """The arguments of a tool, about 1.3 kB."""
    kinds = ("string", "integer", "boolean", "number")
    fields: _Body = {
        f"field_{n}": {"type": kinds[n % 4], "description": f"What field {n} of tool {number} means to its caller."}
        for n in range(8)
    }
    fields["mode"] = {"type": "string", "enum": ["fast", "thorough", "both"], "default": "fast"}
    lists = {f"list_{n}": {"type": "array", "items": {"type": "string"}} for n in range(4)}
    fields["options"] = {"type": "object", "properties": lists, "additionalProperties": False}
    return {"type": "object", "properties": fields, "required": ["field_0"], "additionalProperties": False}


def _tools(count: int) -> list[tuple[str, str, _Body]]:
    return [(f"tool_{n}", f"Tool {n} does one thing, and says what came of it.", _schema(n)) for n in range(count)]


def _chat(model: str, size: Size, limit: int) -> _Body:
    said = [{"role": _role(at), "content": text} for at, text in enumerate(_turns(size.chars))]
    tools = [
        {"type": "function", "function": {"name": name, "description": about, "parameters": schema}}
        for name, about, schema in _tools(size.tools)
    ]
    messages = [{"role": "system", "content": INSTRUCTION}, *said]
    return {"model": model, "max_tokens": limit, "messages": messages, **({"tools": tools} if tools else {})}


def _messages(model: str, size: Size, limit: int) -> _Body:
    said = [
        {"role": _role(at), "content": [{"type": "text", "text": text}]} for at, text in enumerate(_turns(size.chars))
    ]
    tools = [
        {"name": name, "description": about, "input_schema": schema} for name, about, schema in _tools(size.tools)
    ]
    system = [{"type": "text", "text": INSTRUCTION}]
    body = {"model": model, "max_tokens": limit, "system": system, "messages": said}
    return {**body, **({"tools": tools} if tools else {})}


def _responses(model: str, size: Size, limit: int) -> _Body:
    kinds = ("input_text", "output_text")
    said = [
        {"type": "message", "role": _role(at), "content": [{"type": kinds[at % 2], "text": text}]}
        for at, text in enumerate(_turns(size.chars))
    ]
    tools = [
        {"type": "function", "name": name, "description": about, "parameters": schema, "strict": False}
        for name, about, schema in _tools(size.tools)
    ]
    body = {"model": model, "max_output_tokens": limit, "instructions": INSTRUCTION, "store": False, "input": said}
    return {**body, **({"tools": tools} if tools else {})}


def _gemini(_model: str, size: Size, limit: int) -> _Body:
    said = [
        {"role": ("user", "model")[at % 2], "parts": [{"text": text}]} for at, text in enumerate(_turns(size.chars))
    ]
    tools = [
        {"name": name, "description": about, "parametersJsonSchema": schema}
        for name, about, schema in _tools(size.tools)
    ]
    body = {"generationConfig": {"maxOutputTokens": limit}, "systemInstruction": {"parts": [{"text": INSTRUCTION}]}}
    return {**body, "contents": said, **({"tools": [{"functionDeclarations": tools}]} if tools else {})}


def _role(at: int) -> str:
    return ("user", "assistant")[at % 2]


@dataclass(frozen=True)
class DoorWords:
    """How a door is asked: `path` and `stream_path` may hold the model's name; `end` is the end of its streams."""

    body: Callable[[str, Size, int], _Body]
    path: str
    end: bytes
    stream_path: str | None = None


DOORS: Mapping[str, DoorWords] = {
    "chat": DoorWords(_chat, "/v1/chat/completions", CHAT_END),
    "responses": DoorWords(_responses, "/v1/responses", b"event: response.completed\n"),
    "anthropic": DoorWords(_messages, "/v1/messages", b"event: message_stop\n"),
    "gemini": DoorWords(
        _gemini,
        "/v1beta/models/{model}:generateContent",
        b'"finishReason":"STOP"',
        "/v1beta/models/{model}:streamGenerateContent?alt=sse",
    ),
}
MODELS = {"openai": SAME_DIALECT, "anthropic": OTHER_DIALECT, "google": "gemini-2.5-flash"}


def door_request(port: int, key: str, *, door: str, provider: str, size: Size, chunks: int, prefix: str) -> Ask:
    """A request of that size at one of the doors under `prefix`, for a model of that provider."""
    words, model = DOORS[door], MODELS[provider]
    body = words.body(model, size, chunks or 400)
    path = words.path
    if chunks and words.stream_path is not None:
        path = words.stream_path
    elif chunks:
        body["stream"] = True
    return Ask(_http(port, prefix + path.format(model=model), key, body), words.end)
