import shlex
from typing import Any

import pytest

from gateway.simulated.schema import example


@pytest.mark.parametrize(
    ("schema", "words", "value"),
    [
        ({"type": "string"}, "the weather in Oslo today", "Oslo"),
        ({"type": "string", "maxLength": 3}, "the weather in Oslo today", "Osl"),
        ({"type": "string", "enum": ["c", "f"]}, "in F please", "f"),
        ({"type": ["null", "integer"]}, "give me 12", 12),
        ({"type": "integer", "maximum": 10, "minimum": 3}, "give me 12", 10),
        ({"type": "number"}, "none", 1),
        ({"type": "boolean"}, "x", True),
        ({"type": "array", "items": {"type": "integer"}}, "7", [7]),
        ({"const": 4}, "x", 4),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, "5", 5),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"type": "integer"}}}, "9", 9),
        ({"properties": {"a": {"type": "OBJECT", "properties": {}}, "b": {}}, "required": ["a"]}, "x", {"a": {}}),
    ],
)
def test_examples(schema: dict[str, Any], words: str, value: Any) -> None:
    assert example(schema, words) == value


@pytest.mark.parametrize("name", ["cmd", "command"])
def test_the_user_s_words_never_become_a_command(name: str) -> None:
    words = "rm -rf build; echo 'gone'"
    schema = {"type": "object", "properties": {name: {"type": "string"}}, "required": [name]}
    assert shlex.split(example(schema, words)[name]) == ["echo", words]
    listed = {
        "type": "object",
        "properties": {name: {"type": "array", "items": {"type": "string"}}},
        "required": [name],
    }
    assert example(listed, words)[name] == ["echo", words]


def test_recursion_ends() -> None:
    node: dict[str, Any] = {"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}
    node["properties"]["next"] = {"$ref": "#/$defs/node"}
    node["$defs"] = {
        "node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}, "required": ["next"]}
    }
    assert example(node, "x")["next"]["next"]
