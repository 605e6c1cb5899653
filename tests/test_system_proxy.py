"""Which way calls go out: what the system's variables say of proxies, and what they may not say."""

import pytest

from gateway.system_proxy import UnusableProxy, system_proxy

FAR = "https://api.example.com/v1/models"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_the_way_is_direct_where_nothing_is_named() -> None:
    assert system_proxy(FAR) is None


@pytest.mark.parametrize("named", ["http://proxy.example:3128", "proxy.example:3128"])
def test_a_proxy_may_be_named_without_its_scheme(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", named)
    assert system_proxy(FAR) == "http://proxy.example:3128"
    assert system_proxy("http://api.example.com/v1") is None
    monkeypatch.setenv("NO_PROXY", "example.com")
    assert system_proxy(FAR) is None


@pytest.mark.parametrize("host", ["127.0.0.1:11434", "localhost:1234", "[::1]:8000"])
def test_a_server_on_this_machine_is_never_asked_through_a_proxy(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    assert system_proxy(f"http://{host}/v1/models") is None


@pytest.mark.parametrize(
    "named",
    [
        "socks5://user:secret@proxy.example:1080",
        "http://",
        "http://proxy.example:x",
        "http://proxy..example:80",
        "http://" + "a" * 64 + ":80",
        "http://user:secret€@proxy.example:80",
        "http://us%3Aer:secret@proxy.example:80",
    ],
)
def test_what_is_no_proxy_is_told_without_what_it_holds(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", named)
    with pytest.raises(UnusableProxy, match="HTTPS_PROXY must say http://host:port") as told:
        system_proxy(FAR)
    assert "secret" not in str(told.value)
