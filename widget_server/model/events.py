"""Committed changes, with all fields that a server message needs."""

from dataclasses import dataclass

from widget_server.model.records import Comment, Story, Tally


@dataclass(frozen=True, slots=True)
class CommentChanged:
    """A comment was published, edited, removed or pinned. `seq` numbers the change."""

    story: str
    seq: int
    comment: Comment
    count: int
    """Published comments of the story after the change."""
    site: str
    """Slug of the story's site, whose settings say what readers see of a comment."""


@dataclass(frozen=True, slots=True)
class StoryChanged:
    """The story was closed or reopened, or its notice or settings changed."""

    story: str
    seq: int
    state: Story


@dataclass(frozen=True, slots=True)
class TallyChanged:
    """The tally of a story, or of one of its comments, changed."""

    story: str
    comment: str | None
    tally: Tally


Event = CommentChanged | StoryChanged | TallyChanged
