"""Words of the window go through Qt's translation: its syntax trees are walked, and whatever reads like words must be
handed to `tr`, or be taken by `later`, so that Qt's own tools find it."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import PySide6
import pytest
from PySide6.QtCore import QTranslator
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.filter_words import tag_text
from app.meter import MeterPopover
from app.overview.breakdown import group_title, unnamed
from app.pages.api_keys_parts.columns import api_key_columns, key_lines
from app.pages.conversations_parts.list_view import state_of
from app.pages.settings_parts.table import SECTIONS
from app.query_text import parse
from app.range_picker import CustomRange
from app.theme import Theme
from app.translation import counted, tr
from gateway import BILL_NOTES, BILL_REASONS, REPRICING_KEPT, Completeness, TagCondition
from gateway.reconcile.forms import FORMS
from tests.app.fake_data import api_key_rows
from tests.app.fake_gateway import NOW_US
from tests.app.fake_threads import plain_thread
from tests.app.whole import PseudoLocale, texts_of

APP = Path(__file__).parents[2] / "app"
TOOLS = Path(PySide6.__file__).parent
MODULES = sorted(path for path in APP.rglob("*.py"))
# The window shows words of the gateway's tables too.
SPEAKING = [*MODULES, *sorted((APP.parent / "gateway").rglob("*.py"))]

# No table and no function of ours: `lupdate` reads what these two are called with.
TRANSLATING = frozenset(("tr", "later"))
# Qt's own ways to the same, each under a context of its own.
QTS_OWN = frozenset(("QT_TR_NOOP", "QT_TRANSLATE_NOOP", "QT_TRANSLATE_NOOP3"))
# What is handed to these is never shown: names, patterns, code, the log.
SILENT = frozenset(
    [
        "setObjectName",
        "setProperty",
        "setStyleSheet",
        "setDisplayFormat",
        "setApplicationName",
        "setFamily",
        "QKeySequence",
        "QFont",
        "QLocale",
        "ui_font",
        "mono_font",
        "pixmap",
        "icon",
        "resource",
        "color",
        "compile",
        "sub",
        "search",
        "match",
        "fullmatch",
        "findall",
        "getattr",
        "setattr",
        "hasattr",
        "isinstance",
        "TypeVar",
        "NewType",
        "cast",
        "Signal",
        "Literal",
        "strftime",
        "strptime",
        "startswith",
        "endswith",
        "removeprefix",
        "removesuffix",
        "replace",
        "split",
        "partition",
        "rpartition",
        "strip",
        "rstrip",
        "lstrip",
        "encode",
        "decode",
        "get",
        "index",
        "find",
        "count",
        "findChild",
        "findChildren",
        "setValue",
        "value",
        "contains",
        "field",
        "print",
        "debug",
        "info",
        "warning",
        "error",
        "exception",
        "Formatter",
        "import_module",
        "write",
        "ValueError",
        "KeyError",
        "TypeError",
        "AssertionError",
        "RuntimeError",
        "LookupError",
        "NotImplementedError",
    ]
)
# What is raised for people carries its sentence to the screen; of others the log is told.
TOLD = frozenset(("FaregateError", "GatewayError", "PriceFileError", "_Problem"))
SILENT_ARGUMENTS = frozenset(["key", "icon", "tone", "kind", "mode", "objectName", "tz", "encoding", "units"])
# Connect's tools: their names, the words that find them, and what is pasted.
PASTED = {"Tool": frozenset(("title", "client", "words")), "Snippet": frozenset(("text", "command", "by_shell"))}
PASTING = frozenset(("_python", "_javascript"))
# Modules that show nothing in the window, or nothing that has a language.
OTHERS = {
    "__main__.py": "the terminal",
    "autostart.py": "the desktop's own files",
    "display.py": "the terminal",
    "fonts.py": "names of fonts",
    "headless.py": "the terminal",
    "launch.py": "the terminal",
    "pages/connect_parts/snippets.py": "commands",
    "pages/conversations_parts/copying.py": "files and commands",
    "parts/highlight.py": "words of programming languages",
    "text_scale.py": "names of settings of the desktop",
}
# Names of things, keys of the keyboard, dates, values of settings, and commands.
NAMES = re.compile(
    r"Faregate|Gemini|Ollama|LM Studio|Mistral|Groq|Fusion|Return(?:, Space)?|Menu(?:, Shift\+F10)?|Esc|Del|Ctrl\+|Inter|JetBrains Mono|Qt, PySide6|JSON lines"
    r"|Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|6:04 pm"
    r"|\d+ (?:days|months|years)|for ever|qwen3:8b, gpt-oss:20b|bash, zsh|model:\"a name with spaces\""
    # Commands and files to paste, and the report for those who mend Faregate.
    r"|curl .*|export .*|\{\".*|Python \{\}, Qt .*|Settings that differ from the defaults:",
    re.DOTALL,
)
_WORD = re.compile(r"[A-Za-z]{2,}")


def reads_like_words(text: str) -> bool:
    """A capitalised word, or several; not an identifier, a path or a pattern."""
    text = text.strip()
    if not re.search(r"[a-z]", text) or NAMES.fullmatch(text) or re.fullmatch(r"[\w.:/#+-]*[_.:/#][\w.:/#+-]*", text):
        return False
    return bool(re.fullmatch(r"[A-Z][a-z]+(…|:? \{\})?", text)) or (" " in text and len(_WORD.findall(text)) > 1)


def untranslated(source: str) -> Iterator[tuple[int, str]]:
    """Lines and what stands there."""
    tree = ast.parse(source)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        elif isinstance(node, ast.JoinedStr):
            text = "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
        else:
            continue
        if reads_like_words(text) and _is_shown(node, parents):
            yield node.lineno, text


def _is_shown(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    child = node
    while (parent := parents.get(child)) is not None:
        if isinstance(parent, ast.JoinedStr | ast.Compare | ast.arg | ast.MatchValue):
            return False
        if isinstance(parent, ast.Raise):
            return isinstance(parent.exc, ast.Call) and getattr(parent.exc.func, "id", "") in TOLD
        if isinstance(parent, ast.Expr) and child is node:
            # A docstring.
            return False
        if isinstance(parent, ast.Call) and child is not parent.func:
            called = parent.func.attr if isinstance(parent.func, ast.Attribute) else getattr(parent.func, "id", "")
            silent = PASTED.get(called, ()) if isinstance(child, ast.keyword) else ()
            if called in TRANSLATING | SILENT | PASTING or (isinstance(child, ast.keyword) and child.arg in silent):
                return False
        if isinstance(parent, ast.keyword) and parent.arg in SILENT_ARGUMENTS:
            return False
        if isinstance(parent, ast.Subscript) and child is parent.slice:
            return False
        if isinstance(parent, ast.Dict) and child in parent.keys:
            return False
        if isinstance(parent, ast.Assign) and any(
            getattr(to, "id", "") in ("__all__", "_CONTEXT") for to in parent.targets
        ):
            return False
        if isinstance(parent, ast.AnnAssign) and child is parent.annotation:
            return False
        if isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef) and child is parent.returns:
            return False
        child = parent
    return True


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("label.setText('Nothing here')", ["Nothing here"]),
        ("label.setText(f'{count} rows left')", ["{} rows left"]),
        ("button = PushButton(theme, 'Retry')", ["Retry"]),
        ("menu.addAction('Copy' if one else tr('Copy all'))", ["Copy"]),
        ("WORDS = {'a b': 'Not said'}", ["Not said"]),
        ("field = DateField(theme, 'To')", ["To"]),
        ("title = f'By {dimension}'", ["By {}"]),
        ("raise FaregateError(f'{path} cannot be written.')", ["{} cannot be written."]),
        ("raise ValueError(f'{key} is not a range.')", []),
        ("label.setText(tr('Nothing here'))", []),
        ("label.setText(tr('{count} rows left').format(count=3))", []),
        ("WORDS = Words({'a': 'Not said'})", ["Not said"]),
        ("WORDS = Words({'a': later('Not said')})", []),
        ("label.setText(counted(3, 'One row', later('{count} rows')))", ["One row"]),
        ("label.setObjectName('Nothing here')", []),
        ("'''Some words.'''", []),
    ],
)
def test_words_are_told_from_what_is_not_shown(source: str, found: list[str]) -> None:
    assert [text for _, text in untranslated(source)] == found


def test_all_words_of_the_window_are_translated() -> None:
    assert {str(path.relative_to(APP)) for path in MODULES} >= OTHERS.keys()
    found = [
        f"{path.relative_to(APP)}:{line}: {text!r}"
        for path in MODULES
        if str(path.relative_to(APP)) not in OTHERS
        for line, text in untranslated(path.read_text("utf-8"))
    ]
    assert found == [], "\n".join(found)


def ways_of_their_own(source: str) -> Iterator[int]:
    """Lines where words are handed to Qt other than by `tr`."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(attr="tr"):
                yield node.lineno
            case ast.Attribute(attr="translate", value=ast.Name(id="QCoreApplication" | "QApplication")):
                yield node.lineno
            case ast.Name(id=name) if name in QTS_OWN:
                yield node.lineno


