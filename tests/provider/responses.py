"""OpenAI's Responses endpoint, and xAI's. Source: the `openai` SDK's types.

Input items are checked each against its own type, so that a complaint names the item that is meant. Encrypted
reasoning is bound to its item's id and to the model; the output counts include reasoning.
"""

import json
import random
from collections.abc import Collection, Mapping
from typing import Any

from openai.types import responses as types
from openai.types.responses import response_create_params, response_input_param

from tests.provider.draw import Ability, Answer, draw_id, fragments
from tests.provider.format import Call, Format
from tests.provider.ledger import Said
from tests.provider.media import PDF, check_media, split_data_url
from tests.provider.openai_api import (
    IMAGES,
    OPENAI_REASONING,
    XAI_EFFORTS,
    XAI_IMAGES,
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
from tests.provider.sealed import is_sealed, seal
from tests.provider.strict import Rejected, check_strict_schema, strict_adapter, validate
from tests.provider.understood import from_responses, items

_CREATE = strict_adapter(response_create_params.ResponseCreateParams)
_FIELDS = set(response_create_params.ResponseCreateParamsBase.__annotations__) | {"stream"}
# What Codex sends, and OpenAI takes, beside what the SDK's types know.
_CODEX_FIELDS = ("client_metadata",)
_EASY = strict_adapter(types.EasyInputMessageParam)
_ITEMS = {
    "message": strict_adapter(types.ResponseOutputMessageParam),
    "reasoning": strict_adapter(types.ResponseReasoningItemParam),
    "function_call": strict_adapter(types.ResponseFunctionToolCallParam),
    "function_call_output": strict_adapter(response_input_param.FunctionCallOutput),
    "custom_tool_call": strict_adapter(types.ResponseCustomToolCallParam),
    "custom_tool_call_output": strict_adapter(types.ResponseCustomToolCallOutputParam),
}
_ID_PREFIXES = {"message": "msg_", "reasoning": "rs_", "function_call": "fc_", "custom_tool_call": "ctc_"}
_CALLS = ("function_call", "custom_tool_call")
_OUTPUTS = ("function_call_output", "custom_tool_call_output")
_SPOKEN = {"assistant": ("output_text", "refusal")}
_HEARD = ("input_text", "input_image", "input_file")
_ENCRYPTED = "reasoning.encrypted_content"


def _read(operation: str, _model: str, _query: Mapping[str, str], body: dict[str, Any]) -> Call:
    given = body.get("input")
    found = [item for item in items(given) if isinstance(item, dict)]
    last = found[-1] if found else {}
    return Call(
        operation=operation,
        model=str(body.get("model", "")),
        stream=body.get("stream") is True,
        body=body,
        prompt=given if isinstance(given, str) else _prompt(last),
        after_tools=last.get("type") in _OUTPUTS,
        tools=[
            (str(tool["name"]), tool.get("parameters"))
            for tool in items(body.get("tools"))
            if isinstance(tool, dict) and tool.get("type") == "function" and "name" in tool
        ],
        shows_reasoning=bool((body.get("reasoning") or {}).get("summary")),
    )


def _prompt(item: dict[str, Any]) -> str:
    if item.get("role") != "user":
        return ""
    content = item.get("content")
    if isinstance(content, str):
        return content
    return " ".join(str(part.get("text", "")) for part in items(content) if isinstance(part, dict))


def _check_openai(call: Call, _headers: Mapping[str, str]) -> None:
    _check(call, "openai", IMAGES)
    effort = (call.body.get("reasoning") or {}).get("effort")
    if call.model.startswith(OPENAI_REASONING):
        refuse_unless_default(call.body, {"temperature": 1, "top_p": 1})
    elif effort is not None:
        raise Rejected(
            "Unsupported parameter: 'reasoning.effort' is not supported with this model.",
            param="reasoning.effort",
            code="unsupported_parameter",
        )


def _check_xai(call: Call, _headers: Mapping[str, str]) -> None:
    _check(call, "xai", XAI_IMAGES)
    effort = (call.body.get("reasoning") or {}).get("effort")
    if effort is not None and effort not in XAI_EFFORTS.get(call.model, ()):
        raise Rejected(f"Model {call.model} does not support parameter reasoningEffort.", param="reasoning.effort")


def _check(call: Call, provider: str, images: Collection[str]) -> None:
    body = {name: value for name, value in call.body.items() if name not in _CODEX_FIELDS}
    refuse_unknown(body, _FIELDS)
    given = body.get("input")
    validate(_CREATE, body if isinstance(given, str) else {**body, "input": ""})
    if not given:
        raise Rejected("Missing required parameter: 'input'.", param="input", code="missing_required_parameter")
    for index, item in enumerate(items(given)):
        _check_item(item, f"input[{index}]", call.model, provider, images)
    _check_order(items(given))
    for index, tool in enumerate(items(body.get("tools"))):
        if tool["type"] == "function":
            check_name(tool["name"], f"tools[{index}].name")
            if tool.get("strict"):
                check_strict_schema(tool.get("parameters"), f"function '{tool['name']}'")
    wanted = (body.get("text") or {}).get("format") or {}
    if wanted.get("strict"):
        check_strict_schema(wanted.get("schema"), "text.format")


def _check_item(item: Any, where: str, model: str, provider: str, images: Collection[str]) -> None:
    kind = item.get("type", "message") if isinstance(item, dict) else None
    if kind not in _ITEMS:
        raise Rejected(f"Invalid value: '{kind}' at '{where}.type'.", param=f"{where}.type", code="invalid_value")
    try:
        if kind == "message" and (item.get("role") != "assistant" or "id" not in item):
            # Codex names its own messages too.
            validate(_EASY, {name: value for name, value in _typed(item).items() if name != "id"})
        else:
            validate(_ITEMS[kind], _typed(item))
    except Rejected as error:
        raise Rejected(f"{where}: {error.message}", param=f"{where}.{error.param}", code=error.code) from None
    prefix = _ID_PREFIXES.get(kind)
    if prefix and not str(item.get("id", prefix)).startswith(prefix):
        raise Rejected(
            f"Invalid '{where}.id': '{item['id']}'. Expected an ID that begins with '{prefix[:-1]}'.",
            param=f"{where}.id",
            code="invalid_value",
        )
    if kind == "message":
        _check_content(item["content"], _SPOKEN.get(item["role"], _HEARD), f"{where}.content", images)
    if kind in _OUTPUTS:
        _check_content(item["output"], _HEARD, f"{where}.output", images)
    if kind == "reasoning":
        _check_reasoning(item, where, model, provider)


def _typed(item: dict[str, Any]) -> dict[str, Any]:
    """An assistant's words may be given back without their item, which the type for short messages has no word for."""
    content = item.get("content")
    if item.get("role") != "assistant" or "id" in item or not isinstance(content, list):
        return item
    spoken = _SPOKEN["assistant"]
    return {**item, "content": [part for part in content if part.get("type") not in spoken]}


def _check_content(content: Any, allowed: tuple[str, ...], where: str, images: Collection[str]) -> None:
    for index, part in enumerate(items(content)):
        at = f"{where}[{index}]"
        if part["type"] not in allowed:
            known = ", ".join(allowed)
            raise Rejected(f"Invalid value: '{part['type']}'. Supported values are: {known}.", param=at)
        if str(part.get("image_url", "")).startswith("data:"):
            check_media(*split_data_url(part["image_url"], at), images, at)
        if part.get("file_data"):
            if not part.get("filename"):
                raise Rejected(f"Missing required parameter: '{at}.filename'.", param=at)
            check_media(*split_data_url(part["file_data"], at), (PDF,), at)


def _check_reasoning(item: dict[str, Any], where: str, model: str, provider: str) -> None:
    if item.get("content"):
        raise Rejected(
            f"Invalid '{where}.content': array too long. Expected an array with maximum length 0.",
            param=f"{where}.content",
            code="array_above_max_length",
        )
    sealed = item.get("encrypted_content")
    if sealed is not None and not is_sealed(sealed, provider, model, item["id"]):
        raise Rejected(
            f"The encrypted content for item {item['id']} could not be verified.",
            param=f"{where}.encrypted_content",
            code="invalid_encrypted_content",
        )


def _check_order(found: list[dict[str, Any]]) -> None:
    """Each output answers a call before it, each call has its output, and reasoning leads to what it was for."""
    open_calls: dict[str, str] = {}
    for index, item in enumerate(found):
        kind = item.get("type", "message")
        follower = found[index + 1] if index + 1 < len(found) else {}
        if kind in _CALLS:
            open_calls[item["call_id"]] = item["name"]
        elif kind in _OUTPUTS:
            if item["call_id"] not in open_calls:
                raise Rejected(
                    f"No tool call found for function call output with call_id {item['call_id']}.",
                    param=f"input[{index}]",
                )
            del open_calls[item["call_id"]]
        elif kind == "reasoning" and not (follower.get("role") == "assistant" or follower.get("type") in _FOLLOWERS):
            raise Rejected(
                f"Item '{item['id']}' of type 'reasoning' was provided without its required following item.",
                param=f"input[{index}]",
            )
    for call_id in open_calls:
        raise Rejected(f"No tool output found for function call {call_id}.", param="input")


_FOLLOWERS = (*_CALLS, "reasoning")


def _segments(body: dict[str, Any]) -> list[Segment]:
    given = body.get("input")
    head = [body.get("tools"), body.get("instructions")]
    return [Segment(value=value) for value in (*head, *(items(given) or [given])) if value]


def _usage(answer: Answer) -> dict[str, Any]:
    counts = answer.counts
    given, made = counts.fresh + counts.cache_read, counts.visible + counts.reasoning
    return {
        "input_tokens": given,
        "input_tokens_details": {"cached_tokens": counts.cache_read, "cache_write_tokens": 0},
        "output_tokens": made,
        "output_tokens_details": {"reasoning_tokens": counts.reasoning},
        "total_tokens": given + made,
        **({"cost_in_usd_ticks": counts.cost_ticks} if _is_xai(answer.model) else {}),
    }


def _is_xai(model: str) -> bool:
    return model.startswith("grok")


def _encrypts(call: Call) -> bool:
    return _ENCRYPTED in (call.body.get("include") or ())


def _output(call: Call, answer: Answer) -> list[dict[str, Any]]:
    """The items in their order. Their ids are made from the answer's, so that whole and streamed ones are equal."""
    rng = random.Random(answer.id)
    found: list[dict[str, Any]] = []
    if answer.counts.reasoning or answer.reasoning:
        item: dict[str, Any] = {"id": draw_id(rng, "rs_"), "type": "reasoning", "summary": []}
        if answer.reasoning:
            item["summary"] = [{"type": "summary_text", "text": answer.reasoning}]
        if _encrypts(call):
            owner = "xai" if _is_xai(answer.model) else "openai"
            item["encrypted_content"] = seal(owner, answer.model, item["id"])
        found.append(item)
    if answer.text:
        part = {"type": "output_text", "text": answer.text, "annotations": [], "logprobs": []}
        if answer.finish == "refusal":
            part = {"type": "refusal", "refusal": answer.text}
        status = "incomplete" if answer.finish in _INCOMPLETE else "completed"
        message = {"id": draw_id(rng, "msg_"), "type": "message", "role": "assistant", "status": status}
        found.append({**message, "content": [part]})
    for call_made in answer.calls:
        made = {"id": draw_id(rng, "fc_"), "type": "function_call", "status": "completed", "call_id": call_made.id}
        found.append({**made, "name": call_made.name, "arguments": call_made.arguments_json})
    return found


_INCOMPLETE = {"length": "max_output_tokens", "filter": "content_filter"}
# What an answer repeats of its request, and what it says where the request was silent.
_REPEATED = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
}


