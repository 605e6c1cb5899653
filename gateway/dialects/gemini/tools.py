"""Tools and the choice among them, both ways. Source: google-genai's Tool, FunctionDeclaration and ToolConfig.

ANY is the others' "required"; a named tool and a demanded choice among some are ANY with allowed names. There is no
switch against parallel calls and no strict schema for a single tool. Each key of a tool object beside
`functionDeclarations` is a tool that Google runs itself.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from gateway.dialects.arguments import FREEFORM_SCHEMA
from gateway.dialects.client_json import rest, shaped
from gateway.dialects.gemini.parts import NAME, Wire
from gateway.dialects.gemini.schema import from_google_schema, tool_schema
from gateway.dialects.losses import Losses, renders_tool
from gateway.errors import ClientError
from gateway.model import HostedTool, Request, Target, Tool, ToolChoice

_DECLARATIONS = "functionDeclarations"
_MODES = ("AUTO", "ANY", "NONE", "VALIDATED")
MIXING = "includeServerSideToolInvocations"


class _Declaration(Struct, rename="camel"):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    parameters_json_schema: dict[str, Any] | None = None


class WireCallingConfig(Struct, rename="camel"):
    mode: str | None = None
    allowed_function_names: list[str] | None = None


def parse_tools(tools: Sequence[Wire]) -> list[tuple[Tool | HostedTool, str]]:
    """The tools, each with the client's path to what names it. Raises ClientError naming the declaration."""
    found: list[tuple[Tool | HostedTool, str]] = []
    for index, tool in enumerate(tools):
        for key, value in tool.items():
            if key == _DECLARATIONS:
                path = f"tools[{index}].{_DECLARATIONS}"
                declarations = shaped(value or [], list[dict[str, Any]], path)
                for n, item in enumerate(declarations):
                    found.append((_parse_declaration(item, f"{path}[{n}]"), f"{path}[{n}].name"))
            elif value is not None:
                found.append((HostedTool(NAME, key, {key: value}), f"tools[{index}].{key}"))
    return found


def _parse_declaration(fields: Wire, path: str) -> Tool:
    wire = shaped(fields, _Declaration, path)
    schema = wire.parameters_json_schema
    if schema is None and wire.parameters is not None:
        schema = from_google_schema(wire.parameters)
    beside = rest(fields, _Declaration)
    return Tool(
        name=wire.name, description=wire.description, parameters=schema, extra={NAME: beside} if beside else {}
    )


def parse_choice(config: WireCallingConfig | None) -> ToolChoice | None:
    """VALIDATED is automatic choice with checked arguments; the pocket keeps the word. Raises ClientError."""
    if config is None or config.mode in (None, "MODE_UNSPECIFIED"):
        return None
    if config.mode not in _MODES:
        path = "toolConfig.functionCallingConfig.mode"
        raise ClientError(f"{path}: use {', '.join(_MODES)}.", param=path)
    names = tuple(config.allowed_function_names or ())
    if config.mode == "ANY":
        return ToolChoice("named" if len(names) == 1 else "required", names)
    return ToolChoice("none" if config.mode == "NONE" else "auto", names)


def render_tools(request: Request, target: Target, losses: Losses) -> dict[str, Any]:
    """`tools` and `toolConfig`, as far as there are any. Raises Unsupported for what cannot be carried."""
    choice = request.tool_choice
    if not request.tools:
        if choice is not None and choice.mode in ("required", "named"):
            losses.meet("choice_without_tools")
        return {}
    if request.parallel_tool_calls is False:
        losses.meet("single_calls")
    tools = [(n, tool) for n, tool in enumerate(request.tools) if renders_tool(tool, NAME, n, losses)]
    if choice is not None and choice.names and choice.mode == "auto" and losses.meet("allowed_tools"):
        tools = [(n, tool) for n, tool in tools if isinstance(tool, HostedTool) or tool.name in choice.names]
    declarations = [_declaration(tool, losses) for _, tool in tools if isinstance(tool, Tool)]
    hosted = [dict(tool.value) for _, tool in tools if isinstance(tool, HostedTool)]
    if not tools:
        return {}
    body: dict[str, Any] = {"tools": ([{_DECLARATIONS: declarations}] if declarations else []) + hosted}
    config: dict[str, Any] = {}
    if choice is not None:
        config["functionCallingConfig"] = _calling_config(choice)
    if declarations and hosted and target.thinking == "level":
        # Newer models refuse Google's tools beside the client's without this flag (maximhq/bifrost#5679).
        config[MIXING] = True
    return body | ({"toolConfig": config} if config else {})


def _calling_config(choice: ToolChoice) -> Wire:
    if choice.mode in ("required", "named"):
        names = list(choice.names)
        return {"mode": "ANY"} | ({"allowedFunctionNames": names} if names else {})
    return {"mode": "NONE" if choice.mode == "none" else "AUTO"}


def _declaration(tool: Tool, losses: Losses) -> Wire:
    if tool.strict:
        losses.meet("strict")
    body: Wire = {"name": tool.name}
    if tool.description:
        body["description"] = tool.description
    parameters = FREEFORM_SCHEMA if tool.custom else tool.parameters
    if parameters:
        body["parametersJsonSchema"], lossy = tool_schema(parameters)
        if lossy:
            losses.meet("tool_schema")
    return body | dict(tool.extra.get(NAME, {}))
