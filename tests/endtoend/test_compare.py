"""One chat request to several models over HTTP: an answer and a row of each, whatever becomes of the others."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletion

from gateway.records import ExchangeRecord
from tests.endtoend.serving import MODELS, PROVIDER_KEYS, Served, opened, upstreams
from tests.provider.client import ProviderProcess
from tests.waiting import wait_until

COMPARE = "/api/ai/v1/compare"
RATINGS = f"{COMPARE}/ratings"
EVERY_MODEL = list(MODELS.values())


@pytest.fixture(scope="module")
def client(gateway: Served) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=gateway.url + "/api/ai/v1", api_key=gateway.key(), max_retries=0, timeout=30) as made:
        yield made


def asked(text: str, models: list[str], **more: Any) -> dict[str, Any]:
    return {"models": models, "request": {"messages": [{"role": "user", "content": text}], **more}}


def compared(gateway: Served, text: str, models: list[str], headers: Any = None, **more: Any) -> dict[str, Any]:
    reply = gateway.ask("POST", COMPARE, asked(text, models, **more), key=gateway.key(), headers=headers)
    assert reply.status == 200, reply
    return dict(reply.json)


def rows_of(gateway: Served, comparison: dict[str, Any]) -> list[ExchangeRecord]:
    """Its rows, in the order of its answers."""
    gateway.settle()
    with opened(gateway.folder) as store:
        found = [store.request(answer["request_id"]) for answer in comparison["data"]]
    rows = [row for row in found if row is not None]
    assert len(rows) == len(found) > 0
    return rows


def seen(gateway: Served) -> int:
    """How many exchanges there were."""
    return gateway.completeness()["seen"]


def dollars(nano: int | None) -> str | None:
    return None if nano is None else f"{nano // 10**9}.{nano % 10**9:09d}"


def test_every_model_answers_through_the_sdk_and_each_answer_is_a_row(
    client: openai.OpenAI, gateway: Served, provider: ProviderProcess
) -> None:
    before, calls = seen(gateway), len(provider.ledger())
    said: Any = client.post("/compare", cast_to=object, body=asked("Compare rivers [[seed:4]]", EVERY_MODEL))
    entries = provider.ledger()[calls:]
    assert sorted(entry["provider"] for entry in entries) == sorted(MODELS)
    assert [answer["provider"] for answer in said["data"]] == list(MODELS)
    for answer, row in zip(said["data"], rows_of(gateway, said), strict=True):
        entry = next(entry for entry in entries if entry["provider"] == row.provider)
        completion = ChatCompletion.model_validate(answer["answer"])
        assert completion.choices[0].message.content == answer["text"] and answer["text"]
        assert completion.choices[0].finish_reason == "stop" and completion.usage is not None
        assert completion.usage.completion_tokens == answer["usage"]["output_tokens"] == row.output_tokens
        assert completion.usage.prompt_tokens == answer["usage"]["input_tokens"] == row.input_tokens == entry["input"]
        assert (answer["outcome"], answer["status"], answer["error"]) == ("ok", 200, None)
        assert (answer["model_requested"], answer["model"]) == (row.model_requested, row.model)
        assert answer["cost_usd"] == dollars(row.cost_nano) and answer["cost_source"] == row.cost_source != "none"
        assert row.latency_us is not None and row.ttft_us is not None
        assert (answer["ttft_ms"], answer["latency_ms"]) == (row.ttft_us / 1000, row.latency_us / 1000)
        assert 0 < answer["ttft_ms"] <= answer["latency_ms"]
        assert row.tags == (f"compare:{said['id']}", "source:compare") and row.conversation_id == said["id"]
        assert (row.door, row.key, row.streamed, row.client) == (
            "openai_chat",
            "execute",
            True,
            "OpenAI SDK (Python)",
        )
    assert seen(gateway) == before + len(MODELS)
    found = gateway.get(f"/api/ai/v1/usage/requests?tag=compare:{said['id']}")["data"]
    assert {row["id"] for row in found} == {answer["request_id"] for answer in said["data"]}


def test_one_that_fails_spoils_no_other(gateway: Served, provider: ProviderProcess) -> None:
    provider.order("500", provider="anthropic")
    models = [MODELS["openai"], MODELS["anthropic"], "no-such-model", MODELS["google"]]
    said = compared(gateway, "Hello", models)
    first, failed, unknown, last = said["data"]
    assert [first["outcome"], last["outcome"]] == ["ok", "ok"] and first["text"] and last["text"]
    assert (failed["outcome"], failed["status"], failed["answer"], failed["provider"]) == (
        "error",
        500,
        None,
        "anthropic",
    )
    assert failed["error"]["message"] == rows_of(gateway, said)[1].error_message
    assert (unknown["status"], unknown["provider"], unknown["cost_usd"]) == (404, None, None)
    assert "no-such-model" in unknown["error"]["message"]
    assert [row.outcome for row in rows_of(gateway, said)] == ["ok", "error", "error", "ok"]


def test_an_answer_that_breaks_off_keeps_what_it_said(gateway: Served, provider: ProviderProcess) -> None:
    provider.order("cut", provider="google")
    said = compared(gateway, "Tell me much", [MODELS["google"], MODELS["xai"]])
    cut, whole = said["data"]
    assert (cut["outcome"], cut["answer"]) == ("error", None) and cut["text"] and cut["error"]["type"]
    assert whole["outcome"] == "ok" and whole["answer"]


def test_the_headers_are_those_of_every_exchange(gateway: Served) -> None:
    headers = {"x-tags": "team:ml, source:nightly", "x-user": "ana", "x-conversation-id": "trial-7"}
    said = compared(gateway, "Hi", EVERY_MODEL[:2], headers)
    for row in rows_of(gateway, said):
        assert set(row.tags) == {f"compare:{said['id']}", "team:ml", "source:nightly"}
        assert (row.end_user, row.conversation_id) == ("ana", "trial-7")


def test_a_callers_own_key_goes_to_its_one_provider(gateway: Served, provider: ProviderProcess) -> None:
    byok = {"x-provider-api-key": PROVIDER_KEYS["openai"]}
    said = compared(gateway, "Hi", [MODELS["openai"], "gpt-4.1"], byok)
    assert [row.byok for row in rows_of(gateway, said)] == [True, True]
    before, calls = seen(gateway), len(provider.ledger())
    reply = gateway.ask("POST", COMPARE, asked("Hi", EVERY_MODEL), key=gateway.key(), headers=byok)
    assert (reply.status, reply.error["param"]) == (400, "x-provider-api-key")
    assert (seen(gateway), len(provider.ledger())) == (before, calls)


def test_members_of_the_request_stay_as_they_were_written(gateway: Served) -> None:
    body = (
        b'{"models":["%b","%b"],"request":{"model":"another","stream":false,"temperature":0.50,"seed":1152921504606846976,'
        b'"not_known_yet":{"a":1e2},"messages":[{"role":"user","content":"[[echo]]"}]}}'
    ) % ((MODELS["openai"].encode(),) * 2)
    reply = gateway.ask("POST", COMPARE, body, key=gateway.key())
    first, second = reply.json["data"]
    for answer in (first, second):
        sent = json.loads(answer["text"])["body"]
        for member in (
            '"temperature":0.50',
            '"seed":1152921504606846976',
            '"not_known_yet":{"a":1e2}',
            '"stream":true',
        ):
            assert member in sent
        assert json.loads(sent)["model"] == MODELS["openai"] and "another" not in sent


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{", None),
        ({"models": EVERY_MODEL}, "request"),
        (asked("Hi", EVERY_MODEL[:1]), "models"),
        (asked("Hi", EVERY_MODEL + EVERY_MODEL[:3]), "models"),
        (asked("Hi", ["", EVERY_MODEL[0]]), "models"),
        ({"models": EVERY_MODEL, "request": []}, "request"),
        ({"models": EVERY_MODEL, "request": {}}, "request.messages"),
        ({"models": EVERY_MODEL, "request": {"messages": "Hi"}}, "request.messages"),
        ({"models": EVERY_MODEL, "request": {"messages": []}}, "request.messages"),
        ({**asked("Hi", EVERY_MODEL), "more": 1}, "more"),
        (asked("Hi", EVERY_MODEL, user=3), "request.user"),
        ([], None),
        ({"models": [3], "request": {}}, "models[0]"),
    ],
)
def test_what_cannot_be_asked_costs_nothing(
    gateway: Served, provider: ProviderProcess, body: Any, param: str | None
) -> None:
    before, calls = seen(gateway), len(provider.ledger())
    reply = gateway.ask("POST", COMPARE, body, key=gateway.key())
    assert (reply.status, reply.error["param"]) == (400, param)
    assert (seen(gateway), len(provider.ledger())) == (before, calls)


def test_a_question_that_is_nested_without_end_is_refused_as_what_it_is(gateway: Served) -> None:
    body = b'{"models": [], "request": {"messages": %b%b}}' % (b"[" * 10_000, b"]" * 10_000)
    reply = gateway.ask("POST", COMPARE, body, key=gateway.key())
    assert reply.status == 400 and "nested too deeply" in reply.error["message"], reply


def test_a_bad_tag_and_a_reading_key_are_refused_at_once(gateway: Served) -> None:
    before = seen(gateway)
    reply = gateway.ask("POST", COMPARE, asked("Hi", EVERY_MODEL), key=gateway.key(), headers={"x-tags": "a:"})
    assert (reply.status, reply.error["param"]) == (400, "x-tags")
    assert gateway.ask("POST", COMPARE, asked("Hi", EVERY_MODEL), key=gateway.key("read")).status == 403
    assert gateway.ask("GET", COMPARE, key=gateway.key()).status == 405
    assert seen(gateway) == before


def test_all_are_asked_at_once_and_end_when_their_client_leaves(gateway: Served, provider: ProviderProcess) -> None:
    before = seen(gateway)
    connection = http.client.HTTPConnection(*gateway.address)
    sent = {"authorization": f"Bearer {gateway.key()}"}
    connection.request("POST", COMPARE, json.dumps(asked("[[stall]] please", EVERY_MODEL)), sent)
    wait_until(lambda: provider.open() == len(EVERY_MODEL))
    connection.close()
    provider.wait_idle()
    assert seen(gateway) == before + len(EVERY_MODEL)
    rows = gateway.records()[: len(EVERY_MODEL)]
    assert {(row.outcome, row.status) for row in rows} == {("aborted", 499)}
    assert {row.provider for row in rows} == set(MODELS)


def test_an_answer_is_rated_by_who_asked_for_it(gateway: Served) -> None:
    said = compared(gateway, "Which river is longest?", EVERY_MODEL[:2])
    path = f"{RATINGS}/{said['data'][0]['request_id']}"
    other, admin = gateway.key(name="other"), gateway.key("admin")
    row = rows_of(gateway, said)[0]
    unrated = gateway.get(path, gateway.key())
    assert (unrated["stars"], unrated["note"], unrated["rated_at"]) == (None, "", None)
    assert gateway.ask("PUT", path, {"stars": 4, "note": " short and right "}, key=gateway.key()).status == 200
    found = gateway.get(path, gateway.key())
    assert (found["stars"], found["note"], found["comparison"]) == (4, "short and right", said["id"])
    assert (found["model"], found["provider"], found["outcome"]) == (row.model, row.provider, "ok")
    assert (found["input_tokens"], found["output_tokens"]) == (row.input_tokens, row.output_tokens)
    assert row.ttft_us is not None and row.latency_us is not None
    assert (found["cost_usd"], found["ttft_ms"]) == (dollars(row.cost_nano), row.ttft_us / 1000)
    assert found["latency_ms"] == row.latency_us / 1000 and found["rated_at"] > found["compared_at"]
    for key in (other, gateway.key("read")):
        assert gateway.ask("GET", path, key=key).status == 404
    assert gateway.ask("PUT", path, {"stars": 1}, key=other).status == 404
    assert gateway.ask("PUT", path, {"stars": 1}, key=gateway.key("read")).status == 403
    assert gateway.ask("PUT", path, {"stars": 5}, key=admin).json["stars"] == 5
    assert gateway.get(path, gateway.key())["note"] == ""
    assert [each["request_id"] for each in gateway.get(f"{RATINGS}?limit=1", gateway.key())["data"]] == [row.id]
    assert gateway.get(RATINGS, other)["data"] == []
    assert gateway.ask("DELETE", path, key=gateway.key()).json["stars"] is None
    assert row.id not in {each["request_id"] for each in gateway.get(RATINGS, admin)["data"]}


def test_a_rating_that_cannot_be_is_refused(gateway: Served) -> None:
    said = compared(gateway, "Hi", EVERY_MODEL[:2])
    path = f"{RATINGS}/{said['data'][0]['request_id']}"
    bodies: tuple[Any, ...] = ({"stars": 0}, {"stars": 6}, {"stars": 2.5}, {}, {"stars": 3, "note": "x" * 2001})
    for body in bodies:
        assert gateway.ask("PUT", path, body, key=gateway.key()).status == 400, body
    assert gateway.get(path, gateway.key())["stars"] is None
    assert gateway.ask("PUT", f"{RATINGS}/req_none", {"stars": 3}, key=gateway.key()).status == 404


def test_models_are_summed_over_their_rated_answers_alone(gateway: Served) -> None:
    key = gateway.key(name="rater")
    model = MODELS["xai"]
    rows = []
    for stars in (2, 5):
        reply = gateway.ask("POST", COMPARE, asked("Again", [model, MODELS["google"]]), key=key)
        answer = reply.json["data"][0]
        gateway.ask("PUT", f"{RATINGS}/{answer['request_id']}", {"stars": stars}, key=key)
        rows.append(gateway.row(answer["request_id"]))
    told = gateway.get(RATINGS, key)
    (found,) = told["models"]
    assert [rating["stars"] for rating in told["data"]] == [5, 2]
    assert len({rating["prompt_hash"] for rating in told["data"]}) == 1
    assert (found["provider"], found["model"], found["ratings"], found["stars"]) == ("xai", model, 2, 3.5)
    assert found["cost_usd"] == dollars(round(sum(row.cost_nano or 0 for row in rows) / 2))
    assert found["latency_ms"] == pytest.approx(sum(row.latency_us or 0 for row in rows) / 2000)
    assert gateway.get(f"{RATINGS}?provider=google", key)["data"] == []


def test_a_rating_tells_whether_what_it_cost_is_an_estimate(gateway: Served) -> None:
    key = gateway.key(name="mutes")
    models = [MODELS["openai"], MODELS["google"]]
    for text in ("Hi", "[[mute]]"):
        said = gateway.ask("POST", COMPARE, asked(text, models), key=key).json["data"]
        assert [answer["usage"]["usage_source"] == "provider" for answer in said] == [text == "Hi"] * 2
        for answer in said:
            gateway.ask("PUT", f"{RATINGS}/{answer['request_id']}", {"stars": 3}, key=key)
    told = gateway.get(RATINGS, key)
    assert sorted(rating["cost_estimated"] for rating in told["data"]) == [False, False, True, True]
    assert [model["costs_estimated"] for model in told["models"]] == [1, 1]


def test_the_question_is_kept_sealed_until_its_conversation_is_deleted(gateway: Served) -> None:
    said = compared(gateway, "A question like no other: zxqv-4711", EVERY_MODEL[:2])
    path = f"{RATINGS}/{said['data'][1]['request_id']}"
    gateway.ask("PUT", path, {"stars": 3, "note": "note-like-no-other"}, key=gateway.key())
    wait_until(lambda: gateway.get(path)["prompt"] == "A question like no other: zxqv-4711")
    files = [file for file in gateway.folder.iterdir() if file.name.startswith("state.db")]
    data = b"".join(file.read_bytes() for file in files)
    assert said["id"].encode() in data and b"zxqv-4711" not in data and b"note-like-no-other" not in data
    # Each answer is told to the store of conversations by itself.
    wait_until(lambda: [each["requests"] for each in gateway.threads("q=zxqv-4711")] == [2])
    (thread,) = gateway.threads("q=zxqv-4711")
    assert gateway.ask("DELETE", f"/api/ai/v1/conversations/{thread['id']}", key=gateway.key("admin")).status == 200
    left = gateway.get(path)
    assert (left["prompt"], left["stars"], left["note"]) == (None, 3, "note-like-no-other")


def test_of_the_question_nothing_is_kept_that_the_capture_takes_out(gateway: Served) -> None:
    secret = "sk-ant-api03-" + "Ab3" * 30
    said = compared(gateway, f"Is this a key: {secret}?", EVERY_MODEL[:2])
    path = f"{RATINGS}/{said['data'][0]['request_id']}"
    wait_until(lambda: gateway.get(path)["prompt"] is not None)
    prompt = gateway.get(path)["prompt"]
    assert prompt.startswith("Is this a key: ") and secret not in prompt and "Ab3" not in prompt


def test_ratings_outlive_a_restart_and_no_question_is_kept_where_capture_is_off(
    provider: ProviderProcess, tmp_path: Path
) -> None:
    with Served(tmp_path / "home", **upstreams(provider.base_urls), FAREGATE_CAPTURE="off") as served:
        said = compared(served, "Unkept", EVERY_MODEL[:2])
        path = f"{RATINGS}/{said['data'][0]['request_id']}"
        served.ask("PUT", path, {"stars": 2, "note": "so so"}, key=served.key())
        assert served.stop() == 0
        served.start()
        kept = served.get(path, served.key())
        assert (kept["stars"], kept["note"], kept["prompt"]) == (2, "so so", None)
        assert len(kept["prompt_hash"]) == 32
