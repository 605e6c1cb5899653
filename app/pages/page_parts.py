"""Parts of pages that have a name of their own, tabs, sections and tools: the palette finds them before their pages
are loaded."""

from collections.abc import Sequence
from typing import NamedTuple

from app.translation import later, tr


class Part(NamedTuple):
    """`title` and `words`, by which it is found too, are translated by now, but in tables that say otherwise."""

    key: str
    title: str
    icon: str
    words: str = ""


# To be translated where they are shown.
COMPARE_TABS = (Part("ask", later("Ask"), "columns-2"), Part("history", later("Ratings and history"), "history"))
MODEL_TABS = (
    Part("prices", later("Prices"), "coins"),
    Part("repricing", later("Re-pricing"), "rotate-ccw"),
    Part("bill", later("Bill"), "scroll-text"),
)


def compare_tabs() -> Sequence[Part]:
    return _translated(COMPARE_TABS)


def model_tabs() -> Sequence[Part]:
    return _translated(MODEL_TABS)


def setting_sections() -> Sequence[Part]:
    """With the names of what they change."""
    from app.pages.settings_parts.table import ROWS, SECTIONS

    made = []
    for section in SECTIONS:
        rows = ROWS.get(section.key, ())
        names = dict.fromkeys((*(row.group for row in rows), *(row.title for row in rows), *section.holds.values()))
        made.append(Part(section.key, tr(section.title), section.icon, " ".join(map(tr, names))))
    return made


def tools() -> Sequence[Part]:
    from app.pages.connect_parts.tools import TOOLS

    return [Part(tool.key, tool.title, tool.icon, f"{tr(tool.category)} {tool.words}") for tool in TOOLS]


def _translated(parts: Sequence[Part]) -> Sequence[Part]:
    return [part._replace(title=tr(part.title)) for part in parts]
