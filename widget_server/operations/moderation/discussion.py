"""A story's discussion as its people see it: pending and removed comments included, and answers of theirs."""

import secrets
import string
from dataclasses import dataclass, replace

from widget_server.auth.permissions import allowed, require
from widget_server.content import text
from widget_server.model.actors import Actor
from widget_server.model.bans import ReportedText
from widget_server.model.errors import NotFoundError, NotPermittedError
from widget_server.model.records import Comment, CommentState, Story
from widget_server.operations.moderation import evidence
from widget_server.operations.moderation.cases import visible_context, with_kept_words
from widget_server.operations.moderation.local_view import (
    StaffThread,
    as_readers_see,
    carries,
    may_see,
)
from widget_server.operations.moderation.tags import require_own_people, without_tags
from widget_server.operations.services import Services
from widget_server.store.queries.comment_context import Context
from widget_server.store.queries.owner_comments import (
    DISCUSSION_VIEWS,
    THREADS,
    DiscussionView,
    StaffComment,
)
from widget_server.store.writing.actions import Post

__all__ = ["DISCUSSION_VIEWS", "Context", "DiscussionView", "StaffComment", "StaffThread"]

FLAT_PAGE = 30
STAFF = "staff:"
"""Begins the reader id of a comment by one of the site's people; the account's id follows."""
_ALPHABET = string.digits + string.ascii_letters

Place = tuple[int, str]
"""Time and id of the last comment of a page, for the page that follows."""


@dataclass(frozen=True, slots=True)
class Discussion:
    """A page of a discussion. `next` continues it, or is None."""

    threads: list[StaffThread]
    next: Place | None


@dataclass(frozen=True, slots=True)
class CommentPage:
    """One comment with what a decision about it needs."""

    shown: StaffComment
    context: Context
    reported: tuple[ReportedText, ...] = ()
    """What was reported, where the text reads otherwise now, the oldest first."""


async def show_discussion(
    services: Services,
    by: Actor,
    story: Story,
    view: DiscussionView = "newest",
    *,
    before: Place | None = None,
) -> Discussion:
    """Return a page of the story's discussion, the newest thread first: one SQL statement.

    `waiting` and `removed` are comments without their threads. A local moderator sees there only comments of
    their own copies, and in the discussion of a story that these carry also what readers see of others: no
    reports, no decisions, nothing that waits. Raises `NotPermittedError`.
    """
    require(by, "read", story.site)
    if view == "newest" and await carries(services, by, story):
        found = await services.owner_comments.discussion(story.id, before)
        page = _in_threads([_with_words(services, by, story.site, one) for one in found])
        return Discussion(await as_readers_see(services, by, story, page.threads), page.next)
    found = await services.owner_comments.flat(
        story.id, view, before, FLAT_PAGE + 1, copies=by.copies
    )
    shown = [StaffThread(_with_words(services, by, story.site, one)) for one in found[:FLAT_PAGE]]
    return Discussion(shown, _place(shown) if len(found) > FLAT_PAGE else None)


async def show_thread(services: Services, by: Actor, story: Story, comment: str) -> StaffThread:
    """Return one thread with its last 500 replies, for a local moderator as `show_discussion`.

    Raises `NotFoundError`, `NotPermittedError`.
    """
    require(by, "read", story.site)
    found = await services.owner_comments.thread(story.id, comment)
    threads = _in_threads([_with_words(services, by, story.site, one) for one in found]).threads
    if await carries(services, by, story):
        threads = await as_readers_see(services, by, story, threads)
    else:
        threads = []
    if not threads:
        raise NotFoundError("There is no comment with this id.")
    return threads[0]


async def show_tagged(
    services: Services, by: Actor, site: str, tag: str, *, before: Place | None = None
) -> tuple[list[StaffComment], Place | None]:
    """Return a page of the site's comments with a tag in any state, the newest first, and what continues it.

    Raises `NotPermittedError`, also for a local moderator.
    """
    require(by, "read", site)
    require_own_people(by)
    found = await services.owner_comments.tagged(site, tag, before, FLAT_PAGE + 1)
    shown = [_with_words(services, by, site, one) for one in found[:FLAT_PAGE]]
    last = shown[-1].comment if len(found) > FLAT_PAGE else None
    return shown, None if last is None else (last.created_at, last.id)


