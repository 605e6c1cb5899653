"""Ways of writing spans of which there is no recording; the payloads are what the packages wrote, cut to the point."""

from typing import Any

import msgspec
import pytest

from gateway.model import (
    Blob,
    File,
    FinishReason,
    HostedTool,
    Message,
    Opaque,
    Reasoning,
    Text,
    Tool,
    ToolCall,
    ToolCallResponse,
    Uri,
    Usage,
)
from gateway.model import Role as MessageRole
from gateway.telemetry import otlp_json
from gateway.telemetry.bounds import STRING_BYTES
from gateway.telemetry.observed import Observed, Role, ToolRun
from gateway.telemetry.readers import observe
from gateway.telemetry.records import Scope, Span, SpanEvent, SpanKind, StatusCode
from tests.telemetry.span_views import call

START_NS = 1_795_000_000_000_000_000
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


def span(attributes: dict[str, Any], scope: str = "", **fields: Any) -> Span:
    return Span(
        trace_id="a" * 32, span_id="b" * 16, start_ns=START_NS, attributes=attributes, scope=Scope(scope), **fields
    )


def js(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def text(role: str, words: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": words}]}


def counts(telling: Observed) -> Usage:
    assert telling.response is not None and telling.response.usage is not None
    return telling.response.usage


def parts(telling: Observed) -> list[Any]:
    assert telling.request is not None
    return [part for message in telling.request.messages for part in message.parts]


def finishes(telling: Observed) -> list[FinishReason | None]:
    assert telling.response is not None
    return [choice.finish_reason for choice in telling.response.choices]


LANGFUSE = {
    "user.id": "alice",
    "session.id": "sess-1",
    "langfuse.trace.tags": ["t1"],
    "langfuse.trace.name": "my trace",
    "langfuse.observation.type": "generation",
    "langfuse.observation.input": js(
        {
            "messages": [{"role": "system", "content": "Be brief"}, {"role": "user", "content": "Hi"}],
            "tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}],
        }
    ),
    "langfuse.observation.output": js(
        {
            "role": "assistant",
            "content": "Hello",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"city":"Paris"}'}}
            ],
        }
    ),
    "langfuse.observation.model.name": "gpt-mock",
    "langfuse.observation.model.parameters": '{"temperature": 0.2, "max_tokens": 5}',
    "langfuse.observation.usage_details": '{"input": 10, "output": 5, "input_cached_tokens": 3, "output_reasoning_tokens": 2}',
    "langfuse.observation.cost_details": '{"input": 0.001, "output": 0.002, "total": 0.003}',
    "langfuse.observation.completion_start_time": '"2026-11-18T11:06:40.250000Z"',
}


def test_langfuse_generation() -> None:
    telling = observe(span(LANGFUSE, "langfuse-sdk"))
    assert (telling.reader, telling.role) == ("langfuse", Role.INFERENCE)
    assert call(telling) == {
        "model": "gpt-mock",
        "system": [{"type": "text", "content": "Be brief"}],
        "input": [text("user", "Hi")],
        "output": [
            {
                "role": "assistant",
                "parts": [
                    {"type": "text", "content": "Hello"},
                    {"type": "tool_call", "id": "c1", "name": "f", "arguments": {"city": "Paris"}},
                ],
            }
        ],
        "usage": {"input": 13, "output": 7, "cache_read": 3, "reasoning": 2},
    }
    assert telling.request is not None
    assert telling.request.tools == (Tool(name="f", parameters=SCHEMA),)
    assert (telling.request.temperature, telling.request.max_output_tokens) == (0.2, 5)
    assert telling.cost_nano == 3_000_000
    assert telling.ttft_us == 250_000
    assert telling.conversations == (("session.id", "sess-1"),)
    assert telling.users == (("user.id", "alice"),)
    assert (telling.tags, telling.title, telling.facts) == (("t1",), "my trace", {})


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        # The total says that cached input and thought output are counted within.
        (
            {"input": 10, "output": 5, "total": 15, "input_cached_tokens": 3, "output_reasoning_tokens": 2},
            Usage(input_tokens=10, output_tokens=5, cached_tokens=3, reasoning_tokens=2),
        ),
        # OpenAI's own object.
        (
            {
                "prompt_tokens": 60,
                "completion_tokens": 25,
                "prompt_tokens_details": {"cached_tokens": 16},
                "completion_tokens_details": {"reasoning_tokens": 12},
            },
            Usage(input_tokens=60, output_tokens=25, cached_tokens=16, reasoning_tokens=12),
        ),
        # Anthropic's, which counts the cache apart.
        (
            {
                "input_tokens": 25,
                "output_tokens": 25,
                "cache_read_input_tokens": 100,
                "cache_creation_input_tokens": 30,
            },
            Usage(input_tokens=155, output_tokens=25, cached_tokens=100, cache_write_tokens=30),
        ),
        # Google's, whose answer count leaves thoughts out.
        (
            {
                "promptTokenCount": 50,
                "candidatesTokenCount": 13,
                "thoughtsTokenCount": 14,
                "cachedContentTokenCount": 8,
            },
            Usage(input_tokens=50, output_tokens=27, cached_tokens=8, reasoning_tokens=14),
        ),
    ],
)
def test_langfuse_counts_in_every_provider_s_shape(details: dict[str, Any], expected: Usage) -> None:
    assert counts(observe(span({**LANGFUSE, "langfuse.observation.usage_details": js(details)}))) == expected


def test_langfuse_error_tool_and_agent() -> None:
    failed = observe(
        span(
            {
                "langfuse.observation.type": "generation",
                "langfuse.observation.input": "plain",
                "langfuse.observation.level": "ERROR",
                "langfuse.observation.status_message": "Error code: 429",
            },
            "langfuse-sdk",
        )
    )
    assert (failed.error_type, failed.error_kind, failed.error_message) == (None, "rate_limited", "Error code: 429")
    assert call(failed)["input"] == [text("user", "plain")]
    tool = observe(
        span(
            {
                "langfuse.observation.type": "tool",
                "langfuse.observation.input": '{"city": "Paris"}',
                "langfuse.observation.output": "rain",
            },
            name="get_weather",
        )
    )
    assert tool.tool == ToolRun(name="get_weather", arguments='{"city": "Paris"}', result="rain")
    agent = observe(span({"langfuse.observation.type": "agent"}, name="planner"))
    assert (agent.role, agent.agent) == (Role.AGENT, "planner")


