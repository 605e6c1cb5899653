"""Gemini generateContent. Source: google-genai's types, which forbid unknown fields, and Google's published rules.

Every field is taken in lowerCamelCase and snake_case. Output counts exclude thoughts, tool-use input stands beside the
prompt, and a zero is said by leaving it out, as Google's JSON does. The 3.x models sign function calls and refuse them
unsigned.
"""

import json
import random
import re
from collections.abc import Mapping
from typing import Any

from google.genai import types

from tests.provider.draw import Ability, Answer, ToolCall, fragments
from tests.provider.format import Call, Error, Format
from tests.provider.ledger import Said
from tests.provider.media import JPEG, PDF, PNG, WEBP, check_media
from tests.provider.prefix_cache import Segment
from tests.provider.sealed import seal
from tests.provider.strict import Rejected, validate_model
from tests.provider.understood import either as _get
from tests.provider.understood import from_contents, plain_base64
from tests.provider.understood import items as _list
from tests.provider.understood import snake as _snake

_FIELDS = {
    "contents": (types.Content, True),
    "systemInstruction": (types.Content, False),
    "tools": (types.Tool, True),
    "toolConfig": (types.ToolConfig, False),
    "generationConfig": (types.GenerationConfig, False),
    "safetySettings": (types.SafetySetting, True),
}
_PLAIN_FIELDS = {"cachedContent", "labels", "serviceTier", "store", "model"}
_SIGNING = ("gemini-3", "gemini-4")
_SENTINELS = ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go")
_FINISH = {"length": "MAX_TOKENS", "filter": "SAFETY", "refusal": "PROHIBITED_CONTENT"}
_MEDIA = (JPEG, PNG, WEBP, "image/heic", "image/heif", PDF, "text/plain", "audio/wav", "audio/mp3", "video/mp4")
_NO_RESULT_MEDIA = ("gemini-1", "gemini-2")
_SIDE_FIELDS = {"thought", "thought_signature", "video_metadata", "media_resolution", "part_metadata"}


def _credential(headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
    if "authorization" in headers and "x-goog-api-key" in headers:
        raise Rejected("Multiple authentication credentials received. Please pass only one.")
    return headers.get("x-goog-api-key") or query.get("key")


def _read(operation: str, model: str, query: Mapping[str, str], body: dict[str, Any]) -> Call:
    contents = [item for item in _list(body.get("contents")) if isinstance(item, dict)]
    last = contents[-1] if contents else {}
    parts = [part for part in _list(last.get("parts")) if isinstance(part, dict)]
    config = _get(body, "generationConfig") or {}
    thinking = _get(config, "thinkingConfig") or {}
    declared = [
        item
        for tool in _list(body.get("tools"))
        if isinstance(tool, dict)
        for item in _list(_get(tool, "functionDeclarations"))
    ]
    prompt = " ".join(str(part.get("text", "")) for part in parts) if last.get("role", "user") == "user" else ""
    return Call(
        operation=operation,
        model=model,
        stream=query.get("verb") == "streamGenerateContent",
        body=body,
        prompt=prompt or _embedding_text(body),
        after_tools=any(_get(part, "functionResponse") for part in parts),
        tools=[(item["name"], _get(item, "parametersJsonSchema") or item.get("parameters")) for item in declared],
        stop=list(_get(config, "stopSequences") or ()),
        shows_reasoning=bool(_get(thinking, "includeThoughts")),
    )


def _check(call: Call, _headers: Mapping[str, str]) -> None:
    body = call.body
    if call.operation == "embeddings":
        for index, item in enumerate(_list(body.get("requests"))):
            if item.get("model") != f"models/{call.model}":
                raise Rejected(f"requests[{index}].model: does not match the model in the URL")
            validate_model(types.Content, item.get("content"), f"requests[{index}].content")
        return
    if call.operation == "count" and "generateContentRequest" in body:
        return
    for name, value in body.items():
        _check_field(_camel(name), value)
    config = _get(body, "generationConfig") or {}
    thinking = _get(config, "thinkingConfig") or {}
    if _get(thinking, "thinkingBudget") is not None and _get(thinking, "thinkingLevel") is not None:
        raise Rejected("You can only set only one of thinking budget and thinking level.")
    if len(call.stop) > 5:
        raise Rejected("Too many stop sequences.")
    if (_get(config, "temperature") or 0) > 2:
        raise Rejected("Temperature must be in the range [0.0, 2.0].")
    for name, _ in call.tools:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}", name):
            raise Rejected(f"Invalid function name: {name}")
    _check_contents(_list(body.get("contents")), call.model)


