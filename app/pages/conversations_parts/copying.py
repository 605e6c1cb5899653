"""A conversation as text for elsewhere: JSON, Markdown, its calls as CSV, and a call as a curl line with its key
masked. Pure."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.pages.conversations_parts import turn_words
from app.pages.conversations_parts.block import Block, named, text_of
from app.pages.conversations_parts.branches import by_turn, messages_of, until
from app.pages.conversations_parts.list_view import title_of
from app.tables.column import csv_text, milliseconds, utc_text
from gateway import (
    Blob,
    Opaque,
    Refusal,
    Role,
    Text,
    Thread,
    ThreadMessage,
    Tool,
    ToolCall,
    ToolCallResponse,
    Turn,
    Uri,
    message_json,
    part_json,
    tool_json,
)

KEY_MASK = "$FAREGATE_API_KEY"
CHAT_PATH = "/api/ai/v1/chat/completions"


def as_json(thread: Thread) -> str:
    """The conversation in the shape of the read API, with its parts as OpenTelemetry names them."""
    row = thread.row
    whole = {
        "id": row.id,
        "sessions": row.sessions,
        "title": row.title,
        "started_at": utc_text(row.started_us),
        "ended_at": utc_text(row.ended_us),
        "user": row.user,
        "app": row.app,
        "models": row.models,
        "tags": row.tags,
        "cost_usd": _usd(row.cost_nano),
        "system_instructions": [part_json(part) for system in thread.systems for part in system],
        "tools": [tool_json(tool) for tools in thread.toolsets for tool in tools],
        "messages": [_message(message) for message in thread.messages],
        "turns": [_call(turn) for turn in thread.turns],
    }
    return json.dumps(whole, ensure_ascii=False, indent=2)


def as_csv(thread: Thread) -> str:
    """A line per call, with the figures that JSON has of it; "" without calls."""
    calls = [_call(turn) for turn in thread.turns]
    if not calls:
        return ""
    return csv_text(calls[0], (call.values() for call in calls))


def _call(turn: Turn) -> Mapping[str, Any]:
    return {
        "n": turn.n,
        "parent": turn.parent,
        "request_id": turn.request_id,
        "trace_id": turn.trace_id,
        "span_id": turn.span_id,
        "session_id": turn.session_id,
        "model": turn.model,
        "provider": turn.provider,
        "started_at": utc_text(turn.started_us),
        "latency_ms": milliseconds(turn.latency_us),
        "input_tokens": turn.input_tokens,
        "cached_tokens": turn.cached_tokens,
        "output_tokens": turn.output_tokens,
        "reasoning_tokens": turn.reasoning_tokens,
        "cost_usd": _usd(turn.cost_nano),
        "outcome": turn.outcome,
    }


def _message(message: ThreadMessage) -> Mapping[str, Any]:
    told = message_json(message.role, message.parts, name=message.name, finish=message.finish_reason)
    return {**told, "turn": message.turn}


def _usd(nano: int | None) -> str | None:
    return None if nano is None else f"{nano // 10**9}.{nano % 10**9:09d}"


def as_markdown(thread: Thread, blocks: Sequence[Block]) -> str:
    """The shown way, a heading for each block."""
    lines = [f"# {title_of(thread.row)}", "", turn_words.totals(thread.row, thread.turns), ""]
    for block in blocks:
        lines += [*block_markdown(block), ""]
    return "\n".join(lines).rstrip() + "\n"


def block_markdown(block: Block) -> list[str]:
    if block.kind == "divider":
        return [f"*{block.title}*"]
    if block.kind == "turn":
        return [f"> {line}" for line in (block.title, *(note.text for note in block.notes))]
    head = f"## {block.title}{f' `{block.detail}`' if block.detail else ''}"
    if block.kind in ("tool", "body"):
        return [head, "", *_tool_markdown(block)]
    if block.kind == "reasoning":
        return [head, "", *(f"> {line}" for line in text_of(block).split("\n"))]
    return [head, "", text_of(block)]


def _tool_markdown(block: Block) -> Iterable[str]:
    for part in block.parts:
        if isinstance(part, ToolCall):
            yield from _fenced(part.arguments, "" if part.custom else "json")
        elif isinstance(part, ToolCallResponse):
            for item in part.content:
                if isinstance(item, Text):
                    yield from _fenced(item.text, "")
                elif isinstance(item, Opaque):
                    yield from _fenced(json.dumps(item.value, ensure_ascii=False), "json")
                else:
                    yield from named(item)


def _fenced(text: str, language: str) -> list[str]:
    fence = "```"
    while fence in text:
        fence += "`"
    return [f"{fence}{language}", text, fence]


def chat_body(thread: Thread, number: int) -> dict[str, Any]:
    """The call of a turn as the body of a chat request, rebuilt from what was kept."""
    turn = next(each for each in thread.turns if each.n == number)
    messages: list[Mapping[str, Any]] = []
    if turn.system is not None and turn.system < len(thread.systems):
        text = "\n\n".join(part.text for part in thread.systems[turn.system] if isinstance(part, Text))
        messages.append({"role": "system", "content": text})
    kept = by_turn(thread.messages)
    for step in until(thread.turns, number):
        for message in messages_of(step, kept):
            if not (message.turn == number and message.output) and not message.repeated:
                messages += _chat_messages(message)
    body: dict[str, Any] = {"model": turn.model_requested or turn.model or "", "messages": messages}
    tools = thread.toolsets[turn.tools] if turn.tools is not None and turn.tools < len(thread.toolsets) else ()
    if functions := [_chat_tool(tool) for tool in tools if isinstance(tool, Tool)]:
        body["tools"] = functions
    return body


def as_curl(thread: Thread, number: int, url: str) -> str:
    """The call of a turn as a command for a POSIX shell, rebuilt from what was kept, as a chat request."""
    data = json.dumps(chat_body(thread, number), ensure_ascii=False, indent=1).replace("'", "'\\''")
    return (
        f"curl {url}{CHAT_PATH} \\\n  -H 'content-type: application/json' \\\n"
        f"  -H \"authorization: Bearer {KEY_MASK}\" \\\n  -d '{data}'\n"
    )


def _chat_tool(tool: Tool) -> Mapping[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": {name: value for name, value in function.items() if value is not None}}


def _chat_messages(message: ThreadMessage) -> list[Mapping[str, Any]]:
    results: list[Mapping[str, Any]] = [
        {"role": "tool", "tool_call_id": part.id, "content": _text(part)}
        for part in message.parts
        if isinstance(part, ToolCallResponse)
    ]
    calls = [
        {"id": part.id, "type": "function", "function": {"name": part.name, "arguments": part.arguments}}
        for part in message.parts
        if isinstance(part, ToolCall)
    ]
    content = [_chat_part(part) for part in message.parts if isinstance(part, Text | Refusal | Blob | Uri)]
    if not content and not calls:
        return results
    said: dict[str, Any] = {"role": "user" if message.role == Role.TOOL else message.role.value}
    words = [part["text"] for part in content if part["type"] == "text"]
    said["content"] = "\n".join(words) if len(words) == len(content) else content
    if calls:
        said["tool_calls"] = calls
    return [*results, said]


def _chat_part(part: Text | Refusal | Blob | Uri) -> dict[str, Any]:
    if isinstance(part, Text | Refusal):
        return {"type": "text", "text": part.text}
    address = part.uri if isinstance(part, Uri) else f"data:{part.mime_type};base64,{part.data}"
    return {"type": "image_url", "image_url": {"url": address}}


def _text(part: ToolCallResponse) -> str:
    return "\n".join(item.text for item in part.content if isinstance(item, Text))
