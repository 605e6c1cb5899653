"""The words of the carriage table: verdicts, the conditions that models set, and the shape of its rows."""

from collections.abc import Callable, Mapping
from enum import StrEnum

from msgspec import Struct

from gateway.errors import UNSUPPORTED
from gateway.model import Target


class Verdict(StrEnum):
    """What becomes of a feature: carried as it was meant, or by the gateway itself; adapted, with a loss; dropped;
    refused with a 400."""

    CARRIED = "carried"
    ADAPTED = "adapted"
    DROPPED = "dropped"
    REFUSED = "refused"


class Condition(Struct, frozen=True):
    """A trait that some models have; `words` finish "where the model …"."""

    words: str
    holds: Callable[[Target], bool]


CONDITIONS: Mapping[str, Condition] = {
    "no_stop": Condition("takes no stop sequences", lambda target: not target.stop),
    "no_penalties": Condition("takes no penalties", lambda target: not target.penalties),
    "no_sampling": Condition("takes no sampling", lambda target: target.sampling == "none"),
    "one_of_two": Condition(
        "takes temperature or top_p, not both", lambda target: target.sampling == "temperature_or_top_p"
    ),
    "no_effort": Condition("takes no effort", lambda target: not target.efforts),
    "no_thinking": Condition("does not think, or cannot be told to", lambda target: not target.thinking),
    "always_thinks": Condition(
        "cannot stop thinking",
        lambda target: "none" not in target.efforts and (bool(target.efforts) or target.thinking == "level"),
    ),
    "by_effort": Condition("is told an effort", lambda target: target.thinking in ("effort", "adaptive", "level")),
    "no_prefill": Condition("does not go on with an answer", lambda target: not target.prefill),
    "system_turns": Condition("takes instructions between turns", lambda target: target.system_turns),
    "no_result_media": Condition("takes only text in results", lambda target: target.thinking != "level"),
    "cache_marks": Condition("takes cache marks (gpt-5.6 and later)", lambda target: target.cache_marks),
    "takes_thinking": Condition("takes thinking back", lambda target: target.reasoning_content),
}


class Fate(Struct, frozen=True):
    """A verdict, and others for models of which a condition holds: the first that does."""

    verdict: Verdict
    where: Mapping[str, Verdict] = {}

    def at(self, target: Target) -> Verdict:
        for name, verdict in self.where.items():
            if CONDITIONS[name].holds(target):
                return verdict
        return self.verdict


class Row(Struct, frozen=True):
    """One feature. `said`: the client's own fields by door, none where the door cannot say it; the first is the one
    that is told. `fates`: by the dialect that is rendered; a door's own dialect carries everything, as it came.
    `say` is the 400's sentence, with {field} and {detail}, `code` its code. `note`: what an adaptation does, for
    readers. `beside`: the neutral model has no word for it, and the door's codec keeps it in its pocket under the
    client's own name. `pairs`: verdicts of their own for some door and dialect.
    """

    name: str
    title: str
    said: Mapping[str, tuple[str, ...]]
    fates: Mapping[str, Fate]
    say: str = "The model's provider has nothing like `{field}`: leave it out."
    code: str = UNSUPPORTED
    note: str = ""
    beside: bool = False
    pairs: Mapping[tuple[str, str], Verdict] = {}

    def verdict(self, door: str, dialect: str, target: Target) -> Verdict:
        """What becomes of it on the way from a door to a model that is asked in a dialect."""
        return self.pairs.get((door, dialect)) or self.fates[dialect].at(target)