LANGSMITH = {
    "langsmith.span.kind": "llm",
    "langsmith.trace.session_name": "proj",
    "gen_ai.operation.name": "chat",
    "gen_ai.system": "langchain",
    "langsmith.metadata.ls_provider": "openai",
    "langsmith.metadata.thread_id": "t1",
    "langsmith.metadata.user_id": "u1",
    "langsmith.metadata.LANGSMITH_API_KEY": "canary-of-a-key",
    "langsmith.span.tags": "b, a",
    "gen_ai.prompt": js(
        {
            "messages": [{"role": "system", "content": "Be brief"}, {"role": "user", "content": "Hi"}],
            "model": "gpt-mock",
            "temperature": 0.1,
        }
    ),
    "gen_ai.completion": js(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "model": "gpt-mock-1",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello"}}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 4}},
        }
    ),
}


def test_langsmith_call() -> None:
    telling = observe(span(LANGSMITH, "langsmith"))
    assert (telling.reader, telling.role) == ("langsmith", Role.INFERENCE)
    assert call(telling) == {
        "model": "gpt-mock-1",
        "provider": "openai",
        "response_id": "chatcmpl-1",
        "system": [{"type": "text", "content": "Be brief"}],
        "input": [text("user", "Hi")],
        "output": [text("assistant", "Hello")],
        "usage": {"input": 10, "output": 5, "cache_read": 4},
    }
    assert telling.model_requested == "gpt-mock"
    assert finishes(telling) == [FinishReason.STOP]
    assert telling.conversations == (("langsmith.metadata.thread_id", "t1"),)
    assert telling.users == (("langsmith.metadata.user_id", "u1"),)
    assert telling.tags == ("b", "a")
    assert "canary-of-a-key" not in repr(telling)


def test_langsmith_hears_langchain() -> None:
    def lc(kind: str, **fields: Any) -> dict[str, Any]:
        return {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", kind], "kwargs": fields}

    call_of = {"name": "g", "args": {"city": "Paris"}, "id": "c8", "type": "tool_call"}
    asked = [
        lc("SystemMessage", content="Be brief", type="system"),
        lc("HumanMessage", content="Hi", type="human"),
        lc("AIMessage", content="", type="ai", tool_calls=[call_of], invalid_tool_calls=[]),
        lc("ToolMessage", content="rain", type="tool", tool_call_id="c8", status="success"),
    ]
    answer = lc(
        "AIMessage",
        content="It rains",
        type="ai",
        id="lc_run--1",
        response_metadata={"model_name": "gpt-mock-1", "finish_reason": "stop", "id": "chatcmpl-7"},
        usage_metadata={
            "input_tokens": 10,
            "output_tokens": 5,
            "input_token_details": {"cache_read": 4},
            "output_token_details": {"reasoning": 2},
        },
    )
    told = {
        **LANGSMITH,
        "gen_ai.prompt": js({"messages": [asked]}),
        "gen_ai.completion": js({"generations": [[{"text": "It rains", "message": answer}]], "type": "LLMResult"}),
    }
    telling = observe(span(told, "langsmith"))
    assert call(telling) == {
        "model": "gpt-mock-1",
        "provider": "openai",
        "response_id": "chatcmpl-7",
        "system": [{"type": "text", "content": "Be brief"}],
        "input": [
            text("user", "Hi"),
            {
                "role": "assistant",
                "parts": [{"type": "tool_call", "id": "c8", "name": "g", "arguments": {"city": "Paris"}}],
            },
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c8", "response": "rain"}]},
        ],
        "output": [text("assistant", "It rains")],
        "usage": {"input": 10, "output": 5, "cache_read": 4, "reasoning": 2},
    }
    assert finishes(telling) == [FinishReason.STOP]


def test_langsmith_tool_and_an_error_s_message_without_its_stack() -> None:
    tool = observe(
        span(
            {
                "langsmith.span.kind": "tool",
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": "get_weather",
                "gen_ai.prompt": '{"city":"Paris"}',
                "gen_ai.completion": '{"output":"rain"}',
            },
            "langsmith",
        )
    )
    assert tool.tool == ToolRun(name="get_weather", arguments='{"city":"Paris"}', result="rain")
    message = "RuntimeError('Error code: 429')\n\nTraceback (most recent call last):\n  File \"/home/alice/app.py\"\n"
    failed = observe(
        span(
            LANGSMITH,
            status=StatusCode.ERROR,
            events=(SpanEvent(name="exception", attributes={"exception.message": message}),),
        )
    )
    assert failed.error_message == "RuntimeError('Error code: 429')"
    assert failed.error_kind == "rate_limited"


def test_openllmetry_hears_langgraph() -> None:
    callback = {
        "input_str": "{'city': 'Paris'}",
        "tags": ["seq:step:1"],
        "inputs": {"city": "Paris"},
        "kwargs": {"tool_call_id": "c9"},
    }
    result = {
        "output": {
            "lc": 1,
            "type": "constructor",
            "id": ["langchain", "schema", "messages", "ToolMessage"],
            "kwargs": {"content": "rain", "type": "tool", "name": "g", "tool_call_id": "c9", "status": "error"},
        },
        "kwargs": {"name": "g"},
    }
    attributes = {
        "traceloop.span.kind": "tool",
        "traceloop.entity.name": "g",
        "traceloop.entity.input": js(callback),
        "traceloop.entity.output": js(result),
        "traceloop.association.properties.thread_id": "t1",
        "traceloop.association.properties.user_id": "u",
        "traceloop.association.properties.lc_agent_name": "weather_agent",
        "gen_ai.provider.name": "langgraph",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "g",
        "gen_ai.tool.call.arguments": js(callback),
        "gen_ai.tool.call.result": js(result),
    }
    telling = observe(span(attributes, "opentelemetry.instrumentation.langchain"))
    run = ToolRun(name="g", call_id="c9", arguments='{"city":"Paris"}', result="rain", is_error=True)
    assert telling.tool == run
    assert (telling.role, telling.agent, telling.provider) == (Role.TOOL, "weather_agent", None)
    assert telling.conversations == (("traceloop.association.properties.thread_id", "t1"),)
    assert telling.users == (("traceloop.association.properties.user_id", "u"),)
    asked = observe(
        span(
            {
                "gen_ai.provider.name": "langchain",
                "traceloop.association.properties.ls_provider": "anthropic",
                "gen_ai.operation.name": "chat",
                "gen_ai.request.model": "unknown",
                "gen_ai.response.model": "unknown",
            }
        )
    )
    assert (asked.provider, asked.model, asked.model_requested) == ("anthropic", None, None)


def test_vercel_ai_sdk_4_with_its_older_words() -> None:
    history = [
        {"role": "system", "content": "Be brief"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is it?"},
                {"type": "image", "image": "https://example.com/cat.jpg", "mimeType": "image/jpeg"},
                {"type": "file", "data": "JVBERi0=", "mediaType": "application/pdf", "filename": "a.pdf"},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "reasoning", "text": "Look."},
                {"type": "tool-call", "toolCallId": "c1", "toolName": "look", "args": {"deep": True}},
            ],
        },
        {
            "role": "tool",
            "content": [
                {
                    "type": "tool-result",
                    "toolCallId": "c1",
                    "toolName": "look",
                    "output": {"type": "error-text", "value": "dark"},
                }
            ],
        },
    ]
    telling = observe(
        span(
            {
                "ai.operationId": "ai.streamText.doStream",
                "ai.prompt.messages": js(history),
                "ai.prompt.tools": [js({"type": "function", "name": "look", "inputSchema": SCHEMA})],
                "ai.model.id": "claude-mock",
                "ai.model.provider": "anthropic.messages",
                "ai.response.object": '{"a":1}',
                "ai.response.finishReason": "length",
                "ai.response.msToFirstChunk": 49.5,
                "ai.usage.promptTokens": 25,
                "ai.usage.completionTokens": 7,
                "ai.usage.cachedInputTokens": 100,
                "ai.telemetry.functionId": "route",
                "ai.telemetry.metadata.chatId": "chat-1",
                "ai.telemetry.metadata.userId": "bob",
                "ai.request.headers.authorization": "Bearer canary-of-a-key",
            },
            "ai",
        )
    )
    assert telling.request is not None
    assert telling.request.messages == (
        Message(MessageRole.SYSTEM, (Text("Be brief"),)),
        Message(
            MessageRole.USER,
            (
                Text("What is it?"),
                Uri("https://example.com/cat.jpg", mime_type="image/jpeg"),
                Blob("application/pdf", "JVBERi0=", modality="document", filename="a.pdf"),
            ),
        ),
        Message(MessageRole.ASSISTANT, (Reasoning("Look."), ToolCall("c1", "look", '{"deep":true}'))),
        Message(MessageRole.TOOL, (ToolCallResponse("c1", (Text("dark"),), name="look", is_error=True),)),
    )
    assert telling.request.tools == (Tool(name="look", parameters=SCHEMA),)
    assert call(telling)["output"] == [text("assistant", '{"a":1}')]
    assert finishes(telling) == [FinishReason.LENGTH]
    # Fewer than the cache gave: the sender counts them apart.
    assert counts(telling) == Usage(input_tokens=125, output_tokens=7, cached_tokens=100)
    assert (telling.ttft_us, telling.streamed, telling.agent) == (49_500, True, "route")
    assert (telling.provider, telling.model_requested) == ("anthropic", "claude-mock")
    assert telling.conversations == (("ai.telemetry.metadata.chatId", "chat-1"),)
    assert telling.users == (("ai.telemetry.metadata.userId", "bob"),)
    assert "canary-of-a-key" not in repr(telling)


