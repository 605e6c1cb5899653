"""Cells that a spreadsheet would run. Pure."""

# The last four are what a spreadsheet in East Asia reads as the first four.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def is_formula(text: str) -> bool:
    """Whether a spreadsheet that opens a file runs this cell, or takes it for another. Some trim a cell first."""
    return text.startswith(FORMULA_STARTS) or text.lstrip().startswith(FORMULA_STARTS)
