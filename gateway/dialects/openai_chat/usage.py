"""Usage, both ways, to the one definition: input includes cached tokens, output includes reasoning.

OpenAI counts so itself. xAI's chat answers leave reasoning out of `completion_tokens`, and the record on it is
contradictory, so the total decides (vercel/ai#12425, promptfoo#9507).
"""

from typing import Any

from msgspec.structs import replace

from gateway.dialects.counts import cost_nano, count_in, dollars_nano, first_said, object_in, said_cost
from gateway.dialects.openai_chat.wire import WireAnswer
from gateway.model import Usage

__all__ = ["cost_nano", "dollars_nano", "parse_usage", "render_usage", "with_reasoning"]


def parse_usage(raw: Any, service_tier: Any = None) -> Usage | None:
    """The `usage` object of an answer, None where it says nothing readable."""
    if not isinstance(raw, dict):
        return None
    input_details, output_details = (
        object_in(raw, "prompt_tokens_details"),
        object_in(raw, "completion_tokens_details"),
    )
    prompt, completion = count_in(raw, "prompt_tokens"), count_in(raw, "completion_tokens")
    reasoning = count_in(output_details, "reasoning_tokens")
    usage = Usage(
        input_tokens=prompt,
        cached_tokens=first_said(count_in(input_details, "cached_tokens"), count_in(raw, "prompt_cache_hit_tokens")),
        cache_write_tokens=count_in(input_details, "cache_write_tokens"),
        input_audio_tokens=count_in(input_details, "audio_tokens"),
        output_tokens=with_reasoning(prompt, completion, reasoning, count_in(raw, "total_tokens")),
        reasoning_tokens=reasoning,
        output_audio_tokens=count_in(output_details, "audio_tokens"),
        cost_nano=said_cost(raw),
    )
    if usage == Usage():
        return None
    if isinstance(service_tier, str):
        return replace(usage, service_tier=service_tier)
    return usage


def cites_the_web(annotations: Any) -> bool:
    """Whether what stands beside an answer's words shows that the web was searched for it."""
    return isinstance(annotations, list) and any(
        isinstance(note, dict) and note.get("type") == "url_citation" for note in annotations
    )


def usage_in(answer: WireAnswer) -> Usage | None:
    """What a whole answer counts of itself, also one that failed."""
    messages = (choice.message or choice.delta for choice in answer.choices or ())
    cited = any(cites_the_web(message.annotations) for message in messages if message is not None)
    return with_search(parse_usage(answer.usage, answer.service_tier), cited)


def with_search(usage: Usage | None, cited: bool) -> Usage | None:
    """Chat never counts searches; its search models bill one for each answer, which cites what it found."""
    return replace(usage or Usage(), web_searches=1) if cited else usage


def render_usage(usage: Usage) -> dict[str, Any]:
    """The `usage` object for a client: the details are always there, with zeros for what is not known."""
    prompt, completion = usage.input_tokens or 0, usage.output_tokens or 0
    input_details = {"cached_tokens": usage.cached_tokens or 0, "audio_tokens": usage.input_audio_tokens or 0}
    if usage.cache_write_tokens is not None:
        input_details["cache_write_tokens"] = usage.cache_write_tokens
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": input_details,
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens or 0,
            "audio_tokens": usage.output_audio_tokens or 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def with_reasoning(
    prompt: int | None, completion: int | None, reasoning: int | None, total: int | None
) -> int | None:
    """Output tokens with reasoning among them, whichever way the provider counts; what the total has beyond the
    prompt where they are not said."""
    if completion is None and prompt is not None and total is not None and total > prompt:
        return total - prompt
    if completion is None or not reasoning:
        return completion
    excluded = total == (prompt or 0) + completion + reasoning if total is not None else False
    # Without a total that decides: reasoning larger than the output cannot be inside it.
    return completion + reasoning if excluded or reasoning > completion else completion
