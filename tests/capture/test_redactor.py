"""Redaction: every text of every part, in JSON too, the user's own rules, and an end to patterns that take for ever."""

import json
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable
from queue import SimpleQueue
from threading import Event
from time import monotonic
from typing import IO, Any

import pytest
from msgspec.structs import replace

from gateway.capture import own_rules
from gateway.capture.matcher import MATCHER
from gateway.capture.own_rules import OwnRules, TooSlow
from gateway.capture.redactor import Redactor
from gateway.capture.rules import chosen
from gateway.capture.texts import mapped
from gateway.configuration.redact_rules import RedactRule
from gateway.model import (
    Blob,
    Choice,
    HostedTool,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Request,
    Response,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolCallResponse,
    Uri,
)
from gateway.told import Told

SECRET = "sk-proj-abcDEF0123456789xyz"
PUT = "[redacted: provider_key]"
BASE = Told(source="gateway", scope="k", started_us=1)


def asking(*parts: Part, **more: Any) -> Told:
    return replace(BASE, request=Request(model="m", messages=(Message(Role.USER, parts),), **more))


def answering(part: Part) -> Told:
    return replace(BASE, response=Response(id="r", choices=(Choice(parts=(part,)),)))


# Every place in which something can be said.
PLACES: list[Callable[[str], Told]] = [
    lambda s: asking(Text(s)),
    lambda s: asking(Text("x", {"anthropic": {"citations": [{"cited_text": s}]}})),
    lambda s: answering(Refusal(s)),
    lambda s: answering(Reasoning(s)),
    lambda s: answering(Reasoning("", {"openai_responses": {"summary": [s]}})),
    lambda s: answering(ToolCall("1", "f", json.dumps({"key": s}))),
    lambda s: answering(ToolCall("1", "f", s, custom=True)),
    lambda s: asking(ToolCallResponse("1", (Text(s), Text("y")), "f")),
    lambda s: asking(ToolCallResponse("1", (Opaque("anthropic", {"type": "x", "data": f"{s} " * 90}),), "f")),
    lambda s: asking(Opaque("openai_responses", {"type": "web_search", "query": {"deep": [s]}})),
    lambda s: asking(Uri(f"https://example.org/?key={s}")),
    lambda s: asking(Blob("application/pdf", "AAAA", filename=f"{s}.pdf")),
    lambda s: asking(Blob("text/plain", b64encode(s.encode()).decode(), "document")),
    lambda s: replace(BASE, request=Request(model="m", messages=(Message(Role.SYSTEM, (Text(s),)),))),
    lambda s: replace(BASE, request=Request(model="m", messages=(Message(Role.USER, (), name=s),))),
    lambda s: asking(tools=(Tool(name="f", description=s),)),
    lambda s: asking(tools=(Tool(name="f", parameters={"properties": {"a": {"description": s}}}),)),
    lambda s: asking(tools=(HostedTool("anthropic", "x", {"token": s}),)),
    lambda s: asking(metadata={"note": s}),
    lambda s: asking(metadata={s: "note"}),
    lambda s: asking(user=s),
    lambda s: asking(stop=(s,)),
    lambda s: asking(extra={"openai_chat": {"prediction": {"content": s}}}),
    lambda s: replace(BASE, error_message=f"Incorrect API key: {s}"),
    lambda s: replace(BASE, title=s),
]


def everything(told: Told) -> str:
    """All that is told, files' text decoded, as one text."""
    shown = str(told)
    for message in told.request.messages if told.request else ():
        for part in message.parts:
            if isinstance(part, Blob) and part.mime_type == "text/plain":
                shown += b64decode(part.data).decode()
    return shown


@pytest.mark.parametrize("place", PLACES, ids=range(len(PLACES)))
def test_a_secret_is_taken_out_wherever_it_stands(place: Callable[[str], Told]) -> None:
    clean = Redactor(chosen((), ())).redacted(place(SECRET))
    assert SECRET not in everything(clean) and PUT in everything(clean)
    assert Redactor(chosen((), ("provider_key",))).redacted(place(SECRET)) == place(SECRET)


def test_what_holds_no_secret_is_the_very_same_object() -> None:
    redactor = Redactor(chosen(("email", "iban", "card_number"), ()))
    for place in PLACES:
        told = place("nothing to hide")
        assert redactor.redacted(told) is told and redactor.redacted(told) is told


def test_json_keeps_its_form_but_for_what_its_escapes_hid() -> None:
    hidden = '{"a":  "\\u0073k-proj-abcDEF0123456789xyz", "n": 1.0}'
    plain = '{ "a" : "\\u00e4", "b":[ 1 ] }'
    redactor = Redactor(chosen((), ()))
    clean = redactor.redacted(answering(ToolCall("1", "f", hidden)))
    assert clean.response == answering(ToolCall("1", "f", f'{{"a":"{PUT}","n":1.0}}')).response
    assert redactor.redacted(answering(ToolCall("1", "f", plain))) == answering(ToolCall("1", "f", plain))


