"""Errors whose message is a sentence for the person at the window; any other is a fault of ours, and goes on up."""

from gateway import FaregateError, GatewayError

KNOWN_ERRORS = (FaregateError, GatewayError, OSError)
