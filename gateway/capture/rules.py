"""The built-in rules of redaction, a row each: what common secrets look like.

Every pattern takes linear time: what repeats is bounded, and no match may begin within another's run. `marks` are
texts without one of which a rule finds nothing: looking for them is far cheaper than matching.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct

# No match of a rule is longer: a private key of 16,384 bits is 12 kB.
LONGEST_MATCH = 16_000
# Longer texts are searched in pieces, so that other threads have their turn in between.
PIECE = 128 * 1024


class Rule(Struct, frozen=True, kw_only=True):
    """`replacement` may refer to groups, "" stands for `mark(name)`. `check` says how many characters of what was
    found are secret, 0 for none."""

    name: str
    pattern: re.Pattern[str]
    marks: tuple[str, ...]
    on: bool = True
    replacement: str = ""
    check: Callable[[str], int] | None = None

    def spans(self, text: str, give_way: Callable[[], None]) -> Iterator[tuple[int, int, str]]:
        """(start, end, what stands there instead), in order. Where none of its marks is, it need not be asked."""
        begin = 0
        while begin < len(text):
            limit = min(len(text), begin + PIECE + LONGEST_MATCH)
            last = limit == len(text)
            done = limit if last else begin + PIECE
            for match in self.pattern.finditer(text, begin, limit):
                if match.start() >= done:
                    break
                end = match.end()
                if self.check is not None:
                    end = match.start() + self.check(match[0])
                if end > match.start():
                    yield match.start(), end, match.expand(self.replacement) if self.replacement else mark(self.name)
                done = max(done, end)
            begin = done
            if not last:
                give_way()


def mark(name: str) -> str:
    """What stands in the place of something that a rule took out."""
    return f"[redacted: {name}]"


def replaced(text: str, spans: Sequence[tuple[int, int, str]]) -> str:
    """The text with these, in order of their starts, in the place of what was there."""
    pieces, at = [], 0
    for start, end, instead in spans:
        if start >= at:
            pieces += [text[at:start], instead]
            at = end
    return "".join([*pieces, text[at:]])


def is_card(found: str) -> int:
    """A card's number has Luhn's check digit (ISO/IEC 7812)."""
    digits = [int(character) for character in found if character.isdigit()]
    doubled = (digit * 2 for digit in digits[-2::-2])
    total = sum(digits[-1::-2]) + sum(digit - 9 if digit > 9 else digit for digit in doubled)
    return len(found) if total % 10 == 0 and any(digits) else 0


def is_iban(found: str) -> int:
    """An IBAN's number leaves 1 when divided by 97 (ISO 13616); words that follow it are no part of it."""
    for end in range(len(found), 14, -1):
        plain = found[:end].replace(" ", "")
        if 15 <= len(plain) <= 34 and int("".join(str(int(each, 36)) for each in plain[4:] + plain[:4])) % 97 == 1:
            return end
    return 0


def _rule(
    name: str,
    marks: Sequence[str],
    pattern: str,
    *,
    on: bool = True,
    replacement: str = "",
    check: Callable[[str], int] | None = None,
) -> Rule:
    compiled = re.compile(pattern, re.VERBOSE)
    return Rule(name=name, pattern=compiled, marks=tuple(marks), on=on, replacement=replacement, check=check)


_DIGIT = r"(?=[\w-]{0,200}\d)"
# Where a word begins, also behind the escape of a line end: JSON that was cut off cannot be read.
_WORD, _PLAIN_WORD = r"(?:(?<![\w-])|(?<=\\[bfnrt]))", r"(?:(?<![A-Za-z0-9])|(?<=\\[bfnrt]))"
_KEY_NAME = "PRIVATE\\ KEY(?:\\ BLOCK)?-----"

