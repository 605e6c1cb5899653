"""What a provider key looks like. Providers call their keys opaque, so a shape only ever warns.

`PREFIXES` tells whose key a text seems to be (OpenAI `sk-…`, Anthropic `sk-ant-…`, Google `AIza…` and since 2026
`AQ.…`, xAI `xai-…`), most specific first. Refused is only what no header could carry.
"""

import re

from gateway.errors import FaregateError

OWN = "faregate"
PREFIXES: tuple[tuple[str, str], ...] = (
    ("sk-ant-", "anthropic"),
    ("sk-or-", "openrouter"),
    ("sk-", "openai"),
    ("AIza", "google"),
    ("AQ.", "google"),
    ("xai-", "xai"),
    ("tk_", OWN),
)
_WITH_ARTICLE = {
    "anthropic": "an Anthropic",
    "openrouter": "an OpenRouter",
    "openai": "an OpenAI",
    "google": "a Google",
    "xai": "an xAI",
}
_MAX_LENGTH = 4096
# What tells whose key it is, up to the first of these marks.
_START = re.compile(r"[^-._]{0,3}[-._]|.{3}", re.DOTALL)
# As a file of variables has it, or a file of JSON.
_WRAPPED = re.compile(r"""[A-Z][A-Z0-9_]*=[^=]|["'`]""")


class KeyFormatError(FaregateError):
    """A text that cannot be a provider key."""


def clean_key(key: str) -> str:
    """The key without the whitespace around it. Raises KeyFormatError for what cannot be sent as a header."""
    clean = key.strip()
    if not clean:
        raise KeyFormatError("The key is empty: paste the provider's key.")
    if any(character.isspace() for character in clean):
        raise KeyFormatError("The key has a space or line break inside it: copy it again, in one piece.")
    if not clean.isascii() or not clean.isprintable():
        raise KeyFormatError("The key holds characters that no key has: copy it again from the provider's page.")
    if len(clean) > _MAX_LENGTH:
        raise KeyFormatError("The text is too long to be a key: copy only the key.")
    return clean


def owner(key: str) -> str | None:
    """The provider whose keys begin like this one, "faregate" for a tk_ key, None where unknown."""
    return next((name for prefix, name in PREFIXES if key.startswith(prefix)), None)


def check_format(provider: str, key: str) -> str | None:
    """A sentence where something seems wrong with a key for this provider, else None. Never raises."""
    try:
        clean = clean_key(key)
    except KeyFormatError as error:
        return error.message
    if _WRAPPED.match(clean):
        return "This is more than a key: paste it without its name and without quotes."
    found = owner(clean)
    if found == OWN:
        return "This is a Faregate key: paste the key that the provider gave you."
    # A provider of the user's own may hand out keys of any shape.
    if provider not in {name for _, name in PREFIXES} or found is None or found == provider:
        return None
    return f"This looks like {_WITH_ARTICLE[found]} key, not {_WITH_ARTICLE[provider]} one."


def mask(key: str) -> str:
    """`sk-…a1b2`: enough to tell two keys apart, useless to anyone else. Short keys show nothing."""
    if len(key) < 16:
        return "…"
    start = _START.match(key)
    return f"{start[0] if start else ''}…{key[-4:]}"