def _response(call: Call, answer: Answer, output: list[dict[str, Any]], status: str) -> dict[str, Any]:
    done = status != "in_progress"
    reason = _INCOMPLETE.get(answer.finish) if done else None
    return {
        "id": answer.id,
        "object": "response",
        "created_at": answer.created,
        "status": status,
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "model": answer.model,
        "output": output,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None, **(call.body.get("reasoning") or {})},
        "store": call.body.get("store", True),
        "text": {"format": {"type": "text"}, **(call.body.get("text") or {})},
        "usage": _usage(answer) if done else None,
        "user": None,
        **{name: call.body.get(name, default) for name, default in _REPEATED.items()},
    }


def _status(answer: Answer) -> str:
    return "incomplete" if answer.finish in _INCOMPLETE else "completed"


def _whole(call: Call, answer: Answer) -> Any:
    return _response(call, answer, _output(call, answer), _status(answer))


class _Events:
    """Numbers the events of a stream."""

    def __init__(self, ascii_only: bool) -> None:
        self.frames: list[bytes] = []
        self._ascii_only = ascii_only

    def add(self, kind: str, **fields: Any) -> None:
        data = {"type": kind, "sequence_number": len(self.frames), **fields}
        text = json.dumps(data, ensure_ascii=self._ascii_only)
        self.frames.append(f"event: {kind}\ndata: ".encode() + text.encode() + b"\n\n")


