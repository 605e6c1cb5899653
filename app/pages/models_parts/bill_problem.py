"""What is wrong with a bill as the window says it: the gateway's own sentence names options of the command line."""

from collections.abc import Mapping

from app.translation import later, tr

# What of a sentence names an option of the command, and what stands in the window for it.
_HERE: Mapping[str, str] = {
    " with --rate": later(" as “Dollars per unit” under Options"),
    "give --provider.": later("choose “Whose bill” under Options."),
    "give --provider ": later("choose “Whose bill” under Options: "),
    "Say which is which: --map time=…,model=…,cost=….": later("Say which is which under Options."),
}


def said_here(error: Exception) -> str:
    words = str(error)
    for there, here in _HERE.items():
        words = words.replace(there, tr(here))
    return words
