"""What a translation leaves out or bends, and what it must refuse: the carriage table's word, in the client's names.

The codecs never decide that themselves. They name a feature that they meet; its row says, for the dialect that is
being rendered and for the model, whether it is carried, and under which of the client's own fields a loss is told.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.dialects.carriage import AGENT_TOOLS, BY_NAME, CHAT, ROWS
from gateway.dialects.verdicts import Verdict
from gateway.errors import Unsupported
from gateway.model import (
    Extra,
    HostedTool,
    Opaque,
    ReasoningOptions,
    Request,
    Role,
    Target,
    Tool,
    ToolCall,
    ToolCallResponse,
)

_PLACE = re.compile(r"\[\d+\]")
# Words that a codec keeps in the pockets of parts for itself, and state that only its maker reads.
_OWN_WORDS = frozenset(
    (
        *("annotations", "encrypted_content", "file", "filename", "id", "instructions", "item", "joined", "name"),
        *("namespace", "redacted", "role", "signature", "stop_details", "summary", "thought", "thought_signature"),
        "type",
    )
)
# A tier changes the price, so that another provider's tier is never guessed from it.
DEFAULT_TIERS = (None, "auto", "default")
_DEFAULTS: Mapping[str, Any] = {
    "citations": {"enabled": False},
    "detail": "auto",
    "format": {"type": "text"},
    # Every answer has its reasoning's state with it, whoever made it.
    "include": ["reasoning.encrypted_content"],
    "service_tier": "auto",
    "stream_options": {"include_usage": True},
}
# The client's own fields that live in pockets: those of the request by their path, those of its parts by their name.
_FIELDS: Mapping[tuple[str, str], str] = {
    (door, field): row.name for row in ROWS if row.beside for door, fields in row.said.items() for field in fields
}
_PART_FIELDS: dict[tuple[str, str], list[tuple[str, str]]] = {}
for (_door, _field), _feature in _FIELDS.items():
    if "[]." in _field:
        _PART_FIELDS.setdefault((_door, _field.rpartition(".")[2]), []).append((_feature, _field))


def anywhere(place: str) -> str:
    """A path of the client's without its numbers: `tools[2].type` is `tools[].type`."""
    return _PLACE.sub("[]", place)


def _place_of(field: str, place: str) -> str:
    """The field at that very place: what of it lies below a part is said with the part's path."""
    below = field.removeprefix(anywhere(place))
    return place + below if below != field and "[]" not in below and below[:1] in ("", ".") else place


class Losses:
    """Names in the order in which they were met, each once; `dialect` is the one that is rendered."""

    def __init__(self, request: Request, dialect: str, target: Target) -> None:
        self._origin = request.origin
        self._dialect = dialect
        self._target = target
        self._dropped: dict[str, None] = {}
        self._adapted: dict[str, None] = {}

    def meet(self, feature: str, place: str | None = None, detail: object = "", *, field: str | None = None) -> bool:
        """Whether the feature is to be rendered; a loss is noted.

        `place` is the client's own path where it is more than the row's field, `field` the one of several that the
        client used. Raises Unsupported with the row's sentence, its `detail` put in.
        """
        row = BY_NAME[feature]
        verdict = row.verdict(self._origin.dialect, self._dialect, self._target)
        if verdict is Verdict.CARRIED:
            return True
        name = field or self.field(feature)
        if verdict is Verdict.REFUSED:
            where = _place_of(name, place) if place else name
            raise Unsupported(row.say.format(field=where, detail=detail), param=where, code=row.code)
        (self._adapted if verdict is Verdict.ADAPTED else self._dropped)[name] = None
        return verdict is Verdict.ADAPTED

    def field(self, feature: str, which: int = 0) -> str:
        """What the client calls it; `which` of several fields."""
        row = BY_NAME[feature]
        return (row.said.get(self._origin.dialect) or row.said.get(CHAT) or next(iter(row.said.values())))[which]

    def place(self, message: int, part: int) -> str:
        """The client's own path to a part of a neutral message."""
        parts = self._origin.parts
        if message < len(parts) and part < len(parts[message]):
            return parts[message][part]
        return f"messages[{message}].content[{part}]"

    def tool_place(self, index: int, word: str = "function.name") -> str:
        """The client's own path to what names one of its tools."""
        tools = self._origin.tools
        return tools[index] if index < len(tools) else f"tools[{index}].{word}"

    def sampling(self, request: Request, *, defaults: bool = True) -> dict[str, float]:
        """temperature, top_p and top_k as far as they are rendered; `defaults`: those too, if the model takes any."""
        said: dict[str, float] = {}
        for name, default in (("temperature", 1), ("top_p", 1), ("top_k", None)):
            value = getattr(request, name)
            if value is None or (value == default and (not defaults or self._target.sampling == "none")):
                continue
            if self.meet("top_p_beside_temperature" if name == "top_p" and "temperature" in said else name):
                said[name] = value
        return said

    @property
    def door(self) -> str:
        return self._origin.dialect

    @property
    def client(self) -> str | None:
        return self._origin.client

    @property
    def dropped(self) -> tuple[str, ...]:
        return tuple(self._dropped)

    @property
    def adapted(self) -> tuple[str, ...]:
        return tuple(self._adapted)


