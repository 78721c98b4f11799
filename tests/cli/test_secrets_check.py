"""The server does not start with secrets that the tokens of its database were not signed with."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.commands import Run, sentence
from widget_server.auth.tokens import fingerprint

OLD, NEW, OTHER = (f"a secret of these tests: {word}" for word in ("old", "new", "other"))
COMMANDS = (("serve",), ("migrate",), ("site", "list"), ("doctor",))


@pytest.fixture
def secret_file(run: Run, data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create a site in a data folder with its own secret, and return the secret file."""
    monkeypatch.delenv("SECRET_KEYS")
    assert run("site", "create", "press", "--name", "Press").status == 0
    return data / "secret"


def rejection(run: Run, *words: str) -> str:
    """Return the sentence with which a command fails; of `doctor`, the line about secrets."""
    done = run(*words)
    if words[0] != "doctor":
        return sentence(done)
    assert done.status == 2
    return next(line for line in done.out.splitlines() if "secrets" in line)


def test_a_lost_secret_is_not_replaced(
    run: Run, secret_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = secret_file.read_text()
    secret_file.unlink()
    for words in COMMANDS:
        assert f"{secret_file} is gone" in rejection(run, *words)
        assert not secret_file.exists()
    # The operator can set the old secret in SECRET_KEYS, or put its file back.
    monkeypatch.setenv("SECRET_KEYS", old.strip())
    assert run("site", "list").status == 0
    monkeypatch.delenv("SECRET_KEYS")
    secret_file.touch(0o600)
    secret_file.write_text(old)
    assert run("doctor").status == 0


def test_another_secret_is_rejected(
    run: Run, secret_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret_file.write_text(OTHER)
    for words in COMMANDS:
        assert "signed with another secret" in rejection(run, *words)
    # If the old secret is lost for good, the operator accepts the new one once.
    assert run("migrate", "--accept-new-secret").status == 0
    assert run("doctor").status == 0
    secret_file.unlink()
    assert run("migrate", "--accept-new-secret").status == 0
    assert secret_file.read_text().strip() != OTHER
    monkeypatch.setenv("SECRET_KEYS", OTHER)
    assert "signed with another secret" in rejection(run, "doctor")


def test_a_secret_is_replaced_with_the_old_one_behind_the_new(
    run: Run, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("SECRET_KEYS", OLD)
    run("migrate")
    assert run("site", "create", "press", "--name", "Press").status == 0
    monkeypatch.setenv("SECRET_KEYS", NEW)
    assert "signed with another secret" in rejection(run, "site", "list")
    # Every combination works, because machines are not restarted at the same time.
    for keys in (f"{NEW},{OLD}", OLD, f"{NEW},{OLD}", NEW):
        monkeypatch.setenv("SECRET_KEYS", keys)
        assert run("site", "list").status == 0, keys
    monkeypatch.setenv("SECRET_KEYS", OTHER)
    assert "signed with another secret" in rejection(run, "site", "list")


def test_a_backup_is_restored_only_with_its_secret(
    run: Run, secret_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = str(tmp_path / "backup.sqlite3")
    assert run("backup", file).status == 0
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "elsewhere"))
    assert "signed with another secret" in rejection(run, "restore", file)
    assert run("site", "list").out == ""
    assert run("restore", file, "--accept-new-secret").status == 0
    assert "press" in run("site", "list").out
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "third"))
    monkeypatch.setenv("SECRET_KEYS", f"{NEW},{secret_file.read_text().strip()}")
    assert run("restore", file).status == 0
    monkeypatch.setenv("SECRET_KEYS", NEW)
    assert run("site", "list").status == 0


def test_a_database_without_fingerprints_accepts_the_stored_secret(
    run: Run, secret_file: Path
) -> None:
    with closing(sqlite3.connect(secret_file.with_name("database.sqlite3"))) as database, database:
        assert database.execute("DELETE FROM meta WHERE key LIKE 'seal:%'").rowcount == 1
    old = secret_file.read_text()
    secret_file.unlink()
    assert "is gone" in rejection(run, "serve")
    secret_file.touch(0o600)
    secret_file.write_text(old)
    assert run("site", "list").status == 0
    secret_file.write_text(OTHER)
    assert "signed with another secret" in rejection(run, "serve")


def test_fingerprints_differ_and_do_not_contain_the_secret() -> None:
    assert len({fingerprint(OLD), fingerprint(NEW), fingerprint(OTHER)}) == 3
    assert fingerprint(OLD) == fingerprint(OLD)
    assert len(fingerprint(OLD)) == 32
    assert not set(OLD.split()) & {fingerprint(OLD)}
