"""Places of the parts of a chart: bars, grid and labels. Templates draw them as SVG.

x and width are in per cent, so that a chart is as wide as its page; y and height are in pixels, so that
the text keeps its size.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

HEIGHT = 150
TOP, BOTTOM = 16, 130
"""Pixels of the highest value and of nought."""
MOST_LINES = 3
MOST_LABELS = 12
GAP = 0.24
"""Part of a bar's place that stays empty."""
HEAT_STEPS = 5


@dataclass(frozen=True, slots=True)
class Rect:
    """A part of a bar. `kind` is its class, `text` what it stands for."""

    x: float
    width: float
    y: float
    height: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the grid with its number."""

    y: float
    label: str


@dataclass(frozen=True, slots=True)
class Label:
    """A word below the bars, in the middle of its place."""

    x: float
    text: str


@dataclass(frozen=True, slots=True)
class BarChart:
    """Stacked bars over a grid."""

    rects: list[Rect]
    lines: list[Line]
    labels: list[Label]
    height: int = HEIGHT
    base: int = BOTTOM


def bar_chart(
    labels: Sequence[str],
    series: Sequence[tuple[str, str, Sequence[int]]],
    written: Callable[[int], str],
) -> BarChart:
    """Return stacked bars. `series` are class, name and one value for each label, the lowest first.

    `written` returns a number as people read it.
    """
    totals = [sum(values[i] for _, _, values in series) for i in range(len(labels))]
    step = _step(max(totals, default=0))
    top = step * MOST_LINES
    scale = (BOTTOM - TOP) / top
    place = 100 / max(1, len(labels))
    width = place * (1 - GAP)
    rects: list[Rect] = []
    for i, label in enumerate(labels):
        y = float(BOTTOM)
        for kind, name, values in series:
            if values[i]:
                height = values[i] * scale
                y -= height
                text = f"{label}: {written(values[i])} {name}"
                rects.append(Rect(i * place + place * GAP / 2, width, y, height, kind, text))
    lines = [Line(BOTTOM - step * n * scale, written(step * n)) for n in range(1, MOST_LINES + 1)]
    every = -(-len(labels) // MOST_LABELS)
    shown = [
        Label(i * place + place / 2, label) for i, label in enumerate(labels) if i % every == 0
    ]
    return BarChart(rects, lines, shown)


def heat(number: int, most: int) -> int:
    """Return the step of a number, from 0 for none to `HEAT_STEPS` for the most."""
    if number <= 0 or most <= 0:
        return 0
    return max(1, min(HEAT_STEPS, -(-number * HEAT_STEPS // most)))


def _step(most: int) -> int:
    """Return a round distance between grid lines so that `MOST_LINES` of them reach the highest value."""
    least = max(1, -(-most // MOST_LINES))
    power = 1
    while True:
        for factor in (1, 2, 5):
            if factor * power >= least:
                return factor * power
        if 25 * power // 10 >= least and power >= 10:
            return 25 * power // 10
        power *= 10
