"""OpenAI chat completions and embeddings, and xAI's variant of them.

Sources: the `openai` SDK's types; xAI: its published raw answers (completion_tokens without reasoning, a cost in ticks,
errors whose `error` is a string).
"""

import base64
import json
import random
import struct
from collections.abc import Iterable, Mapping
from typing import Any

from openai.types import embedding_create_params
from openai.types.chat import completion_create_params

from tests.provider.draw import Ability, Answer, ToolCall, fragments
from tests.provider.format import Call, Error, Format
from tests.provider.ledger import Said
from tests.provider.strict import Rejected, strict_adapter, validate

_CHAT = strict_adapter(completion_create_params.CompletionCreateParams)
_EMBEDDINGS = strict_adapter(embedding_create_params.EmbeddingCreateParams)
_CHAT_FIELDS = set(completion_create_params.CompletionCreateParamsBase.__annotations__) | {"stream"}
_EMBEDDING_FIELDS = set(embedding_create_params.EmbeddingCreateParams.__annotations__)

_OPENAI_REASONING = ("o1", "o3", "o4", "gpt-5", "gpt-6")
# Newer models serve tools with reasoning effort on the Responses endpoint only.
_TOOLS_WITHOUT_EFFORT = ("gpt-5.4", "gpt-5.5")
_TOOLS_NEED_EFFORT_NONE = ("gpt-5.6", "gpt-6")
_XAI_WITHOUT_REASONING = ("grok-3", "grok-4-1-fast-non-reasoning")
_XAI_EFFORTS = {
    "grok-3-mini": ("low", "high"),
    "grok-4.3": ("none", "low", "medium", "high"),
    "grok-4.5": ("low", "medium", "high"),
    "grok-4.6": ("low", "medium", "high", "xhigh"),
}
_XAI_UNKNOWN_FIELDS = ("metadata", "prediction", "audio", "modalities", "verbosity", "prompt_cache_key", "logit_bias")
_FINISH = {"stop_sequence": "stop", "filter": "content_filter"}


def _bearer(headers: Mapping[str, str], _query: Mapping[str, str]) -> str | None:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() or None if scheme.lower() == "bearer" else None


def _read(operation: str, _model: str, _query: Mapping[str, str], body: dict[str, Any]) -> Call:
    messages = [item for item in _list(body.get("messages")) if isinstance(item, dict)]
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
            for tool in _list(body.get("tools"))
            if isinstance(tool, dict) and isinstance(tool.get("function"), dict) and "name" in tool["function"]
        ],
        stop=[stop] if isinstance(stop, str) else list(stop),
        shows_reasoning=str(body.get("model")).startswith("grok-3-mini"),
    )


def _check_openai(call: Call, _headers: Mapping[str, str]) -> None:
    if call.operation == "embeddings":
        _unknown(call.body, _EMBEDDING_FIELDS)
        validate(_EMBEDDINGS, call.body)
        return
    _check_chat(call)
    body = call.body
    if call.model.startswith(_OPENAI_REASONING):
        if "max_tokens" in body:
            raise Rejected(
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
                param="max_tokens",
                code="unsupported_parameter",
            )
        _refuse_unless_default(body, {"temperature": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0})
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
    _check_chat(call)
    for name in _XAI_UNKNOWN_FIELDS:
        if name in call.body:
            raise Rejected(f"Argument not supported: {name}", param=name)
    effort = call.body.get("reasoning_effort")
    if effort is not None and effort not in _XAI_EFFORTS.get(call.model, ()):
        raise Rejected(f"Model {call.model} does not support parameter reasoningEffort.", param="reasoning_effort")
    if call.model not in _XAI_WITHOUT_REASONING:
        for name in ("presence_penalty", "frequency_penalty", "stop"):
            if name in call.body:
                raise Rejected(f"Model {call.model} does not support parameter {name}.", param=name)


def _check_chat(call: Call) -> None:
    body = call.body
    _unknown(body, _CHAT_FIELDS)
    validate(_CHAT, body)
    if not body["messages"]:
        raise Rejected("Invalid 'messages': empty array.", param="messages", code="empty_array")
    _check_tool_pairs(body["messages"])
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
    return Ability(reasoning=call.operation == "chat" and call.model.startswith(_OPENAI_REASONING))


