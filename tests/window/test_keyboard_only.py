"""The window without a mouse: the first run, filters, the drawer and deleting by keys alone; what is closed gives the
keyboard back."""

from pathlib import Path

from tests.endtoend.serving import MODELS, upstreams
from tests.provider.client import ProviderProcess
from tests.waiting import wait_until
from tests.window.display import Display
from tests.window.keyboard import Keys
from tests.window.real_app import RealApp, call, new_key
from tests.window.traffic import talk


def test_the_first_run(display: Display, provider: ProviderProcess, home: Path) -> None:
    with RealApp(display, home, FAREGATE_VAULT="memory", **upstreams(provider.base_urls, {})) as app:
        keys = Keys(app)
        app.wait_for("shown", name="first_run")
        keys.to("first_key")
        app.display.type("sk-proj-canary5Dn8Wq2Xk7Ls")
        app.wait_for("text", "Looks like a key for OpenAI.", name="first_key_hint")
        keys.to("first_key_save")
        keys.press("space")
        app.wait_for("shown", False, name="first_key")
        keys.to("first_endpoint_copy")
        keys.press("Return")
        wait_until(lambda: app.ask("clipboard") == f"{app.url}/api/ai/v1", what="The endpoint")
        keys.to("first_make_key")
        keys.press("space")
        app.wait_for("text", "Copy key", name="first_make_key")
        keys.to("first_make_key")
        keys.press("space")
        wait_until(lambda: str(app.ask("clipboard")).startswith("tk_"), what="The key")
        body = {"model": MODELS["openai"], "messages": [{"role": "user", "content": "Hello."}]}
        assert call(app.url, "/api/ai/v1/chat/completions", str(app.ask("clipboard")), body)[0] == 200
        app.wait_for("shown", name="first_request_link")
        keys.to("first_request_link")
        keys.press("Return")
        app.wait_for("page", "Requests")
        app.wait_for("shown", name="request_details")
        keys.well()


def test_filters_the_drawer_and_deleting(display: Display, home: Path, variables: dict[str, str]) -> None:
    key = new_key(home)
    with RealApp(display, home, **variables) as app:
        talk(app, key, "talk", MODELS["anthropic"])
        talk(app, key, "other", MODELS["openai"])
        keys = Keys(app)
        keys.press("ctrl+2")
        app.wait_for("rows", 6, name="requests_table")
        keys.press("ctrl+f")
        app.display.type("provider:anthropic")
        keys.press("Return")
        app.wait_for("rows", 3, name="requests_table")
        # Another one from the popover, which gives the keyboard back.
        keys.to("filter.add")
        keys.press("space")
        app.wait_for("shown", name="filterPopover")
        keys.press("Escape")
        app.wait_for("shown", False, name="filterPopover")
        app.focus()
        keys.has("filter.add")
        # The details, and back to the row.
        keys.to("requests_table")
        keys.press("Down", "Return")
        app.wait_for("shown", name="request_details")
        keys.to("drawer.close", within="requests_drawer")
        keys.press("space")
        app.wait_for("shown", False, name="requests_drawer")
        keys.has("requests_table")
        # The chip goes by its own key; what follows it has the keyboard.
        (chip,) = app.ask("chips")
        keys.to(chip, back=True)
        keys.press("Delete")
        app.wait_for("chips", [])
        keys.has("filter.add")
        # A conversation is deleted after a question.
        keys.press("ctrl+3")
        app.wait_for("shown", name="thread")
        keys.to("conversation_menu")
        keys.press("space")
        app.wait_for("shown", name="conversation_actions")
        keys.press("Up", "Return")
        app.wait_for_window("QMessageBox")
        app.focus()
        assert app.ask("focused")["called"] == "Keep", "what loses nothing is the default"
        keys.press("Escape")
        app.wait_for_window("QMessageBox", False)
        app.focus()
        keys.has("conversation_menu")
        keys.press("space")
        app.wait_for("shown", name="conversation_actions")
        keys.press("Up", "Return")
        app.wait_for_window("QMessageBox")
        app.focus()
        keys.press("shift+Tab")
        assert app.ask("focused")["called"] == "Delete"
        keys.press("space")
        wait_until(lambda: len(app.api("/conversations", key)["data"]) == 1, what="The end of it")
        app.focus()
        keys.at()
        keys.well()