def renders_tool(tool: Tool | HostedTool, dialect: str, index: int, losses: Losses) -> bool:
    """Whether a tool is rendered at all. Raises Unsupported for one that only another provider can run."""
    if isinstance(tool, Tool):
        return not tool.custom or losses.meet("custom_tools")
    if tool.dialect == dialect:
        return True
    by_default = tool.type in AGENT_TOOLS.get(losses.client or "", ())
    feature = "agent_tools" if by_default else "hosted_tools"
    return losses.meet(feature, losses.tool_place(index, "type"), tool.type)


def meet_identity(request: Request, losses: Losses) -> None:
    """What is said of the user and the price, where no field of the dialect takes it."""
    if request.user is not None:
        losses.meet("user")
    if request.metadata:
        losses.meet("metadata")
    if request.service_tier not in DEFAULT_TIERS:
        losses.meet("service_tier")


def thinking_feature(options: ReasoningOptions) -> str | None:
    """The row of what is asked: an effort, a budget in its place, thinking as the model likes, or none; None where
    that is left open (a negative budget says so too)."""
    if options.enabled is False or options.effort == "none" or options.budget_tokens == 0:
        return "reasoning_off"
    if options.effort is not None:
        return "reasoning_effort"
    if options.budget_tokens is not None and options.budget_tokens > 0:
        return "reasoning_budget"
    return "adaptive_thinking" if options.enabled else None


def own_fields(request: Request, dialect: str, losses: Losses) -> Mapping[str, Any]:
    """The request's pocket of this dialect. What the client said beyond the model in another one, on the request, its
    tools and its messages, meets its rows. Raises Unsupported."""
    for other, pocket in request.extra.items():
        if other == dialect:
            continue
        for name, value in pocket.items():
            if not _says_nothing(name, value):
                where = anywhere(name)
                losses.meet(_FIELDS.get((other, where), "unknown_field"), name, field=where)
    for field in request.origin.unknown:
        losses.meet("unknown_field", field=field)
    door = losses.door
    if door != dialect:
        for place, extra in _pockets(request):
            pocket = extra.get(door, {})
            for name, value in (pocket | pocket.get("item", {})).items():
                if name not in _OWN_WORDS and not _says_nothing(name, value):
                    feature, field = _part_field(door, place, name)
                    losses.meet(feature, field=field)
    return request.extra.get(dialect, {})


def _says_nothing(name: str, value: Any) -> bool:
    return value is None or value is False or value == [] or (name in _DEFAULTS and value == _DEFAULTS[name])


def _part_field(door: str, place: str, name: str) -> tuple[str, str]:
    """The row and the client's field of what stands beside a part; of several fields, that at this place."""
    found = _PART_FIELDS.get((door, name), [("unknown_field", name)])
    exact = (item for item in found if item[1] == f"{place}.{name}")
    near = (item for item in found if item[1].startswith(place.partition("[]")[0]))
    return next(itertools.chain(exact, near), found[0])


def _pockets(request: Request) -> Iterator[tuple[str, Extra]]:
    """The pockets of tools, messages and parts, as far as anything is in them, each with the place it is said at, in
    the words of chat and Anthropic."""
    for tool in request.tools:
        if isinstance(tool, Tool) and tool.extra:
            yield "tools[]", tool.extra
    for message in request.messages:
        is_system = message.role is Role.SYSTEM and request.origin.dialect != CHAT
        if message.extra:
            yield "system[]" if is_system else "messages[]", message.extra
        content = "system[]" if is_system else "messages[].content[]"
        for part in message.parts:
            if not isinstance(part, Opaque) and part.extra:
                is_call = isinstance(part, ToolCall) and request.origin.dialect == CHAT
                yield "messages[].tool_calls[]" if is_call else content, part.extra
            if isinstance(part, ToolCallResponse):
                for item in part.content:
                    if not isinstance(item, Opaque) and item.extra:
                        yield content, item.extra
