"""Anthropic Messages. Source: the `anthropic` SDK's types and the public description of both API versions.

Counts are additive here: `input_tokens` is the uncached rest only.
"""

import json
import random
import re
from collections.abc import Mapping
from typing import Any

from anthropic.types import beta, message_count_tokens_params, message_create_params

from tests.provider.draw import Ability, Answer, fragments
from tests.provider.format import Call, Error, Format
from tests.provider.ledger import Said
from tests.provider.media import GIF, JPEG, PDF, PNG, WEBP, check_media
from tests.provider.prefix_cache import Segment
from tests.provider.sealed import is_sealed, seal
from tests.provider.strict import Rejected, strict_adapter, validate
from tests.provider.understood import from_messages

_CREATE = strict_adapter(message_create_params.MessageCreateParams)
_CREATE_BETA = strict_adapter(beta.message_create_params.MessageCreateParams)
_COUNT = strict_adapter(message_count_tokens_params.MessageCountTokensParams)
_SAMPLING = ("temperature", "top_p", "top_k")
_VERSIONS = ("2023-06-01", "2026-10-21")
# Models that still take sampling parameters, and those that take a prefilled answer.
_SAMPLED = ("claude-haiku-4-5", "claude-sonnet-4-5", "claude-opus-4-5", "claude-opus-4-6", "claude-sonnet-4-6")
_PREFILLED = ("claude-haiku-4-5", "claude-sonnet-4-5", "claude-opus-4-5")
_STOP = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "filter": "refusal",
    "refusal": "refusal",
}
_IMAGES = (JPEG, PNG, GIF, WEBP)
_MOST_CACHE_MARKS = 4


def _credential(headers: Mapping[str, str], _query: Mapping[str, str]) -> str | None:
    if key := headers.get("x-api-key"):
        return key
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() or None if scheme.lower() == "bearer" else None


def _read(operation: str, _model: str, _query: Mapping[str, str], body: dict[str, Any]) -> Call:
    turns = [item for item in _list(body.get("messages")) if isinstance(item, dict)]
    last = turns[-1] if turns else {}
    blocks = _blocks(last.get("content"))
    thinking = body.get("thinking") or {}
    return Call(
        operation=operation,
        model=str(body.get("model", "")),
        stream=body.get("stream") is True,
        body=body,
        prompt=" ".join(str(block.get("text", "")) for block in blocks) if last.get("role") == "user" else "",
        after_tools=any(block.get("type") == "tool_result" for block in blocks),
        tools=[
            (str(tool["name"]), tool["input_schema"])
            for tool in _list(body.get("tools"))
            if isinstance(tool, dict) and "input_schema" in tool and "name" in tool
        ],
        stop=list(body.get("stop_sequences") or ()),
        shows_reasoning=thinking.get("type") in ("enabled", "adaptive"),
        always_reasons=thinking.get("type") == "enabled",
    )


