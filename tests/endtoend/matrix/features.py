"""A scene per feature: what is said, and what both ends must have seen.

The models are those that take the hard way: OpenAI's newer ones take tools with an effort on Responses only, Gemini 3
signs its calls, Claude its thinking, Grok takes its thinking back and no stop sequences.
"""

import json
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.dialects.verdicts import Verdict
from tests.endtoend.matrix.expectation import Expected
from tests.endtoend.matrix.scenario import Ask, Called, Function, Heard, Media, Piece, Talk
from tests.provider.client import ProviderProcess

PROVIDERS = ("openai", "anthropic", "google", "xai")


@dataclass(frozen=True)
class Exchange:
    """One request: what the client heard and which headers came, what the provider's ledger says, the stored row."""

    heard: Heard
    headers: Mapping[str, str]
    entry: Mapping[str, Any]
    request_id: str

    @property
    def understood(self) -> dict[str, Any]:
        return dict(self.entry["understood"])

    @property
    def said(self) -> dict[str, Any]:
        """What the provider answered."""
        return dict(self.entry["answer"])


@dataclass
class Stage:
    """Where a scene is played: one door, one model, whole or streamed. `seed` makes the answers repeatable."""

    open: Callable[[], Talk]
    headers: Callable[[], Mapping[str, str]]
    provider: ProviderProcess
    provider_name: str
    door: str
    streamed: bool
    seed: int
    expected: Expected
    exchanges: list[Exchange] = field(default_factory=list)
    refused_id: str = ""

    def __post_init__(self) -> None:
        self.talk = self.open()

    def ask(self, ask: Ask, told: str = "") -> Exchange:
        """One exchange; the provider is told how to answer, and called exactly once."""
        number = len(self.exchanges)
        self.provider.order(f"{told} seed:{self.seed * 10 + number}", provider=self.provider_name)
        heard = self.talk.ask(ask, self.streamed)
        headers = self.headers()
        entries = self.provider.fresh()
        assert [entry["rejected"] for entry in entries] == [None], entries
        exchange = Exchange(heard, headers, entries[0], headers["x-request-id"])
        self.exchanges.append(exchange)
        assert entries[0]["streamed"] is self.streamed and entries[0]["complete"]
        assert headers["x-faregate-provider"] == self.provider_name
        assert heard.text == ("" if entries[0]["answer"]["finish"] == "refusal" else said_text(exchange))
        return exchange


def said_text(exchange: Exchange) -> str:
    return str(exchange.said["text"])


def texts(exchange: Exchange) -> list[tuple[str, str]]:
    """Who said what, as the provider understood it."""
    return [(turn["role"], "".join(turn["texts"])) for turn in exchange.understood["turns"] if turn["texts"]]


def calls_of(exchange: Exchange) -> list[tuple[str, dict[str, Any]]]:
    return [(call["name"], call["arguments"]) for call in exchange.said["calls"]]


def heard_calls(exchange: Exchange) -> list[tuple[str, dict[str, Any]]]:
    return [(call.name, call.arguments) for call in exchange.heard.calls]


Check = Callable[[Stage, Ask], None]


@dataclass(frozen=True, kw_only=True)
class Feature:
    """`models` by provider; `ask` is every request of the scene but for its model.

    `beside`: what else the scene says at a door, and a provider loses: the table's row and the door's field.
    """

    models: Mapping[str, str]
    play: Check
    ask: Ask = field(default_factory=lambda: Ask(model=""))
    beside: Mapping[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    def asked(self, provider: str) -> Ask:
        return replace(self.ask, model=self.models[provider])


CLASSIC = {"openai": "gpt-4.1", "anthropic": "claude-opus-4-6", "google": "gemini-2.5-flash", "xai": "grok-4.3"}
HARD = {
    "openai": "gpt-5.4",
    "anthropic": "claude-sonnet-4-6",
    "google": "gemini-3.1-pro-preview",
    "xai": "grok-4.3",
}

WEATHER = Function(
    name="get_weather",
    description="The weather in a city, for some days.",
    schema={
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "The city's name."},
            "days": {"type": "integer", "description": "How many days."},
            "units": {"type": "string", "enum": ["metric", "imperial"]},
        },
        "required": ["city", "days"],
    },
)
CLOCK = Function(
    name="get_time",
    description="The time in a zone.",
    schema={"type": "object", "properties": {"zone": {"type": "string"}}, "required": ["zone"]},
)
ANSWER = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "description": "A short title."},
        "rating": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "place": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
    "required": ["title", "rating", "tags", "place"],
    "additionalProperties": False,
}


