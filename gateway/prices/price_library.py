"""genai-prices as its own list needs it: without the libraries that fetch another list and check it.

It imports pydantic and httpx2 wherever it is imported: 8 MB for good and a sixth of a second, for what is done only
where somebody updates the prices. Ask here before anything else of genai-prices is imported.
"""

from __future__ import annotations

import importlib
import sys
import threading
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genai_prices.types import Provider

_LIBRARY, _LEFT_OUT = "genai_prices", ("pydantic", "httpx2")
# Prices are looked up on several threads, and a start imports on several.
_lock = threading.RLock()


class _Unasked:
    """Whatever is made of a library that is left out: kept where it was made, and never asked for anything."""

    def __init__(self, *_values: object, **_named: object) -> None:
        pass


class _LeftOut(ModuleType):
    def __getattr__(self, name: str) -> type[_Unasked]:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Unasked


def own_providers() -> list[Provider]:
    """The list that comes with the program; nobody else keeps it."""
    with _lock:
        _import_bare()
        from genai_prices.data import providers

        # Whoever imports it again has it made anew.
        del sys.modules[f"{_LIBRARY}.data"], sys.modules[_LIBRARY].data
        return providers


def whole() -> None:
    """Lists can be fetched and checked. What was looked up before is of other classes then, and stays as it is."""
    with _lock:
        if isinstance(getattr(sys.modules.get(f"{_LIBRARY}.types"), "pydantic", None), _LeftOut):
            for name in [name for name in sys.modules if name.partition(".")[0] == _LIBRARY]:
                del sys.modules[name]
        importlib.import_module(_LIBRARY)


def _import_bare() -> None:
    """Where somebody has imported it before, it stays as it is."""
    if _LIBRARY not in sys.modules:
        left_out = {name: _LeftOut(name) for name in _LEFT_OUT if name not in sys.modules}
        sys.modules.update(left_out)
        try:
            importlib.import_module(_LIBRARY)
        finally:
            for name in left_out:
                del sys.modules[name]
