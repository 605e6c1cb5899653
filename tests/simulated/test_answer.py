from typing import Any

import msgspec
import pytest

from gateway.dialects import DIALECTS
from gateway.events import Assembler, Finish
from gateway.model import (
    Blob,
    Choice,
    FinishReason,
    Message,
    ReasoningOptions,
    Request,
    ResponseFormat,
    Role,
    Target,
    Text,
    Tool,
    ToolCall,
    ToolCallResponse,
    ToolChoice,
)
from gateway.simulated.answer import Signs, compose, input_tokens
from gateway.simulated.pacing import count_tokens, paced, whole_wait

CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "note": {"type": "string"}},
    "required": ["city"],
}
TOOLS = (
    Tool(name="get_time", description="The time in a city", parameters=CITY),
    Tool(name="get_weather", description="The weather in a city", parameters=CITY),
)


def asked(text: str, model: str = "gpt-4.1-mini", **more: Any) -> Request:
    return Request(model=model, messages=(Message(Role.USER, (Text(text),)),), **more)


def answered(request: Request, **more: Any) -> tuple[Choice, Assembler]:
    assembler = Assembler()
    for event in compose(request, answer_id="a1", created=1, **more).events:
        assembler.feed(event)
    return assembler.response().choices[0], assembler


def text_of(choice: Choice) -> str:
    return "".join(part.text for part in choice.parts if isinstance(part, Text))


def test_an_answer_takes_up_the_last_words_and_is_always_the_same() -> None:
    choice, assembler = answered(asked("How do I tune a slow query in Postgres?"))
    assert "slow query in Postgres?" in text_of(choice)
    assert choice.finish_reason is FinishReason.STOP
    usage = assembler.usage
    assert usage and usage.input_tokens == input_tokens(asked("How do I tune a slow query in Postgres?"))
    assert usage.output_tokens == count_tokens(text_of(choice)) and usage.reasoning_tokens == 0
    assert answered(asked("How do I tune a slow query in Postgres?"))[0] == choice


def test_an_answer_s_sentences_begin_as_sentences_do() -> None:
    words = [f"Which of {number} caches is worth its memory?" for number in range(60)]
    openings = set()
    for said in words:
        text = text_of(answered(asked(said))[0])
        opening, rest = text.split(f"{said}”")
        after, body = rest.split(" ", 1) if not rest.startswith(", in short") else (": ", rest[len(", in short: ") :])
        openings.add(opening)
        assert body[0].isupper() is after.endswith("."), text
    assert len(openings) == 4


def test_an_answer_quotes_within_one_sentence() -> None:
    text = text_of(answered(asked("It fails once in ten runs. What are the usual causes, and which comes first?"))[0])
    assert "“What are the usual causes, and which comes first?”" in text


@pytest.mark.parametrize(
    ("text", "more", "names"),
    [
        ("What is the weather in Paris?", {}, ["get_weather"]),
        ("Weather and time in Paris, please", {}, ["get_time", "get_weather"]),
        ("Both for Paris", {}, ["get_time", "get_weather"]),
        ("Weather and time in Paris", {"parallel_tool_calls": False}, ["get_time"]),
        ("Weather in Paris", {"tool_choice": ToolChoice("named", ("get_time",))}, ["get_time"]),
        ("Weather in Paris", {"tool_choice": ToolChoice("none")}, []),
    ],
)
def test_tools_are_called_when_the_user_spoke_last(text: str, more: dict[str, Any], names: list[str]) -> None:
    choice, _ = answered(asked(text, tools=TOOLS, **more))
    calls = [part for part in choice.parts if isinstance(part, ToolCall)]
    assert [call.name for call in calls] == names
    assert len({call.id for call in calls}) == len(calls)
    assert all(msgspec.json.decode(call.arguments) == {"city": "Paris"} for call in calls)
    assert (choice.finish_reason is FinishReason.TOOL_CALLS) == bool(names)


BOX = tuple(Tool(name=name, parameters=CITY) for name in ("Agent", "Bash", "Edit", "Grep", "Read", "Skill", "Write"))


@pytest.mark.parametrize(
    ("texts", "more", "names"),
    [
        (("hello there",), {}, []),
        (("<note>Use Bash and Agent.</note>", "hello there"), {}, []),
        (("<note>Use Bash and Agent.</note>", "Please read Paris", "<system>Bash, Agent</system>"), {}, ["Read"]),
        (("hello Paris",), {"tool_choice": ToolChoice("any")}, ["Agent"]),
    ],
)
def test_an_agent_s_many_tools_are_called_by_their_names_only(
    texts: tuple[str, ...], more: dict[str, Any], names: list[str]
) -> None:
    message = Message(Role.USER, tuple(Text(text) for text in texts))
    choice, _ = answered(Request(model="gpt-4.1", messages=(message,), tools=BOX, **more))
    assert [part.name for part in choice.parts if isinstance(part, ToolCall)] == names


def test_of_a_thousand_tools_the_one_that_is_named_as_it_is_written_is_called() -> None:
    many = tuple(Tool(name=f"tool_{number}", parameters=CITY) for number in range(1000))
    choice, _ = answered(asked("Please use tool_777.", tools=many))
    assert [part.name for part in choice.parts if isinstance(part, ToolCall)] == ["tool_777"]


