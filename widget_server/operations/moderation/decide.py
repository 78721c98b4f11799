"""Decide about comments and stories, and undo decisions."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from widget_server.auth.permissions import require
from widget_server.content import text
from widget_server.model.actors import Actor
from widget_server.model.decisions import (
    REASONS,
    TAG_VERBS,
    CommentVerb,
    Decided,
    Decision,
    Queue,
    StoryVerb,
    batch_id,
    decision_id,
)
from widget_server.model.errors import (
    MalformedError,
    NotFoundError,
    ProblemError,
    TooLargeError,
)
from widget_server.model.records import Story
from widget_server.operations.made_before import made_before
from widget_server.operations.moderation import local_copies, second_look, tags
from widget_server.operations.services import Services
from widget_server.store.queries.closings import CLOSE_STORY
from widget_server.store.queries.decisions import LoggedTarget
from widget_server.store.queries.schedule import put_in_schedule, take_out_of_schedule
from widget_server.store.writing.actions import Decide, Undo

DAY_MS = 86_400_000
CHUNK = 200
"""Decisions of a batch in one transaction, so that readers' actions are stored in between."""
MAX_NOTE = 2_000
MAX_NOTICE = 500


@dataclass(frozen=True, slots=True)
class BatchResult:
    """Result of several decisions. `refused` are problems by the id of the comment or decision."""

    batch: str
    decided: list[Decided] = field(default_factory=list)
    refused: dict[str, ProblemError] = field(default_factory=dict)


async def decide(
    services: Services,
    by: Actor,
    verb: CommentVerb,
    comment: str,
    *,
    reason: str | None = None,
    note: str | None = None,
    revision: int | None = None,
    queue: Queue | None = None,
    case: int | None = None,
    tag: str | None = None,
) -> Decided:
    """Decide about one comment.

    `revision` is that of the comment as the person saw it. With `case` the decision is refused if that case
    is closed. `tag` is what `tag` and `untag` are about. Raises `NotFoundError`, `NotPermittedError`,
    `StaleError`, `ErasedError`, `MalformedError`, `TooLargeError`, `UnavailableError`.
    """
    made = await made_before(services, by, comment)
    if made:
        return await decided_before(services, made[comment])
    action = await _decision(services, by, verb, comment, reason, note, revision, queue, tag)
    decided = await services.writer.submit(replace(action, case=case))
    await second_look.put_aside(services, by, verb, decided, queue)
    return decided


async def decide_batch(
    services: Services,
    by: Actor,
    verb: CommentVerb,
    targets: Sequence[tuple[str, int | None]],
    *,
    reason: str | None = None,
    note: str | None = None,
    cases: Mapping[str, tuple[int, Queue]] | None = None,
    tag: str | None = None,
) -> BatchResult:
    """Decide the same about several comments, each with its revision. They can be undone together.

    `cases` are the cases that are decided, with their queues, by comment: closed ones are refused. What
    cannot be decided does not prevent the rest: it is in `refused`.
    """
    waiting = cases or {}
    result = BatchResult(batch_id(by))
    made = await made_before(services, by, *(comment for comment, _ in targets))
    result.decided.extend([await decided_before(services, one) for one in made.values()])
    targets = [target for target in targets if target[0] not in made]
    for start in range(0, len(targets), CHUNK):
        actions: list[Decide | Undo] = []
        for comment, revision in targets[start : start + CHUNK]:
            try:
                case, queue = waiting.get(comment, (None, None))
                one = await _decision(
                    services, by, verb, comment, reason, note, revision, queue, tag
                )
            except ProblemError as problem:
                result.refused[comment] = problem
            else:
                actions.append(replace(one, batch=result.batch, case=case))
        await _submit(services, actions, result)
    return result


