"""The three steps from an empty folder to the first metered request. Each looks by itself whether it is done.

A provider's key is kept as the Providers page keeps it: only after the provider took it, and forgotten here at once.
"""

import time
from collections.abc import Callable, Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.context import AppContext
from app.first_steps import FirstSteps
from app.focus import pause
from app.known_errors import KNOWN_ERRORS
from app.launch import example_model
from app.pages.connect_parts.arrivals import free_name, told
from app.pages.connect_parts.code_block import CodeBlock
from app.pages.connect_parts.snippets import BASE, KEY, MODEL, NO_KEY, Models, Snippet, render
from app.pages.connect_parts.trying import Trying
from app.pages.providers_parts.secret_field import SecretField, lies_on_clipboard, offer_to_clear
from app.pages.providers_parts.steps import StepList
from app.sidebar import API_PATH
from app.text_label import TextLabel
from app.theme import Theme
from app.translation import tr
from app.vault_words import vault_words
from app.widgets import Card, IconLabel, PushButton
from gateway import KeyTrial, ProviderRow

KEY_NAME = "first-steps"
# The model that each provider's first request asks for: one that every account may use, and that costs little.
FIRST_MODELS = {
    "openai": "gpt-4.1-mini",
    "anthropic": "claude-haiku-4-5",
    "google": "gemini-2.5-flash",
    "xai": "grok-4.3",
}
FIRST_REQUEST = Snippet(
    step="",
    command=f"curl {BASE}/v1/chat/completions \\\n"
    f'  -H "Authorization: Bearer {KEY}" \\\n'
    '  -H "Content-Type: application/json" \\\n'
    f'  -d \'{{"model": "{MODEL}", "messages": [{{"role": "user", "content": "Hello"}}]}}\'',
)


class StepCard(Card):
    """A step with its mark: open, or done."""

    def __init__(self, theme: Theme, number: int, title: str, name: str) -> None:
        super().__init__(theme)
        self._title = title
        self.setObjectName(f"first_step_{name}")
        self.done = False
        self._mark = IconLabel(theme, "circle", "text3", 20)
        self.title = TextLabel(theme, f"{number}.  {title}", px=14, weight=600)
        self.told = TextLabel(theme, tone="text2", wrap=True)
        self.told.setObjectName(f"first_step_{name}_told")
        self.body = QVBoxLayout()
        self.body.setSpacing(8)
        self.body.addWidget(self.title)
        self.body.addWidget(self.told)
        line = QHBoxLayout(self)
        line.setContentsMargins(16, 14, 16, 14)
        line.setSpacing(12)
        mark = QVBoxLayout()
        mark.addWidget(self._mark)
        mark.addStretch(1)
        line.addLayout(mark)
        line.addLayout(self.body, 1)
        self.show_done(False, "")

    def show_done(self, done: bool, told: str, tone: str | None = None) -> None:
        self.done = done
        self.told.setText(told)
        self.told.setVisible(bool(told))
        self.told.set_tone(tone or ("ok" if done else "text2"))
        state = tr("done") if done else tr("to do")
        self.setAccessibleName(f"{self._title}: {state}")
        self._mark.show_icon(*("circle-check", "ok") if done else ("circle", "text3"))


