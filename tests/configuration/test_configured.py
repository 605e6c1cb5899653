"""Which providers are in force, and who holds a port."""

import contextlib
import os
import socket
import subprocess
import sys

import pytest

from gateway.configuration.configured import PROBE_PATHS, configured_providers, own_models
from gateway.configuration.extra_providers import PROVIDER_AUTHS, PROVIDER_DIALECTS, ExtraProvider
from gateway.configuration.settings import Settings
from gateway.port_holder import port_holder
from gateway.providers.catalog import PROVIDERS
from gateway.relaying.routing import Routing

LOCAL = ExtraProvider(name="lm-studio", dialect="openai_chat", base_url="http://127.0.0.1:1234/v1", auth="none")


def test_without_settings_the_catalog_stands() -> None:
    assert configured_providers(Settings()) == PROVIDERS


def test_base_urls_and_own_tables_are_laid_over_it() -> None:
    own = ExtraProvider(name="openai", dialect="openai_responses", base_url="http://127.0.0.1:5/v1")
    settings = Settings(
        providers=(own, LOCAL), base_urls={"xai": "http://127.0.0.1:6/v1", "lm-studio": "http://127.0.0.1:7"}
    )
    rows = {row.name: row for row in configured_providers(settings)}
    assert list(rows) == ["openai", "anthropic", "google", "xai", "lm-studio"]
    assert (rows["openai"].dialect, rows["openai"].base_url) == ("openai_responses", "http://127.0.0.1:5/v1")
    assert "gpt-" in rows["openai"].families and rows["lm-studio"].families == ()
    assert (rows["xai"].base_url, rows["xai"].probe_path) == ("http://127.0.0.1:6/v1", "/api-key")
    assert (rows["lm-studio"].base_url, rows["lm-studio"].auth) == ("http://127.0.0.1:7", "none")
    assert rows["anthropic"].base_url == "https://api.anthropic.com"


def test_own_models_are_listed_once_and_say_what_they_do() -> None:
    first = ExtraProvider(
        name="a", dialect="openai_chat", base_url="http://a/v1", models=("m", "both"), embeddings=("e", "both")
    )
    second = ExtraProvider(name="b", dialect="anthropic", base_url="http://b", models=("m", "n"))
    found = [(model.provider, model.id, model.kind) for model in own_models(Settings(providers=(first, second)))]
    assert found == [("a", "e", "embeddings"), ("a", "both", "embeddings"), ("a", "m", "chat"), ("b", "n", "chat")]


@pytest.mark.parametrize(
    ("dialect", "efforts", "thinking"),
    [
        ("openai_chat", (), ""),
        ("openai_chat", ("low", "high"), "effort"),
        ("openai_responses", ("low",), "effort"),
        ("anthropic", ("high",), "adaptive"),
        ("gemini", ("low",), "level"),
    ],
)
def test_what_own_models_accept(dialect: str, efforts: tuple[str, ...], thinking: str) -> None:
    extra = ExtraProvider(name="own", dialect=dialect, base_url="http://x/v1", efforts=efforts)
    settings = Settings(providers=(extra,))
    routing = Routing(configured_providers(settings), own_models=own_models(settings))
    # Names that begin like another maker's, at a server that has its own models.
    for name in ("own/gpt-oss:20b", "own/olmo-2", "own/o3-like", "own/claude-like"):
        target = routing.candidates(name)[0].target
        assert (target.model, target.thinking, target.efforts) == (name[4:], thinking, efforts)
        assert (target.sampling, target.stop, target.penalties, target.max_tokens_field) == (
            "all",
            True,
            True,
            "max_tokens",
        )


def test_a_known_model_served_elsewhere_in_its_own_dialect_is_the_same_model() -> None:
    extras = (
        ExtraProvider(name="azure", dialect="openai_chat", base_url="http://x/v1", models=("gpt-5-mini",)),
        ExtraProvider(name="claudish", dialect="anthropic", base_url="http://y"),
    )
    settings = Settings(providers=extras)
    routing = Routing(configured_providers(settings), own_models=own_models(settings))
    mini = routing.candidates("gpt-5-mini")[0]
    assert (mini.provider.name, mini.target.max_tokens_field) == ("azure", "max_completion_tokens")
    assert (mini.target.sampling, mini.target.max_output_tokens) == ("none", 128_000)
    assert routing.candidates("claudish/claude-haiku-4-5")[0].target.max_output_tokens == 64_000
    assert routing.candidates("claudish/gpt-5-mini")[0].target.sampling == "all"
    assert routing.candidates("openai/gpt-5-mini")[0].provider.name == "openai"
    assert [model.provider for model in routing.models if model.id == "gpt-5-mini"] == ["azure"]


def test_settings_take_what_the_catalog_uses() -> None:
    assert {row.dialect for row in PROVIDERS} <= set(PROVIDER_DIALECTS) == set(PROBE_PATHS)
    assert {row.auth for row in PROVIDERS} <= set(PROVIDER_AUTHS)


def loopbacks() -> list[str]:
    """A container may have no IPv6."""
    hosts = ["127.0.0.1"]
    with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        hosts.append("::1")
    return hosts


@pytest.mark.parametrize("host", loopbacks())
def test_the_holder_of_a_port_is_named(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:
        port = server.getsockname()[1]
        holder = port_holder(port)
        assert holder is not None and holder.startswith(f"process {os.getpid()} (")
    assert port_holder(port) is None


def test_another_processs_port_is_named_too() -> None:
    program = "import socket,sys; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert (port_holder(int(other.stdout.readline())) or "").startswith(f"process {other.pid} (python")
        other.communicate("")
