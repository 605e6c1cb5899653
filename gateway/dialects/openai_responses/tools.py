"""Tools and the choice among them, both ways. Source: the SDK's tool, namespace_tool and tool_choice types.

Codex groups its tools in namespaces and knows a call only by namespace and name (openai/codex#23186), so a namespace
becomes functions named `namespace__name`, and `CallNames` gives an answer's calls their two names back. `strict` left
out means "try" here and "no" in the other dialects: it is always said for tools that come from those.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from gateway.dialects.arguments import from_freeform
from gateway.dialects.client_json import misshapen, rest, shaped
from gateway.dialects.losses import Losses, renders_tool
from gateway.dialects.openai_responses.wire import NAME, Wire, digest, is_tool_name, own, own_or_kin
from gateway.errors import ClientError
from gateway.model import NO_EXTRA, Extra, HostedTool, Tool, ToolChoice

_MODES = ("auto", "none", "required")
_LONGEST_NAME = 64
ADDED_TOOLS = "additional_tools"
_ILLEGAL = re.compile(r"[^a-zA-Z0-9_-]")
_NO_ARGUMENTS = {"type": "object", "properties": {}}


class _Function(Struct):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class _Custom(Struct):
    name: str
    description: str | None = None


class _Namespace(Struct):
    name: str
    tools: list[Wire]
    description: str | None = None


class _Added(Struct):
    tools: list[Wire]


class _Named(Struct):
    name: str
    namespace: str | None = None


class _Allowed(Struct):
    mode: str
    tools: list[Wire]


def flat_name(namespace: str | None, name: str) -> str:
    """One legal name for both; the same for the same two."""
    if not namespace:
        return name
    joined = f"{namespace}{'' if namespace.endswith('__') else '__'}{name}"
    if is_tool_name(joined):
        return joined
    return f"{_ILLEGAL.sub('_', joined)[: _LONGEST_NAME - 13]}_{digest(namespace, name)[:12]}"


# A tool, with the client's path to what names it.
_Found = tuple[Tool | HostedTool, str]


def parse_tools(tools: Sequence[Wire], where: str = "tools") -> list[_Found]:
    """The tools of a list that stands at `where`. Raises ClientError naming the tool."""
    found: list[_Found] = []
    for index, tool in enumerate(tools):
        path = f"{where}[{index}]"
        if tool.get("type") == "namespace":
            found += _parse_namespace(tool, path)
        else:
            found.append(_placed(_parse_tool(tool, path), path))
    seen: set[str] = set()
    for item, _ in found:
        if isinstance(item, Tool) and item.name in seen:
            raise ClientError(f"{where}: two tools are named '{item.name}': rename one.", param=where)
        seen |= {item.name} if isinstance(item, Tool) else set()
    return found


def parse_all_tools(tools: Sequence[Wire], value: str | Sequence[Wire]) -> list[_Found]:
    """Those tools, and those that items of the input add, as Codex (0.171) sends all that it has to newer models. One
    that is added takes the place of an earlier one of its name. Raises ClientError naming the tool."""
    found = parse_tools(tools)
    for index, item in enumerate(() if isinstance(value, str) else value):
        if item.get("type") != ADDED_TOOLS:
            continue
        path = f"input[{index}]"
        added = parse_tools(shaped(item, _Added, path).tools, f"{path}.tools")
        names = {tool.name for tool, _ in added if isinstance(tool, Tool)}
        found = [each for each in found if not isinstance(each[0], Tool) or each[0].name not in names] + added
    return found


def _placed(tool: Tool | HostedTool, path: str) -> _Found:
    return tool, f"{path}.{'name' if isinstance(tool, Tool) else 'type'}"


def _parse_tool(tool: Wire, path: str) -> Tool | HostedTool:
    kind = tool.get("type")
    if kind == "function":
        fields = shaped(tool, _Function, path)
        return Tool(
            name=fields.name,
            description=fields.description,
            parameters=fields.parameters,
            strict=fields.strict,
            extra={NAME: rest(tool, _Function, "type")},
        )
    if kind == "custom":
        custom = shaped(tool, _Custom, path)
        extra = {NAME: rest(tool, _Custom, "type")}
        return Tool(name=custom.name, description=custom.description, custom=True, extra=extra)
    if not isinstance(kind, str):
        raise ClientError(f"{path}.type: name the tool's type.", param=f"{path}.type")
    return HostedTool(NAME, kind, tool)


def _parse_namespace(tool: Wire, path: str) -> list[_Found]:
    fields = shaped(tool, _Namespace, path)
    space = {key: value for key, value in tool.items() if key not in ("type", "tools")}
    found: list[_Found] = []
    for index, item in enumerate(fields.tools):
        inner, place = _placed(_parse_tool(item, f"{path}.tools[{index}]"), f"{path}.tools[{index}]")
        if isinstance(inner, HostedTool):
            found.append((inner, place))
            continue
        extra = {NAME: {**own(inner.extra), "namespace": space, "name": inner.name}}
        flat = msgspec.structs.replace(inner, name=flat_name(fields.name, inner.name), extra=extra)
        found.append((flat, place))
    return found


def parse_choice(value: Any) -> tuple[ToolChoice | None, bool]:
    """The choice, and whether it is one that only this dialect can say (a hosted tool). Raises ClientError."""
    if value is None:
        return None, False
    if isinstance(value, str):
        if value not in _MODES:
            raise ClientError(f"tool_choice: use {', '.join(_MODES)} or an object.", param="tool_choice")
        return ToolChoice(value), False
    fields = shaped(value, dict[str, Any], "tool_choice")
    if fields.get("type") in ("function", "custom"):
        return ToolChoice("named", (_parse_named(fields, "tool_choice"),)), False
    if fields.get("type") != "allowed_tools":
        return None, True
    allowed = shaped(fields, _Allowed, "tool_choice")
    if allowed.mode not in ("auto", "required"):
        raise ClientError("tool_choice.mode: use auto or required.", param="tool_choice.mode")
    if any(tool.get("type") not in ("function", "custom") for tool in allowed.tools):
        return None, True
    names = (_parse_named(tool, f"tool_choice.tools[{index}]") for index, tool in enumerate(allowed.tools))
    return ToolChoice(allowed.mode, tuple(names)), False


def _parse_named(fields: Wire, path: str) -> str:
    try:
        named = msgspec.convert(fields, _Named)
    except msgspec.ValidationError as error:
        raise misshapen(error, path) from None
    return flat_name(named.namespace, named.name)


def render_tools(tools: Iterable[Tool | HostedTool], losses: Losses) -> list[Wire]:
    """`tools`. Raises Unsupported for what cannot be carried."""
    return tool_list(tool for index, tool in enumerate(tools) if renders_tool(tool, NAME, index, losses))


def tool_list(tools: Iterable[Tool | HostedTool]) -> list[Wire]:
    """Tools as they are, namespaces together again."""
    rendered: list[Wire] = []
    for tool in tools:
        if isinstance(tool, HostedTool):
            rendered.append(dict(tool.value))
            continue
        space = own(tool.extra).get("namespace")
        if space is None:
            rendered.append(_render_tool(tool, tool.name))
            continue
        inner = _render_tool(tool, own(tool.extra)["name"])
        if rendered and rendered[-1] == {"type": "namespace", **space, "tools": rendered[-1].get("tools")}:
            rendered[-1]["tools"].append(inner)
        else:
            rendered.append({"type": "namespace", **space, "tools": [inner]})
    return rendered


def _render_tool(tool: Tool, name: str) -> Wire:
    native = NAME in tool.extra
    beside = own_or_kin(tool.extra, "format") if tool.custom else dict(own(tool.extra))
    beside.pop("namespace", None)
    beside.pop("name", None)
    said: Wire = {"type": "custom" if tool.custom else "function", "name": name}
    if tool.description is not None:
        said["description"] = tool.description
    if tool.custom:
        form = beside.get("format")
        if isinstance(form, dict) and isinstance(form.get("grammar"), dict):
            # Chat holds the grammar one level deeper.
            beside["format"] = {"type": "grammar", **form["grammar"]}
        return {**said, **beside}
    said["parameters"] = tool.parameters if native or tool.parameters is not None else _NO_ARGUMENTS
    said["strict"] = tool.strict if native else bool(tool.strict)
    return {**said, **beside}


def render_choice(choice: ToolChoice, tools: Iterable[Tool | HostedTool]) -> str | Wire:
    names = CallNames(tools)
    if choice.mode == "named" and choice.names:
        return names.choice(choice.names[0])
    if choice.names and choice.mode != "none":
        return {"type": "allowed_tools", "mode": choice.mode, "tools": [names.choice(name) for name in choice.names]}
    return choice.mode if choice.mode in _MODES else "auto"


class CallNames:
    """What the client calls the tools that it declared, by their flat names."""

    def __init__(self, tools: Iterable[Tool | HostedTool] = ()) -> None:
        self._tools = {tool.name: tool for tool in tools if isinstance(tool, Tool)}

    def is_custom(self, name: str, custom: bool) -> bool:
        """Whether a call is a freeform tool's: it came so, or its tool was declared so and sent as a function."""
        tool = self._tools.get(name)
        return custom or (tool is not None and tool.custom)

    def choice(self, name: str) -> Wire:
        return {"type": "custom" if self.is_custom(name, False) else "function", **self.named(name)}

    def named(self, name: str, extra: Extra = NO_EXTRA) -> Wire:
        """`name`, and `namespace` where the call (its `extra`) or its tool's declaration has one."""
        said = own(extra)
        if "namespace" in said:
            return {"name": said["name"], "namespace": said["namespace"]}
        tool = self._tools.get(name)
        pocket = {} if tool is None else own(tool.extra)
        if "namespace" not in pocket:
            return {"name": name}
        return {"name": pocket["name"], "namespace": pocket["namespace"]["name"]}

    def input_of(self, arguments: str, custom: bool) -> str:
        """A freeform tool's input, out of the function's arguments where it was sent as a function."""
        return arguments if custom else from_freeform(arguments)
