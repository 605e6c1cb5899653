"""What went wrong with a request, in one plain sentence that says what to do."""

from app.translation import Words, tr
from gateway import ExchangeRecord

_ENDINGS = Words(
    {
        "aborted": "The client left before the answer was complete; the call to the provider was cancelled at once.",
        "interrupted": "The gateway stopped while this request was running; send it again.",
    }
)
_CAUSES = Words(
    {
        "rate_limited": "The provider's rate limit was reached; wait a little and send it again.",
        "provider_quota": "The provider's quota is used up; check the account's billing.",
        "provider_key_rejected": "The provider rejected its key; replace it on the Providers page.",
        "provider_unconfigured": "This provider has no key; set one on the Providers page.",
        "timeout": "The provider fell silent; send it again.",
        "overloaded": "The provider is overloaded; send it again later.",
        "connection_lost": "The connection to the provider was lost; send it again.",
        "unreadable_answer": "The provider's answer could not be read; send it again.",
        "context_too_long": "The request is longer than the model's context; shorten it.",
        "not_found": "The model or path is not known; check its name.",
    }
)


def cause(row: ExchangeRecord) -> str | None:
    """What went wrong in one plain sentence, None where nothing did."""
    if row.outcome == "ok":
        return None
    if row.error_message:
        return row.error_message
    known = _ENDINGS.get(row.outcome) or _CAUSES.get(row.error_type or "")
    return known or tr(
        "The request ended with status {status}; see its attempts for what the provider answered."
    ).format(status=row.status)
