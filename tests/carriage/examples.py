"""A client's body for each feature of the carriage table at each door that can say it."""

from collections.abc import Mapping
from typing import Any

from gateway.dialects.carriage import ANTHROPIC, CHAT, GEMINI, RESPONSES

Body = dict[str, Any]

PNG = "iVBORw0KGgoAAAANSUhEUg=="
PDF = "JVBERi0xLjQK"
WAV = "UklGRiQAAABXQVZF"
OBJECT: Body = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
# Neither Anthropic's strict schemas nor Gemini's have a word for it.
ODD: Body = {"type": "object", "properties": {"city": {"type": "string", "pattern": "^[A-Z]"}}, "required": ["city"]}
HELLO = "Hello"


def chat(*messages: Body, **fields: Any) -> Body:
    return {"model": "m", "messages": list(messages) or [user(HELLO)], **fields}


def responses(*items: Body, **fields: Any) -> Body:
    return {"model": "m", "input": list(items) or [user(HELLO)], **fields}


def anthropic(*messages: Body, **fields: Any) -> Body:
    return {"model": "m", "max_tokens": 2000, "messages": list(messages) or [user(HELLO)], **fields}


def gemini(*contents: Body, **fields: Any) -> Body:
    return {"contents": list(contents) or [said("user", {"text": HELLO})], **fields}


def config(**fields: Any) -> Body:
    return gemini(generationConfig=fields)


def user(content: Any, **fields: Any) -> Body:
    return {"role": "user", "content": content, **fields}


def assistant(content: Any = None, **fields: Any) -> Body:
    return {"role": "assistant", "content": content, **fields}


def said(role: str, *parts: Body) -> Body:
    return {"role": role, "parts": list(parts)}


def part(door: str, value: Body) -> Body:
    """A body with one part beside some text."""
    match door:
        case "openai_chat":
            return chat(user([{"type": "text", "text": HELLO}, value]))
        case "openai_responses":
            return responses(user([{"type": "input_text", "text": HELLO}, value]))
        case "anthropic":
            return anthropic(user([{"type": "text", "text": HELLO}, value]))
    return gemini(said("user", {"text": HELLO}, value))


# A function, as each door writes it.
def function(door: str, schema: Body | None = None, name: str = "look", **fields: Any) -> Body:
    schema = schema or OBJECT
    match door:
        case "openai_chat":
            return {"type": "function", "function": {"name": name, "parameters": schema, **fields}}
        case "openai_responses":
            return {"type": "function", "name": name, "parameters": schema, **fields}
        case "anthropic":
            return {"name": name, "input_schema": schema, **fields}
    return {"functionDeclarations": [{"name": name, "parametersJsonSchema": schema, **fields}]}


BASES: Mapping[str, Body] = {CHAT: chat(), RESPONSES: responses(), ANTHROPIC: anthropic(), GEMINI: gemini()}
DOORS = {CHAT: chat, RESPONSES: responses, ANTHROPIC: anthropic, GEMINI: gemini}


def with_tools(door: str, *tools: Body, **fields: Any) -> Body:
    return DOORS[door](tools=list(tools) or [function(door)], **fields)