def test_traceloop_tool_frame() -> None:
    telling = observe(
        span(
            {
                "traceloop.span.kind": "tool",
                "traceloop.entity.name": "get_weather",
                "traceloop.entity.input": '{"args": [], "kwargs": {"city": "Paris"}}',
                "traceloop.entity.output": '{"temp_c": 18}',
            },
            "traceloop.tracer",
        )
    )
    assert telling.tool == ToolRun(name="get_weather", arguments='{"city":"Paris"}', result='{"temp_c": 18}')


def test_openinference_whose_content_is_hidden_says_how_to_show_it() -> None:
    telling = observe(
        span(
            {
                "openinference.span.kind": "LLM",
                "llm.model_name": "gpt-mock",
                "input.value": "__REDACTED__",
                "output.value": "__REDACTED__",
                "llm.input_messages.0.message.role": "user",
                "llm.input_messages.0.message.content": "__REDACTED__",
            },
            "openinference.instrumentation.openai",
        )
    )
    assert call(telling) == {"model": "gpt-mock", "usage": {}}
    assert telling.hints == (
        "The content was not sent: set OPENINFERENCE_HIDE_INPUTS and OPENINFERENCE_HIDE_OUTPUTS to false.",
    )


def test_openinference_bodies_stand_in_for_flattened_messages() -> None:
    body = {
        "model": "gpt-mock",
        "instructions": "Be brief",
        "previous_response_id": "resp_0",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
            {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "done"},
        ],
        "tools": [{"type": "web_search"}, {"type": "function", "name": "f", "parameters": SCHEMA, "strict": True}],
    }
    answer = {
        "id": "resp_1",
        "model": "gpt-mock-1",
        "output": [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Think."}]},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello"}]},
        ],
        "usage": {"input_tokens": 9, "output_tokens": 3, "output_tokens_details": {"reasoning_tokens": 1}},
    }
    telling = observe(
        span(
            {
                "openinference.span.kind": "LLM",
                "input.value": js(body),
                "output.value": js(answer),
                "llm.invocation_parameters": '{"previous_response_id": "resp_0", "stream": true}',
            }
        )
    )
    assert call(telling) == {
        "model": "gpt-mock-1",
        "response_id": "resp_1",
        "system": [{"type": "text", "content": "Be brief"}],
        "input": [
            text("user", "Hi"),
            {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "f", "arguments": {}}]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "done"}]},
        ],
        "output": [
            {
                "role": "assistant",
                "parts": [{"type": "reasoning", "content": "Think."}, {"type": "text", "content": "Hello"}],
            }
        ],
        "usage": {"input": 9, "output": 3, "reasoning": 1},
    }
    assert telling.request is not None
    assert telling.request.tools == (
        HostedTool("otel", "web_search", {"type": "web_search"}),
        Tool(name="f", parameters=SCHEMA, strict=True),
    )
    assert (telling.previous_response_id, telling.streamed, telling.model_requested) == ("resp_0", True, "gpt-mock")


def test_openinference_choices_that_each_have_words_stay_apart() -> None:
    told = {"openinference.span.kind": "LLM", "llm.model_name": "m", "llm.finish_reason": "stop"}
    for index, words in enumerate(("One", "Two")):
        told[f"llm.output_messages.{index}.message.role"] = "assistant"
        told[f"llm.output_messages.{index}.message.content"] = words
    telling = observe(span(told))
    assert call(telling)["output"] == [text("assistant", "One"), text("assistant", "Two")]
    assert telling.response is not None
    assert [choice.index for choice in telling.response.choices] == [0, 1]


def test_openinference_images_and_first_token() -> None:
    prefix = "llm.input_messages.0.message.contents"
    telling = observe(
        span(
            {
                "openinference.span.kind": "LLM",
                "llm.model_name": "m",
                "llm.input_messages.0.message.role": "user",
                f"{prefix}.0.message_content.type": "text",
                f"{prefix}.0.message_content.text": "Look",
                f"{prefix}.1.message_content.type": "image",
                f"{prefix}.1.message_content.image.image.url": "data:image/png;base64,iVBORw0=",
            },
            events=(SpanEvent(name="First Token Stream Event", time_ns=START_NS + 3_000_000),),
        )
    )
    assert parts(telling) == [Text("Look"), Blob("image/png", "iVBORw0=")]
    assert (telling.ttft_us, telling.streamed) == (3000, True)


