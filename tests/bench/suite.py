"""All rows of the table of goals, run one after another."""

import time
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.bench import bench_actions, bench_connections, bench_fanout, bench_reads
from tests.bench.cpu_noise import CpuNoise
from tests.bench.processes import ProcessPool, ServerAndClient
from tests.bench.results import Result
from tests.bench.rivals import rivals_in


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to be measured. `only` names rows; none stands for all."""

    repeats: int = 5
    idle_s: float = 30.0
    only: Sequence[str] = ()
    postgres: str | None = None
    peers: Path | None = None


def rows_of(choice: Choice) -> Iterator[tuple[str, Callable[[], Result]]]:
    """Name and measurement of each row."""

    def others(
        stage: ProcessPool, names: Container[str]
    ) -> tuple[dict[str, ServerAndClient], dict[str, str]]:
        return ({}, {}) if choice.peers is None else rivals_in(choice.peers, stage, names)

    yield from bench_fanout.all_rows(choice.repeats, others)
    yield from bench_actions.all_rows(choice.repeats, choice.postgres)
    yield from bench_connections.all_rows(choice.repeats, choice.idle_s)
    yield from bench_reads.all_rows(choice.repeats)


def run(choice: Choice, say: Callable[[str], None]) -> Iterator[Result]:
    """Measure row by row; what fails is said in its row. Raises `ValueError` for a row that there is none of."""
    known = dict(rows_of(choice))
    if unknown := set(choice.only) - set(known):
        raise ValueError(f"No row is called {', '.join(sorted(unknown))}: use {', '.join(known)}.")
    names = choice.only or list(known)
    started = time.monotonic()
    for place, name in enumerate(names, 1):
        begin = time.monotonic()
        say(f"{place} of {len(names)}: {name} …")
        row = _measured(name, known[name])
        row.rounds = max(map(len, row.samples.values()), default=0)
        now = time.monotonic()
        say(f"{name}: {now - begin:.0f} s, {(now - started) / 60:.1f} minutes in all")
        yield row


def _measured(name: str, measure: Callable[[], Result]) -> Result:
    when, neighbours = datetime.now(UTC), CpuNoise()
    try:
        row = measure()
    except Exception as error:
        row = Result(name, "", failed=str(error).strip().splitlines()[-1][:200])
    row.key, row.when = name, f"{when:%Y-%m-%d %H:%M}"
    row.cpu_noise = neighbours.fraction()
    return row
