"""Tools and the choice among them, both ways. Source: the SDK's tool and tool_choice types.

`any` is the others' "required". Calls in parallel are switched off inside tool_choice. A choice limited to some tools
becomes a shorter list of tools, which is the same to the model but misses the prompt cache.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from gateway.dialects.anthropic.blocks import NAME, Block, pocket
from gateway.dialects.anthropic.parts import own, require_name
from gateway.dialects.anthropic.schema import object_schema, strict_schema
from gateway.dialects.client_json import rest, shaped
from gateway.dialects.losses import Losses
from gateway.errors import Unsupported
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
    """The choice, and whether calls may be parallel (None where it was not said)."""
    if choice is None:
        return None, None
    names = (choice.name,) if choice.name is not None else ()
    parallel = None if choice.disable_parallel_tool_use is None else not choice.disable_parallel_tool_use
    return ToolChoice(_MODES.get(choice.type, choice.type), names), parallel


def render_tools(request: Request, losses: Losses) -> dict[str, Any]:
    """`tools` and `tool_choice`, as far as there are any. Raises Unsupported for what cannot be carried."""
    choice = request.tool_choice
    forced = choice is not None and choice.mode in ("required", "named")
    if not request.tools:
        if forced:
            raise Unsupported("A tool call is demanded, but there are no tools: send some.", param="tool_choice")
        return {}
    tools = list(request.tools)
    if choice is not None and choice.names and choice.mode != "named":
        losses.adapt("tool_choice")
        tools = [tool for tool in tools if isinstance(tool, HostedTool) or tool.name in choice.names]
    body: dict[str, Any] = {
        "tools": [_render_tool(tool, f"tools[{index}]", losses) for index, tool in enumerate(tools)]
    }
    word: dict[str, Any] = {}
    if choice is not None:
        word = {"type": _TYPES.get(choice.mode, "auto")}
        if choice.mode == "named" and choice.names:
            word["name"] = choice.names[0]
    if request.parallel_tool_calls is False and word.get("type") != "none":
        word = {"type": "auto", **word, "disable_parallel_tool_use": True}
    return body | ({"tool_choice": word} if word else {})


def _render_tool(tool: Tool | HostedTool, path: str, losses: Losses) -> Block:
    if isinstance(tool, HostedTool):
        if tool.dialect != NAME:
            raise Unsupported(
                f"The tool '{tool.type}' is run by another provider: leave it out or choose its model.",
                param=f"{path}.type",
            )
        return dict(tool.value)
    if tool.custom:
        raise Unsupported(
            f"The tool '{tool.name}' takes free text, which this provider does not offer: use a function.",
            param=f"{path}.type",
        )
    body: Block = {"name": require_name(tool.name, f"{path}.function.name")}
    if tool.description:
        body["description"] = tool.description
    schema = object_schema(tool.parameters)
    if tool.strict:
        schema, lossy = strict_schema(schema)
        if lossy:
            losses.adapt("tools")
    body["input_schema"] = schema
    if tool.strict is not None:
        body["strict"] = tool.strict
    return body | own(tool.extra)
