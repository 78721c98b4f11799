"""Writes of the learned filter: its state, and the counts of words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.decisions import Decision
from widget_server.model.learning import Example, LearnerState
from widget_server.store.damaged_rows import json_of
from widget_server.store.log_keys import CONNECTION_KEY, LogKeys
from widget_server.store.mapping import dump
from widget_server.store.queries.sites import locked_site
from widget_server.store.schema import learned, learners, sites, words
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.bulk import read_by_keys, upsert
from widget_server.store.writing.site_log import append_site_decision

MOST_READERS = 3
"""Writers of a word that are remembered."""
GOOD_PER_BAD = 5
"""Good comments whose words are counted for each bad one. The others are only used to measure."""
CHUNK = 2_000


@dataclass(slots=True)
class _Word:
    good: int = 0
    bad: int = 0
    readers: tuple[int, ...] = ()

    def add(self, reader: int, *, bad: bool, by: int) -> None:
        """Count (`by` 1) or subtract (-1) a comment of a reader."""
        self.good = max(0, self.good + (0 if bad else by))
        self.bad = max(0, self.bad + (by if bad else 0))
        if by < 0:
            self.readers = tuple(one for one in self.readers if one != reader)
        elif len(self.readers) < MOST_READERS and reader not in self.readers:
            self.readers = (*self.readers, reader)


def set_learner(state: LearnerState, decision: Decision) -> TransactionFn[None]:
    """Store mode and rate of a site's filter, which is created if need be. `decision` is logged."""

    async def run(connection: AsyncConnection) -> None:
        await locked_site(connection, state.site)
        chosen: dict[str, Any] = {"mode": state.mode, "rate": state.rate}
        chosen |= {"mode_at": state.mode_at, "mode_by": state.mode_by}
        own = learners.c.site == state.site
        changed: Any = await connection.execute(update(learners).where(own).values(chosen))
        if not changed.rowcount:
            new: dict[str, Any] = {
                "seed": state.seed,
                "good": 0,
                "bad": 0,
                "version": 0,
                "curve": "[]",
            }
            new |= {"curve_version": 0, "curve_at": 0, "decided_until": 0, "stood_until": 0}
            await connection.execute(insert(learners).values({"site": state.site} | new | chosen))
        # Every process reads the filter again with the site's rules.
        of_site = update(sites).where(sites.c.slug == state.site)
        await connection.execute(of_site.values(rights=sites.c.rights + 1))
        await append_site_decision(connection, state.site, decision)

    return run


def set_curve(
    site: str, curve: Sequence[Mapping[str, Any]], version: int, at: int
) -> TransactionFn[None]:
    """Store what each threshold does, as measured with the words of `version`."""

    async def run(connection: AsyncConnection) -> None:
        values = {"curve": dump(list(curve)), "curve_version": version, "curve_at": at}
        await connection.execute(update(learners).where(learners.c.site == site).values(values))

    return run


def set_looked_at(site: str, decided_until: int, stood_until: int) -> TransactionFn[None]:
    """Store up to which times decisions and comments have been looked at."""

    async def run(connection: AsyncConnection) -> None:
        values = {"decided_until": decided_until, "stood_until": stood_until}
        await connection.execute(update(learners).where(learners.c.site == site).values(values))

    return run


def learn(site: str, examples: Sequence[Example]) -> TransactionFn[int]:
    """Let the filter know these comments as they are said. Result: how many it knew otherwise.

    What it knew before of a comment is subtracted first, so running it twice changes nothing.
    """

    async def run(connection: AsyncConnection) -> int:
        rows = await connection.execute(
            select(learners).where(learners.c.site == site).with_for_update()
        )
        state = rows.one_or_none()
        if state is None or not examples:
            return 0
        known = await _known(connection, [one.comment for one in examples])
        keys: LogKeys = connection.info[CONNECTION_KEY]
        run = _Run(site, keys, state.good, state.bad)
        for example in examples:
            run.add(example, known.get(example.comment))
        if not run.changed:
            return 0
        counts = await _counts(connection, site, run.tokens())
        run.count(counts)
        await _store(connection, site, counts)
        gone = [*run.forgotten]
        for start in range(0, len(gone), CHUNK):
            some = learned.c.comment.in_(gone[start : start + CHUNK])
            await connection.execute(delete(learned).where(some))
        if run.new:
            await connection.execute(insert(learned), run.new)
        await connection.execute(
            update(learners)
            .where(learners.c.site == site)
            .values(good=run.good, bad=run.bad, version=learners.c.version + 1)
        )
        return run.changed

    return run