def _check(call: Call, headers: Mapping[str, str]) -> None:
    version = headers.get("anthropic-version")
    if version is None:
        raise Rejected("anthropic-version: header is required")
    if version not in _VERSIONS:
        raise Rejected(f'anthropic-version: "{version}" is not a valid version')
    _check_sampling(call, version)
    body = {name: value for name, value in call.body.items() if name not in _SAMPLING}
    create = _CREATE_BETA if "anthropic-beta" in headers else _CREATE
    validate(_COUNT if call.operation == "count" else create, body)
    if call.operation != "count" and body["max_tokens"] < 1:
        raise Rejected("max_tokens: Input should be greater than or equal to 1", param="max_tokens")
    _check_turns(body["messages"], call.model)
    _check_thinking(call)
    _check_marks(body)
    for index, tool in enumerate(body.get("tools") or ()):
        if "input_schema" in tool and not re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", tool["name"]):
            raise Rejected(f"tools.{index}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
        if "input_schema" in tool and tool["input_schema"].get("type") != "object":
            raise Rejected(f"tools.{index}.custom.input_schema.type: Field required")


def _check_sampling(call: Call, version: str) -> None:
    given = [name for name in _SAMPLING if name in call.body]
    if not given:
        return
    if version != "2023-06-01":
        raise Rejected(f"{given[0]}: Extra inputs are not permitted", param=given[0])
    if not call.model.startswith(_SAMPLED):
        raise Rejected(f"`{given[0]}` is deprecated for this model.", param=given[0])
    if "temperature" in given and "top_p" in given:
        raise Rejected("`temperature` and `top_p` cannot both be specified for this model. Please use only one.")
    if not 0 <= call.body.get("temperature", 0) <= 1:
        raise Rejected("temperature: range: 0..1", param="temperature")


def _check_turns(turns: list[dict[str, Any]], model: str) -> None:
    if not turns:
        raise Rejected("messages: at least one message is required")
    if turns[0]["role"] != "user":
        raise Rejected('messages: first message must use the "user" role')
    merged: list[tuple[str, list[dict[str, Any]]]] = []
    for turn in turns:
        blocks = _blocks(turn["content"])
        if not blocks:
            raise Rejected(
                "messages: all messages must have non-empty content except for the optional final assistant message"
            )
        if merged and merged[-1][0] == turn["role"]:
            merged[-1][1].extend(blocks)
        else:
            merged.append((turn["role"], blocks))
    open_calls: set[str] = set()
    for index, (role, blocks) in enumerate(merged):
        _check_blocks(index, blocks, model)
        _check_results(index, blocks, open_calls)
        calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
        if len(calls) != len(set(calls)):
            raise Rejected(f"messages.{index}: `tool_use` ids must be unique")
        if calls and role != "assistant":
            raise Rejected(f"messages.{index}: `tool_use` blocks can only be in `assistant` messages")
        if role != "user" and any(block["type"] in ("image", "document") for block in blocks):
            raise Rejected(f"messages.{index}: images and documents can only be in `user` messages")
        open_calls = set(calls)
    if open_calls:
        raise Rejected("messages: `tool_use` ids were found without `tool_result` blocks immediately after")
    if merged[-1][0] == "assistant" and not model.startswith(_PREFILLED):
        raise Rejected(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )


def _check_blocks(index: int, blocks: list[dict[str, Any]], model: str) -> None:
    for number, block in enumerate(blocks):
        where = f"messages.{index}.content.{number}"
        if block["type"] == "text" and not block["text"].strip():
            raise Rejected(f"{where}: text content blocks must contain non-whitespace text")
        _check_state(block, where, model)
        _check_media(block, where)
        for inner, part in enumerate(_list(block.get("content")) if block["type"] == "tool_result" else ()):
            if part["type"] == "text" and not part["text"].strip():
                raise Rejected(f"{where}.content.{inner}: text content blocks must contain non-whitespace text")
            _check_media(part, f"{where}.content.{inner}")
        if block["type"] == "tool_use" and not re.fullmatch(r"[a-zA-Z0-9_-]+", block["id"]):
            raise Rejected(f"{where}.id: String should match pattern '^[a-zA-Z0-9_-]+$'")


def _check_state(block: dict[str, Any], where: str, model: str) -> None:
    match block["type"]:
        case "thinking" if not is_sealed(block["signature"], "anthropic", model, block["thinking"]):
            raise Rejected(f"{where}: Invalid `signature` in `thinking` block")
        case "redacted_thinking" if not is_sealed(block["data"], "anthropic", model, "redacted"):
            raise Rejected(f"{where}: Invalid `data` in `redacted_thinking` block")


def _check_media(block: dict[str, Any], where: str) -> None:
    source = block.get("source") or {}
    if source.get("type") != "base64":
        return
    allowed = _IMAGES if block["type"] == "image" else (PDF,)
    check_media(source["media_type"], source["data"], allowed, f"{where}.{block['type']}.source.base64")


def _check_results(index: int, blocks: list[dict[str, Any]], open_calls: set[str]) -> None:
    answered = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
    if set(answered) != open_calls or len(answered) != len(open_calls):
        raise Rejected(
            f"messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately after, or unexpected "
            f"`tool_use_id` found in `tool_result` blocks: {sorted(set(answered) ^ open_calls)}"
        )
    if answered and any(block["type"] != "tool_result" for block in blocks[: len(answered)]):
        raise Rejected(f"messages.{index}: `tool_result` blocks must come first")


def _check_marks(body: dict[str, Any]) -> None:
    marks = sum(bool(segment.mark) for segment in _segments(body))
    if marks > _MOST_CACHE_MARKS:
        raise Rejected(f"A maximum of 4 blocks with cache_control may be provided. Found {marks}.")


def _check_loop(turns: list[dict[str, Any]]) -> None:
    """While it thinks on a budget, the turn whose calls are being answered begins with its own thinking."""
    last = next((turn for turn in reversed(turns) if turn["role"] == "assistant"), {"content": []})
    blocks = _blocks(last["content"])
    answered = any(block["type"] == "tool_result" for block in _blocks(turns[-1]["content"]))
    calls = any(block["type"] == "tool_use" for block in blocks)
    if answered and calls and blocks[0]["type"] not in ("thinking", "redacted_thinking"):
        raise Rejected(
            "messages: Expected `thinking` or `redacted_thinking`, but found "
            f"`{blocks[0]['type']}`. When `thinking` is enabled, a final `assistant` message must start with a thinking block."
        )


def _check_thinking(call: Call) -> None:
    thinking = call.body.get("thinking") or {}
    if thinking.get("type") == "enabled":
        budget = thinking["budget_tokens"]
        if budget < 1024:
            raise Rejected("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
        if budget >= call.body.get("max_tokens", budget + 1):
            raise Rejected("`max_tokens` must be greater than `thinking.budget_tokens`")
        if call.body.get("temperature", 1) != 1:
            raise Rejected("`temperature` may only be set to 1 when thinking is enabled")
        if (call.body.get("tool_choice") or {}).get("type") in ("any", "tool"):
            raise Rejected("Thinking may not be enabled when tool_choice forces tool use.")
        _check_loop(call.body["messages"])
    if thinking.get("type") == "adaptive" and call.model.startswith(_PREFILLED):
        raise Rejected("adaptive thinking is not supported on this model")
    if "effort" in (call.body.get("output_config") or {}) and call.model.startswith("claude-haiku-4-5"):
        raise Rejected("This model does not support the effort parameter.")


def _ability(call: Call) -> Ability:
    return Ability(cache_writes=True, reasoning=call.shows_reasoning)


def _said(call: Call) -> Said:
    if call.operation == "count":
        return Said(cached=False, output=False, reasoning=False)
    return Said(cache_write=True, cache_write_1h=True, reasoning=call.shows_reasoning)


def _input_usage(answer: Answer) -> dict[str, Any]:
    counts = answer.counts
    return {
        "input_tokens": counts.fresh,
        "cache_creation_input_tokens": counts.write_5m + counts.write_1h,
        "cache_read_input_tokens": counts.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": counts.write_5m,
            "ephemeral_1h_input_tokens": counts.write_1h,
        },
        "service_tier": "standard",
    }


def _output_usage(call: Call, answer: Answer) -> dict[str, Any]:
    usage: dict[str, Any] = {"output_tokens": answer.counts.visible + answer.counts.reasoning}
    if call.shows_reasoning:
        usage["output_tokens_details"] = {"thinking_tokens": answer.counts.reasoning}
    return usage


def _content(answer: Answer) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if answer.reasoning and answer.redacted:
        blocks.append({"type": "redacted_thinking", "data": seal("anthropic", answer.model, "redacted")})
    elif answer.reasoning:
        signature = seal("anthropic", answer.model, answer.reasoning)
        blocks.append({"type": "thinking", "thinking": answer.reasoning, "signature": signature})
    if answer.text and answer.finish != "refusal":
        blocks.append({"type": "text", "text": answer.text, "citations": None})
    blocks += [
        {"type": "tool_use", "id": item.id, "name": item.name, "input": item.arguments} for item in answer.calls
    ]
    return blocks


def _message(answer: Answer, content: list[dict[str, Any]], usage: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": answer.id,
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": content,
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "usage": usage,
    }


def _ending(answer: Answer) -> dict[str, Any]:
    details = {"type": "refusal", "category": None, "explanation": None} if answer.finish == "filter" else None
    if answer.finish == "refusal":
        details = {"type": "refusal", "category": "general_harms", "explanation": answer.text}
    reason = _STOP.get(answer.finish, answer.finish)
    return {"stop_reason": reason, "stop_sequence": answer.stop_sequence, "stop_details": details}


def _whole(call: Call, answer: Answer) -> Any:
    if call.operation == "count":
        return {"input_tokens": answer.counts.fresh}
    message = _message(answer, _content(answer), _input_usage(answer) | _output_usage(call, answer))
    return {**message, **_ending(answer)}


def _frames(call: Call, answer: Answer, rng: random.Random) -> list[bytes]:
    ascii_only = rng.random() < 0.3

    def event(kind: str, **fields: Any) -> bytes:
        data = json.dumps({"type": kind, **fields}, ensure_ascii=ascii_only).encode()
        return f"event: {kind}\ndata: ".encode() + data + b"\n\n"

    first = _input_usage(answer) | {"output_tokens": min(1, answer.counts.visible)}
    frames = [event("message_start", message=_message(answer, [], first)), event("ping")]
    for index, block in enumerate(_content(answer)):
        opened, deltas = _block_deltas(block, rng)
        frames.append(event("content_block_start", index=index, content_block=opened))
        frames += [event("content_block_delta", index=index, delta=delta) for delta in deltas]
        frames.append(event("content_block_stop", index=index))
    usage = _output_usage(call, answer)
    if rng.random() < 0.5:
        # Cumulative: the input figures may be said a second time.
        usage = _input_usage(answer) | usage
    frames.append(event("message_delta", delta=_ending(answer), usage=usage))
    return [*frames, event("message_stop")]


def _block_deltas(block: dict[str, Any], rng: random.Random) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    match block["type"]:
        case "thinking":
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in fragments(rng, block["thinking"], 4)]
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
            return {"type": "thinking", "thinking": "", "signature": ""}, deltas
        case "text":
            pieces = fragments(rng, block["text"])
            return {"type": "text", "text": ""}, [{"type": "text_delta", "text": piece} for piece in pieces]
        case "redacted_thinking":
            return block, []
    text = json.dumps(block["input"], ensure_ascii=False) if block["input"] else ""
    pieces = ["", *fragments(rng, text, 4)]
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    return {**block, "input": {}}, deltas


