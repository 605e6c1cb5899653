"""What a request said, in words that the four formats share, for the ledger: tests compare it with what was meant.

A history's results stand in turns of role `tool`, whatever message they came in; following turns of one role are one.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.provider.media import described, described_url


@dataclass(kw_only=True)
class Turn:
    """`calls`: id, name, arguments. `results`: id, name, value (parsed where it is a JSON object), error, media.

    `media` are images and documents with their SHA-256; `states` how many signatures came with it, `made_up` how many
    of them were the sentinel that stands for a lost one; `thinking` is reasoning given back in plain words.
    """

    role: str
    texts: list[str] = field(default_factory=list)
    media: list[dict[str, Any]] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    results: list[dict[str, Any]] = field(default_factory=list)
    thinking: list[str] = field(default_factory=list)
    states: int = 0
    made_up: int = 0


@dataclass(kw_only=True)
class Understood:
    """`schema` is the answer's JSON Schema ({} where any JSON was asked for); `tools` are name → JSON Schema."""

    system: list[str] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    tools: dict[str, Any] = field(default_factory=dict)
    tool_choice: Any = None
    stop: list[str] = field(default_factory=list)
    max_tokens: int | None = None
    schema: dict[str, Any] | None = None
    effort: str | None = None
    thinking: Any = None

    def turn(self, role: str) -> Turn:
        """The turn that words of this role belong to now."""
        if not self.turns or self.turns[-1].role != role:
            self.turns.append(Turn(role=role))
        return self.turns[-1]

    def recorded(self) -> dict[str, Any]:
        return asdict(self)


def items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def parts(content: Any, kind: str = "text") -> list[dict[str, Any]]:
    """A content that may be a plain string, as parts."""
    return [{"type": kind, "text": content}] if isinstance(content, str) and content else items(content)


def value_of(text: str) -> Any:
    """A tool result: an object where it is one in JSON, else the text."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return found if isinstance(found, dict) else text


def joined(found: Iterable[dict[str, Any]]) -> str:
    return "\n".join(str(part["text"]) for part in found if "text" in part)


def arguments_of(text: str) -> Any:
    try:
        return json.loads(text or "{}")
    except ValueError:
        return text


def from_chat(body: dict[str, Any]) -> Understood:
    said = Understood(
        tools={tool["function"]["name"]: tool["function"].get("parameters") for tool in _functions(body)},
        tool_choice=body.get("tool_choice"),
        stop=[body["stop"]] if isinstance(body.get("stop"), str) else items(body.get("stop")),
        max_tokens=body.get("max_completion_tokens", body.get("max_tokens")),
        schema=_chat_schema(body.get("response_format") or {}),
        effort=body.get("reasoning_effort"),
    )
    for message in body["messages"]:
        content = parts(message.get("content"))
        if message["role"] in ("system", "developer"):
            said.system += [part["text"] for part in content]
            continue
        turn = said.turn(message["role"])
        if turn.role == "tool":
            turn.results.append(
                {"id": message["tool_call_id"], "value": value_of(joined(content)), "error": False, "media": []}
            )
            continue
        turn.texts += [str(part.get("text", part.get("refusal"))) for part in content if part["type"] in _TEXTS]
        turn.media += [_chat_media(part) for part in content if part["type"] in ("image_url", "file")]
        turn.calls += [
            {
                "id": call["id"],
                "name": call["function"]["name"],
                "arguments": arguments_of(call["function"]["arguments"]),
            }
            for call in message.get("tool_calls") or ()
        ]
        turn.thinking += [message["reasoning_content"]] if message.get("reasoning_content") else []
    return said


_TEXTS = ("text", "refusal", "input_text", "output_text")


def _functions(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [tool for tool in items(body.get("tools")) if tool["type"] == "function"]


def _chat_schema(wanted: dict[str, Any]) -> dict[str, Any] | None:
    kind = wanted.get("type")
    return wanted["json_schema"].get("schema") if kind == "json_schema" else ({} if kind == "json_object" else None)


def _chat_media(part: dict[str, Any]) -> dict[str, Any]:
    if part["type"] == "image_url":
        return described_url(part["image_url"]["url"])
    file = part["file"]
    return described_url(file["file_data"]) if "file_data" in file else {"file_id": file.get("file_id")}


def from_responses(body: dict[str, Any]) -> Understood:
    wanted = (body.get("text") or {}).get("format") or {}
    kind = wanted.get("type")
    said = Understood(
        system=[body["instructions"]] if body.get("instructions") else [],
        tools={
            tool["name"]: tool.get("parameters")
            for group in items(body.get("tools"))
            for tool in (group["tools"] if group["type"] == "namespace" else [group])
            if tool["type"] == "function"
        },
        tool_choice=body.get("tool_choice"),
        max_tokens=body.get("max_output_tokens"),
        schema=wanted["schema"] if kind == "json_schema" else ({} if kind == "json_object" else None),
        effort=(body.get("reasoning") or {}).get("effort"),
    )
    given = body.get("input")
    for item in [{"role": "user", "content": given}] if isinstance(given, str) else items(given):
        _understand_item(said, item)
    return said


def _understand_item(said: Understood, item: dict[str, Any]) -> None:
    match item.get("type", "message"):
        case "message" if item["role"] in ("system", "developer"):
            said.system += [part["text"] for part in parts(item["content"], "input_text")]
        case "message":
            content, turn = parts(item["content"], "input_text"), said.turn(item["role"])
            turn.texts += [str(part.get("text", part.get("refusal"))) for part in content if part["type"] in _TEXTS]
            turn.media += _response_media(content)
        case "function_call":
            call = {"id": item["call_id"], "name": item["name"], "arguments": arguments_of(item["arguments"])}
            said.turn("assistant").calls.append(call)
        case "reasoning":
            turn = said.turn("assistant")
            turn.states += bool(item.get("encrypted_content"))
        case "function_call_output":
            content = parts(item["output"], "input_text")
            said.turn("tool").results.append(
                {
                    "id": item["call_id"],
                    "value": value_of(joined(content)),
                    "error": False,
                    "media": _response_media(content),
                }
            )


def _response_media(content: list[dict[str, Any]]) -> list[dict[str, Any]]:
    urls = {"input_image": "image_url", "input_file": "file_data"}
    return [
        described_url(part[urls[part["type"]]]) if part.get(urls[part["type"]]) else {"file_id": part.get("file_id")}
        for part in content
        if part["type"] in urls
    ]


def from_messages(body: dict[str, Any]) -> Understood:
    config = body.get("output_config") or {}
    said = Understood(
        system=[part["text"] for part in parts(body.get("system"))],
        tools={tool["name"]: tool["input_schema"] for tool in items(body.get("tools")) if "input_schema" in tool},
        tool_choice=body.get("tool_choice"),
        stop=items(body.get("stop_sequences")),
        max_tokens=body.get("max_tokens"),
        schema=(config.get("format") or {}).get("schema"),
        effort=config.get("effort"),
        thinking=body.get("thinking"),
    )
    for message in body["messages"]:
        if message["role"] == "system":
            said.system += [part["text"] for part in parts(message["content"])]
            continue
        for block in parts(message["content"]):
            role = "tool" if block["type"] == "tool_result" else message["role"]
            _understand_block(said.turn(role), block)
    return said


def _understand_block(turn: Turn, block: dict[str, Any]) -> None:
    match block["type"]:
        case "text":
            turn.texts.append(block["text"])
        case "image" | "document":
            turn.media.append(_block_media(block))
        case "thinking" | "redacted_thinking":
            turn.states += 1
        case "tool_use":
            turn.calls.append({"id": block["id"], "name": block["name"], "arguments": block["input"]})
        case "tool_result":
            content = parts(block.get("content"))
            turn.results.append(
                {
                    "id": block["tool_use_id"],
                    "value": value_of(joined(content)),
                    "error": bool(block.get("is_error")),
                    "media": [_block_media(part) for part in content if part["type"] in ("image", "document")],
                }
            )


def _block_media(block: dict[str, Any]) -> dict[str, Any]:
    source = block["source"]
    if source["type"] == "base64":
        return described(source["media_type"], source["data"])
    return {key: value for key, value in source.items() if key in ("url", "file_id")}


def snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda match: "_" + match.group().lower(), name)


def either(value: Any, name: str) -> Any:
    """A field of Google's JSON, which may be written in either case."""
    return value.get(name, value.get(snake(name))) if isinstance(value, dict) else None


