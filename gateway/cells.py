"""One cell of the carriage table: what becomes of a feature between a door and a provider."""

from msgspec import Struct

from gateway.dialects.carriage import BY_NAME
from gateway.dialects.verdicts import Verdict
from gateway.model import Target
from gateway.providers.catalog import BY_NAME as PROVIDERS

# A model that takes all that its dialect has.
ABLE = Target(model="any", efforts=("none", "low", "medium", "high"), thinking="adaptive", system_turns=True)


class Cell(Struct, frozen=True):
    """`names`: the client's own fields, first the one that `x-faregate-dropped`, `x-faregate-adapted` or the 400's
    `param` tells, `[]` for any place in a list; () where the feature is carried, or the door cannot say it."""

    verdict: Verdict
    names: tuple[str, ...] = ()


def cell(door: str, provider: str, feature: str, *, target: Target = ABLE, dialect: str | None = None) -> Cell:
    """`door` is a dialect's name, `provider` a provider row's, `feature` a carriage row's; KeyError for others.

    `target`: the model, where the verdict depends on it. `dialect`: the one that is rendered, where it is not the
    provider's own (OpenAI's newer models take tools in Responses only).
    """
    row, provided = BY_NAME[feature], PROVIDERS[provider]
    if dialect is None and door in (provided.dialect, *provided.also_speaks):
        return Cell(Verdict.CARRIED)
    verdict = row.verdict(door, dialect or provided.dialect, target)
    return Cell(verdict, () if verdict is Verdict.CARRIED else row.said.get(door, ()))
