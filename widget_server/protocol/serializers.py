"""Records as the outside sees them. What is not written here never leaves the server."""

from datetime import UTC, datetime
from typing import Any

from widget_server.model.limits import MAX_COMMENT_LENGTH
from widget_server.model.names import is_marked, unmarked
from widget_server.model.records import Comment, CommentState, Position, Story, Tally, Thread
from widget_server.model.settings import Reaction, SiteSettings
from widget_server.protocol import reaction_icons


def rfc3339(ms: int) -> str:
    """Milliseconds since 1970 as UTC text (RFC 3339, section 5.6)."""
    at = datetime.fromtimestamp(ms / 1000, UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"


def position(at: Position) -> dict[str, Any]:
    """`{epoch, seq}`."""
    return {"epoch": at.epoch, "seq": at.seq}


def tally(counted: Tally) -> dict[str, Any]:
    """`{version, counts}`."""
    return {"version": counted.version, "counts": counted.counts}


def story(kept: Story) -> dict[str, Any]:
    """The story with its attribution."""
    return {
        "code": kept.code,
        "key": kept.key,
        "site": kept.site,
        "title": kept.title,
        "author": kept.author,
        "publisher": kept.publisher,
        "url": kept.url,
        "license": kept.license,
        "closed": kept.closed,
        "notice": kept.notice,
    }


def settings(chosen: SiteSettings) -> dict[str, Any]:
    """What an embed must know of the site's rules. `edit_window` is in seconds."""
    return {
        "prompt": chosen.prompt,
        "reactions": [_reaction(chosen, reaction) for reaction in chosen.reactions],
        "name": chosen.name,
        "website": chosen.website,
        "email": chosen.email,
        "moderation": chosen.moderation,
        "guidelines": chosen.guidelines,
        "edit_window": chosen.edit_window,
        "max_length": MAX_COMMENT_LENGTH,
        "show_copy": chosen.show_copy,
    }


def _reaction(chosen: SiteSettings, reaction: Reaction) -> dict[str, Any]:
    view: dict[str, Any] = {
        "key": reaction.key,
        "label": reaction.label,
        "emoji": reaction.emoji,
    }
    prepared = reaction_icons.icon(chosen, reaction.key)
    return view if prepared is None else {**view, "face": prepared}


def comment(kept: Comment, *, show_copy: bool = True) -> dict[str, Any]:
    """A comment for everyone; of a removed one only its place and time are left."""
    removed = kept.state is CommentState.REMOVED
    via = None
    if kept.copy is not None and show_copy and not removed:
        via = {"label": kept.copy.label, "origin": kept.copy.origin}
    return {
        "id": kept.id,
        "parent": kept.parent,
        "thread": kept.thread,
        "seq": kept.seq,
        "published_seq": kept.born,
        "state": kept.state.value,
        "text": [] if removed else kept.text,
        "author": {
            "name": None if removed else _name(kept),
            "website": None if removed else kept.website,
            "role": None if removed else kept.role,
            "vouched": kept.vouched and not removed,
        },
        "copy": via,
        "lang": kept.lang,
        "created_at": rfc3339(kept.created_at),
        "edited_at": None if kept.edited_at is None else rfc3339(kept.edited_at),
        "pinned": kept.pinned,
        "tally": tally(kept.tally),
    }


def _name(kept: Comment) -> str | None:
    """The author's name; one that no one signed shows no mark of a signed one, however old it is."""
    if kept.name is None or kept.vouched or not is_marked(kept.name):
        return kept.name
    return unmarked(kept.name).strip() or None


def own_comment(kept: Comment, edit_window_s: int, *, show_copy: bool = True) -> dict[str, Any]:
    """A comment for its author: with the text as typed and the time until which it can change."""
    view = comment(kept, show_copy=show_copy)
    view["body"] = kept.source
    view["editable_until"] = rfc3339(kept.created_at + edit_window_s * 1000)
    if kept.waiting:
        view["waiting"] = True
    return view


def thread(kept: Thread, *, show_copy: bool = True) -> dict[str, Any]:
    """The top comment with `replies` in order of writing, how many `more` follow and after which."""
    view = comment(kept.top, show_copy=show_copy)
    view["replies"] = [comment(reply, show_copy=show_copy) for reply in kept.replies]
    view["more"], view["next"] = kept.more, kept.next
    return view


def part_of_thread(kept: Thread, *, show_copy: bool = True) -> dict[str, Any]:
    """The same for an answer that may begin in the middle: with how many replies are `earlier`."""
    return {**thread(kept, show_copy=show_copy), "earlier": kept.earlier}
