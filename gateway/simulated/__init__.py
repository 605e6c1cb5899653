"""The demo's providers (`server`) and its example history (`history`): real traffic needs nothing in here."""
