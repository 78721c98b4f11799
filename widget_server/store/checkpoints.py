"""Copy what was committed from SQLite's log (WAL) into the database file, beside the writer.

SQLite does it at the end of a commit once its log has a thousand pages. Such a commit takes 7 ms instead of one, and each
reader whose action is in it waits. It still does so if this thread is behind, which bounds the log.
"""

import sqlite3
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

ROWS = 64
"""Changed rows after which the log is copied: about 250 pages."""


class Checkpointer:
    """A thread with its own connection. The writer's thread tells it what was committed."""

    def __init__(self, database: str) -> None:
        """Take the SQLite URI of the file. It is opened at the first checkpoint."""
        self._database = database
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-checkpoints")
        self._connection: sqlite3.Connection | None = None
        self._last: Future[None] | None = None
        self._done_at = 0

    def committed(self, changed: int) -> None:
        """Begin a checkpoint if enough has changed. `changed` are the rows that the writer's connection ever changed."""
        is_idle = self._last is None or self._last.done()
        if is_idle and changed - self._done_at >= ROWS:
            self._done_at = changed
            self._last = self._thread.submit(self._copy)

    def _copy(self) -> None:
        # A checkpoint that fails is made later, by this thread or by a commit.
        with suppress(sqlite3.Error):
            if self._connection is None:
                self._connection = sqlite3.connect(
                    self._database, uri=True, isolation_level=None, check_same_thread=False
                )
            # Passive: it never waits for a reader or the writer, and they never wait for it.
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def close(self) -> None:
        """Wait for the checkpoint that runs, and close the connection."""
        self._thread.shutdown()
        if self._connection is not None:
            self._connection.close()
