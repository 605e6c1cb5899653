"""What the tools and SDKs send beside their bodies: credentials, versions, betas, probes, odd paths and query strings.

Each is taken from captures of the clients themselves; a gateway that stumbles over one of them fails that tool.
"""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from gateway.dialects.gemini.paths import resource
from tests.endtoend.serving import CHAT, EMBEDDINGS, MODELS, PROVIDERS, Reply, Served
from tests.provider.client import ProviderProcess

EVERY = pytest.mark.parametrize("name", PROVIDERS)
MESSAGES = "/api/ai/v1/messages"
RESPONSES = "/api/ai/v1/responses"
SAID = [{"role": "user", "content": "Hello. [[echo]]"}]
CONTENTS = [{"role": "user", "parts": [{"text": "Hello. [[echo]]"}]}]
BODIES: dict[str, dict[str, Any]] = {
    "chat": {"messages": SAID},
    "responses": {"input": SAID},
    "messages": {"messages": SAID, "max_tokens": 99},
    "gemini": {"contents": CONTENTS},
    "gemini_v1": {"contents": CONTENTS},
}
PATHS = {
    "chat": CHAT,
    "responses": RESPONSES,
    "messages": MESSAGES,
    "gemini": "/api/ai/v1beta/models/{model}:generateContent",
    "gemini_v1": "/api/ai/v1/models/{model}:generateContent",
}
DOORS = pytest.mark.parametrize("door", PATHS)
# As Claude Code 2.1.330, the Vercel AI SDK and Continue send them.
BETAS = (
    "claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27,"
    "thinking-token-count-2026-05-13,advanced-tool-use-2025-11-20,effort-2025-11-24"
)
STAINLESS = {
    "x-stainless-arch": "x64",
    "x-stainless-lang": "js",
    "x-stainless-retry-count": "0",
    "x-stainless-timeout": "600",
    "x-app": "cli",
    "anthropic-dangerous-direct-browser-access": "true",
    "accept-encoding": "gzip, deflate, br, zstd",
}


def post(gateway: Served, door: str, model: str, *, query: str = "", **headers: str) -> Reply:
    named = {} if door.startswith("gemini") else {"model": model}
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    path = PATHS[door].format(model=model) + query
    return gateway.ask("POST", path, {**named, **BODIES[door]}, headers=sent)


def seen(provider: ProviderProcess) -> dict[str, Any]:
    """What the provider was sent last: path, headers (lower case) and body."""
    told = json.loads(provider.ledger()[-1]["answer"]["text"])
    return {**told, "headers": {name.lower(): value for name, value in told["headers"].items()}}


# Credentials.


@DOORS
@pytest.mark.parametrize("place", ["authorization", "x-api-key", "x-goog-api-key", "query"])
def test_every_door_takes_a_key_from_every_place(
    gateway: Served, provider: ProviderProcess, door: str, place: str
) -> None:
    key = gateway.key()
    headers = {"authorization": f"Bearer {key}"} if place == "authorization" else {place: key}
    query = f"?key={key}" if place == "query" else ""
    reply = post(gateway, door, MODELS["google"], query=query, **({} if query else headers))
    assert reply.status == 200
    assert key not in json.dumps(seen(provider))


def test_where_a_tool_sends_two_keys_ours_is_found(gateway: Served) -> None:
    """Claude Code with ANTHROPIC_API_KEY left set, SDKs with a placeholder."""
    key = gateway.key()
    for headers in (
        {"authorization": f"Bearer {key}", "x_api_key": "sk-ant-api03-of-the-user"},
        {"authorization": "Bearer sk-placeholder", "x_goog_api_key": key},
        {"authorization": f"bearer   {key}"},
    ):
        assert post(gateway, "messages", MODELS["anthropic"], **headers).status == 200


# Anthropic's clients.


