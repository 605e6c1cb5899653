"""Reading a client's JSON object field by field, with errors that name the field in the client's own path."""

from typing import Any, NoReturn

from gateway.errors import ClientError

_JSON_TYPES = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "an array"}


class Fields:
    """One JSON object at `path` ("" for the body itself). A field that is null counts as absent.

    Each `take_*` removes what it reads, so that `rest` holds what is not known. All raise ClientError.
    """

    def __init__(self, value: Any, path: str = "") -> None:
        self._path = path
        if not isinstance(value, dict):
            what = f"`{path}`" if path else "The request body"
            raise ClientError(f"{what} must be a JSON object, but is {json_type(value)}.", param=path or None)
        self._rest = {key: item for key, item in value.items() if item is not None}

    def at(self, key: str) -> str:
        """The client's path to a field of this object."""
        return f"{self._path}.{key}" if self._path else key

    def rest(self) -> dict[str, Any]:
        return self._rest

    def take(self, key: str) -> Any:
        return self._rest.pop(key, None)

    def take_str(self, key: str) -> str | None:
        value = self._rest.pop(key, None)
        if value is None or isinstance(value, str):
            return value
        self._wrong(key, "a string", value)

    def see_str(self, key: str) -> str | None:
        """The same, and it stays."""
        value = self._rest.get(key)
        if value is None or isinstance(value, str):
            return value
        self._wrong(key, "a string", value)

    def need_str(self, key: str) -> str:
        value = self.take_str(key)
        if value is None:
            raise ClientError(f"`{self.at(key)}` is missing: it must be a string.", param=self.at(key))
        return value

    def take_bool(self, key: str) -> bool | None:
        value = self._rest.pop(key, None)
        if value is None or isinstance(value, bool):
            return value
        self._wrong(key, "a boolean", value)

    def take_number(self, key: str) -> float | None:
        value = self._rest.pop(key, None)
        if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
            return value
        self._wrong(key, "a number", value)

    def take_int(self, key: str, least: int | None = None) -> int | None:
        value = self.take_number(key)
        if value is None:
            return None
        if value != int(value):
            raise ClientError(f"`{self.at(key)}` must be a whole number, but is {value}.", param=self.at(key))
        if least is not None and value < least:
            raise ClientError(f"`{self.at(key)}` must be at least {least}, but is {value}.", param=self.at(key))
        return int(value)

    def take_list(self, key: str) -> list[Any] | None:
        value = self._rest.pop(key, None)
        if value is None or isinstance(value, list):
            return value
        self._wrong(key, "an array", value)

    def take_object(self, key: str) -> dict[str, Any] | None:
        value = self._rest.pop(key, None)
        if value is None or isinstance(value, dict):
            return value
        self._wrong(key, "an object", value)

    def take_fields(self, key: str) -> "Fields | None":
        value = self.take(key)
        return None if value is None else Fields(value, self.at(key))

    def need_fields(self, key: str) -> "Fields":
        return Fields(self.take(key), self.at(key))

    def _wrong(self, key: str, wanted: str, value: Any) -> NoReturn:
        path = self.at(key)
        raise ClientError(f"`{path}` must be {wanted}, but is {json_type(value)}.", param=path)


def json_type(value: Any) -> str:
    return "null" if value is None else _JSON_TYPES.get(type(value), "an object")
