"""Reads and writes of settings: a site's, and those that stories override."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import desc, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.decisions import Decision
from widget_server.model.errors import NotFoundError, SettingsChangedError
from widget_server.model.records import Site
from widget_server.model.settings import DERIVED, SiteSettings
from widget_server.store.damaged_rows import RowDamagedError, record_damaged_row
from widget_server.store.engine import Database, read_transaction
from widget_server.store.mapping import counts_or_none, dump, overrides_of
from widget_server.store.queries.sites import locked_site
from widget_server.store.schema import copies, sites, stories
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.site_log import append_site_decision

Change = Callable[[SiteSettings], SiteSettings]


class SiteSettingsReads:
    """Reads of what settings concern: the stories of a site, and the reactions counted there."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def story_ids(self, connection: AsyncConnection, slug: str) -> list[tuple[int, str]]:
        """Return id and code of the site's stories, the last seen on a page first."""
        seen = select(copies.c.story, func.max(copies.c.last_seen).label("at"))
        last = seen.group_by(copies.c.story).subquery()
        rows = await connection.execute(
            select(stories.c.id, stories.c.code)
            .outerjoin(last, last.c.story == stories.c.id)
            .where(stories.c.site == slug)
            .order_by(desc(func.coalesce(last.c.at, 0)), desc(stories.c.id))
        )
        return [(row.id, row.code) for row in rows]

    @read_transaction
    async def counted(self, connection: AsyncConnection, slug: str) -> dict[str, int]:
        """Return how often each reaction to a story of the site is counted, by key."""
        rows = await connection.execute(
            select(stories.c.id, stories.c.counts).where(stories.c.site == slug)
        )
        total: Counter[str] = Counter()
        for row in rows:
            total.update(counts_or_none("stories", row.id, row.counts))
        return dict(total)


def change_site_settings(
    slug: str, change: Change, is_expected: Callable[[SiteSettings], bool], decision: Decision
) -> TransactionFn[tuple[Site, Site]]:
    """Store new settings of a site. Result: the site before and after.

    `decision` is logged with the values of the changed settings before and after, unless nothing changed.
    `change` must not raise: it runs in a transaction that contains other actions. Raises
    `NotFoundError`, `SettingsChangedError` unless `is_expected`, and `UnavailableError` for a damaged row.
    """

    async def run(connection: AsyncConnection) -> tuple[Site, Site]:
        before = await locked_site(connection, slug)
        if not is_expected(before.settings):
            raise SettingsChangedError
        after = replace(before, settings=change(before.settings))
        if after.settings != before.settings:
            values = {"settings": dump(after.settings.to_json()), "rights": sites.c.rights + 1}
            await connection.execute(update(sites).where(sites.c.slug == slug).values(values))
            logged = logged_change(decision, before.settings.values(), after.settings.values())
            await append_site_decision(connection, slug, logged)
        return before, after

    return run


def change_story_settings(
    slug: str,
    code: str,
    change: Callable[[SiteSettings, Mapping[str, Any]], Mapping[str, Any]],
    is_expected: Callable[[Mapping[str, Any]], bool],
    decision: Decision,
) -> TransactionFn[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Store the settings that a story overrides. Result: the overriding settings before and after.

    `decision` is logged with what the story overrode of the changed settings, and what it overrides now.
    `change` gets the site's settings and the story's, and must not raise. Raises the errors of
    `change_site_settings`; `NotFoundError` also for a story of another site.
    """

    async def run(connection: AsyncConnection) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        site = await locked_site(connection, slug)
        row = (
            await connection.execute(
                select(stories.c.id, stories.c.settings)
                .where((stories.c.code == code) & (stories.c.site == slug))
                .with_for_update(key_share=True)
            )
        ).one_or_none()
        if row is None:
            raise NotFoundError("There is no story with this code.")
        before = {} if row.settings is None else _readable_overrides(row)
        if not is_expected(before):
            raise SettingsChangedError
        after = change(site.settings, before)
        if after != before:
            stored = dump(dict(after)) if after else None
            own = update(stories).where(stories.c.id == row.id)
            await connection.execute(own.values(settings=stored))
            # Every process reads the site again, with its stories' settings.
            changed = update(sites).where(sites.c.slug == slug)
            await connection.execute(changed.values(rights=sites.c.rights + 1))
            await append_site_decision(connection, slug, logged_change(decision, before, after))
        return before, after

    return run


def changed_keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the keys whose values differ, or that only one of the two has."""
    return tuple(
        key
        for key in {**before, **after}
        if (key in before, before.get(key)) != (key in after, after.get(key))
    )


def logged_change(
    decision: Decision, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Decision:
    """Return the decision with the changed settings before and after. Trees are made from texts again."""
    changed = [key for key in changed_keys(before, after) if key != DERIVED]
    return replace(
        decision,
        before={key: before[key] for key in changed if key in before},
        after={key: after[key] for key in changed if key in after},
    )


def _readable_overrides(row: Any) -> Mapping[str, Any]:
    """Return a story's overriding settings, or none if they are damaged: they are replaced now."""
    try:
        return overrides_of(row)
    except RowDamagedError as damage:
        record_damaged_row(damage)
        return {}


def watched_first(
    found: Sequence[tuple[int, str]], watched: Mapping[str, Any]
) -> list[tuple[int, str]]:
    """Return the stories with those that are open in this process first, else in the same order."""
    return sorted(found, key=lambda story: story[1] not in watched)
