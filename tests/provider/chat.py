"""OpenAI chat completions and embeddings, and xAI's variant of them.

Sources: the `openai` SDK's types; xAI: its published raw answers (completion_tokens without reasoning, a cost in ticks,
errors whose `error` is a string).
"""

import base64
import json
import random
import struct
from collections.abc import Collection, Mapping
from typing import Any

from openai.types import embedding_create_params
from openai.types.chat import completion_create_params
from typing_extensions import TypedDict

from tests.provider.draw import Ability, Answer, ToolCall, fragments
from tests.provider.format import Call, Format
from tests.provider.ledger import Said
from tests.provider.media import PDF, check_media, split_data_url
from tests.provider.openai_api import (
    IMAGES,
    OPENAI_REASONING,
    XAI_EFFORTS,
    XAI_IMAGES,
    XAI_SHOWS_REASONING,
    XAI_WITHOUT_REASONING,
    bearer,
    check_name,
    error_openai,
    error_xai,
    model_list,
    refuse_unknown,
    refuse_unless_default,
)
from tests.provider.prefix_cache import Segment
from tests.provider.strict import Rejected, check_strict_schema, strict_adapter, validate
from tests.provider.understood import from_chat, items

_CHAT = strict_adapter(completion_create_params.CompletionCreateParams)
_EMBEDDINGS = strict_adapter(embedding_create_params.EmbeddingCreateParams)
_EMBEDDING_INPUT = strict_adapter(TypedDict("_Input", {"input": str | list[str] | list[int] | list[list[int]]}))
_CHAT_FIELDS = set(completion_create_params.CompletionCreateParamsBase.__annotations__) | {"stream"}
_EMBEDDING_FIELDS = set(embedding_create_params.EmbeddingCreateParams.__annotations__)

# Newer models serve tools with reasoning effort on the Responses endpoint only.
_TOOLS_WITHOUT_EFFORT = ("gpt-5.4", "gpt-5.5")
_TOOLS_NEED_EFFORT_NONE = ("gpt-5.6", "gpt-6")
_XAI_UNKNOWN_FIELDS = ("metadata", "prediction", "audio", "modalities", "verbosity", "prompt_cache_key", "logit_bias")
_FINISH = {"stop_sequence": "stop", "filter": "content_filter", "refusal": "stop"}


def _read(operation: str, _model: str, _query: Mapping[str, str], body: dict[str, Any]) -> Call:
    messages = [item for item in items(body.get("messages")) if isinstance(item, dict)]
    last = messages[-1] if messages else {}
    stop = body.get("stop") or []
    return Call(
        operation=operation,
        model=str(body.get("model", "")),
        stream=body.get("stream") is True,
        body=body,
        prompt=_text(last.get("content")) if last.get("role") == "user" else _embedding_text(body),
        after_tools=last.get("role") == "tool",
        tools=[
            (tool["function"]["name"], tool["function"].get("parameters"))
            for tool in items(body.get("tools"))
            if isinstance(tool, dict) and isinstance(tool.get("function"), dict) and "name" in tool["function"]
        ],
        stop=[stop] if isinstance(stop, str) else list(stop),
        shows_reasoning=str(body.get("model")).startswith(XAI_SHOWS_REASONING),
    )


