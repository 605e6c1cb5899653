"""How each kind of part is shown: one small file each, in one explicit list."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from app.parts import linked, opaque, picture, reasoning, text, tool_call, tool_result
from app.parts.piece import Piece, Room
from gateway import Blob, File, Opaque, Reasoning, Refusal, Text, ToolCall, ToolCallResponse, Uri

VIEWS: Mapping[type, Callable[[Any, Room], Iterator[Piece]]] = {
    Text: text.pieces,
    Refusal: text.pieces,
    Reasoning: reasoning.pieces,
    ToolCall: tool_call.pieces,
    ToolCallResponse: tool_result.pieces,
    Blob: picture.pieces,
    Uri: linked.pieces,
    File: linked.pieces,
    Opaque: opaque.pieces,
}
