"""The admin routes: keys, providers and settings by scripts, for admins only, and no secret in any answer."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.capture.pause import PAUSED
from gateway.configuration.setting_rows import keep_text
from gateway.configuration.setting_values import Keep, parse_keep
from gateway.read_api import render_time
from tests.endtoend.serving import MODELS, PROVIDER_KEYS, Served, forms, upstreams
from tests.provider.client import ProviderProcess
from tests.waiting import wait_until

ADMIN = "/api/ai/v1/admin"


@pytest.fixture(scope="module")
def gateway(provider: ProviderProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Only xAI's key comes from the environment."""
    variables = upstreams(provider.base_urls, {"xai": PROVIDER_KEYS["xai"]})
    served = Served(tmp_path_factory.mktemp("admin") / "home", **variables)
    for role in ("read", "execute", "admin"):
        served.key(role)
    with served:
        yield served


def ask(gateway: Served, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
    reply = gateway.ask(method, ADMIN + path, body, key=gateway.key("admin"))
    assert reply.status == status, reply
    assert not any(form in reply.body for secret in PROVIDER_KEYS.values() for form in forms(secret).values())
    return reply.json if status == 200 else reply.error


@pytest.mark.parametrize("role", ["read", "execute"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/keys"),
        ("POST", "/keys"),
        ("DELETE", "/keys/read"),
        ("PUT", "/providers/openai"),
        ("GET", "/settings"),
        ("POST", "/capture/pause"),
    ],
)
def test_an_admins_key_is_needed(gateway: Served, role: str, method: str, path: str) -> None:
    assert gateway.ask(method, ADMIN + path, b"{}", key=gateway.key(role)).status == 403


def test_a_key_is_made_used_seen_and_revoked(gateway: Served) -> None:
    made = ask(gateway, "POST", "/keys", {"name": "ci", "role": "execute", "user": "bot", "tags": ["team:ml"]})
    assert made["key"].startswith("tk_") and len(made["key"]) == 46
    reply = gateway.chat("Hello.", MODELS["xai"], key=made["key"])
    assert reply.status == 200 and gateway.row(reply.id).tags == ("team:ml",)
    row = ask(gateway, "GET", f"/keys/{made['id']}")
    assert {name: row[name] for name in ("name", "role", "user", "tags", "prefix", "revoked_at")} == {
        "name": "ci",
        "role": "execute",
        "user": "bot",
        "tags": ["team:ml"],
        "prefix": made["key"][:7],
        "revoked_at": None,
    }
    assert row["created_at"].endswith("Z") and row["last_used_at"] > row["created_at"] and "key" not in row
    assert row in ask(gateway, "GET", "/keys")["data"]
    assert ask(gateway, "DELETE", "/keys/ci")["revoked_at"] is not None
    assert gateway.chat("Hello.", MODELS["xai"], key=made["key"]).status == 401


def test_a_pause_keeps_no_word_counts_every_request_and_tells_why(gateway: Served) -> None:
    def turns() -> dict[str, Any]:
        return {turn["request_id"]: turn for thread in gateway.threads() for turn in thread["turns"]}

    assert ask(gateway, "GET", "/capture") == {"paused_until": None}
    paused = ask(gateway, "POST", "/capture/pause", {"minutes": 5})
    assert paused == ask(gateway, "GET", "/capture") and paused["paused_until"].endswith("Z")
    silent = gateway.chat("A word that nobody keeps.", MODELS["xai"])
    assert silent.status == 200
    row = gateway.row(silent.id)
    assert row.outcome == "ok" and row.output_tokens
    assert ask(gateway, "POST", "/capture/resume") == {"paused_until": None}
    loud = gateway.chat("A word that is kept.", MODELS["xai"])
    wait_until(lambda: {silent.id, loud.id} <= set(turns()))
    found = json.dumps(gateway.threads())
    assert "A word that is kept." in found and "nobody keeps" not in found
    assert turns()[silent.id]["hints"] == [PAUSED] and turns()[loud.id]["hints"] == []
    for minutes in (0, 16):
        assert "15 minutes" in ask(gateway, "POST", "/capture/pause", {"minutes": minutes}, status=400)["message"]
    assert ask(gateway, "GET", "/capture") == {"paused_until": None}


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"name": "admin"}, 409, "exists"),
        ({"name": ""}, 400, "1 to 100"),
        ({"name": "x", "role": "root"}, 400, "not a role"),
        ({"name": "x", "tags": ["a|b"]}, 400, "must not hold"),
        ({"name": "x", "rôle": "admin"}, 400, "unknown field"),
        ({"name": 7}, 400, "$.name"),
        ({}, 400, "name"),
        (b"{", 400, "not JSON"),
        (b"\xff", 400, "not JSON"),
    ],
)
def test_a_key_that_cannot_be_is_refused_with_the_reason(gateway: Served, body: Any, status: int, words: str) -> None:
    assert words in ask(gateway, "POST", "/keys", body, status=status)["message"]
    assert "x" not in [row["name"] for row in ask(gateway, "GET", "/keys")["data"]]


