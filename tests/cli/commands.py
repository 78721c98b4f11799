"""Types and checks for tests that run commands; the fixture `run` is in `conftest.py`."""

from collections.abc import Callable
from dataclasses import dataclass

SECRET = "a secret of the commands without a comma"


@dataclass(frozen=True)
class Done:
    """Exit status and output of a command."""

    status: int
    out: str
    err: str


Run = Callable[..., Done]


def sentence(done: Done) -> str:
    """Return the one sentence of a command that failed on bad input."""
    assert done.status == 2, done
    assert done.out == ""
    assert done.err.startswith("widget-server: "), done.err
    assert done.err.endswith("."), done.err
    assert len(done.err.splitlines()) == 1, done.err
    return done.err.removeprefix("widget-server: ")
