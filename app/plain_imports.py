"""Python's own `import`, put back once PySide has replaced it.

PySide's reads the source of every module that is imported after it, to find those that might want its `__feature__`
switch. Nothing here wants it, and the lines of all those sources stay in memory: 32 MB, and a sixth of the time that
the imports take. Import this module before what is large.
"""

import builtins

import PySide6.QtCore  # noqa: F401

# Where PySide keeps what it replaced; another version may replace nothing.
builtins.__import__ = getattr(builtins, "__orig_import__", builtins.__import__)
