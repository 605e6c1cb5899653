"""An agent's session through a door: it reads a file in every turn and sends all that its context holds, each time.

Once the context is full the oldest turn goes from it as a new one comes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.endtoend.matrix.anthropic_door import AnthropicDoor
from tests.endtoend.matrix.chat_door import ChatDoor
from tests.endtoend.matrix.gemini_door import GeminiDoor
from tests.endtoend.matrix.responses_door import ResponsesDoor
from tests.endtoend.matrix.scenario import Ask
from tests.endtoend.serving import MODELS, Served

DOORS = {"chat": ChatDoor, "responses": ResponsesDoor, "anthropic": AnthropicDoor, "gemini": GeminiDoor}
SYSTEM = "You read files and say what stands in them."


@dataclass
class Session:
    """What was said: (role, text, turn), in order. The context is full after `full_at` turns, None for never."""

    door: str
    text_of: Callable[[int], str]
    full_at: int | None
    said: list[tuple[str, str, int]] = field(default_factory=list)

    @property
    def unique_bytes(self) -> int:
        return len(SYSTEM) + sum(len(text.encode()) for text in {text for _, text, _ in self.said})

    def turns(self, gateway: Served, count: int) -> Iterator[int]:
        """Take so many turns; gives the number of each once its answer is there."""
        talker = DOORS[self.door](gateway.url, gateway.key())
        begins: list[int] = []
        try:
            talk: Any = talker.talk()
            for turn in range(count):
                begins.append(len(talk._history))
                if self.full_at is not None and turn > self.full_at:
                    del talk._history[: begins[1]]
                    begins = [place - begins[1] for place in begins[1:]]
                text = self.text_of(turn)
                talk.say(text)
                heard = talk.ask(Ask(model=MODELS["openai"], system=SYSTEM), streamed=turn % 2 == 0)
                self.said += [("user", text, turn), ("assistant", heard.text, turn)]
                yield turn
        finally:
            talker.close()


def shown(thread: dict[str, Any]) -> list[tuple[str, str, int]]:
    """A conversation as the read API tells it, as `Session.said`."""
    return [
        (message["role"], "".join(part["content"] for part in message["parts"]), message["turn"])
        for message in thread["messages"]
    ]