def _frames(call: Call, answer: Answer, rng: random.Random) -> list[bytes]:
    events = _Events(rng.random() < 0.3)
    begun = _response(call, answer, [], "in_progress")
    events.add("response.created", response=begun)
    events.add("response.in_progress", response=begun)
    output = _output(call, answer)
    for index, item in enumerate(output):
        _ADDERS[item["type"]](events, item, index, rng)
    status = _status(answer)
    events.add(f"response.{status}", response=_response(call, answer, output, status))
    return events.frames


def _add_reasoning(events: _Events, item: dict[str, Any], index: int, rng: random.Random) -> None:
    begun = {name: value for name, value in item.items() if name != "encrypted_content"}
    events.add("response.output_item.added", output_index=index, item={**begun, "summary": []})
    for number, part in enumerate(item["summary"]):
        at = {"item_id": item["id"], "output_index": index, "summary_index": number}
        events.add("response.reasoning_summary_part.added", **at, part={"type": "summary_text", "text": ""})
        for piece in fragments(rng, part["text"], 4):
            events.add("response.reasoning_summary_text.delta", **at, delta=piece)
        events.add("response.reasoning_summary_text.done", **at, text=part["text"])
        events.add("response.reasoning_summary_part.done", **at, part=part)
    events.add("response.output_item.done", output_index=index, item=item)


