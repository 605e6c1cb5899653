"""Checks on a client's Responses stream: the official SDK's event types and order, and what Codex does with it."""

import json
from typing import Any

from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from gateway.sse import Decoder

_EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
# What an item of each type that has words is told in, at least.
_TOLD: dict[str, set[str]] = {
    "message": {"content_part.added", "content_part.done"},
    "function_call": {"function_call_arguments.delta", "function_call_arguments.done"},
    "custom_tool_call": {"custom_tool_call_input.done"},
}
_ENDS = ("response.completed", "response.incomplete", "response.failed")


def events_in(stream: bytes) -> list[dict[str, Any]]:
    found = []
    for item in Decoder().feed(stream):
        event = json.loads(item.data)
        assert item.event == event["type"]
        found.append(event)
    return found


def grammar(stream: bytes) -> list[dict[str, Any]]:
    """The stream's events: valid for the SDK, numbered without gaps, items one after another, ids the same throughout."""
    events = events_in(stream)
    for number, event in enumerate(events):
        _EVENT.validate_python(event, strict=False)
        assert event["sequence_number"] == number
    kinds = [event["type"] for event in events]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] in _ENDS and sum(kind in _ENDS for kind in kinds) == 1
    done: list[dict[str, Any]] = []
    item: dict[str, Any] | None = None
    pieces: list[str] = []
    told: set[str] = set()
    for event in events[2:-1]:
        match event["type"]:
            case "response.output_item.added":
                assert item is None and event["output_index"] == len(done)
                item, pieces, told = event["item"], [], set()
            case "response.output_item.done":
                assert item is not None and event["output_index"] == len(done)
                assert (item["type"], item.get("id")) == (event["item"]["type"], event["item"].get("id"))
                assert told >= _TOLD.get(item["type"], set())
                assert not event["item"].get("input") or "custom_tool_call_input.delta" in told
                for piece in event["item"].get("content", ()) if item["type"] == "message" else ():
                    word = "refusal" if piece["type"] == "refusal" else "output_text"
                    assert told >= {f"{word}.delta", f"{word}.done"}
                if item["type"] == "reasoning" and pieces:
                    assert told >= {
                        "reasoning_summary_part.added",
                        "reasoning_summary_text.done",
                        "reasoning_summary_part.done",
                    }
                done.append(event["item"])
                item = None
            case kind:
                told.add(kind.removeprefix("response."))
                assert item is not None and event["output_index"] == len(done) and event["item_id"] == item["id"]
                if kind.endswith("_part.added"):
                    assert event.get("content_index", event.get("summary_index")) == len(pieces)
                    pieces.append("")
                elif kind.endswith(".delta"):
                    pieces = pieces or [""]
                    pieces[-1] += event["delta"]
                elif kind.endswith((".done",)) and "part" not in kind:
                    whole = next(event[name] for name in ("text", "refusal", "arguments", "input") if name in event)
                    assert whole == (pieces or [""])[-1]
    assert item is None
    response = events[-1]["response"]
    plain = [{**entry, "content": None} for entry in response["output"]]
    assert plain == [{**entry, "content": None} for entry in done]
    return events


class Codex:
    """What Codex CLI does with the events that it knows; it passes over all others (codex-api, SSE)."""

    def __init__(self) -> None:
        self.active: dict[str, Any] | None = None
        self.calls: list[dict[str, Any]] = []
        self.ended = ""
        self.text = ""

    def feed(self, stream: bytes) -> None:
        for event in events_in(stream):
            assert not self.ended, "an event after the end"
            self._event(event)
        assert self.ended, "stream closed before response.completed"

    def _event(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "response.output_item.added":
                self.active = event["item"]
            case "response.output_text.delta":
                assert self.active is not None and self.active["type"] == "message", (
                    "OutputTextDelta without active item"
                )
                self.text += event["delta"]
            case "response.reasoning_summary_text.delta" | "response.reasoning_summary_part.added":
                assert self.active is not None and self.active["type"] == "reasoning", "reasoning without active item"
            case "response.output_item.done":
                item, self.active = event["item"], None
                if item["type"] == "function_call":
                    assert item["call_id"] and item["name"] and json.loads(item["arguments"]) is not None
                    self.calls.append(item)
                elif item["type"] == "custom_tool_call":
                    assert item["call_id"] and isinstance(item["input"], str)
                    self.calls.append(item)
                elif item["type"] == "message":
                    assert item["role"] == "assistant" and isinstance(item["content"], list)
                elif item["type"] == "reasoning":
                    assert isinstance(item["summary"], list)
            case "response.failed":
                assert event["response"]["error"]["message"]
                self.ended = event["type"]
            case "response.completed" | "response.incomplete":
                self._completed(event["response"])
                self.ended = event["type"]

    @staticmethod
    def _completed(response: dict[str, Any]) -> None:
        assert response["id"]
        if usage := response.get("usage"):
            assert all(isinstance(usage[name], int) for name in ("input_tokens", "output_tokens", "total_tokens"))
            assert isinstance(usage["input_tokens_details"]["cached_tokens"], int)
            assert isinstance(usage["output_tokens_details"]["reasoning_tokens"], int)
