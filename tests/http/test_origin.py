"""Who may speak to a server on loopback: hosts, origins and what browsers say of themselves, by table."""

import pytest

from gateway.errors import ClientError
from gateway.http.origin import check_host, check_origin, host_name, is_loopback

ALLOWED = frozenset({"gate.example"})


@pytest.mark.parametrize(
    ("name", "loopback"),
    [
        ("localhost", True),
        ("LocalHost", True),
        ("127.0.0.1", True),
        ("127.255.0.9", True),
        ("::1", True),
        ("ip6-localhost", True),
        ("localhost.", False),
        ("localhost.example", False),
        ("notlocalhost", False),
        ("127.0.0.1.example", False),
        ("127.1", False),
        ("0x7f000001", False),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("", False),
    ],
)
def test_loopback(name: str, loopback: bool) -> None:
    assert is_loopback(name) is loopback


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("localhost:4210", "localhost"),
        ("localhost", "localhost"),
        ("[::1]:4210", "::1"),
        ("[::1]", "::1"),
        ("[::1", None),
        ("[::1]x", None),
        ("localhost:", None),
        ("localhost:x", None),
        ("localhost:1:2", None),
        (":4210", None),
        ("", None),
        ("user@localhost", "user@localhost"),
    ],
)
def test_host_names(value: str, name: str | None) -> None:
    assert host_name(value) == name


@pytest.mark.parametrize(
    ("values", "passes"),
    [
        (["localhost:4210"], True),
        (["gate.example"], True),
        (["GATE.example:443"], True),
        (["sub.gate.example"], False),
        (["evil.example"], False),
        (["localhost", "localhost"], False),
        ([], False),
        (["user@localhost"], False),
    ],
)
def test_cve_2024_28224_one_host_and_ours(values: list[str], passes: bool) -> None:
    if passes:
        check_host(values, ALLOWED)
        return
    with pytest.raises(ClientError) as refused:
        check_host(values, ALLOWED)
    assert (refused.value.status, refused.value.kind) == (403, "forbidden")
    assert "server.allowed_hosts" in refused.value.message


ORIGINS = frozenset({"https://app.example"})


@pytest.mark.parametrize(
    ("origin", "site", "cors"),
    [
        (None, None, False),
        (None, "none", False),
        ("http://localhost:3000", "same-site", False),
        ("https://app.example", None, True),
        ("https://app.example", "cross-site", True),
        ("https://app.example/", None, None),
        ("https://App.example", None, None),
        ("https://evil.example", None, None),
        ("null", None, None),
        ("", None, None),
        ("http://[::1", None, None),
        ("http://localhost", "cross-site", None),
        (None, "cross-site", None),
        (None, "", None),
    ],
)
def test_cezar_426_pages_elsewhere_are_refused(origin: str | None, site: str | None, cors: bool | None) -> None:
    """None: refused."""
    if cors is not None:
        assert check_origin(origin, site, ORIGINS) is cors
        return
    with pytest.raises(ClientError) as refused:
        check_origin(origin, site, ORIGINS)
    assert refused.value.status == 403 and "server.allowed_origins" in refused.value.message
