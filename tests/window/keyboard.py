"""A walk through the real window by keys alone.

On the way everything that has the keyboard must have a name, lie where it can be seen, and look otherwise than without
it.
"""

from typing import Any

from tests.waiting import wait_until
from tests.window.real_app import RealApp

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
        """Soon the keyboard is at what has this object name."""
        self.app.wait_for("focused_name", wanted)

    def well(self) -> None:
        assert self.wrong == [], "\n".join(dict.fromkeys(self.wrong))
