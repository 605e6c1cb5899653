"""Can a window be shown here? Asked before Qt is, since Qt ends the whole process where it cannot."""

import ctypes
import importlib.util
import os
import re
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

_X_SOCKETS = Path("/tmp/.X11-unix")
_LOCAL = re.compile(r"^(?:unix)?:(\d+)(?:\.\d+)?$")
_HINT = (
    "on Debian or Ubuntu: apt install libgl1 libegl1 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1"
)


def display_problem(environ: Mapping[str, str]) -> str | None:
    """Why no window can be shown, in words; None where one can. `QT_QPA_PLATFORM` is taken at its word."""
    if not sys.platform.startswith("linux"):
        return None
    if environ.get("QT_QPA_PLATFORM"):
        return _missing_library()
    display = environ.get("DISPLAY", "")
    if not display and not environ.get("WAYLAND_DISPLAY"):
        return "there is no display (DISPLAY and WAYLAND_DISPLAY are not set)"
    if display and not environ.get("WAYLAND_DISPLAY") and not _answers(display):
        return f"no display answers at DISPLAY={display}"
    return _missing_library() or _missing_plugin()


def _answers(display: str) -> bool:
    """Whether a local X server listens; one on another machine is taken at its word."""
    local = _LOCAL.match(display)
    if local is None:
        return True
    path = str(_X_SOCKETS / f"X{local[1]}")
    for address in (path, f"\0{path}"):
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(address)
            except OSError:
                continue
            return True
    return False


def _missing_library() -> str | None:
    try:
        import PySide6.QtWidgets  # noqa: F401
    except ImportError as error:
        return f"Qt cannot be loaded ({error}); {_HINT}"
    return None


def _missing_plugin() -> str | None:
    """Whether Qt's own plugin for this display finds its libraries."""
    spec = importlib.util.find_spec("PySide6")
    if spec is None or spec.origin is None:
        return None
    plugins = Path(spec.origin).parent / "Qt" / "plugins" / "platforms"
    wayland = sorted(plugins.glob("libqwayland*.so")) if os.environ.get("WAYLAND_DISPLAY") else []
    problem: str | None = None
    for plugin in (*wayland, plugins / "libqxcb.so"):
        if not plugin.exists():
            continue
        try:
            ctypes.CDLL(str(plugin))
        except OSError as error:
            problem = f"Qt's display libraries are missing ({error}); {_HINT}"
        else:
            return None
    return problem