async def decide_story(
    services: Services,
    by: Actor,
    verb: StoryVerb,
    code: str,
    *,
    notice: str | None = None,
    reason: str | None = None,
    note: str | None = None,
) -> Story:
    """Close or open a discussion now, or set the notice above it (None: no notice).

    Both drop the story's closing date. A story that is opened gets the site's days again, if its settings
    close stories after some days: otherwise the next run would close it, because it is as old as before.
    Raises `NotFoundError`, `NotPermittedError`, `MalformedError`, `TooLargeError`.
    """
    if notice is not None and (len(notice) > MAX_NOTICE or not notice.isprintable()):
        raise MalformedError(f"A notice is one line of at most {MAX_NOTICE} characters.")
    check_words(reason, note)
    story = await _find_story(services, by, verb, code)
    if await made_before(services, by, verb):
        return story
    columns: dict[str, bool | int | None] = {}
    if verb != "notice":
        columns = {"closed": verb == "close", "closes_at": None}
    if verb == "open":
        cached = await services.cache.site(story.site)
        days = 0 if cached is None else cached.site.settings.close_after_days
        columns["closes_at"] = services.now_ms() + days * DAY_MS if days else None
    return await _decide_story(services, by, verb, story, columns, notice, reason, note)


async def set_closing_date(
    services: Services,
    by: Actor,
    code: str,
    at: int | None,
    *,
    reason: str | None = None,
    note: str | None = None,
) -> Story:
    """Set the date (milliseconds since 1970) at which a story is closed; None: the site's settings decide.

    A date that has passed closes the story within seconds. Raises `NotFoundError`, `NotPermittedError`,
    `MalformedError`, `TooLargeError`.
    """
    story = await _find_story(services, by, "close", code)
    check_words(reason, note)
    # The schedule first: if this process ends in between, the work finds a story without a date and
    # does nothing. In the other order a date would wait for the hourly run.
    await services.writer.run_in_transaction(
        take_out_of_schedule(CLOSE_STORY, code)
        if at is None
        else put_in_schedule(CLOSE_STORY, code, at)
    )
    return await _decide_story(services, by, "close", story, {"closes_at": at}, None, reason, note)


async def _find_story(services: Services, by: Actor, verb: StoryVerb, code: str) -> Story:
    story = await services.discussions.story(code)
    if story is None:
        raise NotFoundError("There is no story with this code.")
    require(by, verb, story.site)
    return story


async def _decide_story(
    services: Services,
    by: Actor,
    verb: StoryVerb,
    story: Story,
    columns: Mapping[str, bool | int | None],
    notice: str | None,
    reason: str | None,
    note: str | None,
) -> Story:
    keep = await keep_ms(services, story)
    action = Decide(
        story=story.id,
        comment="",
        verb=verb,
        by=by,
        id=decision_id(by, verb),
        at=services.now_ms(),
        keep=keep,
        reason=reason,
        note=note,
        notice=notice,
        columns=columns,
    )
    decided = await services.writer.submit(action)
    services.cache.put(decided.story)
    return decided.story


async def undo(
    services: Services, by: Actor, decision_or_batch: str, *, note: str | None = None
) -> BatchResult:
    """Undo a decision, or all decisions of a batch, the last first.

    A single decision that cannot be undone raises its problem: `NotFoundError`, `NotPermittedError`,
    `StaleError`, `ErasedError`. For a batch the problems are in `refused`.
    """
    check_words(None, note)
    targets = await services.decisions.to_undo(decision_or_batch)
    if not targets:
        raise NotFoundError("There is no decision and no batch with this id.")
    for site, verb in {(target.site, _needed(target)) for target in targets}:
        require(by, "undo", site)
        if verb != "undo":
            require(by, verb, site)
    result = BatchResult(batch_id(by))
    batch = result.batch if len(targets) > 1 else None
    made = await made_before(services, by, *(target.decision for target in targets))
    result.decided.extend([await decided_before(services, one) for one in made.values()])
    number = len(targets)
    targets = [target for target in targets if target.decision not in made]
    for start in range(0, len(targets), CHUNK):
        some = targets[start : start + CHUNK]
        actions: list[Decide | Undo] = [
            await _undoing(services, by, target, note, batch) for target in some
        ]
        await _submit(services, actions, result)
    if result.refused and number == 1:
        raise next(iter(result.refused.values()))
    for decided in result.decided:
        services.cache.put(decided.story)
    entries = [one.decision for one in result.decided if one.decision is not None]
    await second_look.drop_undone(services, [one.undoes for one in entries if one.undoes])
    return result