def test_a_secret_is_taken_out_each_time_that_it_comes() -> None:
    redactor = Redactor(chosen((), ()))
    assert [str(redactor.redacted(asking(Text(f"a {SECRET}")))).count(SECRET) for _ in range(3)] == [0, 0, 0]


def test_what_a_rule_sees_across_strings_goes_from_json_that_another_one_broke() -> None:
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    # Of the private key the rule takes the escape of a quote along.
    said = json.dumps({"key": '-----BEGIN PRIVATE KEY-----\nMII "x"', "SecretAccessKey": secret})
    found = Redactor(chosen((), ())).through(lambda change: change(said))
    assert json.loads(found) == {
        "key": '[redacted: private_key]"x"',
        "SecretAccessKey": "[redacted: aws_key]",
    }


def test_json_within_json_within_json() -> None:
    own = Redactor((), [RedactRule(name="pin", pattern=r'^pin "\d+"$', replacement="[pin]")])
    deep = json.dumps({"a": json.dumps({"b": json.dumps(['pin "1234"'])})})
    try:
        clean = own.redacted(answering(ToolCall("1", "f", deep))).response
        assert clean is not None
        call = clean.choices[0].parts[0]
        assert isinstance(call, ToolCall)
        assert json.loads(json.loads(json.loads(call.arguments)["a"])["b"]) == ["[pin]"]
    finally:
        own.close()


def test_own_rules_follow_the_built_in_ones_and_may_use_groups() -> None:
    rules = [
        RedactRule(name="ticket", pattern=r"(?i)(project)-\d+", replacement=r"\1-…"),
        RedactRule(name="marks", pattern=r"\[redacted: \w+\]", replacement="<hidden>"),
    ]
    redactor = Redactor(chosen((), ()), rules)
    try:
        clean = redactor.redacted(asking(Text(f"See Project-17 and {SECRET}.\nZeile ä €")))
        assert clean == asking(Text("See Project-… and <hidden>.\nZeile ä €"))
    finally:
        redactor.close()


SLOW = RedactRule(name="slow", pattern=r"(a+)+$", replacement="-")


def test_a_slow_pattern_costs_the_part_and_nothing_else() -> None:
    redactor = Redactor((), [SLOW], seconds=0.5)
    try:
        before = monotonic()
        told = redactor.redacted(asking(Text("fine"), Text("a" * 60 + "b"), Text("never looked at")))
        assert told.request is not None
        texts = [part.text for part in told.request.messages[0].parts if isinstance(part, Text)]
        assert texts[0] == "fine"
        assert texts[1] == "[redaction took too long: 61 characters are not kept]"
        # What could not be looked at is not stored either.
        assert texts[2] == "[redaction took too long: 15 characters are not kept]"
        assert told.hints == (
            "Redaction took too long for 2 parts: see capture.redact, a pattern of it may be slow.",
        )
        again = redactor.redacted(asking(Text("still works")))
        assert again == asking(Text("still works")) and monotonic() - before < 30
    finally:
        redactor.close()


def test_too_much_text_for_one_exchange_is_not_stored() -> None:
    redactor = Redactor(chosen((), ()), characters=1000)
    told = redactor.redacted(asking(Text("a" * 900), Text("b" * 101)))
    assert told.request is not None
    first, second = told.request.messages[0].parts
    assert first == Text("a" * 900) and second == Text("[redaction took too long: 101 characters are not kept]")


def test_what_was_seen_before_is_no_part_of_the_size() -> None:
    redactor = Redactor(chosen((), ()), characters=1000)
    for turn in range(1, 20):
        told = asking(*(Text(f"{at} " * 300) for at in range(turn)))
        assert redactor.redacted(told) is told


def test_secrets_of_the_exchange_itself_go_whatever_their_form() -> None:
    clean = Redactor(()).redacted(asking(Text("my key is opaque")), ("opaque",))
    assert clean == asking(Text("my key is [hidden]"))


def test_half_a_surrogate_pair_is_no_text() -> None:
    assert Redactor(chosen((), ())).redacted(asking(Text("a\ud83db"))) == asking(Text("a\ufffdb"))


def test_a_process_that_is_gone_is_started_again() -> None:
    rules = OwnRules([RedactRule(name="x", pattern="x+", replacement="y")])
    try:
        assert rules.applied("axxb", monotonic() + 20) == "ayb"
        rules.close()
        assert rules.applied("x", monotonic() + 20) == "y"
    finally:
        rules.close()


