"""Record the SQL that engines execute, through SQLAlchemy and with SQLite's driver itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import Engine, event

from widget_server.store.engine import Database
from widget_server.store.sqlite_threads import SyncConnectionAdapter


@contextmanager
def recorded(*engines: Engine) -> Iterator[list[tuple[str, Any]]]:
    """Yield a list that gets the text and the parameters of each statement; of many rows those of the first."""
    found: list[tuple[str, Any]] = []
    fetch, run_many = SyncConnectionAdapter.fetch, SyncConnectionAdapter.run_many

    def note(
        _c: object, _cursor: object, sql: str, parameters: Any, _x: object, many: bool
    ) -> None:
        found.append((sql, parameters[0] if many else parameters))

    def noted_fetch(self: SyncConnectionAdapter, text: str, values: Any = ()) -> Any:
        if self._connection.engine in engines:
            found.append((text, values))
        return fetch(self, text, values)

    def noted_run_many(self: SyncConnectionAdapter, text: str, rows: Any) -> None:
        if self._connection.engine in engines:
            found.append((text, rows[0]))
        run_many(self, text, rows)

    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        with (
            patch.object(SyncConnectionAdapter, "fetch", noted_fetch),
            patch.object(SyncConnectionAdapter, "run_many", noted_run_many),
        ):
            yield found
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


def engines_of(database: Database) -> tuple[Engine, Engine]:
    """Return the engine that reads and the one that writes."""
    return database._reader.sync_engine, database._writer.sync_engine
