"""Read what waits for a person: open cases, reports, and the words of removed comments."""

from dataclasses import replace
from typing import Any

from widget_server.auth.permissions import allowed, require
from widget_server.content import text
from widget_server.model.actors import Actor, name_of
from widget_server.model.decisions import QUEUES, REASONS, Case, Queue
from widget_server.model.errors import MalformedError, NotFoundError
from widget_server.model.limits import MAX_PAGE
from widget_server.model.queue import AGES, AnyQueue, CaseFilter, Context, Reporters
from widget_server.model.records import Comment, CommentState
from widget_server.model.rules import FLOOD
from widget_server.operations.moderation.tags import require_own_people, without_tags
from widget_server.operations.moderation.watch_lists import with_stories
from widget_server.operations.services import Services
from widget_server.store.queries.decisions import Cursor, ReportText
from widget_server.store.queries.queue import CaseCursor


async def open_cases(
    services: Services,
    by: Actor,
    site: str,
    chosen: CaseFilter | str,
    *,
    after: CaseCursor | None = None,
    limit: int = MAX_PAGE,
) -> list[Case]:
    """Return a page of a queue's open cases, the most urgent first, then the oldest.

    `chosen` is a filter or the name of a queue, `after` the `cursor_of` the last case of the page before. A
    held comment has its words again, but only for those who may read kept texts. Raises
    `NotPermittedError`, `MalformedError` for an unknown queue or filter.
    """
    require(by, "read", site)
    chosen = filter_of(queue=chosen) if isinstance(chosen, str) else chosen
    chosen = await completed(services, by, site, chosen)
    found = await services.queue.page(
        site,
        chosen,
        services.now_ms(),
        after,
        min(limit, MAX_PAGE),
        hidden_queues(by, site, chosen),
        by.copies,
    )
    return [readable_case(services, by, site, case) for case in found]


def filter_of(
    queue: str = "all",
    story: str | None = None,
    copy: int | None = None,
    lang: str | None = None,
    reason: str | None = None,
    age: str | None = None,
    watch: str | None = None,
    tag: str | None = None,
) -> CaseFilter:
    """Return a filter. Raises `MalformedError` for a queue, reason or age that there is not."""
    queues: tuple[AnyQueue, ...] = (*QUEUES, "all", "mine", "new")
    named = [one for one in queues if one == queue]
    if not named:
        raise MalformedError(f"Name one of these queues: {', '.join(queues)}.")
    if reason is not None and reason not in (*REASONS, FLOOD):
        raise MalformedError(f"Give one of these reasons: {', '.join(REASONS)}.")
    ages = [one for one in AGES if one == age]
    if age is not None and not ages:
        raise MalformedError(f"Give one of these ages: {', '.join(AGES)}.")
    return CaseFilter(named[0], story, copy, lang, reason, ages[0] if ages else None, watch, tag)


async def completed(services: Services, by: Actor, site: str, chosen: CaseFilter) -> CaseFilter:
    """Return the filter with what its watch-list says, and in `mine` with the actor.

    Raises `NotFoundError` for a watch-list that there is not.
    """
    if chosen.queue == "mine":
        chosen = replace(chosen, handed_to=name_of(by))
    return await with_stories(services, by, site, chosen)


NEEDED: dict[Queue, str] = {"reported": "read_reports", "appeals": "uphold"}
"""Verbs without which a queue is hidden."""


def unseen_queues(by: Actor, site: str) -> tuple[Queue, ...]:
    """Return the queues that the actor may not see."""
    return tuple(queue for queue, verb in NEEDED.items() if not allowed(by, verb, site))


def hidden_queues(by: Actor, site: str, chosen: CaseFilter) -> tuple[Queue, ...]:
    """Return the queues that the actor may not see. Raises `NotPermittedError` if one is chosen."""
    for queue, verb in NEEDED.items():
        if chosen.queue == queue:
            require(by, verb, site)
    if chosen.reason is not None:
        require(by, "read_reports", site)
    return unseen_queues(by, site)


def readable_case(services: Services, by: Actor, site: str, case: Case) -> Case:
    """Return the case with the words that the actor may read."""
    case = replace(case, comment=without_tags(by, case.comment)) if by.copies is not None else case
    if case.handed is not None and not allowed(by, "read_notes", site):
        case = replace(case, handed=replace(case.handed, note=None))
    if case.sealed is None:
        return case
    if not allowed(by, "read_kept_text", site):
        return replace(case, sealed=None)
    return _with_words(services, case)


