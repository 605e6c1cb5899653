"""Trying a door from the window: a call over HTTP at the tool's own door, with a row that says what it was."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway import TEST_CLIENT, ClientError, DoorTrial, UsageQuery
from gateway.http.door_trial import TRIED_DOORS, try_door
from gateway.operations.door_trials import KEY_NAME, DoorTrials
from gateway.relaying.doors import DOORS
from tests.endtoend.inside import Inside
from tests.endtoend.serving import MODELS, upstreams
from tests.provider.client import ProviderProcess
from tests.waiting import PATIENCE_S, wait_until

CHATS = [door for door in TRIED_DOORS if door != "otlp"]


@pytest.fixture(scope="module")
def inside(provider: ProviderProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    with Inside(tmp_path_factory.mktemp("tried") / "home", **upstreams(provider.base_urls)) as gateway:
        yield gateway


def tried(inside: Inside, door: str, model: str, key: str | None = None) -> DoorTrial:
    work = inside.gateway.try_door(door, model, key)
    return asyncio.run_coroutine_threadsafe(work, inside._loop).result(PATIENCE_S)


@pytest.mark.parametrize("door", CHATS)
@pytest.mark.parametrize("provider_name", ["openai", "anthropic", "google"])
def test_a_door_is_tried_with_any_model(inside: Inside, door: str, provider_name: str) -> None:
    key, before = inside.key(name="codex"), inside.count()
    trial = tried(inside, door, MODELS[provider_name], key)
    assert (trial.ok, trial.status, trial.message) == (True, 200, "The gateway answered.")
    wait_until(lambda: inside.count() == before + 1, what="Its row")
    row = inside.last()
    assert (row.id, row.door, row.key, row.outcome) == (trial.request_id, door, "codex", "ok")
    assert (row.provider, row.client, row.cost_nano) == (provider_name, TEST_CLIENT, trial.cost_nano)
    assert "source:test" in row.tags and trial.ms > 0 and trial.model == row.model


def test_the_tried_doors_are_doors() -> None:
    assert set(CHATS) == {door.name for door in DOORS if door.operation.name == "chat"}


def test_the_way_of_spans_is_tried_and_nothing_stays(inside: Inside) -> None:
    key, before = inside.key(name="opentelemetry"), inside.count()
    trial = tried(inside, "otlp", "", key)
    assert (trial.ok, trial.status, trial.request_id, trial.cost_nano) == (True, 200, None, None)
    rejected = tried(inside, "otlp", "", "tk_" + "x" * 43)
    assert (rejected.ok, rejected.status) == (False, 401) and "key" in rejected.message
    told = asyncio.run_coroutine_threadsafe(inside.gateway.last_told(), inside._loop).result(PATIENCE_S)
    assert told is None and inside.count() == before


def test_without_a_key_it_makes_one_that_ends_with_the_call(inside: Inside) -> None:
    trial = tried(inside, "openai_chat", MODELS["openai"])
    assert trial.ok
    assert trial.request_id is not None
    wait_until(lambda: inside.last().id == trial.request_id, what="Its row")
    assert inside.last().key == KEY_NAME
    keys = asyncio.run_coroutine_threadsafe(inside.gateway.api_keys(), inside._loop).result(PATIENCE_S)
    assert KEY_NAME not in [row.name for row in keys if row.revoked_us is None]


def test_what_is_refused_is_told_in_the_gateways_words(inside: Inside) -> None:
    key = inside.key(name="codex")
    unknown = tried(inside, "anthropic", "no-such-model", key)
    assert not unknown.ok and unknown.status == 404
    assert unknown.message.startswith("404: ") and "no-such-model" in unknown.message
    assert unknown.request_id is not None
    rejected = tried(inside, "gemini", MODELS["google"], "tk_" + "x" * 43)
    assert (rejected.ok, rejected.status) == (False, 401)
    with pytest.raises(ClientError, match="cannot be tried"):
        tried(inside, "embeddings", MODELS["openai"], key)


def test_a_call_that_is_given_up_is_broken_off(inside: Inside, provider: ProviderProcess) -> None:
    key, before = inside.key(name="codex"), inside.count()
    provider.order("silent", provider="openai")
    work = inside.gateway.try_door("openai_chat", MODELS["openai"], key)
    asking = asyncio.run_coroutine_threadsafe(work, inside._loop)
    wait_until(lambda: provider.open() == 1, what="The call")
    assert asking.cancel()
    wait_until(lambda: inside.count() == before + 1, what="Its row")
    assert inside.last().outcome == "aborted"


def test_nothing_answers_where_the_gateway_is_off(tmp_path: Path) -> None:
    with Inside(tmp_path / "home") as gateway:
        asyncio.run_coroutine_threadsafe(gateway.gateway.stop(0), gateway._loop).result(PATIENCE_S)
        trial = tried(gateway, "openai_chat", "gpt-4.1-mini")
        assert not trial.ok and trial.status == 0 and trial.request_id is None
        assert trial.message == f"Nothing answers at {gateway.url}: turn the gateway on, and try again."
        page = gateway.gateway.requests(UsageQuery(), limit=1)
        assert asyncio.run_coroutine_threadsafe(page, gateway._loop).result(PATIENCE_S).rows == ()


def test_a_certificate_that_cannot_be_read_is_told(inside: Inside, tmp_path: Path) -> None:
    """Its file may have gone since the start."""
    parts, gone = inside.gateway._parts, tmp_path / "gone.pem"
    without = SimpleNamespace(workers=parts.workers, settings=SimpleNamespace(tls_cert=gone))
    work = DoorTrials(without, lambda: inside.url).try_door("openai_chat", MODELS["openai"])  # type: ignore[arg-type]
    trial = asyncio.run_coroutine_threadsafe(work, inside._loop).result(PATIENCE_S)
    assert not trial.ok
    assert trial.message == f"{gone} cannot be read (No such file or directory): check server.tls_cert."


async def test_an_answer_that_comes_in_pieces_is_read_to_its_end() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=404)
        await response.prepare(request)
        for piece in (b'{"error": {"message": "There is', b' no such model."}}'):
            await response.write(piece)
            await asyncio.sleep(0.05)
        return response

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    async with TestServer(app) as server:
        trial = await try_door(str(server.make_url("/")), "openai_chat", "gpt-4.1-mini", "tk_1")
    assert (trial.status, trial.message) == (404, "404: There is no such model.")
