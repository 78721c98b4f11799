"""Append decisions to the log of a site, in the transaction of the change that they describe."""

from typing import Any, TypeVar

from sqlalchemy import desc, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.decisions import Decision
from widget_server.store.log_keys import (
    CONNECTION_KEY,
    SITE_ENTRY,
    LogKeys,
    new_salt,
    salted_hash,
)
from widget_server.store.mapping import dump
from widget_server.store.schema import decision_words, site_decisions, sites
from widget_server.store.transactions import TransactionFn

T = TypeVar("T")


async def append_site_decision(
    connection: AsyncConnection, site: str, decision: Decision, words: dict[str, Any] | None = None
) -> int:
    """Append a decision to the log of a site and return its number.

    `words` lie beside the entry, which has only their salted hash.

    Call it in a transaction function, in the transaction of the change. `before` and `after` may contain
    values of settings, but no text of a reader, no address, key or token.
    """
    keys: LogKeys = connection.info[CONNECTION_KEY]
    # The site's row orders the entries: two processes may append at the same time.
    await connection.execute(
        select(sites.c.slug).where(sites.c.slug == site).with_for_update(key_share=True)
    )
    found = await connection.execute(
        select(site_decisions.c.number, site_decisions.c.hash)
        .where(site_decisions.c.site == site)
        .order_by(desc(site_decisions.c.number))
        .limit(1)
    )
    last = found.one_or_none()
    note = {} if decision.note is None else {"note": decision.note}
    beside = note | (words or {})
    salt, text = new_salt(), dump(beside)
    entry: dict[str, Any] = {
        "site": site,
        "number": 1 if last is None else last.number + 1,
        "targets": dump(list(decision.targets)),
        "id": decision.id,
        "at": decision.at,
        "actor_kind": decision.actor_kind,
        "actor": decision.actor,
        "via": decision.via,
        "shell_user": decision.shell_user,
        "verb": decision.verb,
        "reason": decision.reason,
        "batch": decision.batch,
        "undoes": decision.undoes,
        "before": dump(decision.before),
        "after": dump(decision.after),
        "words": salted_hash(salt, text) if beside else None,
    }
    keys.sign("" if last is None else last.hash, entry, SITE_ENTRY)
    await connection.execute(insert(site_decisions).values(entry))
    if beside:
        row = {"decision": decision.id, "comment": "", "salt": salt, "words": text}
        await connection.execute(insert(decision_words).values(row))
    number: int = entry["number"]
    return number


def logged(change: TransactionFn[T], site: str, decision: Decision) -> TransactionFn[T]:
    """Run a change, and append the decision to the site's log in the same transaction.

    Nothing is appended if the change's result is False: then it changed nothing.
    """

    async def run(connection: AsyncConnection) -> T:
        result = await change(connection)
        if result is not False:
            await append_site_decision(connection, site, decision)
        return result

    return run


def if_last(
    change: TransactionFn[bool], site: str, decision: Decision, *verbs: str
) -> TransactionFn[bool]:
    """Run a change if no later entry of the site's log has the verb and targets of this one. Else: False.

    An entry with one of the other `verbs` and the same targets counts too. A token that was revoked, accepted again and revoked for a second reason stays revoked if the first
    entry is taken back.
    """

    async def run(connection: AsyncConnection) -> bool:
        own = site_decisions.c
        last = await connection.execute(
            select(own.id)
            .where(
                own.site == site,
                own.verb.in_([decision.verb, *verbs]),
                own.targets == dump(list(decision.targets)),
            )
            .order_by(desc(own.number))
            .limit(1)
        )
        return last.scalar_one() == decision.id and await change(connection)

    return run
