"""What users set up themselves: providers of their own, without a key or a price, and TLS for another machine."""

import asyncio
import datetime
import http.client
import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.http.door_trial import trusting, try_door
from tests.endtoend.scripted import Scripted, answer
from tests.endtoend.serving import USAGE, Served
from tests.provider.client import ProviderProcess
from tests.waiting import PATIENCE_S

WHOLE = json.dumps(
    {
        "id": "c1",
        "model": "llama-3",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
    }
).encode()


@pytest.fixture(scope="module")
def local() -> Iterator[Scripted]:
    with Scripted(lambda _sent, send: send(answer(WHOLE))) as provider:
        yield provider


@pytest.fixture(scope="module")
def gateway(local: Scripted, provider: ProviderProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("own") / "home"
    folder.mkdir()
    (folder / "config.toml").write_text(
        f"""
[[provider]]
name = "local"
dialect = "openai_chat"
base_url = "{local.url}/v1"
auth = "none"
models = ["llama-3"]

[[provider]]
name = "claudish"
dialect = "anthropic"
base_url = "{provider.base_urls["anthropic"]}"
auth = "none"
"""
    )
    served = Served(folder)
    served.key("admin")
    with served:
        yield served


def test_a_provider_without_a_key(gateway: Served, local: Scripted) -> None:
    reply = gateway.chat("Hi.", "llama-3")
    assert (reply.status, reply.body) == (200, WHOLE)
    sent = local.requests[-1]
    assert (sent.path, sent.header("authorization")) == ("/v1/chat/completions", None)
    assert json.loads(sent.body)["model"] == "llama-3"
    row = gateway.row(reply.id)
    assert (row.provider, row.model, row.input_tokens, row.output_tokens) == ("local", "llama-3", 5, 2)


def test_cc_switch_2093_no_price_is_not_nought(gateway: Served) -> None:
    before = gateway.get(f"{USAGE}/summary?provider=local")
    reply = gateway.chat("Hi.", "local/new-model")
    row = gateway.row(reply.id)
    assert (row.cost_nano, row.cost_source, row.usage_source) == (None, "none", "provider")
    assert "x-faregate-cost-usd" not in reply.headers
    after = gateway.get(f"{USAGE}/summary?provider=local")
    assert after["unpriced_requests"] == before["unpriced_requests"] + 1 and after["cost_usd"] is None
    assert [item["cost_usd"] for item in gateway.get(f"{USAGE}/breakdown?by=provider")["data"]] == [None]


def test_an_own_key_for_a_provider_that_needs_none(
    gateway: Served, local: Scripted, provider: ProviderProcess
) -> None:
    """It goes where the dialect keeps it."""
    assert gateway.chat("Hi.", "llama-3", headers={"x-provider-api-key": "mine-1"}).status == 200
    assert local.requests[-1].header("authorization") == "Bearer mine-1"
    reply = gateway.chat("Hi.", "claudish/claude-sonnet-4-6", headers={"x-provider-api-key": "mine-2222"})
    assert reply.status == 200 and provider.ledger()[-1]["key_tail"] == "2222"


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    cert_path, key_path = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert_path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert_path, key_path


def test_tls(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    cert, key = certificate
    (folder / "config.toml").write_text(f'[server]\ntls_cert = "{cert}"\ntls_key = "{key}"\n')
    with Served(folder) as gateway:
        assert gateway.url.startswith("https://127.0.0.1:")
        context = ssl.create_default_context(cafile=cert)
        connection = http.client.HTTPSConnection("localhost", gateway.address[1], context=context, timeout=PATIENCE_S)
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200
        connection.close()
        assert gateway.stop() == 0


def test_a_door_is_tried_over_the_gateways_own_certificate(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    """Made out to a name that is not the address; nothing of the system trusts it."""
    folder = tmp_path / "home"
    folder.mkdir()
    cert, key = certificate
    (folder / "config.toml").write_text(f'[server]\ntls_cert = "{cert}"\ntls_key = "{key}"\n')
    with Served(folder) as gateway:
        trial = asyncio.run(try_door(gateway.url, "openai_chat", "gpt-4.1-mini", "tk_none", trusting(cert)))
        assert trial.status == 401
        distrusted = asyncio.run(try_door(gateway.url, "openai_chat", "gpt-4.1-mini", "tk_none"))
        assert distrusted.status == 0 and distrusted.message.startswith("The secure connection to https://127.0.0.1")
