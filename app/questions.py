"""The few questions that must be answered before going on; each opens beside the loop, never inside it."""

from collections.abc import Callable, Sequence

from msgspec import Struct
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialogButtonBox, QGridLayout, QMessageBox, QWidget

from app.translation import counted, later, tr
from app.widgets.edge import Edge

# What a message box without an icon puts before its text.
_INDENT = 15
_MARGIN = 20


def _question(parent: QWidget, name: str, title: str, text: str) -> QMessageBox:
    box = QMessageBox(parent)
    Edge(box)
    box.setObjectName(name)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setIcon(QMessageBox.Icon.NoIcon)
    box.setWindowTitle("Faregate")
    box.setText(title)
    box.setInformativeText(text)
    layout = box.layout()
    assert isinstance(layout, QGridLayout)
    layout.setHorizontalSpacing(0)
    layout.setContentsMargins(_MARGIN - _INDENT, _MARGIN, _MARGIN, _MARGIN)
    buttons = box.findChild(QDialogButtonBox)
    assert buttons is not None
    # As far from the edge as the text, where they take all of the width.
    buttons.setContentsMargins(_INDENT, 0, 0, 0)
    return box


def ask_to_lose(
    parent: QWidget, name: str, title: str, text: str, lose: Callable[[], object], *, words: str, keep: str
) -> None:
    """Whether something is to go that does not come back; staying as it is is the default."""
    box = _question(parent, name, title, text)
    lose_button = box.addButton(words, QMessageBox.ButtonRole.DestructiveRole)
    lose_button.setProperty("danger", True)
    box.setDefaultButton(box.addButton(keep, QMessageBox.ButtonRole.RejectRole))
    lose_button.clicked.connect(lambda: lose())
    box.open()


def ask_to_discard(parent: QWidget, discard: Callable[[], object]) -> None:
    """Whether what was typed and not saved is to go."""
    ask_to_lose(
        parent,
        "question.discard",
        tr("Discard what you typed?"),
        tr("It is not saved, and does not come back."),
        discard,
        words=tr("Discard"),
        keep=tr("Keep editing"),
    )


def ask_to_delete_view(parent: QWidget, name: str, delete: Callable[[], object]) -> None:
    """A saved view: only how it filtered is lost."""
    ask_to_lose(
        parent,
        "question.delete_view",
        tr("Delete the view “{name}”?").format(name=name),
        tr("Its range, filters and split are forgotten. What it showed stays."),
        delete,
        words=tr("Delete"),
        keep=tr("Keep"),
    )


def ask_to_replace(parent: QWidget, names: Sequence[str], folder: str, replace: Callable[[], object]) -> None:
    """Files of an earlier export, which stand in the folder already."""
    title = tr("Replace {name}?") if len(names) == 1 else tr("Replace {count} files?")
    ask_to_lose(
        parent,
        "question.replace",
        title.format(name=names[0], count=len(names)),
        tr("{names} in {folder} would be overwritten. What they hold now does not come back.").format(
            names=", ".join(names), folder=folder
        ),
        replace,
        words=tr("Replace"),
        keep=tr("Keep"),
    )


def ask_how_to_close(parent: QWidget, quit_: Callable[[], None], minimise: Callable[[], None]) -> None:
    """For desktops without a tray, where a closed window could not be found again."""
    box = _question(
        parent,
        "question.close",
        tr("Quit, or keep running minimised?"),
        tr("This desktop has no tray. Tools can reach the gateway only while Faregate runs."),
    )
    quit_button = box.addButton(tr("Quit"), QMessageBox.ButtonRole.DestructiveRole)
    keep = box.addButton(tr("Keep running"), QMessageBox.ButtonRole.AcceptRole)
    box.addButton(tr("Cancel"), QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(keep)
    quit_button.clicked.connect(lambda: quit_())
    keep.clicked.connect(lambda: minimise())
    box.open()


class Ending(Struct, frozen=True):
    """What ends a gateway: the question where that loses requests, and the word on its button."""

    name: str
    one: str
    many: str
    words: str


QUIT = Ending("quit", later("Quit and lose a request?"), later("Quit and lose {count} requests?"), later("Quit"))
RESTART = Ending(
    "restart", later("Restart and lose a request?"), later("Restart and lose {count} requests?"), later("Restart")
)
DEMO = Ending(
    "demo",
    later("Go to the demo and lose a request?"),
    later("Go to the demo and lose {count} requests?"),
    later("Go to the demo"),
)


def ask_to_end_without(parent: QWidget, ending: Ending, requests: int, end: Callable[[], object]) -> None:
    """Requests that only memory holds; asked again while the question stands, it is not put twice."""
    name = f"question.{ending.name}"
    if parent.findChild(QMessageBox, name) is not None:
        return
    ask_to_lose(
        parent,
        name,
        counted(requests, ending.one, ending.many),
        tr("The disk refused them: only memory holds them. Make room on it, and they are written by themselves."),
        end,
        words=tr(ending.words),
        keep=tr("Keep running"),
    )


def ask_to_leave_demo(parent: QWidget, leave: Callable[[], None]) -> None:
    """The demo's rows and keys are deleted."""
    box = _question(
        parent,
        "question.leave_demo",
        tr("Leave the demo?"),
        tr(
            "Its example data and keys are deleted. Faregate continues in your own folder, with your "
            "own provider keys."
        ),
    )
    leave_button = box.addButton(tr("Leave demo"), QMessageBox.ButtonRole.AcceptRole)
    box.addButton(tr("Stay"), QMessageBox.ButtonRole.RejectRole)
    leave_button.clicked.connect(lambda: leave())
    box.open()


def ask_to_delete_conversation(parent: QWidget, title: str, delete: Callable[[], None]) -> None:
    """What was said is gone for good; the rows that metered it stay."""
    ask_to_lose(
        parent,
        "question.delete_conversation",
        tr("Delete this conversation?"),
        tr("The messages of “{title}” are deleted for good. Its requests, tokens and costs stay counted.").format(
            title=title[:80]
        ),
        delete,
        words=tr("Delete"),
        keep=tr("Keep"),
    )
