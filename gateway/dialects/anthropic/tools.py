"""Tools and the choice among them, both ways. Source: the SDK's tool and tool_choice types.

`any` is the others' "required". Calls in parallel are switched off inside tool_choice. A choice limited to some tools
becomes a shorter list of tools, which is the same to the model but misses the prompt cache.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from gateway.dialects.anthropic.blocks import NAME, Block, pocket
from gateway.dialects.anthropic.cache_marks import mark_of
from gateway.dialects.anthropic.parts import own
from gateway.dialects.anthropic.schema import object_schema, strict_schema
from gateway.dialects.arguments import FREEFORM_SCHEMA
from gateway.dialects.client_json import rest, shaped
from gateway.dialects.losses import Losses, renders_tool
from gateway.errors import ClientError
from gateway.model import HostedTool, Request, Tool, ToolChoice

_MODES = {"auto": "auto", "any": "required", "tool": "named", "none": "none"}
_TYPES = {mode: word for word, mode in _MODES.items()}


class _Tool(Struct):
    name: str
    input_schema: dict[str, Any]
    description: str | None = None
    strict: bool | None = None


class WireToolChoice(Struct):
    type: str
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


def parse_tools(tools: Sequence[Block]) -> tuple[Tool | HostedTool, ...]:
    """Raises ClientError naming the tool. Versioned types are run by the provider."""
    return tuple(_parse_tool(tool, f"tools[{index}]") for index, tool in enumerate(tools))


def tool_places(tools: Sequence[Tool | HostedTool]) -> tuple[str, ...]:
    """The client's paths to what names its tools."""
    return tuple(f"tools[{n}].{'name' if isinstance(tool, Tool) else 'type'}" for n, tool in enumerate(tools))


def _parse_tool(tool: Block, path: str) -> Tool | HostedTool:
    kind = tool.get("type")
    if kind not in (None, "custom"):
        return HostedTool(NAME, str(kind), tool)
    fields = shaped(tool, _Tool, path)
    return Tool(
        name=fields.name,
        description=fields.description,
        parameters=fields.input_schema,
        strict=fields.strict,
        extra=pocket(rest(tool, _Tool, "type")),
    )


def parse_choice(choice: WireToolChoice | None) -> tuple[ToolChoice | None, bool | None]:
    """The choice, and whether calls may be parallel (None where it was not said). Raises ClientError."""
    if choice is None:
        return None, None
    if choice.type not in _MODES:
        raise ClientError(f"tool_choice.type: use {', '.join(_MODES)}.", param="tool_choice.type")
    if choice.type == "tool" and not choice.name:
        raise ClientError("tool_choice.name: name the tool to call.", param="tool_choice.name")
    names = (choice.name,) if choice.name is not None else ()
    parallel = None if choice.disable_parallel_tool_use is None else not choice.disable_parallel_tool_use
    return ToolChoice(_MODES[choice.type], names), parallel


def render_tools(request: Request, losses: Losses) -> dict[str, Any]:
    """`tools` and `tool_choice`, as far as there are any. Raises Unsupported for what cannot be carried."""
    choice = request.tool_choice
    forced = choice is not None and choice.mode in ("required", "named")
    if not request.tools:
        if forced:
            losses.meet("choice_without_tools")
        return {}
    tools = [(n, tool) for n, tool in enumerate(request.tools) if renders_tool(tool, NAME, n, losses)]
    if choice is not None and choice.names and choice.mode != "named" and losses.meet("allowed_tools"):
        tools = [(n, tool) for n, tool in tools if isinstance(tool, HostedTool) or tool.name in choice.names]
    if not tools:
        return {}
    body: dict[str, Any] = {"tools": [_render_tool(tool, losses) for _, tool in tools]}
    word: dict[str, Any] = {}
    if choice is not None:
        word = {"type": _TYPES.get(choice.mode, "auto")}
        if choice.mode == "named" and choice.names:
            word["name"] = choice.names[0]
    single = request.parallel_tool_calls is False and losses.meet("single_calls")
    if single and word.get("type") != "none":
        word = {"type": "auto", **word, "disable_parallel_tool_use": True}
    return body | ({"tool_choice": word} if word else {})


def _render_tool(tool: Tool | HostedTool, losses: Losses) -> Block:
    if isinstance(tool, HostedTool):
        return dict(tool.value)
    body: Block = {"name": tool.name}
    if tool.description:
        body["description"] = tool.description
    schema = object_schema(FREEFORM_SCHEMA if tool.custom else tool.parameters)
    if tool.strict and losses.meet("strict"):
        schema, lossy = strict_schema(schema)
        if lossy:
            losses.meet("tool_schema")
    body["input_schema"] = schema
    if tool.strict is not None:
        body["strict"] = tool.strict
    return body | own(mark_of(tool.extra)) | own(tool.extra)
