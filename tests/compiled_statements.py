"""Share compiled statements between the engines of a test process.

Each test has engines of its own, and SQLAlchemy would compile the same statements anew for each of them: a quarter of
the time of tests that use a database.
"""

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache


class _SharedCache(LRUCache[Any, Any]):
    """A cache whose keys hold what SQL depends on, instead of the dialect object of one engine."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_shared(key), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(_shared(key), value)


def _shared(key: tuple[Any, ...]) -> tuple[Any, ...]:
    dialect = key[0]
    # Until the first connection, an engine does not know the version, and its dialect has other abilities.
    return (type(dialect), dialect.paramstyle, dialect.server_version_info, *key[1:])


_cache = _SharedCache(5_000)


def _engine_created(_dialect: type[DefaultDialect], engine: Engine) -> None:
    engine._compiled_cache = _cache


def share_compiled_statements() -> None:
    """Let all engines that this process makes from now on use one cache, by SQLAlchemy's hook for new engines."""
    DefaultDialect.engine_created = classmethod(_engine_created)  # type: ignore[assignment, method-assign]
