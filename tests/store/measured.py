"""What a row adds to each sum, said plainly: what the store's own ways of counting are held against."""

from gateway.records import COST_SOURCES, USAGE_SOURCES, ExchangeRecord
from gateway.store.measures import COUNTS, DURATIONS, FAILED_OUTCOMES, MEASURES, generation_us


def measure(record: ExchangeRecord) -> tuple[int, ...]:
    """In the order of `MEASURES`."""
    cost, generation = record.cost_nano, generation_us(record)
    added = {
        "requests": 1,
        "errors": record.outcome in FAILED_OUTCOMES,
        "priced": cost is not None or not record.unpriced,
        "cost_nano": cost or 0,
        "generated_tokens": 0 if generation is None else record.output_tokens or 0,
        "generation_us": generation or 0,
        "price_fuzzy": record.price_fuzzy and cost is not None,
        **{f"usage_{source}": source == record.usage_source for source in USAGE_SOURCES},
        **{f"cost_{source}": source == record.cost_source for source in COST_SOURCES},
    }
    for name in (*COUNTS, *DURATIONS):
        number = getattr(record, name)
        added |= {name: number or 0, f"{name}_known": number is not None}
    assert added.keys() == set(MEASURES)
    return tuple(int(added[name]) for name in MEASURES)
