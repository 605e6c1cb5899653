"""The headers of an exchange as they may be kept: secrets masked, and no more of them than is worth keeping.

Whose name says that its value is a secret is masked by that, whatever the value looks like; that same value is then
hidden wherever else it stands, and all else goes through the rules of redaction. Most headers come back in request
after request: what was found harmless is remembered, and secrets never are.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import unquote_plus

from msgspec import Struct

from gateway.capture.heard import Heard
from gateway.capture.redactor import Redactor
from gateway.dialects.redaction import HIDDEN
from gateway.header_records import ANSWERED, ASKED, GIVEN, SENT, HeaderGroup
from gateway.keys.key_format import mask

# Of one message's headers; of larger ones each value is cut.
MOST_LINES, MOST_CHARACTERS, CUT_AT = 100, 8000, 200
# What is looked at in one go, which holds up everybody else.
_MOST_AT_ONCE = 4 * MOST_CHARACTERS
_REMEMBERED_SHAPES, _REMEMBERED_TEXTS, _LONGEST_REMEMBERED = 1000, 4000, 300
# What is shorter stands in other texts by chance.
_SHORTEST_SECRET = 6
# How the words of a name end that is a secret's. Limits of tokens are named in the plural.
_SECRET = re.compile(
    r"(?:token|secret|key|auth|authorization|authentication|cookie|password|passwd|passphrase|pwd|credentials?|jwt"
    r"|assertion|signature|sig)"
    r"(?![a-z0-9])",
    re.IGNORECASE,
)
# Named like a secret, and none.
_HARMLESS = frozenset(
    {"idempotency-key", "x-idempotency-key", "sec-websocket-key", "access-control-allow-credentials"}
)
# How a credential is meant, before the credential itself; another word there is a part of the secret.
_SCHEMES = frozenset(
    {"apikey", "basic", "bearer", "concealed", "digest", "dpop", "gnap", "hawk", "hoba", "key", "mutual", "negotiate"}
    | {"ntlm", "oauth", "privatetoken", "token", "vapid"}
)


def is_secret(name: str) -> bool:
    """Whether the name of a header or of a query's parameter says that its value is a secret."""
    return _SECRET.search(name) is not None and name.lower() not in _HARMLESS


def masked(name: str, value: str) -> tuple[str, str]:
    """What may be shown of a secret header (`Bearer tk_…a1b2`), and the secret itself, for finding it elsewhere."""
    if "cookie" in name.lower():
        return "…", value
    scheme, space, rest = value.partition(" ")
    if space and scheme.lower() in _SCHEMES:
        secret = rest.strip()
        # Basic is a password in base64, of which the end says something.
        return f"{scheme} {mask(secret) if scheme.lower() == 'bearer' else '…'}", secret
    return mask(value), value


class _Shape(Struct, frozen=True):
    """What the names of a message decide: themselves as plain text, and the places of secrets."""

    names: tuple[str, ...]
    secrets: tuple[int, ...]


