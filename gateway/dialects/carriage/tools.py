"""Functions and hosted tools. Data only."""

from gateway.dialects.carriage.words import ANTHROPIC, GEMINI, PART, A, C, D, R, at, doors
from gateway.dialects.verdicts import Fate, Row

TOOLS = (
    Row("tools", "Functions", doors("tools", "tools", "tools", "tools"), at(C)),
    Row("parallel_tools", "Several calls at once", doors("tools", "tools", "tools", "tools"), at(C)),
    Row(
        "tool_schema",
        "Keywords of a function's schema that the dialect lacks",
        doors(
            "tools[].function.parameters",
            "tools[].parameters",
            "tools[].input_schema",
            "tools[].functionDeclarations[].parameters",
        ),
        at(C, C, A, A),
        note="they become words in the description",
        # Only strict functions lose keywords at Anthropic.
        pairs={(GEMINI, ANTHROPIC): C},
    ),
    Row(
        "tool_name",
        "A function's name that the dialect does not take",
        doors("tools[].function.name", "tools[].name", "tools[].name", "tools[].functionDeclarations[].name"),
        at(A),
        note="sent under a legal name that is made of it; the client meets its own in answers",
    ),
    Row(
        "strict",
        "Arguments strictly by the schema",
        doors("tools[].function.strict", "tools[].strict", "tools[].strict"),
        at(C, C, C, D),
    ),
    Row(
        "tool_hints",
        "What a function says beyond name, description and schema",
        doors(
            None,
            ("tools[].defer_loading", "tools[].output_schema", "tools[].allowed_callers", "tools[].async"),
            (
                "tools[].defer_loading",
                "tools[].eager_input_streaming",
                "tools[].input_examples",
                "tools[].allowed_callers",
            ),
            ("tools[].functionDeclarations[].behavior", "tools[].functionDeclarations[].response"),
        ),
        at(D),
        beside=True,
    ),
    Row(
        "tool_reference",
        "A tool that a search of the client's found (Claude Code)",
        doors(None, None, "messages[].content[].content[].tool_name"),
        at(A, A, C, A),
        note="words say that it can be called; its definition was sent from the beginning",
        beside=True,
    ),
    Row(
        "custom_tools",
        "Custom tools (free text)",
        doors("tools[].custom", "tools[]"),
        at(C, C, A, A),
        note="a function with one string, `input`; unwrapped on the way back",
    ),
    Row(
        "custom_grammar",
        "A custom tool's grammar",
        doors("tools[].custom.format", "tools[].format"),
        at(C, C, D, D),
        beside=True,
    ),
    Row(
        "hosted_tools",
        "Tools that a provider runs itself",
        doors(
            "tools[].type",
            "tools[].type",
            "tools[].type",
            ("tools[].googleSearch", "tools[].codeExecution", "tools[].urlContext"),
        ),
        at(R),
        say="The tool '{detail}' at `{field}` is run by another provider: leave it out, or choose its model.",
    ),
    Row("agent_tools", "Hosted tools that an agent sends by default (Codex)", doors(None, "tools[].type"), at(D)),
    Row(
        "tool_choice",
        "Tool choice: auto, none, any, one by name",
        doors("tool_choice", "tool_choice", "tool_choice", "toolConfig.functionCallingConfig"),
        at(C),
    ),
    Row(
        "allowed_tools",
        "Tool choice among some",
        doors("tool_choice", "tool_choice", None, "toolConfig.functionCallingConfig.allowedFunctionNames"),
        at(C, C, A, A),
        note="the others are not sent",
    ),
    Row(
        "hosted_choice",
        "A hosted tool chosen",
        doors(None, "tool_choice"),
        at(R, C, R, R),
        say="`{field}` chooses a tool that another provider runs: leave it out.",
        beside=True,
    ),
    Row(
        "choice_without_tools",
        "A call demanded, but no tools",
        doors("tool_choice", "tool_choice", "tool_choice", "toolConfig.functionCallingConfig"),
        at(C, C, R, R),
        say="`{field}` demands a tool call, but there are no tools: send some.",
    ),
    Row(
        "single_calls",
        "No calls in parallel",
        doors(("parallel_tool_calls", "functions"), "parallel_tool_calls", "tool_choice.disable_parallel_tool_use"),
        at(C, C, C, D),
    ),
    Row(
        "checked_arguments",
        "Arguments checked by the schema (VALIDATED)",
        doors(gemini="toolConfig.functionCallingConfig.mode"),
        at(D, D, D, C),
        beside=True,
    ),
    Row(
        "broken_arguments",
        "Arguments in the history that are no JSON object",
        doors("messages[].tool_calls[].function.arguments", "input[].arguments", None, PART + "functionCall.args"),
        at(C, C, A, A),
        note="as `_raw`, or `value`, in an object",
    ),
    Row(
        "tool_result_image",
        "An image in a tool's result",
        doors(
            "messages[].content", "input[].output", "messages[].content[].content", PART + "functionResponse.parts"
        ),
        at(A, C, C, Fate(C, {"no_result_media": A})),
        note="it follows the results, in a user message",
    ),
    Row(
        "uncalled_output",
        "The output of a tool that no model called (Codex)",
        doors(None, "input[].output"),
        at(A, C, A, A),
        note="it becomes words of the user's, in a tag with the tool's name",
        beside=True,
    ),
    Row(
        "function_config",
        "Further settings of tools",
        doors(gemini=("toolConfig.retrievalConfig", "toolConfig.includeServerSideToolInvocations")),
        at(D),
        beside=True,
    ),
)
