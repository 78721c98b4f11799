"""The embedded Valkey, started with its real command line."""

import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from tests.engines import parent_death_signal
from tests.waiting import wait_until
from widget_server.bus import embedded_valkey
from widget_server.model.errors import OperatorError

Start = Callable[[Path], "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start the Valkey of a data folder and wait until it responds; stop all after the test."""
    started: list[subprocess.Popen[bytes]] = []

    def run(data_dir: Path) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            embedded_valkey.command(data_dir), preexec_fn=parent_death_signal(signal.SIGKILL)
        )
        started.append(process)
        wait_until(lambda: embedded_valkey.is_ready(data_dir), "the embedded Valkey responds")
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Return a data folder whose name has special characters of command lines and URLs."""
    folder = tmp_path / 'my "data" 100% #1?'
    folder.mkdir()
    return folder


def long_folder(below: Path) -> Path:
    """Create a data folder whose path is too long for a Unix socket."""
    folder = below / ("d" * 60) / ("e" * 60)
    folder.mkdir(parents=True)
    return folder


def connect(data_dir: Path) -> Redis:
    """Return a client created from the URL alone."""
    return Redis.from_url(embedded_valkey.url(data_dir))


def fill(client: Redis, size: int) -> None:
    """Store `size` bytes."""
    for number in range(size // 2**20):
        client.set(f"large:{number}", b"x" * 2**20)


def test_it_responds_at_its_url_and_has_the_settings_of_a_bus(start: Start, data_dir: Path) -> None:
    start(data_dir)
    with connect(data_dir) as client:
        settings = client.config_get("*")
        assert settings["port"] == "0"
        assert settings["save"] == ""
        assert settings["appendonly"] == "no"
        assert settings["maxmemory"] == str(64 * 2**20)
        assert settings["maxmemory-policy"] == "noeviction"
        assert "pubsub 33554432 8388608 60" in settings["client-output-buffer-limit"]


def test_its_socket_is_in_the_data_folder_and_private(start: Start, data_dir: Path) -> None:
    start(data_dir)
    path = embedded_valkey.socket_path(data_dir)
    assert path.parent == data_dir
    assert path.is_socket()
    assert path.stat().st_mode & 0o777 == 0o700


def test_it_writes_no_data_to_disk_when_it_stops(start: Start, data_dir: Path) -> None:
    process = start(data_dir)
    with connect(data_dir) as client:
        client.set("key", "value")
    process.terminate()
    assert process.wait(timeout=10) == 0
    assert {path.name for path in data_dir.iterdir()} <= {"valkey.log", "valkey.sock"}


def test_a_write_beyond_the_memory_limit_fails_and_no_key_is_evicted(
    start: Start, data_dir: Path
) -> None:
    start(data_dir)
    with connect(data_dir) as client:
        client.set("first", "kept")
        with pytest.raises(ResponseError, match="maxmemory"):
            fill(client, 65 * 2**20)
        assert client.get("first") == b"kept"


def test_a_data_folder_with_a_long_path_gets_a_short_private_folder_for_its_socket(
    start: Start, tmp_path: Path
) -> None:
    data_dir = long_folder(tmp_path)
    path = embedded_valkey.socket_path(data_dir)
    try:
        assert len(str(path)) <= embedded_valkey.SOCKET_PATH_LIMIT
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert embedded_valkey.socket_path(data_dir) == path
        start(data_dir)
        with connect(data_dir) as client:
            assert client.ping()
    finally:
        path.unlink(missing_ok=True)
        path.parent.rmdir()


def test_a_short_folder_that_is_not_private_is_not_used(tmp_path: Path) -> None:
    data_dir = long_folder(tmp_path)
    first = embedded_valkey.socket_path(data_dir).parent
    first.chmod(0o777)
    second = embedded_valkey.socket_path(data_dir).parent
    first.rmdir()
    assert second != first
    assert embedded_valkey.socket_path(data_dir).parent == second
    second.rmdir()


def test_a_short_folder_that_cannot_be_made_is_reported_to_the_operator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir = tmp_path / ("d" * 120)
    data_dir.mkdir()

    def no_temporary_folder(**_: object) -> str:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(tempfile, "mkdtemp", no_temporary_folder)
    with pytest.raises(OperatorError, match=r"No usable temporary directory.*--data"):
        embedded_valkey.url(data_dir)
    assert not embedded_valkey.is_ready(data_dir)


def test_without_a_process_it_is_not_ready(data_dir: Path) -> None:
    assert not embedded_valkey.is_ready(data_dir)
    embedded_valkey.socket_path(data_dir).touch()
    assert not embedded_valkey.is_ready(data_dir)


def test_a_hanging_process_is_not_ready(start: Start, data_dir: Path) -> None:
    process = start(data_dir)
    process.send_signal(signal.SIGSTOP)
    assert not embedded_valkey.is_ready(data_dir)
    process.send_signal(signal.SIGCONT)
    wait_until(lambda: embedded_valkey.is_ready(data_dir), "it responds again")


def test_stopping_an_orphan_ends_it_and_removes_its_socket(start: Start, data_dir: Path) -> None:
    process = start(data_dir)
    embedded_valkey.stop_orphan(data_dir)
    assert process.wait(timeout=10) == 0
    assert not embedded_valkey.socket_path(data_dir).exists()


def test_stopping_an_orphan_removes_a_stale_socket(data_dir: Path) -> None:
    path = embedded_valkey.socket_path(data_dir)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
    embedded_valkey.stop_orphan(data_dir)
    assert not path.exists()
