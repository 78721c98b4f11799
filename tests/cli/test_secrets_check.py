"""A database is not served with secrets that its tokens were not signed with."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.test_cli import Run, data, run, sentence
from widget_server.auth.tokens import fingerprint

__all__ = ["data", "run"]

OLD, NEW, OTHER = (f"a secret of these tests: {word}" for word in ("old", "new", "other"))
COMMANDS = (("serve",), ("migrate",), ("site", "list"), ("doctor",))


@pytest.fixture
def own(run: Run, data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with a secret of its own and a site; the secret's file."""
    monkeypatch.delenv("SECRET_KEYS")
    assert run("site", "create", "press", "--name", "Press").status == 0
    return data / "secret"


def refused(run: Run, *words: str) -> str:
    """The sentence with which a command refuses; `doctor` says it among others."""
    done = run(*words)
    if words[0] != "doctor":
        return sentence(done)
    assert done.status == 2
    return next(line for line in done.out.splitlines() if "secrets" in line)


def test_a_secret_that_is_gone_is_not_replaced(
    run: Run, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = own.read_text()
    own.unlink()
    for words in COMMANDS:
        assert f"{own} is gone" in refused(run, *words)
        assert not own.exists()
    # Mended by setting it, and by putting it back.
    monkeypatch.setenv("SECRET_KEYS", kept.strip())
    assert run("site", "list").status == 0
    monkeypatch.delenv("SECRET_KEYS")
    own.touch(0o600)
    own.write_text(kept)
    assert run("doctor").status == 0


def test_another_secret_is_noticed(run: Run, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own.write_text(OTHER)
    for words in COMMANDS:
        assert "signed with another secret" in refused(run, *words)
    # Anyone who has lost the old one for good says so, once.
    assert run("migrate", "--accept-new-secret").status == 0
    assert run("doctor").status == 0
    own.unlink()
    assert run("migrate", "--accept-new-secret").status == 0
    assert own.read_text().strip() != OTHER
    monkeypatch.setenv("SECRET_KEYS", OTHER)
    assert "signed with another secret" in refused(run, "doctor")


def test_a_secret_is_replaced_with_the_old_one_behind_the_new(
    run: Run, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("SECRET_KEYS", OLD)
    run("migrate")
    assert run("site", "create", "press", "--name", "Press").status == 0
    monkeypatch.setenv("SECRET_KEYS", NEW)
    assert "signed with another secret" in refused(run, "site", "list")
    # Also in the other direction and in between, for not all machines are restarted at once.
    for keys in (f"{NEW},{OLD}", OLD, f"{NEW},{OLD}", NEW):
        monkeypatch.setenv("SECRET_KEYS", keys)
        assert run("site", "list").status == 0, keys
    monkeypatch.setenv("SECRET_KEYS", OTHER)
    assert "signed with another secret" in refused(run, "site", "list")


def test_a_backup_comes_back_with_its_secret_only(
    run: Run, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = str(tmp_path / "backup.sqlite3")
    assert run("backup", file).status == 0
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "elsewhere"))
    assert "signed with another secret" in refused(run, "restore", file)
    assert run("site", "list").out == ""
    assert run("restore", file, "--accept-new-secret").status == 0
    assert "press" in run("site", "list").out
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "third"))
    monkeypatch.setenv("SECRET_KEYS", f"{NEW},{own.read_text().strip()}")
    assert run("restore", file).status == 0
    monkeypatch.setenv("SECRET_KEYS", NEW)
    assert run("site", "list").status == 0


def test_a_database_of_before_is_taken_with_the_secret_it_has(run: Run, own: Path) -> None:
    with closing(sqlite3.connect(own.with_name("database.sqlite3"))) as database, database:
        assert database.execute("DELETE FROM meta WHERE key LIKE 'seal:%'").rowcount == 1
    kept = own.read_text()
    own.unlink()
    assert "is gone" in refused(run, "serve")
    own.touch(0o600)
    own.write_text(kept)
    assert run("site", "list").status == 0
    own.write_text(OTHER)
    assert "signed with another secret" in refused(run, "serve")


def test_a_seal_tells_secrets_apart_and_holds_none() -> None:
    assert len({fingerprint(OLD), fingerprint(NEW), fingerprint(OTHER)}) == 3
    assert fingerprint(OLD) == fingerprint(OLD)
    assert len(fingerprint(OLD)) == 32
    assert not set(OLD.split()) & {fingerprint(OLD)}
