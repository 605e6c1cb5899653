"""What went wrong with a request, in one plain sentence that says what to do."""

from app.translation import Words, later, tr
from gateway import AttemptRecord, ExchangeRecord

_ENDINGS = Words(
    {
        "aborted": later(
            "The client left before the answer was complete; the call to the provider was cancelled at once."
        ),
        "interrupted": later("The gateway stopped while this request was running; send it again."),
    }
)
_CAUSES = Words(
    {
        "rate_limited": later("The provider's rate limit was reached; wait a little and send it again."),
        "provider_quota": later("The provider's quota is used up; check the account's billing."),
        "provider_key_rejected": later("The provider rejected its key; replace it on the Providers page."),
        "provider_unconfigured": later("This provider has no key; set one on the Providers page."),
        "timeout": later("The provider fell silent; send it again."),
        "overloaded": later("The provider is overloaded; send it again later."),
        "connection_lost": later("The connection to the provider was lost; send it again."),
        "unreadable_answer": later("The provider's answer could not be read; send it again."),
        "context_too_long": later("The request is longer than the model's context; shorten it."),
        "not_found": later("The model or path is not known; check its name."),
    }
)
_REFUSALS = Words(
    {
        "bad_request": later("The provider refused the request as it was written."),
        "rate_limited": later("The provider's rate limit was reached."),
        "provider_quota": later("The provider's quota was used up."),
        "provider_key_rejected": later("The provider rejected its key."),
        "timeout": later("The provider fell silent."),
        "overloaded": later("The provider was overloaded."),
        "connection_lost": later("The connection to the provider was lost."),
        "unreadable_answer": later("The provider's answer could not be read."),
        "context_too_long": later("The request was longer than the model's context."),
        "not_found": later("The provider did not know the model."),
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


def refusal(row: ExchangeRecord, attempt: AttemptRecord) -> str | None:
    """What went wrong with one of a request's attempts; the last one's ending is the request's own."""
    if attempt is row.attempts[-1]:
        return cause(row)
    known = _REFUSALS.get(attempt.error_type or "")
    if known is not None or attempt.status is None:
        return known or tr("The provider gave no answer.")
    return tr("The provider answered with status {status}.").format(status=attempt.status)
