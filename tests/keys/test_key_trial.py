"""Trying a key: each provider's way of refusing is told apart, and nothing is sent or shown that should not be."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.keys import key_trial
from gateway.keys.key_trial import probe, try_key

KEY = "sk-canary-0123456789abcdef"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
GEMINI_BAD = {
    "error": {
        "code": 400,
        "message": "API key not valid.",
        "status": "INVALID_ARGUMENT",
        "details": [{"reason": "API_KEY_INVALID"}],
    }
}


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def ask(session: aiohttp.ClientSession, handler: Handler, *, auth: str = "bearer", dialect: str = "") -> Any:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(app) as server:
        return await try_key(session, probe("Acme", str(server.make_url("/v1/")), "/models", auth, dialect), KEY)


def says(status: int, body: Any) -> Handler:
    async def handler(_: web.Request) -> web.StreamResponse:
        return (
            web.Response(text=body, status=status)
            if isinstance(body, str)
            else web.json_response(body, status=status)
        )

    return handler


@pytest.mark.parametrize(
    ("status", "body", "state", "ok", "message"),
    [
        (200, {"data": [{"id": "m1"}, {"id": "m2"}]}, "connected", True, "Acme takes this key."),
        (200, {"models": [{"name": "models/gemini-x"}]}, "connected", True, "Acme takes this key."),
        (200, {"api_key_blocked": False, "team_blocked": False}, "connected", True, "Acme takes this key."),
        (200, {"api_key_blocked": True}, "rejected", False, "blocked or disabled"),
        (200, {"api_key_disabled": True}, "rejected", False, "blocked or disabled"),
        (200, {"team_blocked": True}, "rejected", False, "blocked or disabled"),
        (200, "<html>hello</html>", "unreachable", False, "check the base URL"),
        (200, [], "unreachable", False, "check the base URL"),
        pytest.param(200, "[" * 100_000, "unreachable", False, "check the base URL", id="deep"),
        (401, {"error": {"message": "no"}}, "rejected", False, "rejects this key (401)"),
        (401, "", "rejected", False, "rejects this key (401)"),
        (400, GEMINI_BAD, "rejected", False, "rejects this key (400)"),
        (400, [GEMINI_BAD], "rejected", False, "rejects this key (400)"),
        (
            400,
            {"code": "x", "error": "Incorrect API key provided: sk-ca***ef."},
            "rejected",
            False,
            "rejects this key (400)",
        ),
        (400, {"error": {"message": "bad limit"}}, "unreachable", False, 'answers 400, "bad limit"'),
        # A terminal would act on these.
        (
            404,
            {"error": {"message": "no\x1b]0;title\x07 such\x9b2J path"}},
            "unreachable",
            False,
            '"no ]0;title such 2J path"',
        ),
        (403, {"error": {"message": "Missing scopes: api.model.read"}}, "limited", True, "may not list models"),
        (
            403,
            {"error": {"message": "The key was leaked."}},
            "limited",
            False,
            'blocks this key (403, "The key was leaked.")',
        ),
        (404, "nothing", "unreachable", False, "answers 404: check the base URL"),
        (429, {}, "limited", False, "wait a minute"),
        (500, "oops", "unreachable", False, "trouble of its own (500)"),
        (503, {}, "unreachable", False, "try again later"),
    ],
)
async def test_answers(
    session: aiohttp.ClientSession, status: int, body: Any, state: str, ok: bool, message: str
) -> None:
    trial = await ask(session, says(status, body))
    assert (trial.state, trial.ok) == (state, ok)
    assert message in trial.message
    assert trial.steps and trial.steps[-1].ok == ok
    assert all(step.ms >= 0 for step in trial.steps)
    assert [step.title for step in trial.steps][:2] == ["Connect", "Check the key"]


async def test_models_are_listed_by_their_ids(session: aiohttp.ClientSession) -> None:
    trial = await ask(session, says(200, {"models": [{"name": "models/a"}, {"name": "b"}, {"id": 3}, "x"]}))
    assert trial.models == ("a", "b")
    assert trial.steps[-1].title == "List models" and trial.steps[-1].detail == "2 found"


@pytest.mark.parametrize(
    ("auth", "dialect", "sent"),
    [
        ("bearer", "", {"authorization": f"Bearer {KEY}"}),
        ("x-api-key", "anthropic", {"x-api-key": KEY, "anthropic-version": "2023-06-01"}),
        ("x-goog-api-key", "gemini", {"x-goog-api-key": KEY}),
        ("none", "", {}),
    ],
)
async def test_the_key_goes_where_the_row_says_and_nowhere_else(
    session: aiohttp.ClientSession, auth: str, dialect: str, sent: dict[str, str]
) -> None:
    seen: list[web.Request] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append(request)
        return web.json_response({"data": []})

    assert (await ask(session, handler, auth=auth, dialect=dialect)).ok
    (request,) = seen
    names = {"authorization", "x-api-key", "x-goog-api-key", "anthropic-version"}
    assert {name.lower(): value for name, value in request.headers.items() if name.lower() in names} == sent
    assert request.path_qs == "/v1/models"


async def test_a_redirect_does_not_carry_the_key_away(session: aiohttp.ClientSession) -> None:
    paths: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        paths.append(request.path)
        return web.Response(status=302, headers={"location": "/elsewhere"})

    trial = await ask(session, handler)
    assert (trial.state, paths) == ("unreachable", ["/v1/models"])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
async def test_an_answer_that_quotes_the_key_is_not_repeated(session: aiohttp.ClientSession, status: int) -> None:
    trial = await ask(session, says(status, {"error": {"message": f"bad key: {KEY[3:-4]}"}}))
    assert "canary" not in repr(trial)


async def test_a_key_of_another_in_an_answer_is_hidden(session: aiohttp.ClientSession) -> None:
    trial = await ask(session, says(404, {"error": {"message": "try org-abcdef123456 with sk-0123456789"}}))
    assert '"try [hidden] with [hidden]"' in trial.message


async def test_no_listener(session: aiohttp.ClientSession) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        trial = await try_key(session, probe("Acme", f"http://127.0.0.1:{port}", "/models", "bearer"), KEY)
    assert (trial.ok, trial.state) == (False, "unreachable")
    assert f"Nothing answers at 127.0.0.1:{port}" in trial.message
    assert not trial.steps[-1].ok


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("no-such-host.invalid", "no-such-host.invalid"),
        ("bücher.invalid", "xn--bcher-kva.invalid"),
        ("no.invalid.", "no.invalid."),
    ],
)
async def test_no_such_host(session: aiohttp.ClientSession, host: str, told: str) -> None:
    trial = await try_key(session, probe("Acme", f"http://{host}", "/models", "bearer"), KEY)
    assert f"{told} cannot be found: check the internet connection" in trial.message
    assert [(step.title, step.ok) for step in trial.steps] == [("Find the address", False)]


async def test_no_tls_there(session: aiohttp.ClientSession) -> None:
    app = web.Application()
    async with TestServer(app) as server:
        url = str(server.make_url("/")).replace("http:", "https:")
        trial = await try_key(session, probe("Acme", url, "/models", "bearer"), KEY)
    assert trial.state == "unreachable" and "secure connection to Acme failed" in trial.message


@pytest.mark.parametrize("base_url", ["http://[::1", "not an address"])
async def test_no_address(session: aiohttp.ClientSession, base_url: str) -> None:
    trial = await try_key(session, probe("Acme", base_url, "/models", "bearer"), KEY)
    assert trial.state == "unreachable" and "Acme is not an address" in trial.message


async def test_silence_ends(session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_trial, "TIMEOUT_S", 0.2)

    async def silent(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    trial = await ask(session, silent)
    assert trial.state == "unreachable" and "did not answer within" in trial.message
    assert trial.steps[-1].title == "Check the key"


async def test_a_broken_or_endless_answer(session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    assert "broke" in (await ask(session, broken)).message
    monkeypatch.setattr(key_trial, "_READ_LIMIT", 1 << 10)
    trial = await ask(session, says(200, "[" + "1," * 10_000 + "1]"))
    assert trial.state == "unreachable"


async def test_a_key_is_tried_through_the_proxy_that_requests_go_through(
    session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    async def proxy(request: web.BaseRequest) -> web.StreamResponse:
        asked.append((request.method, str(request.url)))
        return web.json_response({"data": [{"id": "m1"}]})

    runner = web.ServerRunner(web.Server(proxy))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{runner.addresses[0][1]}")
    monkeypatch.setenv("no_proxy", "")
    trial = await try_key(session, probe("Acme", "http://far.invalid/v1", "/models", "bearer"), KEY)
    await runner.cleanup()
    assert (trial.state, asked) == ("connected", [("GET", "http://far.invalid/v1/models")])


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        (
            "http://127.0.0.1:9",
            "Acme cannot be reached, the system's proxy 127.0.0.1:9 does not answer: start it, or",
        ),
        (
            "http://no-such-proxy.invalid:3128",
            "Acme cannot be reached, the system's proxy no-such-proxy.invalid:3128 cannot be found",
        ),
        ("socks5://127.0.0.1:1080", "Acme cannot be reached, the system's proxy cannot be used"),
    ],
)
async def test_a_proxy_that_fails_is_told_as_such(
    session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch, proxy: str, words: str
) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    monkeypatch.setenv("no_proxy", "")
    trial = await try_key(session, probe("Acme", "https://far.invalid/v1", "/models", "bearer"), KEY)
    assert (trial.state, words in trial.message) == ("unreachable", True), trial.message
