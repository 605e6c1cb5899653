"""Opaque state that its issuer alone can check: thinking signatures, thought signatures, encrypted reasoning.

The same words give the same seal, so that nothing has to be remembered; another model, another text or one changed
letter gives a different one, as with the real providers.
"""

import base64
import hashlib

_KEY = b"what only the provider knows"


def seal(*bound: str) -> str:
    """Base64 that stands for `bound`: provider, model, and what the state belongs to."""
    digest = hashlib.blake2b("\0".join(bound).encode("utf-8", "surrogatepass"), key=_KEY, digest_size=48)
    return base64.b64encode(b"sealed:" + digest.digest()).decode()


def is_sealed(text: object, *bound: str) -> bool:
    return text == seal(*bound)
