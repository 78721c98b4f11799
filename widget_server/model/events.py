"""Facts that were committed, named in the past tense. They carry all that a frame needs."""

from dataclasses import dataclass

from widget_server.model.records import Comment, Story, Tally


@dataclass(frozen=True, slots=True)
class CommentChanged:
    """A comment was published, edited, removed or pinned; `seq` is its place in the order."""

    story: str
    seq: int
    comment: Comment
    count: int
    """Published comments of the story after the change."""


@dataclass(frozen=True, slots=True)
class StoryChanged:
    """The story was closed or reopened, or its notice or settings changed."""

    story: str
    seq: int
    state: Story


@dataclass(frozen=True, slots=True)
class TallyChanged:
    """A story's tally, or that of one of its comments."""

    story: str
    comment: str | None
    tally: Tally


Event = CommentChanged | StoryChanged | TallyChanged
