"""A number and what it counts, and sums of money, as sentences of the gateway write them."""


def counted(number: int, one: str) -> str:
    """ "1 request", "1,204 requests"."""
    return f"{number:,} {one}" if number == 1 else f"{number:,} {one}s"


def dollars(nano: int) -> str:
    """Nano-dollars with nothing rounded away: "$12.34", "-$0.000000005"."""
    whole, rest = divmod(abs(nano), 1_000_000_000)
    return f"{'-' if nano < 0 else ''}${whole:,}.{f'{rest:09d}'.rstrip('0'):0<2}"
