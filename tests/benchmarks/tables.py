"""Text tables."""

from collections.abc import Sequence


def milliseconds(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f}"


def table(rows: Sequence[Sequence[str]], *, left: int = 2) -> list[str]:
    """Aligned columns, the first `left` of them to the left."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  " + "  ".join(cells).rstrip())
    return lines