@pytest.mark.parametrize("role", [Role.USER, Role.TOOL])
def test_instructions_behind_the_last_turn_are_no_turn(role: Role) -> None:
    said = {Role.USER: Text("Say Paris"), Role.TOOL: ToolCallResponse("c1", (Text("Paris"),))}[role]
    messages = (Message(role, (said,)), Message(Role.SYSTEM, (Text("Bash and Agent are there."),)))
    choice, _ = answered(Request(model="gpt-4.1", messages=messages, tools=BOX))
    assert "Paris" in text_of(choice) and choice.finish_reason is FinishReason.STOP


def test_results_are_used() -> None:
    call = ToolCall("c1", "get_weather", '{"city":"Paris"}')
    result = ToolCallResponse("c1", (Text("12 °C and rain"),), name="get_weather")
    messages = (*asked("x").messages, Message(Role.ASSISTANT, (call,)), Message(Role.TOOL, (result,)))
    choice, _ = answered(Request(model="gpt-4.1", messages=messages, tools=TOOLS))
    assert "get_weather says: 12 °C and rain" in text_of(choice) and choice.finish_reason is FinishReason.STOP


@pytest.mark.parametrize("words", [(), (Text("Here it is."),)])
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("thinking", ["", "level"])
def test_a_picture_in_a_result_asks_for_no_tool_again(dialect: str, words: tuple[Text, ...], thinking: str) -> None:
    """Some dialects have it in a turn of its own behind the result."""
    call = ToolCall("c1", "get_weather", '{"city":"Paris"}')
    result = ToolCallResponse("c1", (*words, Blob("image/png", "aGk=")), name="get_weather")
    messages = (*asked("x").messages, Message(Role.ASSISTANT, (call,)), Message(Role.TOOL, (result,)))
    request = Request(model="m", messages=messages, tools=TOOLS, max_output_tokens=400)
    sent = DIALECTS[dialect].render_request(request, Target(model="m", thinking=thinking)).body
    choice, _ = answered(DIALECTS[dialect].parse_request(sent, "m", False))
    assert text_of(choice).startswith("From the results: ") and choice.finish_reason is FinishReason.STOP


def test_what_is_said_behind_a_result_is_answered_also_where_it_has_a_picture() -> None:
    call = ToolCall("c1", "get_weather", '{"city":"Paris"}')
    messages = (
        *asked("x").messages,
        Message(Role.ASSISTANT, (call,)),
        Message(Role.TOOL, (ToolCallResponse("c1", (Text("12 °C"),)),)),
        Message(Role.USER, (Text("Rather tell me of Rome"), Blob("image/png", "aGk="))),
    )
    choice, _ = answered(Request(model="gpt-4.1", messages=messages))
    assert "Rome" in text_of(choice)


@pytest.mark.parametrize("room", [1, 5, 12])
def test_a_limit_really_cuts(room: int) -> None:
    choice, assembler = answered(asked("Tell me all", max_output_tokens=room))
    assert choice.finish_reason is FinishReason.LENGTH
    assert assembler.usage and (assembler.usage.output_tokens or 0) <= room
    assert count_tokens(text_of(choice)) <= room


def test_a_stop_sequence_ends_the_answer_before_it() -> None:
    whole = text_of(answered(asked("Tell me all"))[0])
    word = whole.split()[6]
    choice, _ = answered(asked("Tell me all", stop=("never said", word)))
    assert choice.finish_reason is FinishReason.STOP_SEQUENCE and choice.stop_sequence == word
    assert text_of(choice) == whole[: whole.index(word)]


@pytest.mark.parametrize(
    ("model", "options", "thinks"),
    [
        ("gpt-4.1", None, False),
        ("o3", None, True),
        ("gpt-5.4", ReasoningOptions(effort="none"), False),
        ("gemini-2.5-flash", ReasoningOptions(budget_tokens=0), False),
        ("claude-sonnet-4-6", None, False),
        ("claude-sonnet-4-6", ReasoningOptions(enabled=True, budget_tokens=2000), True),
    ],
)
def test_reasoning_counts_inside_the_output(model: str, options: ReasoningOptions | None, thinks: bool) -> None:
    choice, assembler = answered(asked("Why?", model, reasoning=options), signs=Signs(shown=True))
    usage = assembler.usage
    assert usage and usage.reasoning_tokens is not None
    assert (usage.reasoning_tokens > 0) is thinks
    assert usage.output_tokens == usage.reasoning_tokens + count_tokens(text_of(choice))
    assert any(part.__class__.__name__ == "Reasoning" for part in choice.parts) is thinks


def test_json_is_answered_where_json_was_asked_for() -> None:
    form = ResponseFormat(kind="json_schema", schema=CITY)
    assert msgspec.json.decode(text_of(answered(asked("About Paris", response_format=form))[0])) == {"city": "Paris"}


def test_pacing_keeps_every_event_in_order_and_takes_its_time() -> None:
    composed = compose(asked("How long does it take?"), answer_id="a", created=1)
    for pace in (0.0, 1.0):
        groups = list(paced(composed.events, "gpt-4.1-mini", pace))
        assert [event for _, group in groups for event in group] == composed.events
        expected = whole_wait("gpt-4.1-mini", composed.usage.output_tokens or 0, pace)
        # Short pieces are each rounded up to a token, so a stream is a little slower.
        assert expected * 0.7 <= sum(wait for wait, _ in groups) <= expected * 2
    assert isinstance(composed.events[-2], Finish)


def test_models_that_are_asked_the_same_do_not_all_say_the_same() -> None:
    models = ("claude-opus-4-6", "gpt-5.4", "gemini-3.1-pro-preview")
    said = {text_of(answered(asked("Summarise this incident in three sentences.", model))[0]) for model in models}
    assert len(said) == 3
    assert all("three sentences”" in text and "nothing left your machine" in text for text in said)