def _needed(target: LoggedTarget) -> str:
    """Return the verb that a person needs to undo a decision: only editors decline hints about a story."""
    return "correct" if target.verb == "reject" and not target.comment else target.verb


async def find_decision(services: Services, name: str) -> tuple[str, bool]:
    """Return the site of a decision or batch with this id, and whether the site's own log has it.

    Raises `NotFoundError`.
    """
    found = await services.decisions.place_of(name)
    if found is None:
        raise NotFoundError("There is no decision and no batch with this id.")
    return found


async def _undoing(
    services: Services, by: Actor, target: LoggedTarget, note: str | None, batch: str | None
) -> Undo:
    story = await services.discussions.story(target.code)
    if story is None:
        raise NotFoundError
    return Undo(
        story=target.story,
        comment=target.comment,
        decision=target.decision,
        by=by,
        id=decision_id(by, target.decision),
        at=services.now_ms(),
        keep=await keep_ms(services, story),
        note=note,
        batch=batch,
    )


async def _decision(
    services: Services,
    by: Actor,
    verb: CommentVerb,
    comment: str,
    reason: str | None,
    note: str | None,
    revision: int | None,
    queue: Queue | None,
    tag: str | None,
) -> Decide:
    story = await services.discussions.find_story_of_comment(comment)
    if story is None:
        raise NotFoundError("There is no comment with this id.")
    require(by, verb, story.site)
    check_words(reason, note)
    if by.copies is not None:
        settings = await services.cache.settings_of(story)
        local_copies.require_not_held(by, verb, settings.moderation)
    keep = await keep_ms(services, story)
    if tag is not None or verb in TAG_VERBS:
        tag = await tags.chosen_tag(services, story.site, verb, tag)
    return Decide(
        story=story.id,
        comment=comment,
        verb=verb,
        by=by,
        id=decision_id(by, comment),
        at=services.now_ms(),
        keep=keep,
        reason=reason,
        note=note,
        revision=revision,
        queue=queue,
        tag=tag,
    )


async def decided_before(services: Services, made: Decision) -> Decided:
    """Return the result of a decision that was made before, with comment and story as they are now."""
    story = await services.discussions.story(made.story or "")
    if story is None:
        raise NotFoundError
    comment = made.comment
    now = None if comment is None else await services.decisions.comment(comment)
    return Decided(made, now, story)


async def _submit(
    services: Services, actions: Sequence[Decide | Undo], result: BatchResult
) -> None:
    answers = await asyncio.gather(
        *(services.writer.submit(action) for action in actions), return_exceptions=True
    )
    for action, answer in zip(actions, answers, strict=True):
        if isinstance(answer, ProblemError):
            name = action.decision if isinstance(action, Undo) else action.comment
            result.refused[name] = answer
        elif isinstance(answer, BaseException):
            raise answer
        else:
            result.decided.append(answer)


async def keep_ms(services: Services, story: Story) -> int:
    """Return how long the site keeps removed texts, in milliseconds. Cache the story and its site.

    Published events are encoded with the site's cached settings.
    """
    services.cache.put(story)
    cached = await services.cache.site(story.site)
    if cached is None:
        raise NotFoundError("There is no such site.")
    return cached.site.settings.keep_days * DAY_MS


def check_words(reason: str | None, note: str | None) -> None:
    """Raise `MalformedError`, `TextRejectedError` or `TooLargeError` for a wrong reason or note."""
    if reason is not None and reason not in REASONS:
        raise MalformedError(f"Give one of these reasons: {', '.join(REASONS)}.")
    if note is not None:
        text.check_characters(note)
        if len(note) > MAX_NOTE:
            raise TooLargeError(f"A note is at most {MAX_NOTE:,} characters long.")
