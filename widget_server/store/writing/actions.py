"""What the writer can be asked to do, as records. Checked by the verbs before they come here.

Actions change the discussion of a story under its lock; many share one transaction. Each says in
its docstring what it answers and which refusals its answer may be. `at` is in milliseconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from widget_server.model.records import Comment, Story, Tally, Tree


@dataclass(frozen=True, slots=True)
class React:
    """Set or take back (`None`) a reader's one reaction. Answers the `Tally` after the batch.

    Refuses with `NotFoundError` (the comment is not published there) and `StoryClosedError`.
    """

    story: int
    comment: str | None
    reader: str
    reaction: str | None
    copy: int | None
    at: int


@dataclass(frozen=True, slots=True)
class Post:
    """A new comment. Answers the `Comment`, the first one when `key` was used before.

    Refuses with `NotFoundError` (no such published parent) and `StoryClosedError`.
    """

    story: int
    id: str
    key: str
    reader: str
    source: str
    text: Tree
    pending: bool
    reactions: tuple[str, ...]
    """Keys to count from nothing, so that a tally is complete from the first."""
    at: int
    previous_reader: str | None = None
    """The reader whose this comment is from now on no more, if it was posted as theirs."""
    parent: str | None = None
    name: str | None = None
    vouched: bool = False
    """Whether the site signed the name."""
    email: str | None = None
    website: str | None = None
    role: str | None = None
    copy: int | None = None
    lang: str | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """The author's new text. Answers the `Comment`; `window` in milliseconds.

    `moderated` keeps the published text until a moderator approves the new one. Refuses with
    `NotFoundError` (not there or not the author's), `EditWindowOverError` and `StoryClosedError`.
    """

    story: int
    comment: str
    reader: str
    source: str
    text: Tree
    window: int
    moderated: bool
    at: int


@dataclass(frozen=True, slots=True)
class Delete:
    """The author takes the comment back, also from a closed story. Answers the `Comment`.

    Refuses with `NotFoundError` and `EditWindowOverError`.
    """

    story: int
    comment: str
    reader: str
    window: int
    at: int


@dataclass(frozen=True, slots=True)
class Report:
    """A reader's complaint about a comment; a second one by the same reader changes nothing.

    Answers None; refuses with `NotFoundError`.
    """

    story: int
    comment: str
    reader: str
    reason: str | None
    at: int


@dataclass(frozen=True, slots=True)
class Forget:
    """Erase all that a reader left on the site, in every story. Answers the number of things.

    `until` (milliseconds) leaves what came later.
    """

    reader: str
    at: int
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Moderate:
    """A moderator's word on a comment. Answers the `Comment`; refuses with `NotFoundError`."""

    story: int
    comment: str
    verb: Literal["approve", "remove", "pin", "unpin"]
    at: int


@dataclass(frozen=True, slots=True)
class UpdateStory:
    """Close, reopen, annotate or attribute a story: the columns to set. Answers the `Story`.

    With `iat` (seconds), only when that is later than the latest one before.
    """

    story: int
    columns: Mapping[str, str | bool | None]
    iat: int | None = None


Action = React | Post | Edit | Delete | Report | Forget | Moderate | UpdateStory
ActionResult = Tally | Comment | Story | int | None
