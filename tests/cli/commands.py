"""Types and checks for tests that run commands; the fixture `run` is in `conftest.py`."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from typer.testing import CliRunner

from tests.e2e.harness import ServerProcess
from widget_server.cli.main import app

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


def run_next_to(server: ServerProcess, *words: str) -> str:
    """Run a command with the settings of a running server and return its output.

    It runs in a thread, because commands start their own event loop.
    """
    with ThreadPoolExecutor(1) as thread:
        done = thread.submit(CliRunner().invoke, app, words, env=server.env).result()
    assert done.exit_code == 0, (words, done.output, done.exception)
    return done.stdout.strip()
