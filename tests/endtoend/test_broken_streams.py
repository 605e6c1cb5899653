"""A provider that is killed in the middle of its stream, or says that it failed: the SDK of every door raises.

Known fault of other gateways: mlflow/mlflow#25897, an error that Anthropic's clients cannot see.
"""

from collections.abc import Callable
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors, types

from tests.endtoend.serving import MODELS, PROVIDERS, Served
from tests.provider.client import ProviderProcess


def _chat(gateway: Served, model: str, text: str) -> None:
    messages: Any = [{"role": "user", "content": text}]
    with openai.OpenAI(base_url=gateway.url + "/api/ai/v1", api_key=gateway.key(), max_retries=0) as client:
        list(client.chat.completions.create(model=model, messages=messages, stream=True))


def _responses(gateway: Served, model: str, text: str) -> None:
    with (
        openai.OpenAI(base_url=gateway.url + "/api/ai/v1", api_key=gateway.key(), max_retries=0) as client,
        client.responses.stream(model=model, input=text) as stream,
    ):
        stream.get_final_response()


def _messages(gateway: Served, model: str, text: str) -> None:
    messages: Any = [{"role": "user", "content": text}]
    with (
        anthropic.Anthropic(base_url=gateway.url + "/api/ai", api_key=gateway.key(), max_retries=0) as client,
        client.messages.stream(model=model, max_tokens=500, messages=messages) as stream,
    ):
        stream.get_final_message()


def _generate(gateway: Served, model: str, text: str) -> None:
    options = types.HttpOptions(base_url=gateway.url + "/api/ai")
    with genai.Client(api_key=gateway.key(), http_options=options) as client:
        list(client.models.generate_content_stream(model=model, contents=text))


# The SDK of each door, and what it raises once the stream has begun; OpenAI's helper misses the end of a response.
SDKS: dict[str, tuple[Callable[[Served, str, str], None], tuple[type[Exception], ...]]] = {
    "openai_chat": (_chat, (openai.APIError,)),
    "openai_responses": (_responses, (openai.APIError, RuntimeError)),
    "anthropic": (_messages, (anthropic.APIError,)),
    "gemini": (_generate, (errors.APIError,)),
}


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("door", SDKS)
@pytest.mark.parametrize("marker", ["cut", "half", "reset-midway", "error"])
def test_mlflow_25897_every_sdk_raises_when_the_provider_breaks_off(
    gateway: Served, provider: ProviderProcess, door: str, name: str, marker: str
) -> None:
    ask, raised = SDKS[door]
    with pytest.raises(raised):
        ask(gateway, MODELS[name], f"Break. [[{marker}]] [[slow:2]]")
    row = gateway.last()
    assert (row.door, row.provider, row.outcome, row.streamed) == (door, name, "error", True)
    assert row.error_type == "connection_lost" or marker == "error"
    assert provider.open() == 0