async def find_comment(services: Services, by: Actor, site: str, comment: str) -> StaffComment:
    """Return a comment of the site in any state, with its words and e-mail address if the actor may read them.

    Raises `NotFoundError`, `NotPermittedError`.
    """
    require(by, "read", site)
    found = await services.owner_comments.find(site, comment)
    if found is None or not may_see(by, found.comment):
        raise NotFoundError("There is no comment with this id.")
    shown = _with_words(services, by, site, found)
    if allowed(by, "read_contact", site):
        return shown
    return replace(shown, comment=replace(shown.comment, email=None))


async def comment_page(services: Services, by: Actor, site: str, comment: str) -> CommentPage:
    """Return a comment with its parents, reports, writer and decisions: two SQL statements.

    Raises `NotFoundError`, `NotPermittedError`.
    """
    shown = await find_comment(services, by, site, comment)
    context = await context_of(services, by, site, shown.comment)
    reported = evidence.reported_texts(services, shown.comment, context)
    return CommentPage(shown, context, reported)


async def context_of(services: Services, by: Actor, site: str, comment: Comment) -> Context:
    """Return what is known about a comment: its parents, reports, writer and past decisions.

    Reports and notes are only for those who may read them. A local moderator is told nothing of other
    copies: neither the writer's record nor the comments above. Raises `NotPermittedError`.
    """
    require(by, "read", site)
    found = await services.owner_comments.context(comment)
    return visible_context(by, site, found, removed=comment.state is CommentState.REMOVED)


async def answer(
    services: Services, by: Actor, site: str, comment: str, body: str, key: str
) -> Comment:
    """Publish an answer to a comment under the account's own name, with the badge of a moderator.

    It is never held. `key` makes a repeated form one comment. Raises `NotPermittedError`,
    `NotFoundError`, `StoryClosedError`, `TextRejectedError`, `TooLargeError`, `UnavailableError`.
    """
    require(by, "answer", site)
    account = await services.people.accounts.find(by.id) if by.kind == "account" else None
    if account is None:
        raise NotPermittedError("Only a person with an account can answer readers.")
    if by.copies is not None:
        raise NotPermittedError("Your role is limited to the comments of some copies.")
    story = await services.discussions.find_story_of_comment(comment)
    if story is None or story.site != site:
        raise NotFoundError("There is no comment with this id.")
    services.cache.put(story)
    cached = await services.cache.site(site)
    if cached is None:
        raise NotFoundError("There is no such site.")
    return await services.writer.submit(
        Post(
            story=story.id,
            id="".join(secrets.choice(_ALPHABET) for _ in range(12)),
            key=key,
            reader=f"{STAFF}{account.id}",
            source=body,
            text=text.check_body(body),
            pending=False,
            reactions=cached.site.settings.reaction_keys(),
            at=services.now_ms(),
            parent=comment,
            name=account.name,
            vouched=True,
            role="moderator",
        )
    )


def _in_threads(found: list[StaffComment]) -> Discussion:
    """Return threads, the newest first, from comments in order of writing."""
    threads = {one.comment.id: StaffThread(one) for one in found if one.comment.parent is None}
    for one in found:
        thread = threads.get(one.comment.thread)
        if one.comment.parent is not None and thread is not None:
            thread.replies.append(one)
            thread.earlier = one.replies - len(thread.replies)
    newest = list(reversed(threads.values()))
    shown = newest[:THREADS]
    return Discussion(shown, _place(shown) if len(newest) > THREADS else None)


def _place(shown: list[StaffThread]) -> Place:
    last = shown[-1].top.comment
    return last.created_at, last.id


def _with_words(services: Services, by: Actor, site: str, found: StaffComment) -> StaffComment:
    """Return the comment with the words that were taken away, if the actor may read them."""
    comment = found.comment
    if found.sealed is not None and allowed(by, "read_kept_text", site):
        comment = with_kept_words(services, comment, found.sealed)
    return replace(found, comment=without_tags(by, comment), sealed=None)
