"""Charts take from pyqtgraph what they are made of; no page asks for what the packaged program does not have."""

import ast
import json
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]


def not_packaged() -> list[str]:
    """Modules that the package's recipe leaves out."""
    recipe = ast.parse((_ROOT / "packaging" / "faregate.spec").read_text("utf-8"))
    (names,) = (
        node.value
        for node in recipe.body
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["unwanted"]
    )
    found: list[str] = ast.literal_eval(names)
    return found


def test_no_page_and_no_chart_needs_what_is_not_in_the_package() -> None:
    """The Overview of the packaged program had four empty cards for charts, and Compare no scatter."""
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({not_packaged()!r})); "
        "import app.charts; from app.pages import PAGES; print([entry.load().__name__ for entry in PAGES])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=_ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    assert "PySide6.QtOpenGL" in not_packaged() and "OverviewPage" in done.stdout


def test_the_rest_of_the_library_is_not_imported() -> None:
    """It held the shared loop for a fifth of a second more, and took 14 MB."""
    program = "import json, sys; import app.charts; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=_ROOT)
    names = set(json.loads(done.stdout))
    assert "pyqtgraph.graphicsItems.ViewBox" in names
    assert (
        names & {"pyqtgraph.parametertree", "pyqtgraph.multiprocess", "PySide6.QtOpenGL", "PySide6.QtTest"} == set()
    )
    assert sum(name.startswith("pyqtgraph") for name in names) < 40


def test_the_options_are_those_that_its_modules_ask_for() -> None:
    """Another one would be missed in the middle of a paint."""
    # What was made without being run asks for nothing.
    program = (
        "import json, pathlib, re, sys; import app.charts; from app.charts.bare_library import _OPTIONS; "
        "run = [pathlib.Path(each.__file__).read_text('utf-8') for name, each in sys.modules.items() "
        "if name.startswith('pyqtgraph.') and '__builtins__' in vars(each)]; "
        "asked = re.findall(r'getConfigOption\\(\\W(\\w+)', ' '.join(run)); "
        "print(json.dumps([sorted({*asked}), sorted(_OPTIONS)]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=_ROOT)
    asked, known = json.loads(done.stdout)
    assert asked == known


def test_where_all_of_the_library_is_there_charts_are_made_of_that() -> None:
    program = (
        "import pyqtgraph; import app.charts; print(app.charts.view_item.GraphicsObject is pyqtgraph.GraphicsObject)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=_ROOT)
    assert done.stdout.strip() == "True"
