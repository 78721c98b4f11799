"""`widget-server` on a failing disk: SQLite's reads or writes return EIO while a test says so.

SQLite allows its system calls to be replaced (`xSetSystemCall` of its VFS). Each replacement reads
one byte that the test shares: `r` fails reads, `w` fails writes, `b` fails both, any other value
fails none. FAILING_DISK names the file with that byte.
"""

import ctypes
import errno
import mmap
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from widget_server.cli import main as cli

FAILING = {"read": b"rb", "pread": b"rb", "pread64": b"rb"} | {
    "write": b"wb",
    "pwrite": b"wb",
    "pwrite64": b"wb",
}
"""System calls by name, and the values of the shared byte that make them fail."""

_Pointer = ctypes.c_void_p
_Set = ctypes.CFUNCTYPE(ctypes.c_int, _Pointer, ctypes.c_char_p, _Pointer)
_Get = ctypes.CFUNCTYPE(_Pointer, _Pointer, ctypes.c_char_p)


class _Vfs(ctypes.Structure):
    """`sqlite3_vfs`, version 3 (https://sqlite.org/c3ref/vfs.html)."""

    _fields_ = (
        ("version", ctypes.c_int),
        ("file_size", ctypes.c_int),
        ("longest_path", ctypes.c_int),
        ("next", _Pointer),
        ("name", ctypes.c_char_p),
        ("data", _Pointer),
        ("calls", _Pointer * 12),
        ("now", _Pointer),
        ("set_system_call", _Set),
        ("get_system_call", _Get),
    )


def _library() -> ctypes.CDLL:
    """Return the SQLite library that Python's `sqlite3` module has loaded."""
    sqlite3.connect(":memory:").close()
    for line in Path("/proc/self/maps").read_text().splitlines():
        path = line.split()[-1]
        if "libsqlite3" in path:
            return ctypes.CDLL(path)
    return ctypes.CDLL(None)


def _failing(kind: Any, call: Callable[..., int], state: mmap.mmap, fails_at: bytes) -> Any:
    def replacement(*arguments: int) -> int:
        if state[0] in fails_at:
            ctypes.set_errno(errno.EIO)
            return -1
        return call(*arguments)

    return kind(replacement)


def install(state: mmap.mmap) -> list[Any]:
    """Replace the system calls. Keep the returned list as long as SQLite is used."""
    find = _library().sqlite3_vfs_find
    find.restype = ctypes.POINTER(_Vfs)
    vfs = find(None)
    assert vfs.contents.version >= 3
    kept = []
    for name, fails_at in FAILING.items():
        address = vfs.contents.get_system_call(ctypes.addressof(vfs.contents), name.encode())
        if not address:
            continue  # this build of SQLite does not use the call
        arguments = [ctypes.c_int, _Pointer, ctypes.c_size_t]
        arguments += [ctypes.c_longlong] if name.startswith("p") else []
        kind = ctypes.CFUNCTYPE(ctypes.c_ssize_t, *arguments, use_errno=True)
        replaced = _failing(kind, kind(address), state, fails_at)
        done = vfs.contents.set_system_call(
            ctypes.addressof(vfs.contents), name.encode(), ctypes.cast(replaced, _Pointer)
        )
        assert done == 0, name
        kept.append(replaced)
    assert kept
    return kept


if __name__ == "__main__":
    with Path(os.environ["FAILING_DISK"]).open("r+b") as shared:
        held = install(mmap.mmap(shared.fileno(), 1))
    cli.main()