def _png(red: int) -> bytes:
    """A picture of one dot."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes([0, red, 0, 0]))) + chunk(b"IEND", b"")


PICTURE, CHART = Media("image/png", _png(200)), Media("image/png", _png(90))
PAPER = Media(
    "application/pdf",
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 0/Kids[]>>endobj\n%%EOF\n",
)


def _text(stage: Stage, ask: Ask) -> None:
    question = "What is a fare gate? Ünï — 東京 🚇"
    stage.talk.say(question)
    found = stage.ask(ask)
    assert found.heard.text == said_text(found) != ""
    assert found.heard.finish == "stop" and not found.heard.refusal and not found.heard.calls
    assert texts(found) == [("user", question)]


def _system(stage: Stage, ask: Ask) -> None:
    stage.talk.say("Who are you?")
    found = stage.ask(ask)
    assert found.understood["system"] == [ask.system]
    assert texts(found) == [("user", "Who are you?")]


def _six_turns(stage: Stage, ask: Ask) -> None:
    spoken: list[tuple[str, str]] = []
    for turn in range(6):
        question = f"Question {turn}: what of it?"
        stage.talk.say(question)
        spoken.append(("user", question))
        found = stage.ask(ask)
        assert texts(found) == spoken
        assert found.understood["system"] == [ask.system]
        spoken.append(("assistant", said_text(found)))


def _tool_loop(stage: Stage, ask: Ask, told: str, count: int) -> tuple[Exchange, Exchange]:
    """A question, `count` calls, their results, the answer."""
    stage.talk.say("What is it like there?")
    asked = stage.ask(ask, f"tool {told}")
    assert asked.heard.finish == "tool_calls"
    assert heard_calls(asked) == calls_of(asked) and len(asked.heard.calls) == count
    assert asked.understood["tools"] == {function.name: function.schema for function in ask.tools}
    assert [call.id for call in asked.heard.calls] == [call["id"] for call in asked.said["calls"]]
    assert len({call.id for call in asked.heard.calls}) == count
    results: list[tuple[Called, Sequence[Piece]]] = [
        (call, [json.dumps({"n": number, "sky": "blau ☁"})]) for number, call in enumerate(asked.heard.calls)
    ]
    stage.talk.answer(results)
    answered = stage.ask(ask)
    _check_results(asked, answered, [{"n": number, "sky": "blau ☁"} for number in range(count)])
    return asked, answered


def _check_results(asked: Exchange, answered: Exchange, values: list[Any]) -> None:
    """The provider gets its calls back as it made them, and to each its own result."""
    turns = answered.understood["turns"]
    made = next(turn for turn in reversed(turns) if turn["role"] == "assistant")
    given = next(turn for turn in reversed(turns) if turn["role"] == "tool")
    assert [(call["name"], call["arguments"]) for call in made["calls"]] == calls_of(asked)
    ids = [call["id"] for call in asked.said["calls"]]
    assert [call["id"] for call in made["calls"]] == [result["id"] for result in given["results"]] == ids
    assert [_value(result["value"]) for result in given["results"]] == values
    assert not any(result["error"] for result in given["results"])
    assert answered.heard.finish == "stop" and not answered.heard.calls
    assert answered.heard.text == said_text(answered)


def _value(value: Any) -> Any:
    """A result that came as JSON text is the same as one that came as an object."""
    return json.loads(value) if isinstance(value, str) and value.startswith("{") else value


def _tools(stage: Stage, ask: Ask) -> None:
    asked, _ = _tool_loop(stage, ask, "calls:1", 1)
    (declared,) = asked.understood["tools"].values()
    assert list(declared["properties"]) == ["city", "days", "units"]


def _parallel_tools(stage: Stage, ask: Ask) -> None:
    _tool_loop(stage, ask, "calls:3", 3)


def _tool_result_image(stage: Stage, ask: Ask) -> None:
    stage.talk.say("Show me.")
    asked = stage.ask(ask, "tool calls:2")
    first, second = asked.heard.calls
    stage.talk.answer([(first, ["The chart:", CHART]), (second, ["none"])])
    answered = stage.ask(ask)
    turns = answered.understood["turns"]
    given = next(turn for turn in reversed(turns) if turn["role"] == "tool")
    beside = [media for result in given["results"] for media in result["media"]]
    after = [media for turn in turns if turn["role"] == "user" for media in turn["media"]]
    placed = (beside, after) if stage.expected.verdict is Verdict.CARRIED else (after, beside)
    assert placed == ([CHART.witness], [])
    assert CHART.base64 not in json.dumps([result["value"] for result in given["results"]])
    assert given["results"][1]["value"] == "none" and "The chart:" in given["results"][0]["value"]
    assert answered.heard.text == said_text(answered)


def _media(picture: Media) -> Check:
    def play(stage: Stage, ask: Ask) -> None:
        stage.talk.say("What is this?", picture)
        found = stage.ask(ask)
        (turn,) = found.understood["turns"]
        assert turn["media"] == [picture.witness] and turn["texts"] == ["What is this?"]

    return play


def _reasoning_tool_loop(stage: Stage, ask: Ask) -> None:
    """Two steps of calls in one turn, then the answer, then the next turn: every step's state goes back as it came."""
    stage.talk.say("Think, then look it up.")
    first = stage.ask(ask, "tool think calls:2")
    assert first.entry["reasoning"] > 0 and heard_calls(first) == calls_of(first)
    assert first.heard.reasoning == (first.said["reasoning"] or "")
    assert first.heard.reasoning or stage.door == "openai_chat", "every other door asked to see it"
    stage.talk.answer([(call, ["sunny"]) for call in first.heard.calls])
    second = stage.ask(ask, "tool think again calls:1")
    assert heard_calls(second) == calls_of(second)
    _check_states([first], second)
    stage.talk.answer([(call, ["cloudy"]) for call in second.heard.calls])
    third = stage.ask(ask, "think")
    _check_states([first, second], third)
    assert third.heard.finish == "stop" and third.heard.text == said_text(third)
    stage.talk.say("And tomorrow?")
    last = stage.ask(ask, "think")
    assert [text for role, text in texts(last) if role == "user"] == ["Think, then look it up.", "And tomorrow?"]
    assert last.heard.text == said_text(last)


