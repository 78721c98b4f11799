"""What the page of copies shows: a page of copies with what was seen on their pages, and what is new."""

from dataclasses import dataclass

from widget_server.auth import permissions
from widget_server.model.actors import Actor
from widget_server.model.page_facts import SeenPage
from widget_server.operations.owners import copies
from widget_server.operations.owners.copies import CopyFilter, CopyList, CopyOrder, Revocation
from widget_server.operations.services import Services
from widget_server.store.queries.owner_copies import CopiesOfLanguage

__all__ = ["CopiesOfLanguage"]

MAX_OTHERS = 10
"""Other copies that the step before a revocation names."""


@dataclass(frozen=True, slots=True)
class Atlas:
    """A page of copies. `seen` is by copy; copies whose page was not looked at have no entry."""

    page: CopyList
    seen: dict[int, SeenPage]
    languages: list[CopiesOfLanguage]

    @property
    def all(self) -> int:
        """All copies of the site."""
        return sum(one.copies for one in self.languages)

    @property
    def new(self) -> int:
        """Copies of the site that were first seen since the last visit."""
        return sum(one.new for one in self.languages)


@dataclass(frozen=True, slots=True)
class Step:
    """What revoking a copy would do, and what shutting its origin out of the whole site would stop too."""

    revocation: Revocation
    others: list[copies.ListedCopy]
    """Copies of other stories on the same origin, at most `MAX_OTHERS`."""
    more_others: int


async def show_atlas(
    services: Services,
    by: Actor,
    site: str,
    wanted: CopyFilter,
    *,
    order: CopyOrder,
    since: int,
    after: str | None = None,
) -> Atlas:
    """Return a page of copies: three SQL statements. `since` is the last visit, in milliseconds.

    Raises the errors of `copies.list_copies`.
    """
    permissions.require(by, "read_copies", site)
    languages = await services.owner_copies.languages(site, wanted, since)
    total = sum(one.matching for one in languages)
    found = await copies.list_copies(
        services, by, site, wanted, order=order, after=after, total=total
    )
    seen = await services.pages.seen([one.record.id for one in found.copies])
    return Atlas(found, seen, languages)


async def show_step(services: Services, by: Actor, site: str, copy: int) -> Step:
    """Return what revoking a copy would do. A copy that carries only the code can only be shut out.

    Raises the errors of `copies.preview_revocation`.
    """
    permissions.require(by, "revoke", site)
    listed = await copies.list_copies(services, by, site, CopyFilter(ids=frozenset({copy})))
    only_code = bool(listed.copies) and listed.copies[0].record.code_only
    revocation = await copies.preview_revocation(
        services, by, site, copy, shut_out="story" if only_code else None
    )
    if revocation.origin is None:
        return Step(revocation, [], 0)
    wanted = CopyFilter(origin=revocation.origin, status="live")
    there = await copies.list_copies(services, by, site, wanted, limit=MAX_OTHERS + 1)
    story = revocation.copy.record.story
    others = [one for one in there.copies if one.record.story != story][:MAX_OTHERS]
    of_story = sum(one.record.story == story for one in there.copies)
    return Step(revocation, others, max(0, there.total - of_story - len(others)))
