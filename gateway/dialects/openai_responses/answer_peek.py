"""A look at a whole answer that passes as it is: what it used and of which model, without building the rest.

Only the plain case is taken, in which every count is a whole number and no hosted tool was used; for any other there
is no answer here, and `parse_response` decides.
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from gateway.dialects.counts import cost_nano, dollars_nano, first_said
from gateway.dialects.dialect import AnswerPeek
from gateway.dialects.openai_responses.hosted_uses import COUNTED_ITEMS
from gateway.model import MOST_TOKENS, Usage

_Count = Annotated[int, Meta(ge=0, le=MOST_TOKENS)] | None


class _Lifetimes(Struct, gc=False):
    ttl_12h_tokens: _Count = None


class _Details(Struct, gc=False):
    cached_tokens: _Count = None
    cache_write_tokens: _Count = None
    cache_write_tokens_details: _Lifetimes | None = None
    audio_tokens: _Count = None
    reasoning_tokens: _Count = None


class _Usage(Struct, gc=False):
    input_tokens: _Count = None
    output_tokens: _Count = None
    input_tokens_details: _Details | None = None
    output_tokens_details: _Details | None = None
    cost_in_usd_ticks: int | None = None
    cost: float | None = None
    is_byok: bool | None = None


class _Searches(Struct, gc=False):
    num_requests: _Count = None


class _ToolUsage(Struct, gc=False):
    web_search: _Searches | None = None


class _Item(Struct, gc=False):
    type: str | None = None


class _Answer(Struct, gc=False):
    output: list[_Item]
    id: str | None = None
    model: str | None = None
    status: str | None = None
    usage: _Usage | None = None
    tool_usage: _ToolUsage | None = None
    service_tier: str | None = None


_decode = msgspec.json.Decoder(_Answer).decode
_NO_DETAILS = _Details()
_NOTHING_SAID = Usage()


def peek_answer(body: bytes) -> AnswerPeek | None:
    """What a whole answer used; None where only parsing it can tell."""
    try:
        answer = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if answer.status not in (None, "completed", "incomplete", "queued", "in_progress"):
        return None
    if answer.usage is not None and answer.usage.is_byok:
        return None
    if any(item.type in COUNTED_ITEMS for item in answer.output):
        return None
    return AnswerPeek(answer.id, answer.model, _usage(answer))


def _usage(answer: _Answer) -> Usage | None:
    said = answer.usage
    if said is None:
        return None
    of_input, of_output = said.input_tokens_details or _NO_DETAILS, said.output_tokens_details or _NO_DETAILS
    lifetimes = of_input.cache_write_tokens_details
    searches = answer.tool_usage.web_search if answer.tool_usage is not None else None
    usage = Usage(
        input_tokens=said.input_tokens,
        cached_tokens=of_input.cached_tokens,
        cache_write_tokens=of_input.cache_write_tokens,
        cache_write_12h_tokens=None if lifetimes is None else lifetimes.ttl_12h_tokens,
        input_audio_tokens=of_input.audio_tokens,
        output_tokens=said.output_tokens,
        reasoning_tokens=of_output.reasoning_tokens,
        output_audio_tokens=of_output.audio_tokens,
        web_searches=None if searches is None else searches.num_requests,
        cost_nano=first_said(cost_nano(said.cost_in_usd_ticks), dollars_nano(said.cost)),
    )
    return None if usage == _NOTHING_SAID else msgspec.structs.replace(usage, service_tier=answer.service_tier)
