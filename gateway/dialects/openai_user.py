"""The end user as OpenAI's dialects take it: an id of at most 128 characters. Claude Code's are longer."""

from hashlib import blake2b

_LONGEST = 128


def openai_user(user: str) -> str:
    """The id itself, or where it is too long one that is made of it: the same user is told by the same id."""
    return user if len(user) <= _LONGEST else f"user_{blake2b(_bytes(user), digest_size=12).hexdigest()}"


def _bytes(text: str) -> bytes:
    # Half a surrogate pair may stand in what a client sent.
    return text.encode("utf-8", "surrogatepass")