class FirstRun(QWidget):
    """`skipped`, `finished`, `demo_asked`, `vault_asked`; `copied(words)`; `request_asked(id)`; `changed`: something
    was stored, look again."""

    skipped = Signal()
    finished = Signal()
    demo_asked = Signal()
    vault_asked = Signal()
    copied = Signal(str)
    request_asked = Signal(str)
    changed = Signal()

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self.setObjectName("first_run")
        self._steps = FirstSteps()
        self._url, self._fresh = "", ""
        self._visit = 0
        self._trying, self._untold = Trying(), ""
        theme = context.theme
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        self.title = TextLabel(theme, tr("Three steps to the first request"), px=20, weight=600)
        self.title.setObjectName("first_run_title")
        self.intro = TextLabel(
            theme,
            tr(
                "Keys, records and costs stay on this machine; only your requests go to providers. "
                "Each step checks itself."
            ),
            tone="text2",
            wrap=True,
        )
        for widget in (self.title, self.intro, self._build_provider(), self._build_key(), self._build_request()):
            column.addWidget(widget)
        self.leave_button = PushButton(theme, tr("Skip for now"), kind="ghost")
        self.leave_button.setObjectName("first_run_leave")
        self.leave_button.clicked.connect(self._leave)
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(self.leave_button)
        column.addLayout(foot)
        column.addStretch(1)

    def _build_provider(self) -> StepCard:
        theme = self._context.theme
        self.provider_card = StepCard(theme, 1, tr("A provider's key"), "provider")
        self.field = SecretField(theme, tr("Paste a key for OpenAI, Anthropic, Google or xAI"))
        self.field.edit.setObjectName("first_key")
        self.hint = TextLabel(theme, px=12, tone="text3", wrap=True)
        self.hint.setObjectName("first_key_hint")
        self.save = PushButton(theme, tr("Test & save"), kind="primary")
        self.save.setObjectName("first_key_save")
        self.demo = PushButton(theme, tr("Try the demo instead"), "play")
        self.demo.setObjectName("first_demo")
        self.demo.clicked.connect(self.demo_asked)
        self.vault = PushButton(theme, tr("Choose where keys are kept"), "lock")
        self.vault.setObjectName("first_vault")
        self.vault.clicked.connect(self.vault_asked)
        self.vault.hide()
        self.trial = StepList(theme)
        self.trial.hide()
        self.key_form = QWidget()
        form = QVBoxLayout(self.key_form)
        form.setContentsMargins(0, 0, 0, 0)
        form.setSpacing(8)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (self.save, self.demo, self.vault):
            buttons.addWidget(button)
        buttons.addStretch(1)
        form.addWidget(self.field)
        form.addWidget(self.hint)
        form.addLayout(buttons)
        form.addWidget(self.trial)
        self.provider_card.body.addWidget(self.key_form)
        self.field.changed.connect(self._check)
        self.field.submitted.connect(self._submit)
        self.save.clicked.connect(self._submit)
        return self.provider_card

    def _build_key(self) -> StepCard:
        theme = self._context.theme
        self.key_card = StepCard(theme, 2, tr("The endpoint, and a key for your tool"), "key")
        self.endpoint = TextLabel(theme, mono=True, px=12)
        self.endpoint.setObjectName("first_endpoint")
        self.endpoint_copy = PushButton(theme, tr("Copy endpoint"), "copy")
        self.endpoint_copy.setObjectName("first_endpoint_copy")
        self.endpoint_copy.clicked.connect(lambda: self._copy(self.endpoint.text(), tr("Endpoint copied")))
        self.key = TextLabel(theme, mono=True, px=12)
        self.key.setObjectName("first_tool_key")
        self.no_key = TextLabel(theme, tr("No key yet. It is shown once, when it is made."), tone="text2")
        self.no_key.setObjectName("first_no_key")
        self.key_button = PushButton(theme, tr("Make a key"), "key-round", "primary")
        self.key_button.setObjectName("first_make_key")
        self.key_button.clicked.connect(self._key_pressed)
        for labels, button in (((self.endpoint,), self.endpoint_copy), ((self.key, self.no_key), self.key_button)):
            line = QHBoxLayout()
            for label in labels:
                line.addWidget(label, 1)
            line.addWidget(button)
            self.key_card.body.addLayout(line)
        return self.key_card

    def _build_request(self) -> StepCard:
        theme = self._context.theme
        self.request_card = StepCard(theme, 3, tr("The first request"), "request")
        self.command = CodeBlock(theme, 0, tr("Run this in a terminal, or point your tool here"))
        self.command.copied.connect(self.copied)
        self.test = PushButton(theme, "", "play")
        self.test.setObjectName("first_request_test")
        self.test.clicked.connect(self._test_pressed)
        self.request_link = PushButton(theme, tr("Open request"), "external-link")
        self.request_link.setObjectName("first_request_link")
        self.request_link.clicked.connect(self._open_request)
        self.request_card.body.addWidget(self.command)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self.test)
        line.addWidget(self.request_link)
        line.addStretch(1)
        self.request_card.body.addLayout(line)
        return self.request_card

    # what is known

    def show_steps(self, steps: FirstSteps, url: str, *, vault: bool) -> None:
        """`vault`: there is somewhere to keep a provider's key."""
        if steps.request != self._steps.request:
            # Newer than a test that left no row.
            self._untold = ""
        self._steps, self._url = steps, url
        self.endpoint.setText(f"{url}{API_PATH}")
        self._show_provider(vault)
        self._show_key()
        self._show_request()
        self.leave_button.setText(tr("Done") if steps.done else tr("Skip for now"))
        self.title.setText(tr("You are set") if steps.done else tr("Three steps to the first request"))
        self._check()

    def _show_provider(self, vault: bool) -> None:
        steps, words, tone = self._steps, "", None
        if steps.provider_ready:
            names = ", ".join(row.title for row in steps.providers if row.ready)
            words = tr("Ready: {names}").format(names=names)
        elif steps.switched_off:
            words, tone = tr("{title} is switched off: switch it on under Providers."), "warn"
            words = words.format(title=steps.switched_off[0].title)
        elif steps.unreadable:
            words, tone = tr("{title}'s key cannot be read: {why}"), "warn"
            words = words.format(title=steps.unreadable[0].title, why=vault_words(steps.unreadable[0].detail or ""))
        self.provider_card.show_done(steps.provider_ready, words, tone)
        self.key_form.setVisible(not steps.provider_ready)
        self.demo.setVisible(not self._context.gateway.demo)
        self.vault.setVisible(not vault)

    def _show_key(self) -> None:
        told = tr("Copy the key now: it is shown only this once.") if self._fresh else ""
        self.key_card.show_done(self._steps.key_done, told, tone="text2")
        if self._fresh:
            self.key.setText(self._fresh)
        elif self._steps.key_done:
            newest = max((row for row in self._steps.keys if row.revoked_us is None), key=lambda row: row.created_us)
            self.key.setText(f"{newest.prefix}…  ({newest.name})")
        else:
            self.key.setText("")
        self.key.setVisible(bool(self.key.text()))
        self.no_key.setVisible(not self.key.text())
        words = tr("Copy key") if self._fresh else tr("Make another")
        self.key_button.setText(words if self._fresh or self._steps.key_done else tr("Make a key"))
        self.key_button.set_icon("copy" if self._fresh else "key-round")

    def _show_request(self) -> None:
        request = self._steps.request
        if self._trying.running:
            words = tr("Asking {model} …").format(model=self._model())
            self.request_card.show_done(self._steps.request_done, words, tone="text2")
        elif self._untold:
            self.request_card.show_done(self._steps.request_done, self._untold, tone="bad")
        elif request is None:
            words = tr("Waiting for it …") if self._steps.key_done and self._steps.provider_done else ""
            self.request_card.show_done(False, words)
        elif self._steps.request_done:
            self.request_card.show_done(True, told(request, time.time_ns() // 1000))
        else:
            words = tr("A request arrived, and failed: {why}").format(why=request.error_message or request.status)
            self.request_card.show_done(False, words, tone="bad")
        self.request_link.setVisible(request is not None)
        running = self._trying.running
        self.test.setText(tr("Cancel") if running else tr("Send it from here"))
        self.test.set_icon("x" if running else "play")
        self.test.setEnabled(self._steps.provider_ready)
        self.test.setVisible(running or not self._steps.request_done)
        models = Models(self._model())
        self.command.show_text(render(FIRST_REQUEST, self._url, self._fresh or NO_KEY, models=models))

    def _model(self) -> str:
        """One that can be asked, as far as any can."""
        providers = self._steps.providers
        ready = [row.name for row in providers if row.ready]
        usual = next((FIRST_MODELS[name] for name in ready if name in FIRST_MODELS), None)
        if usual is None and ready:
            usual = example_model(self._context.gateway.models(), providers)
        return usual or FIRST_MODELS["openai"]

    def forget(self) -> None:
        """Leaves no key behind, neither the provider's nor the tool's."""
        self._visit += 1
        self._fresh = self._untold = ""
        self._trying.give_up()
        self.field.forget()
        self.trial.clear()
        self.trial.hide()
        self.field.setEnabled(True)
        self._show_key()
        self._show_request()

    # the provider's key

    def recognised(self) -> ProviderRow | None:
        """Whose key stands in the field: the only one whose form it has."""
        return _only_fitting(self._judged())

    def _judged(self) -> list[tuple[ProviderRow, str | None]]:
        """What is wrong with what stands in the field for each that could be meant; nothing where it is empty."""
        key, check = self.field.text(), self._context.gateway.check_key_format
        rows = [row for row in self._steps.providers if row.name in FIRST_MODELS]
        return [(row, check(row.name, key)) for row in rows] if key else []

    def _check(self) -> None:
        judged = self._judged()
        found = _only_fitting(judged)
        if found is not None:
            words, tone = tr("Looks like a key for {title}.").format(title=found.title), "ok"
        elif self.field.text():
            problems = {problem for _, problem in judged}
            # One that all of them have is the text's own, and no other page takes it either.
            shared = problems.pop() if len(problems) == 1 else None
            words = shared or tr("It is not clear whose key this is: set it on the Providers page.")
            tone = "warn"
        else:
            words, tone = tr("It is tried with its provider, and kept only if it works."), "text3"
        self.hint.setText(words)
        self.hint.set_tone(tone)
        self.save.setEnabled(found is not None and self.field.isEnabled())

    def _submit(self) -> None:
        found = self.recognised()
        if found is not None and self.field.isEnabled():
            resume = pause(self.field, self.save)
            self.trial.show()
            self.trial.wait(tr("Trying the key with {title} …").format(title=found.title))
            self._context.spawn(self._try(found, self.field.text(), self._visit, resume))

    async def _try(self, provider: ProviderRow, key: str, visit: int, resume: Callable[[], None]) -> None:
        trial, gateway = KeyTrial(ok=False, message=""), self._context.gateway
        try:
            trial = await gateway.try_provider_key(provider.name, key)
            if trial.ok and visit == self._visit:
                await gateway.store_provider_key(provider.name, key)
        except KNOWN_ERRORS as error:
            trial = KeyTrial(ok=False, message=vault_words(str(error)), steps=trial.steps)
        if visit != self._visit:
            return
        resume()
        self.trial.show_trial(trial)
        if trial.ok:
            self.field.forget()
            if lies_on_clipboard(key):
                offer_to_clear(self._context.shell, provider.title)
        self._check()
        self.changed.emit()

    # the tool's key, and the rest

    def _key_pressed(self) -> None:
        if self._fresh:
            self._copy(self._fresh, tr("Key copied"))
        else:
            self._context.spawn(self._make_key(self._visit, pause(self.key_button)))

    async def _make_key(self, visit: int, resume: Callable[[], None]) -> None:
        try:
            made = await self._context.gateway.create_api_key(free_name(KEY_NAME, self._steps.keys))
        except KNOWN_ERRORS as error:
            self.copied.emit(str(error))
        else:
            if visit == self._visit:
                self._fresh = made.key
        finally:
            resume()
        self.changed.emit()

    def _copy(self, text: str, words: str) -> None:
        QGuiApplication.clipboard().setText(text)
        self.copied.emit(words)

    def _open_request(self) -> None:
        if self._steps.request is not None:
            self.request_asked.emit(self._steps.request.id)

    def _test_pressed(self) -> None:
        if self._trying.give_up():
            self._show_request()
        else:
            self._context.spawn(self._test())

    async def _test(self) -> None:
        """The command's request, made from here: over HTTP, with the new key where it is known."""
        self._trying.begin(self._context.gateway.try_door("openai_chat", self._model(), self._fresh or None))
        self._untold = ""
        self._show_request()
        trial = await self._trying.end()
        if trial is not None:
            # One that has a row is told by it.
            self._untold = "" if trial.ok or trial.request_id else trial.message
            self._show_request()
            self.changed.emit()

    def _leave(self) -> None:
        (self.finished if self._steps.done else self.skipped).emit()


def _only_fitting(judged: Sequence[tuple[ProviderRow, str | None]]) -> ProviderRow | None:
    fitting = [row for row, problem in judged if problem is None]
    return fitting[0] if len(fitting) == 1 else None
