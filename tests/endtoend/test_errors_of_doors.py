"""Every status at every door: the official SDK raises the class that its users catch, on a body of its own form."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors, types

from gateway.records import ExchangeRecord
from tests.endtoend.serving import CHAT, MODELS, PROVIDER_KEYS, Served, upstreams
from tests.provider.client import ProviderProcess

LIMIT = 20_000
RESPONSES = "/api/ai/v1/responses"
MESSAGES = "/api/ai/v1/messages"
GEMINI = "/api/ai/v1beta/models/gemini-2.5-flash:generateContent"


@dataclass(frozen=True)
class Case:
    """`kind` is the row's error type, None where there is no row; `key` the role of the key that is sent."""

    status: int
    kind: str | None
    text: str = "Please fail."
    model: str = MODELS["openai"]
    key: str = "execute"
    headers: dict[str, str] = field(default_factory=dict)
    retry: str | None = None


CASES: dict[str, Case] = {
    "bad tags": Case(400, "bad_request", headers={"x-tags": ":x"}),
    "wrong key": Case(401, None, key="wrong"),
    "role": Case(403, None, key="read"),
    "unknown model": Case(404, "not_found", model="nothing-like-it"),
    "too large": Case(413, "too_large", text="x" * LIMIT),
    "encoding": Case(415, "unsupported_media_type", headers={"content-encoding": "lzma"}),
    "loop": Case(508, "loop_detected", headers={"x-faregate-hop": "1"}, retry="false"),
    "no provider key": Case(503, "provider_unconfigured", model=MODELS["xai"], retry="false"),
    "provider 400": Case(400, "bad_request", "No. [[400]]"),
    "provider 402": Case(402, "provider_quota", "No. [[402]]", retry="false"),
    "provider 404": Case(404, "not_found", "No. [[404]]", MODELS["anthropic"]),
    "provider 429": Case(429, "rate_limited", "No. [[429]]", MODELS["anthropic"]),
    "provider 500": Case(500, "provider_error", "No. [[500]]", MODELS["google"]),
    "provider 503": Case(503, "overloaded", "No. [[503]]", MODELS["google"]),
    "provider 529": Case(529, "overloaded", "No. [[529]]", MODELS["anthropic"]),
    "rejected key": Case(502, "provider_key_rejected", "No. [[401]]", MODELS["google"], retry="false"),
    "page": Case(502, "unreadable_answer", "No. [[html]]", MODELS["anthropic"]),
    "reset": Case(502, "connection_lost", "No. [[reset]]"),
    "silence": Case(504, "timeout", "No. [[silent]]", MODELS["google"]),
}

OPENAI: Mapping[int, type[openai.APIStatusError]] = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    402: openai.APIStatusError,
    403: openai.PermissionDeniedError,
    404: openai.NotFoundError,
    413: openai.APIStatusError,
    415: openai.APIStatusError,
    429: openai.RateLimitError,
}
ANTHROPIC: Mapping[int, type[anthropic.APIStatusError]] = {
    400: anthropic.BadRequestError,
    401: anthropic.AuthenticationError,
    402: anthropic.APIStatusError,
    403: anthropic.PermissionDeniedError,
    404: anthropic.NotFoundError,
    413: anthropic.APIStatusError,
    415: anthropic.APIStatusError,
    429: anthropic.RateLimitError,
}
# What Anthropic's clients read beside the status; `provider_quota` is like a provider that has no room left.
ANTHROPIC_TYPES: Mapping[str | None, str] = {
    "not_found": "not_found_error",
    "too_large": "request_too_large",
    "rate_limited": "rate_limit_error",
    "provider_quota": "overloaded_error",
    "overloaded": "overloaded_error",
    "timeout": "timeout_error",
}
GOOGLE: Mapping[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "RESOURCE_EXHAUSTED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    413: "INVALID_ARGUMENT",
    415: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    502: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
    508: "INTERNAL",
    529: "UNAVAILABLE",
}


Key = tuple[str, str, bool]


