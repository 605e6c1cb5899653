"""What a provider's prompt cache compares, as a row of short hashes: tools, instructions, then each message.

Only a turn that nothing continues yet keeps its hashes; the turn that continues it notes which was the first to
differ. So a conversation keeps one such list, not one for each turn. Pure.
"""

from collections.abc import Sequence

from gateway.model import Message
from gateway.store.chain import Hasher, in_common, unmarked
from gateway.store.content import Instructions, Tools, encode

HASH_BYTES = 8
# What a turn notes of the turn before: not compared, nothing changed, or the first block that did.
NOT_COMPARED: int | None = None
SAME, TOOLS_CHANGED, TOOLS_MOVED, SYSTEM_CHANGED, MESSAGE_CHANGED = 0, 1, 2, 3, 10
_MOST_TOOLS = 0xFFFF


class Blocks:
    """The hashes of one call after the other. Calls of a session that telemetry tells at once have their messages in
    common: those are hashed once."""

    def __init__(self, hasher: Hasher) -> None:
        self._hasher = hasher
        self.forget()

    def forget(self) -> None:
        """Hold nothing that was said any more."""
        self._messages: Sequence[Message] = ()
        self._hashes = b""

    def of(self, tools: Tools, system: Instructions, messages: Sequence[Message]) -> bytes:
        """Number of tools (2 bytes), then HASH_BYTES a block."""
        exact = self._hasher.exact
        listed = tools[:_MOST_TOOLS]
        hashes = [exact(encode(tool)) for tool in listed]
        hashes.append(exact(encode(tuple(unmarked(each) for each in system))))
        known = in_common(self._messages, messages)
        hashes.append(self._hashes[: known * HASH_BYTES])
        hashes += [exact(encode(unmarked(message))) for message in messages[known:]]
        self._messages, self._hashes = messages, b"".join(hashes[len(listed) + 1 :])
        return len(listed).to_bytes(2, "big") + b"".join(hashes)


def first_changed(before: bytes, now: bytes) -> int:
    """The first block of `before` that is not the same in `now`: MESSAGE_CHANGED + n for the nth message."""
    if now.startswith(before):
        return SAME
    tools, system, messages = _split(before)
    tools_now, system_now, messages_now = _split(now)
    if tools != tools_now:
        return TOOLS_MOVED if sorted(tools) == sorted(tools_now) else TOOLS_CHANGED
    if system != system_now:
        return SYSTEM_CHANGED
    for number, block in enumerate(messages):
        if number >= len(messages_now) or messages_now[number] != block:
            return MESSAGE_CHANGED + number
    return SAME


def _split(blocks: bytes) -> tuple[list[bytes], bytes, list[bytes]]:
    tools = int.from_bytes(blocks[:2], "big")
    each = [blocks[place : place + HASH_BYTES] for place in range(2, len(blocks), HASH_BYTES)]
    return each[:tools], each[tools], each[tools + 1 :]
