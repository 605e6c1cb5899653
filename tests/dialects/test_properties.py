"""Laws of the codecs, tried on random requests and answers: what a dialect can say, it says and hears unchanged.

Always the same examples, so that a failure is one for everyone.
"""

import json
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gateway.dialects import DIALECTS
from gateway.events import StreamError
from gateway.model import Request, Response, Target
from tests.dialects.feeding import events_of, folded, normal, read
from tests.dialects.grammars import CONTEXT, GRAMMARS, told
from tests.dialects.strategies import ANSWERS, answers, requests, said_in_answer, said_in_request

# Without shrinking, which outlasts the suite's time limit: the first example that fails is told as it is.
ALWAYS_THE_SAME: Any = {
    "phases": (Phase.generate,),
    "derandomize": True,
    "deadline": None,
    "database": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
}
ALONE = settings(max_examples=60, **ALWAYS_THE_SAME)
IN_PAIRS = settings(max_examples=12, **ALWAYS_THE_SAME)
TARGET = Target(model="m", max_output_tokens=10**6)
PAIRS = list(permutations(DIALECTS, 2))
# The SDK's type of a chunk knows no call of a custom tool.
UNCHECKED = {"openai_chat"}


def whole(name: str, response: Response) -> Response:
    """The answer as a client of this dialect gets it, read again."""
    return DIALECTS[name].parse_response(DIALECTS[name].render_response(response, CONTEXT))


def streamed(name: str, response: Response) -> Response:
    """The same as a stream, cut into bytes, its grammar checked."""
    stream = told(name, events_of(response))
    events = read(DIALECTS[name].reader(), [stream[at : at + 7] for at in range(0, len(stream), 7)])
    assert not any(isinstance(event, StreamError) for event in events)
    if name not in UNCHECKED:
        GRAMMARS[name](stream)
    return folded(events).response()


def asked(name: str, request: Request) -> Request:
    """The request as a provider of this dialect gets it, read again; model and streaming are in Gemini's path."""
    rendered = DIALECTS[name].render_request(request, TARGET)
    # Nothing that was drawn is; `store` is what a request gets on its way through Responses.
    assert set(rendered.dropped) <= {"store"} and not rendered.adapted
    return DIALECTS[name].parse_request(rendered.body, "m", request.stream)


@pytest.mark.parametrize("name", DIALECTS)
@ALONE
@given(data=st.data())
def test_a_dialect_hears_the_answers_that_it_says(name: str, data: st.DataObject) -> None:
    response = normal(data.draw(ANSWERS[name]))
    again, in_pieces = normal(whole(name, response)), normal(streamed(name, response))
    assert again.choices == response.choices
    assert in_pieces.choices == response.choices
    assert again.usage == in_pieces.usage
    assert said_in_answer(again) == said_in_answer(response)


@pytest.mark.parametrize(("door", "upstream"), PAIRS)
@IN_PAIRS
@given(response=answers())
def test_an_answer_passes_two_dialects_whole_and_streamed(door: str, upstream: str, response: Response) -> None:
    said = said_in_answer(response)
    assert said_in_answer(whole(door, whole(upstream, response))) == said
    assert said_in_answer(streamed(door, streamed(upstream, response))) == said


@pytest.mark.parametrize("name", DIALECTS)
@ALONE
@given(request=requests())
def test_a_dialect_hears_the_requests_that_it_says(name: str, request: Request) -> None:
    assert said_in_request(asked(name, request)) == said_in_request(request)


@pytest.mark.parametrize(("door", "upstream"), PAIRS)
@IN_PAIRS
@given(request=requests())
def test_a_request_passes_two_dialects(door: str, upstream: str, request: Request) -> None:
    assert said_in_request(asked(upstream, asked(door, request))) == said_in_request(request)


@pytest.mark.parametrize("name", DIALECTS)
@IN_PAIRS
@given(request=requests())
def test_a_request_is_rendered_to_the_same_bytes_and_its_order_is_kept(name: str, request: Request) -> None:
    """maximhq/bifrost#2347: tools and properties in another order miss the prompt cache."""
    body = DIALECTS[name].render_request(request, TARGET).body
    assert DIALECTS[name].render_request(request, TARGET).body == body
    again = DIALECTS[name].parse_request(body, "m", request.stream)
    assert json.dumps(said_in_request(again)["tools"]) == json.dumps(said_in_request(request)["tools"])
