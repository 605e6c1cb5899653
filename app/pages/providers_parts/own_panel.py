"""The drawer's panel for a provider of the user's own: which dialect it speaks, where, with what kind of key.

What servers people run usually say is offered as a start. The gateway takes a provider at its next start, so that
saving asks for one.
"""

from collections.abc import Callable, Mapping

from msgspec import Struct
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from app.context import AppContext
from app.focus import pause
from app.known_errors import KNOWN_ERRORS
from app.text_label import TextLabel
from app.translation import Words, later, tr
from app.widgets import ComboBox, PushButton
from gateway import ExtraProvider

DIALECTS = (
    ("openai_chat", later("OpenAI chat completions")),
    ("openai_responses", later("OpenAI Responses")),
    ("anthropic", later("Anthropic Messages")),
    ("gemini", "Gemini"),
)
AUTHS = (
    ("bearer", later("Key as a bearer token")),
    ("x-api-key", later("Key as x-api-key")),
    ("x-goog-api-key", later("Key as x-goog-api-key")),
    ("none", later("No key")),
)


class Start(Struct, frozen=True):
    """What a known server's form is filled with."""

    title: str
    name: str = ""
    base_url: str = ""
    auth: str = "bearer"
    dialect: str = "openai_chat"


STARTS = (
    Start(later("Another server")),
    Start("Ollama", "ollama", "http://127.0.0.1:11434/v1", "none"),
    Start("LM Studio", "lm-studio", "http://127.0.0.1:1234/v1", "none"),
    Start("llama.cpp", "llama-cpp", "http://127.0.0.1:8080/v1", "none"),
    Start("vLLM", "vllm", "http://127.0.0.1:8000/v1", "none"),
    Start("OpenRouter", "openrouter", "https://openrouter.ai/api/v1"),
    Start("DeepSeek", "deepseek", "https://api.deepseek.com"),
    Start("Mistral", "mistral", "https://api.mistral.ai/v1"),
    Start("Groq", "groq", "https://api.groq.com/openai/v1"),
)


# What a refusal begins with, and what the form calls it.
_CALLED: Mapping[str, str] = Words({"name must": later("The name must"), "base_url must": later("The base URL must")})


def said_here(problem: str) -> str:
    """A refusal that names the table's field, in the form's words."""
    field = next((field for field in _CALLED if problem.startswith(field)), "")
    return _CALLED[field] + problem.removeprefix(field) if field else problem


def names(text: str) -> tuple[str, ...]:
    """The models in a list with commas, each once."""
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


