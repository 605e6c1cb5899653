"""The files that an export may be saved as, told by their endings."""

from pathlib import Path

from app.translation import later

EXPORT_FILTER = later("CSV (*.csv);;JSON lines (*.jsonl)")


def export_format(path: Path) -> str:
    """csv, or jsonl where the file is to be called so."""
    return "jsonl" if path.suffix.lower() in (".jsonl", ".ndjson") else "csv"
