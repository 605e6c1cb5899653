"""Where the icons, fonts and the stylesheet lie: beside the package in a checkout, inside it when installed."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_INSTALLED = _PACKAGE / "_resources"
FOLDER = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent / "resources"


def resource(*parts: str) -> Path:
    """The path of a file in `resources/`; raises FileNotFoundError where it is missing."""
    path = FOLDER.joinpath(*parts)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: install Faregate again.")
    return path
