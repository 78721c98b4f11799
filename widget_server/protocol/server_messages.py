"""Server messages as JSON bytes, encoded once for each event and process.

The order of fields is an implementation detail, not part of the contract: in a comment message the
comment comes last, so that a resumed snapshot can reuse its bytes.
"""

from typing import Any, NamedTuple

import orjson

from widget_server.model.errors import ProblemError
from widget_server.model.events import CommentChanged, StoryChanged, TallyChanged
from widget_server.model.records import STORY, Comment, Story, Tally, Thread
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


def encode_story(event: StoryChanged, epoch: str, settings: SiteSettings) -> bytes:
    """Encode a changed story, with every field that clients show and the site's settings."""
    return orjson.dumps(
        {
            "type": "story",
            "position": {"epoch": epoch, "seq": event.seq},
            **serializers.story(event.state),
            "story": event.story,
            "settings": serializers.settings(settings),
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
    return orjson.dumps(message)


def encode_goodbye(retry_after_ms: int) -> bytes:
    """Encode the announcement that the server is about to close the connection."""
    return orjson.dumps({"type": "goodbye", "retry_after_ms": retry_after_ms})


def snapshot_head_json(story: Story, settings: SiteSettings) -> bytes:
    """Return the part of a snapshot that seldom changes: `"story":…,"settings":…`."""
    return orjson.dumps(
        {"story": serializers.story(story), "settings": serializers.settings(settings)}
    )[1:-1]


def snapshot_threads_json(
    threads: list[Thread], next_cursor: str | None, *, show_copy: bool
) -> bytes:
    """Return the comments of a snapshot: `{threads, next}`."""
    views = [serializers.thread(thread, show_copy=show_copy) for thread in threads]
    return orjson.dumps({"threads": views, "next": next_cursor})


def tally_json(tally: Tally) -> bytes:
    """Return `{version, counts}`."""
    return orjson.dumps(serializers.tally(tally))


def count_json(code: str, comments: int, tally: Tally) -> bytes:
    """Return a story's entry in the counts for lists: `"code":{comments, tally}`."""
    return orjson.dumps({code: {"comments": comments, "tally": serializers.tally(tally)}})[1:-1]


def comment_json(comment: Comment, *, show_copy: bool) -> bytes:
    """Return a comment as every reader may see it."""
    return orjson.dumps(serializers.comment(comment, show_copy=show_copy))


def own_json(reactions: dict[str, str], comments: list[Comment], settings: SiteSettings) -> bytes:
    """Return `{reaction, reactions, comments}`: one reader's own data in a story.

    `reactions` are keys by comment id, or by `STORY`.
    """
    own = [
        serializers.own_comment(comment, settings.edit_window, show_copy=settings.show_copy)
        for comment in comments
    ]
    on_comments = {target: key for target, key in reactions.items() if target != STORY}
    return orjson.dumps(
        {"reaction": reactions.get(STORY), "reactions": on_comments, "comments": own}
    )
