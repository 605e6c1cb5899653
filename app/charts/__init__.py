"""The charts of the Overview and of Compare: all that pyqtgraph draws, and nothing outside imports it.

Importing this package costs a fifth of a second, numpy included, so a page imports it after its first paint. A new
chart is one file with a `ChartSpec` and one line in `CHARTS`.
"""

import app.charts.bare_library  # noqa: F401
from app.charts.card import ChartCard
from app.charts.cost import COST
from app.charts.data import (
    ChartData,
    ChartInput,
    ChartSpec,
    Group,
    Series,
    chart_data,
    duration_axis,
    money_axis,
    peak_of,
)
from app.charts.latency import LATENCY, TIMINGS
from app.charts.requests import REQUESTS
from app.charts.scatter import Point, ScatterCard, ScatterSpec
from app.charts.tokens import TOKENS

CHARTS: tuple[ChartSpec, ...] = (REQUESTS, TOKENS, COST, LATENCY)

__all__ = [
    "CHARTS",
    "TIMINGS",
    "ChartCard",
    "ChartData",
    "ChartInput",
    "ChartSpec",
    "Group",
    "Point",
    "ScatterCard",
    "ScatterSpec",
    "Series",
    "chart_data",
    "duration_axis",
    "money_axis",
    "peak_of",
]
