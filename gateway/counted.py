"""A number and what it counts, as sentences of the gateway write it."""


def counted(number: int, one: str) -> str:
    """ "1 request", "1,204 requests"."""
    return f"{number:,} {one}" if number == 1 else f"{number:,} {one}s"