class HeaderMasks:
    """For one set of rules. Thread-safe: what is remembered may be forgotten at any time."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._shapes: dict[tuple[str, ...], _Shape] = {}
        self._clean: set[str] = set()

    def groups(self, heard: Heard) -> tuple[HeaderGroup, ...]:
        """What may be kept of what was heard, in order of time."""
        secrets = [heard.key] if heard.key else []
        found: list[tuple[str, int, _Shape]] = []
        texts: list[str] = []
        for whose, attempt, line, headers in _ends(heard):
            names, raw = tuple(headers.keys()), tuple(headers.values())
            if len(names) != len(raw):
                # A multidict's `keys` tell a name once that comes twice; pairs take three times as long.
                names, raw = zip(*headers.items(), strict=True)
            shape = self._shapes.get(names) or self._learnt(names)
            values = list(raw)
            for place in shape.secrets:
                values[place], secret = masked(shape.names[place], values[place])
                secrets.append(secret)
            together = "".join(values)
            if "?" in together:
                values = [_without_parameters(value, secrets) for value in values]
            found.append((whose, attempt, shape))
            texts.append(_without_parameters(line, secrets) if "?" in line else line)
            texts += values
        clean = self._redacted(_hidden(texts, secrets))
        made, at = [], 0
        for whose, attempt, shape in found:
            start, at = at + 1, at + 1 + len(shape.names)
            # Half of a secret, where a value was cut, would be found by nothing.
            made.append(HeaderGroup(whose, attempt, clean[start - 1], *_trimmed(shape.names, clean[start:at])))
        return tuple(made)

    def _learnt(self, names: tuple[str, ...]) -> _Shape:
        plain = tuple(str(name) for name in names)
        places = tuple(place for place, name in enumerate(plain) if is_secret(name))
        shape = _Shape(plain, places)
        if sum(map(len, plain)) <= MOST_CHARACTERS:
            if len(self._shapes) >= _REMEMBERED_SHAPES:
                self._shapes.clear()
            self._shapes[plain] = shape
        return shape

    def _redacted(self, texts: list[str]) -> list[str]:
        new = set(texts).difference(self._clean)
        if not new:
            return texts
        changed: dict[str, str] = {}
        # No rule of ours finds more in a text by itself than among others.
        together = "\n".join(new)
        if len(together) > _MOST_AT_ONCE or not self._redactor.is_harmless(together):
            changed = self._redactor.through(
                lambda redact: {text: made for text in new if (made := redact(text)) != text}
            )
        if len(self._clean) > _REMEMBERED_TEXTS:
            self._clean.clear()
        self._clean.update(text for text in new if len(text) <= _LONGEST_REMEMBERED and text not in changed)
        return [changed.get(text, text) for text in texts] if changed else texts


def _ends(heard: Heard) -> Iterator[tuple[str, int, str, Mapping[str, str]]]:
    # One that runs may be let go meanwhile, by the loop.
    headers, given = heard.headers, heard.given
    if headers is not None:
        yield ASKED, 0, heard.line, headers
    for attempt, call in enumerate(heard.calls, 1):
        yield SENT, attempt, f"POST {call.url.with_user(None) if call.url.raw_user else call.url}", call.sent
        if call.answered is not None:
            yield ANSWERED, attempt, str(call.status), call.answered
    if given is not None:
        yield GIVEN, 0, str(given[0]), given[1]


def _hidden(texts: list[str], secrets: Sequence[str]) -> list[str]:
    """The texts without these secrets, which may stand in any of them."""
    whole = "\n".join(texts)
    try:
        whole.encode()
    except UnicodeEncodeError:
        texts = [text.encode("utf-8", "replace").decode() for text in texts]
    # The longest first: of one that holds another the rest would stay.
    for secret in sorted(secrets, key=len, reverse=True):
        if secret in whole and len(secret) >= _SHORTEST_SECRET:
            texts = [text.replace(secret, HIDDEN) for text in texts]
    return texts


def _without_parameters(text: str, secrets: list[str]) -> str:
    """An address whose query's secret parameters are masked; what they were joins `secrets`."""
    start, mark, query = text.partition("?")
    if not mark or "=" not in query:
        return text
    pieces = query.split("&")
    for place, piece in enumerate(pieces):
        name, _, value = piece.partition("=")
        if value and is_secret(unquote_plus(name)):
            pieces[place] = f"{name}={mask(unquote_plus(value))}"
            secrets += [value, unquote_plus(value)]
    return f"{start}?{'&'.join(pieces)}"


def _trimmed(all_names: tuple[str, ...], values: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names and values, as they are unless there is too much of them."""
    if sum(map(len, all_names)) + sum(map(len, values)) <= MOST_CHARACTERS and len(values) <= MOST_LINES:
        return all_names, tuple(values)
    names: list[str] = []
    kept: list[str] = []
    size = 0
    for name, value in zip(all_names, values, strict=True):
        if len(value) > CUT_AT:
            value = f"{value[:CUT_AT]}… ({len(value) - CUT_AT} more characters)"
        size += len(name) + len(value)
        if size > MOST_CHARACTERS or len(names) >= MOST_LINES:
            break
        names.append(name)
        kept.append(value)
    if left := len(all_names) - len(names):
        names.append("…")
        kept.append(f"{left} more are not kept")
    return tuple(names), tuple(kept)
