"""Gemini generateContent, both sides. Source: google-genai's types and Google's published rules."""

from collections.abc import Mapping

from gateway.dialects.dialect import Dialect
from gateway.dialects.gemini.body import parse_request, parse_response, render_request, render_response
from gateway.dialects.gemini.errors import parse_error, render_error
from gateway.dialects.gemini.paths import resource
from gateway.dialects.gemini.reader import GeminiReader
from gateway.dialects.gemini.writer import GeminiWriter


def _path(model: str, stream: bool) -> str:
    verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
    return f"{resource(model)}:{verb}"


def _credential_headers(key: str) -> Mapping[str, str]:
    return {"x-goog-api-key": key}


DIALECT = Dialect(
    name="gemini",
    parse_request=parse_request,
    render_request=render_request,
    parse_response=parse_response,
    render_response=render_response,
    parse_error=parse_error,
    render_error=render_error,
    reader=GeminiReader,
    writer=GeminiWriter,
    path=_path,
    credential_headers=_credential_headers,
)
