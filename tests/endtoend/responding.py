"""What OpenAI's SDK gets at the Responses door."""

from typing import Any

import openai


def respond(client: openai.OpenAI, streamed: bool, **asked: Any) -> Any:
    """The whole answer, also where it was streamed. Raises the SDK's errors."""
    if not streamed:
        return client.responses.create(**asked)
    with client.responses.stream(**asked) as stream:
        return stream.get_final_response()
