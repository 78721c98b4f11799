"""The frames sent to embeds, as JSON bytes. Encoded once for each event and process.

Field order is part of how we send, not of the contract: in a comment frame the comment comes
last, so that a resumed snapshot can reuse its bytes.
"""

from typing import Any

import orjson

from widget_server.model.errors import ProblemError
from widget_server.model.events import CommentChanged, StoryChanged, TallyChanged
from widget_server.model.records import Comment, Position, Story, Tally, Thread
from widget_server.model.settings import SiteSettings
from widget_server.protocol import serializers


def encode_comment(event: CommentChanged, epoch: str, *, show_copy: bool) -> tuple[bytes, int]:
    """The frame, and where in it the comment's own JSON begins (it ends before the last byte)."""
    head = orjson.dumps(
        {
            "type": "comment",
            "story": event.story,
            "position": {"epoch": epoch, "seq": event.seq},
            "count": event.count,
        }
    )
    body = orjson.dumps(serializers.comment(event.comment, show_copy=show_copy))
    start = len(head) - 1 + len(b',"comment":')
    return head[:-1] + b',"comment":' + body + b"}", start


def encode_story(event: StoryChanged, epoch: str, settings: SiteSettings) -> bytes:
    """What changed about a story: all of it that readers see."""
    return orjson.dumps(
        {
            "type": "story",
            "position": {"epoch": epoch, "seq": event.seq},
            **serializers.story(event.state),
            "story": event.story,
            "settings": serializers.settings(settings),
        }
    )


def encode_tally(event: TallyChanged) -> tuple[bytes, int]:
    """All counts of a story or a comment, and where `"version":…,"counts":…}` begins."""
    head: dict[str, Any] = {"type": "tally", "story": event.story}
    if event.comment is not None:
        head["comment"] = event.comment
    opening = orjson.dumps(head)[:-1] + b","
    return opening + tally_json(event.tally)[1:], len(opening)


def encode_presence(story: str, readers: int, copies: int) -> bytes:
    """How many read this story now, and on how many sites."""
    return orjson.dumps({"type": "presence", "story": story, "readers": readers, "copies": copies})


def encode_ok(ref: int | None, **result: Any) -> bytes:
    """The answer to an action that is on disk."""
    return orjson.dumps({"type": "ok", "ref": ref, **result})


def encode_error(ref: int | None, rejection: ProblemError, story: str | None = None) -> bytes:
    """The answer to what was refused; or word of a story that is not sent any more."""
    frame: dict[str, Any] = {"type": "error", "code": rejection.code, "detail": rejection.detail}
    if story is not None:
        frame["story"] = story
    if ref is not None:
        frame["ref"] = ref
    if rejection.retry_after is not None:
        frame["retry_after"] = rejection.retry_after
    return orjson.dumps(frame)


def encode_goodbye(retry_after_ms: int) -> bytes:
    """The server is about to leave."""
    return orjson.dumps({"type": "goodbye", "retry_after_ms": retry_after_ms})


def snapshot_head_json(story: Story, settings: SiteSettings) -> bytes:
    """The part of a snapshot that changes seldom: `"story":…,"settings":…`."""
    return orjson.dumps(
        {"story": serializers.story(story), "settings": serializers.settings(settings)}
    )[1:-1]


def snapshot_threads_json(
    threads: list[Thread], following: str | None, *, show_copy: bool
) -> bytes:
    """The part of a snapshot that holds the comments: `{threads, next}`."""
    prepared = [serializers.thread(thread, show_copy=show_copy) for thread in threads]
    return orjson.dumps({"threads": prepared, "next": following})


def tally_json(tally: Tally) -> bytes:
    """`{version, counts}`."""
    return orjson.dumps(serializers.tally(tally))


def count_json(code: str, comments: int, tally: Tally) -> bytes:
    """A story's place in the counts for lists: `"code":{comments, tally}`."""
    return orjson.dumps({code: {"comments": comments, "tally": serializers.tally(tally)}})[1:-1]


def comment_json(comment: Comment, *, show_copy: bool) -> bytes:
    """A comment as everyone may see it."""
    return orjson.dumps(serializers.comment(comment, show_copy=show_copy))


def own_json(reactions: dict[str, str], comments: list[Comment], settings: SiteSettings) -> bytes:
    """`{reaction, reactions, comments}`: what one reader left in a story."""
    own = [
        serializers.own_comment(comment, settings.edit_window, show_copy=settings.show_copy)
        for comment in comments
    ]
    on_comments = {target: key for target, key in reactions.items() if target}
    return orjson.dumps({"reaction": reactions.get(""), "reactions": on_comments, "comments": own})


def position_json(position: Position) -> bytes:
    """`{epoch, seq}`."""
    return orjson.dumps(serializers.position(position))