def _check_states(steps: Sequence[Exchange], answered: Exchange) -> None:
    """Each step of calls comes back with the state that its answer gave, which the provider has checked: a seal where it
    makes one, else the thoughts in their own words."""
    turns = [turn for turn in answered.understood["turns"] if turn["role"] == "assistant"]
    for step, turn in zip(steps, turns, strict=True):
        assert turn["made_up"] == 0
        assert turn["states"] == 1 or turn["thinking"] == [step.said["reasoning"]], turn
        assert [call["id"] for call in turn["calls"]] == [call["id"] for call in step.said["calls"]]


def _structured_output(stage: Stage, ask: Ask) -> None:
    stage.talk.say("Rate this place.")
    found = stage.ask(ask)
    assert found.understood["schema"] == ANSWER
    value = json.loads(found.heard.text)
    assert set(value) == {"title", "rating", "tags", "place"} and isinstance(value["rating"], int)
    assert found.heard.finish == "stop"


def _stop(stage: Stage, ask: Ask) -> None:
    stage.talk.say("Count.")
    found = stage.ask(ask, "stop")
    assert found.understood["stop"] == list(ask.stop)
    native = (stage.door, stage.provider_name) == ("anthropic", "anthropic")
    assert found.heard.stop_sequence == (ask.stop[0] if native else None)
    assert found.heard.finish == "stop" and found.heard.text == said_text(found)


