"""All rows of the benchmark, measured one after another."""

import time
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.bench import (
    bench_actions,
    bench_connections,
    bench_fanout,
    bench_learner,
    bench_owners,
    bench_queue,
    bench_reads,
    bench_rules,
    bench_trials,
)
from tests.bench.cpu_noise import CpuNoise
from tests.bench.processes import ProcessPool, ServerAndClient
from tests.bench.results import Result
from tests.bench.rivals import rivals_in


class UnknownRowError(ValueError):
    """A name that is not a row of the benchmark."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Options of a run. `only` names the rows to measure; empty means all.

    `rivals` is the folder of rival programs; None measures no rivals.
    """

    repeats: int = 5
    idle_s: float = 30.0
    only: Sequence[str] = ()
    postgres: str | None = None
    rivals: Path | None = None


def rows_of(choice: Choice) -> Iterator[tuple[str, Callable[[], Result]]]:
    """Yield the name and the measurement of each row."""

    def start_rivals(
        pool: ProcessPool, names: Container[str]
    ) -> tuple[dict[str, ServerAndClient], dict[str, str]]:
        return ({}, {}) if choice.rivals is None else rivals_in(choice.rivals, pool, names)

    yield from bench_fanout.all_rows(choice.repeats, start_rivals)
    yield from bench_actions.all_rows(choice.repeats, choice.postgres)
    yield from bench_connections.all_rows(choice.repeats, choice.idle_s)
    yield from bench_reads.all_rows(choice.repeats)
    yield from bench_owners.all_rows(choice.repeats, choice.postgres)
    yield "rules", bench_rules.row
    yield "trials", bench_trials.row
    yield "learner", bench_learner.row
    yield from bench_queue.all_rows(choice.repeats, choice.postgres)


def run(choice: Choice, report: Callable[[str], None]) -> Iterator[Result]:
    """Measure row by row and report the progress. A failure is recorded in its row.

    Raises `UnknownRowError`.
    """
    rows = dict(rows_of(choice))
    if unknown := set(choice.only) - set(rows):
        raise UnknownRowError(
            f"No row is called {', '.join(sorted(unknown))}: use {', '.join(rows)}."
        )
    names = choice.only or list(rows)
    started = time.monotonic()
    for number, name in enumerate(names, 1):
        begin = time.monotonic()
        report(f"{number} of {len(names)}: {name} …")
        row = _measure(name, rows[name])
        row.rounds = max(map(len, row.samples.values()), default=0)
        now = time.monotonic()
        report(f"{name}: {now - begin:.0f} s, {(now - started) / 60:.1f} minutes in all")
        yield row


def _measure(name: str, measure: Callable[[], Result]) -> Result:
    when, noise = datetime.now(UTC), CpuNoise()
    try:
        row = measure()
    except Exception as error:
        row = Result(name, "", failed=str(error).strip().splitlines()[-1][:200])
    row.key, row.when = name, f"{when:%Y-%m-%d %H:%M}"
    row.cpu_noise = noise.fraction()
    return row