def visible_context(by: Actor, site: str, found: Context, *, removed: bool) -> Context:
    """Return what the actor may know of the context of a comment, which may be removed or held."""
    shown = replace(found)
    if by.copies is not None:
        shown.writer, shown.writer_since, shown.parents = {}, None, []
    if not allowed(by, "read_reports", site):
        shown = replace(shown, reports=[], reported=[], reporters=Reporters())
    if removed and not allowed(by, "read_kept_text", site):
        # What was reported is then the text that was taken away.
        shown = replace(shown, reported=[])
    if not allowed(by, "read_log", site):
        shown.decisions = []
    if not allowed(by, "read_notes", site):
        shown.decisions = [replace(one, note=None) for one in shown.decisions]
    return shown


def waiting_version(case: Case) -> Comment:
    """Return the comment as it would be after approval: with the words of an edit that waits."""
    if case.queue != "edits" or case.waiting is None:
        return case.comment
    return replace(case.comment, source=case.waiting, text=text.check_body(case.waiting))


def cursor_of(case: Case) -> CaseCursor:
    """Return the cursor for the page that follows this case."""
    return case.priority, case.opened_at, case.id


async def count_waiting(services: Services, by: Actor, site: str) -> dict[str, int]:
    """Return the number of open cases of each queue, and of hints in `corrections`: 0 for those who may not read them.

    Raises `NotPermittedError`.
    """
    require(by, "read", site)
    found = await services.queue.counts(site, by.copies)
    waiting: dict[str, int] = {queue: found.get(queue, (0, 0))[0] for queue in QUEUES}
    hints = await services.hints.count(site) if allowed(by, "correct", site) else 0
    return waiting | {"corrections": hints}


async def reports_of(services: Services, by: Actor, comment: str) -> list[ReportText]:
    """Return the reports of a comment, the oldest first. Raises `NotFoundError`, `NotPermittedError`."""
    story = await services.discussions.find_story_of_comment(comment)
    if story is None:
        raise NotFoundError("There is no comment with this id.")
    require(by, "read_reports", story.site)
    return await services.decisions.reports(comment)


async def show_comment(
    services: Services, by: Actor, comment: str
) -> tuple[str, Comment, int | None]:
    """Return the story's code, the comment, and until when (milliseconds) its removal can be undone.

    An API key sees a removed comment without its words. Other roles that may not read kept texts are
    refused. Raises `NotFoundError`, `NotPermittedError`.
    """
    story = await services.discussions.find_story_of_comment(comment)
    found: Comment | None = await services.decisions.comment(comment)
    if story is None or found is None:
        raise NotFoundError("There is no comment with this id.")
    require(by, "read", story.site)
    if by.copies is not None and (found.copy is None or found.copy.id not in by.copies):
        raise NotFoundError("There is no comment with this id.")
    found = without_tags(by, found)
    kept = await services.decisions.kept(comment)
    if kept is None:
        return story.code, found, None
    if by.role == "machine":
        return story.code, found, kept[1]
    require(by, "read_kept_text", story.site)
    return story.code, with_kept_words(services, found, kept[0]), kept[1]


async def list_comments(
    services: Services,
    by: Actor,
    site: str,
    *,
    story: str | None = None,
    after: Cursor | None = None,
    limit: int = MAX_PAGE,
    tag: str | None = None,
) -> list[tuple[str, Comment]]:
    """Return comments of a site, a story or with a tag, with story codes, the newest first, in any state."""
    require(by, "read", site)
    if tag is not None:
        require_own_people(by)
    found = await services.decisions.comments(site, story, after, min(limit, MAX_PAGE), tag)
    if by.copies is None:
        return found
    own = [one for one in found if one[1].copy is not None and one[1].copy.id in by.copies]
    return [(code, without_tags(by, one)) for code, one in own]


def _with_words(services: Services, case: Case) -> Case:
    comment = case.comment
    # After the undo of an approval the comment is hidden as well, and waits in its old queue.
    if comment.state == CommentState.REMOVED and case.sealed is not None:
        comment = with_kept_words(services, comment, case.sealed)
    return replace(case, comment=comment, sealed=None)


def with_kept_words(services: Services, comment: Comment, sealed: str) -> Comment:
    """Return a tombstone with the words that were kept, or as it is if no known key opens them."""
    words: dict[str, Any] | None = services.log_keys.unseal(sealed)
    if words is None or "name" not in words:
        return comment
    return replace(
        comment,
        source=words["source"],
        text=text.check_body(words["source"]),
        name=words["name"],
        website=words["website"],
        email=words["email"],
    )
