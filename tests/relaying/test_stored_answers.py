"""What of an answer that was to be stored is put back, for whom, and what passes as it came."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from gateway.dialects import openai_responses
from gateway.dialects.openai_responses.stored import MOST_ITEMS
from gateway.relaying.stored_answers import StoredAnswers
from gateway.relaying.translator import Translator
from gateway.sse import WholeEvents

MESSAGE: dict[str, Any] = {"id": "msg_1_0", "type": "message", "role": "assistant", "content": [{"text": "Four ☂"}]}
REQUEST = b'{"model":"m","input":"2+2?","tools":[{"x":1e400}]}'


def kept(clock: Callable[[], float] = lambda: 0.0) -> StoredAnswers:
    memory = StoredAnswers(clock=clock)
    memory.keep(
        "k", "req_1", "", REQUEST, json.dumps({"id": "resp_1", "output": [MESSAGE]}, ensure_ascii=False).encode()
    )
    return memory


def body(*items: Any, **more: Any) -> bytes:
    return json.dumps({"model": "n", "input": list(items), "temperature": 0.5, **more}).encode()


def test_a_reference_becomes_its_item() -> None:
    named = {"type": "item_reference", "id": "msg_1_0"}
    other = {"type": "item_reference", "id": "msg_2_0"}
    found = json.loads(kept().completed("k", "google", body(named, other, {"role": "user", "content": "msg_1_0"})))
    assert found == json.loads(body(MESSAGE, other, {"role": "user", "content": "msg_1_0"}))


@pytest.mark.parametrize(
    "form",
    [
        b'event: x\ndata: {"type":"x"}\n\nevent: response.completed\ndata: %b\n\n',
        b"event: response.completed\r\ndata: %b\r\n\r\n",
        b"data: %b\n\n",
        b"data:%b\nid: 7\n\n",
        b"data: %b\n\n: still there\n\ndata: [DONE]\n\n",
    ],
)
def test_the_last_events_of_a_stream_tell_the_answer(form: bytes) -> None:
    memory = StoredAnswers()
    ended = {"type": "response.completed", "response": {"id": "resp_1", "output": [MESSAGE]}}
    last = form % json.dumps(ended).encode()
    memory.keep("k", "req_1", "", REQUEST, last)
    assert json.loads(memory.completed("k", "google", body(previous_response_id="resp_1")))["input"][1] == MESSAGE


@pytest.mark.parametrize("end", [b"\n\n", b"\n", b""])
def test_an_answer_whose_stream_ends_without_a_blank_line_is_kept(end: bytes) -> None:
    memory, reader = StoredAnswers(), openai_responses.DIALECT.reader(passing=True)
    translator = Translator(cutter=WholeEvents(), keeps=True)
    ended = {"type": "response.completed", "response": {"id": "resp_1", "output": [MESSAGE]}}
    data = b"data: " + json.dumps(ended).encode() + end
    out = translator.feed(data, reader.feed(data)) + translator.feed(b"", reader.close()) + translator.close()
    assert out == data
    memory.keep("k", "req_1", "own", REQUEST, translator.take_last())
    assert translator.take_last() == b""
    assert json.loads(memory.completed("k", "google", body(previous_response_id="resp_1")))["input"][1] == MESSAGE


def test_an_answer_that_is_named_brings_what_was_asked_before_it() -> None:
    memory = kept()
    asked = json.loads(
        memory.completed("k", "google", body({"role": "user", "content": "Sure?"}, previous_response_id="resp_1"))
    )
    question = {"role": "user", "content": "2+2?"}
    assert asked == json.loads(body(question, MESSAGE, {"role": "user", "content": "Sure?"}))


@pytest.mark.parametrize(
    "said",
    [
        body(previous_response_id="resp_2"),
        body(previous_response_id=7),
        body(previous_response_id=None),
        body({"type": "item_reference", "id": "msg_2_0"}),
        body({"type": "item_reference", "id": ["msg_1_0"]}),
        body({"role": "user", "content": '"item_reference" "msg_1_0"'}),
        b'{"previous_response_id":"resp_1"',
        b'{"previous_response_id":"resp_1","input":7}',
        b'{"previous_response_id":"resp_1","input":"half a pair: \\ud83d","x":NaN}',
        b'["item_reference"]',
    ],
)
def test_what_is_not_kept_passes_as_it_came(said: bytes) -> None:
    assert kept().completed("k", "google", said) is said


def test_another_key_has_nothing_of_it() -> None:
    said = body({"type": "item_reference", "id": "msg_1_0"}, previous_response_id="resp_1")
    assert kept().completed("other", "google", said) is said


def test_what_its_own_provider_keeps_goes_on_being_named_there() -> None:
    memory = StoredAnswers()
    memory.keep("k", "req_1", "openai", REQUEST, json.dumps({"id": "resp_1", "output": [MESSAGE]}).encode())
    named = {"type": "item_reference", "id": "msg_1_0"}
    for said in (body(named), body(previous_response_id="resp_1")):
        assert memory.completed("k", "openai", said) is said
        assert "Four" in json.loads(memory.completed("k", "google", said))["input"][-1]["content"][0]["text"]


def test_a_chain_of_answers_is_followed_to_its_beginning_or_not_at_all() -> None:
    memory = StoredAnswers()
    for n in range(2000):
        asked = {"input": f"q{n}", **({"previous_response_id": f"resp_{n - 1}"} if n else {})}
        answer = {"id": f"resp_{n}", "output": [{"id": f"msg_{n}", "type": "message", "content": f"a{n}"}]}
        memory.keep("k", "req_1", "openai", json.dumps(asked).encode(), json.dumps(answer).encode())
    said = json.loads(memory.completed("k", "google", body("new", previous_response_id="resp_1999")))["input"]
    assert [item["content"] for item in said[:-1]] == [f"{kind}{n}" for n in range(2000) for kind in "qa"]
    memory._answers.drop(("k", "resp_7"))
    broken = body("new", previous_response_id="resp_1999")
    assert memory.completed("k", "google", broken) is broken


def test_a_conversation_that_goes_on_keeps_its_beginning() -> None:
    hours = [0]
    memory = kept(lambda: hours[0] * 3600.0)
    for hour in (8, 16, 24):
        hours[0] = hour
        said = body({"type": "item_reference", "id": "msg_1_0"}, previous_response_id="resp_1")
        assert json.loads(memory.completed("k", "google", said))["input"][1:] == [MESSAGE, MESSAGE]
    hours[0] = 37
    memory.let_go()
    assert memory.completed("k", "google", said) is said and not memory.may_complete(said)


def test_an_item_that_is_named_again_and_again_is_put_back_for_as_long_as_all_that_is_kept() -> None:
    """A short request would fill the memory."""
    memory, words = StoredAnswers(), "A" * 1_000_000
    item = {"id": "msg_1", "type": "message", "content": words}
    memory.keep("k", "req_1", "", REQUEST, json.dumps({"id": "resp_1", "output": [item]}).encode())
    named = {"type": "item_reference", "id": "msg_1"}
    said = json.loads(memory.completed("k", "google", body(*[named] * 100)))["input"]
    assert said[:16] == [item] * 16 and said[17:] == [named] * 83


def test_an_answer_that_is_too_large_to_keep_is_not_looked_through() -> None:
    """It would hold the loop."""
    answer = json.dumps({"id": "resp_1", "output": [{"id": "ig_1", "result": "A" * 12_000_000}]}).encode()
    memory, before = StoredAnswers(), time.thread_time()
    memory.keep("k", "req_1", "", REQUEST, answer)
    assert time.thread_time() - before < 0.004
    assert not memory.may_complete(body(previous_response_id="resp_1"))


@pytest.mark.parametrize("answer", [b"", b"{}", b'data: {"x"', b'{"id":"r","output":[{}]}', b'{"id":"r","output":7}'])
def test_an_answer_that_cannot_be_read_is_not_kept(answer: bytes) -> None:
    memory = StoredAnswers()
    memory.keep("k", "req_1", "openai", REQUEST, answer)
    named = body({"type": "item_reference", "id": "None"})
    assert memory.completed("k", "google", named) is named


@pytest.mark.parametrize(("count", "is_kept"), [(MOST_ITEMS, True), (MOST_ITEMS + 1, False)])
def test_an_answer_of_more_items_than_a_model_gives_is_not_kept(count: int, *, is_kept: bool) -> None:
    memory = StoredAnswers()
    output = [{"id": f"msg_{n}", "type": "message"} for n in range(count)]
    memory.keep("k", "req_1", "", REQUEST, json.dumps({"id": "resp_1", "output": output}).encode())
    assert memory.may_complete(body(previous_response_id="resp_1")) is is_kept