def _check_field(name: str, value: Any) -> None:
    if name in _PLAIN_FIELDS:
        return
    if name not in _FIELDS:
        raise Rejected(f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.', param=name)
    model, repeated = _FIELDS[name]
    if not repeated:
        validate_model(model, value, name)
        return
    if not isinstance(value, list):
        raise Rejected(f"Invalid value at '{name}': expected a list.", param=name)
    for index, item in enumerate(value):
        validate_model(model, item, f"{name}[{index}]")


def _check_contents(contents: list[dict[str, Any]], model: str) -> None:
    if not contents:
        raise Rejected("* GenerateContentRequest.contents: contents is not specified")
    if contents[0].get("role", "user") != "user":
        raise Rejected("Please ensure that the first content has role user.")
    turns: list[tuple[str, list[dict[str, Any]]]] = []
    for index, content in enumerate(contents):
        role, parts = content.get("role", "user"), _list(content.get("parts"))
        if role not in ("user", "model", "function"):
            raise Rejected("Please use a valid role: user, model.")
        if not parts:
            raise Rejected(f"* GenerateContentRequest.contents[{index}].parts: contents.parts must not be empty.")
        for number, part in enumerate(parts):
            _check_part(part, model, f"contents[{index}].parts[{number}]")
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(parts)
        else:
            turns.append((role, list(parts)))
    _check_answers(turns)
    if model.startswith(_SIGNING):
        _check_signatures(turns)


def _check_part(part: dict[str, Any], model: str, where: str) -> None:
    data = {_snake(name) for name in part} - _SIDE_FIELDS
    if len(data) != 1:
        raise Rejected(f"{where}: required oneof field 'data' must have one initialized field")
    result = _get(part, "functionResponse") or {}
    if result.get("parts") and model.startswith(_NO_RESULT_MEDIA):
        raise Rejected(f"{where}: multimodal function responses are not supported by this model.")
    for inner in (part, *_list(result.get("parts"))):
        if inline := _get(inner, "inlineData"):
            check_media(str(_get(inline, "mimeType")), plain_base64(inline.get("data")), _MEDIA, where)
    signature, call = _get(part, "thoughtSignature"), _get(part, "functionCall")
    if not signature or (call and signature in _SENTINELS):
        return
    own = _sign_call(model, call["name"], call.get("args") or {}) if call else _sign_text(model)
    if plain_base64(signature) != own:
        raise Rejected("Corrupted thought signature.")


def _check_answers(turns: list[tuple[str, list[dict[str, Any]]]]) -> None:
    """Each call of a turn has its result in the very next one, in the same order, under the same id."""
    calls: list[dict[str, Any]] = []
    for role, parts in turns:
        answers = [item for part in parts if (item := _get(part, "functionResponse"))]
        if [item.get("name") for item in answers] != [item.get("name") for item in calls]:
            raise Rejected(
                "Please ensure that the number of function response parts is equal to the number of function call parts "
                "of the function call turn."
            )
        for call, answer in zip(calls, answers, strict=True):
            if call.get("id") != answer.get("id"):
                raise Rejected(
                    f"The function response's id '{answer.get('id')}' is not its call's '{call.get('id')}'."
                )
        calls = [item for part in parts if (item := _get(part, "functionCall"))]
        if calls and role != "model":
            raise Rejected("Function calls must come from the model.")
    if calls:
        raise Rejected("Function calls without responses.")


def _check_signatures(turns: list[tuple[str, list[dict[str, Any]]]]) -> None:
    """Every step of the current turn: its first function call is signed."""
    start = max((index for index, (role, parts) in enumerate(turns) if _is_user_text(role, parts)), default=0)
    for index, (_, parts) in enumerate(turns[start:], start):
        first = next((part for part in parts if _get(part, "functionCall")), None)
        if first is not None and not _get(first, "thoughtSignature"):
            name = _get(first, "functionCall")["name"]
            raise Rejected(
                "Function call is missing a thought_signature in functionCall parts. "
                f"Function call `{name}`, position {index}."
            )


def _is_user_text(role: str, parts: list[dict[str, Any]]) -> bool:
    return role == "user" and any("text" in part for part in parts)


def _ability(call: Call) -> Ability:
    thinks = call.operation == "chat" and not call.model.startswith("gemini-2.0")
    return Ability(reasoning=thinks, tool_use=thinks)


def _said(call: Call) -> Said:
    chat = call.operation == "chat"
    return Said(cached=chat, output=chat, reasoning=chat)


def _usage(answer: Answer, share: float = 1.0) -> dict[str, Any]:
    """Cumulative counts; `share` is how much of the visible output is out."""
    counts = answer.counts
    prompt, visible = counts.fresh + counts.cache_read, round(counts.visible * share)
    usage = {
        "promptTokenCount": prompt,
        "candidatesTokenCount": visible,
        "totalTokenCount": prompt + visible + counts.reasoning + counts.tool_use,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}],
        "cachedContentTokenCount": counts.cache_read,
        "thoughtsTokenCount": counts.reasoning,
        "toolUsePromptTokenCount": counts.tool_use,
    }
    return {name: value for name, value in usage.items() if value != 0}


