"""An image that a model made beside its words, at every door: it was asked for by the model's name alone."""

import json
from base64 import b64encode
from typing import Any

import pytest
from anthropic.types import Message
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response as ResponsesAnswer

from gateway.dialects import DIALECTS
from gateway.dialects.dialect import AnswerContext
from gateway.dialects.void_answers import AnswerReader, require_answer
from gateway.errors import UpstreamError
from gateway.events import Assembler, Finish, StreamError
from gateway.model import Blob, Text
from gateway.sse import Decoder

PNG = b64encode(b"\x89PNG\r\n\x1a\n picture").decode()
URL = f"data:image/png;base64,{PNG}"
IMAGE: dict[str, Any] = {"type": "image_url", "image_url": {"url": URL}}
CONTEXT = AnswerContext(id="1", created=1, model="m")
NOTE = "[image content left out]"


def gemini(*parts: dict[str, Any], finish: str | None = "STOP") -> bytes:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "index": 0, "finishReason": finish}
    return json.dumps({"candidates": [candidate], "responseId": "r"}).encode()


WHOLE = gemini({"text": "Here:"}, {"inlineData": {"mimeType": "image/png", "data": PNG}}, {"text": " a cat."})
STREAM = b"".join(
    b"data: %b\n\n" % chunk
    for chunk in (
        gemini({"text": "Here:"}, finish=None),
        gemini({"inlineData": {"mimeType": "image/png", "data": PNG}}, finish=None),
        gemini({"text": " a cat."}),
    )
)


def written(door: str, upstream: str = "gemini", stream: bytes = STREAM) -> list[Any]:
    """The events of a stream at a door."""
    reader, writer = DIALECTS[upstream].reader(), DIALECTS[door].writer(CONTEXT)
    out = [writer.write(event) for event in [*reader.feed(stream), *reader.close()]]
    said = Decoder().feed(b"".join([*out, writer.close()]))
    return [json.loads(event.data) for event in said if event.data != b"[DONE]"]


def whole(door: str) -> bytes:
    return DIALECTS[door].render_response(DIALECTS["gemini"].parse_response(WHOLE), CONTEXT)


def test_openai_s_sdk_puts_several_of_a_stream_together() -> None:
    """It joins lists by `index`, and raises where there is none."""
    image = {"inlineData": {"mimeType": "image/png", "data": PNG}}
    stream = b"data: %b\n\n" * 2 % (gemini(image, finish=None), gemini(image))
    state = ChatCompletionStreamState()
    for chunk in written("openai_chat", stream=stream):
        state.handle_chunk(ChatCompletionChunk.model_validate(chunk))
    message = state.get_final_completion().choices[0].message
    assert (message.model_extra or {})["images"] == [{**IMAGE, "index": n} for n in range(2)]
    assert [{**IMAGE, "index": n} for n in range(2)] == json.loads(
        DIALECTS["openai_chat"].render_response(DIALECTS["gemini"].parse_response(gemini(image, image)), CONTEXT)
    )["choices"][0]["message"]["images"]


def test_chat_clients_find_it_beside_the_text() -> None:
    message = ChatCompletion.model_validate_json(whole("openai_chat")).choices[0].message
    assert (message.content, (message.model_extra or {})["images"]) == ("Here: a cat.", [{**IMAGE, "index": 0}])
    deltas = [ChatCompletionChunk.model_validate(chunk).choices[0].delta for chunk in written("openai_chat")]
    assert "".join(delta.content or "" for delta in deltas) == "Here: a cat."
    assert [image for delta in deltas for image in (delta.model_extra or {}).get("images", ())] == [
        {**IMAGE, "index": 0}
    ]


def test_responses_clients_find_it_as_a_call_that_made_it() -> None:
    last = written("openai_responses")[-1]
    for answer in (json.loads(whole("openai_responses")), last["response"]):
        output = ResponsesAnswer.model_validate(answer).output
        assert [item.type for item in output] == ["message", "image_generation_call", "message"]
        assert getattr(output[1], "result") == PNG  # noqa: B009


def test_anthropic_s_clients_are_told_that_it_was_left_out() -> None:
    texts = [getattr(block, "text", None) for block in Message.model_validate_json(whole("anthropic")).content]
    assert texts == ["Here:", NOTE, " a cat."]
    events = written("anthropic")
    deltas = [event["delta"]["text"] for event in events if event["type"] == "content_block_delta"]
    assert deltas == ["Here:", NOTE, " a cat."]
    starts = [event["index"] for event in events if event["type"] == "content_block_start"]
    assert starts == [event["index"] for event in events if event["type"] == "content_block_stop"] == [0, 1, 2]


@pytest.mark.parametrize("streamed", [False, True])
def test_what_openrouter_s_models_make_is_read(streamed: bool) -> None:
    """https://openrouter.ai/docs: `images` beside `content`, whole in one chunk of a stream."""
    said = {
        "role": "assistant",
        "content": "Here.",
        "images": [IMAGE, {"image_url": {"url": "https://x.test/a.png"}}, 7],
    }
    choice = {"index": 0, "finish_reason": "stop", "delta" if streamed else "message": said}
    body = json.dumps({"id": "x", "choices": [choice]}).encode()
    chat = DIALECTS["openai_chat"]
    if streamed:
        reader, assembler = chat.reader(), Assembler()
        for event in [*reader.feed(b"data: %b\n\ndata: [DONE]\n\n" % body), *reader.close()]:
            assembler.feed(event)
        response = assembler.response()
    else:
        response = chat.parse_response(body)
    assert response.choices[0].parts == (Text("Here."), Blob("image/png", PNG, "image"))
    said_anew = json.loads(DIALECTS["gemini"].render_response(response, CONTEXT))
    assert said_anew["candidates"][0]["content"]["parts"][1]["inlineData"] == {"mimeType": "image/png", "data": PNG}


def test_an_image_among_thoughts_is_no_answer_and_stays_what_it_is_at_its_own_door() -> None:
    sketch = {"inlineData": {"mimeType": "image/png", "data": PNG}, "thought": True}
    body = gemini(sketch, {"text": "Done."})
    response = DIALECTS["gemini"].parse_response(body)
    for door in ("openai_chat", "openai_responses", "anthropic"):
        said = DIALECTS[door].render_response(response, CONTEXT)
        assert PNG.encode() not in said and NOTE.encode() not in said
        events = json.dumps(written(door, stream=b"data: %b\n\n" % body))
        assert PNG not in events and NOTE not in events
    again = json.loads(DIALECTS["gemini"].render_response(response, CONTEXT))
    assert again["candidates"][0]["content"]["parts"][0] == sketch


def test_sketches_alone_of_an_answer_that_went_wrong_are_no_answer_to_a_chat_client() -> None:
    """It read an empty answer, and agents take that for done."""
    body = gemini({"inlineData": {"mimeType": "image/png", "data": PNG}, "thought": True}, finish="NO_IMAGE")
    with pytest.raises(UpstreamError, match="answered nothing"):
        require_answer(DIALECTS["gemini"].parse_response(body))
    reader = AnswerReader(DIALECTS["gemini"].reader())
    events = [*reader.feed(b"data: %b\n\n" % body), *reader.close()]
    assert isinstance(events[-1], StreamError) and not any(isinstance(event, Finish) for event in events)
    require_answer(DIALECTS["gemini"].parse_response(WHOLE.replace(b"STOP", b"NO_IMAGE")))
