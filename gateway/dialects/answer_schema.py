"""The schema of a structured answer where it has no place for a description of its own beside it."""

from collections.abc import Mapping
from typing import Any


def with_description(schema: Mapping[str, Any], description: str | None) -> Mapping[str, Any]:
    """OpenAI's dialects describe a format beside its schema; what the schema says itself stands."""
    return schema if not description or "description" in schema else {"description": description, **schema}