def loop(door: str, arguments: Any = None, result: Any = "sunny", call_extra: Body | None = None) -> Body:
    """One call and its result."""
    extra = call_extra or {}
    match door:
        case "openai_chat":
            inner = {"name": "look", "arguments": '{"city":"Rome"}' if arguments is None else arguments}
            call = {"id": "c1", "type": "function", "function": inner, **extra}
            return chat(user(HELLO), assistant(tool_calls=[call]), {"role": "tool", "tool_call_id": "c1", "content": result}, tools=[function(door)])  # fmt: skip
        case "openai_responses":
            call = {"type": "function_call", "call_id": "c1", "name": "look", "arguments": '{"city":"Rome"}' if arguments is None else arguments, **extra}  # fmt: skip
            return responses(user(HELLO), call, {"type": "function_call_output", "call_id": "c1", "output": result}, tools=[function(door)])  # fmt: skip
        case "anthropic":
            call = {"type": "tool_use", "id": "c1", "name": "look", "input": {"city": "Rome"}, **extra}
            answer = {"type": "tool_result", "tool_use_id": "c1", "content": result}
            return anthropic(user(HELLO), assistant([call]), user([answer]), tools=[function(door)])
    call = {"functionCall": {"id": "c1", "name": "look", "args": {"city": "Rome"}}, **extra}
    found = result if isinstance(result, dict) else {"response": {"output": result}}
    answer = {"functionResponse": {"id": "c1", "name": "look", **found}}
    return gemini(said("user", {"text": HELLO}), said("model", call), said("user", answer), tools=[function(door)])


def two_turns(door: str) -> Body:
    match door:
        case "openai_chat":
            return chat(user(HELLO), assistant("Hi."), user("And now?"))
        case "openai_responses":
            return responses(user(HELLO), assistant("Hi."), user("And now?"))
        case "anthropic":
            return anthropic(user(HELLO), assistant("Hi."), user("And now?"))
    return gemini(said("user", {"text": HELLO}), said("model", {"text": "Hi."}), said("user", {"text": "And now?"}))


def answered(door: str, *blocks: Body, **fields: Any) -> Body:
    """A history whose answer holds these blocks."""
    match door:
        case "openai_chat":
            return chat(user(HELLO), assistant("Hi.", **fields), user("And?"))
        case "openai_responses":
            return responses(user(HELLO), *blocks, assistant("Hi."), user("And?"))
        case "anthropic":
            return anthropic(user(HELLO), assistant([*blocks, {"type": "text", "text": "Hi."}]), user("And?"))
    return gemini(
        said("user", {"text": HELLO}), said("model", *blocks, {"text": "Hi."}), said("user", {"text": "And?"})
    )


DATA_PNG, DATA_PDF = f"data:image/png;base64,{PNG}", f"data:application/pdf;base64,{PDF}"
DATA_TEXT = "data:text/csv;base64,YSxi"
PICTURE = "https://example.org/a.png"
PAPER = "https://example.org/a.pdf"
FORMAT = {"type": "json_schema", "name": "place", "schema": OBJECT}
ODD_FORMAT = {"type": "json_schema", "name": "place", "schema": ODD}
GRAMMAR = {"syntax": "lark", "definition": "start: /x+/"}


def _chat_format(form: Body) -> Body:
    return {"type": "json_schema", "json_schema": {"name": form["name"], "schema": form["schema"]}}


def _inline(mime: str, data: str) -> Body:
    return {"inlineData": {"mimeType": mime, "data": data}}


def _source(kind: str, **source: Any) -> Body:
    return {"type": kind, "source": source}


def _image_result() -> dict[str, Body]:
    block = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    return {
        CHAT: loop(CHAT, result=[{"type": "image_url", "image_url": {"url": DATA_PNG}}]),
        RESPONSES: loop(RESPONSES, result=[{"type": "input_image", "image_url": DATA_PNG, "detail": "auto"}]),
        ANTHROPIC: loop(ANTHROPIC, result=[block]),
        GEMINI: loop(GEMINI, result={"response": {"output": ""}, "parts": [_inline("image/png", PNG)]}),
    }


