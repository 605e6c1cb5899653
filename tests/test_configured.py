"""Which providers are in force, and who holds a port."""

import contextlib
import os
import socket
import subprocess
import sys

import pytest

from gateway.configured import PROBE_PATHS, configured_providers
from gateway.extra_providers import PROVIDER_AUTHS, PROVIDER_DIALECTS, ExtraProvider
from gateway.port_holder import port_holder
from gateway.providers.catalog import PROVIDERS
from gateway.settings import Settings

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
    assert (rows["xai"].base_url, rows["xai"].probe_path) == ("http://127.0.0.1:6/v1", "/api-key")
    assert (rows["lm-studio"].base_url, rows["lm-studio"].auth) == ("http://127.0.0.1:7", "none")
    assert rows["anthropic"].base_url == "https://api.anthropic.com"


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
