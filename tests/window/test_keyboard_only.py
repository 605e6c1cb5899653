"""The window without a mouse: the first run, filters, the drawer and deleting by keys alone.

On the way everything that has the keyboard must have a name, lie where it can be seen, and look otherwise than without
it; what is closed gives the keyboard back.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.endtoend.serving import MODELS, upstreams
from tests.provider.client import ProviderProcess
from tests.waiting import wait_until
from tests.window.display import Display
from tests.window.real_app import RealApp, call, new_key
from tests.window.test_other_numbers import talk

MOST_STEPS = 90


class Keys:
    """Walks through the window with Tab, and looks at each step at what has the keyboard."""

    def __init__(self, app: RealApp) -> None:
        self.app = app
        self.wrong: list[str] = []
        self._before = ""
        self._tabbed = False

    def press(self, *keys: str) -> None:
        self.app.display.press(*keys)

    def at(self) -> dict[str, Any]:
        """What has the keyboard; what is wrong with it is kept."""
        wait_until(self._somewhere, what="Something that has the keyboard")
        found: dict[str, Any] = self.app.ask("focused")
        label = found["name"] or found["called"]
        if found["ringed"] is False and self._tabbed:
            self.wrong.append(f"{self._before} looks the same with the keyboard and without")
        if not found["called"]:
            self.wrong.append(f"{label or 'something'} has no name")
        if not found["seen"]:
            self.wrong.append(f"{label} has the keyboard and cannot be seen")
        self._before, self._tabbed = label, False
        return found

    def _somewhere(self) -> bool:
        try:
            self.app.ask("focused_name")
        except LookupError:
            return False
        return True

    def to(self, wanted: str, *, within: str | None = None, back: bool = False) -> None:
        """Tab until the keyboard is at what has this object name, or is called so."""
        passed = []
        for _ in range(MOST_STEPS):
            found = self.at()
            inside = within is None or within in found["within"]
            if inside and wanted in (found["name"], found["called"]):
                return
            passed.append(found["name"] or found["called"])
            came_by_tab = bool(passed[1:])
            self.press("shift+Tab" if back else "Tab")
            # What a shortcut or the page itself gave the keyboard to tells of it from its first key on.
            self._tabbed = came_by_tab
        raise AssertionError(f"Tab does not lead to {wanted!r}, but to {passed}")

    def has(self, wanted: str) -> None:
        """Soon the keyboard is there."""

        def there() -> bool:
            try:
                found = self.app.ask("focused")
            except LookupError:
                return False
            return wanted in (found["name"], found["called"])

        try:
            wait_until(there, 10, wanted)
        except TimeoutError:
            raise AssertionError(f"the keyboard is not at {wanted!r} but at {self.app.ask('focused')}") from None

    def well(self) -> None:
        assert sorted(set(self.wrong)) == [], "\n".join(sorted(set(self.wrong)))


@pytest.fixture
def variables(provider: ProviderProcess) -> dict[str, str]:
    return {"FAREGATE_VAULT": "memory", **upstreams(provider.base_urls)}


def test_the_first_run(display: Display, provider: ProviderProcess, home: Path) -> None:
    urls = {f"FAREGATE_{name.upper()}_BASE_URL": url for name, url in provider.base_urls.items()}
    with RealApp(display, home, FAREGATE_VAULT="memory", **urls) as app:
        keys = Keys(app)
        app.wait_for("shown", name="first_run")
        keys.to("first_key")
        app.display.type("sk-proj-canary5Dn8Wq2Xk7Ls")
        app.wait_for("text", "Looks like a key of OpenAI.", name="first_key_hint")
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
        wait_until(lambda: any(one["class"] == "QMessageBox" for one in app.ask("windows")), what="The question")
        app.focus()
        assert app.ask("focused")["called"] == "Keep", "what loses nothing is the default"
        keys.press("Escape")
        wait_until(lambda: all(one["class"] != "QMessageBox" for one in app.ask("windows")), what="Its end")
        app.focus()
        keys.has("conversation_menu")
        keys.press("space")
        app.wait_for("shown", name="conversation_actions")
        keys.press("Up", "Return")
        wait_until(lambda: any(one["class"] == "QMessageBox" for one in app.ask("windows")), what="The question")
        app.focus()
        keys.press("shift+Tab")
        assert app.ask("focused")["called"] == "Delete"
        keys.press("space")
        wait_until(lambda: len(app.api("/conversations", key)["data"]) == 1, what="The end of it")
        app.focus()
        keys.at()
        keys.well()
