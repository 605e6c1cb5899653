"""Keys: those that clients are let in by, and those that providers are called with."""
