"""Query parameters as they came, and what may be asked of any of them. Pure."""

from collections.abc import Collection, Sequence

from gateway.errors import ClientError

Parameters = Sequence[tuple[str, str]]


def every(params: Parameters, name: str) -> list[str]:
    """All values of a parameter that are not empty."""
    return [value for key, value in params if key == name and value]


def single(params: Parameters, name: str) -> str | None:
    """The value of a parameter that may stand once, None where it is missing or empty. Raises ClientError."""
    values = [value for key, value in params if key == name]
    if len(values) > 1:
        raise ClientError(f"The parameter {name} is given {len(values)} times; give it once.", param=name)
    return (values[0] or None) if values else None


def refuse_empty(params: Parameters, filters: Collection[str]) -> None:
    """An empty filter is refused: a script whose variable is not set would be told of everybody, or of nobody. Raises
    ClientError."""
    for name, value in params:
        if name in filters and not value:
            raise ClientError(f"The filter {name} is empty: say what it is to match, or leave it out.", param=name)
