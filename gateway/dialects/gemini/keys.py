"""Google's JSON takes every field in lowerCamelCase and snake_case, and its own SDK mixes both.

Keys are made camelCase on the way in, but never inside what belongs to the user: schemas, arguments, results, labels.
A list of one may be written without its brackets, as Google's own examples do.
"""

from functools import lru_cache
from typing import Any

_USERS_OWN = frozenset(
    (
        "args",
        "labels",
        "parameters",
        "parametersJsonSchema",
        "partMetadata",
        "response",
        "responseJsonSchema",
        "responseSchema",
    )
)
_LISTS = frozenset(("contents", "functionDeclarations", "parts", "safetySettings", "tools"))


@lru_cache(maxsize=1024)
def camel(key: str) -> str:
    head, *words = key.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in words)


def camel_keys(value: Any) -> Any:
    """The same JSON with camelCase keys, lists in brackets."""
    if isinstance(value, list):
        return [camel_keys(item) for item in value]
    if not isinstance(value, dict):
        return value
    named = {camel(key): item for key, item in value.items()}
    found = {key: item if key in _USERS_OWN else camel_keys(item) for key, item in named.items()}
    for key in _LISTS & found.keys():
        if isinstance(found[key], dict):
            found[key] = [found[key]]
    return found


def put(body: dict[str, Any], path: str, value: Any) -> None:
    """Sets a dotted path (`generationConfig.speechConfig`), making the objects on the way."""
    *parents, last = path.split(".")
    for name in parents:
        body = body.setdefault(name, {})
    body[last] = value
