"""The dialects, one entry each. A new one is a folder beside these and a line here."""

from collections.abc import Mapping

from gateway.dialects import anthropic, gemini, openai_chat, openai_responses
from gateway.dialects.dialect import Dialect

DIALECTS: Mapping[str, Dialect] = {
    dialect.name: dialect
    for dialect in (openai_chat.DIALECT, openai_responses.DIALECT, anthropic.DIALECT, gemini.DIALECT)
}
