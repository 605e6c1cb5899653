"""Requests as the four doors' clients really send them, and what goes out of them to a provider."""

import json
from collections.abc import Iterator
from typing import Any

from gateway.dialects import DIALECTS
from gateway.model import Rendered, Request, Target
from gateway.providers.catalog import PROVIDERS
from gateway.relaying.routing import Routing

Wire = dict[str, Any]
_ROUTING = Routing(PROVIDERS)
# A model of each provider, and the dialect in which it is called.
MODELS = {
    "openai_chat": "gpt-4.1",
    "openai_responses": "gpt-5.4",
    "anthropic": "claude-sonnet-4-6",
    "gemini": "gemini-3.1-pro-preview",
}


def target_of(upstream: str, model: str = "") -> Target:
    return _ROUTING.candidates(model or MODELS[upstream])[0].target


def parsed(door: str, body: Wire, model: str) -> Request:
    """Raises ClientError."""
    path_model = model if door == "gemini" else None
    return DIALECTS[door].parse_request(json.dumps(body).encode(), path_model, False)


def carried(door: str, body: Wire, upstream: str, model: str = "") -> Rendered:
    """What is sent to this upstream. Raises GatewayError."""
    target = target_of(upstream, model)
    return DIALECTS[upstream].render_request(parsed(door, body, target.model), target)


def sent(door: str, body: Wire, upstream: str, model: str = "") -> Any:
    return json.loads(carried(door, body, upstream, model).body)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf with its path, `messages[0].content[1].text`."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, f"{path}[{index}]")
    else:
        yield path, value


def asking(door: str, *content: Wire) -> Wire:
    """A user's message with this content in the door's form, and a question."""
    match door:
        case "openai_chat":
            parts = [{"type": "text", "text": "What is it?"}, *content]
            return {"model": "m", "messages": [{"role": "user", "content": parts}]}
        case "openai_responses":
            parts = [{"type": "input_text", "text": "What is it?"}, *content]
            return {"model": "m", "input": [{"role": "user", "content": parts}]}
        case "anthropic":
            parts = [{"type": "text", "text": "What is it?"}, *content]
            return {"model": "m", "max_tokens": 64, "messages": [{"role": "user", "content": parts}]}
    return {"contents": [{"role": "user", "parts": [{"text": "What is it?"}, *content]}]}


def resulting(door: str, *content: Wire) -> Wire:
    """A tool's result with this content in the door's form, and some text."""
    match door:
        case "openai_chat":
            call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
            tool = {
                "type": "function",
                "function": {"name": "look", "parameters": {"type": "object", "properties": {}}},
            }
            result = {
                "role": "tool",
                "tool_call_id": "call_1",
                "content": [{"type": "text", "text": "See."}, *content],
            }
            asked = {"role": "user", "content": "Look."}
            called = {"role": "assistant", "content": None, "tool_calls": [call]}
            return {"model": "m", "tools": [tool], "messages": [asked, called, result]}
        case "openai_responses":
            call = {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"}
            result = {
                "type": "function_call_output",
                "call_id": "call_1",
                "output": [{"type": "input_text", "text": "See."}, *content],
            }
            tool = {
                "type": "function",
                "name": "look",
                "parameters": {"type": "object", "properties": {}},
                "strict": False,
            }
            return {"model": "m", "tools": [tool], "input": [{"role": "user", "content": "Look."}, call, result]}
        case "anthropic":
            called = {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "call_1", "name": "look", "input": {}}],
            }
            result = {
                "type": "tool_result",
                "tool_use_id": "call_1",
                "content": [{"type": "text", "text": "See."}, *content],
            }
            tool = {"name": "look", "input_schema": {"type": "object", "properties": {}}}
            turns = [{"role": "user", "content": "Look."}, called, {"role": "user", "content": [result]}]
            return {"model": "m", "max_tokens": 64, "tools": [tool], "messages": turns}
    call = {"functionCall": {"id": "call_1", "name": "look", "args": {}}, "thoughtSignature": "c2ln"}
    result = {"id": "call_1", "name": "look", "response": {"output": "See."}, "parts": [*content]}
    turns = [
        {"role": "user", "parts": [{"text": "Look."}]},
        {"role": "model", "parts": [call]},
        {"role": "user", "parts": [{"functionResponse": result}]},
    ]
    return {"tools": [{"functionDeclarations": [{"name": "look"}]}], "contents": turns}


_SCHEMA: Wire = {
    "type": "object",
    "properties": {"z": {"type": "string"}, "a": {"type": "string"}},
    "required": ["z"],
}


def offering(door: str, *names: str) -> Wire:
    """A question with these tools, in this order."""
    match door:
        case "openai_chat":
            tools = [{"type": "function", "function": {"name": name, "parameters": _SCHEMA}} for name in names]
        case "openai_responses":
            tools = [{"type": "function", "name": name, "parameters": _SCHEMA, "strict": False} for name in names]
        case "anthropic":
            tools = [{"name": name, "input_schema": _SCHEMA} for name in names]
        case _:
            tools = [{"functionDeclarations": [{"name": name, "parametersJsonSchema": _SCHEMA} for name in names]}]
    return {**asking(door), "tools": tools}


def everything(door: str) -> Wire:
    """A loop with several tools."""
    return {**resulting(door), "tools": offering(door, "z", "look", "m", "a")["tools"]}
