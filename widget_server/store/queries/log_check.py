"""Verify the hash chains of the logs, and read and record their heads."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, Table, func, select, tuple_
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.store.engine import Database, read_transaction
from widget_server.store.log_keys import SITE_ENTRY, STORY_ENTRY, LogKeys, salted_hash
from widget_server.store.schema import (
    decision_words,
    decisions,
    log_heads,
    site_decisions,
    stories,
)
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.bulk import upsert

CHUNK = 5_000
"""Entries in one read."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of a log. `log` is `site:SLUG` or `story:CODE`; `day` counts from 1970."""

    log: str
    day: int
    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class Damage:
    """An entry that is not as it was written. `id` is None if the entry is missing or unreadable."""

    log: str
    number: int
    id: str | None
    what: str


@dataclass(slots=True)
class Verdict:
    """Result of a check: number of entries and logs, entries whose words were erased, and damages."""

    entries: int = 0
    logs: int = 0
    erased: int = 0
    unknown_key: int = 0
    """Entries signed with a secret that the server does not have any more."""
    damages: list[Damage] = field(default_factory=list)


class LogCheck:
    """Reads of the logs of one database that need its keys."""

    def __init__(self, database: Database, keys: LogKeys) -> None:
        self.database = database
        self._keys = keys

    @read_transaction
    async def epoch(self, connection: AsyncConnection) -> str:
        """Return the epoch: recorded heads of another epoch belong to data that was replaced."""
        return await self.database.epoch_in(connection)

    async def logs_of(self, site: str) -> set[str]:
        """Return the names of the logs of a site and its stories."""
        names, _ = await self._story_heads(site)
        return {f"site:{site}", *(f"story:{code}" for code in names.values())}

    async def verify(
        self, known: Sequence[Head] = (), first_only: bool = True, site: str | None = None
    ) -> Verdict:
        """Check every log, or those of a site, from the first entry to the head.

        `known` are heads kept elsewhere. With `first_only` the check ends at the first damage.
        """
        verdict = Verdict()
        expected: dict[tuple[str, int], set[str]] = {}
        names, ends = await self._story_heads(site)
        own = None if site is None else await self.logs_of(site)
        for head in (*known, *await self.recorded()):
            if own is None or head.log in own:
                expected.setdefault((head.log, head.number), set()).add(head.hash)
        tables = ((decisions, STORY_ENTRY), (site_decisions, SITE_ENTRY))
        for table, columns in tables:
            walk = _Walk(self._keys, table, columns, names, expected, verdict, site)
            after: tuple[Any, Any] | None = None
            while True:
                after = await self._check_chunk(walk, after)
                if after is None or (first_only and verdict.damages):
                    break
            if table is decisions and not verdict.damages:
                _check_ends(names, ends, walk.heads, verdict)
        if not verdict.damages:
            for log, number in sorted(expected):
                gone = "the log ends before this entry, which was recorded as its head"
                verdict.damages.append(Damage(log, number, None, gone))
        return verdict

    @read_transaction
    async def _story_heads(
        self, connection: AsyncConnection, site: str | None
    ) -> tuple[dict[Any, str], dict[Any, tuple[int, str]]]:
        query = select(stories.c.id, stories.c.code, stories.c.decisions, stories.c.log_hash)
        if site is not None:
            query = query.where(stories.c.site == site)
        rows = await connection.execute(query)
        found = rows.all()
        return (
            {row.id: row.code for row in found},
            {row.id: (row.decisions, row.log_hash) for row in found if row.decisions},
        )

    @read_transaction
    async def _check_chunk(
        self, connection: AsyncConnection, walk: "_Walk", after: tuple[Any, Any] | None
    ) -> tuple[Any, Any] | None:
        """Check entries after `after`; return the key of the last one, or None at the end."""
        limit = CHUNK
        while True:
            try:
                rows: Any = (await connection.execute(walk.query(after, limit))).all()
            except DBAPIError:
                # A byte of a text is no UTF-8 any more. Find the entry with smaller reads.
                if connection.dialect.name != "sqlite":
                    raise
                if limit == 1:
                    keys: Any = (await connection.execute(walk.keys(after))).one()
                    walk.unreadable(keys)
                    return keys[0], keys[1]
                limit = max(1, limit // 10)
                continue
            walk.check(rows)
            return (rows[-1][0], rows[-1][1]) if rows else None

    @read_transaction
    async def heads(self, connection: AsyncConnection, day: int) -> list[Head]:
        """Return the head of every log that has an entry."""
        found = [
            Head(f"story:{row.code}", day, row.decisions, row.log_hash)
            for row in await connection.execute(select(stories).where(stories.c.decisions > 0))
        ]
        last = (
            select(site_decisions.c.site, func.max(site_decisions.c.number).label("number"))
            .group_by(site_decisions.c.site)
            .subquery()
        )
        of_sites = select(site_decisions).join(
            last,
            (site_decisions.c.site == last.c.site) & (site_decisions.c.number == last.c.number),
        )
        rows = await connection.execute(of_sites)
        return found + [Head(f"site:{row.site}", day, row.number, row.hash) for row in rows]

    @read_transaction
    async def recorded(self, connection: AsyncConnection) -> list[Head]:
        """Return the heads that `record_heads` has stored."""
        rows = await connection.execute(select(log_heads).order_by(log_heads.c.day))
        return [Head(*row) for row in rows]


def record_heads(heads: Sequence[Head]) -> TransactionFn[None]:
    """Store the heads of a day, in place of earlier ones of the same day."""

    async def run(connection: AsyncConnection) -> None:
        rows = [
            {"log": one.log, "day": one.day, "number": one.number, "hash": one.hash}
            for one in heads
        ]
        await upsert(connection, log_heads, ("log", "day"), rows)

    return run


class _Walk:
    """The walk through one table of entries, in the order of log and number."""

    def __init__(
        self,
        keys: LogKeys,
        table: Table,
        columns: Sequence[str],
        names: Mapping[Any, str],
        expected: dict[tuple[str, int], set[str]],
        verdict: Verdict,
        site: str | None,
    ) -> None:
        self._site = site
        self._keys, self._table, self._names = keys, table, names
        self._expected, self._verdict = expected, verdict
        self._log: Any = None
        self.heads: dict[Any, tuple[int, str]] = {}
        """Last number and hash of each log."""
        self._key, self._words = columns.index("key"), columns.index("words")
        self._id = columns.index("id")
        self._owner, self._number = table.primary_key.columns
        self._select: Select[Any] = (
            select(
                *(table.c[name] for name in columns),
                table.c.hash,
                decision_words.c.salt,
                decision_words.c.words,
            )
            .outerjoin(decision_words, decision_words.c.decision == table.c.id)
            .order_by(self._owner, self._number)
        )

    def query(self, after: tuple[Any, Any] | None, limit: int) -> Select[Any]:
        return self._after(self._select, after).limit(limit)

    def keys(self, after: tuple[Any, Any] | None) -> Select[Any]:
        only = select(self._owner, self._number).order_by(self._owner, self._number)
        return self._after(only, after).limit(1)

    def _after(self, query: Select[Any], after: tuple[Any, Any] | None) -> Select[Any]:
        if self._site is not None:
            query = query.where(self._table.c.site == self._site)
        if after is None:
            return query
        # As a row value: for conditions of single columns SQLite would read a long log from its beginning.
        return query.where(tuple_(self._owner, self._number) > tuple_(*after))

    def name(self, owner: Any) -> str:
        if self._table is site_decisions:
            return f"site:{owner}"
        return f"story:{self._names.get(owner, owner)}"

    def unreadable(self, keys: Any) -> None:
        self._verdict.damages.append(
            Damage(self.name(keys[0]), keys[1], None, "the entry cannot be read")
        )

    def check(self, rows: Sequence[Any]) -> None:
        """Check consecutive entries. A number that is missing counts as damage of that entry."""
        for damage in self._damages(rows):
            self._verdict.damages.append(damage)

    def _damages(self, rows: Sequence[Any]) -> Iterator[Damage]:
        verdict, heads, is_signed = self._verdict, self.heads, self._keys.is_signed
        for row in rows:
            owner, number, hash_ = row[0], row[1], row[-3]
            last, before = heads.get(owner, (0, ""))
            verdict.logs += last == 0
            verdict.entries += 1
            if number != last + 1:
                yield Damage(self.name(owner), last + 1, None, "the entry is missing")
            signed = is_signed(before, row[:-3], row[self._key], hash_)
            if signed is None:
                verdict.unknown_key += 1
            elif not signed and number == last + 1:
                what = "the entry is not as it was written"
                yield Damage(self.name(owner), number, row[self._id], what)
            if row[self._words] is not None:
                salt, words = row[-2], row[-1]
                verdict.erased += salt is None
                if salt is not None and salted_hash(salt, words) != row[self._words]:
                    what = "the words beside the entry are not those that were written"
                    yield Damage(self.name(owner), number, row[self._id], what)
            heads[owner] = number, hash_
            if self._expected:
                recorded = self._expected.pop((self.name(owner), number), None)
                if recorded is not None and recorded != {hash_}:
                    what = "the entry is not the one that was recorded as the log's head"
                    yield Damage(self.name(owner), number, row[self._id], what)


def _check_ends(
    names: Mapping[Any, str],
    ends: Mapping[Any, tuple[int, str]],
    found: Mapping[Any, tuple[int, str]],
    verdict: Verdict,
) -> None:
    """Compare the ends of the stories' logs with the numbers that the stories' rows had before."""
    for story, (number, _) in ends.items():
        last = found.get(story, (0, ""))[0]
        if last < number:
            what = "the entry is missing at the end of the log"
            verdict.damages.append(Damage(f"story:{names[story]}", last + 1, None, what))
    for story, (last, hash_) in found.items():
        number, wanted = ends.get(story, (0, ""))
        if last == number and hash_ != wanted:
            what = "the story's row names another last entry"
            verdict.damages.append(Damage(f"story:{names[story]}", last, None, what))