def _chunk(answer: Answer, parts: list[dict[str, Any]], finish: str | None, usage: dict[str, Any]) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
    if not parts:
        candidate = {"index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {
        "candidates": [candidate],
        "usageMetadata": usage,
        "modelVersion": answer.model,
        "responseId": answer.id,
    }


def _call_parts(answer: Answer) -> list[dict[str, Any]]:
    parts = [_call_part(answer.model, item) for item in answer.calls]
    if parts and answer.model.startswith(_SIGNING):
        parts[0]["thoughtSignature"] = _sign_call(answer.model, answer.calls[0].name, answer.calls[0].arguments)
    return parts


def _call_part(model: str, item: ToolCall) -> dict[str, Any]:
    call: dict[str, Any] = {"name": item.name, "args": item.arguments}
    if model.startswith(_SIGNING):
        call["id"] = item.id
    return {"functionCall": call}


def _signs_text(answer: Answer) -> bool:
    """An answer without calls may be signed on its last part, be it an empty one."""
    return answer.model.startswith(_SIGNING) and answer.reasoning is not None and not answer.calls


def _whole(call: Call, answer: Answer) -> Any:
    if call.operation == "count":
        return {
            "totalTokens": answer.counts.fresh,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": answer.counts.fresh}],
        }
    parts: list[dict[str, Any]] = [{"text": answer.reasoning, "thought": True}] if answer.reasoning else []
    parts += [{"text": answer.text}] if answer.text else []
    if parts and _signs_text(answer):
        parts[-1]["thoughtSignature"] = _sign_text(answer.model)
    parts += _call_parts(answer)
    return _chunk(answer, parts, _FINISH.get(answer.finish, "STOP"), _usage(answer))