def test_a_text_whose_time_is_up_is_not_begun_and_the_next_finds_the_process_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rules = OwnRules([RedactRule(name="x", pattern="x+", replacement="y")])
    try:
        assert rules.applied("axxb", monotonic() + 20) == "ayb"
        monkeypatch.setattr(subprocess, "Popen", None)
        for _ in range(50):
            with pytest.raises(TooSlow):
                rules.applied("x", monotonic() - 1)
        assert rules.applied("xx", monotonic() + 20) == "y"
    finally:
        rules.close()


def test_a_frozen_program_is_that_process_too_and_neither_is_given_our_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FAREGATE_OPENAI_API_KEY", "sk-canary")
    made: list[tuple[list[str], dict[str, str]]] = []
    popen = subprocess.Popen

    def noted(command: list[str], *, env: dict[str, str], **more: Any) -> Any:
        made.append((command, env))
        frozen = [sys.executable, "-m", "gateway", *command[1:]]
        return popen(frozen if command[1] == MATCHER else command, env=env, **more)

    monkeypatch.setattr(subprocess, "Popen", noted)
    for frozen in (False, True):
        monkeypatch.setattr(sys, "frozen", frozen, raising=False)
        rules = OwnRules([RedactRule(name="x", pattern="x+", replacement="y")])
        assert rules.applied("axxb", monotonic() + 20) == "ayb"
        rules.close()
    assert [command[1] for command, _ in made] == ["-I", MATCHER]
    assert all("FAREGATE_OPENAI_API_KEY" not in env and "PATH" in env for _, env in made)


def test_each_text_is_looked_at_once_however_deep_it_lies() -> None:
    seen: list[str] = []

    def change(text: str) -> str:
        seen.append(text)
        return text.upper()

    value: object = ["same", "secret", "more"]
    for _ in range(100):
        value = [value, {"NAME": (1, None)}]
    found = mapped(value, change)
    assert sorted(seen) == sorted(["same", "secret", "more", *["NAME"] * 100])
    inner: Any = found
    for _ in range(100):
        assert inner[1] == {"NAME": (1, None)}
        inner = inner[0]
    assert inner == ["SAME", "SECRET", "MORE"]


def test_what_nothing_changes_in_is_the_very_same() -> None:
    part = ToolCallResponse("call_1", (Text("A", {"x": {"Y": ["B"]}}), Text("C")))
    request = Request(model="m", messages=(Message(Role.TOOL, (part,)),), stop=("D", "E"), temperature=0.5)
    assert mapped(request, str) is request
    changed = mapped(request, lambda text: "Z" if text == "C" else text)
    assert changed.messages[0].parts[0] == ToolCallResponse("call_1", (part.content[0], Text("Z")))
    assert changed.stop is request.stop and changed.temperature == 0.5


def test_what_was_found_clean_deep_within_is_read_anew_by_itself() -> None:
    hidden = json.dumps({"k": SECRET}).replace("D", "\\u0044")
    deep = hidden
    for _ in range(4):
        deep = json.dumps({"d": deep})
    redactor = Redactor(chosen((), ()))
    redactor.redacted(asking(Text(deep)))
    (part,) = redactor.redacted(asking(Text(hidden))).request.messages[0].parts  # type: ignore[union-attr]
    assert part == Text(json.dumps({"k": PUT}, separators=(",", ":")))


@pytest.mark.parametrize("depth", [50, 400, 900, 5000, 100_000])
def test_json_nested_however_deep_is_gone_through_or_left_as_a_text(depth: int) -> None:
    text = f"{'[' * depth}{json.dumps(SECRET)}, {json.dumps(chr(10))}{']' * depth}"
    told = Redactor(chosen((), ())).redacted(asking(Text(text)))
    assert told.hints == () and SECRET not in repr(told) and PUT in repr(told)


def test_nothing_is_taken_for_another_texts_answer_where_the_rules_were_slow_to_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rules = OwnRules([RedactRule(name="x", pattern="x+", replacement="y")])
    refused, read = Event(), own_rules._read

    def late(stream: IO[bytes], lines: "SimpleQueue[bytes]") -> None:
        # On a busy machine the process may well have answered before its answer is first asked for.
        assert refused.wait(20)
        read(stream, lines)

    monkeypatch.setattr(own_rules, "_read", late)
    monkeypatch.setattr(own_rules, "START_S", 0.0)
    with pytest.raises(TooSlow):
        rules.applied("first", monotonic() + 20)
    refused.set()
    monkeypatch.setattr(own_rules, "START_S", 20.0)
    try:
        assert [rules.applied(text, monotonic() + 20) for text in ("axx", "b")] == ["ay", "b"]
    finally:
        rules.close()
