"""Bad input ends a command with one sentence and status 2; an exception of a bug stays a traceback."""

import errno
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.commands import Run, sentence
from tests.ports import free_port
from widget_server.operations.moderation import cases
from widget_server.operations.owners import sites

COMMANDS = ("serve", "demo", "migrate", "site list", "backup b.sqlite3")
LONG_NAME = "x" * 300


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield int(taken.getsockname()[1])


@pytest.mark.parametrize("error", [ValueError, OSError, KeyError, TypeError])
def test_an_exception_of_a_bug_stays_a_traceback(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    async def fail(_services: object) -> None:
        raise error("a bug")

    monkeypatch.setattr(sites, "all_sites", fail)
    with pytest.raises(error, match="a bug"):
        run("site", "list")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("place", ["file", "file/below", LONG_NAME])
def test_an_unusable_data_folder_is_reported(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str, place: str
) -> None:
    (tmp_path / "file").write_text("a file")
    monkeypatch.chdir(tmp_path)
    assert place in sentence(run(*command.split(), "--data", place))


def test_doctor_reports_an_unusable_data_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    for place in ("file", "file/below", LONG_NAME):
        done = run("doctor", "--data", str(tmp_path / place))
        assert (done.status, done.out.splitlines()[0].split()[:2]) == (2, ["wrong", "folder"])


def test_a_permission_error_of_the_data_folder_is_reported(
    run: Run, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also for root, who is never denied: `Path.exists` raises as it does in a closed folder."""
    exists = Path.exists

    def denied(path: Path) -> bool:
        if data in path.parents:
            raise PermissionError(13, "Permission denied", str(path))
        return exists(path)

    monkeypatch.setattr(Path, "exists", denied)
    for command in ("migrate", "site list", "backup b.sqlite3"):
        said = sentence(run(*command.split()))
        assert "Permission denied" in said
        assert str(data) in said
    assert "Permission denied" in run("doctor").out


def test_a_secret_that_cannot_be_read_is_reported(
    run: Run, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SECRET_KEYS")
    (data / "secret").mkdir(parents=True)
    for command in ("serve", "site list", "migrate"):
        assert "Is a directory" in sentence(run(*command.split()))
    assert "Is a directory" in run("doctor").out
    (data / "secret").rmdir()
    (data / "secret").write_bytes(b"\xff\xfe")
    (data / "secret").chmod(0o600)
    assert "holds no secret" in sentence(run("site", "list"))


def test_a_port_in_use_is_reported(run: Run, data: Path, taken_port: int) -> None:
    assert "in use" in sentence(run("serve", "--port", str(taken_port)))
    assert "in use" in sentence(run("demo", "--port", str(taken_port - 1)))


def test_a_metrics_port_in_use_is_reported(
    run: Run, taken_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METRICS_PORT", str(taken_port))
    assert f"port {taken_port} " in sentence(run("serve", "--port", str(free_port())))


@pytest.mark.parametrize("host", ["nowhere.invalid", "h" * 300, "192.0.2.1"])
def test_a_host_that_cannot_be_opened_is_reported(run: Run, host: str) -> None:
    assert host in sentence(run("serve", "--host", host))


@pytest.mark.parametrize("port", ["0", "65533", "http"])
def test_the_demo_rejects_a_port_without_three_ports_after_it(run: Run, port: str) -> None:
    done = run("demo", "--port", port)
    assert done.status == 2
    assert "--port" in done.err


@pytest.mark.parametrize(
    "command", ["serve", "migrate", "site list", "backup b.sqlite3", "restore b.sqlite3"]
)
def test_an_unreachable_database_is_reported(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if "restore" in command:
        assert run("site", "create", "press", "--name", "Press").status == 0
        assert run("backup", "b.sqlite3").status == 0
    monkeypatch.setenv("DATABASE_URL", f"postgresql://u:p@127.0.0.1:{free_port()}/d")
    assert "database" in sentence(run(*command.split()))


def test_a_backup_that_cannot_be_written_is_reported(run: Run, site: str, tmp_path: Path) -> None:
    assert "no-folder" in sentence(run("backup", str(tmp_path / "no-folder" / "b.sqlite3")))
    (tmp_path / "file").write_text("a file")
    assert "exists already" in sentence(run("backup", str(tmp_path / "file")))
    assert "Not a directory" in sentence(run("backup", str(tmp_path / "file" / "b.sqlite3")))


def test_a_full_disk_is_reported(
    run: Run, site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    said = sentence(run("backup", str(tmp_path / "b.sqlite3")))
    assert "No space left on device" in said
    assert "Make room" in said
    monkeypatch.delenv("SECRET_KEYS")
    said = sentence(run("migrate", "--data", str(tmp_path / "other")))
    assert "No space left on device" in said
    assert "secret" in said


def test_temporary_files_of_the_demo_that_cannot_be_written_are_reported(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "no-folder"))
    assert "temporary files" in sentence(run("demo", "--data", str(tmp_path / "data")))


def test_a_backup_of_no_database_is_reported(run: Run, data: Path, tmp_path: Path) -> None:
    data.mkdir()
    assert "There is no database" in sentence(run("backup", str(tmp_path / "b.sqlite3")))
    assert list(data.iterdir()) == []
    assert not (tmp_path / "b.sqlite3").exists()


def test_a_file_that_is_no_backup_is_reported(run: Run, tmp_path: Path) -> None:
    assert "There is no file" in sentence(run("restore", str(tmp_path / "none")))
    assert "There is no file" in sentence(run("restore", str(tmp_path)))
    (tmp_path / "text").write_text("no database")
    assert "text" in sentence(run("restore", str(tmp_path / "text")))


def test_an_argument_that_is_not_utf8_is_reported(run: Run, site: str) -> None:
    for words in (
        ("site", "create", "other", "--name", "\udcff"),
        ("site", "key", "\udcff"),
        ("story", "notice", "000000000000", "\udcff"),
        ("token", "--site", site, "--story", "\udcff", "--origin", "*"),
    ):
        assert "UTF-8" in sentence(run(*words))


def test_an_unknown_site_is_reported_by_every_command(run: Run) -> None:
    for command in ("key", "rotate-key", "retire-keys", "shut-outs", "set"):
        assert "“nowhere”" in sentence(run("site", command, "nowhere"))
    assert "“nowhere”" in sentence(run("comment", "pending", "nowhere"))


def test_an_exception_of_a_bug_in_moderation_stays_a_traceback(
    run: Run, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_words: object) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr(cases, "open_cases", fail)
    with pytest.raises(ValueError, match="a bug"):
        run("comment", "pending", site)
