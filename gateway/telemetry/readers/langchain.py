"""A tool's run as LangChain tells it, whichever instrumentation listens: wrapped in its callbacks' objects."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.telemetry.observed import ToolRun
from gateway.telemetry.readers.values import json_text, mapping, words


def plain_run(run: ToolRun) -> ToolRun:
    """The same run with the function's own arguments and words, and the call that LangChain's message names."""
    asked, said = mapping(run.arguments), mapping(run.result)
    arguments, call_id = run.arguments, run.call_id
    if "input_str" in asked:
        # What a callback of LangChain's is called with.
        given = asked.get("inputs")
        arguments = json_text(asked["input_str"] if given is None else given)
        call_id = call_id or words(mapping(asked.get("kwargs")).get("tool_call_id"))
    message = _message(said)
    if message is None:
        return msgspec.structs.replace(run, arguments=arguments, call_id=call_id)
    return msgspec.structs.replace(
        run,
        arguments=arguments,
        call_id=call_id or words(message.get("tool_call_id")),
        result=json_text(message.get("content")),
        is_error=run.is_error or message.get("status") == "error",
    )


def _message(said: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The tool message inside a result, serialised in either of LangChain's two ways."""
    output = mapping(said.get("output")) or said
    fields = mapping(output.get("kwargs", output.get("data")))
    return fields if "tool_call_id" in fields and "content" in fields else None
