"""The dialect's name, its pockets, and the ids that answers need.

OpenAI's chat and Responses are one provider's two spellings: where a chat client said something in chat's own words
that Responses has too (a cache key, an image's detail), it is read from chat's pocket. That is the one exception to
"a codec reads only its own pocket", and each such field is named where it is read.
"""

import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from gateway.model import NO_EXTRA, Extra

NAME = "openai_responses"
ANSWER_PREFIX = "resp_"
KIN = "openai_chat"
Wire = dict[str, Any]

_LONGEST_CALL_ID = 64
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def pocket(values: Mapping[str, Any]) -> Extra:
    """The side pocket with these values, the shared empty one if there are none."""
    return {NAME: dict(values)} if values else NO_EXTRA


def own(extra: Extra) -> Mapping[str, Any]:
    return extra.get(NAME, {})


def own_or_kin(extra: Extra, *names: str) -> Wire:
    """This dialect's pocket; the named fields also from chat's."""
    kin = extra.get(KIN, {})
    return {**{name: kin[name] for name in names if name in kin}, **own(extra)}


def foreign_state(extra: Extra) -> bool:
    """Whether other dialects hold something that must come back with the next turn."""
    return any(values for dialect, values in extra.items() if dialect != NAME)


def is_tool_name(name: str) -> bool:
    return _TOOL_NAME.fullmatch(name) is not None


def digest(*about: str) -> str:
    """The same short word for the same words."""
    return blake2b("\0".join(about).encode(), digest_size=12).hexdigest()


def call_id(neutral: str) -> str:
    """The id as OpenAI takes it; ids only pair calls with results, so that another spelling is no loss."""
    return neutral if 0 < len(neutral) <= _LONGEST_CALL_ID else f"call_{digest(neutral)}"
