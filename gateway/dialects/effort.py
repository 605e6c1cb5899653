"""Reasoning effort between models that are told in words, levels or token budgets.

The ladder is none < minimal < low < medium < high < xhigh < max. An effort that a model does not take becomes the
nearest lower one, else its lowest. Budgets for efforts are ours (Google's own compatibility layer is close to them).
"""

from gateway.model import ReasoningOptions

LADDER = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 24_576, "xhigh": 32_768, "max": 32_768}
_UP_TO = ((1024, "minimal"), (4096, "low"), (16_384, "medium"), (32_768, "high"))


def nearest(effort: str, allowed: tuple[str, ...]) -> str:
    """The wanted effort if the model takes it, else the nearest lower one above none, else the lowest it takes.

    `none` is met exactly or by the lowest. With no allowed efforts, or an unknown word, it stays as it is.
    """
    if not allowed or effort in allowed or effort not in LADDER:
        return effort
    known = [step for step in LADDER if step in allowed]
    rank = LADDER.index(effort)
    lower = [step for step in known if step != "none" and LADDER.index(step) < rank]
    if lower:
        return lower[-1]
    higher = [step for step in known if step != "none"]
    return higher[0] if higher else effort


def asked(options: ReasoningOptions | None) -> str | None:
    """The effort that a request asks for, in whichever way it says so; None where it says none."""
    if options is None:
        return None
    if options.enabled is False:
        return "none"
    if options.effort is not None or options.budget_tokens is None:
        return options.effort
    return from_budget(options.budget_tokens)


def from_budget(tokens: int) -> str | None:
    """The effort that a budget of thinking tokens stands for; None for a dynamic one (negative)."""
    if tokens < 0:
        return None
    if tokens == 0:
        return "none"
    return next((effort for limit, effort in _UP_TO if tokens <= limit), "xhigh")
