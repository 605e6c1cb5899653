"""Settings, the palette and the sheet of keys as a person works them, on a real gateway."""

import socket
from pathlib import Path

import msgspec
import pytest

from app import formats
from app.pages.settings_parts.data_sections import DISK_PARTS
from app.preferences import Preferences, window_store
from gateway import Sizes
from tests.app.text_portal import KDE, TextPortal
from tests.waiting import wait_until
from tests.window.display import Display
from tests.window.real_app import RealApp, call, new_key


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_the_port_is_changed_while_the_window_stays_and_keys_lead_everywhere(
    display: Display, home: Path, tmp_path: Path
) -> None:
    first, second = free_port(), free_port()
    home.mkdir()
    (home / "config.toml").write_text(f"# mine\n[server]\nport = {first}\n")
    config = tmp_path / "config"
    variables = {"FAREGATE_VAULT": "memory", "FAREGATE_PORT": "", "XDG_CONFIG_HOME": str(config)}
    with RealApp(display, home, **variables) as app:
        assert app.ask("address") == f"127.0.0.1:{first}"
        app.display.press("ctrl+comma")
        app.wait_for("page", "Settings")
        app.write("edit.server.port", str(second))
        app.click("apply_port")
        app.wait_for("address", f"127.0.0.1:{second}")
        wait_until(lambda: app.ask("state") == "Running" and app.ask("page") == "Settings", what="The restart")
        assert call(app.url, "/healthz", "")[0] == 200
        with pytest.raises(OSError):
            call(f"http://127.0.0.1:{first}", "/healthz", "")
        assert (home / "config.toml").read_text() == f"# mine\n[server]\nport = {second}\n"
        app.wait_for("shown", name="edit.server.port")
        # What is wrong is told beside its field, and nothing is written.
        app.write("edit.timeouts.total", "soon")
        app.display.press("Return")
        app.wait_for("shown", name="setting_problem", within="setting.timeouts.total")
        assert "timeouts" not in (home / "config.toml").read_text()
        # Ctrl+K by name, F1 for the keys.
        app.focus()
        app.display.press("ctrl+k")
        app.wait_for("shown", name="palette")
        app.display.type("api k")
        app.display.press("Return")
        app.wait_for("page", "API keys")
        app.focus()
        app.display.press("F1")
        app.wait_for("shown", name="shortcut_sheet")
        app.display.press("Escape")
        app.wait_for("shown", False, name="shortcut_sheet")
    # The page, and what was chosen, are there again.
    with RealApp(display, home, **variables) as app:
        assert (app.ask("page"), app.ask("address")) == ("API keys", f"127.0.0.1:{second}")


def test_sizes_are_the_apis_and_a_restart_takes_what_was_saved(display: Display, home: Path, tmp_path: Path) -> None:
    key = new_key(home)
    config = tmp_path / "config"
    with RealApp(display, home, FAREGATE_VAULT="memory", XDG_CONFIG_HOME=str(config)) as app:
        app.display.press("ctrl+comma")
        app.wait_for("page", "Settings")
        note = "Set by FAREGATE_PORT, which overrides what is chosen here."
        app.wait_for("text", note, name="setting_note", within="setting.server.port")

        def told() -> dict[str, str]:
            app.click("settings.data")
            app.click("settings.retention")
            app.wait_for("shown", name=f"size.{DISK_PARTS[0].name}")
            return {part.name: app.ask("text", name=f"size.{part.name}") for part in DISK_PARTS}

        def of_the_api() -> dict[str, str]:
            sizes = msgspec.convert(app.api("/admin/storage", key), Sizes)
            return {part.name: formats.size(part.bytes_of(sizes)) for part in DISK_PARTS}

        # Logs and side files still grow while it starts.
        wait_until(lambda: told() == of_the_api(), what="The same sizes")
        app.click("clean_up")
        wait_until(lambda: app.ask("toasts") == ["Nothing was too old or too large"], what="The clean-up")
        app.write("edit.retention.content", "20 days")
        app.display.press("Return")
        app.wait_for("shown", name="settings_restart")
        before = app.url
        app.click_on("place_of_text", text="Restart gateway")
        wait_until(lambda: "The gateway runs with its new settings." in app.ask("toasts"), what="The restart")
        assert app.url == before, "any port would have done: tools are pointed to the one that was taken"
        rows = {row["key"]: row for row in app.api("/admin/settings", key)["data"]}
        assert (rows["retention.content"]["value"], rows["retention.content"]["saved"]) == ("20 days", "20 days")
    assert not (config / "autostart").exists(), "only where it was asked for"


def test_the_window_begins_as_large_as_the_desktops_text(display: Display, home: Path, tmp_path: Path) -> None:
    """KDE's: GNOME's is in an X display already."""
    with TextPortal(tmp_path / "bus", {KDE: ("s", "Noto Sans,15,-1,5,50,0,0,0,0,0")}) as portal:
        variables = {"FAREGATE_VAULT": "memory", "DBUS_SESSION_BUS_ADDRESS": portal.address}
        with RealApp(display, home, **variables) as app:
            assert app.ask("pixel_ratio") == 1.5
            width, height = app.ask("window_size")
            assert width * 1.5 <= 1600 and height * 1.5 <= 1000
        Preferences(window_store(home)).set("size", "100")
        with RealApp(display, home, **variables) as app:
            assert app.ask("pixel_ratio") == 1.0