def _add_message(events: _Events, item: dict[str, Any], index: int, rng: random.Random) -> None:
    events.add(
        "response.output_item.added", output_index=index, item={**item, "status": "in_progress", "content": []}
    )
    at = {"item_id": item["id"], "output_index": index, "content_index": 0}
    (part,) = item["content"]
    name, event = ("refusal", "refusal") if part["type"] == "refusal" else ("text", "output_text")
    beside = {} if name == "refusal" else {"logprobs": []}
    events.add("response.content_part.added", **at, part={**part, name: ""})
    for piece in fragments(rng, part[name]):
        events.add(f"response.{event}.delta", **at, delta=piece, **beside)
    events.add(f"response.{event}.done", **at, **{name: part[name]}, **beside)
    events.add("response.content_part.done", **at, part=part)
    events.add("response.output_item.done", output_index=index, item=item)


def _add_call(events: _Events, item: dict[str, Any], index: int, rng: random.Random) -> None:
    begun = {**item, "status": "in_progress", "arguments": ""}
    events.add("response.output_item.added", output_index=index, item=begun)
    at = {"item_id": item["id"], "output_index": index}
    for piece in fragments(rng, item["arguments"], 4):
        events.add("response.function_call_arguments.delta", **at, delta=piece)
    events.add("response.function_call_arguments.done", **at, name=item["name"], arguments=item["arguments"])
    events.add("response.output_item.done", output_index=index, item=item)


_ADDERS = {"reasoning": _add_reasoning, "message": _add_message, "function_call": _add_call}


def _embeddings(_call: Call, _answer: Answer, _vectors: list[list[float]]) -> Any:
    raise Rejected("Not found.", status=404)


def _error_frame(_request_id: str) -> bytes:
    error = {"type": "error", "code": "server_error", "message": "The server had an error.", "param": None}
    return b"event: error\ndata: " + json.dumps({**error, "sequence_number": 9}).encode() + b"\n\n"


def _said(call: Call) -> Said:
    return Said(cache_write=True, cost=_is_xai(call.model))


OPENAI_RESPONSES = Format(
    provider="openai",
    id_prefix="req_",
    id_header="x-request-id",
    answer_prefix="resp_",
    call_prefix="call_",
    credential=bearer,
    read=_read,
    understand=from_responses,
    segments=_segments,
    check=_check_openai,
    ability=lambda call: Ability(reasoning=call.model.startswith(OPENAI_REASONING)),
    said=_said,
    whole=_whole,
    frames=_frames,
    embeddings=_embeddings,
    error=error_openai,
    error_frame=_error_frame,
    models=model_list("openai"),
    model_ids=("gpt-5.4", "gpt-5.5", "gpt-6-sol"),
    families=("gpt-", "o1", "o3", "o4", "chatgpt-"),
)
XAI_RESPONSES = Format(
    provider="xai",
    id_prefix="",
    id_header="x-request-id",
    answer_prefix="",
    call_prefix="call_",
    credential=bearer,
    read=_read,
    understand=from_responses,
    segments=_segments,
    check=_check_xai,
    ability=lambda call: Ability(reasoning=call.model not in XAI_WITHOUT_REASONING),
    said=_said,
    whole=_whole,
    frames=_frames,
    embeddings=_embeddings,
    error=error_xai,
    error_frame=_error_frame,
    models=model_list("xai"),
    model_ids=("grok-4.3",),
    families=("grok-",),
)