def test_a_providers_key_is_tried_stored_used_and_removed(gateway: Served) -> None:
    before = ask(gateway, "GET", "/providers/openai")
    assert (before["key_source"], before["masked"], before["state"]) == ("none", None, "unconfigured")
    assert gateway.chat("Hello.").status == 503
    stored = ask(gateway, "PUT", "/providers/openai", {"api_key": PROVIDER_KEYS["openai"]})
    assert (stored["key_source"], stored["state"], stored["trial"]["ok"]) == ("memory", "connected", True)
    assert stored["masked"] == "sk-…cdef" and stored["trial"]["models"] and stored["warning"] is None
    assert gateway.chat("Hello.").status == 200
    tested = ask(gateway, "POST", "/providers/openai/test")
    assert tested["ok"] and [step["ok"] for step in tested["steps"]] == [True] * len(tested["steps"])
    listed = ask(gateway, "GET", "/providers")
    assert listed["vault"] == {"backend": "memory", "available": True, "message": listed["vault"]["message"]}
    assert {row["name"]: row["key_source"] for row in listed["data"]} == {
        "openai": "memory",
        "anthropic": "none",
        "google": "none",
        "xai": "environment",
    }
    assert ask(gateway, "DELETE", "/providers/openai")["key_source"] == "none"
    assert gateway.chat("Hello.").status == 503


def test_a_provider_that_is_switched_off_takes_nothing_and_is_offered_nowhere(gateway: Served) -> None:
    """At once, for its own callers' keys too, and it stands in the file for the next start."""
    model = MODELS["xai"]
    assert gateway.chat("Hello.", model).status == 200
    off = ask(gateway, "POST", "/providers/xai/off")
    assert (off["enabled"], off["own"], off["models"] > 3) == (False, False, True)
    refused = gateway.chat("Hello.", model, headers={"x-provider-api-key": "xai-a-callers-own-key-0123"})
    assert refused.status == 503
    assert refused.error["message"] == "xAI is switched off here: switch it on in Faregate under Providers."
    assert refused.headers["x-should-retry"] == "false"
    assert gateway.row(refused.id).error_type == "provider_unconfigured"
    listed = [row["id"] for row in gateway.get("/api/ai/v1/models")["data"]]
    assert model not in listed and MODELS["openai"] in listed
    assert gateway.ask("GET", f"/api/ai/v1/models/{model}", key=gateway.key()).status == 404
    assert "enabled = false" in (gateway.folder / "config.toml").read_text()
    assert ask(gateway, "POST", "/providers/xai/on")["enabled"]
    assert gateway.chat("Hello.", model).status == 200
    assert model in [row["id"] for row in gateway.get("/api/ai/v1/models")["data"]]
    assert "enabled" not in (gateway.folder / "config.toml").read_text()


