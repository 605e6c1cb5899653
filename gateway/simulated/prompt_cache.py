"""A prompt cache as providers keep one: the longest beginning of a conversation seen before is read from it."""

from collections import OrderedDict
from hashlib import blake2b

import msgspec

from gateway.model import Request
from gateway.simulated.pacing import count_tokens

# Shorter beginnings are not kept (OpenAI's figure; the others' are near it).
_SHORTEST = 1024
_MOST_KEPT = 4096


class PromptCache:
    """Remembers beginnings by hash, the least recently used ones go first."""

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, None] = OrderedDict()

    def read(self, request: Request) -> tuple[int, int]:
        """Tokens of `request` that were kept before, and those that are kept from now on."""
        digest = blake2b(request.model.encode(), digest_size=16)
        tokens = cached = kept = 0
        for piece in (*request.tools, *request.messages):
            text = msgspec.json.encode(piece)
            digest.update(text)
            tokens += count_tokens(text.decode())
            if tokens < _SHORTEST:
                continue
            key = digest.copy().digest()
            if key in self._seen:
                cached, kept = tokens, 0
                self._seen.move_to_end(key)
            else:
                kept = tokens - cached
                self._seen[key] = None
        while len(self._seen) > _MOST_KEPT:
            self._seen.popitem(last=False)
        return cached, kept
