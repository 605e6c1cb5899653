"""Tools and the choice among them, both ways. Source: google-genai's Tool, FunctionDeclaration and ToolConfig.

ANY is the others' "required"; a named tool and a demanded choice among some are ANY with allowed names. There is no
switch against parallel calls and no strict schema for a single tool. Each key of a tool object beside
`functionDeclarations` is a tool that Google runs itself.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from gateway.dialects.client_json import rest, shaped
from gateway.dialects.gemini.names import escape
from gateway.dialects.gemini.parts import NAME, Wire
from gateway.dialects.gemini.schema import from_google_schema, tool_schema
from gateway.dialects.losses import Losses
from gateway.errors import Unsupported
from gateway.model import HostedTool, Request, Target, Tool, ToolChoice

_DECLARATIONS = "functionDeclarations"
MIXING = "includeServerSideToolInvocations"


class _Declaration(Struct, rename="camel"):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    parameters_json_schema: dict[str, Any] | None = None


class WireCallingConfig(Struct, rename="camel"):
    mode: str | None = None
    allowed_function_names: list[str] | None = None


def parse_tools(tools: Sequence[Wire]) -> tuple[Tool | HostedTool, ...]:
    """Raises ClientError naming the declaration."""
    found: list[Tool | HostedTool] = []
    for index, tool in enumerate(tools):
        for key, value in tool.items():
            if key == _DECLARATIONS:
                path = f"tools[{index}].{_DECLARATIONS}"
                declarations = shaped(value or [], list[dict[str, Any]], path)
                found += [_parse_declaration(item, f"{path}[{n}]") for n, item in enumerate(declarations)]
            elif value is not None:
                found.append(HostedTool(NAME, key, {key: value}))
    return tuple(found)


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
    """VALIDATED is automatic choice with checked arguments; the pocket keeps the word."""
    if config is None or config.mode in (None, "MODE_UNSPECIFIED"):
        return None
    names = tuple(config.allowed_function_names or ())
    if config.mode == "ANY":
        return ToolChoice("named" if len(names) == 1 else "required", names)
    return ToolChoice("none" if config.mode == "NONE" else "auto", names)


def render_tools(request: Request, target: Target, losses: Losses) -> dict[str, Any]:
    """`tools` and `toolConfig`, as far as there are any. Raises Unsupported for what cannot be carried."""
    choice = request.tool_choice
    if not request.tools:
        if choice is not None and choice.mode in ("required", "named"):
            raise Unsupported("A tool call is demanded, but there are no tools: send some.", param="tool_choice")
        return {}
    if request.parallel_tool_calls is False:
        losses.drop("parallel_tool_calls")
    tools = list(enumerate(request.tools))
    if choice is not None and choice.names and choice.mode == "auto":
        losses.adapt("tool_choice")
        tools = [(n, tool) for n, tool in tools if isinstance(tool, HostedTool) or tool.name in choice.names]
    declarations = [_declaration(tool, f"tools[{n}]", losses) for n, tool in tools if isinstance(tool, Tool)]
    hosted = [_hosted(tool, f"tools[{n}]") for n, tool in tools if isinstance(tool, HostedTool)]
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
        names = [escape(name, "tool_choice") for name in choice.names]
        return {"mode": "ANY"} | ({"allowedFunctionNames": names} if names else {})
    return {"mode": "NONE" if choice.mode == "none" else "AUTO"}


def _hosted(tool: HostedTool, path: str) -> Wire:
    if tool.dialect != NAME:
        raise Unsupported(
            f"The tool '{tool.type}' is run by another provider: leave it out or choose its model.",
            param=f"{path}.type",
        )
    return dict(tool.value)


def _declaration(tool: Tool, path: str, losses: Losses) -> Wire:
    if tool.custom:
        raise Unsupported(
            f"The tool '{tool.name}' takes free text, which this provider does not offer: use a function.",
            param=f"{path}.type",
        )
    if tool.strict:
        losses.drop("strict")
    body: Wire = {"name": escape(tool.name, f"{path}.function.name")}
    if tool.description:
        body["description"] = tool.description
    if tool.parameters:
        body["parametersJsonSchema"], lossy = tool_schema(tool.parameters)
        if lossy:
            losses.adapt("tools")
    return body | dict(tool.extra.get(NAME, {}))
