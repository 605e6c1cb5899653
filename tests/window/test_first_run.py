"""An empty machine: three things to do, each of which checks itself, and the first request is seen. Then a flip of
the theme, as everybody sees it."""

from pathlib import Path

from PySide6.QtGui import QImage

from app.theme import DARK, LIGHT
from tests.endtoend.serving import MODELS, upstreams
from tests.provider.client import ProviderProcess
from tests.waiting import wait_until
from tests.window.display import Display
from tests.window.real_app import RealApp, call

KEY = "sk-proj-canary5Dn8Wq2Xk7Ls"


def ground(display: Display, picture: Path) -> str:
    """The colour of the page's ground, where nothing stands."""
    display.picture(picture)
    return QImage(str(picture)).pixelColor(300, 4).name().upper()


def test_from_an_empty_machine_to_the_first_request(
    display: Display, provider: ProviderProcess, home: Path, tmp_path: Path
) -> None:
    urls = upstreams(provider.base_urls, {})
    with RealApp(display, home, FAREGATE_VAULT="memory", **urls) as app:
        app.wait_for("page", "Connect")
        app.wait_for("shown", name="first_run")
        # A provider's key is known by its form, and tried before it is kept.
        app.write("first_key", KEY)
        app.wait_for("text", "Looks like a key for OpenAI.", name="first_key_hint")
        app.click("first_key_save")
        app.wait_for("shown", False, name="first_key")
        # The endpoint, and a key for a tool.
        app.click("first_endpoint_copy")
        wait_until(lambda: app.ask("clipboard") == f"{app.url}/api/ai/v1", what="The endpoint")
        app.click("first_make_key")
        app.wait_for("text", "Copy key", name="first_make_key")
        app.click("first_make_key")
        wait_until(lambda: str(app.ask("clipboard")).startswith("tk_"), what="The key")
        key = str(app.ask("clipboard"))
        assert not app.ask("shown", name="first_request_link")
        # What arrives is seen, and leads to its row.
        body = {"model": MODELS["openai"], "messages": [{"role": "user", "content": "Hello."}]}
        status, _, headers = call(app.url, "/api/ai/v1/chat/completions", key, body)
        assert status == 200
        app.wait_for("shown", name="first_request_link")
        app.click("first_request_link")
        app.wait_for("page", "Requests")
        app.wait_for("rows", 1, name="requests_table")
        app.wait_for("shown", name="request_details")
        assert headers["x-request-id"]

        app.fill_screen((1440, 900))
        app.click("theme.dark")
        wait_until(lambda: ground(display, tmp_path / "dark.png") == DARK.bg.upper(), what="The dark ground")
        app.click("theme.light")
        wait_until(lambda: ground(display, tmp_path / "light.png") == LIGHT.bg.upper(), what="The light ground")
        app.click("theme.dark")
    with RealApp(display, home, FAREGATE_VAULT="memory", **urls) as app:
        app.fill_screen((1440, 900))
        wait_until(lambda: ground(display, tmp_path / "kept.png") == DARK.bg.upper(), what="The kept theme")