RULES: tuple[Rule, ...] = (
    _rule(
        "provider_key",
        ("sk-", "xai-", "gsk_", "AIza", "AQ.", "sk_live_", "sk_test_", "rk_live_", "rk_test_", "pplx-"),
        rf"""{_WORD}(?:
            (?:sk|xai|pplx)-{_DIGIT}[\w-]{{16,4000}}
            | gsk_\w{{20,300}}
            | AIza[\w-]{{30,60}}
            | AQ\.[\w-]{{16,4000}}
            | [rs]k_(?:live|test)_\w{{16,4000}}
        )""",
    ),
    _rule("faregate_key", ("tk_",), rf"{_WORD}tk_{_DIGIT}[\w-]{{16,4000}}"),
    _rule(
        "bearer",
        ("earer ", "EARER "),
        rf"""{_WORD}([Bb]earer|BEARER)\ {{1,4}}(?=[^\s"'<>]{{0,400}}\d)[\w.~+/=-]{{16,4000}}""",
        replacement=rf"\1 {mark('bearer')}",
    ),
    _rule(
        "private_key",
        ("PRIVATE KEY",),
        rf"""-----BEGIN\ [A-Z0-9\ ]{{0,40}}{_KEY_NAME}
            (?:(?:[\w+/=\s\\:,.]|-(?!-)){{0,14000}}(?:-----END\ [A-Z0-9\ ]{{0,40}}{_KEY_NAME})?)""",
    ),
    _rule(
        "aws_key",
        ("AKIA", "ASIA", "ecret", "ECRET"),
        rf"""{_PLAIN_WORD}(?:AKIA|ASIA)[A-Z0-9]{{16}}(?![A-Za-z0-9])
            | (?<=[Aa]ccess)([_\ ]?[Kk]ey\\?["']?\s{{0,4}}[:=]\s{{0,4}}\\?["']?)[A-Za-z0-9/+]{{40}}(?![A-Za-z0-9/+])
            | (?<=ACCESS_KEY)(\\?["']?\s{{0,4}}[:=]\s{{0,4}}\\?["']?)[A-Za-z0-9/+]{{40}}(?![A-Za-z0-9/+])""",
        # What names it stays, or JSON would be none any more.
        replacement=rf"\1\2{mark('aws_key')}",
    ),
    _rule(
        "github_token",
        # In prose "gh" alone stands in every third line.
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        rf"{_PLAIN_WORD}(?:gh[pousr]_[A-Za-z0-9]{{36,255}} | github_pat_\w{{22,255}})",
    ),
    _rule(
        "slack_token",
        ("xox", "xapp-", "hooks.slack.com"),
        rf"""{_PLAIN_WORD}(?:xox[abeoprs]-[\w-]{{10,255}} | xapp-\d-[\w-]{{10,255}})
            | hooks\.slack\.com/(?:services|workflows)/[\w/]{{20,120}}""",
    ),
    _rule(
        "token",
        ("glpat-", "hf_", "npm_", "pypi-", "dop_v1_", "SG."),
        rf"""{_PLAIN_WORD}(?:glpat-[\w-]{{20,100}} | hf_[A-Za-z0-9]{{30,100}} | npm_[A-Za-z0-9]{{36}}
            | pypi-[\w-]{{50,300}} | dop_v1_[a-f0-9]{{64}} | SG\.[\w-]{{16,64}}\.[\w-]{{16,64}})""",
    ),
    _rule(
        "url_password",
        ("://",),
        # It begins with what it looks for: the engine goes from one such place to the next.
        r"""://[^\s/:@"'<>]{1,100}:[^\s/:@"'<>]{1,200}(?=@)""",
        replacement=f"://{mark('url_password')}",
    ),
    _rule(
        "email",
        ("@",),
        r"(?<![\w.+%-])[\w.+%-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w-])",
        on=False,
    ),
    _rule(
        "card_number",
        tuple("0123456789"),
        r"(?<![\d.-])\d(?:[\ -]?\d){12,18}(?![\d-])",
        on=False,
        check=is_card,
    ),
    _rule(
        "iban",
        tuple("0123456789"),
        r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:\ ?[A-Z0-9]){11,30}(?![A-Za-z0-9])",
        on=False,
        check=is_iban,
    ),
)
BY_NAME: Mapping[str, Rule] = {rule.name: rule for rule in RULES}


def chosen(on: Sequence[str], off: Sequence[str]) -> tuple[Rule, ...]:
    """The built-in rules in force: those that are on by themselves or named `on`, without those named `off`."""
    return tuple(rule for rule in RULES if (rule.on or rule.name in on) and rule.name not in off)
