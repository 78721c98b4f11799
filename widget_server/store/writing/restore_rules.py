"""Writes that take back a change of a rule or of the learned filter."""

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.decisions import Decision
from widget_server.model.errors import MalformedError
from widget_server.model.learning import LearnerState
from widget_server.model.rules import MAX_RULES, StoredRule
from widget_server.store.queries.sites import locked_site
from widget_server.store.schema import rules
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.learner import set_learner
from widget_server.store.writing.rules import announce, check_words, columns_of, rules_of

_OWN = ("id", "site", "created_at", "by", "blocked", "asked", "edited", "insisted")


def restore_rule(rule: StoredRule | None, undo: Decision) -> TransactionFn[bool]:
    """Give a rule the state that it had before a change; None: it was not there yet.

    Result: False if there is nothing to take back, because the rule is gone. `undo` is not logged. Raises
    as `insert_rule`.
    """
    (name,) = undo.targets

    async def run(connection: AsyncConnection) -> bool:
        found = await connection.execute(select(rules.c.site).where(rules.c.id == name))
        there = found.scalar_one_or_none() is not None
        if rule is None:
            await connection.execute(delete(rules).where(rules.c.id == name))
            return there
        others = [other for other in await rules_of(connection, rule.site) if other.id != name]
        if len(others) >= MAX_RULES:
            raise MalformedError(f"A site has at most {MAX_RULES} rules. Remove one first.")
        check_words(rule.spec, others)
        values = await columns_of(connection, rule.site, rule.spec)
        values |= {"mode": rule.mode, "mode_at": undo.at, "mode_by": rule.mode_by}
        if there:
            await connection.execute(update(rules).where(rules.c.id == name).values(values))
        else:
            values |= {one: getattr(rule, one) for one in _OWN}
            await connection.execute(insert(rules).values(values))
        return True

    return run


def announced(change: TransactionFn[bool], site: str, undo: Decision) -> TransactionFn[bool]:
    """Run a change of a site's rules; if its result is True, log `undo` and let processes read the rules."""

    async def run(connection: AsyncConnection) -> bool:
        await locked_site(connection, site)
        changed = await change(connection)
        if changed:
            await announce(connection, site, undo)
        return changed

    return run


def restore_learner(state: LearnerState, undo: Decision) -> TransactionFn[bool]:
    """Give the learned filter a mode and a rate, and log `undo`. Result: True."""
    change = set_learner(state, undo)

    async def run(connection: AsyncConnection) -> bool:
        await change(connection)
        return True

    return run
