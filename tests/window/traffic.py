"""Calls to the gateway of a real window: conversations, comparisons, and what was spent before the window was there."""

import time
from pathlib import Path

from gateway import ExchangeRecord, UsageQuery
from gateway.model import Usage
from gateway.simulated.history import history
from tests.endtoend.serving import CHAT, opened
from tests.window.real_app import RealApp, call

ASKED = ("Name a river.", "And a longer one?", "Where does it end?")
COMPARED = ("gpt-4.1-mini", "claude-sonnet-4-6", "grok-4.3")


def talk(app: RealApp, key: str, name: str, model: str) -> None:
    """Three calls of one conversation, each with its whole history."""
    messages: list[dict[str, str]] = []
    for number, text in enumerate(ASKED):
        messages.append({"role": "user", "content": text})
        body = {"model": model, "messages": messages, "stream": False}
        tags = {"x-conversation-id": name, "x-tags": f"team:red,step:{number}"}
        status, answer, _ = call(app.url, CHAT, key, body, tags)
        assert status == 200, answer
        messages.append({"role": "assistant", "content": f"Answer {number}."})


def compare(app: RealApp, key: str) -> None:
    """Three models are asked twice; two answers of each are rated, but for the last model's second."""
    for number in range(2):
        request = {"messages": [{"role": "user", "content": f"Which river is the longest? {number}"}]}
        made = app.api("/compare", key, {"models": list(COMPARED), "request": request})
        for place, answer in enumerate(made["data"]):
            if (number, place) != (1, 2):
                rating = {"stars": 5 - place - number, "note": f"note {number}{place}"}
                app.api(f"/compare/ratings/{answer['request_id']}", key, rating, method="PUT")


def _price(provider: str, model: str, usage: Usage, at_us: int) -> tuple[int | None, str, str | None]:
    """Not what any list says, so that all of it is priced anew."""
    return 900 * (usage.input_tokens or 0) + 7_001 * (usage.output_tokens or 0), "list", model


def spend(home: Path) -> list[ExchangeRecord]:
    """Two days of example history; those of OpenAI's that cost something."""
    home.mkdir(parents=True)
    with opened(home) as store:
        store.insert_history(history(time.time_ns() // 1000, _price, days=2))
        return [row for row in store.iter_requests(UsageQuery(provider=("openai",))) if row.cost_nano]
