"""Known faults of other gateways with what providers want back: signatures, thinking blocks, encrypted reasoning.

A client keeps its history as its official SDK gives it. Every provider here issues a state of its own for each turn
and refuses, as the real ones do, what it did not issue or did not issue so.
"""

import json
from base64 import b64encode, urlsafe_b64decode
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.dialects import DIALECTS
from gateway.relaying.replay import ReplayMemory, StateWatch
from tests.dialects.feeding import read
from tests.dialects.grammars import CONTEXT, told
from tests.faults.answers import CALLED, Call, Piece, Thought, Words, stream, whole
from tests.faults.clients import WIRES, Heard, ask
from tests.faults.requests import MODELS, Wire, carried, parsed, target_of

DOORS = pytest.mark.parametrize("door", WIRES)
BOTH = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
SENTINELS = ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go")


class Client:
    """A program with one conversation at one door."""

    def __init__(self, door: str) -> None:
        self.door = door
        self.history: list[Wire] = [_asked(door)]

    @property
    def body(self) -> Wire:
        match self.door:
            case "openai_chat":
                tool = {"type": "function", "function": {"name": "look", "parameters": SCHEMA}}
                return {"model": "m", "tools": [tool], "messages": self.history}
            case "openai_responses":
                tool = {"type": "function", "name": "look", "parameters": SCHEMA, "strict": False}
                return {"model": "m", "tools": [tool], "input": self.history, "store": False}
            case "anthropic":
                tool = {"name": "look", "input_schema": SCHEMA}
                thinking = {"type": "adaptive"}
                return {
                    "model": "m",
                    "max_tokens": 999,
                    "tools": [tool],
                    "thinking": thinking,
                    "messages": self.history,
                }
        tool = {"functionDeclarations": [{"name": "look", "parametersJsonSchema": SCHEMA}]}
        return {"tools": [tool], "contents": self.history}

    def take(self, heard: Heard) -> None:
        """Keeps the turn, and answers its calls."""
        self.history += heard.history
        results = [_result(self.door, call) for call in heard.calls]
        match self.door:
            case "anthropic":
                self.history.append({"role": "user", "content": results})
            case "gemini":
                self.history.append({"role": "user", "parts": results})
            case _:
                self.history += results


SCHEMA = {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]}


def _asked(door: str) -> Wire:
    if door == "gemini":
        return {"role": "user", "parts": [{"text": "Look around."}]}
    return {"role": "user", "content": "Look around."}


def _result(door: str, call: Call) -> Wire:
    match door:
        case "openai_chat":
            return {"role": "tool", "tool_call_id": call.id, "content": "a wall"}
        case "openai_responses":
            return {"type": "function_call_output", "call_id": call.id, "output": "a wall"}
        case "anthropic":
            return {"type": "tool_result", "tool_use_id": call.id, "content": "a wall"}
    return {"functionResponse": {"id": call.id, "name": call.name, "response": {"output": "a wall"}}}


class Provider:
    """Answers with thinking and calls that hold a state of its own, and checks what it gets back."""

    def __init__(self, dialect: str) -> None:
        self.dialect = dialect
        self.turns = 0
        # Thinking's text by its state, and a call's state by its argument.
        self.thoughts: dict[str, str] = {}
        self.calls: dict[str, str] = {}

    def answer(self, calls: int = 1) -> list[Piece]:
        self.turns += 1
        place = f"{self.dialect}-{self.turns}"
        thought = Thought(f"Thinking of {place}.", state(f"{place}-thought"))
        self.thoughts[thought.state] = thought.text
        made = []
        for number in range(calls):
            at = f"{place}-{number}"
            # Gemini signs the first of parallel calls only.
            signature = state(f"{at}-call") if self.dialect == "gemini" and number == 0 else ""
            self.calls[at] = signature
            made.append(Call(f"call_{at}".replace("-", "_"), "look", {"at": at}, signature))
        return [thought, Words(f"I look at {place}."), *made]

    def check(self, body: Any) -> int:
        """How many of its own states came back. Raises AssertionError for one that it did not issue."""
        return _CHECKS[self.dialect](self, body)


