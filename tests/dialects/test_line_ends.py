"""Letters in which some readers of streams see the end of a line: Gemini CLI reads by Node's readline, to which U+2028
is one, and httpx by what `splitlines` does."""

import pytest

from gateway.dialects import DIALECTS
from gateway.dialects.dialect import AnswerContext
from gateway.events import Delta, Finish, PartEnd, PartStart, Start
from gateway.model import FinishReason

CONTEXT = AnswerContext(id="req_1", created=0, model="m")
SAID = "one\u2028two\u2029three\x85four"


@pytest.mark.parametrize("door", list(DIALECTS))
def test_no_line_of_a_stream_ends_within_what_is_said(door: str) -> None:
    writer = DIALECTS[door].writer(CONTEXT)
    events = [Start(id="a", model="m"), PartStart(0, "text"), Delta(0, SAID), PartEnd(0), Finish(FinishReason.STOP)]
    written = b"".join(writer.write(event) for event in events) + writer.close()
    assert written.decode().splitlines() == written.decode().replace("\r", "").split("\n")[:-1]
    assert b"u2028" in written
