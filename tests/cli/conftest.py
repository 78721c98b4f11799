"""Fixtures that run commands in the test's process, with a data folder of the test."""

import sys
from pathlib import Path

import pytest

from tests.cli.commands import SECRET, Done, Run
from tests.e2e.harness import SETTINGS
from widget_server.cli import main as cli
from widget_server.config import Config


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return the data folder, which does not exist yet."""
    return tmp_path / "data"


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
        try:
            cli.main()
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Done(status, out.strip(), err.strip())

    return run


@pytest.fixture
def site(run: Run) -> str:
    """Create a site and return its slug."""
    assert run("site", "create", "press", "--name", "The Press").status == 0
    return "press"
