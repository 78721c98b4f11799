"""Records as clients see them. A field that is not listed here never leaves the server."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from widget_server.model.bans import Ban
from widget_server.model.corrections import Correction, shown
from widget_server.model.hints import Hint
from widget_server.model.hours import opening_at
from widget_server.model.limits import MAX_COMMENT_LENGTH
from widget_server.model.names import has_check_mark, without_check_marks
from widget_server.model.outcomes import AppealState, Outcome, Report
from widget_server.model.reactions import Reaction
from widget_server.model.records import (
    STORY,
    Comment,
    CommentState,
    OlderCopy,
    Position,
    Story,
    Tally,
    Thread,
)
from widget_server.model.settings import SiteSettings
from widget_server.protocol import reaction_icons

MAX_EDGES = 12
"""Changes of the opening that a page is told of in advance: some days."""


def rfc3339(ms: int) -> str:
    """Return milliseconds since 1970 as text in UTC (RFC 3339, section 5.6)."""
    at = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{at.isoformat()[:19]}.{ms % 1000:03d}Z"


def position(at: Position) -> dict[str, Any]:
    """Return `{epoch, seq}`."""
    return {"epoch": at.epoch, "seq": at.seq}


def tally(record: Tally) -> dict[str, Any]:
    """Return `{version, counts}`."""
    return {"version": record.version, "counts": record.counts}


def story(record: Story) -> dict[str, Any]:
    """Return the story with its attribution, and its corrections if it has any, the newest first."""
    fields: dict[str, Any] = {
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
        "translations": {
            tag: {"title": one.title, "url": one.url} for tag, one in record.translations.items()
        },
    }
    if record.corrections:
        fields["corrections"] = [correction(one) for one in shown(record.corrections)]
    return fields


def correction(record: Correction) -> dict[str, Any]:
    """Return a correction. `texts` are by language, `text` is for all others; a withdrawn one has no text."""
    fields: dict[str, Any] = {
        "id": record.id,
        "at": rfc3339(record.at),
        "kind": record.kind,
        "text": record.text,
    }
    more = {
        "texts": dict(record.texts),
        "passage": record.passage,
        "credit": record.credit,
        "withdrawn_at": None if record.withdrawn_at is None else rfc3339(record.withdrawn_at),
    }
    return fields | {name: value for name, value in more.items() if value}


def settings(site: SiteSettings, at: int | None = None) -> dict[str, Any]:
    """Return the rules that clients need. `edit_window` is in seconds; texts that are not set are left out.

    `at` (milliseconds since 1970) is the time at which the opening hours are shown; without it they are left out.
    """
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
        **({} if at is None else opening(site, at)),
    }


def opening(site: SiteSettings, at: int) -> dict[str, Any]:
    """Return `{mode, opens_at, closes_at, edges}` at a time; nothing for a site without hours and capacity."""
    if site.hours is None and site.capacity is None:
        return {}
    now = opening_at(site.hours, site.full, at)
    return {
        "mode": now.mode,
        "opens_at": None if now.opens_at is None else rfc3339(now.opens_at),
        "closes_at": None if now.closes_at is None else rfc3339(now.closes_at),
        "edges": [{"at": rfc3339(edge), "mode": mode} for edge, mode in now.edges[:MAX_EDGES]],
    }


def permissions(granted: Sequence[str], *, closed: bool) -> dict[str, Any]:
    """Return `{can}`; while comments are closed for all, `can` without `comment`, and `granted` beside it."""
    if not closed or "comment" not in granted:
        return {"can": granted}
    return {"can": [each for each in granted if each != "comment"], "granted": granted}


def _own_texts(site: SiteSettings) -> dict[str, Any]:
    """Return the site's texts in its languages, its licence of comments and its calls to action."""
    trees = dict(site.guidelines_trees)
    texts = {
        "prompts": site.prompts,
        "guidelines_text": trees.pop("", None),
        "guidelines_texts": trees,
        "comment_licence": site.comment_licence,
        "discussion_languages": "apart" if site.discussion_languages == "apart" else None,
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
            "name": None if removed else shown_name(record),
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
    if record.featured_at is not None and not removed:
        fields["featured"] = True
    return fields


def own_copy(label: str | None, origin: str | None, hidden: Sequence[str]) -> dict[str, Any]:
    """Return the copy for its own readers; `hidden`, the ids of comments that it does not show, if there are any."""
    fields: dict[str, Any] = {"label": label, "origin": origin}
    return {**fields, "hidden": hidden} if hidden else fields


def older_copy(found: OlderCopy, server: str) -> dict[str, Any]:
    """Return what the readers of an older copy are told. `changed_at` is in milliseconds since 1970."""
    changes = f"{server}/s/{found.copy.story}/changes?from={found.version}"
    return {"changed_at": found.changed_at, "url": changes}


def shown_name(record: Comment) -> str | None:
    """Return the author's name, without marks of a signed name unless the site signed it.

    Old comments may contain names that were stored before such marks were rejected.
    """
    if record.name is None or record.vouched or not has_check_mark(record.name):
        return record.name
    return without_check_marks(record.name).strip() or None


def own_comment(
    record: Comment,
    edit_window_s: int,
    *,
    show_copy: bool = True,
    outcome: Outcome | None = None,
) -> dict[str, Any]:
    """Return a comment for its author: with the source text, the end of the edit window, and the decision."""
    fields = comment(record, show_copy=show_copy)
    fields["body"] = record.source
    fields["editable_until"] = rfc3339(record.created_at + edit_window_s * 1000)
    if record.waiting:
        fields["waiting"] = True
    if outcome is not None:
        fields["decision"] = decision(outcome)
    return fields


def decision(outcome: Outcome) -> dict[str, Any]:
    """Return what the author of a comment is told: no name, and no free text of a moderator."""
    fields: dict[str, Any] = {
        "state": outcome.state,
        "reason": outcome.reason,
        "by": outcome.by,
        "at": rfc3339(outcome.at),
        "may_appeal": outcome.may_appeal,
    }
    if outcome.appeal is not None:
        fields["appeal"] = outcome.appeal
    return fields


def ban(record: Ban, *, may_appeal: bool, appeal: AppealState | None) -> dict[str, Any]:
    """Return what the banned reader is told. `until` is null for a ban for good."""
    fields: dict[str, Any] = {
        "mode": record.mode,
        "until": None if record.until is None else rfc3339(record.until),
        "reason": record.reason,
        "by": "person" if record.by_person else "rule",
        "at": rfc3339(record.at),
        "may_appeal": may_appeal,
    }
    if appeal is not None:
        fields["appeal"] = appeal
    return fields


def hint(record: Hint) -> dict[str, Any]:
    """Return a hint for its reader. Words that were deleted, or do not fit, are left out."""
    fields: dict[str, Any] = {
        "id": record.id,
        "at": rfc3339(record.at),
        "state": record.state,
    }
    more = {
        "text": record.text,
        "passage": record.passage,
        "credit": record.credit,
        "answer": record.answer,
        "correction": record.correction,
        "decided_at": None if record.decided_at is None else rfc3339(record.decided_at),
    }
    return fields | {name: value for name, value in more.items() if value}


def own_items(
    reactions: Mapping[str, str],
    comments: Sequence[Comment],
    site: SiteSettings,
    outcomes: Mapping[str, Outcome] | None = None,
    reports: Sequence[Report] = (),
    hints: Sequence[Hint] = (),
) -> dict[str, Any]:
    """Return `{reaction, reactions, comments}`: one reader's own data in a story, for this reader alone.

    `reactions` are keys by comment id, or by `STORY`. `reports` is left out for a reader without comments and reports,
    `hints` for one without hints.
    """
    told = outcomes or {}
    own = [
        own_comment(one, site.edit_window, show_copy=site.show_copy, outcome=told.get(one.id))
        for one in comments
    ]
    on_comments = {target: key for target, key in reactions.items() if target != STORY}
    fields: dict[str, Any] = {
        "reaction": reactions.get(STORY),
        "reactions": on_comments,
        "comments": own,
    }
    if reports or comments:
        fields["reports"] = [
            {
                "comment": one.comment,
                "category": one.category,
                "at": rfc3339(one.at),
                "outcome": one.state,
            }
            for one in reports
        ]
    if hints:
        fields["hints"] = [hint(one) for one in hints]
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
