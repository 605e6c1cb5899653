"""Trying a door from outside: one tiny call over HTTP to this gateway's own address, as a tool would make it.

It is a normal exchange with a row of its own, told apart by its client and the tag `source:test`; an export of
telemetry has no row.
"""

import asyncio
import ssl
import time
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec
from msgspec import Struct

from gateway.errors import ClientError
from gateway.keys.key_trial import AUTH_HEADERS, DIALECT_HEADERS, parsed_json, reason_in
from gateway.records import DoorTrial
from gateway.relaying.clients import TEST_AGENT

TIMEOUT_S = 60.0
_SAID = "Reply with the word OK."
_BEARER = AUTH_HEADERS["bearer"]


class _Call(Struct, frozen=True):
    """`path` may hold {model}, which is in the body elsewhere; headers hold {key} where the key goes."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    names_model: bool = True


_MESSAGES = [{"role": "user", "content": _SAID}]
_CALLS: Mapping[str, _Call] = {
    "openai_chat": _Call("/api/ai/v1/chat/completions", _BEARER, {"messages": _MESSAGES}),
    "openai_responses": _Call("/api/ai/v1/responses", _BEARER, {"input": _SAID, "store": False}),
    "anthropic": _Call(
        "/api/ai/v1/messages",
        {**_BEARER, **DIALECT_HEADERS["anthropic"]},
        {"messages": _MESSAGES, "max_tokens": 64},
    ),
    "gemini": _Call(
        "/api/ai/v1beta/models/{model}:generateContent",
        AUTH_HEADERS["x-goog-api-key"],
        {"contents": [{"role": "user", "parts": [{"text": _SAID}]}]},
        names_model=False,
    ),
    # Takes the key and keeps nothing: what is told later is an app's own.
    "otlp": _Call("/v1/traces", _BEARER, {"resourceSpans": []}, names_model=False),
}
TRIED_DOORS = tuple(_CALLS)


def trusting(certificate: Path | None) -> ssl.SSLContext | bool:
    """What takes this gateway's own certificate and no other, whatever name it was made out to."""
    if certificate is None:
        return True
    context = ssl.create_default_context(cafile=str(certificate))
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


async def try_door(url: str, door: str, model: str, key: str, trust: ssl.SSLContext | bool = True) -> DoorTrial:
    """Ask a model at a door of the gateway at `url` (an address without a path) with a `tk_` key.

    Raises ClientError for a door that is none of `TRIED_DOORS`; what the gateway answers never raises. Cancelled, the
    call is broken off, as by a tool that is closed.
    """
    call = _CALLS.get(door)
    if call is None:
        raise ClientError(f"The door {door!r} cannot be tried; choose one of {', '.join(TRIED_DOORS)}.", param="door")
    body = {"model": model, **call.body} if call.names_model else call.body
    headers = {name: value.replace("{key}", key) for name, value in call.headers.items()}
    headers |= {"content-type": "application/json", "user-agent": TEST_AGENT, "x-tags": "source:test"}
    address = url.rstrip("/") + call.path.replace("{model}", quote(model, safe="/@."))
    begun = time.perf_counter()
    try:
        async with (
            asyncio.timeout(TIMEOUT_S),
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust)) as session,
            session.post(address, data=msgspec.json.encode(body), headers=headers, allow_redirects=False) as answer,
        ):
            said = await answer.read()
            return _judged(answer.status, answer.headers, said, (time.perf_counter() - begun) * 1000)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        return DoorTrial(ok=False, message=_unreachable(url, error))


def _judged(status: int, headers: Mapping[str, str], said: bytes, ms: float) -> DoorTrial:
    told = DoorTrial(
        ok=status == 200,
        message="The gateway answered.",
        request_id=headers.get("x-request-id"),
        status=status,
        ms=round(ms, 1),
        model=headers.get("x-faregate-model"),
        cost_nano=_nano(headers.get("x-faregate-cost-usd")),
    )
    return told if told.ok else msgspec.structs.replace(told, message=f"{status}: {_reason(said)}")


def _nano(usd: str | None) -> int | None:
    try:
        return None if usd is None else int(Decimal(usd) * 1_000_000_000)
    except InvalidOperation:
        return None


def _reason(said: bytes) -> str:
    nothing = "the answer says nothing of why; open the request for what is known of it."
    return reason_in(parsed_json(said)) or nothing


def _unreachable(url: str, error: Exception) -> str:
    match error:
        case aiohttp.ClientSSLError():
            return f"The secure connection to {url} failed: check server.tls_cert, and restart the gateway."
        case aiohttp.ClientConnectorError():
            return f"Nothing answers at {url}: turn the gateway on, and try again."
        case TimeoutError():
            return f"There was no answer within {TIMEOUT_S:.0f} s: look into Requests for what became of the call."
    return f"The connection to {url} broke ({type(error).__name__}): try again."