class Sdks:
    """The three official clients with one key."""

    def __init__(self, url: str, key: str) -> None:
        self.chat = openai.OpenAI(base_url=url + "/api/ai/v1", api_key=key, max_retries=0)
        self.claude = anthropic.Anthropic(base_url=url + "/api/ai", api_key=key, max_retries=0)
        self.gemini = genai.Client(api_key=key, http_options=types.HttpOptions(base_url=url + "/api/ai"))

    def close(self) -> None:
        self.chat.close()
        self.claude.close()
        self.gemini.close()

    def ask(self, door: str, case: Case, streamed: bool) -> Any:
        said: Any = [{"role": "user", "content": case.text}]
        more: Any = {"model": case.model, "extra_headers": case.headers, "stream": streamed}
        match door:
            case "openai_chat":
                return self.chat.chat.completions.create(messages=said, **more)
            case "openai_responses":
                return self.chat.responses.create(input=case.text, **more)
            case "anthropic":
                return self.claude.messages.create(messages=said, max_tokens=99, **more)
        config = types.GenerateContentConfig(http_options=types.HttpOptions(headers=case.headers))
        models: Any = self.gemini.models
        if streamed:
            return list(models.generate_content_stream(model=case.model, contents=case.text, config=config))
        return models.generate_content(model=case.model, contents=case.text, config=config)


DOORS = ("openai_chat", "openai_responses", "anthropic", "gemini")


@pytest.fixture(scope="module")
def gateway(provider: ProviderProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    keys = {name: key for name, key in PROVIDER_KEYS.items() if name != "xai"}
    limits = {"FAREGATE_LIMITS_BODY": str(LIMIT), "FAREGATE_TIMEOUTS_FIRST_BYTE": "1.5"}
    served = Served(tmp_path_factory.mktemp("errors") / "home", **upstreams(provider.base_urls, keys), **limits)
    for role in ("read", "execute"):
        served.key(role)
    with served:
        yield served


@pytest.fixture(scope="module")
def raised(gateway: Served) -> dict[Key, Exception]:
    """What each SDK raised, whole and streamed; many at once."""

    keys = {role: gateway.key(role) for role in ("read", "execute")} | {"wrong": "tk_" + "x" * 43}
    sdks = {role: Sdks(gateway.url, key) for role, key in keys.items()}

    def fail(key: Key) -> Exception:
        door, name, streamed = key
        with pytest.raises((openai.OpenAIError, anthropic.AnthropicError, errors.APIError)) as caught:
            sdks[CASES[name].key].ask(door, CASES[name], streamed)
        return caught.value

    wanted = [(door, name, streamed) for door in DOORS for name in CASES for streamed in (False, True)]
    with ThreadPoolExecutor(16) as pool:
        found = dict(zip(wanted, pool.map(fail, wanted), strict=True))
    for sdk in sdks.values():
        sdk.close()
    return found


@pytest.fixture(scope="module")
def rows(gateway: Served, raised: dict[Key, Exception]) -> dict[str, ExchangeRecord]:
    return {row.id: row for row in gateway.records()}


def headers_of(error: Any) -> Mapping[str, str]:
    return dict(error.response.headers)


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("door", DOORS)
def test_the_sdk_raises_what_its_users_catch(
    raised: dict[Key, Exception], rows: dict[str, ExchangeRecord], door: str, name: str, streamed: bool
) -> None:
    case, error = CASES[name], raised[door, name, streamed]
    status = case.status
    match error:
        case openai.APIStatusError():
            assert type(error) is OPENAI.get(status, openai.InternalServerError) and error.status_code == status
            assert isinstance(error.body, dict) and set(error.body) == {"message", "type", "param", "code"}
            words = error.body["message"]
        case anthropic.APIStatusError():
            assert isinstance(error, ANTHROPIC.get(status, anthropic.InternalServerError))
            word = ANTHROPIC_TYPES.get(case.kind, "invalid_request_error" if status < 500 else "api_error")
            word = {401: "authentication_error", 403: "permission_error"}.get(status, word)
            assert error.status_code == status
            assert isinstance(error.body, dict) and error.body["type"] == "error"
            assert error.body["error"]["type"] == word and error.type == word
            assert error.request_id == error.body["request_id"]
            words = error.body["error"]["message"]
        case errors.APIError():
            assert type(error) is (errors.ClientError if status < 500 else errors.ServerError)
            assert (error.code, error.status) == (status, GOOGLE[status])
            words = error.message or ""
        case _:
            raise AssertionError(error)
    assert words
    sent = headers_of(error)
    assert sent["x-request-id"].startswith("req_")
    if not isinstance(error, errors.APIError):
        assert error.request_id == sent["x-request-id"]
    assert sent.get("x-should-retry") == case.retry
    assert sent.get("retry-after") == ("7" if name == "provider 429" else None)
    row = rows.get(sent["x-request-id"])
    if case.kind is None:
        assert row is None
        return
    assert row is not None
    assert (row.door, row.status, row.outcome, row.error_type) == (door, status, "error", case.kind)
    assert row.error_message == words


CLAUDE = {"anthropic-version": "2023-06-01"}
ELSEWHERE = {"origin": "https://evil.example"}


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "form"),
    [
        ("GET", CHAT, {}, 405, "openai"),
        ("GET", RESPONSES, {"upgrade": "websocket", "connection": "Upgrade"}, 426, "openai"),
        ("PUT", MESSAGES, {}, 405, "anthropic"),
        ("GET", f"{MESSAGES}/count_tokens", {}, 405, "anthropic"),
        ("PUT", GEMINI, {}, 405, "gemini"),
        ("POST", "/api/ai/v1/nothing", {}, 404, "openai"),
        ("POST", f"{MESSAGES}/batches", CLAUDE, 404, "anthropic"),
        ("POST", "/api/ai/v1beta/cachedContents", {}, 404, "gemini"),
        ("POST", "/api/ai/v1beta/models/gemini-2.5-flash:fly", {}, 404, "gemini"),
        ("POST", CHAT, ELSEWHERE, 403, "openai"),
        ("POST", MESSAGES, ELSEWHERE, 403, "anthropic"),
        ("POST", MESSAGES, {"host": "evil.example"}, 403, "anthropic"),
        ("POST", GEMINI.replace("v1beta", "v1"), {"host": "evil.example"}, 403, "gemini"),
        ("POST", GEMINI, {"sec-fetch-site": "cross-site"}, 403, "gemini"),
    ],
)
def test_what_is_no_exchange_is_told_by_its_status_in_the_door_s_form(
    gateway: Served, method: str, path: str, headers: dict[str, str], status: int, form: str
) -> None:
    count = gateway.count()
    reply = gateway.ask(method, path, {}, key=gateway.key(), headers=headers)
    assert reply.status == status and reply.json["error"]["message"] and gateway.count() == count
    assert ("allow" in reply.headers) == (status == 405)
    match form:
        case "openai":
            assert reply.error["type"]
        case "anthropic":
            assert (
                reply.json["type"] == "error" and reply.json["request_id"] == reply.headers["request-id"] == reply.id
            )
        case _:
            assert reply.json["error"]["code"] == status and reply.json["error"]["status"]


