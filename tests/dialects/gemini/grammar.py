"""Checks on a client's Gemini stream: the official SDK's type, calls whole, and the finish on the last chunk alone."""

import json
from typing import Any

from google.genai import types

from gateway.sse import Decoder


def chunks_in(stream: bytes) -> list[dict[str, Any]]:
    """The chunks, each valid for the SDK, which refuses fields that it does not know."""
    found = []
    for item in Decoder().feed(stream):
        assert item.event is None
        chunk = json.loads(item.data)
        types.GenerateContentResponse.model_validate(chunk)
        found.append(chunk)
    return found


def grammar(stream: bytes) -> list[dict[str, Any]]:
    """A finished stream's chunks: finish and counts on the last one alone, one id and model, and each part of one kind
    and whole."""
    chunks = chunks_in(stream)
    *earlier, last = chunks
    assert all("usageMetadata" not in chunk and "promptFeedback" not in chunk for chunk in earlier)
    assert all("finishReason" not in candidate for chunk in earlier for candidate in chunk["candidates"])
    if "promptFeedback" in last:
        assert last["promptFeedback"]["blockReason"] and "candidates" not in last
    else:
        finished = [candidate["index"] for candidate in last["candidates"]]
        assert len(set(finished)) == len(finished) and all(item["finishReason"] for item in last["candidates"])
        begun = {candidate["index"] for chunk in earlier for candidate in chunk["candidates"]}
        assert begun <= set(finished)
    assert len({(chunk["responseId"], chunk["modelVersion"]) for chunk in chunks}) == 1
    for chunk in chunks:
        for candidate in chunk.get("candidates", ()):
            assert candidate["content"]["role"] == "model" and candidate["content"]["parts"]
            for part in candidate["content"]["parts"]:
                _check_part(part)
    return chunks


def _check_part(part: dict[str, Any]) -> None:
    (_,) = part.keys() - {"thought", "thoughtSignature", "videoMetadata"}
    if (call := part.get("functionCall")) is not None:
        assert call["name"] and isinstance(call["args"], dict)
    assert part.get("thoughtSignature", "x")
