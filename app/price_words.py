"""Which list of prices is in use, in words."""

from datetime import UTC, datetime

from gateway import PriceList


def price_list_words(known: PriceList) -> str:
    """Its origin and, where it was fetched, the day of that."""
    if known.fetched_us is None:
        return f"genai-prices {known.version}, with the program"
    day = datetime.fromtimestamp(known.fetched_us / 1_000_000, UTC)
    return f"fetched on {day.day} {day:%b %Y}"
