"""Providers of the user's own, of each dialect, through each door's official SDK: answers, counts, costs, manners.

The strict provider stands behind four rows of `config.toml`, so that what reaches it is checked; servers with habits
of their own are scripted byte by byte, as their documentation shows them.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors as google_errors
from google.genai import types
from msgspec import Struct

from gateway.providers.models import MODELS
from tests.endtoend.scripted import Scripted, Sent, answer, stream_head
from tests.endtoend.serving import CHAT, EMBEDDINGS, USAGE, Served
from tests.provider.client import ProviderProcess
from tests.waiting import wait_until

BOTH = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
KEYS = {"FAREGATE_MY_CHAT_API_KEY": "own-chat-key-0001", "FAREGATE_MY_RESPONSES_API_KEY": "own-responses-key-0002"}
KEYS |= {"FAREGATE_MY_CLAUDE_API_KEY": "own-claude-key-0003", "FAREGATE_MY_GEMINI_API_KEY": "own-gemini-key-0004"}
KEYS |= {"FAREGATE_ROUTER_API_KEY": "sk-or-canary-0005"}
# Dollars per million tokens: input, cached, cache_write, output.
PRICES = {
    "my-chat": ("gpt-4.1-mini", "0.37", "0.037", "0.37", "1.51"),
    "my-responses": ("gpt-4.1-mini", "0.37", "0.037", "0.37", "1.51"),
    "my-claude": ("claude-sonnet-4-6", "2.9", "0.29", "3.7", "14.3"),
    "my-gemini": ("gemini-2.5-flash", "0.31", "0.031", "0.31", "2.47"),
}
CONFIG = """
[[provider]]
name = "my-chat"
dialect = "openai_chat"
base_url = "{openai}"
prices = {{ "gpt-4.1-mini" = {{ input = 0.37, cached = 0.037, output = 1.51 }} }}

[[provider]]
name = "my-responses"
dialect = "openai_responses"
base_url = "{openai}"
prices = {{ "*" = {{ input = 0.37, cached = 0.037, output = 1.51 }} }}

[[provider]]
name = "my-claude"
dialect = "anthropic"
base_url = "{anthropic}"
auth = "x-api-key"
prices = {{ "claude-sonnet-4-6" = {{ input = 2.9, cached = 0.29, cache_write = 3.7, output = 14.3 }} }}

[[provider]]
name = "my-gemini"
dialect = "gemini"
base_url = "{google}"
auth = "x-goog-api-key"
embeddings = true
prices = {{ "gemini-2.5-flash" = {{ input = 0.31, cached = 0.031, output = 2.47 }}, "*" = {{ input = 0.11 }} }}

[[provider]]
name = "ollama"
dialect = "openai_chat"
base_url = "{scripted}/ollama/v1"
auth = "none"
models = ["qwen3:8b", "gpt-oss:20b"]
embeddings = ["nomic-embed-text"]
prices = {{ "nomic-embed-text" = {{ input = 0.02 }} }}

[[provider]]
name = "router"
dialect = "openai_chat"
base_url = "{scripted}/router/api/v1"
models = ["meta-llama/llama-4"]

[[provider]]
name = "deep-seek"
dialect = "openai_chat"
base_url = "{scripted}/deepseek"
auth = "none"
models = ["deepseek-chat"]
efforts = ["low", "medium", "high"]
prices = {{ "deepseek-chat" = {{ input = 0.28, cached = 0.028, output = 0.42 }} }}

