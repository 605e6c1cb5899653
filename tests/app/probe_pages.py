"""Pages that count what the window does to them, under the keys of real ones."""

from PySide6.QtWidgets import QLabel, QWidget

from app.context import AppContext
from app.pages import PageEntry
from app.pages.page import Page, RequestTarget
from app.widgets import Banner
from gateway import Changes


class Probe(Page):
    """Counts what the window does to it."""

    icon = "list"
    made = 0

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        type(self).made += 1
        self.refreshed: list[Changes] = []
        self.visits: list[str] = []
        self.targets: list[RequestTarget] = []
        self.control = QLabel("control")

    def header_controls(self) -> list[QWidget]:
        return [self.control]

    async def refresh(self, changes: Changes) -> None:
        self.refreshed.append(changes)
        self.subtitle.emit(f"{len(self.refreshed)} times")

    def on_shown(self) -> None:
        self.visits.append("shown")

    def show_target(self, target: RequestTarget) -> None:
        self.targets.append(target)

    def on_hidden(self) -> None:
        self.visits.append("hidden")


class Exporting(Probe):
    exported = 0

    def start_export(self) -> None:
        type(self).exported += 1


class Telling(Probe):
    """Tells its `problem` in a strip of its own, as real pages do."""

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.problem = ""
        self.banner = Banner(context.theme, "bad", "", "Retry", self)
        self.banner.hide()

    async def refresh(self, changes: Changes) -> None:
        await super().refresh(changes)
        self.banner.set_text(self.problem)
        self.banner.setVisible(bool(self.problem))


def probe_entries(first: type[Page] = Probe, second: type[Page] = Exporting) -> tuple[PageEntry, ...]:
    return (
        PageEntry("requests", "Requests", "list", "Observe", lambda: first),
        PageEntry("providers", "Providers", "plug", "Set up", lambda: second),
        PageEntry("api_keys", "API keys", "key-round", "Set up", lambda: first),
    )