def test_a_key_that_the_provider_rejects_is_not_stored_unless_that_is_asked_for(gateway: Served) -> None:
    wrong = {"api_key": "sk-ant-bad-key-0123456789"}
    error = ask(gateway, "PUT", "/providers/anthropic", wrong, status=400)
    assert error["param"] == "api_key" and "rejects this key" in error["message"]
    assert ask(gateway, "GET", "/providers/anthropic")["key_source"] == "none"
    taken = ask(gateway, "PUT", "/providers/anthropic", {"api_key": "sk-proj-0123456789", "verify": False})
    assert taken["warning"] == "This looks like an OpenAI key, not an Anthropic one."
    stored = ask(gateway, "PUT", "/providers/anthropic", {**wrong, "verify": False})
    assert (stored["key_source"], stored["state"], stored["trial"]) == ("memory", "untested", None)
    assert not ask(gateway, "POST", "/providers/anthropic/test")["ok"]
    assert ask(gateway, "GET", "/providers/anthropic")["state"] == "rejected"
    ask(gateway, "DELETE", "/providers/anthropic")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/providers/nobody", None, 404),
        ("PUT", "/providers/nobody", {"api_key": "k"}, 404),
        ("POST", "/providers/openai", None, 404),
        ("POST", "/providers/nobody/test", None, 404),
        ("GET", "/keys/nobody", None, 404),
        ("DELETE", "/keys/nobody", None, 404),
        ("PUT", "/providers/openai", {"api_key": "two words"}, 400),
        ("PUT", "/keys", {}, 405),
    ],
)
def test_what_is_not_there_or_cannot_be(gateway: Served, method: str, path: str, body: Any, status: int) -> None:
    assert ask(gateway, method, path, body, status=status)["message"]


def settings(gateway: Served) -> dict[str, Any]:
    return {row["key"]: row for row in ask(gateway, "GET", "/settings")["data"]}


def test_settings_are_shown_saved_and_taken_at_the_next_start(gateway: Served) -> None:
    rows = settings(gateway)
    assert rows["limits.body"] == {
        "key": "limits.body",
        "value": 64 << 20,
        "saved": None,
        "variable": "FAREGATE_LIMITS_BODY",
        "from_environment": False,
        "default": 64 << 20,
    }
    assert (rows["vault.backend"]["value"], rows["vault.backend"]["from_environment"]) == ("memory", True)
    assert rows["retention.requests"]["value"] == "396 days"
    assert rows["providers.openai.base_url"]["from_environment"]
    assert {key for key in rows if "key" in key.split(".")[-1]} == {"server.tls_key", "capture.keys_off"}
    changes = {"limits.body": "32 MiB", "retention.requests": "90 days, 5 GB", "capture.content": False}
    ask(gateway, "PATCH", "/settings", changes)
    row = settings(gateway)["limits.body"]
    assert (row["value"], row["saved"]) == (64 << 20, 32 << 20)
    assert gateway.stop() == 0
    gateway.start()
    rows = settings(gateway)
    values = [rows[key]["value"] for key in changes]
    assert values == [32 << 20, "90 days, 5 GB", False]
    ask(gateway, "PATCH", "/settings", dict.fromkeys(changes))
    assert [settings(gateway)[key]["saved"] for key in changes] == [None] * 3


@pytest.mark.parametrize(
    "changes",
    [{"server.port": 99999}, {"limits.soul": 1}, {"server.host": "0.0.0.0"}, {"limits.body": {}}, ["limits.body"]],
)
def test_settings_that_cannot_be_are_refused_and_nothing_is_saved(gateway: Served, changes: Any) -> None:
    before = settings(gateway)
    assert ask(gateway, "PATCH", "/settings", changes, status=400)["message"]
    assert settings(gateway) == before


@pytest.mark.parametrize("text", ["for ever", "30 days", "5 GB", "90 days, 2 GiB"])
def test_what_is_kept_reads_back_as_it_is_told(text: str) -> None:
    keep = parse_keep(text)
    assert parse_keep(keep_text(keep)) == keep != Keep(days=1)


def test_a_key_made_elsewhere_is_followed(gateway: Served) -> None:
    done = gateway.command("api-key", "create", "--name", "elsewhere", "--role", "read")
    assert done.returncode == 0
    wait_until(lambda: "elsewhere" in [row["name"] for row in ask(gateway, "GET", "/keys")["data"]])


def test_storage_is_told_and_cleaned_up_at_once(gateway: Served) -> None:
    reply = gateway.chat("Hello.", MODELS["xai"], key=gateway.key("execute"))
    gateway.settle()
    told = ask(gateway, "GET", "/storage")
    assert told["first_request_at"] <= render_time(gateway.row(reply.id).started_us)
    assert told["requests_from"] is told["buckets_from"] is None
    assert told["usage_bytes"] > told["requests_bytes"] > 0
    cleaned = ask(gateway, "POST", "/storage/clean-up")
    assert (cleaned["taken"], cleaned["finished"]) == ({"requests": 0, "buckets": 0, "content": 0}, True)
    assert cleaned["storage"]["requests"] == told["requests"]
    assert gateway.row(reply.id).status == 200
