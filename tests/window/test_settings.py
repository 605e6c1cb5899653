"""Settings, the palette and the sheet of keys as a person works them, on a real gateway."""

import socket
from pathlib import Path

import pytest

from tests.waiting import wait_until
from tests.window.display import Display
from tests.window.real_app import RealApp, call


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
