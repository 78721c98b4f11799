"""Folder in memory for the temporary files of a test run.

A commit of SQLite waits for the disk, and PostgreSQL copies 300 files for each database. In memory neither waits.
No test needs a disk that outlives the machine: processes are killed in the tests, machines are not.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
NEEDED = 3 << 30
"""Free bytes that a run with several workers needs at most. Containers often have 64 MiB."""
PREFIX = "widget-"


def use_memory_disk() -> None:
    """Let this process and its children put their temporary files into memory, if the system offers it.

    TMPDIR, if it is set, is used instead. Call this before the first temporary file is made.
    """
    if "TMPDIR" in os.environ or not _offered():
        return
    _remove_folders_of_ended_runs()
    folder = MEMORY / f"{PREFIX}{os.getpid()}"
    folder.mkdir(
        mode=0o711, exist_ok=True
    )  # PostgreSQL, which root runs as another user, passes it
    os.environ["TMPDIR"] = str(folder)
    tempfile.tempdir = None
    atexit.register(_remove, folder, os.getpid())


def folder_of_tests() -> Path | None:
    """Return a short path for the folders of the tests, or None if they are not in memory.

    The path of a Unix socket has at most 107 bytes, and pytest's own folders have long names.
    """
    folder = Path(tempfile.gettempdir())
    return folder / "t" if folder.parent == MEMORY and folder.name.startswith(PREFIX) else None


def _offered() -> bool:
    try:
        state = os.statvfs(MEMORY)
    except (AttributeError, OSError):
        return False
    # Copies of PostgreSQL's programs run from the temporary folder.
    return (
        state.f_bavail * state.f_frsize >= NEEDED
        and not state.f_flag & os.ST_NOEXEC
        and os.access(MEMORY, os.W_OK)
    )


def _remove(folder: Path, pid: int) -> None:
    if os.getpid() == pid:  # not in a fork, which also runs this
        shutil.rmtree(folder, ignore_errors=True)


def _remove_folders_of_ended_runs() -> None:
    """Remove what runs left behind that were killed."""
    for folder in MEMORY.glob(f"{PREFIX}*"):
        pid = int(folder.name.removeprefix(PREFIX))
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            shutil.rmtree(folder, ignore_errors=True)
        except PermissionError:
            continue
