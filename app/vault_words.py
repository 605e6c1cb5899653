"""Why provider keys cannot be kept, as the window says it."""

import re

from app.translation import tr

_VARIABLE = re.compile(r" \(FAREGATE_VAULT=\w+\)")


def vault_words(message: str) -> str:
    """The gateway's sentence without what is set where there is no window; where it is empty, one of our own."""
    words = _VARIABLE.sub("", message).replace('"memory"', tr("memory"))
    return words or tr("The system's keyring is not available: choose where provider keys are kept.")