@pytest.mark.parametrize(
    ("name", "role", "model", "provider"),
    [
        ("chat claude-sonnet-4-6", Role.INFERENCE, "claude-sonnet-4-6", "anthropic"),
        ("text_completion gpt-4.1", Role.INFERENCE, "gpt-4.1", "openai"),
        ("embeddings text-embedding-3-small", Role.EMBEDDINGS, "text-embedding-3-small", "openai"),
        ("generate_content gemini-2.5-flash", Role.INFERENCE, "gemini-2.5-flash", "google"),
        ("chat room", Role.OTHER, None, None),
        ("chat gpt-4.1 and then some", Role.OTHER, None, None),
        ("claude-sonnet-4-6", Role.OTHER, None, None),
    ],
)
def test_a_name_alone_can_tell_a_call(name: str, role: Role, model: str | None, provider: str | None) -> None:
    telling = observe(span({}, name=name))
    assert (telling.role, telling.model_requested, telling.provider) == (role, model, provider)


def test_a_model_alone_is_a_call_and_a_stranger_s_operation_is_not() -> None:
    assert observe(span({"gen_ai.request.model": "m"})).reader == "bare"
    assert observe(span({"gen_ai.request.model": "m"})).role is Role.INFERENCE
    stranger = {"gen_ai.request.model": "m", "gen_ai.operation.name": "ponder"}
    assert observe(span(stranger)).role is Role.OTHER
    assert observe(span({**stranger, "gen_ai.usage.output_tokens": 3})).role is Role.INFERENCE


def test_plumbing_is_glue_and_an_app_s_own_span_is_not() -> None:
    request = {"http.request.method": "POST", "url.full": "https://example.com"}
    assert observe(span(request, kind=SpanKind.CLIENT)).role is Role.GLUE
    assert observe(span({"db.system": "sqlite"}, kind=SpanKind.CLIENT)).role is Role.GLUE
    assert observe(span(request, kind=SpanKind.SERVER)).role is Role.OTHER
    assert observe(span({"mine": 1}, name="handle")).role is Role.OTHER


def test_logfire_writes_parts_of_every_medium() -> None:
    told = [
        {
            "role": "user",
            "parts": [
                {"type": "image-url", "url": "https://example.com/a.png"},
                {"type": "binary", "media_type": "audio/wav", "content": "UklGRg=="},
                {"type": "document-url", "url": "https://example.com/a.pdf"},
            ],
        },
        {"role": "developer", "parts": [{"type": "text", "content": "Mind."}]},
        {"role": "model", "parts": [{"type": "file", "file_id": "f1", "modality": "image"}, {"type": "odd", "x": 1}]},
        {"role": "assistant", "parts": []},
    ]
    telling = observe(span({"gen_ai.operation.name": "chat", "gen_ai.input.messages": told}))
    assert telling.request is not None
    assert telling.request.messages == (
        Message(
            MessageRole.USER,
            (
                Uri("https://example.com/a.png"),
                Blob("audio/wav", "UklGRg==", modality="audio"),
                Uri("https://example.com/a.pdf", modality="document"),
            ),
        ),
        Message(MessageRole.SYSTEM, (Text("Mind."),)),
        Message(MessageRole.ASSISTANT, (File("f1", modality="image"), Opaque("otel", {"type": "odd", "x": 1}))),
    )


def test_anthropic_s_tool_results_leave_the_user_s_words() -> None:
    told = [
        {
            "role": "user",
            "parts": [
                {"type": "tool_call_response", "id": "c1", "response": {"a": 1}},
                {"type": "tool_call_response", "id": "c2", "result": [1, 2]},
                {"type": "text", "content": "Go on"},
            ],
        }
    ]
    telling = observe(span({"gen_ai.operation.name": "chat", "gen_ai.input.messages": js(told)}))
    assert telling.request is not None
    assert telling.request.messages == (
        Message(
            MessageRole.TOOL,
            (ToolCallResponse("c1", (Text('{"a":1}'),)), ToolCallResponse("c2", (Text("[1,2]"),))),
        ),
        Message(MessageRole.USER, (Text("Go on"),)),
    )


def test_structured_attributes_may_hold_bytes() -> None:
    told = [
        {
            "role": "user",
            "parts": [
                {"type": "blob", "modality": "image", "mime_type": "image/png", "content": b"\x89PNG"},
                {"type": "odd", "raw": b"\xff"},
            ],
        }
    ]
    telling = observe(span({"gen_ai.operation.name": "chat", "gen_ai.input.messages": told}))
    assert parts(telling) == [Blob("image/png", "iVBORw=="), Opaque("otel", {"type": "odd", "raw": "/w=="})]


def test_the_same_instructions_are_told_once() -> None:
    instruction = {"role": "system", "parts": [{"type": "text", "content": "Be brief"}]}
    other = {"role": "system", "parts": [{"type": "text", "content": "Be kind"}]}
    told = {
        "gen_ai.operation.name": "chat",
        "gen_ai.system_instructions": "Be brief",
        "gen_ai.input.messages": js([instruction, other, text("user", "Hi")]),
    }
    assert [part.text for part in parts(observe(span(told)))] == ["Be brief", "Be kind", "Hi"]


