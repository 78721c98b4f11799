"""Conditions that a text is like a pattern that the code names."""

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
