"""JSON Schemas as tools really send them (Pydantic, zod, hand-made) against the keywords that Gemini takes."""

import copy
import json
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from pydantic import BaseModel, Field

from gateway.dialects.gemini.schema import _kept as kept_schemas
from gateway.dialects.gemini.schema import clean_schema, tool_schema
from tests.large_calls import cpu_costs

TAKEN = {
    *(
        "$defs",
        "$ref",
        "type",
        "format",
        "title",
        "description",
        "enum",
        "items",
        "prefixItems",
        "minItems",
        "maxItems",
    ),
    *("minimum", "maximum", "anyOf", "oneOf", "properties", "additionalProperties", "required", "propertyOrdering"),
}


class Leaf(BaseModel):
    kind: str = Field("x", pattern="^x", max_length=4)
    price: float | None = Field(None, gt=0, lt=9)


class Node(BaseModel):
    leaf: Leaf
    other: Leaf | None = None
    children: list["Node"] = []
    pair: tuple[int, str] = (1, "a")
    extra: dict[str, Leaf] = {}


CORPUS = [
    pytest.param(Leaf.model_json_schema(), id="pydantic"),
    pytest.param(Node.model_json_schema(), id="pydantic, recursive"),
    pytest.param({"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}, id="zod"),
    pytest.param({"type": "object", "properties": {"a": {"const": "x"}, "b": {"const": True}}}, id="const"),
    pytest.param({"type": "array"}, id="array without items (OmniRoute#10578)"),
    pytest.param({"type": "array", "uniqueItems": True, "items": {"type": "string", "$comment": "c"}}, id="uniqueItems, $comment (OmniRoute#9617)"),
    pytest.param({"type": "array", "prefixItems": [{"type": "number"}], "items": False}, id="prefixItems (OmniRoute#13464)"),
    pytest.param({"type": ["string", "null"], "default": None, "enumDescriptions": ["a"]}, id="type list"),
    pytest.param({"enum": ["a", None, 1]}, id="mixed enum"),
    pytest.param({"type": "object", "patternProperties": {"^x": {}}, "not": {"type": "null"}, "if": {}, "then": {}}, id="conditions"),
    pytest.param({"definitions": {"a": {"type": "string"}}, "allOf": [{"$ref": "#/definitions/a"}, {"description": "d"}]}, id="allOf with a reference"),
    pytest.param({"allOf": [{"type": "object", "properties": {"a": {}}, "required": ["a"]}, {"properties": {"b": {}}, "required": ["b"]}]}, id="allOf"),
    pytest.param({"properties": {"$ref": {"type": "string"}, "pattern": {"type": "string"}, "properties": {"type": "object", "properties": {}}}}, id="names like keywords"),
    pytest.param({"$ref": "#"}, id="a reference to itself"),
    pytest.param({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}, id="references in a circle"),
    pytest.param({"properties": {"a": {"$ref": "https://elsewhere/x"}, "b": {"$ref": "#/missing"}}}, id="references to nowhere"),
    pytest.param({"type": "object", "required": ["a", "ghost"], "properties": {"a": True}}, id="required but missing"),
    pytest.param({"exclusiveMinimum": 3, "type": "integer", "multipleOf": 2}, id="bounds"),
    pytest.param({"properties": "nonsense", "items": 3, "anyOf": {}, "enum": "x", "required": 1}, id="nonsense"),
]  # fmt: skip


def keywords(schema: Any) -> set[str]:
    if not isinstance(schema, dict):
        return set()
    found = set(schema)
    for key in ("properties", "$defs"):
        for item in (schema.get(key) or {}).values():
            found |= keywords(item)
    for key in ("items", "additionalProperties"):
        found |= keywords(schema.get(key))
    for key in ("anyOf", "oneOf", "prefixItems"):
        for item in schema.get(key, []):
            found |= keywords(item)
    return found


def references(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return set().union(*(references(item) for item in schema)) if schema else set()
    if not isinstance(schema, dict):
        return set()
    own = {schema["$ref"]} if isinstance(schema.get("$ref"), str) else set()
    if own:
        assert set(schema) == {"$ref"} or set(schema) == {"$ref", "$defs"}
    return own.union(*(references(item) for item in schema.values()))


@pytest.mark.parametrize("schema", CORPUS)
def test_only_what_gemini_takes_is_left_and_the_client_s_own_is_untouched(schema: dict[str, Any]) -> None:
    before = copy.deepcopy(schema)
    cleaned, _ = clean_schema(schema)
    assert schema == before
    assert keywords(cleaned) <= TAKEN
    for reference in references(cleaned):
        assert reference.removeprefix("#/$defs/") in cleaned["$defs"]
    assert clean_schema(schema)[0] == cleaned
    assert json.dumps(clean_schema(cleaned)[0]) == json.dumps(cleaned) or "$defs" in cleaned


EXACT = [
    ({"const": "x", "type": "string"}, {"enum": ["x"], "type": "string"}, False),
    (
        {"type": "string", "pattern": "a", "description": "d"},
        {"type": "string", "description": 'd\n\n{pattern: "a"}'},
        True,
    ),
    ({"type": "boolean", "const": True}, {"type": "boolean", "description": "{enum: [true]}"}, True),
    ({"type": "array"}, {"type": "array", "items": {}}, False),
    ({"type": "object", "required": ["a"]}, {"type": "object", "description": '{required: ["a"]}'}, True),
    (
        {"properties": {"a": {}, "b": {}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
        {
            "properties": {"a": {}, "b": {}},
            "anyOf": [{"description": '{required: ["a"]}'}, {"description": '{required: ["b"]}'}],
        },
        True,
    ),
    (
        {
            "$defs": {"a": {"type": "string", "title": "A"}},
            "properties": {"x": {"$ref": "#/$defs/a", "description": "d"}},
        },
        {"properties": {"x": {"type": "string", "title": "A", "description": "d"}}},
        False,
    ),
    (
        {"allOf": [{"properties": {"a": {}}, "required": ["a"]}, {"properties": {"b": {}}, "required": ["b"]}]},
        {"properties": {"a": {}, "b": {}}, "required": ["a", "b"]},
        False,
    ),
]


@pytest.mark.parametrize(("schema", "cleaned", "lossy"), EXACT)
def test_exactly(schema: dict[str, Any], cleaned: dict[str, Any], lossy: bool) -> None:
    assert clean_schema(schema) == (cleaned, lossy)


def test_cycles_keep_their_references() -> None:
    cleaned, _ = clean_schema(Node.model_json_schema())
    assert cleaned["$defs"]["Node"]["properties"]["leaf"]["properties"]["kind"]["type"] == "string"
    assert references(cleaned) == {"#/$defs/Node"}


def test_a_small_schema_that_stands_for_a_huge_one_stays_small() -> None:
    """References that double at each level would become 2^30 nodes."""

    def doubling(levels: int) -> dict[str, Any]:
        names = [f"d{n}" for n in range(levels + 1)]
        doubled = {
            name: {"properties": {side: {"$ref": f"#/$defs/{below}"} for side in "ab"}}
            for name, below in pairwise(names)
        }
        return {"$ref": "#/$defs/d0", "$defs": {**doubled, names[-1]: {"type": "string"}}}

    schema = doubling(30)
    # Both are too large to be written out, and so cost about the same: written out they would be 2^10 apart.
    less, more = cpu_costs([partial(clean_schema, doubling(20)), partial(clean_schema, schema)])
    assert more < 8 * less
    cleaned, _ = clean_schema(schema)
    assert len(json.dumps(cleaned)) < 2_000_000
    assert references(cleaned) <= {f"#/$defs/{name}" for name in cleaned["$defs"]}


@pytest.mark.parametrize("schema", CORPUS)
def test_a_tool_s_schema_is_the_cleaned_one_the_first_time_and_every_time(schema: dict[str, Any]) -> None:
    cleaned, lossy = clean_schema(schema)
    if cleaned.get("type") != "object":
        cleaned = {"type": "object"} | cleaned
    for _ in range(2):
        written, lost = tool_schema(copy.deepcopy(schema))
        assert (bytes(written), lost) == (
            json.dumps(cleaned, separators=(",", ":"), ensure_ascii=False).encode(),
            lossy,
        )


def _tool_schemas(count: int, mark: str) -> list[dict[str, Any]]:
    fields = {f"field_{n}": {"type": "string", "description": mark, "enum": ["a", "b"]} for n in range(30)}
    return [{"type": "object", "properties": fields, "description": str(n)} for n in range(count)]


def test_tools_that_come_again_are_not_cleaned_again() -> None:
    schemas = _tool_schemas(100, "again")
    first, second = cpu_costs([lambda: [tool_schema(item) for item in schemas]] * 2, runs=1)
    assert second < first / 2


def test_no_more_is_kept_than_there_is_room_for() -> None:
    for schema in _tool_schemas(1200, "many"):
        tool_schema(schema)
    assert 0 < len(kept_schemas) <= 512
    references_doubled = {
        f"d{n}": {"properties": {s: {"$ref": f"#/$defs/d{n + 1}"} for s in "ab"}} for n in range(30)
    }
    huge = {"$ref": "#/$defs/d0", "$defs": {**references_doubled, "d30": {"type": "string"}}}
    before = len(kept_schemas)
    assert len(bytes(tool_schema(huge)[0])) > 16_384
    assert len(kept_schemas) == before
