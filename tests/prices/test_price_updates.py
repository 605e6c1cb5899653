"""The list of prices is fetched when someone asks for it and never else; what is wrong leaves the list in use."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from gateway import Changes, DataFolder, ExchangeRecord, FaregateError, Gateway, Settings
from gateway.errors import Unusable
from gateway.model import Usage
from gateway.prices.price_list import PRICES_FILE
from gateway.prices.pricing import Pricing

AT_US = 1_796_083_200_000_000
USED = Usage(input_tokens=1_000_000)


def provider(id: str, model: str, dollars: float) -> dict[str, Any]:
    return {
        "id": id,
        "name": id,
        "api_pattern": f"https://{id}",
        "models": [{"id": model, "match": {"equals": model}, "prices": {"input_mtok": dollars, "output_mtok": 1}}],
    }


LIST = [
    provider("openai", "gpt-4.1", 3.1),
    provider("anthropic", "claude-opus-4-6", 4),
    provider("google", "gemini-2.5-pro", 5),
    provider("x-ai", "grok-4.3", 6),
]


def of_another_form(**fields: Any) -> list[dict[str, Any]]:
    """A list that is JSON of the usual shape, in which one model has something that the library cannot read."""
    first, *others = LIST
    return [{**first, "models": [first["models"][0] | fields]}, *others]


OTHER_FORMS = {
    "a way to match that is not known": of_another_form(match={"glob": "gpt-*"}),
    "nothing to match": of_another_form(match={}),
    "a match that is no table": of_another_form(match="gpt-4.1"),
    "a pattern that is none": of_another_form(match={"regex": "("}),
    "a pattern that is none within others": of_another_form(match={"or": [{"equals": "x"}, {"regex": "("}]}),
    "no prices": of_another_form(prices=[]),
    "a price without end": of_another_form(prices={"input_mtok": "1e999999"}),
    "a price that is no number": of_another_form(prices={"input_mtok": "NaN"}),
}


class Site(HTTPServer):
    """Answers with `body`, as often as it is asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.asked = 0
        self.status = 200
        self.body = json.dumps(LIST).encode()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/data.json"


class _Answer(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.asked += 1
        self.send_response(self.server.status)
        self.send_header("content-length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_words: Any) -> None:
        return


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def dollars(pricing: Pricing) -> float | None:
    cost = pricing.price("openai", "gpt-4.1", USED, AT_US).cost_nano
    return None if cost is None else cost / 1e9


def test_a_fetched_list_is_used_kept_and_read_again(tmp_path: Path, site: Site) -> None:
    pricing, other = Pricing(), Pricing()
    assert (dollars(pricing), pricing.list_state.fetched_us, other.poll_list(tmp_path)) == (2.0, None, False)
    pricing.fetch_list(tmp_path, site.url)
    state = pricing.list_state
    assert (dollars(pricing), state.version, state.models, site.asked) == (3.1, None, 4, 1)
    assert state.fetched_us is not None and state.fetched_us > AT_US - 10**15
    later = Pricing()
    later.load_list(tmp_path)
    assert (dollars(later), later.list_state) == (3.1, state)
    # A gateway in another process follows; each list is read once.
    assert [other.poll_list(tmp_path), other.poll_list(tmp_path), dollars(other)] == [True, False, 3.1]
    assert site.asked == 1


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (404, b"", "(status 404)"),
        (200, b"", "is no list of prices"),
        (200, b"<html>", "is no list of prices"),
        (200, b"{}", "is no list of prices"),
        (200, b"[]", "is no list of prices"),
        (200, json.dumps(LIST[1:]).encode(), "is no list of prices"),
        (200, json.dumps([provider("openai", "gpt-4.1", -1), *LIST[1:]]).encode(), "is no list of prices"),
        (200, json.dumps([{"id": "openai"}, *LIST[1:]]).encode(), "is no list of prices"),
        (200, b"[" * 100_000, "is no list of prices"),
        *(
            pytest.param(200, json.dumps(form).encode(), "is no list of prices", id=name)
            for name, form in OTHER_FORMS.items()
        ),
    ],
)
def test_what_cannot_be_a_list_changes_nothing(
    tmp_path: Path, site: Site, status: int, body: bytes, words: str
) -> None:
    pricing = Pricing()
    pricing.fetch_list(tmp_path, site.url)
    kept = (tmp_path / PRICES_FILE).read_bytes()
    site.status, site.body = status, body
    with pytest.raises(FaregateError) as refused:
        pricing.fetch_list(tmp_path, site.url)
    assert words in refused.value.message
    assert dollars(pricing) == 3.1
    assert (tmp_path / PRICES_FILE).read_bytes() == kept
    assert [path.name for path in tmp_path.iterdir()] == [PRICES_FILE]


