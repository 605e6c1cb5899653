"""Random histories in the words of each door, and what the dialects of providers demand of one.

Every text, picture, file, name and argument holds a mark of its own, so that what a translation leaves out is seen.
Results come in any order and in several messages, with words between them; there are blank texts, answers that broke
off in their thoughts, instructions midway and media in results.
"""

import json
import random
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

Wire = dict[str, Any]
_PNG, _PDF = b"\x89PNG\r\n\x1a\n", b"%PDF-1.4\n"
_SCHEMA: Wire = {"type": "object", "properties": {"a": {"type": "string"}}}


@dataclass(frozen=True)
class Turn:
    """`kinds` are those of its parts, or of its results' parts by their call's id."""

    role: str
    kinds: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    results: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass
class Teller:
    """What is said, mark by mark; `names` are those of files."""

    rng: random.Random
    marks: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def mark(self) -> str:
        self.marks.append(f"mark{len(self.marks):04d}.")
        return self.marks[-1]

    def name(self) -> str:
        self.names.append(f"name{len(self.names):04d}.")
        return self.names[-1]

    def data(self, kind: str) -> str:
        return b64encode((_PNG if kind == "image" else _PDF) + self.mark().encode() + b"..").decode()

    def blank(self) -> str:
        return self.rng.choice(["", " ", "\n"])


def turns(rng: random.Random) -> Iterator[Turn]:
    """A history of which every call is answered, from the user's first words to the last."""

    def some(kinds: str, least: int, most: int) -> tuple[str, ...]:
        return tuple(rng.choice(kinds.split()) for _ in range(rng.randint(least, most)))

    made = 0
    for _ in range(rng.randint(1, 4)):
        yield Turn("user", ("text", *some("text image address file blank", 0, 2)))
        while rng.random() < 0.7:
            calls = tuple(f"call_{made + n}" for n in range(rng.randint(0, 3)))
            made += len(calls)
            yield Turn("assistant", some("text thinking blank", 0 if calls else 1, 2), calls)
            waiting = rng.sample(calls, len(calls))
            while waiting:
                now = [waiting.pop() for _ in range(rng.randint(1, len(waiting)))]
                yield Turn("tool", results=tuple((call, some("text image file blank", 0, 2)) for call in now))
                if rng.random() < 0.3:
                    yield Turn(rng.choice(["user", "system"]), ("text",))
    yield Turn("user", ("text",))


def _anthropic(told: Teller, said: list[Turn]) -> Wire:
    def block(kind: str) -> Wire:
        match kind:
            case "image" | "file":
                mime = "image/png" if kind == "image" else "application/pdf"
                source = {"type": "base64", "media_type": mime, "data": told.data(kind)}
                titled = {"title": told.name()} if kind == "file" else {}
                return {"type": "image" if kind == "image" else "document", "source": source, **titled}
            case "address":
                return {"type": "image", "source": {"type": "url", "url": f"https://x/{told.mark()}png"}}
            case "thinking":
                return {"type": "thinking", "thinking": "", "signature": "c2ln"}
        return {"type": "text", "text": told.blank() if kind == "blank" else told.mark()}

    messages = []
    for turn in said:
        content = [block(kind) for kind in turn.kinds]
        content += [{"type": "tool_use", "id": call, "name": "f", "input": {"a": told.mark()}} for call in turn.calls]
        for call, kinds in turn.results:
            content.append({"type": "tool_result", "tool_use_id": call, "content": [block(kind) for kind in kinds]})
        messages.append({"role": "user" if turn.results else turn.role, "content": content})
    tools = [{"name": "f", "description": told.mark(), "input_schema": _SCHEMA}]
    return {"model": "m", "max_tokens": 9, "system": told.mark(), "messages": messages, "tools": tools}