[[provider]]
name = "claude-proxy"
dialect = "anthropic"
base_url = "{scripted}/proxy"
auth = "bearer"
models = ["kimi-k3"]
"""

Script = Callable[[Sent], bytes]


def chunk(model: str, delta: Mapping[str, Any], finish: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    said = {
        "id": "gen-7",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": model,
        "choices": [choice],
        **more,
    }
    return b"data: " + json.dumps(said, separators=(",", ":")).encode() + b"\n\n"


def counted(model: str, usage: Mapping[str, Any]) -> bytes:
    said = {
        "id": "gen-7",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": model,
        "choices": [],
        "usage": usage,
    }
    return b"data: " + json.dumps(said, separators=(",", ":")).encode() + b"\n\n"


def whole(model: str, message: Mapping[str, Any], finish: str, usage: Mapping[str, Any]) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    said = {
        "id": "gen-7",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [choice],
        "usage": usage,
    }
    return answer(json.dumps(said).encode())


DONE = b"data: [DONE]\n\n"
TWO = [
    {"type": "function", "function": {"name": "weather", "arguments": '{"city":"Paris"}'}},
    {"type": "function", "function": {"name": "clock", "arguments": "{}"}},
]
ROUTER_USAGE = {
    "prompt_tokens": 194,
    "completion_tokens": 12,
    "total_tokens": 206,
    "cost": 0.00014,
    "is_byok": False,
    "cost_details": {"upstream_inference_cost": None},
    "prompt_tokens_details": {"cached_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 5},
}
DEEP_USAGE = {
    "prompt_tokens": 1000,
    "completion_tokens": 300,
    "total_tokens": 1300,
    "prompt_cache_hit_tokens": 768,
    "prompt_cache_miss_tokens": 232,
    "completion_tokens_details": {"reasoning_tokens": 200},
}
ROUTED = b": OPENROUTER PROCESSING\n\n" + b"".join(
    (
        chunk("meta-llama/llama-4", {"role": "assistant", "content": "", "reasoning": "Hm."}, provider="Maker"),
        b": OPENROUTER PROCESSING\n\n",
        chunk("meta-llama/llama-4", {"role": "assistant", "content": "Yes."}, provider="Maker"),
        chunk("meta-llama/llama-4", {"content": ""}, "stop", provider="Maker", native_finish_reason="stop"),
        counted("meta-llama/llama-4", ROUTER_USAGE),
        DONE,
    )
)


def serve(sent: Sent, send: Callable[[bytes], None]) -> None:
    """Each server by its base path; what it does by the words of the question."""
    if sent.head.startswith("GET "):
        send(answer(b'{"object":"list","data":[{"id":"qwen3:8b","object":"model"}]}'))
        return
    asked = json.loads(sent.body)
    server = sent.path.split("/")[1]
    send(SERVERS[server](asked, "again" in sent.body.decode()))


def _ollama(asked: dict[str, Any], _again: bool) -> bytes:
    if "input" in asked:
        count = len(asked["input"]) if isinstance(asked["input"], list) else 1
        data = [{"object": "embedding", "index": at, "embedding": [0.6, 0.8]} for at in range(count)]
        usage = {"prompt_tokens": 4 * count, "total_tokens": 4 * count}
        return answer(json.dumps({"object": "list", "data": data, "model": asked["model"], "usage": usage}).encode())
    if asked["model"] == "missing":
        return answer(b'{"error":"model \'missing\' not found, try pulling it first"}', status="404 Not Found")
    usage = {"prompt_tokens": 26, "completion_tokens": 9, "total_tokens": 35}
    if not asked.get("tools"):
        if not asked.get("stream"):
            return whole(asked["model"], {"content": "Hi."}, "stop", usage)
        end = counted(asked["model"], usage) if asked.get("stream_options", {}).get("include_usage") else b""
        return (
            stream_head() + chunk(asked["model"], {"content": "Hi."}) + chunk(asked["model"], {}, "stop") + end + DONE
        )
    if not asked.get("stream"):
        return whole(asked["model"], {"content": "", "tool_calls": TWO}, "tool_calls", usage)
    calls = b"".join(chunk(asked["model"], {"content": "", "tool_calls": [call]}) for call in TWO)
    return stream_head() + calls + chunk(asked["model"], {}, "stop") + counted(asked["model"], usage) + DONE


def _router(asked: dict[str, Any], again: bool) -> bytes:
    if again:
        error = {"code": 502, "message": "The model's maker went away"}
        failed = chunk(asked["model"], {"content": ""}, "error", error=error, provider="Maker")
        return (
            stream_head()
            + b": OPENROUTER PROCESSING\n\n"
            + chunk(asked["model"], {"content": "Once"})
            + failed
            + DONE
        )
    if asked.get("stream"):
        return stream_head() + ROUTED
    return whole(asked["model"], {"content": "Yes.", "reasoning": "Hm."}, "stop", ROUTER_USAGE)


def _deepseek(asked: dict[str, Any], _again: bool) -> bytes:
    if not asked.get("stream"):
        return whole(asked["model"], {"content": "Yes.", "reasoning_content": "Hm."}, "stop", DEEP_USAGE)
    said = chunk(asked["model"], {"role": "assistant", "content": None, "reasoning_content": "Hm."})
    said += b": keep-alive\n\n" + chunk(asked["model"], {"content": "Yes.", "reasoning_content": None})
    return stream_head() + said + chunk(asked["model"], {"content": ""}, "stop", usage=DEEP_USAGE) + DONE


def _proxy(asked: dict[str, Any], _again: bool) -> bytes:
    usage = {"input_tokens": 9, "output_tokens": 4}
    said = {"id": "msg_1", "type": "message", "role": "assistant", "model": asked["model"], "stop_sequence": None}
    said |= {"content": [{"type": "text", "text": "Yes."}], "stop_reason": "end_turn", "usage": usage}
    return answer(json.dumps(said).encode())


SERVERS: Mapping[str, Callable[[dict[str, Any], bool], bytes]] = {
    "ollama": _ollama,
    "router": _router,
    "deepseek": _deepseek,
    "proxy": _proxy,
}


@pytest.fixture(scope="module")
def scripted() -> Iterator[Scripted]:
    with Scripted(serve) as made:
        yield made


@pytest.fixture(scope="module")
def gateway(
    scripted: Scripted, provider: ProviderProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("own") / "home"
    folder.mkdir()
    (folder / "config.toml").write_text(CONFIG.format(scripted=scripted.url, **provider.base_urls))
    served = Served(folder, **KEYS)
    for role in ("execute", "admin"):
        served.key(role)
    with served:
        yield served


# Each door's SDK says a question and reads the answer.


class Answered(Struct, frozen=True, kw_only=True):
    text: str
    thinking: str
    calls: tuple[tuple[str, str, Any], ...]
    input: int
    output: int


# What the clients below hold open.
_CLIENTS = contextlib.ExitStack()


@pytest.fixture(scope="module", autouse=True)
def clients_are_closed() -> Iterator[None]:
    with _CLIENTS:
        yield


@cache
def _openai(url: str, key: str) -> openai.OpenAI:
    return _CLIENTS.enter_context(openai.OpenAI(base_url=url + "/api/ai/v1", api_key=key, max_retries=0))


@cache
def _anthropic(url: str, key: str) -> anthropic.Anthropic:
    return _CLIENTS.enter_context(anthropic.Anthropic(base_url=url + "/api/ai", api_key=key, max_retries=0))


@cache
def _google(url: str, key: str) -> genai.Client:
    options = types.HttpOptions(base_url=url + "/api/ai")
    return _CLIENTS.enter_context(genai.Client(api_key=key, http_options=options))


TOOLS = {name: {"type": "object", "properties": {"city": {"type": "string"}}} for name in ("weather", "clock")}


def _chat(gateway: Served, model: str, text: str, streamed: bool, tools: bool) -> Answered:
    functions = [{"type": "function", "function": {"name": n, "parameters": s}} for n, s in TOOLS.items()]
    asked: Any = {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": 500}
    asked |= {"tools": functions} if tools else {}
    client = _openai(gateway.url, gateway.key())
    if streamed:
        with client.chat.completions.stream(**asked, stream_options={"include_usage": True}) as stream:
            made = stream.get_final_completion()
    else:
        made = client.chat.completions.create(**asked)
    message, usage = made.choices[0].message, made.usage
    assert usage is not None and made.choices[0].finish_reason == ("tool_calls" if message.tool_calls else "stop")
    extra = message.model_extra or {}
    return Answered(
        text=message.content or "",
        thinking=extra.get("reasoning_content") or extra.get("reasoning") or "",
        calls=tuple((c.id, c.function.name, json.loads(c.function.arguments)) for c in message.tool_calls or ()),  # type: ignore[union-attr]
        input=usage.prompt_tokens,
        output=usage.completion_tokens,
    )


def _responses(gateway: Served, model: str, text: str, streamed: bool, tools: bool) -> Answered:
    functions = [{"type": "function", "name": n, "parameters": s, "strict": False} for n, s in TOOLS.items()]
    asked: Any = {"model": model, "input": text, "max_output_tokens": 500} | ({"tools": functions} if tools else {})
    client = _openai(gateway.url, gateway.key())
    if streamed:
        with client.responses.stream(**asked) as stream:
            made: Any = stream.get_final_response()
    else:
        made = client.responses.create(**asked)
    assert made.status == "completed" and made.usage is not None
    thoughts = [
        s.text for item in made.output if item.type == "reasoning" for s in (*item.summary, *(item.content or ()))
    ]
    calls = [item for item in made.output if item.type == "function_call"]
    return Answered(
        text=made.output_text,
        thinking="".join(thoughts),
        calls=tuple((call.call_id, call.name, json.loads(call.arguments)) for call in calls),
        input=made.usage.input_tokens,
        output=made.usage.output_tokens,
    )


def _claude(gateway: Served, model: str, text: str, streamed: bool, tools: bool) -> Answered:
    functions = [{"name": n, "input_schema": s} for n, s in TOOLS.items()]
    asked: Any = {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": 500}
    asked |= {"tools": functions} if tools else {}
    client = _anthropic(gateway.url, gateway.key())
    if streamed:
        with client.messages.stream(**asked) as stream:
            made = stream.get_final_message()
    else:
        made = client.messages.create(**asked)
    calls = [block for block in made.content if block.type == "tool_use"]
    assert made.stop_reason == ("tool_use" if calls else "end_turn")
    usage = made.usage
    return Answered(
        text="".join(block.text for block in made.content if block.type == "text"),
        thinking="".join(block.thinking for block in made.content if block.type == "thinking"),
        calls=tuple((call.id, call.name, call.input) for call in calls),
        input=usage.input_tokens + (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0),
        output=usage.output_tokens,
    )


def _gemini(gateway: Served, model: str, text: str, streamed: bool, tools: bool) -> Answered:
    client = _google(gateway.url, gateway.key())
    declared: Any = [{"name": n, "description": n, "parameters_json_schema": s} for n, s in TOOLS.items()]
    config = types.GenerateContentConfig(
        max_output_tokens=500,
        tools=[types.Tool(function_declarations=declared)] if tools else None,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )
    if streamed:
        pieces = list(client.models.generate_content_stream(model=model, contents=text, config=config))
    else:
        pieces = [client.models.generate_content(model=model, contents=text, config=config)]
    contents = [piece.candidates[0].content for piece in pieces if piece.candidates]
    parts = [part for content in contents if content for part in content.parts or ()]
    calls = [part.function_call for part in parts if part.function_call]
    usage = pieces[-1].usage_metadata
    assert usage is not None
    return Answered(
        text="".join(part.text or "" for part in parts if not part.thought),
        thinking="".join(part.text or "" for part in parts if part.thought),
        calls=tuple((call.id or "", call.name or "", call.args) for call in calls),
        input=(usage.prompt_token_count or 0) + (usage.tool_use_prompt_token_count or 0),
        output=(usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0),
    )


ASK: Mapping[str, Callable[[Served, str, str, bool, bool], Answered]] = {
    "openai_chat": _chat,
    "openai_responses": _responses,
    "anthropic": _claude,
    "gemini": _gemini,
}
EVERY_DOOR = pytest.mark.parametrize("door", ASK)


@EVERY_DOOR
@BOTH
@pytest.mark.parametrize("own", PRICES)
def test_every_door_reaches_every_dialect_at_ones_own_prices(
    gateway: Served, provider: ProviderProcess, own: str, door: str, streamed: bool
) -> None:
    model, *prices = PRICES[own]
    found = ASK[door](gateway, f"{own}/{model}", f"Hello {door} {own} {streamed}", streamed, False)
    entry, row = provider.ledger()[-1], gateway.last()
    assert found.text == entry["answer"]["text"] and found.text
    assert (entry["key_tail"], entry["model"]) == (
        KEYS[f"FAREGATE_{own.upper().replace('-', '_')}_API_KEY"][-4:],
        model,
    )
    assert found.input == row.input_tokens == entry["input"] and found.output == row.output_tokens == entry["output"]
    read, written = entry["cached"] or 0, entry["cache_write"] or 0
    counts = (entry["input"] - read - written, read, written, entry["output"])
    cost = sum((Fraction(price) * 1000 * count for price, count in zip(prices, counts, strict=True)), Fraction(0))
    assert (row.cost_nano, row.cost_source) == (round(cost), "override")
    named = "*" if own == "my-responses" else model
    assert (row.provider, row.model, row.price_id) == (own, model, f"{own}/{named}")
    assert (row.door, row.outcome, row.usage_source, row.streamed) == (door, "ok", "provider", streamed)


# Verbatim calls of a stream that have no index are not what OpenAI's own SDK can put together.
@pytest.mark.parametrize(("door", "streamed"), [("openai_chat", False), *product(list(ASK)[1:], (False, True))])
def test_calls_that_a_local_server_neither_numbers_nor_names_stay_two(
    gateway: Served, scripted: Scripted, door: str, streamed: bool
) -> None:
    found = ASK[door](gateway, "qwen3:8b", "Weather?", streamed, True)
    assert [(name, arguments) for _, name, arguments in found.calls] == [
        ("weather", {"city": "Paris"}),
        ("clock", {}),
    ]
    if door != "openai_chat":
        ids = {id for id, _, _ in found.calls}
        assert len(ids) == 2 and "" not in ids
    asked = json.loads(scripted.requests[-1].body)
    assert asked["max_tokens"] == 500 and "max_completion_tokens" not in asked
    assert scripted.requests[-1].header("authorization") is None
    assert (asked.get("stream_options") == {"include_usage": True}) is streamed
    row = gateway.last()
    assert (row.provider, row.model, row.input_tokens, row.output_tokens) == ("ollama", "qwen3:8b", 26, 9)
    assert (row.usage_source, row.cost_nano, row.cost_source) == ("provider", None, "none")


def test_usage_is_asked_for_and_taken_out_again_at_a_server_that_gives_none_by_itself(
    gateway: Served, scripted: Scripted
) -> None:
    reply = gateway.chat("Hi.", "ollama/gpt-oss:20b", stream=True)
    assert json.loads(scripted.requests[-1].body)["stream_options"] == {"include_usage": True}
    assert b"usage" not in reply.body and reply.body.endswith(DONE) and b'"content":"Hi."' in reply.body
    row = gateway.row(reply.id)
    assert (row.input_tokens, row.output_tokens, row.usage_source) == (26, 9, "provider")


def test_a_name_like_a_makers_is_not_taken_for_the_makers_model(gateway: Served, scripted: Scripted) -> None:
    """gpt-oss is no GPT: sampling, stop and the limit go as they came, thinking is dropped by name."""
    body = {"model": "gpt-oss:20b", "max_tokens": 7, "temperature": 0.3, "stop_sequences": ["x"]}
    body |= {"thinking": {"type": "adaptive"}, "messages": [{"role": "user", "content": "Hi."}]}
    body |= {"output_config": {"effort": "high"}}
    reply = gateway.ask("POST", "/api/ai/v1/messages", body, key=gateway.key())
    assert reply.status == 200
    asked = json.loads(scripted.requests[-1].body)
    assert (asked["temperature"], asked["stop"], asked["max_tokens"]) == (0.3, ["x"], 7)
    assert "reasoning_effort" not in asked and gateway.row(reply.id).dropped


def test_a_carried_instruction_is_not_told_as_left_out(gateway: Served, scripted: Scripted) -> None:
    """Codex's way at a server that knows chat only."""
    body = {"model": "qwen3:8b", "instructions": "Be brief.", "input": "Hi.", "store": False}
    reply = gateway.ask("POST", "/api/ai/v1/responses", body, key=gateway.key())
    assert json.loads(scripted.requests[-1].body)["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi."},
    ]
    assert reply.status == 200 and "x-faregate-dropped" not in reply.headers


