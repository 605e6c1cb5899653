"""Rules that the window's code is held to by reading it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

APP = Path(__file__).parents[2] / "app"
MODULES = sorted(APP.rglob("*.py"))
# What runs before there is a loop, or where there will be none.
WITHOUT_LOOP = (APP / "start_failure.py",)


def calls(module: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            yield node


def test_there_is_something_to_read() -> None:
    assert len(MODULES) > 30


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(APP)))
def test_dialogs_are_opened_and_never_executed(module: Path) -> None:
    """Within a coroutine a nested loop enters a running task a second time, and destroys it."""
    for call in calls(module):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        assert name not in ("exec", "exec_") or module in WITHOUT_LOOP, f"{module}:{call.lineno}: use open()"
        static = isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name)
        if static and call.func.value.id in ("QMessageBox", "QFileDialog", "QInputDialog", "QColorDialog"):
            wrong = re.match(r"get[A-Z]|question|information|warning|critical|about", name)
            assert wrong is None, f"{module}:{call.lineno}: {name} runs a loop of its own; use open()"


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(APP)))
def test_only_the_gateways_own_surface_is_imported(module: Path) -> None:
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        assert not [name for name in names if name.startswith("gateway.")], f"{module}: import from `gateway`"


def test_only_the_host_and_its_loop_know_qasync() -> None:
    knowing = {path.name for path in MODULES if re.search(r"^(import|from) qasync", path.read_text("utf-8"), re.M)}
    assert knowing == {"loop.py"}


def test_whatever_is_saved_can_be_shown_in_its_folder() -> None:
    """Each module that asks where to save a file tells the window what it saved, and where."""
    asking = {path: path.read_text("utf-8") for path in MODULES if path.name != "export_files.py"}
    asking = {path: text for path, text in asking.items() if "ask_where(" in text}
    assert len(asking) > 5
    assert [
        path.name for path, text in asking.items() if not re.search(r"shell\.saved\.emit\(|export_table\(", text)
    ] == []