def _check_openai(call: Call, _headers: Mapping[str, str]) -> None:
    if call.operation == "embeddings":
        refuse_unknown(call.body, _EMBEDDING_FIELDS)
        # Of the SDK's union of lazy iterables the first one takes every list, so that the input is judged by itself.
        validate(_EMBEDDINGS, {**call.body, "input": ""} if "input" in call.body else call.body)
        validate(_EMBEDDING_INPUT, {"input": call.body["input"]})
        return
    _check_chat(call)
    body = call.body
    if call.model.startswith(OPENAI_REASONING):
        if "max_tokens" in body:
            raise Rejected(
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
                param="max_tokens",
                code="unsupported_parameter",
            )
        refuse_unless_default(body, {"temperature": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0})
        for name in ("logprobs", "top_logprobs", "logit_bias"):
            if body.get(name):
                raise Rejected(f"Unsupported parameter: '{name}'.", param=name, code="unsupported_parameter")
        if "stop" in body and call.model.startswith(("o3", "o4")):
            raise Rejected("Unsupported parameter: 'stop'.", param="stop", code="unsupported_parameter")
    elif body.get("reasoning_effort") is not None:
        raise Rejected("Unrecognized request argument supplied: reasoning_effort", param="reasoning_effort")
    effort = body.get("reasoning_effort")
    both = call.tools and effort not in (None, "none") and call.model.startswith(_TOOLS_WITHOUT_EFFORT)
    bare = call.tools and effort != "none" and call.model.startswith(_TOOLS_NEED_EFFORT_NONE)
    if both or bare:
        raise Rejected(
            f"Function tools with reasoning_effort are not supported for {call.model} in /v1/chat/completions. "
            "Please use /v1/responses instead.",
            param="reasoning_effort",
        )


def _check_xai(call: Call, _headers: Mapping[str, str]) -> None:
    if "search_parameters" in call.body:
        raise Rejected("Live search is deprecated. Please switch to the Agent Tools API", status=410)
    if call.operation == "embeddings":
        raise Rejected("Not found.", status=404)
    _check_chat(call, XAI_IMAGES)
    for name in _XAI_UNKNOWN_FIELDS:
        if name in call.body:
            raise Rejected(f"Argument not supported: {name}", param=name)
    effort = call.body.get("reasoning_effort")
    if effort is not None and effort not in XAI_EFFORTS.get(call.model, ()):
        raise Rejected(f"Model {call.model} does not support parameter reasoningEffort.", param="reasoning_effort")
    if call.model not in XAI_WITHOUT_REASONING:
        for name in ("presence_penalty", "frequency_penalty", "stop"):
            if name in call.body:
                raise Rejected(f"Model {call.model} does not support parameter {name}.", param=name)


def _check_chat(call: Call, images: Collection[str] = IMAGES) -> None:
    body = call.body
    refuse_unknown(body, _CHAT_FIELDS)
    validate(_CHAT, body if images is IMAGES else _without_reasoning(body))
    if not body["messages"]:
        raise Rejected("Invalid 'messages': empty array.", param="messages", code="empty_array")
    _check_tool_pairs(body["messages"])
    _check_media(body["messages"], images)
    for index, tool in enumerate(body.get("tools") or ()):
        name = tool["function"]["name"] if tool["type"] == "function" else tool["custom"]["name"]
        check_name(name, f"tools[{index}].function.name")
        if tool["type"] == "function" and tool["function"].get("strict"):
            check_strict_schema(tool["function"].get("parameters"), f"function '{name}'")
    wanted = (body.get("response_format") or {}).get("json_schema") or {}
    if wanted.get("strict"):
        check_strict_schema(wanted.get("schema"), "response_format")
    if "stream_options" in body and not call.stream:
        raise Rejected(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options"
        )
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        raise Rejected("'top_logprobs' needs 'logprobs'.", param="top_logprobs")
    if "tools" in body and not body["tools"]:
        raise Rejected("Invalid 'tools': empty array.", param="tools", code="empty_array")
    for name in ("tool_choice", "parallel_tool_calls"):
        if body.get(name) not in (None, "none") and not body.get("tools"):
            raise Rejected(f"'{name}' is only allowed when 'tools' are specified.", param=name)
    if len(call.stop) > 4:
        raise Rejected("Invalid 'stop': array too long.", param="stop")


def _without_reasoning(body: dict[str, Any]) -> dict[str, Any]:
    """xAI takes its earlier thinking back, which OpenAI's types do not know."""
    messages = [
        {name: value for name, value in message.items() if name != "reasoning_content" or not isinstance(value, str)}
        for message in body["messages"]
    ]
    return {**body, "messages": messages}


