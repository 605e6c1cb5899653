"""Which tool a request is of: by the key that was made for it, and by what the request calls itself."""

import time

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.filters import FilterState
from app.pages.connect import ConnectPage
from app.pages.connect_parts.arrivals import whose
from app.pages.connect_parts.tools import BY_KEY, TOOLS
from app.theme import Theme
from gateway import Changes, ExchangeRecord
from tests.app.fake_gateway import FakeGateway
from tests.app.turns import Turns

EVERYTHING = Changes(usage=True, keys=True, providers=True)


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway(0, now_us=time.time_ns() // 1000)


@pytest.fixture
def page(qtbot: QtBot, theme: Theme, gateway: FakeGateway, turns: Turns) -> ConnectPage:
    page = ConnectPage(AppContext(gateway, theme, FilterState(tz="UTC"), turns))  # type: ignore[arg-type]
    page.steps_button.setParent(page)
    qtbot.addWidget(page)
    page.resize(1220, 840)
    page.show()
    look(page, turns)
    return page


def look(page: ConnectPage, turns: Turns) -> None:
    page.on_shown()
    turns(page.refresh(EVERYTHING))
    turns.run()


def make_key(page: ConnectPage, turns: Turns, tool: str) -> None:
    page.list.choose(tool)
    turns.run()
    page.view.choices.make.click()
    turns.run()


def arrived(gateway: FakeGateway, key: str, client: str | None, id: str, outcome: str = "ok") -> None:
    gateway.put(
        ExchangeRecord(
            id=id,
            started_us=time.time_ns() // 1000,
            door="chat",
            key_id="k9",
            key=key,
            provider="openai",
            model="gpt-4.1-mini",
            status=200 if outcome == "ok" else 429,
            outcome=outcome,
            client=client,
        )
    )


def ticked(page: ConnectPage) -> set[str]:
    items = [page.list.view.item(number) for number in range(page.list.view.count())]
    names = [str(item.data(Qt.ItemDataRole.AccessibleTextRole)) for item in items]
    return {name.removesuffix(", connected") for name in names if name.endswith(", connected")}


@pytest.mark.parametrize(
    ("key", "client", "tool"),
    [
        ("codex", "Codex", "codex"),
        ("codex-2", "codex_vscode", "codex"),
        ("codex", None, "codex"),
        # Tried by hand, or with the wrong key in the wrong place.
        ("codex", "curl", "curl"),
        ("codex", "OpenAI SDK (Python)", "openai-python"),
        ("aider", "Claude Code", "claude-code"),
        # What builds on an SDK calls itself as the SDK does.
        ("aider", "OpenAI SDK (Python)", "aider"),
        ("llm", "OpenAI SDK (Python)", "llm"),
        ("langchain", "Google GenAI SDK", "langchain"),
        ("llamaindex", "OpenAI SDK (Python)", "llamaindex"),
        ("google-genai-js", "Google GenAI SDK", "google-genai-js"),
        ("aider", "LiteLLM", "aider"),
        # No key of a tool.
        ("growth", "OpenAI SDK (Python)", "openai-python"),
        ("growth", "my-agent", None),
        ("growth", None, None),
    ],
)
def test_whose_a_request_is(key: str, client: str | None, tool: str | None) -> None:
    found = whose(key, client)
    assert (found.key if found is not None else None) == tool


def test_an_sdk_within_a_tool_does_not_count_as_the_sdk(
    page: ConnectPage, gateway: FakeGateway, turns: Turns
) -> None:
    make_key(page, turns, "aider")
    arrived(gateway, "aider", "OpenAI SDK (Python)", "r-1")
    look(page, turns)
    assert ticked(page) == {"aider"} and page.view.arrival.title.text() == "aider is connected"
    page.list.choose("openai-python")
    turns.run()
    assert page.view.arrival.title.text() == "OpenAI SDK (Python) is not connected yet"
    # The SDK itself, with a key that stands for nothing.
    arrived(gateway, "growth", "OpenAI SDK (Python)", "r-2")
    arrived(gateway, "aider", "OpenAI SDK (Python)", "r-3")
    look(page, turns)
    assert ticked(page) == {"aider", "OpenAI SDK (Python)"}
    assert page.view.arrival.title.text() == "OpenAI SDK (Python) is connected with the key “growth”"
    assert page.view.arrival.words is not None and page.view.arrival.words.request == "r-2"


def test_another_tool_with_its_key_does_not_connect_a_tool(
    page: ConnectPage, gateway: FakeGateway, turns: Turns
) -> None:
    make_key(page, turns, "codex")
    arrived(gateway, "codex", "curl", "r-1")
    look(page, turns)
    card = page.view.arrival
    assert card.words is not None
    assert card.title.text() == "Waiting for the first request from Codex …"
    assert card.detail.text().startswith("curl used its key: just now · gpt-4.1-mini")
    assert (card.words.tone, card.words.request, card.link.isVisible()) == ("text2", "r-1", True)
    assert ticked(page) == {"curl"}

    arrived(gateway, "codex", "Codex", "r-2")
    arrived(gateway, "codex", "curl", "r-3")
    look(page, turns)
    assert (card.words.tone, card.words.request, card.title.text()) == ("ok", "r-2", "Codex is connected")
    assert ticked(page) == {"curl", "Codex"}
    arrived(gateway, "codex", "Codex", "r-4", outcome="error")
    arrived(gateway, "codex", "curl", "r-5")
    look(page, turns)
    assert card.title.text() == "Codex is connected, but its last request failed" and card.words.request == "r-4"


def test_every_tool_has_a_key_of_its_own_name() -> None:
    assert [whose(tool.key, None) for tool in TOOLS] == list(TOOLS)
    assert whose("codex-x", None) is None and whose("my codex", None) is None
    assert whose("google-genai-2", None) is BY_KEY["google-genai"]
