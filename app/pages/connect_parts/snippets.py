"""What is pasted to point a tool here: pieces of text with places for the endpoint, the key and the model, and
variables that each shell sets in its own words. Pure."""

import re
import shlex
from collections.abc import Callable, Mapping

from msgspec import Struct

BASE, KEY, ORIGIN = "<base>", "<key>", "<origin>"
"""The places in a text: the gateway's API, a key, and the gateway without a path."""
MODEL, SMALL, BOTH = "<model>", "<small>", "<both>"
"""The places of models: the main one, the one for small tasks, and both as members of a JSON object."""
NO_KEY = "tk_YOUR_KEY"
SHELLS: Mapping[str, str] = {"sh": "bash, zsh", "fish": "fish", "powershell": "PowerShell"}


class Models(Struct, frozen=True):
    """`small` is for what a tool asks beside its task, e.g. for a title; "" where it asks nothing."""

    main: str
    small: str = ""


NO_MODELS = Models("")


def can_be_pasted(model: str) -> bool:
    """Whether a model's name means the same in every file, program and shell that it is pasted into."""
    return re.fullmatch(r"[A-Za-z0-9._/:@+-]+", model) is not None


class Snippet(Struct, frozen=True, kw_only=True):
    """One step: `step` says what to do with it. Either `text`, the same everywhere, or what a shell is told:
    `unset` and `variables` first, then `command`, for which `by_shell` may have other words. `runs` names what can
    run the text as it is: python or sh."""

    step: str
    text: str = ""
    unset: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    command: str = ""
    by_shell: Mapping[str, str] = {}
    runs: str = ""

    @property
    def differs(self) -> bool:
        """Whether shells are told differently."""
        return bool(self.variables or self.unset or self.by_shell)


def _power_quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


_SET: Mapping[str, Callable[[str, str], str]] = {
    "sh": lambda name, value: f"export {name}={shlex.quote(value)}",
    "fish": lambda name, value: f"set -gx {name} {shlex.quote(value)}",
    "powershell": lambda name, value: f"$env:{name} = {_power_quoted(value)}",
}
_UNSET: Mapping[str, Callable[[str], str]] = {
    "sh": lambda name: f"unset {name}",
    "fish": lambda name: f"set -e {name}",
    "powershell": lambda name: f"Remove-Item Env:{name} -ErrorAction Ignore",
}


def render(snippet: Snippet, url: str, key: str = NO_KEY, shell: str = "sh", models: Models = NO_MODELS) -> str:
    """The text to paste. `url` is the gateway's address without a path; raises KeyError for an unknown shell."""
    return _fill(_template(snippet, shell), url, key, models)


def _template(snippet: Snippet, shell: str) -> str:
    if snippet.text:
        return snippet.text
    lines = [_UNSET[shell](name) for name in snippet.unset]
    # Filled before it is quoted, no value has a mark that a shell would read otherwise.
    lines += [f"{_SET[shell](name, _marked(value))}" for name, value in snippet.variables]
    command = snippet.by_shell.get(shell, snippet.command)
    return _unmarked("\n".join([*lines, command] if command else lines))


_MARKS = tuple((place, f"FAREGATE/{place[1:-1]}") for place in (BASE, KEY, ORIGIN, MODEL, SMALL))


def _marked(value: str) -> str:
    for place, mark in _MARKS:
        value = value.replace(place, mark)
    return value


def _unmarked(text: str) -> str:
    for place, mark in _MARKS:
        text = text.replace(mark, place)
    return text


def _fill(text: str, url: str, key: str, models: Models) -> str:
    origin = url.rstrip("/")
    both = ", ".join(f'"{name}": {{}}' for name in dict.fromkeys((models.main, models.small)) if name)
    text = text.replace(BASE, f"{origin}/api/ai").replace(ORIGIN, origin).replace(BOTH, both)
    return text.replace(MODEL, models.main).replace(SMALL, models.small or models.main).replace(KEY, key)
