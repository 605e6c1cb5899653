"""What the window says goes through Qt's translation, all of it by `tr` and without a context.

A widget's own `tr` looks under the name of its class, and `lupdate` files a function's words under no name: two ways
would be two catalogues. `pyside6-lupdate -tr-function-alias tr+=later` finds the words.

Words in tables that are made when a module is imported are only taken by `later`, for no language is chosen then;
they go through `tr` where they are shown. So are those that `counted` chooses between: `lupdate` reads what stands in
calls of `tr` and `later`, and nothing else; tables of the gateway have a `later` of their own. Figures, dates and
names of things are not translated.
"""

from collections.abc import Iterator, Mapping
from typing import TypeVar

from PySide6.QtCore import QCoreApplication

# Where `lupdate` files what it finds in calls of `tr`.
_CONTEXT = ""
_Key = TypeVar("_Key")


def tr(text: str) -> str:
    return QCoreApplication.translate(_CONTEXT, text)


def later(text: str) -> str:
    """The text itself: it will be translated where it is shown."""
    return text


def counted(number: int, one: str, many: str, **more: str) -> str:
    """`one` for exactly one, else `many`, both taken by `later`; `{count}` in them is the number, grouped, and `more`
    fills in what else they name."""
    return tr(one if number == 1 else many).format(count=f"{number:,}", **more)


class Words(Mapping[_Key, str]):
    """A table of words, each taken by `later`, that are translated when they are looked up."""

    def __init__(self, texts: Mapping[_Key, str]) -> None:
        self._texts = dict(texts)

    def __getitem__(self, key: _Key) -> str:
        return tr(self._texts[key])

    def __iter__(self) -> Iterator[_Key]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)