def _embeddings(_call: Call, _answer: Answer, _vectors: list[list[float]]) -> Any:
    raise Rejected("Not found", status=404)


_ERROR_TYPES = {
    "401": ("authentication_error", "invalid x-api-key"),
    "402": ("billing_error", "Your credit balance is too low."),
    "403": ("permission_error", "Your API key does not have permission to use the specified resource."),
    "404": ("not_found_error", None),
    "429": ("rate_limit_error", "This request would exceed your organization's rate limit."),
    "500": ("api_error", "Internal server error"),
    "503": ("api_error", "Service unavailable"),
    "529": ("overloaded_error", "Overloaded"),
}


def _error(status: str, message: str, request_id: str, _param: str | None, _code: str | None) -> Error:
    kind, words = _ERROR_TYPES.get(status, ("invalid_request_error", None))
    body = {"type": "error", "error": {"type": kind, "message": words or message}, "request_id": request_id}
    return int(status), {"retry-after": "7"} if status == "429" else {}, body


def _error_frame(request_id: str) -> bytes:
    error = {"type": "overloaded_error", "message": "Overloaded"}
    data = json.dumps({"type": "error", "error": error, "request_id": request_id})
    return f"event: error\ndata: {data}\n\n".encode()


def _models(ids: list[str]) -> Any:
    data = [{"id": item, "type": "model", "display_name": item, "created_at": "2026-01-01T00:00:00Z"} for item in ids]
    return {"data": data, "has_more": False, "first_id": ids[0], "last_id": ids[-1]}


