"""What users get wrong, or say in an order of their own: a 400 that names it, or what they meant; never silence."""

import base64
import json
from typing import Any

import pytest

from gateway.dialects import DIALECTS
from gateway.dialects.carriage import ANTHROPIC, CHAT, DIALECT_NAMES, GEMINI, RESPONSES
from gateway.errors import ClientError, Unsupported
from tests.carriage.examples import anthropic, chat, gemini, part, responses, user
from tests.carriage.test_table import ABLE, body_of, rendered

TOOL = {"name": "look", "input_schema": {"type": "object", "properties": {}}}
CALLING = "toolConfig.functionCallingConfig"


@pytest.mark.parametrize(
    ("choice", "param"),
    [({"type": "tool"}, "tool_choice.name"), ({"type": "tool", "name": ""}, "tool_choice.name"), ({"type": "often"}, "tool_choice.type")],
)  # fmt: skip
def test_a_choice_of_no_tool_at_anthropic_s_door(choice: dict[str, Any], param: str) -> None:
    """A tool without a name failed inside the gateway; a word unknown to all was taken for `auto` by Gemini."""
    with pytest.raises(ClientError) as caught:
        rendered(ANTHROPIC, CHAT, anthropic(tools=[TOOL], tool_choice=choice), ABLE[CHAT])
    assert (caught.value.status, caught.value.param) == (400, param) and param in caught.value.message


def test_a_mode_of_calling_that_is_none_at_gemini_s_door() -> None:
    tools = [{"functionDeclarations": [{"name": "look"}]}]
    config = {"functionCallingConfig": {"mode": "OFTEN"}}
    with pytest.raises(ClientError) as caught:
        rendered(GEMINI, CHAT, gemini(tools=tools, toolConfig=config), ABLE[CHAT])
    assert caught.value.param == f"{CALLING}.mode"


@pytest.mark.parametrize("dialect", DIALECT_NAMES)
@pytest.mark.parametrize("door", [ANTHROPIC, GEMINI])
def test_words_before_results_follow_them(door: str, dialect: str) -> None:
    """OpenAI and xAI refuse anything between a call and its result; Gemini takes both orders."""
    if door == ANTHROPIC:
        turns: list[dict[str, Any]] = [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "look", "input": {}}]},
            {"role": "user", "content": [{"type": "text", "text": "Quick"}, {"type": "tool_result", "tool_use_id": "c1", "content": "seen"}]},
        ]  # fmt: skip
        body = anthropic(tools=[TOOL]) | {"messages": turns}
    else:
        turns = [
            {"role": "user", "parts": [{"text": "Hi"}]},
            {"role": "model", "parts": [{"functionCall": {"name": "look", "args": {}}}]},
            {"role": "user", "parts": [{"text": "Quick"}, {"functionResponse": {"name": "look", "response": {"output": "seen"}}}]},
        ]  # fmt: skip
        body = gemini(tools=[{"functionDeclarations": [{"name": "look"}]}]) | {"contents": turns}
    sent = json.dumps(body_of(rendered(door, dialect, body, ABLE[dialect])))
    call, result, words = (sent.index(word) for word in ('"look"', "seen", "Quick"))
    assert call < result < words


def test_gemini_s_schema_without_a_type_is_json() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    body = gemini(generationConfig={"responseJsonSchema": schema})
    assert body_of(rendered(GEMINI, CHAT, body, ABLE[CHAT]))["response_format"]["json_schema"]["schema"] == schema


@pytest.mark.parametrize("dialect", [ANTHROPIC, GEMINI])
@pytest.mark.parametrize("door", [CHAT, RESPONSES])
def test_what_a_format_is_for_reaches_who_has_no_place_for_it(door: str, dialect: str) -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    form = {"name": "n", "description": "One letter.", "schema": schema}
    said = (
        chat(response_format={"type": "json_schema", "json_schema": form})
        if door == CHAT
        else responses(text={"format": {"type": "json_schema", **form}})
    )
    body = body_of(rendered(door, dialect, said, ABLE[dialect]))
    found = (
        body["output_config"]["format"]["schema"]
        if dialect == ANTHROPIC
        else body["generationConfig"]["responseJsonSchema"]
    )
    assert found["description"] == "One letter." and found["properties"] == schema["properties"]


def test_a_text_file_is_words_in_chat_which_takes_pdf_only() -> None:
    document = {
        "type": "document",
        "title": "a.csv",
        "source": {"type": "text", "media_type": "text/plain", "data": "ä,b"},
    }
    found = rendered(ANTHROPIC, CHAT, part(ANTHROPIC, document), ABLE[CHAT])
    assert '<document name=\\"a.csv\\">\\nä,b\\n</document>' in found.body.decode()
    assert found.adapted == ("messages[].content[].source",)
    binary = base64.b64encode(b"\xff\xfe").decode()
    with pytest.raises(ClientError) as caught:
        rendered(GEMINI, CHAT, part(GEMINI, {"inlineData": {"mimeType": "text/csv", "data": binary}}), ABLE[CHAT])
    assert caught.value.param is not None and caught.value.param.startswith("contents[0].parts[")


@pytest.mark.parametrize("dialect", [CHAT, RESPONSES, ANTHROPIC])
def test_an_image_of_a_type_that_others_do_not_take_is_refused_before_it_is_sent(dialect: str) -> None:
    body = part(GEMINI, {"inlineData": {"mimeType": "image/heic", "data": "AAAA"}})
    with pytest.raises(Unsupported) as caught:
        rendered(GEMINI, dialect, body, ABLE[dialect])
    assert "image/heic" in caught.value.message and "contents[0].parts[" in caught.value.message


def test_a_video_s_page_is_no_document() -> None:
    body = part(GEMINI, {"fileData": {"fileUri": "https://www.youtube.com/watch?v=x"}})
    for dialect in (CHAT, RESPONSES, ANTHROPIC):
        with pytest.raises(Unsupported, match="video"):
            rendered(GEMINI, dialect, body, ABLE[dialect])
    assert "youtube" in str(body_of(rendered(GEMINI, GEMINI, body, ABLE[GEMINI])))


def test_a_block_that_no_one_else_has_is_named_by_its_type() -> None:
    block = {"type": "search_result", "source": "s", "title": "t", "content": []}
    body = anthropic(user([block]))
    with pytest.raises(Unsupported, match="search_result"):
        DIALECTS[CHAT].render_request(
            DIALECTS[ANTHROPIC].parse_request(json.dumps(body).encode(), None, None), ABLE[CHAT]
        )
