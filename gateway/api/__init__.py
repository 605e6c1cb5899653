"""Routes besides those of inference: a handler each, over the gateway's queries and commands."""