def plain_base64(data: object) -> str:
    """Google takes both alphabets of base64, and its own SDK writes the one for URLs."""
    return str(data).replace("-", "+").replace("_", "/")


def from_contents(body: dict[str, Any], sentinels: tuple[str, ...]) -> Understood:
    """`sentinels` stand for a signature that was lost."""
    config = either(body, "generationConfig") or {}
    calling = either(either(body, "toolConfig"), "functionCallingConfig") or {}
    declared = [
        item for tool in items(body.get("tools")) for item in items(either(tool, "functionDeclarations")) or ()
    ]
    schema = either(config, "responseJsonSchema") or either(config, "responseSchema")
    is_json = either(config, "responseMimeType") == "application/json"
    thinking = either(config, "thinkingConfig") or {}
    said = Understood(
        system=[part["text"] for part in items((either(body, "systemInstruction") or {}).get("parts"))],
        tools={item["name"]: either(item, "parametersJsonSchema") or item.get("parameters") for item in declared},
        tool_choice=calling or None,
        stop=items(either(config, "stopSequences")),
        max_tokens=either(config, "maxOutputTokens"),
        schema=schema if schema is not None else ({} if is_json else None),
        effort=either(thinking, "thinkingLevel"),
        thinking=thinking or None,
    )
    for content in items(body.get("contents")):
        for part in items(content.get("parts")):
            role = "assistant" if content.get("role") == "model" else "user"
            _understand_part(said.turn("tool" if either(part, "functionResponse") else role), part, sentinels)
    return said


def _understand_part(turn: Turn, part: dict[str, Any], sentinels: tuple[str, ...]) -> None:
    if signature := either(part, "thoughtSignature"):
        turn.states += 1
        turn.made_up += signature in sentinels
    if call := either(part, "functionCall"):
        turn.calls.append({"id": call.get("id"), "name": call["name"], "arguments": call.get("args") or {}})
    elif result := either(part, "functionResponse"):
        response = result.get("response") or {}
        error = response.keys() == {"error"}
        value = next(iter(response.values())) if response.keys() in ({"output"}, {"error"}) else response
        turn.results.append(
            {
                "id": result.get("id"),
                "name": result["name"],
                "value": value_of(value) if isinstance(value, str) else value,
                "error": error,
                "media": [_part_media(inner) for inner in items(result.get("parts"))],
            }
        )
    elif "text" in part and part.get("thought"):
        turn.thinking.append(part["text"])
    elif part.get("text"):
        turn.texts.append(part["text"])
    elif either(part, "inlineData") or either(part, "fileData"):
        turn.media.append(_part_media(part))


def _part_media(part: dict[str, Any]) -> dict[str, Any]:
    if inline := either(part, "inlineData"):
        return described(either(inline, "mimeType"), plain_base64(inline["data"]))
    return {"url": either(either(part, "fileData"), "fileUri")}