def test_a_row_says_which_efforts_its_models_take(gateway: Served, scripted: Scripted) -> None:
    body = {"model": "deepseek-chat", "max_tokens": 7, "thinking": {"type": "adaptive"}}
    body |= {"output_config": {"effort": "max"}, "messages": [{"role": "user", "content": "Hi."}]}
    reply = gateway.ask("POST", "/api/ai/v1/messages", body, key=gateway.key())
    assert reply.status == 200 and json.loads(scripted.requests[-1].body)["reasoning_effort"] == "high"


def test_an_error_that_is_a_bare_string_reaches_every_sdk(gateway: Served) -> None:
    said = "model 'missing' not found, try pulling it first"
    with pytest.raises(openai.NotFoundError, match=said) as chat:
        _chat(gateway, "ollama/missing", "Hi.", False, False)
    assert chat.value.status_code == 404
    with pytest.raises(openai.NotFoundError, match=said):
        _responses(gateway, "ollama/missing", "Hi.", True, False)
    with pytest.raises(anthropic.NotFoundError, match=said):
        _claude(gateway, "ollama/missing", "Hi.", True, False)
    with pytest.raises(google_errors.ClientError, match=said) as gemini:
        _gemini(gateway, "ollama/missing", "Hi.", False, False)
    assert gemini.value.code == 404 and gateway.last().outcome == "error"