@EVERY
def test_claude_code_s_headers_reach_its_own_provider_and_no_other(
    gateway: Served, provider: ProviderProcess, name: str
) -> None:
    headers = {"x_api_key": gateway.key(), "anthropic_version": "2023-06-01", "anthropic_beta": BETAS, **STAINLESS}
    reply = post(gateway, "messages", MODELS[name], query="?beta=true", **headers)
    assert reply.status == 200 and "content-encoding" not in reply.headers
    assert "x-faregate-dropped" not in reply.headers and reply.json["type"] == "message"
    sent = seen(provider)["headers"]
    assert sent.get("anthropic-beta") == (BETAS if name == "anthropic" else None)
    assert not set(STAINLESS) - {"accept-encoding"} & set(sent) and sent["accept-encoding"] == "identity"


@pytest.mark.parametrize("version", ["2023-06-01", "2026-10-21", None])
def test_the_client_s_version_is_passed_on(gateway: Served, provider: ProviderProcess, version: str | None) -> None:
    more = {"anthropic_version": version} if version else {}
    assert post(gateway, "messages", MODELS["anthropic"], x_api_key=gateway.key(), **more).status == 200
    assert seen(provider)["headers"]["anthropic-version"] == (version or "2023-06-01")


@pytest.mark.parametrize(
    ("name", "version", "status"),
    [
        ("anthropic", "2023-06-01", 200),
        ("anthropic", "2026-10-21", 400),
        ("anthropic", "2031-01-01", 400),
        ("openai", "2023-06-01", 200),
        ("openai", "2026-10-21", 200),
    ],
)
def test_sampling_is_judged_by_the_provider_s_own_version(
    gateway: Served, provider: ProviderProcess, name: str, version: str, status: int
) -> None:
    """Only Anthropic's own API refuses it under a newer version; elsewhere it is carried, as the client meant it."""
    headers = {"anthropic-version": version}
    for text in ("Hi.", "Hi. [[echo]]"):
        body = {
            "model": MODELS[name],
            "max_tokens": 9,
            "temperature": 0.25,
            "messages": [{"role": "user", "content": text}],
        }
        reply = gateway.ask("POST", MESSAGES, body, key=gateway.key(), headers=headers)
        assert reply.status == status or "echo" in text
        if reply.status == 400:
            assert provider.ledger()[-1]["rejected"] in reply.json["error"]["message"]
            assert reply.json["error"]["type"] == "invalid_request_error"
    assert json.loads(seen(provider)["body"])["temperature"] == 0.25


@EVERY
def test_litellm_13252_counting_ignores_the_query(gateway: Served, name: str) -> None:
    body = {"model": MODELS[name], "messages": [{"role": "user", "content": "How long?"}]}
    headers = {"anthropic-beta": BETAS + ",token-counting-2024-11-01", "anthropic-version": "2023-06-01"}
    path = MESSAGES + "/count_tokens?beta=true"
    reply = gateway.ask("POST", path, body, key=gateway.key(), headers=headers)
    assert reply.status == 200 and reply.json["input_tokens"] > 0


# Probes.


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/ai/v1/models", 200),
        ("/api/ai/v1/models?limit=1000", 200),
        ("/api/ai/v1beta/models/gemini-2.5-flash", 200),
        ("/healthz", 200),
        ("/", 404),
        ("/api/ai", 404),
        ("/api/ai/v1", 404),
        (MESSAGES, 405),
        (RESPONSES, 405),
        ("/api/ai/v1beta/models/gemini-2.5-flash:generateContent", 404),
    ],
)
def test_a_head_is_answered_as_the_get_less_its_body(gateway: Served, path: str, status: int) -> None:
    rows = gateway.count()
    head = gateway.ask("HEAD", path, key=gateway.key())
    get = gateway.ask("GET", path, key=gateway.key())
    assert (head.status, get.status, head.body) == (status, status, b"")
    assert head.headers["content-type"] == get.headers["content-type"] and gateway.count() == rows


def test_claude_code_s_model_discovery(gateway: Served) -> None:
    """With CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY it asks for a thousand, and reads ids and names."""
    headers = {"anthropic-version": "2023-06-01", "authorization": f"Bearer {gateway.key()}"}
    page = gateway.ask("GET", "/api/ai/v1/models?limit=1000", headers=headers).json
    assert page["has_more"] is False and set(MODELS.values()) <= {model["id"] for model in page["data"]}
    assert all(model["type"] == "model" and model["display_name"] for model in page["data"])


