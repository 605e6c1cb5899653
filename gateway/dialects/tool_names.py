"""Functions' names as each dialect takes them, one to one and back.

A name that the rendered dialect does not take is sent under another: its legal letters and a digest of the whole, the
same in every request, so that prompt caches hit. Answers are given the client's own names again before anybody sees
them. What a dialect's own clients send is for their provider to judge.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from hashlib import blake2b

from msgspec import Struct
from msgspec.structs import replace

from gateway.dialects.carriage import ANTHROPIC, CHAT, GEMINI, RESPONSES
from gateway.dialects.dialect import Reader
from gateway.dialects.losses import Losses
from gateway.errors import ClientError
from gateway.events import Event, PartStart
from gateway.model import Blob, File, Opaque, Part, Request, Response, Text, Tool, ToolCall, ToolCallResponse, Uri

# The name that is sent, and the client's own.
SentNames = Mapping[str, str]
_Item = Text | Blob | Uri | File | Opaque
_DIGEST_BYTES = 4


class _Form(Struct, frozen=True):
    """`first` and `others`: the letters that may begin a name and follow, as inside a pattern's brackets."""

    first: str
    others: str
    longest: int

    @property
    def legal(self) -> re.Pattern[str]:
        return re.compile(f"[{self.first}][{self.others}]{{0,{self.longest - 1}}}")

    def named(self, name: str, attempt: int) -> str:
        """A legal name made of any other, different at each attempt."""
        about = f"{attempt or ''}{name}".encode("utf-8", "surrogatepass")
        digest = blake2b(about, digest_size=_DIGEST_BYTES).hexdigest()
        plain = re.sub(f"[^{self.others}]", "_", name)
        if not re.match(f"[{self.first}]", plain):
            plain = f"_{plain}"
        return f"{plain[: self.longest - len(digest) - 1]}_{digest}"


_WORD = "a-zA-Z0-9_-"
_FORMS: Mapping[str, _Form] = {
    CHAT: _Form(_WORD, _WORD, 64),
    RESPONSES: _Form(_WORD, _WORD, 64),
    ANTHROPIC: _Form(_WORD, _WORD, 128),
    GEMINI: _Form("a-zA-Z_", "a-zA-Z0-9_.:-", 128),
}
_LEGAL: Mapping[str, re.Pattern[str]] = {dialect: form.legal for dialect, form in _FORMS.items()}


def with_legal_names(request: Request, dialect: str, losses: Losses) -> tuple[Request, SentNames]:
    """The request under names that the dialect takes, and those that were changed. Raises ClientError for a tool
    without a name, and what the row says where it refuses."""
    if losses.door == dialect:
        return request, {}
    for index, tool in enumerate(request.tools):
        if isinstance(tool, Tool) and not tool.name:
            place = losses.tool_place(index)
            raise ClientError(f"The tool at `{place}` has no name: give it one.", param=place)
    legal = _LEGAL[dialect].fullmatch
    met = dict.fromkeys(_names(request))
    other = [name for name in met if not legal(name)]
    if not other:
        return request, {}
    places = {tool.name: losses.tool_place(n) for n, tool in enumerate(request.tools) if isinstance(tool, Tool)}
    sent: dict[str, str] = {}
    for name in other:
        losses.meet("tool_name", places.get(name), name)
        made = (_FORMS[dialect].named(name, attempt) for attempt in itertools.count())
        sent[name] = next(item for item in made if item not in met)
        met[sent[name]] = None
    return _renamed(request, sent), {made: name for name, made in sent.items()}


def _names(request: Request) -> Iterator[str]:
    for tool in request.tools:
        if isinstance(tool, Tool):
            yield tool.name
    for message in request.messages:
        for part in message.parts:
            name = part.name if isinstance(part, ToolCall | ToolCallResponse) else None
            if name is not None:
                yield name
    if request.tool_choice is not None:
        yield from request.tool_choice.names


def _renamed(request: Request, names: Mapping[str, str]) -> Request:
    choice = request.tool_choice
    return replace(
        request,
        tools=tuple(
            replace(tool, name=names[tool.name]) if isinstance(tool, Tool) and tool.name in names else tool
            for tool in request.tools
        ),
        messages=tuple(
            replace(message, parts=tuple(_renamed_part(part, names) for part in message.parts))
            for message in request.messages
        ),
        tool_choice=choice and replace(choice, names=tuple(names.get(name, name) for name in choice.names)),
    )


def _renamed_part(part: Part, names: Mapping[str, str]) -> Part:
    if isinstance(part, ToolCallResponse):
        part = replace(part, content=tuple(_renamed_words(item, names) for item in part.content))
    if not isinstance(part, ToolCall | ToolCallResponse) or part.name is None:
        return part
    name = names.get(part.name)
    return part if name is None else replace(part, name=name)


def _renamed_words(item: _Item, names: Mapping[str, str]) -> _Item:
    """Words that stand for a reference to a tool name the one that is sent."""
    if not isinstance(item, Opaque):
        return item
    return replace(item, words=" ".join(names.get(word, word) for word in item.words.split(" ")))


def restored(response: Response, names: SentNames) -> Response:
    """The answer with the client's own names."""
    choices = (
        replace(choice, parts=tuple(_renamed_part(part, names) for part in choice.parts))
        for choice in response.choices
    )
    return replace(response, choices=tuple(choices))


class RestoringReader:
    """A reader whose events bear the client's own names."""

    def __init__(self, reader: Reader, names: SentNames) -> None:
        self._reader = reader
        self._names = names

    def feed(self, data: bytes) -> list[Event]:
        return self._own(self._reader.feed(data))

    def close(self) -> list[Event]:
        return self._own(self._reader.close())

    def _own(self, events: list[Event]) -> list[Event]:
        names = self._names
        return [
            replace(event, name=names[event.name]) if isinstance(event, PartStart) and event.name in names else event
            for event in events
        ]
