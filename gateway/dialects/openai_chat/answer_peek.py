"""A look at a whole answer that passes as it is: what it used and of which model, without building the rest.

Only the plain case is taken, in which every count is a whole number; for any other (an error sent with a 200, a
number written as 12.0, half a surrogate pair) there is no answer here, and `parse_response` decides. It is a tenth of
that one's work.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw, Struct

from gateway.dialects.counts import first_said
from gateway.dialects.dialect import AnswerPeek
from gateway.dialects.error_bodies import as_stream_error
from gateway.dialects.openai_chat.response import used_as_it_failed
from gateway.dialects.openai_chat.usage import cost_nano, dollars_nano, with_reasoning
from gateway.dialects.openai_chat.wire import FAILED, decode_answer
from gateway.dialects.openai_errors import failed_answer
from gateway.model import MOST_TOKENS, Usage

_Count = Annotated[int, Meta(ge=0, le=MOST_TOKENS)] | None


class _Details(Struct, gc=False):
    cached_tokens: _Count = None
    cache_write_tokens: _Count = None
    audio_tokens: _Count = None
    reasoning_tokens: _Count = None


class _Usage(Struct, gc=False):
    prompt_tokens: _Count = None
    completion_tokens: _Count = None
    total_tokens: _Count = None
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None
    prompt_cache_hit_tokens: _Count = None
    cost_in_usd_ticks: int | None = None
    cost: float | None = None
    is_byok: bool | None = None


class _Message(Struct, gc=False):
    annotations: list[Raw] | None = None


class _Choice(Struct, gc=False):
    message: _Message | None = None
    finish_reason: Any = None
    error: Raw = Raw()


class _Answer(Struct, gc=False):
    choices: list[_Choice]
    id: str | None = None
    model: str | None = None
    usage: _Usage | None = None
    error: Raw = Raw()
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
    if bytes(answer.error) not in (b"", b"null"):
        return None
    failed = next((choice for choice in answer.choices if choice.finish_reason == FAILED), None)
    if failed is not None:
        error = as_stream_error(failed_answer(msgspec.json.decode(failed.error or b"null")))
        try:
            usage, said = used_as_it_failed(decode_answer(body))
        except ValueError:
            return None
        return AnswerPeek(answer.id, answer.model, usage, error, said)
    if answer.usage is not None and answer.usage.is_byok:
        return None
    if any(choice.message is not None and choice.message.annotations for choice in answer.choices):
        # They may show that the web was searched.
        return None
    return AnswerPeek(answer.id, answer.model, _usage(answer.usage, answer.service_tier))


def _usage(said: _Usage | None, service_tier: str | None) -> Usage | None:
    if said is None:
        return None
    of_input = said.prompt_tokens_details or _NO_DETAILS
    of_output = said.completion_tokens_details or _NO_DETAILS
    cached = of_input.cached_tokens
    reasoning = of_output.reasoning_tokens
    usage = Usage(
        input_tokens=said.prompt_tokens,
        cached_tokens=said.prompt_cache_hit_tokens if cached is None else cached,
        cache_write_tokens=of_input.cache_write_tokens,
        input_audio_tokens=of_input.audio_tokens,
        output_tokens=with_reasoning(said.prompt_tokens, said.completion_tokens, reasoning, said.total_tokens),
        reasoning_tokens=reasoning,
        output_audio_tokens=of_output.audio_tokens,
        cost_nano=first_said(cost_nano(said.cost_in_usd_ticks), dollars_nano(said.cost)),
        service_tier=service_tier,
    )
    if usage.input_tokens is None and usage.output_tokens is None:
        # A tier alone is no usage.
        return None if msgspec.structs.replace(usage, service_tier=None) == _NOTHING_SAID else usage
    return usage