def test_words_are_translated_in_one_way_and_by_one_context() -> None:
    """A widget's own `tr` looks under the name of its class, and where a catalogue has the same words for another
    one they are not found."""
    assert list(ways_of_their_own("label.setText(self.tr('Nothing here'))")) == [1]
    found = [
        f"{path.relative_to(APP)}:{line}"
        for path in MODULES
        if path.name != "translation.py"
        for line in ways_of_their_own(path.read_text("utf-8"))
    ]
    assert found == []


def handed_on(source: str) -> Iterator[str]:
    """What `tr` and `later` are called with."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id="tr" | "later"), args=[ast.Constant(value=str(text))]):
                yield text


def test_a_catalogue_of_qts_own_tools_is_understood(qapp: QApplication, tmp_path: Path) -> None:
    catalogue, compiled = tmp_path / "window.ts", tmp_path / "window.qm"
    files = [str(path) for path in SPEAKING]
    asked = ["lupdate", *files, "-tr-function-alias", "tr+=later", "-ts", str(catalogue)]
    subprocess.run(asked, check=True, capture_output=True, executable=TOOLS / "lupdate")
    texts = ElementTree.parse(catalogue)
    assert {context.findtext("name") or "" for context in texts.iter("context")} == {""}
    found = {message.findtext("source") or "" for message in texts.iter("message")}
    assert {text for path in SPEAKING for text in handed_on(path.read_text("utf-8"))} - found == set()
    forms = (form.title for form in FORMS)
    assert {*REPRICING_KEPT.values(), *BILL_REASONS.values(), *BILL_NOTES.values(), *forms} - found == set()
    for message in texts.iter("message"):
        translation = message.find("translation")
        assert translation is not None
        translation.attrib.pop("type")
        translation.text = f"«{message.findtext('source')}»"
    texts.write(catalogue, "utf-8", xml_declaration=True)
    subprocess.run([TOOLS / "lrelease", catalogue, "-qm", compiled], check=True, capture_output=True)
    translator = QTranslator()
    assert translator.load(str(compiled))
    qapp.installTranslator(translator)
    try:
        taken_later, with_places = SECTIONS[0].title, tr("{ready} of {count} with a key")
        assert (tr("Retry"), counted(2, "1 error", "{count} errors")) == ("«Retry»", "«2 errors»")
        assert group_title("provider") == "«By provider»"
        assert (tr(taken_later), with_places) == (f"«{taken_later}»", "«{ready} of {count} with a key»")
    finally:
        qapp.removeTranslator(translator)


def test_words_that_are_put_together_are_translated_too(qtbot: QtBot, qapp: QApplication, theme: Theme) -> None:
    locale = PseudoLocale()
    qapp.installTranslator(locale)
    try:
        key = msgspec.structs.replace(api_key_rows(NOW_US)[0], last_used_us=None)
        (line,) = key_lines([key], {})
        cells = {column.key: column.text(line) for column in api_key_columns(lambda: NOW_US)}
        assert (group_title("tag:team"), unnamed("tag:team"), unnamed("door")) == ("Byö team", "Nóö team", "Nónéöö")
        assert tag_text(TagCondition(("team:a", "team"), negated=True)) == "team: nótö a, ányö"
        assert tag_text(TagCondition(("a", "b"), negated=True)) == "nótö a órö b"
        assert cells["last_used"] == "Névéröö"
        running = msgspec.structs.replace(plain_thread(0, NOW_US).row, running=1)
        assert state_of(running, NOW_US)[0] == "rúnníngööö"
        for text in (
            'model:"gpt',
            "-model:x",
            "model:",
            "cost:>1,>2",
            "status:bad",
            "tag:a|b",
            "tag:team:",
            "modl:x",
        ):
            words = parse(text).problem
            assert words is not None and "ö" in words, text
        window = QWidget()
        qtbot.addWidget(window)
        popover, custom = MeterPopover(theme, window), CustomRange(theme, window)
        popover.show_reading(Completeness(seen=4, written=3, priced=2, open=1))
        popover.show()
        assert {"4 séénöö", "1 rúnníngööö"} <= texts_of(popover)
        assert custom.last.accessibleName() == "Tóö"
    finally:
        qapp.removeTranslator(locale)
