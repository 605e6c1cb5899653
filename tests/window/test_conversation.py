"""A person reads what a tool said through the gateway, while it is said; goes to its requests and back; deletes it."""

from pathlib import Path

from tests.endtoend.serving import MODELS, upstreams
from tests.provider.client import ProviderProcess
from tests.window.display import Display, wait_until
from tests.window.real_app import RealApp, new_key

NAMED = {"x-conversation-id": "first-talk"}


def say(app: RealApp, key: str, *texts: str) -> str:
    """One call with the whole history, as a chat sends it; the answer."""
    roles = ("user", "assistant")
    messages = [{"role": roles[number % 2], "content": text} for number, text in enumerate(texts)]
    answer = app.api("/chat/completions", key, {"model": MODELS["anthropic"], "messages": messages}, headers=NAMED)
    return str(answer["choices"][0]["message"]["content"])


def said(app: RealApp, kind: str) -> list[str]:
    return [text for each, _, text in app.ask("blocks") if each == kind]


def test_what_was_said_is_read_while_it_is_said_and_deleted_for_good(
    display: Display, provider: ProviderProcess, home: Path
) -> None:
    key = new_key(home)
    with RealApp(display, home, FAREGATE_VAULT="memory", **upstreams(provider.base_urls)) as app:
        app.click("nav.conversations")
        app.wait_for("shown", name="conversations_empty")

        # It appears by itself, and grows.
        first = say(app, key, "Say hello to Ana.")
        app.wait_for("text", "Say hello to Ana.", name="conversation_title")
        wait_until(lambda: said(app, "assistant") == [first], what="The answer")
        second = say(app, key, "Say hello to Ana.", first, "And to Ben.")
        wait_until(lambda: said(app, "assistant") == [first, second], what="The second answer")
        assert said(app, "user") == ["Say hello to Ana.", "And to Ben."], "a history that is sent again is shown once"
        assert app.ask("text", name="conversation_totals").startswith("2 calls · ")
        assert app.ask("counts")["conversations"] == "1"

        # To its requests, and from a request back to its turn.
        app.click("conversation_requests")
        app.wait_for("page", "Requests")
        app.wait_for("rows", 2, name="requests_table")
        app.click_on("place_of_cell", table="requests_table", row=0)
        app.click("request_conversation")
        app.wait_for("page", "Conversations")
        app.wait_for("text", "Say hello to Ana.", name="conversation_title")

        app.click("conversation_menu")
        app.click_on("place_in_menu", text="Delete…")
        app.focus()
        app.click_on("place_of_text", text="Delete")
        # The filter that led to its requests still holds.
        app.wait_for("shown", name="conversations_none")
        app.focus()
        app.clear_filters()
        app.wait_for("shown", name="conversations_empty")
        assert app.usage("summary", key)["requests"] == 2, "what it cost stays"
