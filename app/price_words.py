"""What prices are of, and which list of them is in use, in words."""

from collections.abc import Mapping
from datetime import UTC, datetime

from app.translation import Words, tr
from gateway import PriceList

LISTED: Mapping[str, str] = Words(
    {
        "input": "Input",
        "cached": "Cached input",
        "cached audio": "Cached audio",
        "cached images": "Cached images",
        "cache write": "Cache write",
        "cache write, 5 minutes": "Cache write, 5 min",
        "cache write, 1 hour": "Cache write, 1 h",
        "audio input": "Audio input",
        "image input": "Image input",
        "video input": "Video input",
        "output": "Output",
        "reasoning": "Reasoning",
        "audio output": "Audio output",
        "image output": "Image output",
        "video output": "Video output",
        "web searches": "Web searches",
        "file searches": "File searches",
        "map searches": "Map searches",
        "code containers": "Code container",
        "request": "Request",
    }
)
"""What the gateway tells prices and the parts of a cost of, in reading order."""


def price_list_words(known: PriceList) -> str:
    """Its origin and, where it was fetched, the day of that."""
    if known.fetched_us is None:
        return tr("genai-prices {version}, bundled with Faregate").format(version=known.version)
    day = datetime.fromtimestamp(known.fetched_us / 1_000_000, UTC)
    return tr("fetched on {date}").format(date=f"{day.day} {day:%b %Y}")
