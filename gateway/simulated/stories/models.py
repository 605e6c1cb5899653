"""Who answers in the stories: provider and model."""

SONNET = ("anthropic", "claude-sonnet-4-6")
HAIKU = ("anthropic", "claude-haiku-4-5")
GPT = ("openai", "gpt-5.4")
MINI = ("openai", "gpt-4.1-mini")
FLASH = ("google", "gemini-2.5-flash")
GROK = ("xai", "grok-4.3")
