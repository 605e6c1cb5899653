"""The table door × provider × feature: what is carried, adapted, dropped and refused. Data only.

The codecs ask it by `losses.Losses.meet`, the 400s have their sentences from it, and the page `README.md` beside it
and the tests' expectations are made of it. A feature is dropped where the answer is right without it (hints, quality,
billing), refused where its loss would change the answer's meaning. Values that equal a default say nothing and are no
features. Fields are told in the door's own words, `[]` for any place in a list.
"""

from collections.abc import Mapping

from gateway.dialects.verdicts import Fate, Row, Verdict

C, A, D, R = Verdict.CARRIED, Verdict.ADAPTED, Verdict.DROPPED, Verdict.REFUSED
CHAT, RESPONSES, ANTHROPIC, GEMINI = "openai_chat", "openai_responses", "anthropic", "gemini"
DIALECT_NAMES = (CHAT, RESPONSES, ANTHROPIC, GEMINI)
_G = "generationConfig."
_PART = "contents[].parts[]."

Names = str | tuple[str, ...] | None
_Said = Mapping[str, tuple[str, ...]]


def _doors(chat: Names = None, responses: Names = None, anthropic: Names = None, gemini: Names = None) -> _Said:
    said = zip(DIALECT_NAMES, (chat, responses, anthropic, gemini), strict=True)
    return {door: (names,) if isinstance(names, str) else names for door, names in said if names}


def _at(*verdicts: Verdict | Fate) -> Mapping[str, Fate]:
    """One for each dialect in their order, or one for all."""
    found = verdicts * len(DIALECT_NAMES) if len(verdicts) == 1 else verdicts
    fates = (item if isinstance(item, Fate) else Fate(item) for item in found)
    return dict(zip(DIALECT_NAMES, fates, strict=True))


_CONVERSATION = (
    Row("text", "Text", _doors("messages[].content", "input", "messages[].content", _PART + "text"), _at(C)),
    Row("system", "Instructions", _doors("messages[]", "instructions", "system", "systemInstruction"), _at(C)),
    Row(
        "system_midway",
        "Instructions between turns",
        _doors("messages[].role", "input[].role", "messages[].role"),
        _at(C, C, Fate(A, {"system_turns": C}), A),
        note="they join the next user turn, in a `<system>` tag",
    ),
    Row(
        "system_alone",
        "Instructions and no message",
        _doors("messages[]", "instructions", None, "systemInstruction"),
        _at(C, C, A, A),
        note="they become the user's message",
    ),
    Row("six_turns", "Several turns", _doors("messages", "input", "messages", "contents"), _at(C)),
    Row(
        "prefill",
        "An answer to go on with (prefill)",
        _doors("messages", "input", "messages", "contents"),
        _at(R, R, Fate(C, {"no_prefill": R}), Fate(C, {"no_prefill": R})),
        say="The model does not continue an assistant message: end `{field}` with a user message.",
        pairs={(CHAT, RESPONSES): C},
    ),
    Row("participant_name", "A participant's name", _doors("messages[].name"), _at(C, D, D, D)),
    Row("phase", "A message's phase", _doors(None, "input[].phase"), _at(D, C, D, D), beside=True),
    Row(
        "refusal",
        "Refusals, in answers and history",
        _doors("messages[].refusal", "input[].content[].refusal", "messages[].content", "contents"),
        _at(C),
    ),
    Row("usage_cache", "Usage, with cached tokens apart", _doors("usage", "usage", "usage", "usageMetadata"), _at(C)),
    Row(
        "foreign_part",
        "Traces of another provider's hosted tools",
        _doors(None, "input[].type", "messages[].content[].type", "contents[].parts[]"),
        _at(D),
    ),
    Row(
        "result_content",
        "Content of a tool's result that the dialect has no form for",
        _doors(None, "input[].output", "messages[].content[].content", "contents[].parts[].functionResponse.parts"),
        _at(R),
        say="The model's provider takes no {detail} in a tool's result, as at `{field}`: leave it out.",
    ),
    Row(
        "unknown_content",
        "Content that the dialect has no form for",
        _doors("messages[].content[]", "input[].content[]", "messages[].content[]", "contents[].parts[]"),
        _at(R),
        say="The model's provider has nothing like the {detail} at `{field}`: leave it out.",
    ),
)

