"""OpenAI Responses, both sides; xAI speaks it too. Source: the types of `openai` 3.54.0 and Codex's own client.

`DIALECT` is the codec; `peek` and `splice` serve the path on which bytes pass as they are.
"""

from collections.abc import Mapping

from gateway.dialects.dialect import Dialect
from gateway.dialects.openai_errors import parse_error, render_error
from gateway.dialects.openai_responses.answer_peek import peek_answer
from gateway.dialects.openai_responses.reader import ResponsesReader
from gateway.dialects.openai_responses.request import parse_request, render_request
from gateway.dialects.openai_responses.response import parse_response, render_response
from gateway.dialects.openai_responses.wire import ANSWER_PREFIX, NAME
from gateway.dialects.openai_responses.writer import ResponsesWriter


def path(model: str, stream: bool) -> str:
    return "/responses"


def credential_headers(key: str) -> Mapping[str, str]:
    return {"authorization": f"Bearer {key}"}


DIALECT = Dialect(
    name=NAME,
    parse_request=parse_request,
    render_request=render_request,
    parse_response=parse_response,
    render_response=render_response,
    parse_error=parse_error,
    render_error=render_error,
    reader=ResponsesReader,
    writer=ResponsesWriter,
    path=path,
    credential_headers=credential_headers,
    answer_prefix=ANSWER_PREFIX,
    peek_answer=peek_answer,
)
