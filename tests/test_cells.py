"""Single cells of the carriage table."""

import pytest

from gateway.cells import Cell, cell
from gateway.dialects.verdicts import Verdict
from gateway.model import Target


@pytest.mark.parametrize(
    ("door", "provider", "feature", "expected"),
    [
        ("openai_chat", "openai", "logit_bias", Cell(Verdict.CARRIED)),
        ("openai_responses", "xai", "previous_response_id", Cell(Verdict.CARRIED)),
        ("openai_chat", "anthropic", "seed", Cell(Verdict.DROPPED, ("seed",))),
        ("gemini", "anthropic", "seed", Cell(Verdict.DROPPED, ("generationConfig.seed",))),
        (
            "openai_responses",
            "google",
            "previous_response_id",
            Cell(Verdict.REFUSED, ("previous_response_id", "conversation")),
        ),
        ("anthropic", "xai", "tool_result_image", Cell(Verdict.ADAPTED, ("messages[].content[].content",))),
    ],
)
def test_a_cell_says_the_verdict_in_the_doors_words(door: str, provider: str, feature: str, expected: Cell) -> None:
    assert cell(door, provider, feature) == expected


def test_the_model_and_the_rendered_dialect_decide_where_they_must() -> None:
    grok = Target(model="grok-4.3", stop=False)
    refused = Cell(Verdict.REFUSED, ("stop_sequences",))
    assert cell("anthropic", "xai", "stop") == Cell(Verdict.CARRIED)
    assert cell("anthropic", "xai", "stop", target=grok) == refused
    assert cell("anthropic", "openai", "stop", dialect="openai_responses") == refused
