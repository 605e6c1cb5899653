"""Takes keys out of a provider's own words before anyone sees them: providers do echo what they were sent."""

import re

import msgspec

# What stands for a key.
HIDDEN = "[hidden]"
# So many characters of a text are searched, each thousand for up to 0.3 ms: everybody else waits meanwhile.
LONGEST = 16 * 1024

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
    """The same words with `key`, which was sent, and every other key, token and organisation id replaced; those that
    are longer than `LONGEST` end before it."""
    begin = words if len(words) <= LONGEST else _without_half_a_key(words[: LONGEST - 2])
    return _SECRETS.sub(rf"\1{HIDDEN}", begin.replace(key, HIDDEN) if key else begin)


def _without_half_a_key(words: str) -> str:
    """No key holds a space or a letter beyond ASCII, and half of one would not be found; "" where there is none."""
    whole = re.match(r".*[^!-~]", words, re.DOTALL)
    return f"{whole[0].rstrip()} …" if whole and whole[0].strip() else ""


def without_key_in_json(data: bytes, key: str) -> bytes:
    """JSON, or a piece of it, without the key that was sent, also where letters of it are escaped."""
    written = re.compile("".join(map(_spelt, key)).encode())
    shown: list[bytes] = []
    done = at = 0
    while found := written.search(data, at):
        if _is_escaped(data, found.start(), done):
            # Its first letter is another one, and the key may begin within it.
            at = found.start() + 1
        else:
            shown += data[done : found.start()], HIDDEN.encode()
            at = done = found.end()
    return b"".join([*shown, data[done:]])


def _is_escaped(data: bytes, place: int, since: int) -> bool:
    """Whether a backslash before belongs to what stands there: an even number of them is text of its own."""
    before = place
    while before > since and data[before - 1] == ord("\\"):
        before -= 1
    return (place - before) % 2 == 1


def _spelt(letter: str) -> str:
    """A pattern of all that JSON takes for this letter."""
    plain = re.escape(msgspec.json.encode(letter).decode()[1:-1])
    return rf"(?:{plain}|\\/|\\u002[fF])" if letter == "/" else rf"(?:{plain}|\\u(?i:{ord(letter):04x}))"
