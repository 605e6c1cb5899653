"""What hosted tools used beside the model's tokens: calls that cost each, containers, and tokens of image models.

`tool_usage` counts billable searches and image tokens; it may be absent, and then the output's items tell the calls.
Which model made the images stands in the echoed tools. Source: the SDK's ToolUsage, ImageGenerationCall,
ResponseCodeInterpreterToolCall and ResponseContainerReference.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.dialects.counts import count_in, object_in, text_in
from gateway.model import UNTOLD_MODEL

Pairs = tuple[tuple[str, int], ...]

_SEARCH, _IMAGE = "web_search_call", "image_generation_call"
_CALLS = {"file_search_call": "file_searches"}
_IN_CONTAINERS = ("code_interpreter_call", "shell_call")
COUNTED_ITEMS = frozenset((_SEARCH, _IMAGE, *_CALLS, *_IN_CONTAINERS))
"""Types of output items from which something is counted."""


def searches(response: Mapping[str, Any]) -> int | None:
    """Billable web searches, None where nothing tells of any."""
    told = count_in(object_in(object_in(response, "tool_usage"), "web_search"), "num_requests")
    if told is not None:
        return told
    # Opening a page or looking through it is no search.
    made = sum(object_in(item, "action").get("type", "search") == "search" for item in _done(response, _SEARCH))
    return made or None


def hosted_uses(response: Mapping[str, Any]) -> Pairs | None:
    """As `Usage.rare_counts` says them, None for none."""
    uses: Counter[str] = Counter()
    for kind, name in _CALLS.items():
        uses[name] = sum(1 for _ in _done(response, kind))
    uses["code_containers"] = len({id for kind in _IN_CONTAINERS for id in _containers(response, kind)})
    tokens = _image_tokens(response)
    drawn = [object_in(item, "svg_usage") for item in _done(response, _IMAGE)]
    for svg in drawn:
        model = text_in(svg, "model")
        for kind in ("input", "output") if model else ():
            uses[f"{model}/{kind}"] += count_in(svg, f"{kind}_tokens") or 0
    if not tokens:
        uses["images"] = sum(not svg for svg in drawn)
    # An image drawn by code may be by the model that makes the others.
    uses.update(tokens)
    return tuple((name, number) for name, number in uses.items() if number) or None


def _done(response: Mapping[str, Any], kind: str) -> Iterator[Mapping[str, Any]]:
    output = response.get("output")
    for item in output if isinstance(output, list) else ():
        if isinstance(item, dict) and item.get("type") == kind and item.get("status") != "failed":
            yield item


def _containers(response: Mapping[str, Any], kind: str) -> Iterator[str]:
    for item in _done(response, kind):
        # A shell's container is in its environment; a local one has none.
        id = text_in(item, "container_id") or text_in(object_in(item, "environment"), "container_id")
        if id:
            yield id


def _image_tokens(response: Mapping[str, Any]) -> dict[str, int]:
    told = object_in(object_in(response, "tool_usage"), "image_gen")
    of_input, of_cache = object_in(told, "input_tokens_details"), object_in(told, "cached_tokens_details")
    cached_images = count_in(of_cache, "cached_image_tokens") or 0
    tokens = {
        "input": count_in(told, "input_tokens") or 0,
        "cached": count_in(told, "cached_tokens") or 0,
        "cached_image": cached_images,
        "input_image": max(0, (count_in(of_input, "image_tokens") or 0) - cached_images),
        "output": count_in(told, "output_tokens") or 0,
        "output_image": count_in(object_in(told, "output_tokens_details"), "image_tokens") or 0,
    }
    tools = response.get("tools")
    named = (
        text_in(tool, "model")
        for tool in (tools if isinstance(tools, list) else ())
        if isinstance(tool, dict) and tool.get("type") == "image_generation"
    )
    model = next(filter(None, named), UNTOLD_MODEL)
    return {f"{model}/{kind}": number for kind, number in tokens.items() if number}