class OwnPanel(QWidget):
    """`saved(name)`: it stands in the settings, and the gateway must start again to take it. `removal_asked(name)`:
    the person wants it gone."""

    saved = Signal(str)
    cancelled = Signal()
    removal_asked = Signal(str)

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("own_provider_panel")
        self._context = context
        self._changes = ""
        self._any_embeds = False
        self._visit = 0
        self._begun: dict[str, object] = {}
        self._build()
        self.start.currentIndexChanged.connect(self._fill)
        for line in (self.name, self.base_url, self.models, self.embeddings):
            line.textChanged.connect(self._check)
            line.returnPressed.connect(self._submit)
        self.dialect.currentIndexChanged.connect(self._check)
        self.save.clicked.connect(self._submit)
        self.cancel.clicked.connect(self.cancelled)
        self.remove.clicked.connect(lambda: self.removal_asked.emit(self._changes))
        self.open(None)

    def _build(self) -> None:
        theme = self._context.theme
        self.start = _choice(ComboBox(theme, tr("Server")), "own_start", [tr(row.title) for row in STARTS])
        self.name = _line(tr("Name"), "own_name", "lm-studio")
        self.dialect = _choice(ComboBox(theme, tr("Format")), "own_dialect", [tr(title) for _, title in DIALECTS])
        self.base_url = _line(tr("Base URL"), "own_base_url", "http://127.0.0.1:1234/v1")
        self.auth = _choice(ComboBox(theme, tr("Key")), "own_auth", [tr(title) for _, title in AUTHS])
        self.models = _line(tr("Models"), "own_models", "qwen3:8b, gpt-oss:20b")
        self.embeddings = _line(tr("Embedding models"), "own_embeddings", "nomic-embed-text")
        self.hint = TextLabel(theme, px=12, tone="text3", wrap=True)
        self.problem = TextLabel(theme, px=12, tone="bad", wrap=True)
        self.problem.setObjectName("own_problem")
        self.save = PushButton(theme, tr("Save and restart"), kind="primary")
        self.save.setObjectName("own_save")
        self.cancel = PushButton(theme, tr("Cancel"), kind="secondary")
        self.remove = PushButton(theme, tr("Remove"), kind="ghost")
        self.remove.setObjectName("own_remove")
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 16, 16)
        column.setSpacing(6)
        self._start_label = TextLabel(theme, tr("Server"), px=12, weight=500, tone="text2")
        for label, field in (
            (self._start_label, self.start),
            (tr("Name"), self.name),
            (tr("Format"), self.dialect),
            (tr("Base URL"), self.base_url),
            (tr("Key"), self.auth),
            (tr("Models, by the server's names for them"), self.models),
            (tr("Embedding models (optional)"), self.embeddings),
        ):
            made = TextLabel(theme, label, px=12, weight=500, tone="text2") if isinstance(label, str) else label
            column.addWidget(made)
            column.addWidget(field)
            column.addSpacing(4)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.save)
        buttons.addWidget(self.cancel)
        buttons.addStretch(1)
        buttons.addWidget(self.remove)
        column.addWidget(self.hint)
        column.addWidget(self.problem)
        column.addLayout(buttons)
        column.addStretch(1)

    def open(self, provider: ExtraProvider | None) -> None:
        """Afresh for a new one, or with what a provider's table says."""
        self.leave()
        self._changes = provider.name if provider is not None else ""
        # Any of its models may be asked to embed: a list that is left empty must not take that away.
        self._any_embeds = provider is not None and provider.embeddings == ()
        self.start.setVisible(provider is None)
        self._start_label.setVisible(provider is None)
        self.remove.setVisible(provider is not None)
        self.name.setReadOnly(provider is not None)
        self.start.setCurrentIndex(0)
        self._fill(0)
        self.models.clear()
        self.embeddings.clear()
        if provider is not None:
            self.name.setText(provider.name)
            self.base_url.setText(provider.base_url)
            _choose(self.dialect, DIALECTS, provider.dialect)
            _choose(self.auth, AUTHS, provider.auth)
            self.models.setText(", ".join(provider.models))
            self.embeddings.setText(", ".join(provider.embeddings or ()))
        self._check()
        self._begun = self.values()

    @property
    def unsaved(self) -> bool:
        """Whether it says anything else than when it was opened, or than the server that was chosen begins with."""
        return self.values() != self._begun

    def leave(self) -> None:
        """An answer that still comes is thrown away."""
        self._visit += 1
        self.setEnabled(True)
        self._tell("")

    def _fill(self, place: int) -> None:
        start = STARTS[max(place, 0)]
        self.name.setText(start.name)
        self.base_url.setText(start.base_url)
        _choose(self.dialect, DIALECTS, start.dialect)
        _choose(self.auth, AUTHS, start.auth)
        self._begun = {**self.values(), "models": None, "embeddings": None}

    def _check(self) -> None:
        self._tell("")
        name = self.name.text().strip()
        with_v1 = tr("The base URL is used as given: with /v1 for OpenAI's two formats, without for the others.")
        called = tr("Its other models are called {name}/model.").format(name=name or "name")
        self.hint.setText(f"{with_v1} {called}")
        self.save.setEnabled(bool(name and self.base_url.text().strip()))

    def values(self) -> dict[str, object]:
        """What the table is to say; None takes a field away. Fields that are not shown stay."""
        embeddings = names(self.embeddings.text())
        embeds = {} if self._any_embeds and not embeddings else {"embeddings": embeddings or None}
        return {
            "name": self.name.text().strip(),
            "dialect": DIALECTS[self.dialect.currentIndex()][0],
            "base_url": self.base_url.text().strip(),
            "auth": AUTHS[self.auth.currentIndex()][0],
            "models": names(self.models.text()) or None,
            **embeds,
        }

    def _submit(self) -> None:
        if self.save.isEnabled():
            self._context.spawn(self._save(self.values(), self._visit, pause(self)))

    async def _save(self, values: dict[str, object], visit: int, resume: Callable[[], None]) -> None:
        gateway, name = self._context.gateway, str(values["name"])
        if not self._changes and any(row.name == name for row in await gateway.providers()):
            self._failed(visit, tr("There is a provider of that name: choose another name."), resume)
            return
        try:
            await gateway.save_own_provider(values)
        except KNOWN_ERRORS as error:
            self._failed(visit, said_here(str(error)), resume)
            return
        self.saved.emit(name)

    def _failed(self, visit: int, words: str, resume: Callable[[], None]) -> None:
        if visit == self._visit:
            resume()
            self._tell(words)

    def _tell(self, words: str) -> None:
        self.problem.setText(words)
        self.problem.setVisible(bool(words))


def _line(name: str, object_name: str, example: str) -> QLineEdit:
    line = QLineEdit()
    line.setObjectName(object_name)
    line.setAccessibleName(name)
    line.setPlaceholderText(example)
    line.setMinimumHeight(32)
    return line


def _choice(box: ComboBox, object_name: str, texts: list[str]) -> ComboBox:
    box.setObjectName(object_name)
    box.addItems(texts)
    return box


def _choose(box: ComboBox, rows: tuple[tuple[str, str], ...], key: str) -> None:
    box.setCurrentIndex(next(number for number, row in enumerate(rows) if row[0] == key))
