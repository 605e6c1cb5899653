"""A person adds a provider's key on the Providers page, by mouse and keyboard, into a real keyring."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.endtoend.serving import upstreams
from tests.keyring.traces import traces_in
from tests.provider.client import ProviderProcess
from tests.window.display import Display
from tests.window.real_app import ROOT, RealApp
from tests.window.session_bus import SessionBus

GOOD = "sk-proj-canary7Qw2Zk9Lm4Vx8Bt"
BAD = "sk-proj-bad5Rt1Yp6Ns3Hd0Jf"


def kept(bus: SessionBus, home: Path) -> Any:
    """The key that the folder and the keyring give together, read by another process."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.keyring.scenario", "read", str(home)],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **bus.environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["key"]


def card(app: RealApp, name: str) -> str:
    return str(app.ask("text", name=name, within="provider_openai"))


def test_a_key_is_tried_before_it_is_kept(
    display: Display, provider: ProviderProcess, session_bus: SessionBus, home: Path
) -> None:
    with RealApp(display, home, **upstreams(provider.base_urls, {}), **session_bus.environment) as app:
        app.click("nav.providers")
        app.wait_for("text", "Providers", name="header.title")
        app.wait_for("text", "No key", name="provider_state", within="provider_openai")
        app.click("provider_set_key", within="provider_openai")

        # The form of a key is looked at while it is typed; the field hides it.
        app.write("provider_key", "sk-ant-somebody")
        app.wait_for("text", "This looks like an Anthropic key, not an OpenAI one.", name="provider_key_hint")
        app.wait_for("text", "Switch to Anthropic", name="provider_key_switch")
        app.write("provider_key", BAD)
        app.wait_for("text", "Looks like a key for OpenAI.", name="provider_key_hint")

        # One that the provider refuses is kept nowhere.
        app.click("provider_key_save")
        app.wait_for("steps", [["Connect", True], ["Check the key", False]])
        assert "OpenAI" in app.ask("text", name="trial_message")
        assert card(app, "provider_state") == "No key"
        assert kept(session_bus, home) is None

        # One that it takes is.
        app.write("provider_key", GOOD)
        app.display.press("Return")
        app.wait_for("steps", [["Check the key", True], ["List models", True]])
        app.wait_for("text", "Connected just now", name="provider_state", within="provider_openai")
        assert app.ask("text", name="provider_key") == "", "the field forgets it"
        assert card(app, "provider_masked") == "sk-…x8Bt"
        assert kept(session_bus, home) == GOOD
        assert app.ask("text", name="header.subtitle") == "1 of 4 with a key"
    assert traces_in(home, GOOD) == traces_in(home, BAD) == []
