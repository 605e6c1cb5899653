"""What of an exchange is kept, by the settings: all of it, some of its parts, or figures alone.

A part that is left out leaves a placeholder that says so, so that nobody takes a gap for what was said.
"""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from gateway.configuration.redact_rules import HEADERS
from gateway.model import (
    Blob,
    Choice,
    File,
    Message,
    Part,
    Reasoning,
    Request,
    Response,
    Role,
    Text,
    ToolCallResponse,
    Uri,
)
from gateway.relaying.exchange import Exchange
from gateway.tags import tag_key
from gateway.told import Told

# The pocket of a placeholder: {"faregate": {"left_out": "media"}}.
POCKET = "faregate"
LEFT_OUT = "left_out"


class Switches(Struct, frozen=True, kw_only=True):
    """`content` as the setting `capture.content`; keys by name, tags with their value (`team:legal`) or without."""

    content: bool = True
    keys_off: tuple[str, ...] = ()
    tags_off: tuple[str, ...] = ()
    parts_off: tuple[str, ...] = ()

    @property
    def headers(self) -> bool:
        """Whether headers are kept with what was said."""
        return HEADERS not in self.parts_off

    def why_not(self, exchange: Exchange) -> str | None:
        """Why nothing of what this exchange says is kept, and how to change that; None where it is."""
        if not self.content:
            return "Content is not kept: capture.content is off."
        if exchange.principal.key_name in self.keys_off:
            return f"Content is not kept: capture.keys_off names the key {exchange.principal.key_name}."
        for tag in exchange.tags:
            if tag in self.tags_off or tag_key(tag) in self.tags_off:
                return f"Content is not kept: capture.tags_off names the tag {tag}."
        return None

    def kept(self, told: Told) -> Told:
        """What is told without the parts that are switched off."""
        off = frozenset(self.parts_off) - {HEADERS}
        if not off:
            return told
        request, response = told.request, told.response
        if request is not None:
            request = replace(request, messages=tuple(_message(message, off) for message in request.messages))
        if response is not None:
            response = replace(response, choices=tuple(_choice(choice, off) for choice in response.choices))
        return told if (request, response) == (told.request, told.response) else _said(told, request, response)


def figures_only(told: Told, why: str) -> Told:
    """What is told without anything that was said; an error's message may repeat what was sent."""
    hints = (*told.hints, why)
    return replace(told, request=None, response=None, title=None, error_message=None, hints=hints, headers=())


def _said(told: Told, request: Request | None, response: Response | None) -> Told:
    hint = "Parts of what was said are not kept: see capture.parts_off."
    return replace(told, request=request, response=response, hints=(*told.hints, hint))


def _message(message: Message, off: frozenset[str]) -> Message:
    if message.role is Role.SYSTEM and "system" in off:
        return Message(message.role, (_note("system"),), message.name)
    return replace(message, parts=_parts(message.parts, off))


def _choice(choice: Choice, off: frozenset[str]) -> Choice:
    return replace(choice, parts=_parts(choice.parts, off))


def _parts(parts: Sequence[Part], off: frozenset[str]) -> tuple[Part, ...]:
    return tuple(_part(part, off) for part in parts)


def _part(part: Part, off: frozenset[str]) -> Part:
    if isinstance(part, ToolCallResponse) and "tool_results" not in off:
        content = tuple(_part(each, off) for each in part.content)
        return replace(part, content=content)
    kind = _KIND_OF.get(type(part))
    return _PLACEHOLDERS[kind](part) if kind in off and kind is not None else part


def _note(kind: str) -> Text:
    return Text(f"[{_WORDS[kind]}: not kept, see capture.parts_off]", {POCKET: {LEFT_OUT: kind}})


def _reasoning(_part: Part) -> Part:
    note = _note("reasoning")
    return Reasoning(note.text, note.extra)


def _media(_part: Part) -> Part:
    return _note("media")


def _tool_result(part: Part) -> Part:
    assert isinstance(part, ToolCallResponse)
    return ToolCallResponse(part.id, (_note("tool_results"),), part.name, part.is_error)


_WORDS: Mapping[str, str] = {
    "reasoning": "reasoning",
    "media": "an image, a sound or a file",
    "tool_results": "a tool's result",
    "system": "instructions",
}
_KIND_OF: Mapping[type, str] = {
    Reasoning: "reasoning",
    Blob: "media",
    Uri: "media",
    File: "media",
    ToolCallResponse: "tool_results",
}
_PLACEHOLDERS: Mapping[str, Callable[[Part], Part]] = {
    "reasoning": _reasoning,
    "media": _media,
    "tool_results": _tool_result,
}
