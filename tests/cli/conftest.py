"""Fixtures that run commands in the test's process, with a data folder of the test."""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.commands import SECRET, Done, Run
from tests.conftest import copy_database
from tests.e2e.harness import SETTINGS
from widget_server.cli import main as cli
from widget_server.config import Config


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return the data folder, which does not exist yet."""
    return tmp_path / "data"


@contextmanager
def _logging_kept() -> Iterator[None]:
    """Undo what `serve` and `demo` set for their own process: later tests have their own logging."""
    loggers = [logging.getLogger(), logging.getLogger("widget_server")]
    levels = [logger.level for logger in loggers]
    handlers = list(loggers[0].handlers)
    hooks = warnings.showwarning, sys.excepthook, sys.unraisablehook
    try:
        yield
    finally:
        loggers[0].handlers[:] = handlers
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        warnings.showwarning, sys.excepthook, sys.unraisablehook = hooks


@pytest.fixture
def run(data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command. Exceptions other than an exit reach the test."""
    for name in {*SETTINGS, *(field.upper() for field in Config.model_fields)}:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATA_DIR", str(data))
    monkeypatch.setenv("SECRET_KEYS", SECRET)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: str) -> Done:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["widget-server", *words])
        status = 0
        with _logging_kept():
            try:
                cli.main()
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else int(end.code is not None)
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Done(status, out.strip(), err.strip())

    return run


@pytest.fixture
def site(run: Run, data: Path, migrated_file: Path) -> str:
    """Create a site and return its slug."""
    copy_database(migrated_file, data / "database.sqlite3")
    assert run("site", "create", "press", "--name", "The Press").status == 0
    return "press"
