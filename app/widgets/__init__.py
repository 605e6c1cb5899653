"""The window's small parts: each takes the theme, reads it when it paints, and has an accessible name."""

from app.widgets.banner import Banner
from app.widgets.buttons import ChoiceButton, IconButton, PushButton
from app.widgets.card import Card
from app.widgets.chip import Chip
from app.widgets.combo_box import ComboBox, dress_completions
from app.widgets.curtain import Curtain
from app.widgets.drawer import Drawer
from app.widgets.drop_hint import DropHint
from app.widgets.elided_label import ElidedLabel
from app.widgets.empty_state import EmptyState
from app.widgets.icon_label import IconLabel
from app.widgets.pane_turns import PaneTurns
from app.widgets.pill import Pill
from app.widgets.scroll_ring import ScrollRing
from app.widgets.search_field import SearchField
from app.widgets.segmented_control import SegmentedControl
from app.widgets.stars import Stars
from app.widgets.tick_box import TickBox
from app.widgets.ticking_menu import TickingMenu
from app.widgets.toast import Toasts
from app.widgets.toggle_switch import ToggleSwitch
from app.widgets.veil import Veil
from app.widgets.width_grip import WidthGrip

__all__ = [
    "Banner",
    "Card",
    "Chip",
    "ChoiceButton",
    "ComboBox",
    "Curtain",
    "Drawer",
    "DropHint",
    "ElidedLabel",
    "EmptyState",
    "IconButton",
    "IconLabel",
    "PaneTurns",
    "Pill",
    "PushButton",
    "ScrollRing",
    "SearchField",
    "SegmentedControl",
    "Stars",
    "TickBox",
    "TickingMenu",
    "Toasts",
    "ToggleSwitch",
    "Veil",
    "WidthGrip",
    "dress_completions",
]