def _check_media(messages: list[dict[str, Any]], images: Collection[str]) -> None:
    for index, message in enumerate(messages):
        for number, part in enumerate(items(message.get("content"))):
            where = f"messages.[{index}].content.[{number}].{part['type']}"
            if part["type"] == "image_url" and part["image_url"]["url"].startswith("data:"):
                check_media(*split_data_url(part["image_url"]["url"], where), images, where)
            if part["type"] == "file" and "file_data" in part["file"]:
                if not part["file"].get("filename"):
                    raise Rejected(f"Missing required parameter: '{where}.filename'.", param=where)
                check_media(*split_data_url(part["file"]["file_data"], where), (PDF,), where)


def _check_tool_pairs(messages: list[dict[str, Any]]) -> None:
    open_calls: set[str] = set()
    for index, message in enumerate(messages):
        where = f"messages.[{index}].role"
        if message["role"] == "tool":
            if message["tool_call_id"] not in open_calls:
                raise Rejected(
                    "Invalid parameter: messages with role 'tool' must be a response to a preceding message with 'tool_calls'.",
                    param=where,
                )
            open_calls.discard(message["tool_call_id"])
            continue
        if open_calls:
            raise Rejected(
                "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
                f"'tool_call_id'. Missing: {', '.join(sorted(open_calls))}",
                param=where,
            )
        if message["role"] == "assistant":
            open_calls = {item["id"] for item in message.get("tool_calls") or ()}
            if message.get("content") is None and not open_calls and not message.get("refusal"):
                raise Rejected(
                    "Invalid value for 'content': expected a string, got null.", param=f"messages.[{index}].content"
                )
    if open_calls:
        raise Rejected("Tool calls without responses.", param="messages")


def _ability(call: Call) -> Ability:
    return Ability(reasoning=call.operation == "chat" and call.model.startswith(OPENAI_REASONING))


def _ability_xai(call: Call) -> Ability:
    return Ability(reasoning=call.model not in XAI_WITHOUT_REASONING)


def _said(call: Call) -> Said:
    chat = call.operation == "chat"
    return Said(cached=chat, output=chat, reasoning=chat)


def _usage(answer: Answer) -> dict[str, Any]:
    counts = answer.counts
    prompt, completion = counts.fresh + counts.cache_read, counts.visible + counts.reasoning
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": counts.cache_read, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": counts.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _usage_xai(answer: Answer) -> dict[str, Any]:
    counts = answer.counts
    prompt = counts.fresh + counts.cache_read
    return {
        "prompt_tokens": prompt,
        "completion_tokens": counts.visible,
        "total_tokens": prompt + counts.visible + counts.reasoning,
        "prompt_tokens_details": {
            "text_tokens": prompt,
            "audio_tokens": 0,
            "image_tokens": 0,
            "cached_tokens": counts.cache_read,
        },
        "completion_tokens_details": {
            "reasoning_tokens": counts.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
        "num_sources_used": 0,
        "cost_in_usd_ticks": counts.cost_ticks,
    }


def _is_xai(call: Call) -> bool:
    return call.model.startswith("grok")


def _whole(call: Call, answer: Answer) -> Any:
    refuses = answer.finish == "refusal"
    message: dict[str, Any] = {"role": "assistant", "content": answer.text or None, "refusal": None}
    if refuses:
        message |= {"content": None, "refusal": answer.text}
    if answer.reasoning and _is_xai(call):
        message["reasoning_content"] = answer.reasoning
    if answer.calls:
        message["tool_calls"] = [_call(item) for item in answer.calls]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(answer)}
    return {
        "id": answer.id,
        "object": "chat.completion",
        "created": answer.created,
        "model": answer.model,
        "choices": [choice],
        "usage": _usage_xai(answer) if _is_xai(call) else _usage(answer),
        "service_tier": "default",
        "system_fingerprint": "fp_test",
    }