def test_content_kept_elsewhere_is_an_address() -> None:
    told = {
        "gen_ai.operation.name": "chat",
        "gen_ai.input.messages.ref": "s3://bucket/in",
        "gen_ai.output.messages.ref": "s3://bucket/out",
    }
    telling = observe(span(told))
    assert parts(telling) == [Uri("s3://bucket/in", modality="document")]
    assert telling.response is not None
    assert telling.response.choices[0].parts == (Uri("s3://bucket/out", modality="document"),)
    assert telling.hints == ()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("gemini", "google"),
        ("vertexai", "google"),
        ("gcp.gemini", "google"),
        ("gcp.vertex_ai", "google"),
        ("google.generative-ai", "google"),
        ("Anthropic", "anthropic"),
        ("OpenAI", "openai"),
        ("openai.chat", "openai"),
        ("openai.responses", "openai"),
        ("x_ai", "xai"),
        ("xai.chat", "xai"),
        ("azure.ai.openai", "azure"),
        ("az.ai.inference", "azure"),
        ("aws.bedrock", "aws.bedrock"),
    ],
)
def test_provider_names(said: str, expected: str) -> None:
    for name in ("gen_ai.provider.name", "gen_ai.system"):
        assert observe(span({name: said, "gen_ai.request.model": "m"})).provider == expected


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        *((word, FinishReason.STOP) for word in ("stop", "end_turn", "STOP")),
        *((word, FinishReason.LENGTH) for word in ("length", "max_tokens", "MAX_TOKENS")),
        *((word, FinishReason.TOOL_CALLS) for word in ("tool_call", "tool_calls", "tool-calls", "tool_use")),
        *((word, FinishReason.CONTENT_FILTER) for word in ("content_filter", "refusal", "SAFETY")),
        ("error", FinishReason.ERROR),
        ("never heard of", None),
    ],
)
def test_finish_reasons(word: str, reason: FinishReason | None) -> None:
    answer = {"role": "assistant", "parts": [{"type": "text", "content": "x"}]}
    told = {"gen_ai.operation.name": "chat", "gen_ai.output.messages": js([answer, answer])}
    assert finishes(observe(span({**told, "gen_ai.response.finish_reasons": ["length", word]})))[1] is reason
    assert finishes(observe(span({**told, "gen_ai.output.messages": js([{**answer, "finish_reason": word}])}))) == [
        reason
    ]


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (
            {"gen_ai.usage.input_tokens": "25", "gen_ai.usage.output_tokens": 3.0},
            Usage(input_tokens=25, output_tokens=3),
        ),
        # A subset that is larger than the whole is not within it.
        (
            {
                "gen_ai.usage.input_tokens": 25,
                "gen_ai.usage.cache_read.input_tokens": 100,
                "gen_ai.usage.cache_creation.input_tokens": 30,
            },
            Usage(input_tokens=155, cached_tokens=100, cache_write_tokens=30),
        ),
        (
            {"gen_ai.usage.output_tokens": 13, "gen_ai.usage.reasoning_tokens": 14},
            Usage(output_tokens=27, reasoning_tokens=14),
        ),
        # The newest name comes before the older ones.
        (
            {
                "gen_ai.usage.input_tokens": 500,
                "gen_ai.usage.cache_write.input_tokens": 50,
                "gen_ai.usage.cache_creation.input_tokens": 60,
            },
            Usage(input_tokens=500, cache_write_tokens=50),
        ),
        # A zero of a whole is said, that of a part is noise.
        (
            {"gen_ai.usage.input_tokens": 0, "gen_ai.usage.output_tokens": 0, "gen_ai.usage.reasoning_tokens": 0},
            Usage(input_tokens=0, output_tokens=0),
        ),
        ({"gen_ai.usage.input_tokens": -1}, None),
        ({"gen_ai.usage.input_tokens": True}, None),
        ({"gen_ai.usage.input_tokens": 10**400}, None),
        ({"gen_ai.usage.input_tokens": "1e400"}, None),
        ({"gen_ai.usage.input_tokens": float("nan")}, None),
    ],
)
def test_counts(attributes: dict[str, Any], expected: Usage | None) -> None:
    telling = observe(span({"gen_ai.operation.name": "chat", **attributes}))
    assert telling.response is not None
    assert telling.response.usage == expected


def test_the_precedence_of_conversations_and_users() -> None:
    names = (
        "gen_ai.conversation.id",
        "session.id",
        "langfuse.session.id",
        "langfuse.trace.metadata.session_id",
        "traceloop.association.properties.session_id",
        "traceloop.association.properties.conversation_id",
        "traceloop.association.properties.chat_id",
        "traceloop.association.properties.thread_id",
        "langsmith.metadata.session_id",
        "langsmith.metadata.conversation_id",
        "langsmith.metadata.thread_id",
        "ai.telemetry.metadata.sessionId",
        "ai.telemetry.metadata.chatId",
        "ai.telemetry.metadata.conversationId",
        "ai.telemetry.metadata.threadId",
        "metadata.session_id",
        "metadata.thread_id",
        "conversation.id",
        "thread_id",
        "thread.id",
    )
    told: dict[str, Any] = {name: f"id-{name}" for name in reversed(names) if not name.startswith("metadata.")}
    told["metadata"] = js({"thread_id": "id-metadata.thread_id", "session_id": "id-metadata.session_id"})
    assert observe(span(told)).conversations == tuple((name, f"id-{name}") for name in names)
    assert observe(span({"thread.id": 7, "thread_id": "8"})).conversations == ()
    who = (
        "user.id",
        "enduser.id",
        "langfuse.user.id",
        "traceloop.association.properties.user_id",
        "langsmith.metadata.user_id",
        "ai.telemetry.metadata.userId",
        "user.email",
        "user.name",
    )
    assert observe(span({name: name for name in reversed(who)})).users == tuple((name, name) for name in who)
    # A project is no session.
    assert observe(span({"langsmith.trace.session_name": "default"})).conversations == ()


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"attributes": {"error.type": "RateLimitError"}}, "rate_limited"),
        ({"attributes": {"error.type": "429"}}, "rate_limited"),
        ({"status": 2, "status_message": "429 RESOURCE_EXHAUSTED"}, "rate_limited"),
        ({"attributes": {"error.type": "openai.AuthenticationError"}}, "provider_key_rejected"),
        ({"attributes": {"error.type": "403"}}, "provider_key_rejected"),
        ({"attributes": {"error.type": "overloaded_error"}}, "overloaded"),
        ({"attributes": {"error.type": "500"}}, "provider_error"),
        ({"attributes": {"error.type": "openai.APITimeoutError"}}, "timeout"),
        ({"attributes": {"error.type": "CancelledError"}}, "connection_lost"),
        ({"status": 2}, "provider_error"),
        ({"status": 1, "events": (SpanEvent(name="exception"),)}, None),
        ({"status": 0, "events": (SpanEvent(name="exception"),)}, "provider_error"),
        ({"status": 0}, None),
        ({"status": 1}, None),
    ],
)
def test_errors_have_the_gateway_s_word(fields: dict[str, Any], kind: str | None) -> None:
    telling = observe(span({"gen_ai.operation.name": "chat", **fields.pop("attributes", {})}, **fields))
    assert telling.error_kind == kind
    assert (telling.error_message is None) is (kind is None)
    assert telling.error_type is None or kind is not None


def test_several_dialects_on_one_span_fill_each_other() -> None:
    """A Langfuse span around an instrumentation's: the marks of both stand on it, and the structured messages win."""
    both = {
        **LANGFUSE,
        "gen_ai.operation.name": "chat",
        "gen_ai.input.messages": js([text("user", "structured")]),
        "gen_ai.response.id": "chatcmpl-9",
        "gen_ai.usage.cache_creation.input_tokens": 2,
    }
    telling = observe(span(both))
    assert telling.reader == "langfuse"
    shown = call(telling)
    assert shown["input"] == [text("user", "structured")]
    assert shown["output"][0]["parts"][0] == {"type": "text", "content": "Hello"}
    assert shown["response_id"] == "chatcmpl-9"
    assert shown["usage"] == {"input": 13, "output": 7, "cache_read": 3, "cache_write": 2, "reasoning": 2}
    assert telling.cost_nano == 3_000_000


def test_unknown_attributes_are_facts() -> None:
    telling = observe(span({"gen_ai.operation.name": "chat", "gen_ai.brand.new": 1, "mine": [1], "session.id": "s"}))
    assert telling.facts == {"gen_ai.brand.new": 1, "mine": [1]}