def state(text: str) -> str:
    """In the form of a signature: base64, and with characters that URLs and JSON may write otherwise."""
    return b64encode(b"\xfb\xff\xfe" + text.encode() + b"?>").decode()


def unpacked(signature: str) -> bytes:
    """Google's SDK writes a signature's bytes in the other alphabet of base64, and the API takes both."""
    return urlsafe_b64decode(signature.replace("+", "-").replace("/", "_"))


def _check_anthropic(provider: Provider, body: Any) -> int:
    blocks = [block for turn in body["messages"] if turn["role"] == "assistant" for block in turn["content"]]
    thinking = [block for block in blocks if block["type"] == "thinking"]
    for block in thinking:
        assert provider.thoughts[block["signature"]] == block["thinking"]
    return len(thinking)


def _check_gemini(provider: Provider, body: Any) -> int:
    known = 0
    for turn in body["contents"]:
        parts = turn["parts"] if turn["role"] == "model" else []
        calls = [part for part in parts if "functionCall" in part]
        for number, part in enumerate(calls):
            signature = part.get("thoughtSignature", "")
            at = part["functionCall"]["args"]["at"]
            if at in provider.calls:
                assert unpacked(signature) == unpacked(provider.calls[at])
                known += bool(signature)
            else:
                # Every step's first call needs one; what another provider called has the documented stand-in.
                assert (signature in SENTINELS) if number == 0 else not signature
        for part in parts:
            if part.get("thought"):
                assert unpacked(part["thoughtSignature"]) in {unpacked(known) for known in provider.thoughts}
    return known


def _check_responses(provider: Provider, body: Any) -> int:
    reasoning = [item for item in body["input"] if item.get("type") == "reasoning"]
    for item in reasoning:
        assert item["encrypted_content"] in provider.thoughts
        assert item["summary"] == [] or item["summary"][0]["text"] == provider.thoughts[item["encrypted_content"]]
        assert item["id"] and not item.get("content")
    assert body["store"] is False
    return len(reasoning)


def _check_chat(_provider: Provider, body: Any) -> int:
    for turn in body["messages"]:
        assert turn.keys() <= {"role", "content", "tool_calls", "tool_call_id"}
        for call in turn.get("tool_calls", ()):
            assert call.keys() == {"id", "type", "function"}
    return 0


_CHECKS = {
    "anthropic": _check_anthropic,
    "gemini": _check_gemini,
    "openai_responses": _check_responses,
    "openai_chat": _check_chat,
}


class Gateway:
    """Between client and provider: restores and translates as the relay does."""

    def __init__(self, door: str) -> None:
        self.door = door
        self.memory = ReplayMemory()

    def request(self, body: Wire, dialect: str) -> Any:
        target = target_of(dialect)
        request = self.memory.restore("key", target.origin, parsed(self.door, body, MODELS[dialect]))
        return json.loads(DIALECTS[dialect].render_request(request, target).body)

    def answer(self, pieces: list[Piece], dialect: str, streamed: bool) -> bytes:
        origin = target_of(dialect).origin
        context = replace(CONTEXT, origin="" if dialect == self.door else origin)
        if streamed:
            events = read(DIALECTS[dialect].reader(), [stream(dialect, pieces, CALLED[dialect])])
            watch = StateWatch(self.memory, "key", "req_1", origin)
            for event in events:
                watch.feed(event)
            return told(self.door, events, context)
        response = DIALECTS[dialect].parse_response(whole(dialect, pieces, CALLED[dialect]))
        self.memory.remember("key", "req_1", origin, response.choices[0].parts)
        return DIALECTS[self.door].render_response(response, context)


