"""An answer as blocks of the thread's viewer: what the model thought, said and called, and how it ended. Pure."""

from collections.abc import Iterator

from app.pages.conversations_parts.block import Block
from app.translation import tr
from gateway import ComparedAnswer, Part, Reasoning, ToolCall


def blocks_of(answer: ComparedAnswer) -> tuple[Block, ...]:
    """The same key stands for the same part while it grows."""
    return (*_said(answer.parts), *_ending(answer))


def _said(parts: tuple[Part, ...]) -> Iterator[Block]:
    run: list[Part] = []
    for place, part in enumerate((*parts, None)):
        if part is not None and not isinstance(part, Reasoning | ToolCall):
            run.append(part)
            continue
        if run:
            first = place - len(run)
            yield Block(key=f"p{first}", kind="assistant", title=tr("Answer"), parts=tuple(run))
            run = []
        if isinstance(part, Reasoning):
            yield Block(key=f"p{place}", kind="reasoning", title=tr("Reasoning"), parts=(part,))
        elif isinstance(part, ToolCall):
            yield Block(key=f"p{place}", kind="tool", title=tr("Tool call"), detail=part.name, parts=(part,))


def _ending(answer: ComparedAnswer) -> Iterator[Block]:
    row = answer.record
    if row is None:
        if not answer.parts:
            yield Block(key="waiting", kind="waiting", title=tr("Waiting"))
    elif row.outcome == "aborted":
        # The row tells of a client that left: here it is the person who asked.
        yield Block(key="end", kind="repeated", title=tr("You stopped it"))
    elif row.outcome != "ok":
        yield Block(
            key="end",
            kind="error",
            title=tr("Interrupted") if row.outcome == "interrupted" else tr("Error"),
            right=tr("status {0}").format(row.status) if row.outcome == "error" and (row.status or 0) >= 400 else "",
            text=row.error_message or row.error_type or "",
        )
    elif not answer.parts:
        yield Block(key="end", kind="repeated", title=tr("Empty answer"))