def test_nobody_there_is_said_so(tmp_path: Path, site: Site) -> None:
    url = site.url
    site.server_close()
    with pytest.raises(FaregateError, match="no connection"):
        Pricing().fetch_list(tmp_path, url)


def test_a_damaged_file_is_said_so_once_and_the_list_in_use_stays(tmp_path: Path) -> None:
    pricing = Pricing()
    (tmp_path / PRICES_FILE).write_bytes(b'{"fetched_us": 1, "providers": []}')
    with pytest.raises(FaregateError, match="update the prices"):
        pricing.load_list(tmp_path)
    assert (dollars(pricing), pricing.poll_list(tmp_path)) == (2.0, False)


@pytest.mark.parametrize("match", [{"glob": "gpt-*"}, {}, "gpt-4.1"])
async def test_a_kept_list_of_another_version_keeps_no_gateway_from_starting(tmp_path: Path, match: Any) -> None:
    kept = {"fetched_us": 1, "providers": of_another_form(match=match)}
    (tmp_path / PRICES_FILE).write_text(json.dumps(kept))
    gateway = Gateway(DataFolder(tmp_path), Settings(port=0, vault_backend="memory"))
    async with asyncio.timeout(30):
        await gateway.start()
    assert (gateway.state.word, gateway.price_list().fetched_us) == ("running", None)
    await gateway.close()


async def test_a_gateway_fetches_when_it_is_told_to_and_starts_with_what_it_fetched(
    tmp_path: Path, site: Site
) -> None:
    told: list[Changes] = []
    for fetched in (False, True):
        gateway = Gateway(DataFolder(tmp_path), Settings(port=0, vault_backend="memory"))
        gateway.changed = told.append
        await gateway.start()
        assert (gateway.price_list().fetched_us is not None) is fetched
        assert site.asked == int(fetched), "nothing is fetched by starting"
        if not fetched:
            told.clear()
            state = await gateway.update_prices(site.url)
            assert state == gateway.price_list()
            site.status = 500
            with pytest.raises(FaregateError):
                await gateway.update_prices(site.url)
            assert gateway.price_list() == state
            site.asked = 1
        prices = {row.model: row for row in await gateway.prices()}
        assert [price.usd for price in prices["gpt-4.1"].prices if price.unit == "input"] == ["3.1"]
        assert prices["gpt-4.1-mini"].source == "none"
        row = ExchangeRecord(
            id="r", started_us=AT_US, door="chat", key_id="k", key="k", provider="openai", model="gpt-4.1",
            input_tokens=10, output_tokens=0, cost_nano=31_000, cost_source="list", price_id="gpt-4.1",
        )  # fmt: skip
        explained = gateway.explain(row)
        assert [(part.count, part.price_usd, part.amount_nano) for part in explained.parts] == [(10, "3.1", "31000")]
        assert explained.price_list == gateway.price_list()
        assert next(row for row in gateway.models() if row.id == "gpt-4.1").input_price == 3_100_000_000
        await gateway.close()
    assert any(changes.prices for changes in told)


@pytest.mark.parametrize("bound, words", [("LARGEST", "is no list of prices"), ("MOST_S", "no connection")])
def test_a_list_that_does_not_end_is_given_up_midway(
    tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch, bound: str, words: str
) -> None:
    monkeypatch.setattr(f"gateway.prices.price_list.{bound}", -1)
    with pytest.raises(Unusable, match=words):
        Pricing().fetch_list(tmp_path, site.url)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["https_proxy", "all_proxy"])
def test_a_proxy_of_no_known_kind_is_told_only_where_it_stands_in_the_way(
    tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv(name, "socks://127.0.0.1:1080")
    Pricing().fetch_list(tmp_path, site.url)
    if name == "https_proxy":
        with pytest.raises(Unusable, match="the system's proxy cannot be used"):
            Pricing().fetch_list(tmp_path, "https://far.invalid/data.json")
