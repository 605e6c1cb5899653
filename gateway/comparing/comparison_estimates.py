"""What a comparison would cost, before it is asked: by the size of the question and the prices of today.

Tokens are estimated as everywhere here, four bytes of UTF-8 each; a picture or file counts as a number that lies
among what the providers count for one of middle size. How long an answer gets nobody knows: it is taken to be as long
as it may be, where that was said, else of an assumed length.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gateway.capture.questions import asked as parsed
from gateway.comparing.comparer import DOOR
from gateway.comparing.comparison_records import AnswerEstimate
from gateway.errors import ClientError
from gateway.keys.provider_keys import ProviderKeys
from gateway.model import Blob, File, Part, Reasoning, Refusal, Request, Text, ToolCall, ToolCallResponse, Uri, Usage
from gateway.prices.pricing import Pricing
from gateway.providers.catalog import Provider
from gateway.relaying.routing import Routing
from gateway.relaying.tally import estimated_tokens

ASSUMED_OUTPUT = 500
MEDIA_TOKENS = 1000


def estimates(
    models: Sequence[str], body: Mapping[str, Any], routing: Routing, keys: ProviderKeys, pricing: Pricing
) -> tuple[AnswerEstimate, ...]:
    """One for each model, in their order, for a chat body that need not be complete yet."""
    said = msgspec.json.encode({**body, "model": "any"})
    request, _ = parsed(DOOR, said)
    bounded = request is not None and request.max_output_tokens is not None
    output = request.max_output_tokens if request is not None and request.max_output_tokens else ASSUMED_OUTPUT
    tokens = _input_tokens(request) if request is not None else estimated_tokens(len(said))
    at_us = time.time_ns() // 1000
    found = []
    for model in models:
        estimate = AnswerEstimate(model=model, input_tokens=tokens, output_tokens=output, bounded=bounded)
        try:
            candidate = routing.candidates(model)[0]
        except ClientError as error:
            found.append(msgspec.structs.replace(estimate, problem=error.message))
            continue
        provider = candidate.provider
        priced = pricing.price(
            provider.price_provider or "",
            candidate.model,
            Usage(input_tokens=tokens, output_tokens=output),
            at_us,
            provider=provider.name,
        )
        found.append(
            msgspec.structs.replace(
                estimate,
                provider=provider.name,
                cost_nano=priced.cost_nano,
                problem=_problem(provider, routing, keys),
            )
        )
    return tuple(found)


def _problem(provider: Provider, routing: Routing, keys: ProviderKeys) -> str | None:
    """Why it would refuse, or None."""
    if not routing.is_on(provider.name):
        return f"{provider.title} is switched off: switch it on under Providers."
    if provider.auth != "none" and keys.key_for(provider.name) is None:
        unreadable = keys.problem(provider.name)
        if unreadable:
            return f"The key for {provider.title} cannot be read. {unreadable}"
        return f"No key for {provider.title} is stored: add it under Providers."
    return None


def _input_tokens(request: Request) -> int:
    parts = [part for message in request.messages for part in message.parts]
    texts = sum(len(text.encode("utf-8", "replace")) for part in parts for text in _texts(part))
    tools = sum(len(msgspec.json.encode(tool)) for tool in request.tools)
    media = sum(isinstance(each, Blob | Uri | File) for part in parts for each in _within(part))
    return estimated_tokens(texts + tools) + media * MEDIA_TOKENS


def _within(part: Part) -> tuple[Part, ...]:
    return part.content if isinstance(part, ToolCallResponse) else (part,)


def _texts(part: Part) -> list[str]:
    found = [each.text for each in _within(part) if isinstance(each, Text | Reasoning | Refusal)]
    return [*found, part.name, part.arguments] if isinstance(part, ToolCall) else found
