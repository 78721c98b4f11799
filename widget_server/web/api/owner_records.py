"""Records as answers of the owner API: what each shows, and nothing else."""

from collections.abc import Mapping
from typing import Any

from widget_server.model.decisions import Decision
from widget_server.model.page_facts import SeenPage
from widget_server.model.records import Comment, CommentState, Story
from widget_server.operations.owners.copies import CopyRecord, ListedCopy
from widget_server.operations.owners.readers_now import ReaderCount
from widget_server.operations.owners.stories import ShownCopy, StoryRecord
from widget_server.protocol import (
    owner_answers as answers,
    owner_answers_comments as comment_answers,
)
from widget_server.protocol.serializers import rfc3339


def time_of(at: int | None) -> str | None:
    """Return milliseconds since 1970 as text, or None."""
    return None if at is None else rfc3339(at)


def story_fields(record: StoryRecord, readers: ReaderCount) -> dict[str, Any]:
    """Return the fields of `StoryAnswer`."""
    story = record.story
    return {
        "code": story.code,
        "key": story.key,
        "title": story.title,
        "author": story.author,
        "publisher": story.publisher,
        "url": story.url,
        "license": story.license,
        "notice": story.notice,
        "closed": story.closed,
        "closes_at": time_of(story.closes_at),
        "created_at": rfc3339(story.created_at),
        "active_at": rfc3339(record.active_at),
        "comments": story.count,
        "waiting": record.waiting,
        "reactions": story.tally.counts,
        "copies": record.copies,
        "readers": readers.number,
    }


def translation_answers(story: Story) -> list[answers.TranslationAnswer]:
    """Return the linked translations of a story."""
    return [
        answers.TranslationAnswer(lang=tag, title=one.title, url=one.url, original=one.original)
        for tag, one in story.translations.items()
    ]


def copy_answer(row: ListedCopy | ShownCopy, seen: SeenPage | None = None) -> answers.CopyAnswer:
    """Return a copy, with what was seen on its page."""
    copy: CopyRecord = row.record
    return answers.CopyAnswer(
        id=copy.id,
        story=copy.story,
        story_key=copy.story_key,
        story_title=copy.story_title,
        origin=copy.origin,
        page=copy.page,
        label=copy.label,
        lang=copy.lang,
        listed=copy.listed,
        code_only=copy.code_only,
        jti=copy.jti,
        generation=copy.generation,
        first_seen=rfc3339(copy.first_seen),
        last_seen=rfc3339(copy.last_seen),
        readers=row.readers.number,
        reactions=copy.reactions,
        share=round(copy.share, 4),
        comments=copy.comments,
        status=copy.status,
        withdrawn=None
        if copy.withdrawn is None
        else answers.WithdrawnAnswer(
            at=rfc3339(copy.withdrawn.at), by=copy.withdrawn.by, reason=copy.withdrawn.reason
        ),
        seen=None if seen is None else _seen(seen),
        self_made=copy.self_made,
        wanted_label=copy.wanted_label,
        wants_listing=copy.wants_listing,
        agreed=copy.agreed,
    )


def _seen(page: SeenPage) -> answers.SeenPage:
    facts = page.facts
    return answers.SeenPage(
        at=rfc3339(page.fetched_at),
        status=page.status,
        title=facts.title,
        lang=facts.lang,
        credit=facts.credit,
        licence=facts.licence,
        snippet=facts.snippet,
    )


def comment_fields(code: str, comment: Comment) -> dict[str, Any]:
    """Return the fields of `CommentAnswer`. A removed comment has only its place and time left."""
    gone = comment.state is CommentState.REMOVED
    return {
        "id": comment.id,
        "story": code,
        "parent": comment.parent,
        "state": comment.state.value,
        "revision": comment.revision,
        "body": "" if gone else comment.source,
        "name": None if gone else comment.name,
        "vouched": comment.vouched and not gone,
        "role": None if gone else comment.role,
        "copied_on": None
        if comment.copy is None
        else comment_answers.CopyName(
            id=comment.copy.id, label=comment.copy.label, origin=comment.copy.origin
        ),
        "lang": comment.lang,
        "created_at": rfc3339(comment.created_at),
        "edited_at": time_of(comment.edited_at),
        "pinned": comment.pinned,
        "featured": comment.featured_at is not None,
        "tags": list(comment.tags),
        "edit_waits": comment.waiting,
    }


def decision_answer(one: Decision) -> comment_answers.DecisionAnswer:
    """Return an entry of the log."""
    return comment_answers.DecisionAnswer(
        id=one.id,
        at=rfc3339(one.at),
        actor_kind=one.actor_kind,
        actor=one.actor,
        via=one.via,
        verb=one.verb,
        targets=list(one.targets),
        story=one.story,
        reason=one.reason,
        note=one.note,
        batch=one.batch,
        undoes=one.undoes,
        before=_plain(one.before),
        after=_plain(one.after),
    )


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    return dict(fields)
