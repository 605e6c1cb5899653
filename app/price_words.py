"""What prices are of, and which list of them is in use, in words."""

from collections.abc import Mapping
from datetime import UTC, datetime

from app.translation import Words, later, tr
from gateway import PriceList

LISTED: Mapping[str, str] = Words(
    {
        "input": later("Input"),
        "cached": later("Cached input"),
        "cached audio": later("Cached audio"),
        "cached images": later("Cached images"),
        "cache write": later("Cache write"),
        "cache write, 5 minutes": later("Cache write, 5 min"),
        "cache write, 1 hour": later("Cache write, 1 h"),
        "audio input": later("Audio input"),
        "image input": later("Image input"),
        "video input": later("Video input"),
        "output": later("Output"),
        "reasoning": later("Reasoning"),
        "audio output": later("Audio output"),
        "image output": later("Image output"),
        "video output": later("Video output"),
        "web searches": later("Web searches"),
        "file searches": later("File searches"),
        "map searches": later("Map searches"),
        "code containers": later("Code container"),
        "request": later("Request"),
    }
)
"""What the gateway tells prices and the parts of a cost of, in reading order."""


def price_list_words(known: PriceList) -> str:
    """Its origin and, where it was fetched, the day of that."""
    if known.fetched_us is None:
        return tr("genai-prices {version}, bundled with Faregate").format(version=known.version)
    day = datetime.fromtimestamp(known.fetched_us / 1_000_000, UTC)
    return tr("fetched on {date}").format(date=f"{day.day} {day:%b %Y}")
