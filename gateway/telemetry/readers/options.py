"""How a model was asked: limits, temperature and the like, from attributes or from a request's body."""

from collections.abc import Mapping
from typing import Any

from gateway.model import ReasoningOptions, Request
from gateway.telemetry.readers import spellings
from gateway.telemetry.readers.values import Names, count, mapping, number, texts, truth, words
from gateway.telemetry.records import Attributes

_EFFORTS = frozenset({"none", "minimal", "low", "medium", "high", "xhigh", "max"})
_NAMES = Names(
    {
        **spellings.NUMBERS,
        **spellings.COUNTS,
        "stop": spellings.STOP,
        "effort": spellings.EFFORT,
        "budget": spellings.THINKING_BUDGET,
    }
)
_BODY_NAMES = Names(
    {
        **{name: (name,) for name in spellings.NUMBERS},
        **spellings.BODY_COUNTS,
        "stop": ("stop", "stop_sequences"),
        "effort": ("reasoning_effort",),
    }
)


def options_of(attributes: Attributes, model: str = "") -> Request:
    """A request without messages."""
    return _request(_NAMES.said(attributes), model)


def body_options(body: Mapping[str, Any]) -> Request:
    """The same from a request's body or a library's parameters, under the names of the providers' APIs."""
    said = _BODY_NAMES.said(body)
    if effort := mapping(body.get("reasoning")).get("effort"):
        said["effort"] = effort
    if budget := mapping(body.get("thinking")).get("budget_tokens"):
        said["budget"] = budget
    return _request(said, words(body.get("model")) or "", stream=truth(body.get("stream")) or False)


def _request(said: Mapping[str, Any], model: str, *, stream: bool = False) -> Request:
    effort, budget = words(said.get("effort")), count(said.get("budget"))
    effort = effort if effort in _EFFORTS else None
    reasoning = None
    if effort is not None or budget is not None:
        reasoning = ReasoningOptions(effort=effort, budget_tokens=budget)
    return Request(
        model=model,
        messages=(),
        stop=texts(said.get("stop")),
        reasoning=reasoning,
        stream=stream,
        temperature=number(said.get("temperature")),
        top_p=number(said.get("top_p")),
        frequency_penalty=number(said.get("frequency_penalty")),
        presence_penalty=number(said.get("presence_penalty")),
        max_output_tokens=count(said.get("max_output_tokens")),
        top_k=count(said.get("top_k")),
        seed=count(said.get("seed")),
        choice_count=count(said.get("choice_count")),
    )
