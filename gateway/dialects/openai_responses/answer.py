"""What an answer object says beside its output: who made it, and the request that it repeats.

The official SDK's type wants most of it, and strict clients fail without the rest (BerriAI/litellm#28899). Ids come
from the context's, numbered by the item's place. Source: the SDK's Response.
"""

from collections.abc import Mapping
from typing import Any

from gateway.dialects.dialect import AnswerContext
from gateway.dialects.openai_responses.options import render_format
from gateway.dialects.openai_responses.tools import CallNames, render_choice, tool_list
from gateway.dialects.openai_responses.usage import render_usage
from gateway.dialects.openai_responses.wire import ANSWER_PREFIX, NAME, Wire, own
from gateway.model import Request, Text, Usage

_PREFIXES = {"message": "msg", "reasoning": "rs", "function_call": "fc", "custom_tool_call": "ctc"}
_DEFAULTS: Mapping[str, Any] = {
    "background": False,
    "completed_at": None,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": "default",
    "store": False,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
_REPEATED = ("max_output_tokens", "metadata", "parallel_tool_calls", "temperature", "top_logprobs", "top_p", "user")


class AnswerFrame:
    """One answer's id, names and fixed fields."""

    def __init__(self, context: AnswerContext) -> None:
        self._context = context
        request = context.request
        self.names = CallNames(() if request is None else request.tools)
        self._fixed = {**_DEFAULTS, **({} if request is None else _repeated(request))}

    def item_id(self, kind: str, place: int, own_id: Any = None) -> str:
        """The item's own id where this dialect made it, else one from the answer's id and its place."""
        if isinstance(own_id, str) and own_id:
            return own_id
        return f"{_PREFIXES.get(kind, 'item')}_{self._context.id}_{place}"

    def object(self, ending: Mapping[str, Any], output: list[Wire], usage: Usage | None) -> Wire:
        """The whole response object. `ending` is status, error and incomplete_details."""
        tier = usage.service_tier if usage is not None else None
        return {
            "id": f"{ANSWER_PREFIX}{self._context.id}",
            "object": "response",
            "created_at": self._context.created,
            **ending,
            "model": self._context.model,
            "output": output,
            **self._fixed,
            **({"service_tier": tier} if tier in ("flex", "scale", "priority", "fast", "ultrafast") else {}),
            "usage": render_usage(usage) if usage is not None and usage.tells_tokens else None,
        }


def _repeated(request: Request) -> Wire:
    """What the client asked, where the answer says it again."""
    pocket = request.extra.get(NAME, {})
    said = {name: value for name in _REPEATED if (value := getattr(request, name)) is not None}
    said |= {name: pocket[name] for name in ("prompt_cache_key", "safety_identifier") if name in pocket}
    first = request.messages[0] if request.messages else None
    if first is not None and own(first.extra).get("instructions"):
        said["instructions"] = "".join(part.text for part in first.parts if isinstance(part, Text))
    if request.tools:
        said["tools"] = tool_list(request.tools)
    if request.tool_choice is not None:
        said["tool_choice"] = render_choice(request.tool_choice, request.tools)
    if (text := render_format(request.response_format)) or "text.verbosity" in pocket:
        verbosity = {"verbosity": pocket["text.verbosity"]} if "text.verbosity" in pocket else {}
        said["text"] = {**_DEFAULTS["text"], **text, **verbosity}
    if request.reasoning is not None:
        summary = pocket.get("reasoning.summary", "auto") if request.reasoning.show else None
        said["reasoning"] = {"effort": request.reasoning.effort, "summary": summary}
    return said
