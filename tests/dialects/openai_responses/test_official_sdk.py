"""The official SDK against what we write: streams and whole answers, served from a loopback address."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from openai import OpenAI
from openai.types.responses import Response as SdkResponse
from pydantic import BaseModel, TypeAdapter

from gateway.dialects.dialect import AnswerContext
from gateway.dialects.openai_responses import DIALECT
from gateway.events import Delta, Event, Finish, PartEnd, PartStart, Start, StreamError, UsageReport
from gateway.model import Choice, FinishReason, Response, Text, ToolCall, Usage
from tests.dialects.feeding import events_of, only_choice, written

WIRE = Path(__file__).parents[2] / "wire" / "openai_responses"
NAMES = sorted(path.stem for path in WIRE.glob("*.json"))
COMPLETED = [name for name in NAMES if not name.startswith("incomplete")]
SDK: TypeAdapter[Any] = TypeAdapter(SdkResponse)
WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "Weather.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False},
    "strict": True,
}  # fmt: skip


class Place(BaseModel):
    city: str
    population: int


class _Answering(BaseHTTPRequestHandler):
    """Answers every request with what the test's events or answer are in this dialect."""

    events: list[Event] = []
    answer = Response()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        request = DIALECT.parse_request(body, None, None)
        context = AnswerContext(id="1", created=1790000000, model=request.model, request=request)
        if request.stream:
            kind, sent = "text/event-stream", written(DIALECT.writer(context), type(self).events)
        else:
            kind, sent = "application/json", DIALECT.render_response(type(self).answer, context)
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *args: Any) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def client() -> Iterator[OpenAI]:
    server = HTTPServer(("127.0.0.1", 0), _Answering)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    with OpenAI(api_key="tk_x", base_url=f"http://127.0.0.1:{server.server_port}/v1", max_retries=0) as sdk:
        yield sdk
    server.shutdown()
    thread.join()
    server.server_close()


def say(answer: Response) -> None:
    _Answering.answer, _Answering.events = answer, events_of(answer)


def recorded(name: str) -> Response:
    return DIALECT.parse_response((WIRE / f"{name}.json").read_bytes())


@pytest.mark.parametrize("name", COMPLETED)
def test_streamed_is_whole(client: OpenAI, name: str) -> None:
    """Wei-Shaw/sub2api#4468, ogx-ai/ogx#5309: the SDK's stream helper fails on what other gateways leave out."""
    say(recorded(name))
    whole = client.responses.create(model="m", input="Hi")
    with client.responses.stream(model="m", input="Hi") as stream:
        seen = [event.type for event in stream]
        final = stream.get_final_response()
    assert seen[-1] == "response.completed"
    assert final.model_dump(exclude={"output"}) == whole.model_dump(exclude={"output"})
    assert final.output_text == whole.output_text
    assert [item.type for item in final.output] == [item.type for item in whole.output]
    texts = [part.text for part in only_choice(recorded(name)).parts if isinstance(part, Text)]
    assert whole.output_text == "".join(texts)
    assert whole.usage is not None and whole.usage.output_tokens_details.reasoning_tokens is not None


@pytest.mark.parametrize("name", NAMES)
def test_a_whole_answer_is_valid_for_the_sdk_and_reads_back(name: str) -> None:
    answer = recorded(name)
    body = DIALECT.render_response(answer, AnswerContext(id="1", created=1790000000, model="m"))
    SDK.validate_json(body)
    again = DIALECT.parse_response(body)
    assert again.choices == answer.choices
    assert (again.id, again.model, again.created) == ("resp_1", "m", 1790000000)


def test_structured_output_is_parsed(client: OpenAI) -> None:
    say(Response(choices=(Choice(parts=(Text('{"city":"Köln","population":1}'),), finish_reason=FinishReason.STOP),)))
    found = client.responses.parse(model="m", input="Hi", text_format=Place)
    assert found.output_parsed == Place(city="Köln", population=1)
    assert found.text is not None and found.text.format is not None and found.text.format.type == "json_schema"
    with client.responses.stream(model="m", input="Hi", text_format=Place) as stream:
        assert stream.get_final_response().output_parsed == Place(city="Köln", population=1)


def test_a_tool_loop(client: OpenAI) -> None:
    """The SDK sends its answer's items back as they are."""
    call = ToolCall("call_1", "weather", '{"city":"Köln"}', extra={"gemini": {"thought_signature": "c2ln"}})
    say(Response(choices=(Choice(parts=(Text("Looking."), call), finish_reason=FinishReason.TOOL_CALLS),)))
    with client.responses.stream(model="m", input="Hi", tools=[WEATHER]) as stream:  # type: ignore[list-item]
        first = stream.get_final_response()
    assert first.tools[0].model_dump(exclude_none=True) == WEATHER
    history: list[Any] = [
        {"role": "user", "content": "Hi"},
        *[item.model_dump(exclude_none=True) for item in first.output],
    ]
    history.append({"type": "function_call_output", "call_id": "call_1", "output": "4"})
    body = json.dumps({"model": "m", "input": history}).encode()
    parts = DIALECT.parse_request(body, None, None).messages[1].parts
    assert isinstance(parts[1], ToolCall) and parts[1].extra["gemini"] == {"thought_signature": "c2ln"}
    _Answering.events = events_of(Response(choices=(Choice(parts=(Text("4"),), finish_reason=FinishReason.STOP),)))
    with client.responses.stream(model="m", input=history) as stream:
        assert stream.get_final_response().output_text == "4"


@pytest.mark.parametrize("at", range(6))
def test_a_stream_that_breaks_never_looks_finished(client: OpenAI, at: int) -> None:
    """envoyproxy/ai-gateway#2698, BerriAI/litellm#32086: an error in mid-stream shown as a clean end."""
    events: list[Event] = [Start(), PartStart(0, "text"), Delta(0, "x"), PartEnd(0), UsageReport(Usage(output_tokens=1)), Finish(FinishReason.STOP)]  # fmt: skip
    for broken in (events[:at], [*events[:at], StreamError("Overloaded", "overloaded", 529)]):
        _Answering.events = broken
        with client.responses.stream(model="m", input="Hi") as stream, pytest.raises(RuntimeError):
            stream.get_final_response()
        *_, last = client.responses.create(model="m", input="Hi", stream=True)
        assert last.type == "response.failed" and last.response.error is not None


def test_a_cut_answer_is_told_as_incomplete(client: OpenAI) -> None:
    say(recorded("incomplete_length"))
    *_, last = client.responses.create(model="m", input="Hi", stream=True)
    assert last.type == "response.incomplete" and last.response.output_text == "Once upon a"
    whole = client.responses.create(model="m", input="Hi")
    assert whole.incomplete_details is not None and whole.incomplete_details.reason == "max_output_tokens"