@pytest.mark.parametrize(
    ("scope", "switch"),
    [
        (
            "opentelemetry.instrumentation.genai.openai",
            "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=SPAN_ONLY",
        ),
        (
            "opentelemetry.instrumentation.google_genai",
            "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=SPAN_ONLY",
        ),
        ("opentelemetry.instrumentation.openai_v2", "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true"),
        ("opentelemetry.util.genai.handler", "OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental"),
        ("opentelemetry.instrumentation.anthropic", "TRACELOOP_TRACE_CONTENT=true"),
        ("openinference.instrumentation.openai", "OPENINFERENCE_HIDE_INPUTS"),
        ("pydantic-ai", "include_content=True"),
        ("ai", "recordInputs"),
        ("gen_ai", "AI SDK"),
        ("com.anthropic.claude_code.tracing", "OTEL_LOG_USER_PROMPTS=1"),
        ("com.anthropic.sdk.python", "instrumentation beside it"),
        ("aiohttp.own", "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"),
    ],
)
def test_what_was_not_sent_and_how_to_send_it(scope: str, switch: str) -> None:
    told = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "span.type": "llm_request"}
    (hint,) = observe(span(told, scope)).hints
    assert hint.startswith("The content was not sent: ") and switch in hint


def test_what_the_sender_s_limits_took() -> None:
    told = {
        "gen_ai.operation.name": "chat",
        "gen_ai.input.messages": '[{"role":"user","parts":[{"type":"text","content":"A long que',
        "gen_ai.output.messages": js([text("assistant", "Yes")]),
    }
    telling = observe(span(told, dropped_attributes=42, dropped_events=2, notes=("truncated input.value",)))
    assert parts(telling) == [Text(told["gen_ai.input.messages"])]
    assert telling.hints == (
        "gen_ai.input.messages was cut short by the sender: raise OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT.",
        "42 attributes were dropped by the sender: raise OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT.",
        "2 events were dropped by the sender: raise OTEL_SPAN_EVENT_COUNT_LIMIT.",
        "The receiver changed this span: truncated input.value.",
    )
    one = observe(span(told, dropped_attributes=1, dropped_events=1)).hints[1:]
    assert [hint.partition(" dropped")[0] for hint in one] == ["1 attribute was", "1 event was"]


def test_what_the_receiver_cut_is_not_laid_on_the_sender() -> None:
    words = js([text("user", "x" * STRING_BYTES)])
    body = js({"resourceSpans": [{"scopeSpans": [{"spans": [_sent({"gen_ai.input.messages": words})]}]}]})
    (cut,) = otlp_json.parse_traces(body.encode()).spans
    hints = observe(cut).hints
    assert "The receiver changed this span: gen_ai.input.messages too long, cut." in hints
    assert not [hint for hint in hints if "by the sender" in hint]


def _sent(attributes: dict[str, str]) -> dict[str, Any]:
    pairs = [{"key": name, "value": {"stringValue": value}} for name, value in attributes.items()]
    return {"traceId": "1" * 32, "spanId": "2" * 16, "name": "chat", "attributes": pairs}


def test_reasoning_that_a_library_does_not_send_is_named() -> None:
    told = {
        "gen_ai.operation.name": "chat",
        "gen_ai.input.messages": js([text("user", "Hi")]),
        "gen_ai.output.messages": js([text("assistant", "Yes")]),
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.reasoning.output_tokens": 12,
    }
    assert observe(span(told)).hints == ("The model reasoned (12 tokens), but this library sends no reasoning text.",)


def test_codex_and_claude_code_s_own_words() -> None:
    turn = observe(span({"conversation.id": "c-1", "thread.id": 3, "busy_ns": 1}, "codex_exec"))
    assert (turn.role, turn.native) == (Role.STEP, True)
    assert turn.conversations == (("conversation.id", "c-1"),)
    assert observe(span({"thread.id": 3, "busy_ns": 1}, "codex_exec")).role is Role.GLUE
    asked = observe(span({"span.type": "interaction", "user_prompt": "Go"}, "com.anthropic.claude_code.tracing"))
    assert asked.transcript is not None and asked.role is Role.AGENT
    assert asked.transcript.messages == (Message(MessageRole.USER, (Text("Go"),)),)
    run = observe(
        span(
            {"span.type": "tool", "tool_name": "Bash", "full_command": "echo hi", "gen_ai.tool.call.id": "t1"},
            "com.anthropic.claude_code.tracing",
            events=(SpanEvent(name="tool.output", attributes={"output": "hi"}),),
        )
    )
    assert run.tool == ToolRun(name="Bash", call_id="t1", arguments="echo hi", result="hi")


def test_options_of_the_request() -> None:
    telling = observe(
        span(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.request.model": "m",
                "gen_ai.request.temperature": 0.5,
                "gen_ai.request.top_p": 0.9,
                "gen_ai.request.top_k": 40.0,
                "gen_ai.request.max_tokens": 100,
                "gen_ai.request.seed": 7,
                "gen_ai.request.stop_sequences": ["a", "b"],
                "gen_ai.request.frequency_penalty": 0.1,
                "gen_ai.request.presence_penalty": 0.2,
                "gen_ai.request.choice.count": 2,
                "gen_ai.request.stream": True,
                "gen_ai.request.reasoning.level": "low",
                "gen_ai.request.previous_response.id": "resp_0",
                "gen_ai.response.time_to_first_chunk": 0.4,
                "openai.response.service_tier": "flex",
                "gen_ai.usage.output_tokens": 1,
            }
        )
    )
    asked = telling.request
    assert asked is not None and asked.reasoning is not None
    assert (asked.model, asked.temperature, asked.top_p, asked.top_k) == ("m", 0.5, 0.9, 40)
    assert (asked.max_output_tokens, asked.seed, asked.stop, asked.choice_count) == (100, 7, ("a", "b"), 2)
    assert (asked.frequency_penalty, asked.presence_penalty, asked.stream) == (0.1, 0.2, True)
    assert asked.reasoning.effort == "low"
    assert (telling.ttft_us, telling.previous_response_id) == (400_000, "resp_0")
    assert counts(telling).service_tier == "flex"


def test_the_app_is_the_service_that_names_itself() -> None:
    assert observe(span({}, resource={"service.name": "shop"})).app == "shop"
    assert observe(span({}, resource={"service.name": "unknown_service:python"})).app is None


