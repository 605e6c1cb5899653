"""Takes keys out of a provider's own words before anyone sees them: providers do echo what they were sent."""

import re

# What stands for the key that was sent.
HIDDEN = "[hidden]"

_SECRETS = re.compile(
    r"""
    \b(?:sk|xai|tk|gsk|pplx|rk)[-_][\w*.…-]{6,}  # OpenAI, Anthropic, xAI, ours and others
    | \bAIza[\w*.…-]{6,}                         # Google, standard keys
    | \bAQ\.[\w*.…-]{6,}                         # Google, authorisation keys
    | (?<=key=)[^\s&"'<>]+                       # in an address
    | (?<=Bearer\ )[^\s"'<>]+
    | \borg(?:anization)?[-_:\ ]+(?=[\w-]*\d)[\w-]{8,}
    """,
    re.VERBOSE,
)


def redact(message: str) -> str:
    """The same words with every key, token and organisation id replaced."""
    return _SECRETS.sub("[redacted]", message)
