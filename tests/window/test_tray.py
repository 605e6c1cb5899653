"""The tray under a real tray host: the gateway's switch, today's figures, the window's door, and the way out."""

import time
from decimal import Decimal
from pathlib import Path

from app.formats import money
from tests.endtoend.serving import MODELS, upstreams
from tests.provider.client import ProviderProcess
from tests.waiting import wait_until
from tests.window.display import Display
from tests.window.real_app import RealApp, call, new_key

DOUBLE_CLICK_S = 0.6


def midday() -> str:
    """A zone in which it is about noon: no midnight comes between a call and today's figures."""
    return f"Etc/GMT{time.gmtime().tm_hour - 12:+d}"


def answers(url: str) -> bool:
    try:
        return call(url, "/healthz", "")[0] == 200
    except ConnectionRefusedError:
        return False


def choose(app: RealApp, entry: str) -> None:
    """Right click on the icon, and the entry of its menu."""
    app.display.click(*app.find("place_of_tray"), button=3)
    app.click_on("place_in_menu", text=entry)


def main_windows(app: RealApp) -> list[str]:
    return [window["title"] for window in app.ask("windows") if window["class"] == "Window"]


def test_the_tray_switches_the_gateway_opens_the_window_and_quits(
    display: Display, provider: ProviderProcess, home: Path
) -> None:
    key = new_key(home)
    with RealApp(display, home, FAREGATE_VAULT="memory", TZ=midday(), **upstreams(provider.base_urls)) as app:
        app.wait_for("tray_says", "Gateway on · $0.00 today · 0 requests")
        url = app.url
        assert answers(url)

        choose(app, "Gateway on")
        app.wait_for("state", "Off")
        assert not answers(url)
        assert app.ask("banner", subject="state").startswith("The gateway is off")
        assert app.ask("tray_says").startswith("Gateway off · ") and not app.ask("tray")["on"]
        choose(app, "Gateway on")
        app.wait_for("state", "Running")
        wait_until(lambda: answers(app.url))

        # Today's spend, also while the window is hidden.
        body = {"model": MODELS["openai"], "messages": [{"role": "user", "content": "Say hello."}]}
        app.api("/chat/completions", key, body)
        wait_until(lambda: app.usage("summary", key)["requests"] == 1, what="The row")
        spent = Decimal(app.usage("summary", key)["cost_usd"]) * 1_000_000_000
        assert spent > 0
        app.wait_for("tray_says", f"Gateway on · {money(spent)} today · 1 request")
        assert f"Today {money(spent)}" in app.ask("tray")["menu"]

        # A click on the icon hides the window, another one brings it back.
        app.click_on("place_of_tray")
        wait_until(lambda: main_windows(app) == [])
        # Sooner, it would be a double click.
        time.sleep(DOUBLE_CLICK_S)
        app.click_on("place_of_tray")
        wait_until(lambda: main_windows(app) != [])
        app.focus()

        # Closing it keeps the gateway, and says so the first time only.
        for said in (True, False):
            app.display.press("ctrl+w")
            wait_until(lambda: main_windows(app) == [])
            assert answers(app.url)
            assert any("keeps running in the tray" in text for text in balloons(app)) is said
            choose(app, "Open window")
            wait_until(lambda: main_windows(app) != [])
            app.focus()

        choose(app, "Quit")
        app.ended()
    assert not answers(url)


def balloons(app: RealApp) -> list[str]:
    return [text for window in app.ask("windows") if window["class"] == "QBalloonTip" for text in window["texts"]]
