"""What a local moderator sees of a discussion: their own copies' comments, and of others what readers see."""

from dataclasses import dataclass, field, replace

from widget_server.model.actors import Actor
from widget_server.model.records import Comment, CommentState, Story
from widget_server.operations.services import Services
from widget_server.store.queries.owner_comments import StaffComment


@dataclass(slots=True)
class StaffThread:
    """A comment with the last of its replies, in order of writing."""

    top: StaffComment
    replies: list[StaffComment] = field(default_factory=list)
    earlier: int = 0
    """Replies before these."""


def may_see(by: Actor, comment: Comment) -> bool:
    """Return whether the actor sees all that is known about a comment, in any state."""
    if by.copies is None:
        return True
    return comment.copy is not None and comment.copy.id in by.copies


async def carries(services: Services, by: Actor, story: Story) -> bool:
    """Return whether the actor sees the story's discussion: not a local moderator of other stories' copies."""
    if by.copies is None:
        return True
    for copy in sorted(by.copies):
        found = await services.owner_copies.find(story.site, copy)
        if found is not None and found[0].story == story.code:
            return True
    return False


async def as_readers_see(
    services: Services, by: Actor, story: Story, threads: list[StaffThread]
) -> list[StaffThread]:
    """Return threads with comments of other copies as readers see them, and without those that they do not see."""
    if by.copies is None:
        return threads
    show_copy = (await services.cache.settings_of(story)).show_copy
    shown = []
    for thread in threads:
        replies = [one for one in thread.replies if may_see(by, one.comment) or _is_public(one)]
        if may_see(by, thread.top.comment) or _is_public(thread.top) or replies:
            public = [_public(by, one, show_copy=show_copy) for one in (thread.top, *replies)]
            shown.append(StaffThread(public[0], public[1:], thread.earlier))
    return shown


def _is_public(one: StaffComment) -> bool:
    return one.comment.state == CommentState.PUBLISHED


def _public(by: Actor, one: StaffComment, *, show_copy: bool) -> StaffComment:
    """Return a comment of another copy without what only the site's own people know."""
    if may_see(by, one.comment):
        return one
    shown = replace(one.comment, email=None, reader="", waiting=False)
    if not show_copy:
        shown = replace(shown, copy=None)
    if not _is_public(one):
        shown = replace(
            shown, state=CommentState.REMOVED, text=[], source="", name=None, copy=None, lang=None
        )
    return replace(
        one,
        comment=shown,
        waiting=None,
        sealed=None,
        kept_until=None,
        held=False,
        decided_at=None,
        decided_by=None,
        decided_kind=None,
        reason=None,
        reports=0,
        reported=False,
    )