class _Run:
    """The changes of one transaction: which comments are subtracted, which are added."""

    def __init__(self, site: str, keys: LogKeys, good: int, bad: int) -> None:
        self.good, self.bad, self.changed = good, bad, 0
        self.forgotten: set[str] = set()
        self.new: list[dict[str, Any]] = []
        self._site, self._keys = site, keys
        self._steps: list[tuple[Sequence[int], int, bool, int]] = []

    def add(self, example: Example, known: Any) -> None:
        """Note what is to be subtracted and added for one comment."""
        if known is not None and known.bad == example.bad and not known.forget:
            return
        if known is not None and example.tokens is None and example.bad is not None:
            return  # Its text is gone: what is known of it stays.
        if known is not None:
            self.changed += 1
            self.forgotten.add(example.comment)
            stored = self._keys.unseal(known.sealed) or {"tokens": [], "reader": 0}
            if known.counted:
                self._step(stored["tokens"], stored["reader"], bad=known.bad, by=-1)
        if example.bad is None or example.tokens is None:
            return
        self.changed += 1
        counted = example.bad or self.good < GOOD_PER_BAD * self.bad
        if counted:
            self._step(example.tokens, example.reader, bad=example.bad, by=1)
        sealed = self._keys.seal({"tokens": list(example.tokens), "reader": example.reader})
        self.new.append(
            {
                "comment": example.comment,
                "site": self._site,
                "bad": example.bad,
                "counted": counted,
                "sealed": sealed,
                "at": example.at,
                "forget": False,
            }
        )

    def _step(self, tokens: Sequence[int], reader: int, *, bad: bool, by: int) -> None:
        self._steps.append((tokens, reader, bad, by))
        self.good += 0 if bad else by
        self.bad += by if bad else 0

    def tokens(self) -> set[int]:
        """Return all words of the changes."""
        return {token for tokens, *_ in self._steps for token in tokens}

    def count(self, counts: dict[int, _Word]) -> None:
        """Apply the changes to the counts of words."""
        for tokens, reader, bad, by in self._steps:
            for token in tokens:
                counts[token].add(reader, bad=bad, by=by)


async def _known(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, Any]:
    rows = await connection.execute(select(learned).where(learned.c.comment.in_(ids)))
    return {row.comment: row for row in rows}


async def _counts(
    connection: AsyncConnection, site: str, tokens: Iterable[int]
) -> dict[int, _Word]:
    found = {token: _Word() for token in sorted(tokens)}
    keys = [{"site": site, "token": token} for token in found]
    for row in await read_by_keys(connection, words, keys):
        found[row["token"]] = _Word(row["good"], row["bad"], tuple(json_of(row["readers"])))
    return found


async def _store(connection: AsyncConnection, site: str, counts: Mapping[int, _Word]) -> None:
    rows = [
        {
            "site": site,
            "token": token,
            "good": word.good,
            "bad": word.bad,
            "readers": dump(list(word.readers)),
            "used_by": len(word.readers),
        }
        for token, word in counts.items()
        if word.good + word.bad
    ]
    await upsert(connection, words, ("site", "token"), rows)
    gone = [token for token, word in counts.items() if not word.good + word.bad]
    for start in range(0, len(gone), CHUNK):
        some = words.c.token.in_(gone[start : start + CHUNK])
        await connection.execute(delete(words).where((words.c.site == site) & some))
