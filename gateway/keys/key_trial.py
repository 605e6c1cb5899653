"""Trying a provider key: one free GET that the provider's row names, timed step by step, judged by its answer.

Providers disagree on how they refuse a key: 401 (OpenAI, Anthropic), 400 with API_KEY_INVALID (Google) or
"Incorrect API key" (xAI), 200 with a blocked flag (xAI's /api-key), 403 for one that is valid and limited. The
answer's shape decides, never the provider's name. The key is sent nowhere else: redirects are not followed.
"""

import asyncio
import re
import time
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import aiohttp
import msgspec
from msgspec import Struct

from gateway.dialects.redaction import redact
from gateway.proxy_trouble import proxy_trouble
from gateway.records import KeyTrial, TrialStep
from gateway.system_proxy import system_proxy

TIMEOUT_S = 15.0
_READ_LIMIT = 4 << 20

# The placeholder {key} is filled in when the key is tried.
AUTH_HEADERS: Mapping[str, Mapping[str, str]] = {
    "bearer": {"authorization": "Bearer {key}"},
    "x-api-key": {"x-api-key": "{key}"},
    "x-goog-api-key": {"x-goog-api-key": "{key}"},
    "none": {},
}
DIALECT_HEADERS: Mapping[str, Mapping[str, str]] = {"anthropic": {"anthropic-version": "2023-06-01"}}

_REJECTED_WORDS = re.compile(r"API_KEY_INVALID|incorrect api key|api key not (valid|found)|invalid api key", re.I)
_LIMITED_WORDS = re.compile(r"missing scopes?|insufficient permissions", re.I)
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_BLOCKED_FLAGS = ("team_blocked", "api_key_blocked", "api_key_disabled")


class Probe(Struct, frozen=True, kw_only=True):
    """What to ask: `headers` hold {key} where the key goes."""

    title: str
    url: str
    headers: Mapping[str, str]


def probe(title: str, base_url: str, probe_path: str, auth: str, dialect: str = "") -> Probe:
    """The probe of a provider's row; `auth` is bearer, x-api-key, x-goog-api-key or none."""
    headers = {**AUTH_HEADERS[auth], **DIALECT_HEADERS.get(dialect, {})}
    return Probe(title=title, url=base_url.rstrip("/") + probe_path, headers=headers)


class _Steps:
    """Collects steps; each one's time begins where the one before ended."""

    def __init__(self) -> None:
        self.done: list[TrialStep] = []
        self.current = "Find the address"
        self._since = time.perf_counter()

    def end(self, following: str, *, ok: bool = True) -> None:
        now = time.perf_counter()
        self.done.append(TrialStep(title=self.current, ok=ok, ms=round((now - self._since) * 1000, 1)))
        self.current, self._since = following, now

    def skip_to(self, step: str) -> None:
        self.current = step

    def trace(self) -> aiohttp.TraceConfig:
        """Callbacks of the client; a name that is an address, or an open connection, has fewer steps."""

        async def resolved(_s: Any, _c: SimpleNamespace, _p: Any) -> None:
            self.end("Connect")

        async def no_lookup(_s: Any, _c: SimpleNamespace, _p: Any) -> None:
            self.skip_to("Connect")

        async def connected(_s: Any, _c: SimpleNamespace, _p: Any) -> None:
            self.skip_to("Connect")
            self.end("Check the key")

        async def reused(_s: Any, _c: SimpleNamespace, _p: Any) -> None:
            self.skip_to("Check the key")

        config = aiohttp.TraceConfig()
        config.on_dns_resolvehost_end.append(resolved)
        config.on_dns_cache_hit.append(no_lookup)
        config.on_connection_create_end.append(connected)
        config.on_connection_reuseconn.append(reused)
        return config


async def try_key(session: aiohttp.ClientSession, probe: Probe, key: str) -> KeyTrial:
    """Asks the provider with this key. Never raises for what the network or the provider does.

    The session lends its connector; the way is the one that requests take, through the system's proxy.
    """
    steps = _Steps()
    headers = {name: value.replace("{key}", key) for name, value in probe.headers.items()}
    proxy = None
    try:
        proxy = system_proxy(probe.url)
        async with (
            asyncio.timeout(TIMEOUT_S),
            aiohttp.ClientSession(
                connector=session.connector,
                connector_owner=False,
                trace_configs=[steps.trace()],
            ) as lent,
            lent.get(probe.url, headers=headers, allow_redirects=False, proxy=proxy) as answer,
        ):
            body = await _whole(answer)
            return _judge(probe.title, answer.status, body, key, steps)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        message = _unreachable(probe, error, proxy)
        steps.end("", ok=False)
        return KeyTrial(ok=False, message=message, state="unreachable", steps=tuple(steps.done))


