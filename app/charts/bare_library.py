"""The modules of pyqtgraph that charts are made of, without the hundred others.

pyqtgraph imports all of itself, and has PySide make a Python class for each of Qt's: a fifth of a second on the loop
that the gateway shares, and 14 MB for good. Two of its packages do so: they are made here with what the modules that
we use take from them, unless somebody has imported them already. Import this before any part of it.
"""

import importlib.util
import sys
from types import ModuleType
from typing import Any

import PySide6.QtCore
import PySide6.QtGui
import PySide6.QtWidgets
import shiboken6

# What the modules that we use ask for, as pyqtgraph has it.
_OPTIONS: dict[str, Any] = {
    "background": "k",
    "crashWarning": False,
    "enableExperimental": False,
    "foreground": "d",
    "leftButtonPan": True,
    "mouseRateLimit": 100,
    "useCupy": False,
    "useOpenGL": False,
}


def _package(name: str) -> ModuleType:
    """A package as its import finds it, with nothing in it."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[name] = made
    return made


def _make() -> None:
    library: Any = _package("pyqtgraph")
    library.getConfigOption = _OPTIONS.__getitem__
    # Its own hides every error of a shutdown; ours is orderly.
    library._connectCleanup = lambda: None
    qt: Any = _package("pyqtgraph.Qt")
    library.Qt = qt
    qt.QT_LIB = "PySide6"
    qt.isQObjectAlive = shiboken6.isValid
    for module in (PySide6.QtCore, PySide6.QtGui, PySide6.QtWidgets):
        short = module.__name__.rpartition(".")[2]
        sys.modules[f"pyqtgraph.Qt.{short}"] = module
        setattr(qt, short, module)
    compat: Any = _package("pyqtgraph.Qt.compat")
    qt.compat = compat
    compat.wrapinstance = shiboken6.wrapInstance
    # Qt's modules for it are not in the packaged program, and no view of ours draws by it.
    qt.OpenGLHelpers = _package("pyqtgraph.Qt.OpenGLHelpers")


if "pyqtgraph" not in sys.modules:
    _make()
