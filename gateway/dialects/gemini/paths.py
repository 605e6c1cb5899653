"""Where Google keeps a model: under `models/`, and the ones that were tuned by their owner under `tunedModels/`."""

from urllib.parse import quote

TUNED = "tunedModels/"


def resource(model: str) -> str:
    """The path of a model, which a verb follows; relative to the base URL."""
    name = model.removeprefix("models/")
    if name.startswith(TUNED):
        return f"/v1beta/{TUNED}{quote(name.removeprefix(TUNED), safe='')}"
    return f"/v1beta/models/{quote(name, safe='')}"
