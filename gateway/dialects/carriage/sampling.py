"""How the answer is drawn. Data only."""

from gateway.dialects.carriage.words import CONFIG, A, C, D, R, at, doors
from gateway.dialects.verdicts import Fate, Row

SAMPLING = (
    Row(
        "temperature",
        "Temperature",
        doors("temperature", "temperature", "temperature", CONFIG + "temperature"),
        at(Fate(C, {"no_sampling": D})),
    ),
    Row(
        "temperature_above_1",
        "Temperature above 1",
        doors("temperature", "temperature", None, CONFIG + "temperature"),
        at(C, C, A, C),
        note="1",
    ),
    Row(
        "top_p",
        "Nucleus sampling (top_p)",
        doors("top_p", "top_p", "top_p", CONFIG + "topP"),
        at(Fate(C, {"no_sampling": D})),
    ),
    Row(
        "top_p_beside_temperature",
        "top_p beside a temperature",
        doors("top_p", "top_p", "top_p", CONFIG + "topP"),
        at(Fate(C, {"no_sampling": D, "one_of_two": D})),
    ),
    Row(
        "top_k",
        "top_k",
        doors(None, None, "top_k", CONFIG + "topK"),
        at(D, D, Fate(C, {"no_sampling": D}), Fate(C, {"no_sampling": D})),
    ),
    Row(
        "sampling_while_thinking",
        "Sampling while the model thinks",
        doors(
            ("temperature", "top_p"),
            ("temperature", "top_p"),
            ("temperature", "top_p", "top_k"),
            (CONFIG + "temperature", CONFIG + "topP", CONFIG + "topK"),
        ),
        at(C, C, D, C),
    ),
    Row("seed", "Seed", doors("seed", None, None, CONFIG + "seed"), at(C, D, D, C)),
    Row("seed_size", "A seed beyond 32 bits", doors("seed"), at(C, D, D, D)),
    Row(
        "frequency_penalty",
        "Frequency penalty",
        doors("frequency_penalty", None, None, CONFIG + "frequencyPenalty"),
        at(Fate(C, {"no_penalties": D}), D, D, Fate(C, {"no_penalties": D})),
    ),
    Row(
        "presence_penalty",
        "Presence penalty",
        doors("presence_penalty", None, None, CONFIG + "presencePenalty"),
        at(Fate(C, {"no_penalties": D}), D, D, Fate(C, {"no_penalties": D})),
    ),
    Row("logit_bias", "Bias of single tokens", doors("logit_bias"), at(C, R, R, R)),
)