def _responses(told: Teller, said: list[Turn]) -> Wire:
    def piece(kind: str, word: str = "input_text") -> Wire:
        match kind:
            case "image":
                return {"type": "input_image", "image_url": f"data:image/png;base64,{told.data(kind)}"}
            case "file":
                url = f"data:application/pdf;base64,{told.data(kind)}"
                return {"type": "input_file", "filename": told.name(), "file_data": url}
            case "address":
                return {"type": "input_image", "image_url": f"https://x/{told.mark()}png"}
        return {"type": word, "text": told.blank() if kind == "blank" else told.mark()}

    items: list[Wire] = []
    for turn in said:
        for kind in turn.kinds if turn.role == "assistant" else ():
            if kind == "thinking":
                items.append({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"})
            else:
                items.append({"type": "message", "role": "assistant", "content": [piece(kind, "output_text")]})
        for call in turn.calls:
            arguments = json.dumps({"a": told.mark()})
            items.append({"type": "function_call", "call_id": call, "name": "f", "arguments": arguments})
        for call, kinds in turn.results:
            output = [piece(kind) for kind in kinds] or ""
            items.append({"type": "function_call_output", "call_id": call, "output": output})
        if turn.role in ("user", "system"):
            items.append({"role": turn.role, "content": [piece(kind) for kind in turn.kinds]})
    tools = [{"type": "function", "name": "f", "description": told.mark(), "parameters": _SCHEMA}]
    return {"model": "m", "instructions": told.mark(), "input": items, "tools": tools}


def _gemini(told: Teller, said: list[Turn]) -> Wire:
    def part(kind: str) -> Wire:
        match kind:
            case "image" | "file":
                mime = "image/png" if kind == "image" else "application/pdf"
                return {"inlineData": {"mimeType": mime, "data": told.data(kind)}}
            case "address":
                return {"fileData": {"fileUri": f"https://x/{told.mark()}png", "mimeType": "image/png"}}
            case "thinking":
                return {"text": "Hm", "thought": True}
        return {"text": told.blank() if kind == "blank" else told.mark()}

    contents = []
    for turn in said:
        parts = [part(kind) for kind in turn.kinds]
        parts += [{"functionCall": {"id": call, "name": "f", "args": {"a": told.mark()}}} for call in turn.calls]
        for call, kinds in turn.results:
            result: Wire = {"id": call, "name": "f", "response": {"result": told.mark()}}
            media = [part(kind) for kind in kinds if kind in ("image", "file")]
            parts.append({"functionResponse": result | ({"parts": media} if media else {})})
        contents.append({"role": "model" if turn.role == "assistant" else "user", "parts": parts})
    tools = [{"functionDeclarations": [{"name": "f", "description": told.mark(), "parametersJsonSchema": _SCHEMA}]}]
    return {"systemInstruction": {"parts": [{"text": told.mark()}]}, "contents": contents, "tools": tools}


DOORS: dict[str, Callable[[Teller, list[Turn]], Wire]] = {
    "openai_responses": _responses,
    "anthropic": _anthropic,
    "gemini": _gemini,
}


def history(door: str, rng: random.Random) -> tuple[bytes, list[str], list[str]]:
    """A body, the marks in it, and those that are names of files, which a dialect may have no field for."""
    told = Teller(rng)
    body = DOORS[door](told, list(turns(rng)))
    return json.dumps(body).encode(), told.marks, told.names


def missing(marks: list[str], body: Wire) -> list[str]:
    """The marks that are nowhere in it."""
    found = "\n".join(_texts(body))
    return [mark for mark in marks if mark not in found]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value
        with suppress(Error):
            yield b64decode(value.rpartition(",")[2], validate=True).decode("latin-1")


def check(dialect: str, body: Wire) -> None:
    """Raises AssertionError where the dialect's provider would refuse the order of the history."""
    _CHECKS[dialect](body)


def _check_chat(body: Wire) -> None:
    waiting: set[str] = set()
    for message in body["messages"]:
        if message["role"] == "tool":
            waiting.remove(message["tool_call_id"])
            continue
        assert not waiting, "a message before all results"
        assert message["content"] or message.get("tool_calls"), "an empty message"
        waiting = {call["id"] for call in message.get("tool_calls", ())}
    assert not waiting and body["messages"][-1]["role"] != "assistant"


def _check_responses(body: Wire) -> None:
    calls = [item["call_id"] for item in body["input"] if item["type"] == "function_call"]
    outputs = [item["call_id"] for item in body["input"] if item["type"] == "function_call_output"]
    assert sorted(calls) == sorted(outputs)
    assert all(item["content"] for item in body["input"] if item["type"] == "message"), "an empty message"


def _check_turns(turns: list[Wire], content: str, call: str, result: str) -> None:
    """Turns alternate, none is empty, and the results are those of the calls before, in front."""
    roles = [turn["role"] for turn in turns]
    assert roles[0] == roles[-1] == "user" and all(a != b for a, b in pairwise(roles))
    calls: list[str] = []
    for turn in turns:
        assert turn[content], "an empty turn"
        results = [_id(part, result) for part in turn[content]]
        answered = [id for id in results if id is not None]
        assert answered == calls and results[: len(answered)] == answered
        calls = [id for part in turn[content] if (id := _id(part, call)) is not None]
    assert not calls


def _id(part: Wire, kind: str) -> str | None:
    """The id of a part of this kind; None of another's."""
    if kind in part:
        return str(part[kind]["id"])
    return str(part.get("id") or part["tool_use_id"]) if part.get("type") == kind else None


def _check_anthropic(body: Wire) -> None:
    _check_turns(body["messages"], "content", "tool_use", "tool_result")
    texts = [block["text"] for turn in body["messages"] for block in turn["content"] if block["type"] == "text"]
    assert all(text.strip() for text in texts), "a blank text"


def _check_gemini(body: Wire) -> None:
    _check_turns(body["contents"], "parts", "functionCall", "functionResponse")


_CHECKS: dict[str, Callable[[Wire], None]] = {
    "openai_chat": _check_chat,
    "openai_responses": _check_responses,
    "anthropic": _check_anthropic,
    "gemini": _check_gemini,
}