def test_google_adk() -> None:
    asked = {
        "model": "gemini-2.5-flash",
        "config": {
            "system_instruction": "Be brief",
            "temperature": 0.3,
            "tools": [{"function_declarations": [{"name": "get_weather", "parameters": SCHEMA}]}],
        },
        "contents": [
            {"role": "user", "parts": [{"text": "Weather?"}]},
            {
                "role": "model",
                "parts": [{"function_call": {"id": "c1", "name": "get_weather", "args": {"city": "Paris"}}}],
            },
            {
                "role": "user",
                "parts": [{"function_response": {"id": "c1", "name": "get_weather", "response": {"sky": "rain"}}}],
            },
        ],
    }
    answered = {
        "content": {"role": "model", "parts": [{"text": "Hm.", "thought": True}, {"text": "It rains"}]},
        "finish_reason": "STOP",
        "model_version": "gemini-2.5-flash-001",
        "usage_metadata": {"prompt_token_count": 20, "candidates_token_count": 4, "thoughts_token_count": 3},
    }
    telling = observe(
        span(
            {
                "gen_ai.system": "gcp.vertex.agent",
                "gen_ai.request.model": "gemini-2.5-flash",
                "gcp.vertex.agent.session_id": "s1",
                "gcp.vertex.agent.llm_request": js(asked),
                "gcp.vertex.agent.llm_response": js(answered),
            },
            "gcp.vertex.agent",
            name="call_llm",
        )
    )
    assert (telling.reader, telling.role) == ("google-adk", Role.INFERENCE)
    assert call(telling) == {
        "model": "gemini-2.5-flash-001",
        "provider": "google",
        "system": [{"type": "text", "content": "Be brief"}],
        "input": [
            text("user", "Weather?"),
            {
                "role": "assistant",
                "parts": [{"type": "tool_call", "id": "c1", "name": "get_weather", "arguments": {"city": "Paris"}}],
            },
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": {"sky": "rain"}}]},
        ],
        "output": [
            {
                "role": "assistant",
                "parts": [{"type": "reasoning", "content": "Hm."}, {"type": "text", "content": "It rains"}],
            }
        ],
        "usage": {"input": 20, "output": 7, "reasoning": 3},
    }
    assert telling.request is not None
    assert (telling.request.temperature, telling.request.tools) == (
        0.3,
        (Tool(name="get_weather", parameters=SCHEMA),),
    )
    assert telling.conversations == (("gcp.vertex.agent.session_id", "s1"),)
    assert finishes(telling) == [FinishReason.STOP]
    run = observe(
        span(
            {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": "get_weather",
                "gen_ai.tool.call.id": "c1",
                "gcp.vertex.agent.llm_request": "{}",
                "gcp.vertex.agent.tool_call_args": '{"city": "Paris"}',
                "gcp.vertex.agent.tool_response": '{"sky": "rain"}',
            }
        )
    )
    assert run.tool == ToolRun(
        name="get_weather", call_id="c1", arguments='{"city":"Paris"}', result='{"sky":"rain"}'
    )


def test_xai_s_own_sdk() -> None:
    called = [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": {"a": 1}}}]
    telling = observe(
        span(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "xai",
                "gen_ai.request.model": "grok-4",
                "gen_ai.request.previous_response_id": "r0",
                "gen_ai.request.reasoning_effort": "high",
                "gen_ai.response.id": "r1",
                "gen_ai.response.model": "grok-4-1",
                "gen_ai.prompt.0.role": "developer",
                "gen_ai.prompt.0.content": "Be brief",
                "gen_ai.prompt.1.role": "user",
                "gen_ai.prompt.1.content": "Hi",
                "gen_ai.completion.0.role": "assistant",
                "gen_ai.completion.0.content": "",
                "gen_ai.completion.0.reasoning_content": "Think.",
                "gen_ai.completion.0.tool_calls": js(called),
                "gen_ai.completion.start_time": "2026-11-18T11:06:40.100000+00:00",
                "gen_ai.response.finish_reasons": ["REASON_TOOL_CALLS"],
                "gen_ai.usage.input_tokens": 50,
                "gen_ai.usage.output_tokens": 10,
                "gen_ai.usage.reasoning_tokens": 8,
                "gen_ai.usage.total_tokens": 68,
                "gen_ai.usage.cached_prompt_text_tokens": 16,
                "gen_ai.usage.cost_in_usd_ticks": 12345,
            },
            "xai_sdk.sync.chat",
            name="chat.sample grok-4",
        )
    )
    assert call(telling) == {
        "model": "grok-4-1",
        "provider": "xai",
        "response_id": "r1",
        "system": [{"type": "text", "content": "Be brief"}],
        "input": [text("user", "Hi")],
        "output": [
            {
                "role": "assistant",
                "parts": [
                    {"type": "reasoning", "content": "Think."},
                    {"type": "tool_call", "id": "c1", "name": "f", "arguments": {"a": 1}},
                ],
            }
        ],
        # The total is more than input and output by the thought: it is counted apart.
        "usage": {"input": 50, "output": 18, "cache_read": 16, "reasoning": 8},
    }
    assert (telling.cost_nano, telling.ttft_us, telling.previous_response_id) == (1234, 100_000, "r0")
    assert finishes(telling) == [FinishReason.TOOL_CALLS]


BEDROCK = [
    {"reasoningContent": {"reasoningText": {"text": "Think.", "signature": "sig"}}},
    {"text": "I look"},
    {"toolUse": {"toolUseId": "c1", "name": "f", "input": {"a": 1}}},
]


def test_strands_writes_bedrock_s_blocks_into_span_events() -> None:
    result = [{"toolResult": {"toolUseId": "c1", "status": "error", "content": [{"json": {"sky": "rain"}}]}}]
    told = (
        SpanEvent(name="gen_ai.system.message", attributes={"content": js([{"text": "Be brief"}])}),
        SpanEvent(name="gen_ai.user.message", attributes={"content": js([{"text": "Hi"}])}),
        SpanEvent(name="gen_ai.assistant.message", attributes={"content": js(BEDROCK)}),
        SpanEvent(name="gen_ai.tool.message", attributes={"content": js(result)}),
        SpanEvent(name="gen_ai.choice", attributes={"finish_reason": "end_turn", "message": js([{"text": "Rain"}])}),
    )
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "strands-agents",
        "gen_ai.request.model": "m",
        "gen_ai.server.time_to_first_token": 250,
    }
    telling = observe(span(attributes, "strands.telemetry.tracer", events=told))
    assert telling.request is not None
    assert telling.request.messages == (
        Message(MessageRole.SYSTEM, (Text("Be brief"),)),
        Message(MessageRole.USER, (Text("Hi"),)),
        Message(
            MessageRole.ASSISTANT,
            (
                Reasoning("Think.", {"anthropic": {"signature": "sig"}}),
                Text("I look"),
                ToolCall("c1", "f", '{"a":1}'),
            ),
        ),
        Message(MessageRole.TOOL, (ToolCallResponse("c1", (Text('{"sky":"rain"}'),), is_error=True),)),
    )
    assert call(telling)["output"] == [text("assistant", "Rain")]
    assert (telling.provider, telling.ttft_us) == (None, 250_000)
    assert finishes(telling) == [FinishReason.STOP]
    # The loop around the calls repeats their messages, and is none itself.
    for operation in ("execute_event_loop_cycle", "never_heard_of"):
        cycle = observe(span({"gen_ai.operation.name": operation, "gen_ai.system": "strands-agents"}, events=told))
        assert cycle.role in (Role.STEP, Role.OTHER) and cycle.request is None and cycle.transcript is not None
    run = observe(
        span(
            {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "f", "gen_ai.tool.call.id": "c1"},
            events=(
                SpanEvent(name="gen_ai.tool.message", attributes={"role": "tool", "content": '{"a":1}', "id": "c1"}),
                SpanEvent(name="gen_ai.choice", attributes={"message": js([{"text": "rain"}]), "id": "c1"}),
            ),
        )
    )
    assert run.tool == ToolRun(name="f", call_id="c1", arguments='{"a":1}', result="rain")


