"""A request's headers as blocks to read, one for each message that bore them. Pure."""

from app.pages.conversations_parts.block import Block
from app.translation import tr
from gateway import (
    HEADERS_ANSWERED,
    HEADERS_ASKED,
    HEADERS_GIVEN,
    HEADERS_SENT,
    ExchangeHeaders,
    HeaderGroup,
)

HEADERS = "headers"


def header_blocks(kept: ExchangeHeaders, provider: str) -> tuple[Block, ...]:
    """In order of time; `provider` is the title of who was called."""
    calls = max((group.attempt for group in kept.groups), default=0)
    titles = {
        HEADERS_ASKED: tr("From the caller"),
        HEADERS_SENT: tr("To {provider}").format(provider=provider),
        HEADERS_ANSWERED: tr("From {provider}").format(provider=provider),
        HEADERS_GIVEN: tr("To the caller"),
    }
    return tuple(
        Block(
            key=f"{HEADERS}{number}",
            kind="headers",
            title=titles[group.whose],
            detail=group.line,
            right=tr("attempt {number}").format(number=group.attempt) if calls > 1 and group.attempt else "",
            text=_lines(group),
        )
        for number, group in enumerate(kept.groups)
    )


def _lines(group: HeaderGroup) -> str:
    return "\n".join(f"{name}: {value}" for name, value in zip(group.names, group.values, strict=True))
