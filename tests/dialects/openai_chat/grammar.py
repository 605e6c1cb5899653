"""Checks on a client's chat stream: the official SDK's chunk type, and what OpenAI's own streams keep to."""

import json
from typing import Any

from openai.types.chat import ChatCompletionChunk

_SAME_THROUGHOUT = ("id", "object", "created", "model")
# Reasons that tell of a call's end before its time; else an answer with calls ends in tool_calls.
_CUT_SHORT = ("length", "content_filter")


def chunks_in(stream: bytes) -> list[dict[str, Any]]:
    """The chunks before `[DONE]`, which is there and last."""
    *events, done, rest = stream.split(b"\n\n")
    assert (done, rest) == (b"data: [DONE]", b"")
    return [json.loads(event.removeprefix(b"data: ")) for event in events]


def grammar(stream: bytes, include_usage: bool) -> list[dict[str, Any]]:
    """A finished stream's chunks: each valid, the role first, calls counted from 0 without gaps, one finish for each
    choice, and the usage last and only where it was asked for."""
    chunks = chunks_in(stream)
    roles: set[int] = set()
    finished: set[int] = set()
    calls: dict[int, int] = {}
    for number, chunk in enumerate(chunks):
        if not _holds_custom_call(chunk):
            ChatCompletionChunk.model_validate(chunk, strict=True)
        assert [chunk[name] for name in _SAME_THROUGHOUT] == [chunks[0][name] for name in _SAME_THROUGHOUT]
        assert ("usage" in chunk) is include_usage
        if include_usage and number == len(chunks) - 1 and chunk["usage"] is not None:
            assert chunk["choices"] == []
            continue
        assert chunk.get("usage") is None
        # BerriAI/litellm#17425: one choice in each chunk.
        (said,) = chunk["choices"]
        index, delta = said["index"], said["delta"]
        assert index not in finished
        # Portkey-AI/gateway#1399: the role comes first, and once.
        assert ("role" in delta) is (index not in roles)
        roles.add(index)
        for call in delta.get("tool_calls", ()):
            # Portkey-AI/gateway#1275, BerriAI/litellm#5231: indices from 0 without gaps, whatever came before.
            if "id" in call:
                assert call["index"] == calls.get(index, 0)
                calls[index] = call["index"] + 1
                assert call["id"] and call[call["type"]]["name"]
            assert call["index"] < calls[index] and len(call) > 1
        if said["finish_reason"] is not None:
            finished.add(index)
            ended_in_calls = said["finish_reason"] == "tool_calls"
            assert ended_in_calls is bool(calls.get(index)) or said["finish_reason"] in _CUT_SHORT
    assert roles == finished
    return chunks


def _holds_custom_call(chunk: dict[str, Any]) -> bool:
    """The SDK's chunk type knows no calls of custom tools, though its type of whole answers does."""
    calls = [call for said in chunk["choices"] for call in said["delta"].get("tool_calls", ())]
    return any(call.get("type") == "custom" for call in calls)
