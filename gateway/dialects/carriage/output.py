"""The form of the answer. Data only."""

from gateway.dialects.carriage.words import CONFIG, A, C, D, R, at, doors
from gateway.dialects.verdicts import Fate, Row

FORMAT = (
    Row(
        "structured_output",
        "JSON by a schema",
        doors(
            "response_format",
            "text.format",
            ("output_config.format", "output_format"),
            (CONFIG + "responseJsonSchema", CONFIG + "responseSchema"),
        ),
        at(C),
    ),
    Row(
        "schema_keywords",
        "Keywords of that schema that the dialect lacks",
        doors("response_format", "text.format", "output_config.format", CONFIG + "responseJsonSchema"),
        at(C, C, A, A),
        note="they become words in the description",
    ),
    Row(
        "json_object",
        "JSON without a schema",
        doors("response_format", "text.format", None, CONFIG + "responseMimeType"),
        at(C, C, A, C),
        note="an instruction asks for it",
    ),
    Row(
        "output_type",
        "Another type of output (`text/x.enum`, `responseFormat`)",
        doors(gemini=(CONFIG + "responseMimeType", CONFIG + "responseFormat")),
        at(R, R, R, C),
        beside=True,
    ),
    Row("verbosity", "Verbosity", doors("verbosity", "text.verbosity"), at(C, C, D, D), beside=True),
    Row(
        "max_tokens",
        "Output limit",
        doors(("max_completion_tokens", "max_tokens"), "max_output_tokens", "max_tokens", CONFIG + "maxOutputTokens"),
        at(C),
    ),
    Row(
        "stop",
        "Stop sequences",
        doors("stop", None, "stop_sequences", CONFIG + "stopSequences"),
        at(Fate(C, {"no_stop": R}), R, Fate(C, {"no_stop": R}), Fate(C, {"no_stop": R})),
        say="The model takes no stop sequences: leave `{field}` out.",
    ),
    Row(
        "stop_count",
        "More stop sequences than the dialect takes (chat 4, Gemini 5)",
        doors("stop", None, "stop_sequences", CONFIG + "stopSequences"),
        at(R, R, C, R),
        say="The model takes up to {detail} stop sequences: send fewer in `{field}`.",
    ),
    Row(
        "n",
        "Several answers",
        doors("n", None, None, CONFIG + "candidateCount"),
        at(C, R, R, C),
        say="The model's provider gives one answer for a request: leave `{field}` out.",
    ),
    Row(
        "logprobs",
        "Log probabilities",
        doors(
            ("logprobs", "top_logprobs"),
            ("include", "top_logprobs"),
            None,
            (CONFIG + "responseLogprobs", CONFIG + "logprobs"),
        ),
        at(C, C, R, C),
        say="The model's provider gives no log probabilities: leave `{field}` out.",
    ),
    Row("prediction", "A predicted answer", doors("prediction"), at(C, D, D, D), beside=True),
)
