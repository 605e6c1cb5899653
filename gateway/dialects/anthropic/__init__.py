"""Anthropic Messages, both sides. Source: the `anthropic` SDK's types, API versions 2023-06-01 and 2026-10-21."""

from collections.abc import Mapping

from gateway.dialects.anthropic.blocks import ANSWER_PREFIX
from gateway.dialects.anthropic.body import parse_request, parse_response, render_request, render_response
from gateway.dialects.anthropic.errors import parse_error, render_error
from gateway.dialects.anthropic.reader import AnthropicReader
from gateway.dialects.anthropic.writer import AnthropicWriter
from gateway.dialects.dialect import Dialect


def _path(_model: str, _stream: bool) -> str:
    return "/v1/messages"


def _credential_headers(key: str) -> Mapping[str, str]:
    return {"x-api-key": key}


DIALECT = Dialect(
    name="anthropic",
    parse_request=parse_request,
    render_request=render_request,
    parse_response=parse_response,
    render_response=render_response,
    parse_error=parse_error,
    render_error=render_error,
    reader=AnthropicReader,
    writer=AnthropicWriter,
    path=_path,
    credential_headers=_credential_headers,
    answer_prefix=ANSWER_PREFIX,
    request_id_header="request-id",
)
