"""Tools, tool choice and tool calls of requests, both ways; the deprecated `functions` become tools."""

from collections.abc import Sequence
from typing import Any

from gateway.dialects.losses import Losses, renders_tool
from gateway.dialects.openai_chat.fields import Fields, json_type
from gateway.dialects.openai_chat.wire import KIN, NAME, arguments_text, own, pocket, signature_in
from gateway.errors import ClientError
from gateway.events import merge_extra
from gateway.model import HostedTool, Request, Tool, ToolCall, ToolChoice

_MODES = ("auto", "none", "required")
# What clients keep of a stream's fragments beside the call itself; it says nothing about the call.
_OF_ANSWERS = ("index",)


def parse_tools(body: Fields) -> tuple[Tool | HostedTool, ...]:
    """`tools`, or the deprecated `functions`."""
    tools = body.take_list("tools")
    functions = body.take_list("functions")
    if tools is not None:
        return tuple(_parse_tool(Fields(tool, f"tools[{index}]")) for index, tool in enumerate(tools))
    return tuple(_parse_function(Fields(item, f"functions[{index}]")) for index, item in enumerate(functions or ()))


def tool_places(tools: Sequence[Tool | HostedTool], legacy: bool) -> tuple[str, ...]:
    """The client's paths to what names its tools."""
    if legacy:
        return tuple(f"functions[{n}].name" for n in range(len(tools)))
    return tuple(f"tools[{n}].{_name_of(tool)}" for n, tool in enumerate(tools))


def _name_of(tool: Tool | HostedTool) -> str:
    if isinstance(tool, HostedTool):
        return "type"
    return "custom.name" if tool.custom else "function.name"


def _parse_tool(fields: Fields) -> Tool | HostedTool:
    kind = fields.need_str("type")
    if kind == "function":
        return _parse_function(fields.need_fields("function"), fields.rest())
    if kind != "custom":
        return HostedTool(NAME, kind, {"type": kind, **fields.rest()})
    custom = fields.need_fields("custom")
    name, description = custom.need_str("name"), custom.take_str("description")
    return Tool(name=name, description=description, custom=True, extra=pocket({**fields.rest(), **custom.rest()}))


def _parse_function(fields: Fields, beside: dict[str, Any] | None = None) -> Tool:
    return Tool(
        name=fields.need_str("name"),
        description=fields.take_str("description"),
        parameters=fields.take_object("parameters"),
        strict=fields.take_bool("strict"),
        extra=pocket(beside or {}),
    )


def parse_tool_choice(body: Fields, has_tools: bool) -> ToolChoice | None:
    """`tool_choice`, or the deprecated `function_call`."""
    key = "tool_choice" if "tool_choice" in body.rest() else "function_call"
    path, value = body.at(key), body.take(key)
    if value is None:
        return None
    choice = _parse_choice(value, path, legacy=key == "function_call")
    if choice.mode in ("required", "named") and not has_tools:
        raise ClientError(f"`{path}` asks for a tool, but `tools` is empty: send the tools too.", param=path)
    return choice


def _parse_choice(value: Any, path: str, legacy: bool) -> ToolChoice:
    if isinstance(value, str):
        if value not in _MODES:
            raise ClientError(f"`{path}` is {value!r}, but must be one of {', '.join(_MODES)}.", param=path)
        return ToolChoice(value)
    if not isinstance(value, dict):
        raise ClientError(f"`{path}` must be a string or an object, but is {json_type(value)}.", param=path)
    fields = Fields(value, path)
    if legacy:
        return ToolChoice("named", (fields.need_str("name"),))
    kind = fields.need_str("type")
    if kind in ("function", "custom"):
        return ToolChoice("named", (fields.need_fields(kind).need_str("name"),))
    if kind != "allowed_tools":
        known = "function, custom, allowed_tools"
        raise ClientError(f"`{path}.type` is {kind!r}, but must be one of {known}.", param=f"{path}.type")
    allowed = fields.need_fields("allowed_tools")
    mode, tools = allowed.need_str("mode"), allowed.take_list("tools") or []
    if mode not in ("auto", "required"):
        raise ClientError(f"`{allowed.at('mode')}` must be auto or required.", param=allowed.at("mode"))
    return ToolChoice(
        mode, tuple(_allowed_name(Fields(tool, allowed.at(f"tools[{n}]"))) for n, tool in enumerate(tools))
    )


