"""The four simulated providers as rows: dialect, credentials, error form, habits. What differs is data or a function.

The wire formats themselves are the gateway's own codecs, used from their other side.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from gateway.dialects.anthropic import DIALECT as ANTHROPIC
from gateway.dialects.dialect import Dialect
from gateway.dialects.gemini import DIALECT as GEMINI
from gateway.dialects.openai_chat import DIALECT as OPENAI_CHAT
from gateway.dialects.openai_responses import DIALECT as OPENAI_RESPONSES
from gateway.model import Request, Usage
from gateway.simulated.answer import Signs
from gateway.simulated.faults import Refuse, refuse_anthropic, refuse_google, refuse_openai, refuse_xai
from gateway.simulated.listings import list_anthropic, list_google, list_openai

Headers = Mapping[str, str]


class Route(Struct, frozen=True):
    """`action` is generate, verb, count, embed, list or key; the server knows what each does."""

    method: str
    path: str
    action: str


class Service(Struct, frozen=True, kw_only=True):
    """`id_header` carries the request id (None: only the answer does). `wrong_key` is the status for a bad key.

    `caches` says for which bodies a prompt cache works; `writes_cache` whether writes are counted and billed.
    `amend` changes a usage object on its way out, where the provider counts in its own way.
    """

    provider: str
    dialect: Dialect
    base_path: str
    routes: tuple[Route, ...]
    list_models: Callable[[Sequence[str]], Mapping[str, Any]]
    id_header: str | None
    credential: Callable[[Headers, Headers], str | None]
    refuse: Refuse
    wrong_key: int
    signs: Callable[[Request], Signs]
    caches: Callable[[bytes], bool]
    writes_cache: bool = False
    amend: Callable[[dict[str, Any], Usage, int | None], None] | None = None


def _bearer(headers: Headers, _query: Headers) -> str | None:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() or None if scheme.lower() == "bearer" else None


def _anthropic_key(headers: Headers, query: Headers) -> str | None:
    return headers.get("x-api-key") or _bearer(headers, query)


def _google_key(headers: Headers, query: Headers) -> str | None:
    return headers.get("x-goog-api-key") or query.get("key") or None


def _hidden(_request: Request) -> Signs:
    return Signs()


def _xai_signs(request: Request) -> Signs:
    return Signs(shown=request.model.startswith("grok-3-mini"))


def _anthropic_signs(request: Request) -> Signs:
    asked = request.reasoning
    extra = {"anthropic": {"signature": f"simulated-{request.model}"}}
    return Signs(shown=asked is not None and asked.enabled is not False, call_prefix="toolu_", reasoning_extra=extra)


def _google_signs(request: Request) -> Signs:
    asked = request.reasoning
    return Signs(
        shown=asked is not None and bool(asked.show),
        call_prefix="fc_",
        call_extra={"gemini": {"thought_signature": "c2ltdWxhdGVkIHRob3VnaHQ="}},
    )


def _always(_body: bytes) -> bool:
    return True


def _where_marked(body: bytes) -> bool:
    return b'"cache_control"' in body


def _count_like_xai(shown: dict[str, Any], usage: Usage, cost_nano: int | None) -> None:
    """Completion without reasoning (the total has it), and the price in ticks of 10^-10 dollars."""
    shown["completion_tokens"] -= usage.reasoning_tokens or 0
    shown["num_sources_used"] = 0
    if cost_nano is not None:
        shown["cost_in_usd_ticks"] = cost_nano * 10


def amended(data: bytes, service: Service, usage: Usage, cost_nano: int | None) -> bytes:
    """A body, or the events of a stream, with its usage object counted in the provider's own way."""
    if service.amend is None or b'"usage":{' not in data:
        return data
    if not data.startswith(b"data: "):
        return _amended_object(data, service, usage, cost_nano)
    events = data.split(b"\n\n")
    return b"\n\n".join(
        b"data: " + _amended_object(event[6:], service, usage, cost_nano) if b'"usage":{' in event else event
        for event in events
    )


def _amended_object(data: bytes, service: Service, usage: Usage, cost_nano: int | None) -> bytes:
    body = msgspec.json.decode(data)
    assert service.amend is not None
    service.amend(body["usage"], usage, cost_nano)
    return msgspec.json.encode(body)


_CHAT_ROUTES = (
    Route("POST", "/chat/completions", "generate"),
    Route("POST", "/embeddings", "embed"),
    Route("GET", "/models", "list"),
)
_XAI_ROUTES = (
    Route("POST", "/chat/completions", "generate"),
    Route("GET", "/models", "list"),
    Route("GET", "/api-key", "key"),
)
_ANTHROPIC_ROUTES = (
    Route("POST", "/v1/messages", "generate"),
    Route("POST", "/v1/messages/count_tokens", "count"),
    Route("GET", "/v1/models", "list"),
)
_GOOGLE_ROUTES = (
    Route("POST", "/{version:v1|v1beta}/models/{model}:{verb}", "verb"),
    Route("GET", "/{version:v1|v1beta}/models", "list"),
)

SERVICES = (
    Service(
        provider="openai",
        dialect=OPENAI_CHAT,
        base_path="/openai/v1",
        routes=_CHAT_ROUTES,
        list_models=list_openai,
        id_header="x-request-id",
        credential=_bearer,
        refuse=refuse_openai,
        wrong_key=401,
        signs=_hidden,
        caches=_always,
    ),
    Service(
        provider="xai",
        dialect=OPENAI_CHAT,
        base_path="/xai/v1",
        routes=_XAI_ROUTES,
        list_models=list_openai,
        id_header="x-request-id",
        credential=_bearer,
        refuse=refuse_xai,
        wrong_key=400,
        signs=_xai_signs,
        caches=_always,
        amend=_count_like_xai,
    ),
    *(
        Service(
            provider=provider,
            dialect=OPENAI_RESPONSES,
            base_path=base_path,
            routes=(Route("POST", "/responses", "generate"),),
            list_models=list_openai,
            id_header="x-request-id",
            credential=_bearer,
            refuse=refuse,
            wrong_key=wrong_key,
            signs=_hidden,
            caches=_always,
        )
        for provider, base_path, refuse, wrong_key in (
            ("openai", "/openai/v1", refuse_openai, 401),
            ("xai", "/xai/v1", refuse_xai, 400),
        )
    ),
    Service(
        provider="anthropic",
        dialect=ANTHROPIC,
        base_path="/anthropic",
        routes=_ANTHROPIC_ROUTES,
        list_models=list_anthropic,
        id_header="request-id",
        credential=_anthropic_key,
        refuse=refuse_anthropic,
        wrong_key=401,
        signs=_anthropic_signs,
        caches=_where_marked,
        writes_cache=True,
    ),
    Service(
        provider="google",
        dialect=GEMINI,
        base_path="/google",
        routes=_GOOGLE_ROUTES,
        list_models=list_google,
        id_header=None,
        credential=_google_key,
        refuse=refuse_google,
        wrong_key=401,
        signs=_google_signs,
        caches=_always,
    ),
)