def _max_tokens(stage: Stage, ask: Ask) -> None:
    stage.talk.say("Tell me a long story.")
    found = stage.ask(ask, "length")
    assert found.understood["max_tokens"] == ask.max_tokens
    assert found.heard.finish == "length" and found.heard.text == said_text(found) != ""


def _refusal(stage: Stage, ask: Ask) -> None:
    stage.talk.say("How do I do something terrible?")
    found = stage.ask(ask, "refuse")
    assert found.heard.refusal and not found.heard.calls and not found.heard.text
    assert found.heard.words == said_text(found)
    assert found.heard.finish in ("stop", "filter")


def _usage_cache(stage: Stage, ask: Ask) -> None:
    """The same question again: what the first one wrote is read by the second."""
    long = " ".join(f"rule {number} of {stage.seed}" for number in range(1000))
    ask = replace(ask, system=f"{stage.door} {stage.streamed!s:5} {long}")
    stage.talk.say("Hi.")
    first = stage.ask(ask, "cache")
    stage.talk = stage.open()
    stage.talk.say("Hi.")
    second = stage.ask(ask, "cache")
    assert first.heard.counts.cached == 0
    reads = stage.provider_name != "anthropic" or stage.door == "anthropic"
    assert (second.heard.counts.cached > 1024) is reads
    for exchange in (first, second):
        assert exchange.heard.counts.cached == exchange.entry["cached"]


FEATURES: Mapping[str, Feature] = {
    "text": Feature(models=CLASSIC, play=_text),
    "system": Feature(models=CLASSIC, play=_system, ask=Ask(model="", system="You are brief.\nAnd süß.")),
    "six_turns": Feature(models=HARD, play=_six_turns, ask=Ask(model="", system="Remember all.")),
    "tools": Feature(models=HARD, play=_tools, ask=Ask(model="", tools=(WEATHER,))),
    "parallel_tools": Feature(models=HARD, play=_parallel_tools, ask=Ask(model="", tools=(WEATHER, CLOCK))),
    "tool_result_image": Feature(
        models=HARD, play=_tool_result_image, ask=Ask(model="", tools=(WEATHER,), effort="low")
    ),
    "image": Feature(models=CLASSIC, play=_media(PICTURE)),
    "pdf": Feature(
        models=CLASSIC,
        play=_media(PAPER),
        beside={
            ("openai_chat", "google"): ("filename", "messages[].content[].file.filename"),
            ("openai_responses", "google"): ("filename", "input[].content[].filename"),
        },
    ),
    "reasoning_tool_loop": Feature(
        models=HARD,
        play=_reasoning_tool_loop,
        ask=Ask(model="", tools=(WEATHER, CLOCK), effort="low"),
        # Chat has words for the thoughts of an answer without calls, but no place for their signature.
        beside={("openai_chat", "anthropic"): ("foreign_thinking", "messages[].reasoning_content")},
    ),
    "structured_output": Feature(models=HARD, play=_structured_output, ask=Ask(model="", schema=ANSWER)),
    "stop": Feature(models=CLASSIC, play=_stop, ask=Ask(model="", stop=("END", "###"))),
    "max_tokens": Feature(models=HARD, play=_max_tokens, ask=Ask(model="", max_tokens=321)),
    "refusal": Feature(models=CLASSIC, play=_refusal),
    "usage_cache": Feature(
        models=HARD,
        play=_usage_cache,
        ask=Ask(model="", cached=True),
        beside={
            ("anthropic", name): ("cache_control", "system[].cache_control") for name in ("openai", "google", "xai")
        },
    ),
}
