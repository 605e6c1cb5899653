"""Errors of the gateway: three leaves, a status each, rendered in the door's dialect where a request ends.

GatewayError
├── ClientError      the caller's input is wrong, or the caller may not do this
│   └── Unsupported  the request is right, but cannot be carried to this provider without changing its meaning
└── UpstreamError    the provider refused, failed, fell silent or said something unreadable

`FaregateError` stands beside them: what is wrong on this machine, outside any request.

A message is one sentence for a person: what happened, and what to do. It never holds a secret.
"""

from collections.abc import Mapping
from typing import Any

from gateway.model import Usage

NO_HEADERS: Mapping[str, str] = {}
UNSUPPORTED = "unsupported_parameter"


class GatewayError(Exception):
    """`kind` is a neutral word that each dialect maps to its own type and code.

    Kinds: bad_request, context_too_long, key_invalid (ours), provider_key_rejected, forbidden, budget_exhausted,
    not_found, method_not_allowed, too_large, unsupported_media_type, upgrade_required, rate_limited,
    provider_quota, overloaded, provider_unconfigured, provider_error, unreadable_answer, connection_lost, timeout,
    loop_detected, internal, client_left and interrupted (in rows alone).

    `param` is the client's own field path, where one is to blame. `headers` are sent with the error
    (`retry-after`, `x-should-retry`). `code` is the provider's own code, kept where it said one. `own_words`: the
    message is ours and repeats nothing of what was sent or answered, so it may be kept where that is not.
    """

    own_words = True

    def __init__(
        self,
        message: str,
        *,
        status: int,
        kind: str,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.kind = kind
        self.param = param
        self.code = code
        self.headers = headers


class ClientError(GatewayError):
    """Bad input: 4xx by default. The message may quote it."""

    own_words = False

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "bad_request",
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> None:
        super().__init__(message, status=status, kind=kind, param=param, code=code, headers=headers)


def missing(message: str) -> ClientError:
    """There is nothing of the name or id that was asked for."""
    return ClientError(message, status=404, kind="not_found", code="not_found")


class Unsupported(ClientError):
    """A field whose loss would change the meaning of the answer; `param` names it in the client's own words."""

    def __init__(self, message: str, *, param: str, code: str = UNSUPPORTED) -> None:
        super().__init__(message, status=400, kind="bad_request", param=param, code=code)


class UpstreamError(GatewayError):
    """A bad peer. The message is the provider's where it said one.

    `upstream_status` is what the provider answered, None where it answered nothing. `said`: its error's whole body,
    decoded, for a client of the same dialect. `usage`: what an answer counted that failed; `output_bytes`: of UTF-8,
    what it had said before.
    """

    said: Mapping[str, Any] | None = None
    usage: Usage | None = None
    output_bytes: int = 0

    def __init__(
        self,
        message: str,
        *,
        status: int = 502,
        kind: str = "provider_error",
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
        upstream_status: int | None = None,
        own_words: bool = False,
    ) -> None:
        super().__init__(message, status=status, kind=kind, param=param, code=code, headers=headers)
        self.upstream_status = upstream_status
        self.own_words = own_words


class FaregateError(Exception):
    """Something on this machine is not as it must be: settings, data folder, vault, a key's name.

    The message is one sentence for a person; `exit_code` is what a command that meets it exits with.
    """

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Unusable(FaregateError):
    """A database of the data folder, or the network, cannot be used now; whoever asks again later may be served."""
