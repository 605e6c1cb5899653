"""Checks on a client's Anthropic stream: the official SDK's event types, and the order that its clients rely on."""

import json
from typing import Any

from anthropic.types import RawMessageStreamEvent
from pydantic import TypeAdapter

from gateway.sse import Decoder

_EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
_DELTAS = {
    "text": ("text_delta", "citations_delta"),
    "thinking": ("thinking_delta", "signature_delta"),
    "tool_use": ("input_json_delta",),
    "server_tool_use": ("input_json_delta",),
}


def events_in(stream: bytes) -> list[dict[str, Any]]:
    """The events, each valid for the SDK and named as in its frame."""
    found = []
    for item in Decoder().feed(stream):
        event = json.loads(item.data)
        assert item.event == event["type"]
        if event["type"] != "error":
            _EVENT.validate_python(event)
        found.append(event)
    return found


def grammar(stream: bytes) -> list[dict[str, Any]]:
    """A finished stream's events: one of each frame, blocks one after another counting from 0, deltas of their
    block's kind, no block without words, thinking that is signed, and the counts in both frames that hold them."""
    events = events_in(stream)
    kinds = [event["type"] for event in events]
    assert kinds[0] == "message_start" and kinds[-2:] == ["message_delta", "message_stop"]
    assert kinds.count("message_start") == kinds.count("message_delta") == kinds.count("message_stop") == 1
    assert {"input_tokens", "output_tokens"} <= events[0]["message"]["usage"].keys()
    assert events[-2]["delta"]["stop_reason"] and "output_tokens" in events[-2]["usage"]
    opened, expected, deltas = None, 0, []
    for event in events[1:-2]:
        if event["type"] == "content_block_start":
            assert opened is None and event["index"] == expected
            opened, expected, deltas = event["content_block"]["type"], expected + 1, []
            continue
        assert event["index"] == expected - 1 and opened is not None
        if event["type"] == "content_block_delta":
            deltas.append(event["delta"]["type"])
            assert deltas[-1] in _DELTAS[opened]
            assert deltas[-1] != "signature_delta" or event["delta"]["signature"]
            continue
        assert event["type"] == "content_block_stop"
        assert opened != "text" or deltas
        assert opened != "thinking" or deltas.count("signature_delta") == 1 == deltas[-1:].count("signature_delta")
        opened = None
    assert opened is None
    calls = [event for event in events if event["type"] == "content_block_start" and event["content_block"]["type"] == "tool_use"]  # fmt: skip
    assert len({event["content_block"]["id"] for event in calls}) == len(calls)
    assert all(event["content_block"]["name"] for event in calls)
    return events
