"""The envelope: what one provider made, named, through a door of another dialect, and back to its maker alone."""

import base64
import itertools
import json

import pytest

from gateway.dialects.envelope import ORIGIN, PACKED, PLAIN, at_home, has_state, unwrap, without_state, wrap
from gateway.dialects.gemini import DIALECT as GEMINI
from gateway.model import NO_EXTRA, Extra, Message, Origin, Reasoning, Request, Role, Target, Text

STATE: Extra = {"gemini": {"thought_signature": "Sg=="}, "anthropic": {"cache_control": {"type": "ephemeral"}}}
MAKER = "google/gemini-3.1-pro-preview"


def test_what_was_wrapped_comes_back_to_its_maker_exactly() -> None:
    text = wrap(STATE, without="anthropic", origin=MAKER, mark="call")
    carried = unwrap(text)
    assert carried is not None and carried[0] == "call"
    assert at_home(carried[1], MAKER) == {"gemini": {"thought_signature": "Sg=="}}


def test_another_model_gets_none_of_it_and_is_told_whose_it_was() -> None:
    carried = unwrap(wrap(STATE, without="", origin=MAKER))
    assert carried is not None
    # The door's own pocket, which the client wrote, is no state of the maker's.
    part = {**carried[1], "openai_chat": {"x": 1}}
    assert at_home(part, "google/gemini-3.8-flash") == {ORIGIN: part[ORIGIN], "openai_chat": {"x": 1}}
    assert at_home({"gemini": {"thought_signature": "own"}}, "any") == {"gemini": {"thought_signature": "own"}}


@pytest.mark.parametrize("text", ["", "EqQBCkgI", "faregate-state-2.part.e30", "ErUB faregate-state-1.part.e30"])
def test_a_providers_own_signature_is_not_ours(text: str) -> None:
    assert unwrap(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "faregate-state-1.",
        "faregate-state-1.part",
        "faregate-state-1.part.",
        "faregate-state-1.part.%%%",
        "faregate-state-1.part.bnVsbA",
        "faregate-state-1.part.W10",
    ],
)
def test_a_damaged_envelope_is_nobodys_state(text: str) -> None:
    carried = unwrap(text)
    assert carried is not None and not has_state(at_home(carried[1], MAKER))


def test_a_body_that_brings_ours_back_is_recognised_in_each_dialects_form() -> None:
    text = wrap({}, without="gemini", origin=MAKER)
    packed = (base64.b64encode(text.encode()).decode(), base64.urlsafe_b64encode(text.encode()).decode())
    for start, values in ((PLAIN, (text,)), (PACKED, packed)):
        for value, separators in itertools.product(values, ((",", ":"), (", ", ": "))):
            assert start in json.dumps({"signature": value}, separators=separators).encode()
        assert start not in json.dumps({"signature": "EqQB", "text": f"say {values[0]}"}).encode()


def test_state_is_told_from_what_stands_beside_it() -> None:
    extra: Extra = {
        "anthropic": {"signature": "s", "cache_control": 1},
        "openai_responses": {"encrypted_content": "e"},
    }
    assert has_state(extra) and without_state(extra) == {"anthropic": {"cache_control": 1}}
    assert not has_state(without_state(extra)) and not has_state({"openai_responses": {"id": "rs_1"}})


@pytest.mark.parametrize(
    ("door", "dropped"),
    [("openai_chat", ("messages[].reasoning_content",)), ("anthropic", ()), ("openai_responses", ())],
)
def test_unsigned_thoughts_that_a_door_held_for_gemini_are_no_loss(door: str, dropped: tuple[str, ...]) -> None:
    """Its summaries are unsigned: an envelope brings them home without any state, chat brings anybody's words."""
    carried = unwrap(wrap({}, without=door, origin=MAKER))
    assert carried is not None and at_home(carried[1], MAKER) == NO_EXTRA
    thought = Message(Role.ASSISTANT, (Reasoning("hm", NO_EXTRA), Text("Yes.")))
    hi = Message(Role.USER, (Text("hi"),))
    said = Request(model="m", messages=(hi, thought, hi), origin=Origin(dialect=door))
    assert GEMINI.render_request(said, Target(model="m")).dropped == dropped
