"""Records as clients see them. A field that is not listed here never leaves the server."""

from datetime import UTC, datetime
from typing import Any

from widget_server.model.limits import MAX_COMMENT_LENGTH
from widget_server.model.names import has_check_mark, without_check_marks
from widget_server.model.reactions import Reaction
from widget_server.model.records import Comment, CommentState, Position, Story, Tally, Thread
from widget_server.model.settings import SiteSettings
from widget_server.protocol import reaction_icons


def rfc3339(ms: int) -> str:
    """Return milliseconds since 1970 as text in UTC (RFC 3339, section 5.6)."""
    at = datetime.fromtimestamp(ms / 1000, UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"


def position(at: Position) -> dict[str, Any]:
    """Return `{epoch, seq}`."""
    return {"epoch": at.epoch, "seq": at.seq}


def tally(record: Tally) -> dict[str, Any]:
    """Return `{version, counts}`."""
    return {"version": record.version, "counts": record.counts}


def story(record: Story) -> dict[str, Any]:
    """Return the story with its attribution."""
    return {
        "code": record.code,
        "key": record.key,
        "site": record.site,
        "title": record.title,
        "author": record.author,
        "publisher": record.publisher,
        "url": record.url,
        "license": record.license,
        "closed": record.closed,
        "notice": record.notice,
    }


def settings(site: SiteSettings) -> dict[str, Any]:
    """Return the rules that clients need. `edit_window` is in seconds; texts that are not set are left out."""
    return {
        "prompt": site.prompt,
        "reactions": [_reaction(site, reaction) for reaction in site.offered],
        "name": site.name,
        "website": site.website,
        "email": site.email,
        "moderation": site.moderation,
        "guidelines": site.guidelines,
        "edit_window": site.edit_window,
        "max_length": MAX_COMMENT_LENGTH,
        "show_copy": site.show_copy,
        "accent": site.accent,
        "density": site.density,
        **_own_texts(site),
    }


def _own_texts(site: SiteSettings) -> dict[str, Any]:
    """Return the site's texts in its languages, its licence of comments and its calls to action."""
    trees = dict(site.guidelines_trees)
    texts = {
        "prompts": site.prompts,
        "guidelines_text": trees.pop("", None),
        "guidelines_texts": trees,
        "comment_licence": site.comment_licence,
        "calls_to_action": [
            {
                "url": call.url,
                "label": call.label,
                **({"labels": call.labels} if call.labels else {}),
            }
            for call in site.calls_to_action
        ],
    }
    return {key: value for key, value in texts.items() if value}


def _reaction(site: SiteSettings, reaction: Reaction) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "key": reaction.key,
        "label": reaction.label,
        "emoji": reaction.emoji,
    }
    if reaction.labels:
        fields["labels"] = reaction.labels
    icon = reaction_icons.icon(site, reaction.key)
    return fields if icon is None else {**fields, "face": icon}


def comment(record: Comment, *, show_copy: bool = True) -> dict[str, Any]:
    """Return a comment for all readers; a removed one has only its place and time left."""
    removed = record.state is CommentState.REMOVED
    via = None
    if record.copy is not None and show_copy and not removed:
        via = {"label": record.copy.label, "origin": record.copy.origin}
    fields = {
        "id": record.id,
        "parent": record.parent,
        "thread": record.thread,
        "seq": record.seq,
        "published_seq": record.born,
        "state": record.state.value,
        "text": [] if removed else record.text,
        "author": {
            "name": None if removed else _name(record),
            "website": None if removed else record.website,
            "role": None if removed else record.role,
            "vouched": record.vouched and not removed,
        },
        "copy": via,
        "lang": record.lang,
        "created_at": rfc3339(record.created_at),
        "edited_at": None if record.edited_at is None else rfc3339(record.edited_at),
        "pinned": record.pinned,
        "tally": tally(record.tally),
    }
    if record.licence is not None and not removed:
        fields["license"] = record.licence
    return fields


def _name(record: Comment) -> str | None:
    """Return the author's name, without marks of a signed name unless the site signed it.

    Old comments may contain names that were stored before such marks were rejected.
    """
    if record.name is None or record.vouched or not has_check_mark(record.name):
        return record.name
    return without_check_marks(record.name).strip() or None


def own_comment(record: Comment, edit_window_s: int, *, show_copy: bool = True) -> dict[str, Any]:
    """Return a comment for its author: with the source text and the end of the edit window."""
    fields = comment(record, show_copy=show_copy)
    fields["body"] = record.source
    fields["editable_until"] = rfc3339(record.created_at + edit_window_s * 1000)
    if record.waiting:
        fields["waiting"] = True
    return fields


def thread(record: Thread, *, show_copy: bool = True) -> dict[str, Any]:
    """Return the top comment with `replies` in order of writing.

    `more` is the number of replies that follow, `next` the cursor for them.
    """
    fields = comment(record.top, show_copy=show_copy)
    fields["replies"] = [comment(reply, show_copy=show_copy) for reply in record.replies]
    fields["more"], fields["next"] = record.more, record.next
    return fields


def part_of_thread(record: Thread, *, show_copy: bool = True) -> dict[str, Any]:
    """Return `thread` for a page of replies; `earlier` is the number of replies before it."""
    return {**thread(record, show_copy=show_copy), "earlier": record.earlier}