async def _whole(answer: aiohttp.ClientResponse) -> bytes:
    pieces = bytearray()
    async for piece in answer.content.iter_chunked(1 << 16):
        pieces += piece
        if len(pieces) > _READ_LIMIT:
            raise aiohttp.ClientPayloadError("the answer is too long for a list of models")
    return bytes(pieces)


def _judge(title: str, status: int, body: bytes, key: str, steps: _Steps) -> KeyTrial:
    parsed = parsed_json(body)
    text = body.decode("utf-8", "replace")
    if status == 401 or (status in (400, 403) and _REJECTED_WORDS.search(text)):
        wants = f"{title} rejects this key ({status}): check it, or make a new one."
        unasked = f"{title} asks for a key ({status}): choose how it is sent (its auth is none), then store one."
        return _failed(steps, "rejected", wants if key else unasked)
    if status == 403:
        reason = _shown(parsed, key)
        if _LIMITED_WORDS.search(text):
            steps.end("")
            message = f"{title} takes this key, but it may not list models: it can be used for what it allows."
            return KeyTrial(ok=True, message=message, state="limited", steps=tuple(steps.done))
        message = f"{title} is reachable, but limits or blocks this key (403{reason}): check it with the provider."
        return _failed(steps, "limited", message)
    if status == 429:
        return _failed(steps, "limited", f"{title} is limiting requests (429): wait a minute and try again.")
    if status >= 500:
        return _failed(steps, "unreachable", f"{title} has trouble of its own ({status}): try again later.")
    if status != 200:
        reason = _shown(parsed, key)
        return _failed(steps, "unreachable", f"{title} answers {status}{reason}: check the base URL.")
    if not isinstance(parsed, dict):
        message = f"{title} answers with something that is not its API: check the base URL."
        return _failed(steps, "unreachable", message)
    if any(parsed.get(flag) is True for flag in _BLOCKED_FLAGS):
        message = f"{title} knows this key, but it is blocked or disabled: enable it there, or make a new one."
        return _failed(steps, "rejected", message)
    steps.end("")
    models = _models(parsed)
    if models:
        steps.done.append(TrialStep(title="List models", ok=True, ms=0.0, detail=f"{len(models)} found"))
    message = f"{title} takes this key." if key else f"{title} answers."
    return KeyTrial(ok=True, message=message, state="connected", steps=tuple(steps.done), models=models)


def _failed(steps: _Steps, state: str, message: str) -> KeyTrial:
    steps.end("", ok=False)
    return KeyTrial(ok=False, message=message, state=state, steps=tuple(steps.done))


def parsed_json(body: bytes) -> Any:
    """None where it is no JSON."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _shown(parsed: Any, key: str) -> str:
    """The provider's own words as ", …", or nothing where they might quote the key."""
    words = redact(reason_in(parsed), key)
    if key and any(key[at : at + 6] in words for at in range(max(1, len(key) - 5))):
        return ""
    return f', "{words[:160]}"' if words else ""


def reason_in(parsed: Any) -> str:
    """The sentence of an error's body, which every dialect has at the same place, and who has no `error` at its top;
    "" where there is none."""
    if isinstance(parsed, list) and parsed:
        parsed = parsed[0]
    error = parsed.get("error", parsed) if isinstance(parsed, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    # Shown in a terminal too, which would act on control characters.
    return " ".join(_UNSHOWN.sub(" ", message).split()) if isinstance(message, str) else ""


def _models(parsed: dict[str, Any]) -> tuple[str, ...]:
    rows = parsed.get("data") or parsed.get("models") or []
    if not isinstance(rows, list):
        return ()
    ids = [row.get("id") or row.get("name") for row in rows if isinstance(row, dict)]
    return tuple(name.removeprefix("models/") for name in ids if isinstance(name, str))


def _unreachable(probe: Probe, error: Exception, proxy: str | None) -> str:
    if trouble := proxy_trouble(error, proxy, probe.url):
        return f"{probe.title} cannot be reached, {trouble}."
    match error:
        case aiohttp.ClientConnectorDNSError():
            host = error.host
            return f"{host} cannot be found: check the internet connection, and the base URL of {probe.title}."
        case aiohttp.ClientSSLError():
            return (
                f"The secure connection to {probe.title} failed: a proxy may be in the way, or the base URL should "
                "begin with http://."
            )
        case aiohttp.ClientConnectorError():
            at = f"{error.host}:{error.port}"
            if isinstance(error.os_error, ConnectionRefusedError):
                return f"Nothing answers at {at}: start what should run there, or check {probe.title}'s base URL."
            return f"{probe.title} cannot be reached at {at}: check the internet connection."
        case TimeoutError():
            return f"{probe.title} did not answer within {TIMEOUT_S:.0f} s: check the connection, and try again."
        case ValueError():
            return f"The base URL of {probe.title} is not an address: correct it."
    return f"The connection to {probe.title} broke ({type(error).__name__}): try again."
