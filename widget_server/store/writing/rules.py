"""Writes of rules. Each change increments the site's `rights`: every process then reads its rules again."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.decisions import Decision
from widget_server.model.errors import MalformedError, NotFoundError
from widget_server.model.rules import MAX_RULES, MAX_WORDS, RuleSpec, StoredRule
from widget_server.store.damaged_rows import readable
from widget_server.store.mapping import dump
from widget_server.store.queries.rules import logged_rule, to_rule
from widget_server.store.queries.sites import locked_site
from widget_server.store.schema import copies, rule_hits, rules, sites, stories
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.site_log import append_site_decision

KEEP_HITS_MS = 90 * 86_400_000
"""Time for which the server remembers which comments a rule hit."""
CHUNK = 2_000


def insert_rule(rule: StoredRule, decision: Decision) -> TransactionFn[None]:
    """Add a rule. `decision` is logged.

    Raises `NotFoundError` (site, story or copy) and `MalformedError` if the site has too many.
    """

    async def run(connection: AsyncConnection) -> None:
        await locked_site(connection, rule.site)
        others = await rules_of(connection, rule.site)
        if len(others) >= MAX_RULES:
            raise MalformedError(f"A site has at most {MAX_RULES} rules. Remove one first.")
        check_words(rule.spec, others)
        values = await columns_of(connection, rule.site, rule.spec)
        values |= {"id": rule.id, "site": rule.site, "mode": rule.mode}
        values |= {"created_at": rule.created_at, "by": rule.by}
        values |= {"mode_at": rule.mode_at, "mode_by": rule.mode_by}
        await connection.execute(insert(rules).values(values))
        await announce(connection, rule.site, decision)

    return run


def replace_rule(rule: StoredRule, decision: Decision) -> TransactionFn[None]:
    """Store what a rule says now, and its mode. `decision` is logged. Raises as `insert_rule`."""

    async def run(connection: AsyncConnection) -> None:
        await locked_site(connection, rule.site)
        others = await rules_of(connection, rule.site)
        before = next((other for other in others if other.id == rule.id), None)
        if before is None:
            raise NotFoundError("There is no rule with this id.")
        check_words(rule.spec, [other for other in others if other.id != rule.id])
        values = await columns_of(connection, rule.site, rule.spec)
        values |= {"mode": rule.mode, "mode_at": rule.mode_at, "mode_by": rule.mode_by}
        await connection.execute(update(rules).where(rules.c.id == rule.id).values(values))
        await announce(connection, rule.site, decision, logged_rule(before, rule))

    return run


def delete_rule(site: str, rule: str, decision: Decision) -> TransactionFn[None]:
    """Delete a rule. `decision` is logged. Raises `NotFoundError`.

    What it hit is remembered like the hits of other rules, so that the deletion can be undone.
    """

    async def run(connection: AsyncConnection) -> None:
        await locked_site(connection, site)
        found = await rules_of(connection, site)
        before = next((other for other in found if other.id == rule), None)
        if before is None:
            raise NotFoundError("There is no rule with this id.")
        await connection.execute(delete(rules).where(rules.c.id == rule))
        await announce(connection, site, decision, logged_rule(before, None))

    return run


def count_blocked(ids: Sequence[str]) -> TransactionFn[None]:
    """Count a refused comment for each of these rules."""

    async def run(connection: AsyncConnection) -> None:
        named = update(rules).where(rules.c.id.in_(ids))
        await connection.execute(named.values(blocked=rules.c.blocked + 1))

    return run


def delete_old_hits(now: int) -> TransactionFn[int]:
    """Delete hits older than `KEEP_HITS_MS` at `now` (milliseconds). Result: their number, at most 2,000."""

    async def run(connection: AsyncConnection) -> int:
        old = (
            select(rule_hits.c.at)
            .where(rule_hits.c.at < now - KEEP_HITS_MS)
            .order_by(rule_hits.c.at)
        )
        rows = await connection.execute(old.limit(1).offset(CHUNK - 1))
        until = rows.scalar_one_or_none()
        bound = rule_hits.c.at < now - KEEP_HITS_MS if until is None else rule_hits.c.at <= until
        deleted: Any = await connection.execute(delete(rule_hits).where(bound))
        return int(deleted.rowcount)

    return run


async def rules_of(connection: AsyncConnection, site: str) -> list[StoredRule]:
    """Return the rules of a site, in no order."""
    rows = await connection.execute(
        select(rules, stories.c.code.label("code"))
        .outerjoin(stories, stories.c.id == rules.c.story)
        .where(rules.c.site == site)
    )
    return readable(rows, to_rule)


def check_words(spec: RuleSpec, others: Sequence[StoredRule]) -> None:
    """Raise `MalformedError` if the lists of these rules are too long together."""
    if sum(len(one.words) for one in (spec, *(other.spec for other in others))) > MAX_WORDS:
        raise MalformedError(
            f"All lists of a site have at most {MAX_WORDS:,} entries together. Shorten one."
        )


async def columns_of(connection: AsyncConnection, site: str, spec: RuleSpec) -> dict[str, Any]:
    """Return the columns of what a rule says. Raises `NotFoundError` for a story or copy elsewhere."""
    story: int | None = None
    if spec.story is not None:
        own = (stories.c.code == spec.story) & (stories.c.site == site)
        found = await connection.execute(select(stories.c.id).where(own))
        story = found.scalar_one_or_none()
        if story is None:
            raise NotFoundError("There is no story with this code on this site.")
    if spec.copy is not None:
        of_story = (copies.c.id == spec.copy) & (copies.c.story == story)
        counted = await connection.execute(select(func.count()).select_from(copies).where(of_story))
        if not counted.scalar_one():
            raise NotFoundError("There is no copy with this number of this story.")
    return {
        "story": story,
        "copy": spec.copy,
        "name": spec.name,
        "kind": spec.kind,
        "action": spec.action,
        "body": dump(spec.stored()),
    }


async def announce(
    connection: AsyncConnection, site: str, decision: Decision, before: dict[str, Any] | None = None
) -> None:
    """Let every process read the rules again, and log the change with the rule as it was before."""
    changed = update(sites).where(sites.c.slug == site)
    await connection.execute(changed.values(rights=sites.c.rights + 1))
    words = None if before is None else {"rule": before}
    await append_site_decision(connection, site, decision, words)