def converse(door: str, dialects: Sequence[str], streamed: bool, calls: int = 1, forgets: bool = False) -> list[int]:
    """A turn with each; how many of its own states came back to the provider at each turn. `forgets`: the gateway is
    another one at every turn, and all that is left is what the client sends."""
    client, gateway = Client(door), Gateway(door)
    providers = {dialect: Provider(dialect) for dialect in WIRES}
    known = []
    for dialect in dialects:
        if forgets:
            gateway = Gateway(door)
        provider = providers[dialect]
        known.append(provider.check(gateway.request(client.body, dialect)))
        pieces = provider.answer(calls)
        heard = ask(door, gateway.answer(pieces, dialect, streamed), streamed)
        said = [piece for piece in pieces if isinstance(piece, Call)]
        assert [(call.id, call.arguments) for call in heard.calls] == [(call.id, call.arguments) for call in said]
        client.take(heard)
    return known


FORGETS = pytest.mark.parametrize("forgets", [False, True], ids=["kept", "forgotten"])


@DOORS
@BOTH
@FORGETS
@pytest.mark.parametrize("order", [WIRES, WIRES[::-1]], ids=["forwards", "backwards"])
def test_cliproxyapi_1584_the_provider_changes_at_every_turn(
    door: str, streamed: bool, forgets: bool, order: Sequence[str]
) -> None:
    """And kaitranntt/ccs#415: foreign thinking is dropped, its own comes back to who made it."""
    known = converse(door, [*order, *order], streamed, forgets=forgets)
    assert known[:4] == [0] * 4
    again = dict(zip(order, known[4:], strict=True))
    assert again["gemini"] == 1
    # A chat client has no place for Anthropic's and OpenAI's state: only what is kept here can come back.
    lost = door == "openai_chat" and forgets
    assert (again["anthropic"], again["openai_responses"]) == ((0, 0) if lost else (1, 1))


@DOORS
@BOTH
@FORGETS
@pytest.mark.parametrize("calls", [1, 3])
def test_antigravity2api_86_gemini_gets_back_the_signature_that_it_issued(
    door: str, streamed: bool, forgets: bool, calls: int
) -> None:
    """A loop of three steps; of parallel calls only the first is signed, and stays the signed one."""
    assert converse(door, ["gemini"] * 4, streamed, calls, forgets) == [0, 1, 2, 3]


@pytest.mark.parametrize("door", ["anthropic", "openai_responses", "gemini"])
@BOTH
@FORGETS
@pytest.mark.parametrize("dialect", ["anthropic", "openai_responses"])
def test_vercel_ai_8865_thinking_comes_back_signed_to_who_made_it(
    door: str, dialect: str, streamed: bool, forgets: bool
) -> None:
    """And openai/openai-agents-js#770, maximhq/bifrost#5186: whole, and with its state verbatim."""
    assert converse(door, [dialect] * 4, streamed, 2, forgets) == [0, 1, 2, 3]


@BOTH
def test_langchain_37347_signatures_come_back_also_where_the_client_drops_them(streamed: bool) -> None:
    """Chat clients that rebuild their messages keep ids, names and arguments only."""
    client, gateway, provider = Client("openai_chat"), Gateway("openai_chat"), Provider("gemini")
    for step in range(4):
        assert provider.check(gateway.request(client.body, "gemini")) == step
        client.take(ask("openai_chat", gateway.answer(provider.answer(), "gemini", streamed), streamed))
        for message in client.history:
            for call in message.get("tool_calls", ()):
                call.pop("extra_content", None)
    # Where nothing is kept any more, Google's documented stand-in goes in place of each, and it is said.
    rendered = carried("openai_chat", client.body, "gemini")
    calls = [
        part for turn in json.loads(rendered.body)["contents"] for part in turn["parts"] if "functionCall" in part
    ]
    assert len(calls) == 4 and all(part["thoughtSignature"] in SENTINELS for part in calls)
    assert rendered.adapted == ("messages[].tool_calls[].extra_content",)
