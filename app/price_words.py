"""Which list of prices is in use, in words."""

from datetime import UTC, datetime

from app.translation import tr
from gateway import PriceList


def price_list_words(known: PriceList) -> str:
    """Its origin and, where it was fetched, the day of that."""
    if known.fetched_us is None:
        return tr("genai-prices {version}, bundled with Faregate").format(version=known.version)
    day = datetime.fromtimestamp(known.fetched_us / 1_000_000, UTC)
    return tr("fetched on {date}").format(date=f"{day.day} {day:%b %Y}")
