"""The version that runs, as its package says it."""

from importlib.metadata import PackageNotFoundError, version


def _installed() -> str:
    try:
        return version("faregate")
    except PackageNotFoundError:
        return "unknown"


VERSION = _installed()