def test_codex_tries_a_web_socket_and_posts_at_once(gateway: Served) -> None:
    rows = gateway.count()
    headers = {
        "authorization": f"Bearer {gateway.key()}",
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        "openai-beta": "responses_websockets=2026-02-06",
        "originator": "codex_exec",
    }
    reply = gateway.ask("GET", RESPONSES, headers=headers)
    assert reply.status == 426 and reply.error["code"] == "upgrade_required" and gateway.count() == rows


# Google's clients.

SPELLINGS: tuple[dict[str, Any], dict[str, Any]] = (
    {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {
                "role": "user",
                "parts": [{"inlineData": {"mimeType": "image/png", "data": "aGk="}}, {"text": "This? [[echo]]"}],
            },
            {"role": "model", "parts": [{"functionCall": {"id": "c1", "name": "look", "args": {"maxCount": 1}}}]},
            {
                "role": "user",
                "parts": [{"functionResponse": {"id": "c1", "name": "look", "response": {"someKey": 1}}}],
            },
            {"role": "user", "parts": [{"text": "So? [[echo]]"}]},
        ],
        "tools": [{"functionDeclarations": [{"name": "look", "parametersJsonSchema": {"type": "object"}}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["look"]}},
        "generationConfig": {"maxOutputTokens": 4000, "stopSequences": ["END"], "temperature": 0.5},
    },
    {
        "system_instruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {
                "role": "user",
                "parts": [{"inline_data": {"mime_type": "image/png", "data": "aGk="}}, {"text": "This? [[echo]]"}],
            },
            {"role": "model", "parts": [{"function_call": {"id": "c1", "name": "look", "args": {"maxCount": 1}}}]},
            {
                "role": "user",
                "parts": [{"function_response": {"id": "c1", "name": "look", "response": {"someKey": 1}}}],
            },
            {"role": "user", "parts": [{"text": "So? [[echo]]"}]},
        ],
        "tools": [{"function_declarations": [{"name": "look", "parameters_json_schema": {"type": "object"}}]}],
        "tool_config": {"function_calling_config": {"mode": "ANY", "allowed_function_names": ["look"]}},
        "generation_config": {"max_output_tokens": 4000, "stop_sequences": ["END"], "temperature": 0.5},
    },
)


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_both_spellings_of_googles_fields_mean_the_same(
    gateway: Served, provider: ProviderProcess, name: str
) -> None:
    bodies = []
    for body in SPELLINGS:
        reply = gateway.ask("POST", PATHS["gemini"].format(model=MODELS[name]), body, key=gateway.key())
        assert reply.status == 200, reply
        bodies.append(seen(provider)["body"])
    assert bodies[0] == bodies[1]
    told = json.loads(bodies[0])
    assert "Be brief." in bodies[0] and "someKey" in bodies[0] and "maxCount" in bodies[0]
    assert told.get("max_completion_tokens", told.get("max_tokens")) == 4000


@pytest.mark.parametrize("version", ["v1", "v1beta"])
@pytest.mark.parametrize(
    ("words", "path"),
    [
        ("models/gemini-2.5-flash", "/google/v1beta/models/gemini-2.5-flash:generateContent"),
        ("models/models%2Fgemini-2.5-flash", "/google/v1beta/models/gemini-2.5-flash:generateContent"),
        ("models/gemini-99-new", "/google/v1beta/models/gemini-99-new:generateContent"),
    ],
)
def test_a_model_s_name_comes_with_and_without_its_kind(
    gateway: Served, provider: ProviderProcess, version: str, words: str, path: str
) -> None:
    body = {"contents": CONTENTS}
    reply = gateway.ask("POST", f"/api/ai/{version}/{words}:generateContent", body, key=gateway.key())
    assert reply.status == 200 and seen(provider)["path"] == path


