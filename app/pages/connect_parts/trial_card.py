"""The card that tries a tool's door from here: one tiny call through the gateway, and what became of it.

Where calls are told and not made it is an export without spans, and asks no model.
"""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app import formats
from app.pages.connect_parts.arrivals import ArrivalWords
from app.pages.connect_parts.status_card import StatusCard
from app.theme import Theme
from app.translation import tr
from app.widgets import PushButton
from gateway import DoorTrial


def trial_words(trial: DoorTrial, key_words: str) -> ArrivalWords:
    """What a person reads of a call that came to an end; `key_words` say with which key it went."""
    if not trial.ok:
        return ArrivalWords(
            text=tr("The test failed"), detail=trial.message, tone="bad", icon="circle-x", request=trial.request_id
        )
    cost = formats.money(trial.cost_nano) if trial.request_id else ""
    parts = (trial.request_id, trial.model, cost, key_words)
    return ArrivalWords(
        text=tr("The gateway answered in {time}").format(time=formats.duration(trial.ms)),
        detail=" · ".join(part for part in parts if part),
        tone="ok",
        icon="circle-check",
        request=trial.request_id,
    )


class TrialCard(StatusCard):
    """`test_asked`: make the call; `given_up`: the one that runs is to end."""

    test_asked = Signal()
    given_up = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "trial", parent)
        self.running = False
        self.button = PushButton(theme, tr("Test"), "play")
        self.button.setObjectName("trial_start")
        self.button.clicked.connect(lambda: (self.given_up if self.running else self.test_asked).emit())
        self.line.addWidget(self.button)

    def show_idle(self, model: str, detail: str = "") -> None:
        """Nothing was tried yet, or what was does not tell of what is chosen now."""
        offered = tr(
            "Asks {model} for one word, the way this tool would. It costs next to nothing and is metered "
            "like any other request, tagged source:test."
        )
        if not model:
            offered = tr("Sends an export without spans to where apps send theirs: it leaves nothing behind.")
        text = tr("Test the connection")
        said = detail or offered.format(model=model)
        self._show(ArrivalWords(text=text, detail=said, tone="text2", icon="activity"), running=False)

    def show_running(self, model: str) -> None:
        words = tr("Asking {model} …").format(model=model) if model else tr("Sending an export …")
        said = tr("Through the gateway, over HTTP, as the tool would.")
        self._show(ArrivalWords(text=words, detail=said, tone="text2", icon="clock"), running=True)

    def show_trial(self, trial: DoorTrial, key_words: str) -> None:
        self._show(trial_words(trial, key_words), running=False)

    def _show(self, words: ArrivalWords, *, running: bool) -> None:
        self.running = running
        self.button.setText(tr("Cancel") if running else tr("Test"))
        self.button.set_icon("x" if running else "play")
        self.button.setAccessibleName(tr("Cancel the test") if running else tr("Test this connection"))
        self.show_words(words)
