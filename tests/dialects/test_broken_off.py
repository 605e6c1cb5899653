"""Whoever's stream broke off, and whichever end tells it: the words are the same."""

import pytest

from gateway.dialects import DIALECTS
from gateway.dialects.dialect import AnswerContext, Dialect
from gateway.events import BROKEN_OFF

CONTEXT = AnswerContext(id="req_1", created=0, model="m")


@pytest.mark.parametrize("dialect", list(DIALECTS.values()), ids=list(DIALECTS))
def test_a_stream_that_ends_before_its_answer(dialect: Dialect) -> None:
    assert dialect.reader().close()[-1:] == [BROKEN_OFF]


@pytest.mark.parametrize("dialect", [DIALECTS[name] for name in ("openai_responses", "anthropic", "gemini")])
def test_an_answer_that_is_ended_before_it_is_whole(dialect: Dialect) -> None:
    assert BROKEN_OFF.message.encode() in dialect.writer(CONTEXT).close()
