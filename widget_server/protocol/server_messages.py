"""Server messages as JSON bytes, encoded once for each event and process.

The order of fields is an implementation detail, not part of the contract: in a comment message the
comment comes last, so that a resumed snapshot can reuse its bytes.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from widget_server.model.claims import PERMISSIONS
from widget_server.model.errors import ProblemError, ProofNeededError
from widget_server.model.events import CommentChanged, StoryChanged, TallyChanged
from widget_server.model.hints import Hint
from widget_server.model.outcomes import Outcome, Report
from widget_server.model.records import Comment, Position, Story, Tally, Thread
from widget_server.model.settings import SiteSettings
from widget_server.protocol import serializers


class EncodedMessage(NamedTuple):
    """A message as JSON, and the offset in it at which a reusable part begins."""

    payload: bytes
    body_offset: int


def encode_comment(event: CommentChanged, epoch: str, *, show_copy: bool) -> EncodedMessage:
    """Encode a changed comment. The comment's own JSON is `payload[body_offset:-1]`."""
    head = orjson.dumps(
        {
            "type": "comment",
            "story": event.story,
            "position": {"epoch": epoch, "seq": event.seq},
            "count": event.count,
        }
    )
    body = orjson.dumps(serializers.comment(event.comment, show_copy=show_copy))
    offset = len(head) - 1 + len(b',"comment":')
    return EncodedMessage(head[:-1] + b',"comment":' + body + b"}", offset)


def encode_story(
    event: StoryChanged, epoch: str, settings: SiteSettings, at: int | None = None
) -> bytes:
    """Encode a changed story, with every field that clients show and the site's settings.

    `at`: the time of `serializers.settings`.
    """
    return orjson.dumps(
        {
            "type": "story",
            "position": {"epoch": epoch, "seq": event.seq},
            **serializers.story(event.state),
            "story": event.story,
            "settings": serializers.settings(settings, at),
        }
    )


def encode_tally(event: TallyChanged) -> EncodedMessage:
    """Encode a story's or comment's tally; `"version":…,"counts":…}` begins at `body_offset`."""
    head: dict[str, Any] = {"type": "tally", "story": event.story}
    if event.comment is not None:
        head["comment"] = event.comment
    opening = orjson.dumps(head)[:-1] + b","
    return EncodedMessage(opening + tally_json(event.tally)[1:], len(opening))


def encode_presence(story: str, readers: int, copies: int) -> bytes:
    """Encode the number of readers of a story, and of the copies that they read."""
    return orjson.dumps({"type": "presence", "story": story, "readers": readers, "copies": copies})


def encode_ok(ref: int | None, **result: Any) -> bytes:
    """Encode the reply to an action that was committed to disk."""
    return orjson.dumps({"type": "ok", "ref": ref, **result})


def encode_error(ref: int | None, rejection: ProblemError, story: str | None = None) -> bytes:
    """Encode the reply to a rejected action, or (with `story`) the end of a subscription."""
    message: dict[str, Any] = {"type": "error", "code": rejection.code, "detail": rejection.detail}
    if story is not None:
        message["story"] = story
    if ref is not None:
        message["ref"] = ref
    if rejection.retry_after is not None:
        message["retry_after"] = rejection.retry_after
    if isinstance(rejection, ProofNeededError):
        message["challenge"] = rejection.challenge
    return orjson.dumps(message)


def encode_goodbye(retry_after_ms: int) -> bytes:
    """Encode the announcement that the server is about to close the connection."""
    return orjson.dumps({"type": "goodbye", "retry_after_ms": retry_after_ms})


def snapshot_head_json(story: Story, settings: SiteSettings, at: int | None = None) -> bytes:
    """Return the part of a snapshot that seldom changes: `"story":…,"settings":…`.

    `at`: the time of `serializers.settings`.
    """
    return orjson.dumps(
        {"story": serializers.story(story), "settings": serializers.settings(settings, at)}
    )[1:-1]


def public_fields_json(settings: SiteSettings, at: int) -> bytes:
    """Return what a snapshot says to those who have no grant, as JSON that starts with a comma.

    While comments are closed: `can` without `comment`, and `granted` for when they open again.
    """
    if serializers.opening(settings, at).get("mode") != "closed":
        return b""
    return b"," + orjson.dumps(serializers.permissions(PERMISSIONS, closed=True))[1:-1]


def with_own_fields(snapshot: bytes, fields: Mapping[str, Any]) -> bytes:
    """Return an encoded snapshot with fields for the readers of one copy only."""
    return snapshot[:-1] + own_fields_json(fields) + b"}" if fields else snapshot


def own_fields_json(fields: Mapping[str, Any]) -> bytes:
    """Return fields of a snapshot as JSON that starts with a comma, or nothing without any."""
    return b"," + orjson.dumps(fields)[1:-1] if fields else b""


def encode_copy_older(story: str, older: Mapping[str, Any] | None) -> bytes:
    """Encode that a copy is older than its story, or with None that it is not any more."""
    fields = {"changed_at": None} if older is None else older
    return orjson.dumps({"type": "copy.older", "story": story, **fields})


def snapshot_threads_json(
    threads: list[Thread], next_cursor: str | None, *, show_copy: bool
) -> bytes:
    """Return the comments of a snapshot: `{threads, next}`."""
    return orjson.dumps(_threads(threads, next_cursor, show_copy=show_copy))


def page_json(
    threads: list[Thread], next_cursor: str | None, at: Position | None, *, show_copy: bool
) -> bytes:
    """Return a page of threads: `{threads, next, position}`."""
    page = _threads(threads, next_cursor, show_copy=show_copy)
    return orjson.dumps(page | _position(at))


def part_of_thread_json(part: Thread, *, show_copy: bool) -> bytes:
    """Return a part of a thread, with its `position`."""
    return orjson.dumps(
        serializers.part_of_thread(part, show_copy=show_copy) | _position(part.position)
    )


def _threads(threads: list[Thread], next_cursor: str | None, *, show_copy: bool) -> dict[str, Any]:
    views = [serializers.thread(thread, show_copy=show_copy) for thread in threads]
    return {"threads": views, "next": next_cursor}


def _position(at: Position | None) -> dict[str, Any]:
    return {} if at is None else {"position": serializers.position(at)}


def tally_json(tally: Tally) -> bytes:
    """Return `{version, counts}`."""
    return orjson.dumps(serializers.tally(tally))


def count_json(code: str, comments: int, tally: Tally) -> bytes:
    """Return a story's entry in the counts for lists: `"code":{comments, tally}`."""
    return orjson.dumps({code: {"comments": comments, "tally": serializers.tally(tally)}})[1:-1]


def comment_json(comment: Comment, *, show_copy: bool) -> bytes:
    """Return a comment as every reader may see it."""
    return orjson.dumps(serializers.comment(comment, show_copy=show_copy))


def own_json(
    reactions: Mapping[str, str],
    comments: Sequence[Comment],
    settings: SiteSettings,
    outcomes: Mapping[str, Outcome] | None = None,
    reports: Sequence[Report] = (),
    hints: Sequence[Hint] = (),
) -> bytes:
    """Return `serializers.own_items` as JSON."""
    return orjson.dumps(
        serializers.own_items(reactions, comments, settings, outcomes, reports, hints)
    )
