"""The queue `new`: what came in, and was published at once, since this person last looked.

Each person has a mark. What lies behind it was looked at: approving a comment here moves the mark to it, and
changes nothing else. Removing and holding are decisions as everywhere.
"""

from collections.abc import Collection
from dataclasses import replace

from widget_server.auth.permissions import allowed, require
from widget_server.model.actors import Actor, name_of
from widget_server.model.decisions import Case
from widget_server.model.errors import NotFoundError
from widget_server.model.limits import MAX_PAGE
from widget_server.model.queue import Card, CaseFilter, NewWindow
from widget_server.model.records import Comment
from widget_server.operations.moderation.cases import filter_of, visible_context
from widget_server.operations.moderation.tags import without_tags
from widget_server.operations.moderation.watch_lists import with_stories
from widget_server.operations.services import Services
from widget_server.store.queries.new_comments import Mark, delete_old_marks, set_mark

FIRST_LOOK_MS = 24 * 3_600_000
"""A person who never looked begins with the last day."""
LONGEST_MS = 7 * 24 * 3_600_000
"""Nothing older is shown as new."""
SETTLED_MS = 5_000
"""Comments are shown when they are so old. A comment that is stored a moment later than one that was written
after it would otherwise lie behind the mark unseen."""
CATCH_UP_MS = 600_000


async def list_new(
    services: Services,
    by: Actor,
    site: str,
    chosen: CaseFilter | None = None,
    *,
    after: Mark | None = None,
    skip: Collection[str] = (),
    limit: int = MAX_PAGE,
) -> list[Case]:
    """Return published comments since the actor last looked, the oldest first, as cases without a number.

    `after` is the `mark_of` the last one of the page before, `skip` are comments to leave out. Left out are
    also comments of staff, and those about which a person decided or is asked to. Raises `NotPermittedError`.
    """
    require(by, "read", site)
    chosen = await with_stories(services, by, site, chosen or filter_of("new"))
    until = services.now_ms() - SETTLED_MS
    mark = await mark_now(services, by, site)
    mark = mark if after is None else max(mark, after)
    found = await services.new_comments.page(
        site, chosen, mark, until, min(limit, MAX_PAGE), skip, by.copies
    )
    return [replace(one, comment=without_tags(by, one.comment)) for one in found]


async def take_new(
    services: Services,
    by: Actor,
    site: str,
    chosen: CaseFilter,
    *,
    skip: Collection[str] = (),
    limit: int = 10,
) -> list[Card]:
    """Return the next new comments as cards. They are not taken: each person looks at all.

    If all was looked at, the mark moves on, so that the next search begins there. Raises `NotPermittedError`.
    """
    found = await list_new(services, by, site, chosen, skip=skip, limit=limit)
    everything = chosen == filter_of("new") and by.copies is None
    if not found and not skip and everything and allowed(by, "approve", site):
        now = services.now_ms() - SETTLED_MS
        if (await mark_now(services, by, site))[0] < now - CATCH_UP_MS:
            await services.writer.run_in_transaction(set_mark(site, name_of(by), (now, "")))
    return await cards_of_new(services, by, site, found)


async def cards_of_new(
    services: Services, by: Actor, site: str, found: Collection[Case]
) -> list[Card]:
    """Return the comments with what a decision needs: one SQL statement."""
    contexts = await services.queue.contexts([case.comment for case in found])
    return [
        Card(case, visible_context(by, site, contexts[case.comment.id], removed=False))
        for case in found
    ]


async def count_new(services: Services, by: Actor, site: str) -> int:
    """Return how many comments came in since the actor last looked, counted up to `MAX_NEW_COUNTED`."""
    require(by, "read", site)
    return await services.new_comments.count(site, window_of(by, services.now_ms()), by.copies)


def window_of(by: Actor, now: int) -> NewWindow:
    """Return which comments are new to the actor. `now` is in milliseconds."""
    return NewWindow(name_of(by), now - FIRST_LOOK_MS, now - LONGEST_MS, now - SETTLED_MS)


async def mark_seen(services: Services, by: Actor, site: str, comment: str) -> None:
    """Note that the actor has looked at all comments up to this one. Raises `NotFoundError`, `NotPermittedError`."""
    require(by, "approve", site)
    found = await _comment(services, site, comment)
    await services.writer.run_in_transaction(set_mark(site, name_of(by), mark_of(found)))


async def mark_unseen(services: Services, by: Actor, site: str, comment: str) -> None:
    """Take that back: this comment and those after it are new again. Raises as `mark_seen`."""
    require(by, "approve", site)
    found = await _comment(services, site, comment)
    before = (found.created_at, "")
    await services.writer.run_in_transaction(set_mark(site, name_of(by), before, only_later=False))


async def forget_old_marks(services: Services) -> int:
    """Delete marks from where nothing is shown any more. Return their number."""
    number: int = await services.writer.run_in_transaction(
        delete_old_marks(services.now_ms() - LONGEST_MS)
    )
    return number


def mark_of(comment: Comment) -> Mark:
    """Return the place of a comment in the order of what came in."""
    return comment.created_at, comment.id


async def mark_now(services: Services, by: Actor, site: str) -> Mark:
    """Return from where on comments are new to the actor."""
    now = services.now_ms()
    mark = await services.new_comments.mark(site, name_of(by))
    if mark is None:
        return now - FIRST_LOOK_MS, ""
    return max(mark, (now - LONGEST_MS, ""))


async def _comment(services: Services, site: str, comment: str) -> Comment:
    story = await services.discussions.find_story_of_comment(comment)
    found: Comment | None = await services.decisions.comment(comment)
    if story is None or found is None or story.site != site:
        raise NotFoundError("There is no comment with this id.")
    return found