def test_details_as_events_of_the_span() -> None:
    name = "gen_ai.client.inference.operation.details"
    telling = observe(
        span(
            {"gen_ai.operation.name": "chat"},
            events=(
                SpanEvent(name=name, attributes={"gen_ai.input.messages": js([text("user", "Hi")])}),
                SpanEvent(name=name, attributes={"gen_ai.output.messages": js([text("assistant", "Yes")])}),
            ),
        )
    )
    assert call(telling) == {"input": [text("user", "Hi")], "output": [text("assistant", "Yes")], "usage": {}}


def test_azure_puts_an_event_s_body_into_one_attribute() -> None:
    def event(name: str, body: Any) -> SpanEvent:
        return SpanEvent(name=name, attributes={"gen_ai.system": "az.ai.inference", "gen_ai.event.content": js(body)})

    telling = observe(
        span(
            {"gen_ai.operation.name": "chat", "gen_ai.system": "az.ai.inference"},
            events=(
                event("gen_ai.system.message", {"role": "system", "content": "Be brief"}),
                event("gen_ai.user.message", {"role": "user", "content": "Hi"}),
                event("gen_ai.choice", {"index": 0, "finish_reason": "stop", "message": {"content": "Yes"}}),
            ),
        )
    )
    assert call(telling) == {
        "provider": "azure",
        "system": [{"type": "text", "content": "Be brief"}],
        "input": [text("user", "Hi")],
        "output": [text("assistant", "Yes")],
        "usage": {},
    }
    assert finishes(telling) == [FinishReason.STOP]


def test_gemini_cli_s_chunks_are_one_answer() -> None:
    chunks = [
        {"role": "model", "parts": [{"text": "Let me ", "thought": True}]},
        {"role": "model", "parts": [{"text": "see.", "thought": True}, {"text": "It "}]},
        {"role": "model", "parts": [{"text": "rains"}, {"functionCall": {"name": "f", "args": {"a": 1}}}]},
    ]
    told = {"gen_ai.operation.name": "llm_call", "gen_ai.request.model": "m", "gen_ai.output.messages": js(chunks)}
    telling = observe(span(told, "gemini-cli"))
    assert telling.response is not None
    (choice,) = telling.response.choices
    assert choice.parts == (Reasoning("Let me see."), Text("It rains"), ToolCall("", "f", '{"a":1}'))


def test_choices_told_out_of_order_stand_by_their_index() -> None:
    told = tuple(
        SpanEvent(name="gen_ai.choice", attributes={"index": index, "message": js({"content": word})})
        for index, word in ((1, "Two"), (0, "One"))
    )
    telling = observe(span({"gen_ai.operation.name": "chat"}, events=told))
    assert call(telling)["output"] == [text("assistant", "One"), text("assistant", "Two")]


def test_claude_code_counts_the_cache_apart_however_large_the_input() -> None:
    told = {
        "span.type": "llm_request",
        "model": "claude-sonnet-4-5",
        "input_tokens": "5000",
        "output_tokens": 25,
        "cache_read_tokens": 100,
        "cache_creation_tokens": 30,
        "ttft_ms": 49,
        "stop_reason": "max_tokens",
    }
    telling = observe(span(told, "com.anthropic.claude_code.tracing"))
    assert counts(telling) == Usage(input_tokens=5130, output_tokens=25, cached_tokens=100, cache_write_tokens=30)
    assert (telling.ttft_us, telling.native) == (49_000, True)
    assert finishes(telling) == [FinishReason.LENGTH]


def test_vercel_tool_results_that_are_texts_are_not_quoted() -> None:
    told = {"ai.operationId": "ai.toolCall", "ai.toolCall.name": "f", "ai.toolCall.id": "c1"}
    for result, plain in (('"rain"', "rain"), ('{"sky":"rain"}', '{"sky":"rain"}'), ("rain", "rain")):
        run = observe(span({**told, "ai.toolCall.args": '{"a":1}', "ai.toolCall.result": result})).tool
        assert run == ToolRun(name="f", call_id="c1", arguments='{"a":1}', result=plain)


def test_pydantic_ai_s_events_cut_short_are_kept_as_words() -> None:
    cut = '[{"content": "Hi", "role": "user", "event.name": "gen_ai.user.mess'
    telling = observe(span({"events": cut, "gen_ai.operation.name": "chat"}, "pydantic-ai"))
    assert parts(telling) == [Text(cut)]
    assert telling.hints[-1] == "events was cut short by the sender: raise OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT."


def test_pydantic_ai_s_run_holds_the_transcript_and_logfire_s_label() -> None:
    said = [text("user", "Hi"), text("assistant", "Yes")]
    telling = observe(
        span(
            {
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.agent.name": "concierge",
                "gen_ai.conversation.id": "conv-7",
                "gen_ai.system_instructions": js([{"type": "text", "content": "Be brief"}]),
                "pydantic_ai.all_messages": js(said),
                "gen_ai.aggregated_usage.input_tokens": 100,
                "logfire.msg": "concierge run",
            },
            "pydantic-ai",
        )
    )
    assert telling.transcript is not None
    assert [message.role for message in telling.transcript.messages] == ["system", "user", "assistant"]
    assert (telling.role, telling.title, telling.agent, telling.response) == (
        Role.AGENT,
        "concierge run",
        "concierge",
        None,
    )


def test_a_span_that_only_announces_another_is_no_call() -> None:
    told = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-mock",
        "gen_ai.input.messages": js([text("user", "Hi")]),
        "session.id": "s1",
    }
    assert observe(span(told, "pydantic-ai")).role is Role.INFERENCE
    pending = observe(span({**told, "logfire.span_type": "pending_span"}, "pydantic-ai"))
    assert (pending.role, pending.request, pending.hints) == (Role.GLUE, None, ())
    assert pending.conversations == (("session.id", "s1"),)
