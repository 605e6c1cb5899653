"""OpenAI Chat Completions, which xAI and most further providers speak too.

`DIALECT` is the codec; `peek`, `splice` and `UsageCutter` serve the path on which bytes pass as they are.
"""

from collections.abc import Mapping

from gateway.dialects.dialect import Dialect
from gateway.dialects.openai_chat.answer_peek import peek_answer
from gateway.dialects.openai_chat.reader import ChatReader
from gateway.dialects.openai_chat.request import parse_request, render_request
from gateway.dialects.openai_chat.response import parse_response, render_response
from gateway.dialects.openai_chat.wire import ANSWER_PREFIX, NAME
from gateway.dialects.openai_chat.writer import ChatWriter
from gateway.dialects.openai_errors import parse_error, render_error


def path(model: str, stream: bool) -> str:
    return "/chat/completions"


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
    reader=ChatReader,
    writer=ChatWriter,
    path=path,
    credential_headers=credential_headers,
    answer_prefix=ANSWER_PREFIX,
    void_is_error=True,
    peek_answer=peek_answer,
)