@EVERY_DOOR
@BOTH
def test_openrouters_own_figure_is_the_cost(gateway: Served, scripted: Scripted, door: str, streamed: bool) -> None:
    found = ASK[door](gateway, "meta-llama/llama-4", "Hi.", streamed, False)
    assert (found.text, found.input, found.output) == ("Yes.", 194, 12)
    assert found.thinking == "Hm."
    assert scripted.requests[-1].path == "/router/api/v1/chat/completions"
    assert scripted.requests[-1].header("authorization") == "Bearer sk-or-canary-0005"
    row = gateway.last()
    assert (row.cost_nano, row.cost_source, row.price_id) == (140_000, "provider", None)
    assert (row.provider, row.model, row.reasoning_tokens) == ("router", "meta-llama/llama-4", 5)


def test_openrouters_comments_pass_as_they_are(gateway: Served) -> None:
    reply = gateway.chat("Hi.", "meta-llama/llama-4", stream=True, stream_options={"include_usage": True})
    assert reply.body == ROUTED


@EVERY_DOOR
def test_a_maker_that_fails_midway_is_an_error_for_every_sdk(gateway: Served, door: str) -> None:
    expected = (openai.APIError, anthropic.APIError, google_errors.APIError)
    with pytest.raises(expected, match="maker went away"):
        ASK[door](gateway, "meta-llama/llama-4", "Say it again.", True, False)
    row = gateway.last()
    assert (row.outcome, row.error_type, row.usage_source) == ("error", "provider_error", "estimated")