def _frames(call: Call, answer: Answer, rng: random.Random) -> list[bytes]:
    options = call.body.get("stream_options") or {}
    asked = bool(options.get("include_usage"))
    base = {"id": answer.id, "object": "chat.completion.chunk", "created": answer.created, "model": answer.model}
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": "", "refusal": None}]
    if answer.reasoning and _is_xai(call):
        deltas += [{"reasoning_content": piece} for piece in fragments(rng, answer.reasoning, 4)]
    said = "refusal" if answer.finish == "refusal" else "content"
    deltas += [{said: piece} for piece in fragments(rng, answer.text)]
    for index, item in enumerate(answer.calls):
        deltas.append(
            {"tool_calls": [{"index": index, **_call(item), "function": {"name": item.name, "arguments": ""}}]}
        )
        deltas += [
            {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}
            for piece in fragments(rng, item.arguments_json, 4)
        ]
    chunks = [{**base, "choices": [_choice(delta, None)]} for delta in deltas]
    chunks.append({**base, "choices": [_choice({}, _finish(answer))]})
    if asked:
        chunks = [{**chunk, "usage": None} for chunk in chunks]
    if _is_xai(call) and rng.random() < 0.5:
        # Its usage may ride on the last choice's chunk, asked for or not.
        chunks[-1]["usage"] = _usage_xai(answer)
    elif asked or _is_xai(call):
        chunks.append({**base, "choices": [], "usage": _usage_xai(answer) if _is_xai(call) else _usage(answer)})
    if not _is_xai(call):
        chunks = [{**chunk, "obfuscation": "x" * rng.randint(1, 12)} for chunk in chunks]
    ascii_only = rng.random() < 0.3
    frames = [b"data: " + json.dumps(chunk, ensure_ascii=ascii_only).encode() + b"\n\n" for chunk in chunks]
    return [*frames, b"data: [DONE]\n\n"]


def _segments(body: dict[str, Any]) -> list[Segment]:
    return [Segment(value=value) for value in (body.get("tools"), *body["messages"]) if value]


def _embeddings(call: Call, answer: Answer, vectors: list[list[float]]) -> Any:
    packed = call.body.get("encoding_format") == "base64"
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode() if packed else vector,
        }
        for index, vector in enumerate(vectors)
    ]
    tokens = answer.counts.fresh
    return {
        "object": "list",
        "data": data,
        "model": answer.model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def _error_frame(_request_id: str) -> bytes:
    error = {"message": "The server had an error.", "type": "server_error", "param": None, "code": None}
    return b"data: " + json.dumps({"error": error}).encode() + b"\n\n"


def _choice(delta: dict[str, Any], finish: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}


def _call(item: ToolCall) -> dict[str, Any]:
    return {"id": item.id, "type": "function", "function": {"name": item.name, "arguments": item.arguments_json}}


def _finish(answer: Answer) -> str:
    return _FINISH.get(answer.finish, answer.finish)


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return " ".join(str(part.get("text", "")) for part in items(content) if isinstance(part, dict))


def _embedding_text(body: Mapping[str, Any]) -> str:
    value = body.get("input")
    return value if isinstance(value, str) else " ".join(str(item) for item in items(value))


OPENAI = Format(
    provider="openai",
    id_prefix="req_",
    id_header="x-request-id",
    answer_prefix="chatcmpl-",
    call_prefix="call_",
    credential=bearer,
    read=_read,
    understand=from_chat,
    segments=_segments,
    check=_check_openai,
    ability=_ability,
    said=_said,
    whole=_whole,
    frames=_frames,
    embeddings=_embeddings,
    error=error_openai,
    error_frame=_error_frame,
    models=model_list("openai"),
    model_ids=(
        *("gpt-5.4", "gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano", "gpt-4o", "gpt-4o-mini", "o3", "o4-mini"),
        *("text-embedding-3-small", "text-embedding-3-large"),
    ),
    families=("gpt-", "o1", "o3", "o4", "chatgpt-", "text-embedding-"),
)
XAI = Format(
    provider="xai",
    id_prefix="",
    id_header="x-request-id",
    answer_prefix="",
    call_prefix="call_",
    credential=bearer,
    read=_read,
    understand=from_chat,
    segments=_segments,
    check=_check_xai,
    ability=_ability_xai,
    said=lambda call: Said(cost=True),
    whole=_whole,
    frames=_frames,
    embeddings=_embeddings,
    error=error_xai,
    error_frame=_error_frame,
    models=model_list("xai"),
    model_ids=("grok-4.3", "grok-4-1-fast-reasoning", "grok-4-1-fast-non-reasoning", "grok-3", "grok-3-mini"),
    families=("grok-",),
)
