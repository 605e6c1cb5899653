"""What is asked of the models, as a chat body: typed here, or taken from a turn of a conversation. Pure."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from app.pages.conversations_parts.copying import chat_body
from app.pages.conversations_parts.list_view import title_of
from gateway import Thread

Message = Mapping[str, Any]


class Asked(Struct, frozen=True, kw_only=True):
    """`history` is what was said before, as chat messages, and `tools` what the models may call: both only where the
    question was taken from a conversation, which `source` names. `user` may be empty where the history ends in a
    question."""

    system: str = ""
    user: str = ""
    history: tuple[Message, ...] = ()
    tools: tuple[Message, ...] = ()
    source: str = ""
    max_tokens: int | None = None
    temperature: float | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked yet."""
        return not self.user.strip() and not self.history

    def body(self) -> dict[str, Any]:
        messages: list[Message] = []
        if self.system.strip():
            messages.append({"role": "system", "content": self.system})
        messages += self.history
        if self.user.strip():
            messages.append({"role": "user", "content": self.user})
        body: dict[str, Any] = {"messages": messages}
        if self.tools:
            body["tools"] = list(self.tools)
        if self.max_tokens is not None:
            body["max_completion_tokens"] = self.max_tokens
        if self.temperature is not None:
            body["temperature"] = self.temperature
        return body


def taken_from(thread: Thread, number: int) -> Asked:
    """What was asked at a turn: its last words to be edited where they are plain text, all before as it was."""
    body = chat_body(thread, number)
    messages: list[Message] = list(body["messages"])
    system = ""
    if messages and messages[0]["role"] == "system":
        system = str(messages.pop(0)["content"])
    user = ""
    if messages and messages[-1]["role"] == "user" and isinstance(messages[-1]["content"], str):
        user = str(messages.pop()["content"])
    return Asked(
        system=system,
        user=user,
        history=tuple(messages),
        tools=tuple(body.get("tools", ())),
        source=title_of(thread.row),
    )
