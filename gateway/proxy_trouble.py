"""Whether it is the system's proxy that keeps an address from being reached, or the address itself."""

import aiohttp
from yarl import URL

from gateway.system_proxy import UnusableProxy

# By these a proxy says that it is the address which it cannot reach.
_BEYOND_IT = (502, 503, 504)


def proxy_trouble(error: BaseException, proxy: str | None, url: str) -> str | None:
    """What is wrong with the proxy, as the end of a sentence that begins with whose `url` is not reached; None where
    it is nothing. `proxy` is the address of the one that was gone through, None for none.

    It says no more of the proxy than host and port: its address may hold a password.
    """
    if isinstance(error, UnusableProxy):
        return str(error)
    if proxy is None:
        return None
    at, variable = URL(proxy), f"{URL(url).scheme.upper()}_PROXY"
    name = f"the system's proxy {at.host_port_subcomponent}"
    match error:
        case aiohttp.ClientHttpProxyError() if error.status in _BEYOND_IT:
            return f"{name} finds no way to it ({error.status}): check the base URL and the network behind the proxy"
        case aiohttp.ClientHttpProxyError():
            return f"{name} refuses the connection ({error.status}): check the proxy, and {variable}"
        case aiohttp.ClientConnectorDNSError():
            # Whoever goes through a proxy looks up no other name.
            return f"{name} cannot be found: check {variable}"
        case aiohttp.ClientProxyConnectionError():
            return f"{name} does not answer: start it, or change {variable}"
        case aiohttp.ClientSSLError() if (error.host, error.port) == (at.raw_host, at.port):
            return f"{name} takes no secure connection: check its certificate, and {variable}"
    return None