def _frames(call: Call, answer: Answer, rng: random.Random) -> list[bytes]:
    steps: list[list[dict[str, Any]]] = []
    if answer.reasoning:
        steps += [[{"text": piece, "thought": True}] for piece in fragments(rng, answer.reasoning, 3)]
    steps += [[{"text": piece}] for piece in fragments(rng, answer.text)]
    if calls := _call_parts(answer):
        steps += [calls] if rng.random() < 0.5 else [[part] for part in calls]
    finish = _FINISH.get(answer.finish, "STOP")
    chunks = [
        _chunk(answer, step, None, _usage(answer, index / len(steps))) for index, step in enumerate(steps, start=1)
    ]
    if calls or not chunks or _signs_text(answer):
        # Newer models end a turn of calls with an empty text of its own, and may sign it.
        signed = {"thoughtSignature": _sign_text(answer.model)} if _signs_text(answer) else {}
        chunks.append(_chunk(answer, [{"text": "", **signed}], finish, _usage(answer)))
    else:
        chunks[-1]["candidates"][0]["finishReason"] = finish
    ascii_only = rng.random() < 0.3
    return [b"data: " + json.dumps(chunk, ensure_ascii=ascii_only).encode() + b"\r\n\r\n" for chunk in chunks]


def _embeddings(call: Call, answer: Answer, vectors: list[list[float]]) -> Any:
    values = [{"values": vector} for vector in vectors]
    return {
        **({"embedding": values[0]} if "content" in call.body else {"embeddings": values}),
        "usageMetadata": {"promptTokenCount": answer.counts.fresh},
    }


_STATUSES = {
    "401": "UNAUTHENTICATED",
    "403": "PERMISSION_DENIED",
    "404": "NOT_FOUND",
    "429": "RESOURCE_EXHAUSTED",
    "500": "INTERNAL",
    "503": "UNAVAILABLE",
    "529": "UNAVAILABLE",
}
_TYPE = "type.googleapis.com/google.rpc."


def _error(status: str, message: str, _request_id: str, _param: str | None, _code: str | None) -> Error:
    http, word, details = int(status), _STATUSES.get(status, "INVALID_ARGUMENT"), []
    if status == "401":
        # A bad key is answered with 400 here.
        http, word, message = 400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."
        details = [{"@type": _TYPE + "ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}]
    if status == "429":
        details = [{"@type": _TYPE + "RetryInfo", "retryDelay": "7s"}]
    if status == "529":
        http = 503
    error = {"code": http, "message": message, "status": word, **({"details": details} if details else {})}
    return http, {}, {"error": error}


def _error_frame(_request_id: str) -> bytes:
    error = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
    return b"data: " + json.dumps(error).encode() + b"\r\n\r\n"


def _models(ids: list[str]) -> Any:
    return {
        "models": [
            {
                "name": f"models/{item}",
                "displayName": item,
                "inputTokenLimit": 1_048_576,
                "outputTokenLimit": 65_536,
                "supportedGenerationMethods": ["generateContent", "countTokens"],
            }
            for item in ids
        ]
    }


def _sign_text(model: str) -> str:
    return seal("google", model, "text")


def _sign_call(model: str, name: str, arguments: Any) -> str:
    return seal("google", model, name, json.dumps(arguments, sort_keys=True))


def _segments(body: dict[str, Any]) -> list[Segment]:
    head = [body.get("tools"), _get(body, "systemInstruction")]
    return [Segment(value=value) for value in (*head, *_list(body.get("contents"))) if value]


def _embedding_text(body: Mapping[str, Any]) -> str:
    return " ".join(
        str(part.get("text", ""))
        for item in _list(body.get("requests"))
        for part in _list((item.get("content") or {}).get("parts"))
    )


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest)


GEMINI = Format(
    provider="google",
    id_prefix="",
    id_header=None,
    answer_prefix="",
    call_prefix="fc-",
    credential=_credential,
    read=_read,
    understand=lambda body: from_contents(body, _SENTINELS),
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
    model_ids=(
        *("gemini-3.1-pro-preview", "gemini-2.5-pro", "gemini-2.5-flash", "gemini-2.0-flash"),
        "gemini-embedding-001",
    ),
    families=("gemini-",),
    input_told_first=True,
    refuses_in_words=False,
)