@EVERY_DOOR
@BOTH
def test_deepseeks_cache_is_priced_as_such(gateway: Served, door: str, streamed: bool) -> None:
    found = ASK[door](gateway, "deepseek-chat", "Hi.", streamed, False)
    assert (found.text, found.thinking, found.input, found.output) == ("Yes.", "Hm.", 1000, 300)
    row = gateway.last()
    assert (row.cached_tokens, row.reasoning_tokens) == (768, 200)
    assert (row.cost_nano, row.cost_source) == (232 * 280 + 768 * 28 + 300 * 420, "override")
    assert row.price_id == "deep-seek/deepseek-chat"


@pytest.mark.parametrize("path", [CHAT, "/api/ai/v1/messages"], ids=["translated", "verbatim"])
def test_an_anthropic_server_that_wants_a_bearer(gateway: Served, scripted: Scripted, path: str) -> None:
    body = {"model": "kimi-k3", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi."}]}
    headers = {"x-provider-api-key": "mine-0009"}
    assert gateway.ask("POST", path, body, key=gateway.key(), headers=headers).status == 200
    sent = scripted.requests[-1]
    assert (sent.path, sent.header("authorization")) == ("/proxy/v1/messages", "Bearer mine-0009")
    assert sent.header("x-api-key") is None and sent.header("anthropic-version")


# Embeddings.


@pytest.mark.parametrize(
    ("said", "count"),
    [("one", 1), (["one", "two"], 2), ([1, 2, 3], 3), ([[1, 2], [3]], 2)],
    ids=["string", "list", "tokens", "token lists"],
)
@pytest.mark.parametrize("model", ["nomic-embed-text", "ollama/another-embedder"])
def test_embeddings_of_ones_own(gateway: Served, scripted: Scripted, model: str, said: Any, count: int) -> None:
    client = _openai(gateway.url, gateway.key())
    made = client.embeddings.create(model=model, input=said, dimensions=2, encoding_format="float")
    assert [item.embedding for item in made.data] == [[0.6, 0.8]] * count
    sent = json.loads(scripted.requests[-1].body)
    assert (sent["input"], sent["dimensions"], sent["model"]) == (said, 2, model.removeprefix("ollama/"))
    assert scripted.requests[-1].path == "/ollama/v1/embeddings"
    row = gateway.last()
    assert (row.door, row.provider, row.input_tokens, row.usage_source) == (
        "embeddings",
        "ollama",
        4 * count,
        "provider",
    )
    priced = (4 * count * 20, "override") if model == "nomic-embed-text" else (None, "none")
    assert (row.cost_nano, row.cost_source) == priced


@pytest.mark.parametrize("at_openais_door", [True, False])
def test_embeddings_of_an_own_provider_that_speaks_gemini(
    gateway: Served, provider: ProviderProcess, at_openais_door: bool
) -> None:
    model = "my-gemini/gemini-embedding-001"
    if at_openais_door:
        made = _openai(gateway.url, gateway.key()).embeddings.create(model=model, input=["one", "two"], dimensions=16)
        widths = [len(item.embedding) for item in made.data]
    else:
        config = types.EmbedContentConfig(output_dimensionality=16)
        models = _google(gateway.url, gateway.key()).models
        answered = models.embed_content(model=model, contents=["one", "two"], config=config)
        widths = [len(one.values or ()) for one in answered.embeddings or ()]
    entry, row = provider.ledger()[-1], gateway.last()
    assert widths == [16, 16] and entry["key_tail"] == KEYS["FAREGATE_MY_GEMINI_API_KEY"][-4:]
    assert (row.provider, row.input_tokens, row.usage_source) == ("my-gemini", entry["input"], "provider")
    assert (row.cost_nano, row.cost_source, row.price_id) == (entry["input"] * 110, "override", "my-gemini/*")


@pytest.mark.parametrize("model", ["deepseek-chat", "my-claude/claude-sonnet-4-6", "grok-4.3", "claude-sonnet-4-6"])
def test_a_row_without_embeddings_names_what_works_here(gateway: Served, scripted: Scripted, model: str) -> None:
    calls = len(scripted.requests)
    reply = gateway.ask("POST", EMBEDDINGS, {"model": model, "input": "one"}, key=gateway.key())
    assert (reply.status, reply.error["param"]) == (400, "model") and len(scripted.requests) == calls
    for works in ("text-embedding-3-small", "gemini-embedding-001", "nomic-embed-text"):
        assert works in reply.error["message"]


# Lists, keys and sums.


def test_ones_own_models_are_in_all_three_lists(gateway: Served) -> None:
    own = ["nomic-embed-text", "qwen3:8b", "gpt-oss:20b", "meta-llama/llama-4", "deepseek-chat", "kimi-k3"]
    ids = [model.id for model in MODELS] + own
    client = _openai(gateway.url, gateway.key())
    listed = list(client.models.list())
    assert [model.id for model in listed] == ids and listed[-1].owned_by == "claude-proxy"
    assert client.models.retrieve("qwen3:8b").owned_by == "ollama"
    claude = _anthropic(gateway.url, gateway.key())
    assert [model.id for model in claude.models.list(limit=50)] == ids
    assert claude.models.retrieve("deepseek-chat").display_name == "deepseek-chat"
    google = _google(gateway.url, gateway.key())
    assert [model.name for model in google.models.list()] == [f"models/{id}" for id in ids]
    embedder = google.models.get(model="nomic-embed-text")
    assert embedder.supported_actions == ["embedContent", "batchEmbedContents"]


def test_an_unknown_name_is_told_the_nearest_of_ones_own(gateway: Served) -> None:
    reply = gateway.chat("Hi.", "deepseek-cat")
    assert reply.status == 404 and "deepseek-chat" in reply.error["message"]


def test_costs_of_ones_own_prices_count_in_every_sum(gateway: Served) -> None:
    gateway.chat("Hi.", "deepseek-chat", headers={"x-tags": "sum:own"})
    gateway.chat("Hi.", "meta-llama/llama-4", headers={"x-tags": "sum:own"})
    gateway.settle()
    summary = gateway.get(f"{USAGE}/summary?tag=sum:own")
    assert (summary["requests"], summary["unpriced_requests"]) == (2, 0)
    assert summary["cost_usd"] == f"{(232 * 280 + 768 * 28 + 300 * 420 + 140_000) / 1e9:.9f}"


def test_a_row_without_its_key_says_what_to_do(tmp_path: Path, scripted: Scripted) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "config.toml").write_text(
        f'[[provider]]\nname = "router"\ndialect = "openai_chat"\nbase_url = "{scripted.url}/router/api/v1"\n'
    )
    variables = {"FAREGATE_VAULT": "file", "FAREGATE_VAULT_PASSPHRASE": "a long passphrase"}
    with Served(folder, **variables) as served:
        missing = served.chat("Hi.", "router/meta-llama/llama-4")
        assert missing.status == 503 and "faregate provider set router" in missing.error["message"]
        stored = served.command("provider", "set", "router", stdin="sk-or-stored-0010\n")
        assert stored.returncode == 0 and "takes this key" in stored.stderr
        listed = served.command("provider", "list").stdout
        line = next(line for line in listed.splitlines() if line.startswith("router"))
        assert "vault" in line and "0010" in line and f"{scripted.url}/router/api/v1" in line
        # Followed without a new start.
        wait_until(lambda: served.chat("Hi.", "router/meta-llama/llama-4").status == 200, pause=0.1)
        row = served.last()
        assert scripted.requests[-1].header("authorization") == "Bearer sk-or-stored-0010"
        assert (row.status, row.cost_source) == (200, "provider")
        doctor = served.command("doctor").stdout
        assert "ok    provider    router takes this key." in doctor


def test_commands_know_a_row_that_needs_no_key(gateway: Served) -> None:
    listed = gateway.command("provider", "list").stdout
    assert next(line for line in listed.splitlines() if line.startswith("ollama")).split()[1:3] == ["-", "unneeded"]
    environment = next(line for line in listed.splitlines() if line.startswith("router"))
    assert "from the environment" in environment and "0005" in environment
    tested = gateway.command("provider", "test", "ollama")
    assert tested.returncode == 0 and tested.stdout.splitlines()[-1] == "ollama answers."
