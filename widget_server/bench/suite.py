"""All rows of the table of goals, run one after another."""

import time
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from widget_server.bench import deeds, fanout, reads, sockets
from widget_server.bench.crowd import Cast, Pair
from widget_server.bench.peers import peers_in
from widget_server.bench.table import Row


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to be measured. `only` names rows; none stands for all."""

    repeats: int = 5
    idle_s: float = 30.0
    only: Sequence[str] = ()
    postgres: str | None = None
    peers: Path | None = None


def rows_of(choice: Choice) -> Iterator[tuple[str, Callable[[], Row]]]:
    """Name and measurement of each row."""

    def others(stage: Cast, names: Container[str]) -> dict[str, Pair]:
        return peers_in(choice.peers, stage, names) if choice.peers is not None else {}

    yield from fanout.all_rows(choice.repeats, others)
    yield from deeds.all_rows(choice.repeats, choice.postgres)
    yield from sockets.all_rows(choice.repeats, choice.idle_s)
    yield from reads.all_rows(choice.repeats)


def run(choice: Choice, say: Callable[[str], None]) -> Iterator[Row]:
    """Measure row by row; what fails is said in its row. Raises `ValueError` for a row that there is none of."""
    known = dict(rows_of(choice))
    if unknown := set(choice.only) - set(known):
        raise ValueError(f"No row is called {', '.join(sorted(unknown))}: use {', '.join(known)}.")
    for name in choice.only or known:
        begin = time.monotonic()
        say(f"{name} …")
        try:
            row = known[name]()
        except Exception as error:
            row = Row(name, "", failed=str(error).strip().splitlines()[-1][:200])
        say(f"{name}: {time.monotonic() - begin:.0f} s")
        yield row