_TOOLS = (
    Row("tools", "Functions", _doors("tools", "tools", "tools", "tools"), _at(C)),
    Row("parallel_tools", "Several calls at once", _doors("tools", "tools", "tools", "tools"), _at(C)),
    Row(
        "tool_schema",
        "Keywords of a function's schema that the dialect lacks",
        _doors(
            "tools[].function.parameters",
            "tools[].parameters",
            "tools[].input_schema",
            "tools[].functionDeclarations[].parameters",
        ),
        _at(C, C, A, A),
        note="they become words in the description",
        # Only strict functions lose keywords at Anthropic.
        pairs={(GEMINI, ANTHROPIC): C},
    ),
    Row(
        "tool_name",
        "A function's name that the dialect does not take",
        _doors("tools[].function.name", "tools[].name", "tools[].name", "tools[].functionDeclarations[].name"),
        _at(A),
        note="sent under a legal name that is made of it; the client meets its own in answers",
    ),
    Row(
        "strict",
        "Arguments strictly by the schema",
        _doors("tools[].function.strict", "tools[].strict", "tools[].strict"),
        _at(C, C, C, D),
    ),
    Row(
        "tool_hints",
        "What a function says beyond name, description and schema",
        _doors(
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
        _at(D),
        beside=True,
    ),
    Row(
        "custom_tools",
        "Custom tools (free text)",
        _doors("tools[].custom", "tools[]"),
        _at(C, C, A, A),
        note="a function with one string, `input`; unwrapped on the way back",
    ),
    Row(
        "custom_grammar",
        "A custom tool's grammar",
        _doors("tools[].custom.format", "tools[].format"),
        _at(C, C, D, D),
        beside=True,
    ),
    Row(
        "hosted_tools",
        "Tools that a provider runs itself",
        _doors(
            "tools[].type",
            "tools[].type",
            "tools[].type",
            ("tools[].googleSearch", "tools[].codeExecution", "tools[].urlContext"),
        ),
        _at(R),
        say="The tool '{detail}' at `{field}` is run by another provider: leave it out, or choose its model.",
    ),
    Row("agent_tools", "Hosted tools that an agent sends by default (Codex)", _doors(None, "tools[].type"), _at(D)),
    Row(
        "tool_choice",
        "Tool choice: auto, none, any, one by name",
        _doors("tool_choice", "tool_choice", "tool_choice", "toolConfig.functionCallingConfig"),
        _at(C),
    ),
    Row(
        "allowed_tools",
        "Tool choice among some",
        _doors("tool_choice", "tool_choice", None, "toolConfig.functionCallingConfig.allowedFunctionNames"),
        _at(C, C, A, A),
        note="the others are not sent",
    ),
    Row(
        "hosted_choice",
        "A hosted tool chosen",
        _doors(None, "tool_choice"),
        _at(R, C, R, R),
        say="`{field}` chooses a tool that another provider runs: leave it out.",
        beside=True,
    ),
    Row(
        "choice_without_tools",
        "A call demanded, but no tools",
        _doors("tool_choice", "tool_choice", "tool_choice", "toolConfig.functionCallingConfig"),
        _at(C, C, R, R),
        say="`{field}` demands a tool call, but there are no tools: send some.",
    ),
    Row(
        "single_calls",
        "No calls in parallel",
        _doors(("parallel_tool_calls", "functions"), "parallel_tool_calls", "tool_choice.disable_parallel_tool_use"),
        _at(C, C, C, D),
    ),
    Row(
        "checked_arguments",
        "Arguments checked by the schema (VALIDATED)",
        _doors(gemini="toolConfig.functionCallingConfig.mode"),
        _at(D, D, D, C),
        beside=True,
    ),
    Row(
        "broken_arguments",
        "Arguments in the history that are no JSON object",
        _doors("messages[].tool_calls[].function.arguments", "input[].arguments", None, _PART + "functionCall.args"),
        _at(C, C, A, A),
        note="as `_raw`, or `value`, in an object",
    ),
    Row(
        "tool_result_image",
        "An image in a tool's result",
        _doors(
            "messages[].content", "input[].output", "messages[].content[].content", _PART + "functionResponse.parts"
        ),
        _at(A, C, C, Fate(C, {"no_result_media": A})),
        note="it follows the results, in a user message",
    ),
    Row(
        "function_config",
        "Further settings of tools",
        _doors(gemini=("toolConfig.retrievalConfig", "toolConfig.includeServerSideToolInvocations")),
        _at(D),
        beside=True,
    ),
)

_FILE_BYTES = "The file at `{field}` is held by another provider: send its bytes instead."
_MEDIA = (
    Row(
        "image",
        "Image",
        _doors(
            "messages[].content[].image_url",
            "input[].content[].image_url",
            "messages[].content[].source",
            _PART + "inlineData",
        ),
        _at(C),
    ),
    Row(
        "image_url",
        "Image by address",
        _doors(
            "messages[].content[].image_url.url",
            "input[].content[].image_url",
            "messages[].content[].source.url",
            _PART + "fileData.fileUri",
        ),
        _at(C),
    ),
    Row(
        "image_detail",
        "An image's detail",
        _doors("messages[].content[].image_url.detail", "input[].content[].detail"),
        _at(C, C, D, D),
        beside=True,
    ),
    Row(
        "media_type",
        "A type of media that the dialect does not take",
        _doors("messages[].content[]", "input[].content[]", "messages[].content[]", "contents[].parts[]"),
        _at(R),
        say="The model's provider takes no {detail} at `{field}`: send JPEG, PNG, GIF, WebP, PDF or text.",
    ),
    Row(
        "pdf",
        "PDF",
        _doors(
            "messages[].content[].file",
            "input[].content[].file_data",
            "messages[].content[].source",
            _PART + "inlineData",
        ),
        _at(C),
    ),
    Row(
        "text_file",
        "Text file",
        _doors(
            "messages[].content[].file",
            "input[].content[].file_data",
            "messages[].content[].source",
            _PART + "inlineData",
        ),
        _at(A, C, C, C),
        note="its words, in a `<document>` tag",
        # Chat's own clients are judged by their provider.
        pairs={(CHAT, CHAT): C},
    ),
    Row(
        "filename",
        "A file's name",
        _doors("messages[].content[].file.filename", "input[].content[].filename", "messages[].content[].title"),
        _at(C, C, C, D),
    ),
    Row(
        "pdf_url",
        "PDF by address",
        _doors(None, "input[].content[].file_url", "messages[].content[].source.url", _PART + "fileData.fileUri"),
        _at(R, C, C, C),
        say="The model's provider takes no file by address at `{field}`: send its bytes instead.",
    ),
    Row(
        "file_id",
        "A file by its id",
        _doors(
            "messages[].content[].file.file_id", "input[].content[].file_id", "messages[].content[].source.file_id"
        ),
        _at(R),
        say=_FILE_BYTES,
        # Two spellings of one provider, whose files they are.
        pairs={(CHAT, RESPONSES): C, (RESPONSES, CHAT): C},
    ),
    Row(
        "held_file",
        "A file in a provider's own store, by its address",
        _doors(gemini=_PART + "fileData.fileUri"),
        _at(R, R, R, C),
        say=_FILE_BYTES,
    ),
    Row(
        "audio_in",
        "Audio",
        _doors("messages[].content[].input_audio", "input[].content[].input_audio", None, _PART + "inlineData"),
        _at(C, C, R, C),
        say="The model's provider takes no audio at `{field}`: leave it out.",
    ),
    Row(
        "video",
        "Video",
        _doors(gemini=_PART + "inlineData"),
        _at(R, R, R, C),
        say="The model's provider takes no video at `{field}`: leave it out.",
    ),
    Row(
        "audio_out",
        "An answer as audio or an image",
        _doors(
            ("modalities", "audio"), None, None, (_G + "responseModalities", _G + "speechConfig", _G + "imageConfig")
        ),
        _at(R),
        say="The model's provider answers in text only: leave `{field}` out.",
        beside=True,
    ),
    Row(
        "media_hints",
        "How finely media are read",
        _doors(
            None,
            None,
            "messages[].content[].transformations",
            (_G + "mediaResolution", _PART + "mediaResolution", _PART + "videoMetadata"),
        ),
        _at(D),
        beside=True,
    ),
    Row(
        "citations",
        "Citations asked of a document",
        _doors(None, None, ("messages[].content[].citations", "messages[].content[].context")),
        _at(D),
        beside=True,
    ),
)

_REASONING = (
    Row(
        "reasoning_effort",
        "Effort",
        _doors("reasoning_effort", "reasoning.effort", "output_config.effort", _G + "thinkingConfig.thinkingLevel"),
        _at(
            Fate(C, {"no_effort": D}),
            Fate(C, {"no_effort": D}),
            Fate(C, {"no_thinking": D}),
            Fate(C, {"no_thinking": D}),
        ),
    ),
    Row(
        "effort_step",
        "An effort that the model does not have",
        _doors("reasoning_effort", "reasoning.effort", "output_config.effort", _G + "thinkingConfig.thinkingLevel"),
        _at(A),
        note="the nearest lower one, else the lowest",
    ),
    Row(
        "reasoning_budget",
        "A budget of thinking tokens",
        _doors(None, None, "thinking.budget_tokens", _G + "thinkingConfig.thinkingBudget"),
        _at(
            Fate(A, {"no_effort": D}),
            Fate(A, {"no_effort": D}),
            Fate(C, {"no_thinking": D, "by_effort": A}),
            Fate(C, {"no_thinking": D, "by_effort": A}),
        ),
        note="the effort that it stands for",
    ),
    Row(
        "adaptive_thinking",
        "Thinking as the model likes",
        _doors(None, None, "thinking"),
        _at(
            Fate(C, {"no_effort": D}),
            Fate(C, {"no_effort": D}),
            Fate(C, {"no_thinking": D}),
            Fate(C, {"no_thinking": D}),
        ),
    ),
    Row(
        "budget_bounds",
        "A budget beyond what model and output limit allow",
        _doors(
            "reasoning_effort", "reasoning.effort", "thinking.budget_tokens", _G + "thinkingConfig.thinkingBudget"
        ),
        _at(C, C, A, A),
        note="the nearest that is allowed",
    ),
    Row(
        "thinking_room",
        "Thinking that the request leaves no room for: a forced call, a small output limit",
        _doors("reasoning_effort", "reasoning.effort", "thinking", _G + "thinkingConfig"),
        _at(C, C, D, C),
    ),
    Row(
        "reasoning_off",
        "No thinking",
        _doors("reasoning_effort", "reasoning.effort", "thinking", _G + "thinkingConfig.thinkingBudget"),
        _at(Fate(C, {"always_thinks": A})),
        note="the lowest effort",
    ),
    Row(
        "reasoning_show",
        "Thinking to be shown",
        _doors(None, "reasoning.summary", "thinking.display", _G + "thinkingConfig.includeThoughts"),
        _at(
            Fate(D, {"takes_thinking": C}),
            Fate(C, {"no_effort": D}),
            Fate(C, {"no_thinking": D}),
            Fate(C, {"no_thinking": D}),
        ),
    ),
    Row(
        "reasoning_mode",
        "Further words about thinking",
        _doors(None, ("reasoning.mode", "reasoning.context", "reasoning.generate_summary"), "thinking"),
        _at(D),
        beside=True,
    ),
    Row(
        "reasoning_tool_loop",
        "Thinking between calls, signed for its provider",
        _doors(
            "messages[].tool_calls[].extra_content",
            "input[].encrypted_content",
            "messages[].content[].signature",
            _PART + "thoughtSignature",
        ),
        _at(C),
    ),
    Row(
        "own_thinking",
        "Earlier thinking in words only",
        _doors("messages[].reasoning_content"),
        _at(Fate(D, {"takes_thinking": C}), D, D, D),
    ),
    Row(
        "foreign_thinking",
        "Earlier thinking of another provider",
        _doors("messages[].reasoning_content", "input[].summary", "messages[].content[].thinking", _PART + "thought"),
        _at(D),
    ),
    Row(
        "lone_thinking",
        "Thinking that nothing followed, of an answer that broke off",
        _doors("messages[].reasoning_content", "input[].summary", "messages[].content[].thinking", _PART + "thought"),
        _at(C, C, D, D),
    ),
    Row(
        "lost_signature",
        "A call whose signature is lost",
        _doors(
            "messages[].tool_calls[].extra_content", "input[].encrypted_content", "messages[].content[].signature"
        ),
        _at(C, C, C, A),
        note="Google's documented stand-in takes its place",
    ),
)

_FORMAT = (
    Row(
        "structured_output",
        "JSON by a schema",
        _doors(
            "response_format",
            "text.format",
            ("output_config.format", "output_format"),
            (_G + "responseJsonSchema", _G + "responseSchema"),
        ),
        _at(C),
    ),
    Row(
        "schema_keywords",
        "Keywords of that schema that the dialect lacks",
        _doors("response_format", "text.format", "output_config.format", _G + "responseJsonSchema"),
        _at(C, C, A, A),
        note="they become words in the description",
    ),
    Row(
        "json_object",
        "JSON without a schema",
        _doors("response_format", "text.format", None, _G + "responseMimeType"),
        _at(C, C, A, C),
        note="an instruction asks for it",
    ),
    Row(
        "output_type",
        "Another type of output (`text/x.enum`, `responseFormat`)",
        _doors(gemini=(_G + "responseMimeType", _G + "responseFormat")),
        _at(R, R, R, C),
        beside=True,
    ),
    Row("verbosity", "Verbosity", _doors("verbosity", "text.verbosity"), _at(C, C, D, D), beside=True),
    Row(
        "max_tokens",
        "Output limit",
        _doors(("max_completion_tokens", "max_tokens"), "max_output_tokens", "max_tokens", _G + "maxOutputTokens"),
        _at(C),
    ),
    Row(
        "stop",
        "Stop sequences",
        _doors("stop", None, "stop_sequences", _G + "stopSequences"),
        _at(Fate(C, {"no_stop": R}), R, Fate(C, {"no_stop": R}), Fate(C, {"no_stop": R})),
        say="The model takes no stop sequences: leave `{field}` out.",
    ),
    Row(
        "stop_count",
        "More stop sequences than the dialect takes (chat 4, Gemini 5)",
        _doors("stop", None, "stop_sequences", _G + "stopSequences"),
        _at(R, R, C, R),
        say="The model takes up to {detail} stop sequences: send fewer in `{field}`.",
    ),
    Row(
        "n",
        "Several answers",
        _doors("n", None, None, _G + "candidateCount"),
        _at(C, R, R, C),
        say="The model's provider gives one answer for a request: leave `{field}` out.",
    ),
    Row(
        "logprobs",
        "Log probabilities",
        _doors(
            ("logprobs", "top_logprobs"),
            ("include", "top_logprobs"),
            None,
            (_G + "responseLogprobs", _G + "logprobs"),
        ),
        _at(C, C, R, C),
        say="The model's provider gives no log probabilities: leave `{field}` out.",
    ),
    Row("prediction", "A predicted answer", _doors("prediction"), _at(C, D, D, D), beside=True),
)

_SAMPLING = (
    Row(
        "temperature",
        "Temperature",
        _doors("temperature", "temperature", "temperature", _G + "temperature"),
        _at(Fate(C, {"no_sampling": D})),
    ),
    Row(
        "temperature_above_1",
        "Temperature above 1",
        _doors("temperature", "temperature", None, _G + "temperature"),
        _at(C, C, A, C),
        note="1",
    ),
    Row(
        "top_p",
        "Nucleus sampling (top_p)",
        _doors("top_p", "top_p", "top_p", _G + "topP"),
        _at(Fate(C, {"no_sampling": D})),
    ),
    Row(
        "top_p_beside_temperature",
        "top_p beside a temperature",
        _doors("top_p", "top_p", "top_p", _G + "topP"),
        _at(Fate(C, {"no_sampling": D, "one_of_two": D})),
    ),
    Row(
        "top_k",
        "top_k",
        _doors(None, None, "top_k", _G + "topK"),
        _at(D, D, Fate(C, {"no_sampling": D}), Fate(C, {"no_sampling": D})),
    ),
    Row(
        "sampling_while_thinking",
        "Sampling while the model thinks",
        _doors(
            ("temperature", "top_p"),
            ("temperature", "top_p"),
            ("temperature", "top_p", "top_k"),
            (_G + "temperature", _G + "topP", _G + "topK"),
        ),
        _at(C, C, D, C),
    ),
    Row("seed", "Seed", _doors("seed", None, None, _G + "seed"), _at(C, D, D, C)),
    Row("seed_size", "A seed beyond 32 bits", _doors("seed"), _at(C, D, D, D)),
    Row(
        "frequency_penalty",
        "Frequency penalty",
        _doors("frequency_penalty", None, None, _G + "frequencyPenalty"),
        _at(Fate(C, {"no_penalties": D}), D, D, Fate(C, {"no_penalties": D})),
    ),
    Row(
        "presence_penalty",
        "Presence penalty",
        _doors("presence_penalty", None, None, _G + "presencePenalty"),
        _at(Fate(C, {"no_penalties": D}), D, D, Fate(C, {"no_penalties": D})),
    ),
    Row("logit_bias", "Bias of single tokens", _doors("logit_bias"), _at(C, R, R, R)),
)

_KEPT_ELSEWHERE = "`{field}` is kept by another provider: send the whole conversation instead."

_STATE = (
    Row(
        "previous_response_id",
        "A conversation that a provider keeps",
        _doors(None, ("previous_response_id", "conversation"), "container"),
        _at(R),
        say=_KEPT_ELSEWHERE,
        beside=True,
    ),
    Row(
        "message_thread",
        "A thread that its provider keeps (the SDK's tool runner asks for it)",
        _doors(anthropic="thread"),
        _at(R, R, C, R),
        say=_KEPT_ELSEWHERE,
        # By which the SDK knows to send the whole conversation instead, and does so at once.
        code="thread_unsupported_request",
        beside=True,
    ),
    Row(
        "server_items",
        "Items that only their provider can place",
        _doors(None, "input[]"),
        _at(R, C, R, R),
        say="`{field}` can be read by its own provider only: send the conversation's messages instead.",
        beside=True,
    ),
    Row(
        "stored_prompt",
        "A prompt that a provider keeps",
        _doors(None, "prompt"),
        _at(R, C, R, R),
        say="`{field}` is kept by another provider: send its text instead.",
        beside=True,
    ),
    Row(
        "background",
        "An answer to be fetched later",
        _doors("deferred", "background"),
        _at(R),
        say="The model's provider answers at once only: leave `{field}` out.",
        beside=True,
    ),
    Row(
        "max_tool_calls",
        "A limit to hosted tools' calls",
        _doors(None, "max_tool_calls"),
        _at(R, C, R, R),
        beside=True,
    ),
    Row(
        "truncation",
        "Truncation and compaction by the provider",
        _doors(None, ("truncation", "context_management"), "compaction"),
        _at(R),
        beside=True,
    ),
    Row(
        "context_editing",
        "Clearing of old results and thinking (Claude Code sends it)",
        _doors(anthropic="context_management"),
        _at(D, D, C, D),
        beside=True,
    ),
    Row("moderation", "Moderation with the answer", _doors("moderation", "moderation"), _at(R), beside=True),
    Row(
        "hosted_search",
        "A search that the provider makes",
        _doors(("web_search_options", "search_parameters")),
        _at(C, R, R, R),
        say="The model's provider makes no search for `{field}`: leave it out.",
        beside=True,
    ),
    Row(
        "mcp_servers",
        "MCP servers that the provider calls",
        _doors(anthropic="mcp_servers"),
        _at(R, R, C, R),
        beside=True,
    ),
    Row(
        "cached_content",
        "A cache that a provider keeps",
        _doors(gemini="cachedContent"),
        _at(R, R, R, C),
        say="`{field}` is kept by another provider: send its content instead.",
        beside=True,
    ),
    Row("store", "An answer to be stored", _doors("store", "store", None, "store"), _at(D), beside=True),
)

_HINTS = (
    Row(
        "cache_marks",
        "Cache marks, OpenAI's",
        _doors(
            "messages[].content[].prompt_cache_breakpoint",
            "input[].content[].prompt_cache_breakpoint",
        ),
        _at(C, C, C, D),
        beside=True,
    ),
    Row(
        "cache_control",
        "Cache marks, Anthropic's",
        _doors(
            anthropic=(
                "messages[].content[].cache_control",
                "system[].cache_control",
                "tools[].cache_control",
                "cache_control",
            )
        ),
        _at(Fate(D, {"cache_marks": A}), Fate(D, {"cache_marks": A}), C, D),
        note="breakpoints of 30 minutes, on text, media and results; those on tools and calls are left out",
        beside=True,
    ),
    Row(
        "claude_cache_marks",
        "Anthropic's cache marks in chat",
        _doors(
            (
                "messages[].cache_control",
                "messages[].content[].cache_control",
                "messages[].tool_calls[].cache_control",
                "tools[].cache_control",
            ),
        ),
        _at(D, D, C, D),
        beside=True,
    ),
    Row(
        "cache_mark_count",
        "More than four cache marks",
        _doors(anthropic="messages[].content[].cache_control"),
        _at(D, D, A, D),
        note="the last four are kept",
    ),
    Row(
        "cache_key",
        "Cache key and its options",
        _doors(*[("prompt_cache_key", "prompt_cache_options", "prompt_cache_retention")] * 2),
        _at(C, C, D, D),
        beside=True,
    ),
    Row("service_tier", "Service tier", _doors("service_tier", "service_tier"), _at(C, C, D, D)),
    Row(
        "foreign_tier",
        "Service tier and speed, in words that another provider does not have",
        _doors("service_tier", "service_tier", ("service_tier", "speed"), "serviceTier"),
        _at(D),
        beside=True,
    ),
    Row("safety_settings", "Safety settings", _doors(gemini="safetySettings"), _at(D, D, D, C), beside=True),
    Row(
        "user",
        "The end user",
        _doors(("user", "safety_identifier"), ("user", "safety_identifier"), "metadata.user_id"),
        _at(C, C, C, D),
        note="the gateway's own row has it in any case",
        beside=True,
    ),
    Row("labels", "Labels", _doors(gemini="labels"), _at(D, D, D, C), beside=True),
    Row("metadata", "Metadata", _doors("metadata", "metadata"), _at(C, C, D, D), beside=True),
    Row("answer_extras", "Further things in the answer", _doors(None, ("include", "image")), _at(D), beside=True),
    Row(
        "gateway_fields",
        "What the gateway answers itself (usage in streams, encrypted reasoning)",
        _doors("stream_options", ("stream_options", "client_metadata")),
        _at(C),
        beside=True,
    ),
    Row("unknown_field", "A field that the gateway does not know", _doors("*", "*", "*", "*"), _at(D)),
)

SECTIONS: Mapping[str, tuple[Row, ...]] = {
    "Conversation": _CONVERSATION,
    "Tools": _TOOLS,
    "Media": _MEDIA,
    "Reasoning": _REASONING,
    "Output": _FORMAT,
    "Sampling": _SAMPLING,
    "State at a provider": _STATE,
    "Hints": _HINTS,
}
ROWS: tuple[Row, ...] = tuple(row for rows in SECTIONS.values() for row in rows)
# Looked up at each use, so that a changed row changes what is done.
BY_NAME: dict[str, Row] = {row.name: row for row in ROWS}
# What an agent puts into every request, whether it is of use or not.
AGENT_TOOLS: Mapping[str, frozenset[str]] = {
    "Codex": frozenset(("web_search", "web_search_preview", "local_shell", "image_generation", "tool_search"))
}
