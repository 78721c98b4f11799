"""The atlas of a site's copies: where its stories can be read, export, and taking one copy back."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Literal

from widget_server.auth import permissions
from widget_server.model.actors import Actor
from widget_server.model.decisions import COPY_REASONS, batch_id, decided_by
from widget_server.model.errors import NotFoundError, OperatorError
from widget_server.model.limits import MAX_PAGE
from widget_server.operations.made_before import made_before
from widget_server.operations.owners import sites
from widget_server.operations.owners.csv_lines import csv_line, csv_time
from widget_server.operations.owners.readers_now import ReaderCount, reader_count, readers_now
from widget_server.operations.services import Services
from widget_server.store.queries.owner_copies import (
    COPY_ORDERS,
    COPY_STATUSES,
    CopyFilter,
    CopyOrder,
    CopyRecord,
    CopyStatus,
)
from widget_server.store.queries.republishers import agree_with_republisher
from widget_server.store.queries.sites import give_back_copy as give_back, take_back_copy

__all__ = [
    "COPY_ORDERS",
    "COPY_STATUSES",
    "CopyFilter",
    "CopyOrder",
    "CopyRecord",
    "CopyStatus",
]

PAGE_SIZE = 25
"""Copies of a page if the request names no limit."""
CSV_COLUMNS = (
    "page",
    "origin",
    "label",
    "language",
    "story",
    "title",
    "first_seen",
    "last_seen",
    "readers_now",
    "reactions",
    "share_of_reactions",
    "comments",
    "status",
)

Scope = Literal["story", "site"]
"""What an origin is shut out of: the story of the copy, or all stories of the site."""
SCOPES: tuple[Scope, ...] = ("story", "site")


@dataclass(frozen=True, slots=True)
class ListedCopy:
    """A row of the list of copies."""

    record: CopyRecord
    readers: ReaderCount


@dataclass(frozen=True, slots=True)
class CopyList:
    """A page of copies. `next` is the cursor of the next page, or None."""

    copies: list[ListedCopy]
    total: int
    """Copies that match the filter."""
    next: str | None


@dataclass(frozen=True, slots=True)
class Revocation:
    """What revoking a copy does, or did."""

    copy: ListedCopy
    token: bool
    """Whether its token is revoked. A copy that carries only the code has none."""
    also: list[ListedCopy]
    """Other copies with the same token: they become read-only as well."""
    shut_out: Scope | None
    origin: str | None
    """The exact origin that is shut out or can be; None for `null`, wildcards and this server."""
    before: bool
    """Whether it was revoked before."""


async def list_copies(
    services: Services,
    by: Actor,
    site: str,
    wanted: CopyFilter | None = None,
    *,
    order: CopyOrder = "readers",
    limit: int = PAGE_SIZE,
    after: str | None = None,
    total: int | None = None,
) -> CopyList:
    """Return a page of the site's copies, the highest value of `order` first: two SQL statements.

    With a `total` that is known already: one statement. Raises `NotPermittedError`, `MalformedError` for a wrong `after`, and `UnavailableError`.
    """
    permissions.require(by, "read_copies", site)
    now: dict[int, int] = {}
    for story in (await readers_now(services)).values():
        now |= story.copies
    wanted = wanted or CopyFilter()
    if by.copies is not None:
        ids = by.copies if wanted.ids is None else by.copies & wanted.ids
        wanted = replace(wanted, ids=ids)
    page = await services.owner_copies.page(site, wanted, order, now, limit, after, total)
    rows = [ListedCopy(one, reader_count(by, now.get(one.id, 0))) for one in page.copies]
    return CopyList(rows, page.total, page.next)


async def new_copies(
    services: Services,
    by: Actor,
    site: str,
    since: int,
    *,
    limit: int = PAGE_SIZE,
    after: str | None = None,
) -> CopyList:
    """Return the copies seen for the first time since a time in milliseconds, the newest first.

    Raises the errors of `list_copies`.
    """
    wanted = CopyFilter(first_seen_since=since)
    return await list_copies(
        services, by, site, wanted, order="first_seen", limit=limit, after=after
    )


async def export_copies(
    services: Services, by: Actor, site: str, wanted: CopyFilter | None = None
) -> AsyncIterator[str]:
    """Yield the lines of a CSV file with all copies that match, the first seen last.

    Raises `NotPermittedError` before the first line.
    """
    permissions.require(by, "export_public", site)
    after: str | None = None
    yield csv_line(CSV_COLUMNS)
    while True:
        page = await list_copies(
            services, by, site, wanted, order="first_seen", limit=MAX_PAGE, after=after
        )
        for row in page.copies:
            yield _line(row)
        after = page.next
        if after is None:
            return


def _line(row: ListedCopy) -> str:
    copy = row.record
    return csv_line(
        (
            copy.page or copy.origin,
            copy.origin,
            copy.label,
            copy.lang,
            copy.story_key,
            copy.story_title,
            csv_time(copy.first_seen),
            csv_time(copy.last_seen),
            row.readers.text if row.readers.number is None else row.readers.number,
            copy.reactions,
            round(copy.share, 4),
            copy.comments,
            copy.status.replace("_", " "),
        )
    )


async def preview_revocation(
    services: Services, by: Actor, site: str, copy: int, *, shut_out: Scope | None = None
) -> Revocation:
    """Return what `revoke_copy` with the same arguments would do. Raises its errors."""
    permissions.require(by, "revoke", site)
    found = await services.owner_copies.find(site, copy)
    if found is None or (by.copies is not None and copy not in by.copies):
        raise NotFoundError(
            f"There is no such copy on site “{site}”. `widget-server copy list {site}` shows them."
        )
    record, others = found
    try:
        origin = sites.exact_origin(services, record.origin)
    except OperatorError:
        origin = None
    if shut_out is not None:
        permissions.require(by, "shut_out", site)
        if origin is None:
            raise OperatorError(
                "This copy has no exact origin that can be shut out. Revoke its token alone."
            )
    elif record.code_only:
        raise OperatorError(
            "This copy carries only the story's code, so there is no token to revoke. Shut its origin out."
        )
    now: dict[int, int] = {}
    for story in (await readers_now(services)).values():
        now |= story.copies
    this, *also = (
        ListedCopy(one, reader_count(by, now.get(one.id, 0))) for one in (record, *others)
    )
    return Revocation(
        this, not record.code_only, also, shut_out, origin, record.status == "revoked"
    )


async def revoke_copy(
    services: Services,
    by: Actor,
    site: str,
    copy: int,
    *,
    shut_out: Scope | None = None,
    reason: str | None = None,
) -> Revocation:
    """Revoke the token of a copy and, as a choice, shut its exact origin out, in one transaction.

    Within 5 seconds the copy is read-only. A copy that carries only the code has no token: it needs
    `shut_out`. `reason` is one of `COPY_REASONS`. Raises `NotPermittedError`, `NotFoundError`, and
    `OperatorError` with a sentence.
    """
    if reason is not None and reason not in COPY_REASONS:
        raise OperatorError(f"Give one of these reasons: {', '.join(COPY_REASONS)}.")
    planned = await preview_revocation(services, by, site, copy, shut_out=shut_out)
    made = await made_before(services, by, "revoke", "shut_out")
    if made:
        return replace(planned, before=planned.before and "revoke" not in made)
    record = planned.copy.record
    scopes = {None: None, "story": record.story, "site": ""}
    now, batch = services.now_ms(), batch_id(by)
    token = shut = None
    if planned.token:
        revoke = decided_by(by, "revoke", now, targets=(record.jti,), reason=reason)
        token = record.jti, replace(revoke, batch=batch)
    if shut_out is not None and planned.origin is not None:
        scope = scopes[shut_out] or ""
        shutting = decided_by(by, "shut_out", now, targets=(planned.origin, scope), reason=reason)
        shut = planned.origin, scope, replace(shutting, batch=batch)
    await services.writer.run_in_transaction(take_back_copy(site, token, shut))
    return planned


async def give_back_copy(services: Services, by: Actor, site: str, copy: int) -> bool:
    """Undo `revoke_copy`: accept the copy's token again, and its origin for this story and the site.

    Return False if it was neither revoked nor shut out. Raises `NotPermittedError` and `NotFoundError`.
    """
    permissions.require(by, "revoke", site)
    permissions.require(by, "shut_out", site)
    found = await services.owner_copies.find(site, copy)
    if found is None or (by.copies is not None and copy not in by.copies):
        raise NotFoundError(f"There is no such copy on site “{site}”.")
    if await made_before(services, by, "readmit"):
        return True
    record, _ = found
    return await services.writer.run_in_transaction(
        give_back(
            site,
            record.jti,
            record.origin,
            record.story,
            decided_by(
                by, "readmit", services.now_ms(), targets=(record.jti, record.origin, record.story)
            ),
        )
    )


async def agree_with_name(
    services: Services, by: Actor, site: str, copy: int, *, agreed: bool = True
) -> bool:
    """Show the name that the republisher of a copy wants, and let the story's page list it if they want that.

    With `agreed=False`, take that back. It holds for all copies of the same token. Return False if nothing
    changed. Raises `NotPermittedError`, `NotFoundError`, and `OperatorError` for a copy whose token no
    republisher made.
    """
    permissions.require(by, "agree", site)
    found = await services.owner_copies.find(site, copy)
    if found is None or (by.copies is not None and copy not in by.copies):
        raise NotFoundError(f"There is no such copy on site “{site}”.")
    record, _ = found
    if not record.self_made:
        raise OperatorError("The publisher gave this copy its token. Its name is in the token.")
    if await made_before(services, by, "agree"):
        return True
    now = services.now_ms()
    decision = decided_by(
        by, "agree", now, targets=(record.jti,), after={"story": record.story, "agreed": agreed}
    )
    return await services.writer.run_in_transaction(
        agree_with_republisher(site, record.jti, now if agreed else None, decision)
    )