def _segments(body: dict[str, Any]) -> list[Segment]:
    blocks = [block for turn in body["messages"] for block in _blocks(turn["content"])]
    found = [*_list(body.get("tools")), *_blocks(body.get("system")), *blocks]
    marks = [block.get("cache_control") for block in found]
    if found and body.get("cache_control"):
        marks[-1] = body["cache_control"]
    return [
        Segment(
            value={name: value for name, value in block.items() if name != "cache_control"},
            mark=(mark or {}).get("ttl", "5m") if mark else "",
        )
        for block, mark in zip(found, marks, strict=True)
    ]


def _blocks(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return [block for block in _list(content) if isinstance(block, dict)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


ANTHROPIC = Format(
    provider="anthropic",
    id_prefix="req_",
    id_header="request-id",
    answer_prefix="msg_",
    call_prefix="toolu_",
    credential=_credential,
    read=_read,
    understand=from_messages,
    segments=_segments,
    check=_check,
    ability=_ability,
    said=_said,
    whole=_whole,
    frames=_frames,
    embeddings=_embeddings,
    error=_error,
    error_frame=_error_frame,
    models=_models,
    model_ids=("claude-opus-4-6", "claude-sonnet-4-6", "claude-haiku-4-5", "claude-haiku-4-5-20251001"),
    families=("claude-",),
    input_told_first=True,
    marked_cache=True,
)
