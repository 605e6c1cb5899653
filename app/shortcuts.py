"""The window's actions and their keys, a row each; what opens a page has its number besides."""

from typing import NamedTuple

from app.translation import later


class Shortcut(NamedTuple):
    """A row of the table of actions: `slot` is a method of the window."""

    name: str
    text: str
    keys: tuple[str, ...]
    slot: str


SHORTCUTS: tuple[Shortcut, ...] = (
    Shortcut("sidebar", later("Collapse or expand the sidebar"), ("Ctrl+B",), "toggle_sidebar"),
    Shortcut("refresh", later("Refresh"), ("Ctrl+R", "F5"), "refresh_now"),
    Shortcut("export", later("Export"), ("Ctrl+E",), "export"),
    Shortcut("gateway", later("Gateway on or off"), ("Ctrl+Shift+G",), "toggle_gateway"),
    Shortcut("pause", later("Pause logging 15 min, or resume"), (), "toggle_pause"),
    Shortcut("range", later("Choose the range"), ("Ctrl+T",), "choose_range"),
    Shortcut("earlier", later("Previous range"), ("[",), "show_earlier"),
    Shortcut("later", later("Next range"), ("]",), "show_later"),
    Shortcut("back", later("Back"), ("Alt+Left",), "go_back"),
    Shortcut("forward", later("Forward"), ("Alt+Right",), "go_forward"),
    Shortcut("copy_endpoint", later("Copy the endpoint"), (), "copy_endpoint"),
    Shortcut("palette", later("Find anything"), ("Ctrl+K",), "open_palette"),
    Shortcut("first_steps", later("First steps"), (), "open_first_steps"),
    Shortcut("shortcuts", later("Keyboard shortcuts"), ("F1", "Ctrl+?", "?"), "open_shortcuts"),
    Shortcut("close", later("Close the window"), ("Ctrl+W",), "close"),
    Shortcut("quit", later("Quit"), ("Ctrl+Q",), "ask_to_quit"),
)
