"""`LIKE` with a pattern that is part of the statement: for patterns of the code, not for words of a person.

Each pattern is a statement of its own in all caches.
"""

from typing import Any

from sqlalchemy import ColumnElement, String, literal_column


def is_like(
    column: ColumnElement[Any], pattern: str, escape: str | None = None
) -> ColumnElement[bool]:
    """Return the condition `column LIKE pattern` with the pattern in the statement's text.

    As a parameter, a pattern can change SQLite's plan: it would make the plan anew for each execution.
    """
    quoted = pattern.replace("'", "''")
    return column.like(literal_column(f"'{quoted}'", String), escape=escape)
