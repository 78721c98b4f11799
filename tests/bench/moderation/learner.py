"""Figures 10 and 11: the learner on a public corpus of mail, and whether the slider keeps its promise."""

import statistics

from tests.bench import bench_learner
from tests.bench.moderation.figures import Asked, Group, Tell, Values

GOOD = 3_000
CAUGHT = {100: 45, 300: 57, 1_000: 70}
"""Percent to catch, by bad texts seen."""
ASKED = (
    Asked(10, "asked for 0.1 % false alarms: got, highest mean of a size", 0.15, "%"),
    Asked(10, "asked for 0.1 %: got, worst seed", 0.45, "%"),
    *(
        Asked(10, f"caught after {bad:,} bad", percent, "%", at_least=True)
        for bad, percent in CAUGHT.items()
    ),
    Asked(10, "CPU for a text", 150, "µs"),
    Asked(11, "promised rate and that of the next 1,000 agree", 95, "% of runs", at_least=True),
    Asked(11, "forecast of the catch, furthest mean from what was caught", 5, "points"),
)


def measure(tell: Tell) -> Values:
    """Learn and test with each seed."""
    tell(f"{bench_learner.SEEDS} seeds of {len(bench_learner.SIZES)} sizes")
    figures, cost = bench_learner.run()
    alarms = [one for figure in figures.values() for one in figure.alarms[0.001]]
    means = [statistics.mean(figure.alarms[0.001]) for figure in figures.values()]
    kept = [one for figure in figures.values() for some in figure.kept.values() for one in some]
    away = [
        abs(statistics.mean(figure.forecast[rate]) - statistics.mean(figure.caught[rate]))
        for figure in figures.values()
        for rate in bench_learner.RATES
    ]
    caught = [statistics.mean(figures[bad, GOOD].caught[0.001]) for bad in CAUGHT]
    values = (max(means), max(alarms), *caught, cost, 100 * statistics.mean(kept), max(away))
    return {one.says: value for one, value in zip(ASKED, values, strict=True)}


GROUP = Group(ASKED, "seeds 0 to 15", "python -m tests.bench.bench_learner", measure)
