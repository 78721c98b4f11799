"""Actions that the writer applies. Operations check them before.

An action changes the discussion of a story under the story's lock; many actions share one transaction.
Each docstring names the action's result and the problems it may be rejected with. `at` is in
milliseconds since 1970.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from widget_server.model.actors import Actor
from widget_server.model.bans import BanTerms
from widget_server.model.corrections import Correction
from widget_server.model.decisions import CommentVerb, Decided, Queue, ReaderVerb, StoryVerb
from widget_server.model.errors import ProblemError
from widget_server.model.hints import Hint
from widget_server.model.raids import Flooding
from widget_server.model.records import Comment, Story, Tally, Tree
from widget_server.model.rules import RuleHit


@dataclass(frozen=True, slots=True)
class React:
    """Set or remove (`None`) a reader's one reaction to a target. Result: the `Tally` after the batch.

    Rejected with `NotFoundError` (no such published comment) or `StoryClosedError`.
    """

    story: int
    comment: str | None
    reader: str
    reaction: str | None
    copy: int | None
    at: int


@dataclass(frozen=True, slots=True)
class Post:
    """Add a comment. Result: the `Comment`, or the first one if `key` was used before.

    Rejected with `NotFoundError` (no such published parent) or `StoryClosedError`.
    """

    story: int
    id: str
    key: str
    reader: str
    source: str
    text: Tree
    pending: bool
    reactions: tuple[str, ...]
    """Keys to count from 0, so that every tally contains all of the site's reactions."""
    at: int
    previous_reader: str | None = None
    """If an earlier attempt was stored under this reader id, `reader` becomes the comment's reader."""
    parent: str | None = None
    name: str | None = None
    vouched: bool = False
    """Whether the site signed the name."""
    email: str | None = None
    website: str | None = None
    role: str | None = None
    copy: int | None = None
    lang: str | None = None
    licence: str | None = None
    """SPDX id of the licence under which the author gives the comment."""
    hits: tuple[RuleHit, ...] = ()
    """Rules that the comment breaks. If one is acting, the comment is held for a person."""
    refusal: ProblemError | None = None
    """The problem to reject it with, unless an earlier attempt of it is stored."""
    trace: tuple[str, int] | None = None
    """Hash of the network and the day of its key, if the site bans networks."""
    mark: int | None = None
    """Fingerprint of the text, if a rule looks for repetition."""
    flooding: Flooding | None = None
    """Floods that the comment may belong to. None: it is not counted and not held for one."""
    most_waiting: int | None = None
    """Open cases of the site above which a comment that would wait is refused."""
    only_local: bool = False
    """Whether it is `pending` only because its copy's comments wait: a local moderator may publish it."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the text of a reader's own comment. Result: the `Comment`. `window` is in milliseconds.

    `moderated`, or an acting rule among the `hits`, keeps the published text until a moderator approves
    the new one. Rejected with `NotFoundError` (no such comment of this reader), `EditWindowOverError` or `StoryClosedError`.
    """

    story: int
    comment: str
    reader: str
    source: str
    text: Tree
    window: int
    moderated: bool
    at: int
    hits: tuple[RuleHit, ...] = ()
    refusal: ProblemError | None = None
    mark: int | None = None
    most_waiting: int | None = None
    """As in `Post`."""
    only_local: bool = False
    """Whether it is `moderated` only because its copy's comments wait."""


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete a reader's own comment, also in a closed story. Result: the `Comment`.

    Rejected with `NotFoundError` or `EditWindowOverError`. `window` is in milliseconds.
    """

    story: int
    comment: str
    reader: str
    window: int
    at: int


@dataclass(frozen=True, slots=True)
class Report:
    """Report a comment to the moderators. A second report by the same reader changes nothing.

    Result: None. Rejected with `NotFoundError`.
    """

    story: int
    comment: str
    reader: str
    reason: str | None
    at: int
    category: str | None = None
    """A key of `REASONS`."""
    trace: tuple[str, int] | None = None
    """Hash of the network and the day of its key, if reports of several networks can hide the comment."""
    hide_from: int = 0
    """Number of networks whose reports hide the comment; 0 for never."""
    keep: int = 0
    """Milliseconds for which the text as it was reported is kept, and can be restored if it is hidden."""
    muted_as: tuple[str, ...] = ()
    """Hashes under which the reader may be muted: then the report is stored and counts for nothing."""


@dataclass(frozen=True, slots=True)
class Appeal:
    """Object to what was decided: to `decision`, or with None to the last removal of the reader's comment.

    A second objection to the same decision changes nothing. Result: id of the decision. Rejected with
    `NotFoundError` (no such comment of this reader, or nothing to object to) or `ErasedError`.
    """

    story: int
    comment: str
    reader: str
    text: str | None
    at: int
    decision: str | None = None
    """Id of a ban of this reader, which the caller has checked."""


@dataclass(frozen=True, slots=True)
class SendHint:
    """Store a reader's hint about an error in the story. The same words again change nothing.

    Result: the `Hint`. Rejected with `NotFoundError`, or `RateLimitedError` if too many of this reader wait.
    """

    story: int
    id: str
    reader: str
    text: str
    at: int
    passage: str | None = None
    credit: str | None = None


@dataclass(frozen=True, slots=True)
class Forget:
    """Erase a reader's comments, reactions, reports and hints in every story of the site.

    Result: the number of erased comments and reactions. Items newer than `until` (milliseconds) stay.
    """

    reader: str
    at: int
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Decide:
    """Decide about a comment, or with `comment` "" about the story. Result: `Decided`.

    Rejected with `NotFoundError`, `NotPermittedError` (a copy that the actor may not moderate),
    `StaleError` (`revision` is not the comment's, `case` is closed, or `hint` is answered), `ErasedError` (nothing left to restore),
    or for a correction `TextRejectedError` (the story has too many).
    """

    story: int
    comment: str
    verb: CommentVerb | StoryVerb | ReaderVerb
    """`reject` without a comment is about a `hint`."""
    by: Actor
    id: str
    at: int
    keep: int
    """Milliseconds for which a text that is taken away can be restored."""
    reason: str | None = None
    note: str | None = None
    batch: str | None = None
    revision: int | None = None
    """Revision of the comment that the decision is about. None: whatever it is now."""
    queue: Queue | None = None
    """Queue in which it was decided. None and `edits`: `approve` and `reject` are about a waiting edit."""
    case: int | None = None
    """Case that the decision is about: if another decision has closed it, this one is refused."""
    notice: str | None = None
    columns: Mapping[str, bool | int | None] = field(default_factory=dict)
    """What `close` and `open` set of the story: `closed`, `closes_at`."""
    correction: Correction | None = None
    """For `correct`: what is said. Its id is the action's."""
    hint: str | None = None
    """Id of the hint that a `correct` follows, or that a `reject` without a comment declines."""
    thanks: bool = False
    """Whether the correction names the reader who gave the hint, if they left a name for it."""
    answer: str | None = None
    """What the reader who gave the hint is told."""
    ban: BanTerms | None = None
    """For `ban` and `unban`: whom, how and until when."""
    tag: str | None = None
    """For `tag` and `untag`: which one."""


@dataclass(frozen=True, slots=True)
class Undo:
    """Undo the last decision on a comment or on the story (""). Result: `Decided`.

    Rejected with `NotFoundError`, `StaleError` (there is a later decision), `ErasedError`, or
    `NotPermittedError` for the undoing of an undo.
    """

    story: int
    comment: str
    decision: str
    by: Actor
    id: str
    at: int
    keep: int
    note: str | None = None
    batch: str | None = None


@dataclass(frozen=True, slots=True)
class Erase:
    """Erase a comment again after an older backup was restored. Result: None. Logs nothing.

    With `keep` the comment becomes a tombstone that can be restored from its row of `kept_texts`.
    """

    story: int
    comment: str
    at: int
    keep: bool = False


@dataclass(frozen=True, slots=True)
class UpdateStory:
    """Set a story's columns, for instance its attribution. Nothing is logged. Result: the `Story`.

    With `iat` (seconds since 1970), columns are set only if no later `iat` was applied before.
    """

    story: int
    columns: Mapping[str, str | bool | int | None]
    iat: int | None = None
    announce: bool = False
    """Number a change even if no column changes: the settings in effect are others now."""


Action = (
    React
    | Post
    | Edit
    | Delete
    | Report
    | Appeal
    | SendHint
    | Forget
    | Decide
    | Undo
    | Erase
    | UpdateStory
)
ActionResult = Tally | Comment | Story | Decided | Hint | int | str | None
