"""The log with the names that people know, and its export as a file."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import orjson

from widget_server.auth.permissions import require
from widget_server.model.actors import Actor
from widget_server.model.decisions import Decision
from widget_server.operations.moderation.log import MAX_PAGE, read_log
from widget_server.operations.owners.csv_lines import csv_line, csv_time
from widget_server.operations.services import Services
from widget_server.store.queries.decisions import Cursor, LogFilter

__all__ = ["Cursor", "LogFilter"]

PUBLIC_COLUMNS = (
    "time",
    "id",
    "by",
    "via",
    "verb",
    "story",
    "comment",
    "reason",
    "batch",
    "undoes",
)
FULL_COLUMNS = (*PUBLIC_COLUMNS, "who", "shell_user", "targets", "note", "before", "after")


@dataclass(frozen=True, slots=True)
class NamedEntry:
    """An entry of the log with the names of what it is about."""

    decision: Decision
    who: str
    """Name of the account or key, else its id."""
    is_named: bool
    """Whether `who` is a name."""
    writer: str | None
    """Name of the comment's writer, if the comment is not removed."""
    words: str | None
    """First characters of the comment if it is public and its writer gave no name."""
    title: str | None
    """Title of the story, else its key."""
    undone: bool
    """Whether a later entry undid it."""
    answered: str | None
    """Verb of the entry that this one undoes."""
    targets: Mapping[str, str]
    """Names of the targets of an entry of the site's log: people, keys, stories, labels of tokens."""
    stories: Mapping[str, str]
    """For targets that are tokens: the story that they carry."""


@dataclass(frozen=True, slots=True)
class LogPage:
    """Entries, the newest first. `next` continues, or is None."""

    entries: list[NamedEntry]
    next: Cursor | None


async def show_log(
    services: Services,
    by: Actor,
    site: str,
    chosen: LogFilter,
    *,
    after: Cursor | None = None,
    limit: int = 50,
) -> LogPage:
    """Return a page of the site's log with names: three SQL statements. Raises `NotPermittedError`."""
    found = await read_log(services, by, site, chosen, after=after, limit=limit + 1)
    shown = found[:limit]
    names = await _names(services, site, shown) if shown else {}
    entries = [_named(one, names) for one in shown]
    return LogPage(entries, (shown[-1].at, shown[-1].id) if len(found) > limit else None)


def _named(one: Decision, names: Mapping[tuple[str, str], str]) -> NamedEntry:
    comment = one.comment or ""
    named: dict[str, str] = {}
    for target in one.targets if not one.story else ():
        for kind in ("actor", "story", "token"):
            if (kind, target) in names:
                named[target] = names[kind, target]
    return NamedEntry(
        one,
        names.get(("actor", one.actor), one.actor),
        one.actor_kind not in {"account", "key"} or ("actor", one.actor) in names,
        names.get(("comment", comment)),
        names.get(("words", comment)),
        names.get(("story", one.story or "")),
        ("undone", one.id) in names,
        names.get(("answered", one.undoes or "")),
        named,
        {
            target: names["story of token", target]
            for target in one.targets
            if ("story of token", target) in names
        },
    )


async def _names(
    services: Services, site: str, shown: list[Decision]
) -> dict[tuple[str, str], str]:
    return await services.owner_comments.names(
        site,
        {one.actor for one in shown},
        {one.comment for one in shown if one.comment},
        {one.story for one in shown if one.story},
        {one.id for one in shown},
        {target for one in shown if not one.story for target in one.targets if target},
        {one.undoes for one in shown if one.undoes},
    )


async def last_decision(services: Services, by: Actor, site: str, code: str) -> str | None:
    """Return the id of the last decision about a story itself, if it is among the last of its log.

    Raises `NotPermittedError`.
    """
    require(by, "read_log", site)
    found = await services.decisions.log(site, LogFilter(story=code), None, 5)
    return next((one.id for one in found if not one.targets and one.verb != "undo"), None)


async def export_log(
    services: Services, by: Actor, site: str, chosen: LogFilter, *, full: bool = False
) -> AsyncIterator[str]:
    """Yield the lines of a CSV file with all entries that match, the newest first.

    Without `full` it has no personal data: no names, no notes, and people only as what they are. Raises
    `NotPermittedError` before the first line.
    """
    require(by, "export_full" if full else "export_public", site)
    after: Cursor | None = None
    yield csv_line(FULL_COLUMNS if full else PUBLIC_COLUMNS)
    while True:
        page = await show_log(services, by, site, chosen, after=after, limit=MAX_PAGE - 1)
        for entry in page.entries:
            yield _line(entry, full=full)
        after = page.next
        if after is None:
            return


def _line(entry: NamedEntry, *, full: bool) -> str:
    one = entry.decision
    at = csv_time(one.at)
    comment = one.comment
    public = (
        at,
        one.id,
        one.actor_kind,
        one.via,
        one.verb,
        one.story,
        comment,
        one.reason,
        one.batch,
        one.undoes,
    )
    if not full:
        return csv_line(public)
    return csv_line(
        (
            *public,
            entry.who,
            one.shell_user,
            " ".join(one.targets),
            one.note,
            orjson.dumps(dict(one.before)).decode(),
            orjson.dumps(dict(one.after)).decode(),
        )
    )
