"""The headers of an exchange as they are kept and shown: whose they are, in the order in which they went."""

from msgspec import Struct

# From the caller, to the provider, from the provider, to the caller.
ASKED, SENT, ANSWERED, GIVEN = "asked", "sent", "answered", "given"
# Those that the caller itself sent and got; the others are between the gateway and a provider.
CALLERS = frozenset({ASKED, GIVEN})


class HeaderGroup(Struct, frozen=True, array_like=True, gc=False):
    """One message's headers, each name with the value at the same place; secrets are masked.

    `whose` is one of the words above; `attempt` counts the calls to a provider from 1, and is 0 for the caller's
    side. `line` is method and path of a request, or an answer's status.
    """

    whose: str
    attempt: int = 0
    line: str = ""
    names: tuple[str, ...] = ()
    values: tuple[str, ...] = ()


class ExchangeHeaders(Struct, frozen=True, kw_only=True):
    """What is kept of one exchange's headers, in order of time; `why` says in a sentence why there is nothing."""

    groups: tuple[HeaderGroup, ...] = ()
    why: str = ""
