"""`config.toml`: what may stand in it, what is in force, and how it is changed."""