@pytest.mark.parametrize("version", ["v1", "v1beta"])
@pytest.mark.parametrize("verb", ["generateContent", "streamGenerateContent?alt=sse", "countTokens"])
def test_a_tuned_model_is_google_s(gateway: Served, provider: ProviderProcess, version: str, verb: str) -> None:
    """The tests' provider has none, and no such path: what counts is where the request went."""
    reply = gateway.ask("POST", f"/api/ai/{version}/tunedModels/my-own-1:{verb}", BODIES["gemini"], key=gateway.key())
    row = gateway.row(reply.id)
    assert (row.provider, row.model_requested, row.model) == ("google", *["tunedModels/my-own-1"] * 2)
    assert reply.status == 502 and [attempt.status for attempt in row.attempts] == [404]


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("gemini-2.5-flash", "/v1beta/models/gemini-2.5-flash"),
        ("models/a/b", "/v1beta/models/a%2Fb"),
        ("tunedModels/my own", "/v1beta/tunedModels/my%20own"),
        ("tunedModels/../models/x", "/v1beta/tunedModels/..%2Fmodels%2Fx"),
    ],
)
def test_where_google_keeps_a_model(model: str, path: str) -> None:
    assert resource(model) == path


# Every door.


@DOORS
def test_unknown_queries_and_compressed_bodies_are_taken(
    gateway: Served, provider: ProviderProcess, door: str
) -> None:
    model = MODELS["xai"]
    named = {} if door.startswith("gemini") else {"model": model}
    body = gzip.compress(json.dumps({**named, **BODIES[door]}).encode())
    headers = {"authorization": f"Bearer {gateway.key()}", "content-encoding": "gzip", **STAINLESS}
    path = PATHS[door].format(model=model) + "?api-version=2025-04-01&beta=true&x=%00&limit=1000"
    reply = gateway.ask("POST", path, body, headers=headers)
    assert reply.status == 200 and "content-encoding" not in reply.headers
    assert not set(STAINLESS) - {"accept-encoding"} & set(seen(provider)["headers"])


def test_an_api_version_in_the_query_reaches_no_provider(gateway: Served, provider: ProviderProcess) -> None:
    headers = {"authorization": f"Bearer {gateway.key()}"}
    path = EMBEDDINGS + "?api-version=1"
    assert gateway.ask("POST", path, {"model": "text-embedding-3-small", "input": "x"}, headers=headers).status == 200
    assert post(gateway, "chat", MODELS["openai"], query="?api-version=1", **headers).status == 200
    assert seen(provider)["path"] == "/openai/v1/chat/completions"


# OpenAI's deprecated functions.


@pytest.fixture(scope="module")
def client(gateway: Served) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=gateway.url + "/api/ai/v1", api_key=gateway.key(), max_retries=0) as made:
        yield made


@pytest.mark.parametrize("name", ["anthropic", "google"])
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_functions_are_called_and_answered_in_their_own_form(
    client: openai.OpenAI, provider: ProviderProcess, name: str, streamed: bool
) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    functions: Any = [{"name": "get_weather", "description": "Weather.", "parameters": schema}]
    question: Any = {"role": "user", "content": "Weather? [[tool]]"}
    asked: Any = {"model": MODELS[name], "functions": functions, "function_call": "auto"}
    if streamed:
        chunks = list(client.chat.completions.create(messages=[question], stream=True, **asked))
        calls = [
            choice.delta.function_call for chunk in chunks for choice in chunk.choices if choice.delta.function_call
        ]
        called, arguments = calls[0].name, "".join(call.arguments or "" for call in calls)
        finish = [choice.finish_reason for chunk in chunks for choice in chunk.choices][-1]
    else:
        choice = client.chat.completions.create(messages=[question], **asked).choices[0]
        assert choice.message.function_call and not choice.message.tool_calls
        called, arguments = choice.message.function_call.name, choice.message.function_call.arguments
        finish = choice.finish_reason
    made = provider.ledger()[-1]["answer"]["calls"]
    assert (called, json.loads(arguments), finish) == ("get_weather", made[0]["arguments"], "function_call")
    history: Any = [
        question,
        {"role": "assistant", "content": None, "function_call": {"name": called, "arguments": arguments}},
        {"role": "function", "name": called, "content": "sunny"},
    ]
    answered = client.chat.completions.create(messages=history, **asked)
    assert answered.choices[0].message.content == provider.ledger()[-1]["answer"]["text"]
