"""Rows about rules that a transaction writes: what rules hit, and fingerprints of new texts."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.store.schema import rule_hits, text_marks
from widget_server.store.writing.bulk import upsert

_HIT_KEY = ("site", "rule", "comment")


class RuleRows:
    """Rows to write, by their keys."""

    def __init__(self) -> None:
        self._hits: dict[tuple[str, str, str], dict[str, Any]] = {}
        self._marks: dict[str, dict[str, Any]] = {}

    def add_hit(self, site: str, rule: str, comment: str, at: int, *, acting: bool) -> None:
        """Remember that a rule hit a comment."""
        row = {"site": site, "rule": rule, "comment": comment, "at": at, "acting": acting}
        self._hits[site, rule, comment] = row

    def add_mark(self, site: str, comment: str, draft: str, at: int, mark: int) -> None:
        """Remember the fingerprint of a text, so that every process finds its repetition."""
        # A column has 63 bits and a sign.
        signed = mark - (mark >> 63 << 64)
        row = {"comment": comment, "site": site, "draft": draft, "at": at, "mark": signed}
        self._marks[comment] = row

    async def flush(self, connection: AsyncConnection) -> None:
        """Write the rows."""
        for table, rows, key in (
            (rule_hits, list(self._hits.values()), _HIT_KEY),
            (text_marks, list(self._marks.values()), ("comment",)),
        ):
            await upsert(connection, table, key, rows)
