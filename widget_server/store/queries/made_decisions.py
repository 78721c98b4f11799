"""Reads of decisions: by id, to find what a request has changed already, and how many hard ones a person made."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, bindparam, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.decisions import Decision
from widget_server.model.queue import HARSH
from widget_server.store.decision_mapping import to_decision
from widget_server.store.engine import Database, read_transaction
from widget_server.store.patterns import is_like
from widget_server.store.schema import cases, decision_words, decisions, site_decisions, stories

CHUNK = 1_000
"""Ids in one query."""

HARD_ONES = (
    select(func.count(cases.c.id.distinct()))
    .select_from(decisions)
    .join(cases, (cases.c.comment == decisions.c.comment) & (cases.c.decision == decisions.c.id))
    .where(
        decisions.c.site == bindparam("of_site"),
        decisions.c.at >= bindparam("since"),
        decisions.c.actor_kind == bindparam("kind"),
        decisions.c.actor == bindparam("person"),
        or_(*(is_like(cases.c.reasons, f'%"{reason}"%') for reason in HARSH)),
    )
)
"""How many cases with a harsh reason the actor `kind`, `person` has decided on `of_site` since the time `since`."""


class MadeDecisions:
    """Reads of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def with_ids(
        self, connection: AsyncConnection, ids: Sequence[str]
    ) -> dict[str, Decision]:
        """Return those of these decisions that were made, by id, from the logs of stories and sites."""
        words = decision_words.c.words.label("stored_words")
        of_stories = select(decisions, stories.c.code, words).join(
            stories, decisions.c.story == stories.c.id
        )
        of_sites = select(site_decisions, words)
        logs: tuple[tuple[Select[Any], Any], ...] = (
            (of_stories, decisions),
            (of_sites, site_decisions),
        )
        found: dict[str, Decision] = {}
        for entries, table in logs:
            query = entries.outerjoin(decision_words, decision_words.c.decision == table.c.id)
            for start in range(0, len(ids), CHUNK):
                some = table.c.id.in_(ids[start : start + CHUNK])
                rows = await connection.execute(query.where(some))
                found |= {row.id: to_decision(row._mapping) for row in rows}
        return found