# feature → door → a client's body that says it.
EXAMPLES: Mapping[str, Mapping[str, Body]] = {
    "text": {CHAT: chat(user("Hi")), RESPONSES: responses(user("Hi")), ANTHROPIC: anthropic(user("Hi")), GEMINI: gemini(said("user", {"text": "Hi"}))},
    "system": {
        CHAT: chat({"role": "system", "content": "S"}, user(HELLO)),
        RESPONSES: responses(instructions="S"),
        ANTHROPIC: anthropic(system="S"),
        GEMINI: gemini(systemInstruction={"parts": [{"text": "S"}]}),
    },
    "system_midway": {
        CHAT: chat(user(HELLO), {"role": "system", "content": "S"}),
        RESPONSES: responses(user(HELLO), {"role": "developer", "content": "S"}),
        ANTHROPIC: anthropic(user(HELLO), {"role": "system", "content": "S"}),
    },
    "system_alone": {
        CHAT: chat({"role": "system", "content": "S"}),
        RESPONSES: {"model": "m", "instructions": "S", "input": []},
        GEMINI: {"systemInstruction": {"parts": [{"text": "S"}]}, "contents": []},
    },
    "six_turns": {door: two_turns(door) for door in DOORS},
    "prefill": {
        CHAT: chat(user(HELLO), assistant("The")),
        RESPONSES: responses(user(HELLO), assistant("The")),
        ANTHROPIC: anthropic(user(HELLO), assistant("The")),
        GEMINI: gemini(said("user", {"text": HELLO}), said("model", {"text": "The"})),
    },
    "participant_name": {CHAT: chat(user(HELLO, name="ann"))},
    "phase": {RESPONSES: responses(user(HELLO), {"type": "message", "id": "msg_1", "phase": "commentary", **assistant([{"type": "output_text", "text": "Hi."}])}, user("And?"))},
    "refusal": {
        CHAT: chat(user(HELLO), assistant(refusal="No."), user("And?")),
        RESPONSES: responses(user(HELLO), assistant([{"type": "refusal", "refusal": "No."}]), user("And?")),
    },
    "foreign_part": {
        RESPONSES: answered(RESPONSES, {"type": "web_search_call", "id": "ws_1", "status": "completed"}),
        ANTHROPIC: answered(ANTHROPIC, {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}}),
        GEMINI: answered(GEMINI, {"executableCode": {"language": "PYTHON", "code": "1"}}),
    },
    "unknown_content": {
        RESPONSES: part(RESPONSES, {"type": "input_hologram"}),
        ANTHROPIC: part(ANTHROPIC, {"type": "search_result", "source": "s", "title": "t", "content": []}),
        GEMINI: part(GEMINI, {"executableCode": {"language": "PYTHON", "code": "1"}}),
    },
    "result_content": {ANTHROPIC: loop(ANTHROPIC, result=[{"type": "search_result", "source": "s", "title": "t", "content": []}])},
    "tools": {door: with_tools(door) for door in DOORS},
    "parallel_tools": {door: with_tools(door) for door in DOORS},
    "tool_schema": {
        CHAT: with_tools(CHAT, function(CHAT, ODD, strict=True)),
        RESPONSES: with_tools(RESPONSES, function(RESPONSES, ODD, strict=True)),
        ANTHROPIC: with_tools(ANTHROPIC, function(ANTHROPIC, ODD, strict=True)),
        GEMINI: with_tools(GEMINI, function(GEMINI, ODD)),
    },
    "tool_name": {
        CHAT: with_tools(CHAT, function(CHAT, name="größe")),
        RESPONSES: with_tools(RESPONSES, function(RESPONSES, name="größe")),
        ANTHROPIC: with_tools(ANTHROPIC, function(ANTHROPIC, name="größe")),
        GEMINI: with_tools(GEMINI, function(GEMINI, name="größe")),
    },
    "strict": {door: with_tools(door, function(door, {**OBJECT, "additionalProperties": False}, strict=True)) for door in (CHAT, RESPONSES, ANTHROPIC)},
    "tool_hints": {
        RESPONSES: with_tools(RESPONSES, function(RESPONSES, defer_loading=True)),
        ANTHROPIC: with_tools(ANTHROPIC, function(ANTHROPIC, defer_loading=True)),
        GEMINI: with_tools(GEMINI, function(GEMINI, behavior="NON_BLOCKING")),
    },
    "tool_reference": {ANTHROPIC: loop(ANTHROPIC, result=[{"type": "tool_reference", "tool_name": "look"}])},
    "custom_tools": {
        CHAT: with_tools(CHAT, {"type": "custom", "custom": {"name": "patch"}}),
        RESPONSES: with_tools(RESPONSES, {"type": "custom", "name": "patch"}),
    },
    "custom_grammar": {
        CHAT: with_tools(CHAT, {"type": "custom", "custom": {"name": "patch", "format": {"type": "grammar", "grammar": GRAMMAR}}}),
        RESPONSES: with_tools(RESPONSES, {"type": "custom", "name": "patch", "format": {"type": "grammar", **GRAMMAR}}),
    },
    "hosted_tools": {
        CHAT: with_tools(CHAT, {"type": "web_search"}),
        RESPONSES: with_tools(RESPONSES, {"type": "web_search"}),
        ANTHROPIC: with_tools(ANTHROPIC, {"type": "web_search_20250305", "name": "web_search"}),
        GEMINI: with_tools(GEMINI, {"googleSearch": {}}),
    },
    "agent_tools": {RESPONSES: with_tools(RESPONSES, function(RESPONSES), {"type": "web_search"})},
    "tool_choice": {
        CHAT: with_tools(CHAT, tool_choice="required"),
        RESPONSES: with_tools(RESPONSES, tool_choice="required"),
        ANTHROPIC: with_tools(ANTHROPIC, tool_choice={"type": "any"}),
        GEMINI: with_tools(GEMINI, toolConfig={"functionCallingConfig": {"mode": "ANY"}}),
    },
    "allowed_tools": {
        CHAT: with_tools(CHAT, tool_choice={"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "look"}}]}}),
        RESPONSES: with_tools(RESPONSES, tool_choice={"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "look"}]}),
    },
    "hosted_choice": {RESPONSES: with_tools(RESPONSES, tool_choice={"type": "web_search"})},
    "choice_without_tools": {
        RESPONSES: responses(tool_choice="required"),
        ANTHROPIC: anthropic(tool_choice={"type": "any"}),
        GEMINI: gemini(toolConfig={"functionCallingConfig": {"mode": "ANY"}}),
    },
    "single_calls": {
        CHAT: with_tools(CHAT, parallel_tool_calls=False),
        RESPONSES: with_tools(RESPONSES, parallel_tool_calls=False),
        ANTHROPIC: with_tools(ANTHROPIC, tool_choice={"type": "auto", "disable_parallel_tool_use": True}),
    },
    "checked_arguments": {GEMINI: with_tools(GEMINI, toolConfig={"functionCallingConfig": {"mode": "VALIDATED"}})},
    "broken_arguments": {CHAT: loop(CHAT, arguments='{"a":'), RESPONSES: loop(RESPONSES, arguments='{"a":')},
    "tool_result_image": _image_result(),
    "uncalled_output": {RESPONSES: responses({"type": "function_call_output", "id": "fco_1", "name": "goal_objective", "namespace": "agent", "output": "Win."}, user(HELLO))},
    "function_config": {GEMINI: with_tools(GEMINI, toolConfig={"retrievalConfig": {"languageCode": "de"}})},
    "image": {
        CHAT: part(CHAT, {"type": "image_url", "image_url": {"url": DATA_PNG}}),
        RESPONSES: part(RESPONSES, {"type": "input_image", "image_url": DATA_PNG}),
        ANTHROPIC: part(ANTHROPIC, _source("image", type="base64", media_type="image/png", data=PNG)),
        GEMINI: part(GEMINI, _inline("image/png", PNG)),
    },
    "image_url": {
        CHAT: part(CHAT, {"type": "image_url", "image_url": {"url": PICTURE}}),
        RESPONSES: part(RESPONSES, {"type": "input_image", "image_url": PICTURE}),
        ANTHROPIC: part(ANTHROPIC, _source("image", type="url", url=PICTURE)),
        GEMINI: part(GEMINI, {"fileData": {"mimeType": "image/png", "fileUri": PICTURE}}),
    },
    "image_detail": {
        CHAT: part(CHAT, {"type": "image_url", "image_url": {"url": DATA_PNG, "detail": "low"}}),
        RESPONSES: part(RESPONSES, {"type": "input_image", "image_url": DATA_PNG, "detail": "low"}),
    },
    "pdf": {
        CHAT: part(CHAT, {"type": "file", "file": {"file_data": DATA_PDF, "filename": "a.pdf"}}),
        RESPONSES: part(RESPONSES, {"type": "input_file", "file_data": DATA_PDF, "filename": "a.pdf"}),
        ANTHROPIC: part(ANTHROPIC, _source("document", type="base64", media_type="application/pdf", data=PDF)),
        GEMINI: part(GEMINI, _inline("application/pdf", PDF)),
    },
    "text_file": {
        CHAT: part(CHAT, {"type": "file", "file": {"file_data": DATA_TEXT}}),
        RESPONSES: part(RESPONSES, {"type": "input_file", "file_data": DATA_TEXT}),
        ANTHROPIC: part(ANTHROPIC, _source("document", type="text", media_type="text/plain", data="a,b")),
        GEMINI: part(GEMINI, _inline("text/csv", "YSxi")),
    },
    "filename": {
        CHAT: part(CHAT, {"type": "file", "file": {"file_data": DATA_PDF, "filename": "a.pdf"}}),
        RESPONSES: part(RESPONSES, {"type": "input_file", "file_data": DATA_PDF, "filename": "a.pdf"}),
        ANTHROPIC: part(ANTHROPIC, {**_source("document", type="base64", media_type="application/pdf", data=PDF), "title": "a.pdf"}),
    },
    "pdf_url": {
        RESPONSES: part(RESPONSES, {"type": "input_file", "file_url": PAPER}),
        ANTHROPIC: part(ANTHROPIC, _source("document", type="url", url=PAPER)),
        GEMINI: part(GEMINI, {"fileData": {"mimeType": "application/pdf", "fileUri": PAPER}}),
    },
    "file_id": {
        CHAT: part(CHAT, {"type": "file", "file": {"file_id": "file-1"}}),
        RESPONSES: part(RESPONSES, {"type": "input_file", "file_id": "file-1"}),
        ANTHROPIC: part(ANTHROPIC, _source("document", type="file", file_id="file-1")),
    },
    "held_file": {GEMINI: part(GEMINI, {"fileData": {"mimeType": "application/pdf", "fileUri": "gs://bucket/a.pdf"}})},
    "audio_in": {
        CHAT: part(CHAT, {"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}}),
        RESPONSES: part(RESPONSES, {"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}}),
        GEMINI: part(GEMINI, _inline("audio/wav", WAV)),
    },
    "video": {GEMINI: part(GEMINI, _inline("video/mp4", "AAAA"))},
    "audio_out": {
        CHAT: chat(modalities=["text", "audio"], audio={"voice": "ash", "format": "wav"}),
        GEMINI: config(responseModalities=["AUDIO"]),
    },
    "media_hints": {
        ANTHROPIC: part(ANTHROPIC, {**_source("image", type="base64", media_type="image/png", data=PNG), "transformations": {"oversized_image": "error"}}),
        GEMINI: config(mediaResolution="MEDIA_RESOLUTION_LOW"),
    },
    "citations": {ANTHROPIC: part(ANTHROPIC, {**_source("document", type="base64", media_type="application/pdf", data=PDF), "citations": {"enabled": True}})},
    "reasoning_effort": {
        CHAT: chat(reasoning_effort="low"),
        RESPONSES: responses(reasoning={"effort": "low"}),
        ANTHROPIC: anthropic(output_config={"effort": "low"}),
        GEMINI: config(thinkingConfig={"thinkingLevel": "LOW"}),
    },
    "effort_step": {
        CHAT: chat(reasoning_effort="xhigh"),
        RESPONSES: responses(reasoning={"effort": "xhigh"}),
        ANTHROPIC: anthropic(output_config={"effort": "xhigh"}),
        GEMINI: config(thinkingConfig={"thinkingLevel": "XHIGH"}),
    },
    "reasoning_budget": {
        ANTHROPIC: anthropic(thinking={"type": "enabled", "budget_tokens": 1500}),
        GEMINI: config(thinkingConfig={"thinkingBudget": 1500}),
    },
    "adaptive_thinking": {ANTHROPIC: anthropic(thinking={"type": "adaptive"})},
    "reasoning_off": {
        CHAT: chat(reasoning_effort="none"),
        RESPONSES: responses(reasoning={"effort": "none"}),
        ANTHROPIC: anthropic(thinking={"type": "disabled"}),
        GEMINI: config(thinkingConfig={"thinkingBudget": 0}),
    },
    "reasoning_show": {
        RESPONSES: responses(reasoning={"effort": "low", "summary": "auto"}),
        ANTHROPIC: anthropic(thinking={"type": "adaptive", "display": "summarized"}),
        GEMINI: config(thinkingConfig={"includeThoughts": True}),
    },
    "reasoning_mode": {
        RESPONSES: responses(reasoning={"mode": "pro"}),
        ANTHROPIC: anthropic(thinking={"type": "between_tools"}),
    },
    "own_thinking": {CHAT: answered(CHAT, reasoning_content="Hm.")},
    "foreign_thinking": {
        RESPONSES: answered(RESPONSES, {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}], "encrypted_content": "e"}),
        ANTHROPIC: answered(ANTHROPIC, {"type": "thinking", "thinking": "Hm.", "signature": "s"}),
        GEMINI: answered(GEMINI, {"text": "Hm.", "thought": True, "thoughtSignature": "cw=="}),
    },
    "lost_signature": {CHAT: loop(CHAT), RESPONSES: loop(RESPONSES), ANTHROPIC: loop(ANTHROPIC)},
    "structured_output": {
        CHAT: chat(response_format=_chat_format(FORMAT)),
        RESPONSES: responses(text={"format": FORMAT}),
        ANTHROPIC: anthropic(output_config={"format": {"type": "json_schema", "schema": {**OBJECT, "additionalProperties": False}}}),
        GEMINI: config(responseMimeType="application/json", responseJsonSchema=OBJECT),
    },
    "schema_keywords": {
        CHAT: chat(response_format=_chat_format(ODD_FORMAT)),
        RESPONSES: responses(text={"format": ODD_FORMAT}),
        ANTHROPIC: anthropic(output_config={"format": {"type": "json_schema", "schema": ODD}}),
        GEMINI: config(responseMimeType="application/json", responseJsonSchema=ODD),
    },
    "json_object": {
        CHAT: chat(response_format={"type": "json_object"}),
        RESPONSES: responses(text={"format": {"type": "json_object"}}),
        GEMINI: config(responseMimeType="application/json"),
    },
    "output_type": {GEMINI: config(responseMimeType="text/x.enum", responseSchema={"type": "STRING", "enum": ["a"]})},
    "verbosity": {CHAT: chat(verbosity="low"), RESPONSES: responses(text={"verbosity": "low"})},
    "max_tokens": {
        CHAT: chat(max_completion_tokens=77),
        RESPONSES: responses(max_output_tokens=77),
        ANTHROPIC: anthropic(max_tokens=77),
        GEMINI: config(maxOutputTokens=77),
    },
    "stop": {CHAT: chat(stop="X"), ANTHROPIC: anthropic(stop_sequences=["X"]), GEMINI: config(stopSequences=["X"])},
    "stop_count": {CHAT: chat(stop=list("ABCDEF")), ANTHROPIC: anthropic(stop_sequences=list("ABCDEF")), GEMINI: config(stopSequences=list("ABCDEF"))},
    "n": {CHAT: chat(n=2), GEMINI: config(candidateCount=2)},
    "logprobs": {
        CHAT: chat(logprobs=True),
        RESPONSES: responses(include=["message.output_text.logprobs"]),
        GEMINI: config(responseLogprobs=True),
    },
    "prediction": {CHAT: chat(prediction={"type": "content", "content": "x"})},
    "temperature": {
        CHAT: chat(temperature=0.3),
        RESPONSES: responses(temperature=0.3),
        ANTHROPIC: anthropic(temperature=0.3),
        GEMINI: config(temperature=0.3),
    },
    "temperature_above_1": {CHAT: chat(temperature=1.5), RESPONSES: responses(temperature=1.5), GEMINI: config(temperature=1.5)},
    "top_p": {CHAT: chat(top_p=0.3), RESPONSES: responses(top_p=0.3), ANTHROPIC: anthropic(top_p=0.3), GEMINI: config(topP=0.3)},
    "top_p_beside_temperature": {
        CHAT: chat(top_p=0.3, temperature=0.2),
        RESPONSES: responses(top_p=0.3, temperature=0.2),
        ANTHROPIC: anthropic(top_p=0.3, temperature=0.2),
        GEMINI: config(topP=0.3, temperature=0.2),
    },
    "top_k": {ANTHROPIC: anthropic(top_k=4), GEMINI: config(topK=4)},
    "sampling_while_thinking": {
        CHAT: chat(temperature=0.3, reasoning_effort="low"),
        RESPONSES: responses(temperature=0.3, reasoning={"effort": "low"}),
        ANTHROPIC: anthropic(temperature=0.3, thinking={"type": "adaptive"}),
        GEMINI: config(temperature=0.3, thinkingConfig={"thinkingLevel": "LOW"}),
    },
    "thinking_room": {
        CHAT: with_tools(CHAT, tool_choice="required", reasoning_effort="low"),
        RESPONSES: with_tools(RESPONSES, tool_choice="required", reasoning={"effort": "low"}),
        GEMINI: with_tools(GEMINI, toolConfig={"functionCallingConfig": {"mode": "ANY"}}, generationConfig={"thinkingConfig": {"thinkingLevel": "LOW"}}),
    },
    "seed": {CHAT: chat(seed=7), GEMINI: config(seed=7)},
    "seed_size": {CHAT: chat(seed=2**40)},
    "frequency_penalty": {CHAT: chat(frequency_penalty=0.5), GEMINI: config(frequencyPenalty=0.5)},
    "presence_penalty": {CHAT: chat(presence_penalty=0.5), GEMINI: config(presencePenalty=0.5)},
    "logit_bias": {CHAT: chat(logit_bias={"1": 5})},
    "previous_response_id": {
        RESPONSES: responses(previous_response_id="resp_1"),
        ANTHROPIC: anthropic(container="c"),
    },
    "message_thread": {ANTHROPIC: anthropic(thread={"type": "create"})},
    "server_items": {RESPONSES: responses({"type": "item_reference", "id": "msg_1"}, user(HELLO))},
    "stored_prompt": {RESPONSES: responses(prompt={"id": "p"})},
    "background": {CHAT: chat(deferred=True), RESPONSES: responses(background=True)},
    "max_tool_calls": {RESPONSES: responses(max_tool_calls=3)},
    "truncation": {RESPONSES: responses(truncation="auto"), ANTHROPIC: anthropic(compaction={"enabled": True})},
    "compacted": {ANTHROPIC: answered(ANTHROPIC, {"type": "compaction", "content": "They greeted.", "encrypted_content": "e"})},
    "context_editing": {ANTHROPIC: anthropic(context_management={"edits": [{"type": "clear_tool_uses_20250919"}]})},
    "moderation": {CHAT: chat(moderation={"x": 1}), RESPONSES: responses(moderation={"x": 1})},
    "hosted_search": {CHAT: chat(web_search_options={})},
    "mcp_servers": {ANTHROPIC: anthropic(mcp_servers=[{"type": "url", "url": "https://example.org", "name": "m"}])},
    "cached_content": {GEMINI: gemini(cachedContent="cachedContents/1")},
    "store": {CHAT: chat(store=True), RESPONSES: responses(store=True), GEMINI: gemini(store=True)},
    "cache_marks": {
        CHAT: chat(user([{"type": "text", "text": HELLO, "prompt_cache_breakpoint": {"mode": "explicit"}}])),
        RESPONSES: responses(user([{"type": "input_text", "text": HELLO, "prompt_cache_breakpoint": {"mode": "explicit"}}])),
    },
    "cache_control": {ANTHROPIC: anthropic(user([{"type": "text", "text": HELLO, "cache_control": {"type": "ephemeral"}}]))},
    "claude_cache_marks": {CHAT: chat(user([{"type": "text", "text": HELLO, "cache_control": {"type": "ephemeral"}}]))},
    "cache_key": {CHAT: chat(prompt_cache_key="k"), RESPONSES: responses(prompt_cache_key="k")},
    "service_tier": {CHAT: chat(service_tier="flex"), RESPONSES: responses(service_tier="flex")},
    "foreign_tier": {ANTHROPIC: anthropic(service_tier="standard_only"), GEMINI: gemini(serviceTier="flex")},
    "safety_settings": {GEMINI: gemini(safetySettings=[{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}])},
    "user": {CHAT: chat(user="u-1"), RESPONSES: responses(user="u-1"), ANTHROPIC: anthropic(metadata={"user_id": "u-1"})},
    "metadata": {CHAT: chat(metadata={"a": "b"}), RESPONSES: responses(metadata={"a": "b"})},
    "labels": {GEMINI: gemini(labels={"a": "b"})},
    "answer_extras": {RESPONSES: responses(include=["file_search_call.results"])},
    "gateway_fields": {CHAT: chat(stream=True, stream_options={"include_usage": True}), RESPONSES: responses(client_metadata={"a": "b"})},
    "unknown_field": {CHAT: chat(shoe_size=43), RESPONSES: responses(shoe_size=43), ANTHROPIC: anthropic(shoe_size=43), GEMINI: gemini(shoeSize=43)},
}  # fmt: skip

# What the same client sends without the feature, where that is more than a greeting.
WITHOUT: Mapping[str, Mapping[str, Body]] = {
    "image_detail": EXAMPLES["image"],
    "custom_grammar": EXAMPLES["custom_tools"],
    "filename": {
        CHAT: part(CHAT, {"type": "file", "file": {"file_data": DATA_PDF}}),
        RESPONSES: part(RESPONSES, {"type": "input_file", "file_data": DATA_PDF}),
        ANTHROPIC: EXAMPLES["pdf"][ANTHROPIC],
    },
    "strict": {door: with_tools(door, function(door, {**OBJECT, "additionalProperties": False})) for door in DOORS},
    **{
        name: EXAMPLES["tools"]
        for name in ("tool_hints", "single_calls", "checked_arguments", "function_config", "tool_choice")
    },
    "cache_marks": {
        CHAT: chat(user([{"type": "text", "text": HELLO}])),
        RESPONSES: responses(user([{"type": "input_text", "text": HELLO}])),
    },
    "cache_control": {ANTHROPIC: anthropic(user([{"type": "text", "text": HELLO}]))},
    "claude_cache_marks": {CHAT: chat(user([{"type": "text", "text": HELLO}]))},
    "citations": EXAMPLES["pdf"],
    "own_thinking": {CHAT: answered(CHAT)},
    "foreign_thinking": {door: answered(door) for door in DOORS},
    "foreign_part": {door: answered(door) for door in DOORS},
    "top_p_beside_temperature": EXAMPLES["temperature"],
}
