"""Whom the gateway can call, a row each, and what their models are."""
