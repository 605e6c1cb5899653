"""A person makes a key on the API keys page and uses it; what it did shows everywhere by itself."""

import re
from pathlib import Path

from app.formats import count
from tests.endtoend.serving import MODELS, upstreams
from tests.provider.client import ProviderProcess
from tests.window.display import Display
from tests.window.real_app import RealApp


def ask_for(app: RealApp, key: str, model: str) -> None:
    """One call; its answer is complete."""
    body = {"model": model, "messages": [{"role": "user", "content": "Say hello."}]}
    app.api("/chat/completions", key, body)


def make_key(app: RealApp) -> str:
    """By clicking and typing; the key, as the sheet shows it once."""
    app.click("nav.api_keys")
    app.click("create_key")
    app.write("new_key_name", "laptop")
    app.write("new_key_user", "ana")
    app.write("new_key_tags", "team:platform, env:dev")
    app.click("new_key_role_admin")
    app.click("new_key_create")
    app.wait_for("shown", name="new_key")
    key = str(app.ask("text", name="new_key"))
    app.click("new_key_copy")
    assert app.ask("clipboard") == key
    app.click("new_key_stored")
    app.wait_for("shown", False, name="api_keys_drawer")
    return key


def test_a_key_is_shown_once_and_what_it_does_is_seen_live(
    display: Display, provider: ProviderProcess, home: Path
) -> None:
    with RealApp(display, home, FAREGATE_VAULT="memory", **upstreams(provider.base_urls)) as app:
        key = make_key(app)
        assert re.fullmatch(r"tk_[A-Za-z0-9_-]{43}", key)
        app.wait_for("rows", 1, name="api_keys_table")
        line = app.ask("table", name="api_keys_table")["rows"][0]
        assert line[:5] == ["laptop", f"{key[:7]}…", "Admin", "team:platform, env:dev", "ana"]
        app.click("create_key")
        app.wait_for("shown", name="new_key_name")
        assert not app.ask("shown", name="new_key"), "it is seen once"

        # A row soon, with nobody touching the window.
        app.click("nav.requests")
        app.wait_for("page", "Requests")
        app.wait_for("shown", name="requests_empty")
        ask_for(app, key, MODELS["anthropic"])
        app.wait_for("rows", 1, name="requests_table")
        ask_for(app, key, MODELS["xai"])
        app.wait_for("rows", 2, name="requests_table")
        newest = app.usage("requests", key, limit=1)["data"][0]
        shown = app.ask("table", name="requests_table")
        cells = dict(zip(shown["titles"], shown["rows"][0], strict=True))
        assert (cells["Status"], cells["Model"], cells["Provider"]) == ("200", MODELS["xai"], "xAI")
        assert (cells["Key"], cells["User"], cells["Tags"]) == ("laptop", "ana", "team:platform, env:dev")
        assert cells["Tokens in"] == count(newest["input_tokens"])
        assert app.ask("counts")["requests"] == "2"

        # Cards, charts and tables follow too.
        app.click("nav.overview")
        app.wait_for("requests_drawn", 2)
        ask_for(app, key, MODELS["google"])
        app.wait_for("requests_drawn", 3)
        assert app.ask("cards")["requests"]["value"] == "3"
        models = app.ask("table", name="table.model")["rows"]
        assert sorted(row[0] for row in models) == sorted(MODELS[name] for name in ("anthropic", "google", "xai"))

        # One click leads from a number to the rows behind it, and Alt+Left back.
        place = [row[0] for row in models].index(MODELS["xai"])
        app.click_on("place_of_cell", table="table.model", row=place)
        app.wait_for("page", "Requests")
        app.wait_for("rows", 1, name="requests_table")
        assert app.ask("chips") == [f"Model: {MODELS['xai']}"]
        app.display.press("alt+Left")
        app.wait_for("page", "Overview")
        assert app.ask("chips") == []
