"""What the Overview and the Requests table must say, worked out from the usage API's JSON."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from app.formats import UNKNOWN, clock, count, delta_percent, delta_points, duration, money, money_column, percent

TITLES = {"openai": "OpenAI", "anthropic": "Anthropic", "google": "Google Gemini", "xai": "xAI"}
TOP_MODELS = 5
NANO = 1_000_000_000

Json = Mapping[str, Any]


def nano(dollars: str | None) -> int | None:
    return None if dollars is None else int(Decimal(dollars) * 1_000_000_000)


def us(iso: str) -> int:
    moment = datetime.fromisoformat(iso)
    return int(moment.replace(microsecond=0).timestamp()) * 1_000_000 + moment.microsecond


def tokens(sums: Json) -> int:
    return (sums["input_tokens"] or 0) + (sums["output_tokens"] or 0)


def marked(text: str, sums: Json, *sources: str, cost: int | None = None) -> str:
    """With the mark of estimates, where the sums hold rows that were counted so, or `fuzzy` prices. `cost`: what
    the text tells in nano-dollars, where it is money."""
    counted = {**sums["usage_sources"], "fuzzy": sums["price_fuzzy_requests"]}
    return mark(text, any(counted[source] for source in sources), cost)


def marked_cost(text: str, sums: Json) -> str:
    return marked(text, sums, "partial", "estimated", "fuzzy", cost=nano(sums["cost_usd"]))


def mark(text: str, estimated: bool, cost: int | None = None) -> str:
    if not estimated or text == UNKNOWN:
        return text
    return f"≈${float(f'{cost / NANO:.0e}'):.9f}".rstrip("0") if cost and text.startswith("<") else f"≈{text}"


def error_rate(sums: Json) -> float | None:
    return sums["errors"] / sums["requests"] if sums["requests"] else None


def cards(summary: Json) -> dict[str, tuple[str, str]]:
    """By card: the value with its unit, and the badge."""
    before = summary["previous"]
    had = before["requests"] > 0
    cost, cost_before = nano(summary["cost_usd"]), nano(before["cost_usd"])
    latency, latency_before = summary["latency_ms"]["avg"], before["latency_ms"]["avg"]
    rate, rate_before = error_rate(summary), error_rate(before)

    def badge(now: float | None, then: float | None) -> str:
        if not had:
            return "new" if now else ""
        return (delta_percent(now, then) or "").lstrip("+−")

    points = "" if rate is None or rate_before is None else delta_points(rate, rate_before).lstrip("+−")
    return {
        "requests": (count(summary["requests"]), badge(summary["requests"], before["requests"])),
        "tokens": (
            marked(count(tokens(summary)), summary, "partial", "estimated"),
            badge(tokens(summary), tokens(before)),
        ),
        "cost": (marked_cost(money(cost), summary), badge(cost, cost_before)),
        "latency": (duration(latency), badge(latency, latency_before)),
        "errors": (percent(rate), points if had else "new" if rate is not None else ""),
    }


def requests_bars(buckets: Sequence[Json]) -> list[dict[str, str]]:
    return [
        {"Success": whole(b["requests"] - b["errors"]), "Errors": whole(b["errors"]), "Total": whole(b["requests"])}
        for b in buckets
    ]


def tokens_bars(buckets: Sequence[Json]) -> list[dict[str, str]]:
    bars = []
    for bucket in buckets:
        given, cached, made = (known_of(bucket, f"{part}_tokens") for part in ("input", "cached", "output"))
        fresh = None if given is None else given - (cached or 0)
        parts = {
            "Input": marked_part(whole, fresh, bucket, "estimated"),
            "Cached input": UNKNOWN if cached is None else whole(cached),
            "Output": marked_part(whole, made, bucket, "estimated", "partial"),
        }
        guessed = any(value.startswith("≈") for value in parts.values())
        total = total_of((fresh, cached, made))
        bars.append({**parts, "Total": UNKNOWN if total is None else f"{'≈' if guessed else ''}{whole(total)}"})
    return bars


def known_of(sums: Json | None, field: str) -> int | None:
    """Of sums of requests, nano-dollars where it is money: 0 where there are none, None where it is unknown."""
    if sums is None:
        return 0
    value: int | None = nano(sums[field]) if field == "cost_usd" else sums[field]
    return 0 if value is None and not sums["requests"] else value


def total_of(parts: Collection[int | None]) -> int | None:
    """What is known of them; None where that comes to nothing and others are unknown."""
    total = sum(part or 0 for part in parts)
    return total if total or None not in parts else None


def whole(number: int) -> str:
    return f"{number:,}"


def marked_part(text: Callable[[int], str], value: int | None, sums: Json | None, *sources: str) -> str:
    """A part of a bar; nothing is no estimate, and nor is what is unknown."""
    if value is None:
        return UNKNOWN
    cost = value if "fuzzy" in sources else None
    return marked(text(value), sums, *sources, cost=cost) if value and sums else text(value)


def without(whole: Json, groups: Sequence[Json]) -> Json:
    """How the rest was counted, beside the groups of a whole."""
    sources = {
        name: count - sum(group["usage_sources"][name] for group in groups)
        for name, count in whole["usage_sources"].items()
    }
    fuzzy = whole["price_fuzzy_requests"] - sum(group["price_fuzzy_requests"] for group in groups)
    return {"usage_sources": sources, "price_fuzzy_requests": fuzzy}


def cost_bars(buckets: Sequence[Json], by_model: Sequence[Json], models: Sequence[Json]) -> list[dict[str, str]]:
    """`models` is the breakdown, `by_model` the series split by model."""
    top = [row["value"] for row in models if row["value"] and nano(row["cost_usd"])][:TOP_MODELS]
    counted = {(bucket["value"], bucket["start"]): bucket for bucket in by_model}
    stacks: list[dict[str, int | None]] = []
    for bucket in buckets:
        parts = {model: known_of(counted.get((model, bucket["start"])), "cost_usd") for model in top}
        all_of_it = known_of(bucket, "cost_usd")
        parts["Other"] = None if all_of_it is None else all_of_it - sum(part or 0 for part in parts.values())
        stacks.append(parts)
    if not any(parts["Other"] for parts in stacks):
        for parts in stacks:
            del parts["Other"]
    bars = []
    for bucket, parts in zip(buckets, stacks, strict=True):
        bar = {}
        total, places = total_of(parts.values()), adding_places([part or 0 for part in parts.values()])
        for name, value in parts.items():
            listed = [sums for model in top if (sums := counted.get((model, bucket["start"])))]
            sums = without(bucket, listed) if name == "Other" else counted.get((name, bucket["start"]))
            bar[name] = marked_part(
                partial(money_column, places=places), value, sums, "estimated", "partial", "fuzzy"
            )
        guessed = any(value.startswith("≈") for value in bar.values())
        if len(parts) > 1:
            words = UNKNOWN if total is None else money_column(total, places_of(total))
            bar["Total"] = f"{'≈' if guessed else ''}{words}"
        bars.append(bar)
    return bars


def latency_lines(buckets: Sequence[Json]) -> list[dict[str, str]]:
    return [{name: duration(bucket["latency_ms"][name]) for name in ("p95", "p50")} for bucket in buckets]


def places_of(largest: int) -> int:
    """The decimals of a column of money by its largest amount."""
    rounded = round(largest / NANO, 6)
    return 2 if not largest or round(largest / NANO, 3) >= 1 else 3 if rounded >= 0.01 else 6


def adding_places(parts: Sequence[int]) -> int:
    """Those of the sum, and more until the rounded parts come to it."""
    fewest = places_of(sum(parts))
    unit = Decimal(1).scaleb(-fewest)
    total = (Decimal(sum(parts)) / NANO).quantize(unit)
    for places in range(fewest, 9):
        shown = sum((Decimal(part) / NANO).quantize(Decimal(1).scaleb(-places)) for part in parts)
        if abs(shown - total) < unit / 2 or shown * NANO == sum(parts):
            return places
    return 9


def breakdown(answer: Json, total: Json, dimension: str, titles: Sequence[str]) -> list[list[str]]:
    """The lines of a breakdown table, all of them, in the columns that are on show."""
    whole = nano(total["cost_usd"]) or 0
    dearest = max((nano(row["cost_usd"]) or 0 for row in answer["data"]), default=0)
    places = places_of(dearest)
    lines = []
    for row in answer["data"]:
        cost, speed = nano(row["cost_usd"]), row["tokens_per_s"]
        cells = {
            "Name": _name(row["value"], dimension),
            "Share of cost": UNKNOWN if cost is None else _share(cost / whole if whole else 0.0),
            "Tokens in": marked(count(row["input_tokens"]), row, "estimated"),
            "Tokens out": marked(count(row["output_tokens"]), row, "partial", "estimated"),
            "Tokens/s": UNKNOWN if speed is None else count(speed) if round(speed, 1) >= 10 else f"{speed:.1f}",
            "TTFT": duration(row["ttft_ms"]["avg"]),
            "Avg latency": duration(row["latency_ms"]["avg"]),
            "p95": duration(row["latency_ms"]["p95"]),
            "Errors": percent(error_rate(row)),
            "Requests": count(row["requests"]),
            "Cost": marked_cost(money_column(cost, places), row),
        }
        lines.append([cells[title] for title in titles])
    return lines


def _share(share: float) -> str:
    return "<1%" if 0 < share < 0.005 else f"{share:.0%}"


def _name(value: str | None, dimension: str) -> str:
    if value is None:
        return {"app": "Unknown app"}.get(dimension, f"No {dimension}")
    return TITLES.get(value, value) if dimension == "provider" else value


def request_line(row: Json, tz: str) -> dict[str, str]:
    """A row of the Requests table, by the titles of its columns."""
    guessed = row["usage_source"] in ("estimated", "partial")
    priced = row["cost_source"] in ("list", "override") and (guessed or row["price_fuzzy"])
    status = {"aborted": "Aborted", "interrupted": "Interrupted"}.get(row["outcome"], str(row["status"]))
    return {
        "Time": clock(us(row["started_at"]), tz),
        "Status": status,
        "Model": row["model"] or row["model_requested"] or UNKNOWN,
        "Provider": TITLES[row["provider"]] if row["provider"] else UNKNOWN,
        "Key": row["key"],
        "User": row["user"] or UNKNOWN,
        "Tags": ", ".join(row["tags"]),
        "Tokens in": mark(count(row["input_tokens"]), row["usage_source"] == "estimated"),
        "Tokens out": mark(count(row["output_tokens"]), guessed),
        "Cost": mark(money_column(nano(row["cost_usd"])), priced),
        "TTFT": duration(row["ttft_ms"]),
        "Latency": duration(row["latency_ms"]),
    }


def model_line(price: Json, usage: Json | None, places: int) -> dict[str, str]:
    """What a row of Models & prices says of a price and, where it was used, of its breakdown. `places`: the decimals
    of its costs."""
    at_first = {unit["unit"]: unit for unit in price["prices"] if unit["above_input_tokens"] is None}

    def dollars(unit: str) -> str:
        found = at_first.get(unit)
        if found is None:
            return UNKNOWN
        exact = Decimal(found["usd"]) * 1_000_000 / found["per"]
        places = max(3, -int(exact.normalize().as_tuple().exponent))
        return f"${exact:,.{places}f}"

    return {
        "Model": price["model"],
        "Provider": TITLES[price["provider"]],
        "Input": dollars("input"),
        "Cached": dollars("cached"),
        "Cache write": dollars("cache write" if "cache write" in at_first else "cache write, 5 minutes"),
        "Output": dollars("output"),
        "Source": {"list": "List", "override": "Edited", "none": "No price"}[price["source"]],
        "Requests": "" if usage is None else count(usage["requests"]),
        "Cost": "" if usage is None else marked_cost(money_column(nano(usage["cost_usd"]), places), usage),
    }


def provider_card(provider: Json, today: Json | None) -> dict[str, str]:
    """A provider's figures, by the names of their labels."""
    requests, errors = (today["requests"], today["errors"]) if today is not None else (0, 0)
    words = "1 request" if requests == 1 else f"{requests:,} requests"
    return {
        "provider_cost": money(0) if today is None else marked_cost(money(nano(today["cost_usd"])), today),
        "provider_requests": f"{words}, {percent(errors / requests)} failed" if errors else words,
        "provider_models": count(provider["models"]),
        "provider_masked": provider["masked"] or UNKNOWN,
    }


def conversation_line(row: Json) -> list[str]:
    """A conversation as its row is read out, up to what tells the time."""
    models, requests = row["models"], row["requests"]
    named = models[0] if len(models) == 1 else f"{models[0]} +{len(models) - 1}"
    guessed = row["unpriced_requests"] or {"estimated", "partial"} & set(row["usage_sources"])
    cost = mark(money_column(nano(row["cost_usd"]), 4), bool(guessed))
    return [row["title"], named, "1 call" if requests == 1 else f"{requests} calls", cost]
