"""Takes keys out of a provider's own words before anyone sees them: providers do echo what they were sent."""

import re

import msgspec

# What stands for a key.
HIDDEN = "[hidden]"

# Bounded wherever one repetition looks at what another one does: a text may be made to take for ever.
_SECRETS = re.compile(
    r"""
    \b(?:sk|xai|tk|gsk|pplx|rk)[-_][\w*.…-]{6,}  # OpenAI, Anthropic, xAI, ours and others
    | \bAIza[\w*.…-]{6,}                         # Google, standard keys
    | \bAQ\.[\w*.…-]{6,}                         # Google, authorisation keys
    | (\bBearer\s+|key=)[^\s&"'<>]+              # in a header, in an address
    | \borg-\w{10,}
    | \borg(?:anization)?[-_:\ ]{1,4}+(?=[\w-]{0,80}\d)[\w-]{8,}
    """,
    re.VERBOSE | re.IGNORECASE,
)


def redact(words: str, key: str | None = None) -> str:
    """The same words with `key`, which was sent, and every other key, token and organisation id replaced."""
    return _SECRETS.sub(rf"\1{HIDDEN}", words.replace(key, HIDDEN) if key else words)


def without_key_in_json(data: bytes, key: str) -> bytes:
    """JSON, or a piece of it, without the key that was sent, also where letters of it are escaped."""
    letters = "".join(map(_spelt, key)).encode()
    # An even number of backslashes before it is text of its own and escapes nothing.
    return re.sub(rb"(?<!\\)((?:\\\\)*)" + letters, rb"\1" + HIDDEN.encode(), data)


def _spelt(letter: str) -> str:
    """A pattern of all that JSON takes for this letter."""
    plain = re.escape(msgspec.json.encode(letter).decode()[1:-1])
    return rf"(?:{plain}|\\/|\\u002[fF])" if letter == "/" else rf"(?:{plain}|\\u(?i:{ord(letter):04x}))"
