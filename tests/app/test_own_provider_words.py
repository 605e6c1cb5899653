"""What is wrong with a provider of one's own is said in the words of the form, as the gateway finds it."""

from pathlib import Path

import pytest

from app.pages.providers_parts.own_panel import said_here
from gateway.configuration.setting_values import SettingsError
from gateway.configuration.settings_edit import put_provider

FINE = {"name": "house", "dialect": "openai_chat", "base_url": "http://127.0.0.1:1234/v1"}


@pytest.mark.parametrize(
    ("values", "begins"),
    [
        ({"name": "My Server"}, "The name must be lower-case letters"),
        ({"base_url": "127.0.0.1:1234"}, "The base URL must be an address"),
        ({"base_url": "https://exa mple.com"}, "The base URL must be an address"),
        ({"base_url": "https://user:pw@example.com/v1"}, "The base URL must be an address"),
    ],
)
def test_a_refusal_names_the_forms_field(tmp_path: Path, values: dict[str, str], begins: str) -> None:
    with pytest.raises(SettingsError) as refused:
        put_provider(tmp_path, FINE | values)
    assert said_here(str(refused.value)).startswith(begins)
    assert not (tmp_path / "config.toml").exists()


def test_any_other_sentence_stays_as_it_is() -> None:
    assert said_here("There is a provider of that name.") == "There is a provider of that name."
