"""What is imported after PySide is imported as Python does it."""

import importlib
import linecache
import sys
from pathlib import Path

import pytest

import app.host  # noqa: F401


def test_the_source_of_what_is_imported_later_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "a_module_of_no_account"
    source = tmp_path / f"{name}.py"
    source.write_text("ANSWER = 42\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    try:
        # By the statement: that is what PySide replaces.
        exec(f"import {name}")
        assert sys.modules[name].ANSWER == 42
        assert str(source) not in linecache.cache
    finally:
        sys.modules.pop(name, None)