def test_x_should_retry_is_obeyed_by_both_sdks(gateway: Served, provider: ProviderProcess) -> None:
    """They would try a 502 and a 503 twice more each."""
    said: Any = [{"role": "user", "content": "No. [[401]]"}]
    with (
        openai.OpenAI(base_url=gateway.url + "/api/ai/v1", api_key=gateway.key(), max_retries=2) as chat,
        anthropic.Anthropic(base_url=gateway.url + "/api/ai", api_key=gateway.key(), max_retries=2) as claude,
    ):
        count = gateway.count()
        for model in (MODELS["google"], MODELS["xai"]):
            with pytest.raises(openai.InternalServerError):
                chat.chat.completions.create(model=model, messages=said)
            with pytest.raises(openai.InternalServerError):
                chat.responses.create(model=model, input="No. [[401]]")
            with pytest.raises(anthropic.InternalServerError):
                claude.messages.create(model=model, max_tokens=9, messages=said)
        assert gateway.count() == count + 6
        # What may come right is tried again.
        provider.order("500", provider="anthropic")
        hello: Any = [{"role": "user", "content": "Hello."}]
        assert claude.messages.create(model=MODELS["anthropic"], max_tokens=9, messages=hello).content
        provider.order("500", provider="openai")
        assert chat.responses.create(model=MODELS["openai"], input="Hello.").output_text
        assert gateway.count() == count + 10