def _ability_xai(call: Call) -> Ability:
    return Ability(reasoning=call.model not in _XAI_WITHOUT_REASONING)


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
    message: dict[str, Any] = {"role": "assistant", "content": answer.text or None, "refusal": None}
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
    deltas += [{"content": piece} for piece in fragments(rng, answer.text)]
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


_TYPES = {"429": "requests", "500": "server_error", "503": "server_error", "529": "server_error"}
_CODES = {"401": "invalid_api_key", "404": "model_not_found", "429": "rate_limit_exceeded"}


def _error(status: str, message: str, _request_id: str, param: str | None, code: str | None) -> Error:
    body = {
        "message": message,
        "type": _TYPES.get(status, "invalid_request_error"),
        "param": param,
        "code": code or _CODES.get(status),
    }
    headers = {"retry-after": "7", "retry-after-ms": "7000"} if status == "429" else {}
    return int(status), headers, {"error": body}


def _error_xai(status: str, message: str, _request_id: str, _param: str | None, _code: str | None) -> Error:
    if status == "401":
        # A bad key is answered with 400 here.
        text = "Incorrect API key provided: xa***st. You can obtain an API key from https://console.x.ai."
        return 400, {}, {"code": "invalid-argument", "error": text}
    word = {"404": "not-found", "429": "resource-exhausted", "500": "internal"}.get(status, "invalid-argument")
    return int(status), {"retry-after": "7"} if status == "429" else {}, {"code": word, "error": message}


def _error_frame(_request_id: str) -> bytes:
    error = {"message": "The server had an error.", "type": "server_error", "param": None, "code": None}
    return b"data: " + json.dumps({"error": error}).encode() + b"\n\n"


def _models(owner: str) -> Any:
    return lambda ids: {
        "object": "list",
        "data": [{"id": item, "object": "model", "created": 1_700_000_000, "owned_by": owner} for item in ids],
    }


def _unknown(body: Mapping[str, Any], known: Iterable[str]) -> None:
    for name in body:
        if name not in known:
            raise Rejected(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")


def _refuse_unless_default(body: Mapping[str, Any], defaults: Mapping[str, float]) -> None:
    for name, default in defaults.items():
        if body.get(name, default) not in (default, None):
            raise Rejected(
                f"Unsupported value: '{name}' does not support {body[name]} with this model. "
                f"Only the default ({default}) value is supported.",
                param=name,
                code="unsupported_value",
            )


def _choice(delta: dict[str, Any], finish: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}


def _call(item: ToolCall) -> dict[str, Any]:
    return {"id": item.id, "type": "function", "function": {"name": item.name, "arguments": item.arguments_json}}


def _finish(answer: Answer) -> str:
    return _FINISH.get(answer.finish, answer.finish)


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return " ".join(str(part.get("text", "")) for part in _list(content) if isinstance(part, dict))


def _embedding_text(body: Mapping[str, Any]) -> str:
    value = body.get("input")
    return value if isinstance(value, str) else " ".join(str(item) for item in _list(value))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


OPENAI = Format(
    provider="openai",
    id_prefix="req_",
    id_header="x-request-id",
    answer_prefix="chatcmpl-",
    call_prefix="call_",
    credential=_bearer,
    read=_read,
    check=_check_openai,
    ability=_ability,
    said=_said,
    whole=_whole,
    frames=_frames,
    embeddings=_embeddings,
    error=_error,
    error_frame=_error_frame,
    models=_models("openai"),
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
    credential=_bearer,
    read=_read,
    check=_check_xai,
    ability=_ability_xai,
    said=lambda call: Said(cost=True),
    whole=_whole,
    frames=_frames,
    embeddings=_embeddings,
    error=_error_xai,
    error_frame=_error_frame,
    models=_models("xai"),
    model_ids=("grok-4.3", "grok-4-1-fast-reasoning", "grok-4-1-fast-non-reasoning", "grok-3", "grok-3-mini"),
    families=("grok-",),
)
