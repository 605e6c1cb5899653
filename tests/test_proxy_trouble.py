"""Trouble on the way through a proxy is told of whoever has it."""

from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from gateway.proxy_trouble import proxy_trouble
from gateway.relaying.upstream import unreachable

PROXY = "http://user:secret@proxy.example:3128"
FAR = "https://api.example.com/v1"
BROKEN = OSError("broken")


def at(host: str, port: int = 443) -> ConnectionKey:
    return ConnectionKey(host, port, True, True, None, None, None)


def answered(status: int) -> aiohttp.ClientHttpProxyError:
    info: Any = SimpleNamespace(real_url=FAR)
    return aiohttp.ClientHttpProxyError(info, (), status=status, message="")


OF_THE_PROXY = [
    (answered(407), "refuses the connection (407): check the proxy, and HTTPS_PROXY"),
    (aiohttp.ClientConnectorDNSError(at("api.example.com"), BROKEN), "cannot be found: check HTTPS_PROXY"),
    (aiohttp.ClientProxyConnectionError(at("proxy.example", 3128), BROKEN), "does not answer: start it, or"),
    (aiohttp.ClientConnectorSSLError(at("proxy.example", 3128), BROKEN), "takes no secure connection"),
]
OF_THE_PROVIDER = [
    aiohttp.ClientConnectorSSLError(at("api.example.com"), BROKEN),
    aiohttp.ClientConnectorError(at("api.example.com"), BROKEN),
    aiohttp.ServerDisconnectedError(),
    TimeoutError(),
]


@pytest.mark.parametrize(("error", "words"), OF_THE_PROXY)
def test_what_the_proxy_does_is_told_of_the_proxy_and_only_where_there_is_one(error: Exception, words: str) -> None:
    told = proxy_trouble(error, PROXY, FAR) or ""
    assert words in told and "the system's proxy proxy.example:3128 " in told and "secret" not in told
    assert proxy_trouble(error, None, FAR) is None


@pytest.mark.parametrize("error", OF_THE_PROVIDER)
def test_what_the_provider_does_is_not_told_of_the_proxy(error: Exception) -> None:
    assert proxy_trouble(error, PROXY, FAR) is None


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_provider_that_its_proxy_cannot_reach_is_told_as_such(status: int) -> None:
    told = proxy_trouble(answered(status), PROXY, FAR) or ""
    assert told.endswith(f"finds no way to it ({status}): check the base URL and the network behind the proxy")


def test_the_variable_is_the_address_s_own() -> None:
    assert "HTTP_PROXY" in (proxy_trouble(answered(407), PROXY, "http://api.example.com/v1") or "")


def test_a_connection_that_takes_too_long_may_be_the_proxy_s() -> None:
    assert "check the network and the system's proxy," in unreachable("Some", TimeoutError(), PROXY, FAR).message
    assert "check the network, then" in unreachable("Some", TimeoutError(), None, FAR).message