def _allowed_name(fields: Fields) -> str:
    kind = fields.need_str("type")
    return fields.need_fields(kind).need_str("name")


def parse_call(fields: Fields) -> ToolCall:
    """One of an assistant message's `tool_calls`."""
    call_id, kind = fields.need_str("id"), fields.take_str("type") or "function"
    signature = signature_in(fields.take("extra_content"))
    for name in _OF_ANSWERS:
        fields.take(name)
    if kind == "custom":
        custom = fields.need_fields("custom")
        name, text = custom.need_str("name"), custom.take_str("input") or ""
        return ToolCall(call_id, name, text, True, merge_extra(signature, pocket(fields.rest())))
    function = fields.need_fields("function")
    name, text = function.need_str("name"), arguments_text(function.take("arguments"))
    return ToolCall(call_id, name, text, extra=merge_extra(signature, pocket(fields.rest())))


def render_tools(tools: Sequence[Tool | HostedTool], losses: Losses) -> list[dict[str, Any]]:
    """`tools`. Raises Unsupported for another dialect's hosted tool."""
    return [_render_tool(tool) for index, tool in enumerate(tools) if renders_tool(tool, NAME, index, losses)]


def _render_tool(tool: Tool | HostedTool) -> dict[str, Any]:
    if isinstance(tool, HostedTool):
        return dict(tool.value)
    beside = dict(own(tool.extra))
    inner: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        inner["description"] = tool.description
    if tool.custom:
        kin = tool.extra.get(KIN, {}).get("format")
        if (form := beside.pop("format", None) or _grammar(kin)) is not None:
            inner["format"] = form
        return {"type": "custom", "custom": inner, **beside}
    if tool.parameters is not None:
        inner["parameters"] = tool.parameters
    if tool.strict is not None:
        inner["strict"] = tool.strict
    return {"type": "function", "function": inner, **beside}


def _grammar(form: Any) -> Any:
    """Responses' format of a custom tool, in which the grammar lies flat."""
    if isinstance(form, dict) and form.get("type") == "grammar":
        return {"type": "grammar", "grammar": {name: value for name, value in form.items() if name != "type"}}
    return form


def render_tool_choice(choice: ToolChoice, tools: Sequence[Tool | HostedTool]) -> str | dict[str, Any]:
    custom = {tool.name for tool in tools if isinstance(tool, Tool) and tool.custom}

    def named(name: str) -> dict[str, Any]:
        kind = "custom" if name in custom else "function"
        return {"type": kind, kind: {"name": name}}

    if choice.mode == "named":
        return named(choice.names[0])
    if choice.names and choice.mode != "none":
        allowed = {"mode": choice.mode, "tools": [named(name) for name in choice.names]}
        return {"type": "allowed_tools", "allowed_tools": allowed}
    return choice.mode


def freeform_names(request: Request | None) -> frozenset[str]:
    """The freeform tools among those that were asked with: their calls may come as a function's, with one `input`."""
    tools = request.tools if request is not None else ()
    return frozenset(tool.name for tool in tools if isinstance(tool, Tool) and tool.custom)


def render_call(call: ToolCall) -> dict[str, Any]:
    """A call as it stands in an assistant message, without what only other dialects need."""
    kind, inner = "function", {"name": call.name, "arguments": call.arguments}
    if call.custom:
        kind, inner = "custom", {"name": call.name, "input": call.arguments}
    return {"id": call.id, "type": kind, kind: inner, **own(call.extra)}
