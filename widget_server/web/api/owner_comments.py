"""Comments, what waits, and decisions, for programs."""

from widget_server.model.cursors import encode_cursor, place_after
from widget_server.model.errors import (
    MalformedError,
    NotFoundError,
    ProblemError,
    StaleError,
    TextRejectedError,
    TooLargeError,
)
from widget_server.operations.moderation import cases, decide, targets as own_targets
from widget_server.operations.owners import take_back
from widget_server.protocol import (
    owner_answers_comments as comment_answers,
    owner_requests as requests,
)
from widget_server.protocol.serializers import rfc3339
from widget_server.web.api.owner_call import Answer, Call
from widget_server.web.api.owner_records import comment_fields, time_of


async def list_comments(call: Call) -> Answer:
    """Handle `GET …/comments`."""
    query: requests.CommentsQuery = call.query
    after = place_after(query.after, "comments")
    found = await cases.list_comments(
        call.services,
        call.actor,
        call.site,
        story=query.story,
        after=after,
        limit=query.limit,
        tag=query.tag,
    )
    more = len(found) == query.limit
    last = encode_cursor("comments", found[-1][1].created_at, found[-1][1].id) if more else None
    rows = [comment_answers.CommentAnswer(**comment_fields(code, one)) for code, one in found]
    return Answer(comment_answers.CommentList(comments=rows, next=last))


async def show_comment(call: Call) -> Answer:
    """Handle `GET …/comments/{comment}`."""
    comment = call.path["comment"]
    await own_targets.require_own_comment(call.services, call.site, comment)
    code, found, until = await cases.show_comment(call.services, call.actor, comment)
    reports = None
    if call.has("read_reports"):
        reports = [
            comment_answers.ReportAnswer(
                id=one.id,
                reason=one.reason,
                at=rfc3339(one.at),
                category=one.category,
                muted=one.muted,
            )
            for one in await cases.reports_of(call.services, call.actor, comment)
        ]
    return Answer(
        comment_answers.CommentDetails(
            **comment_fields(code, found), reports=reports, restorable_until=time_of(until)
        )
    )


async def decide_comments(call: Call) -> Answer:
    """Handle `POST …/decisions`: what is stale or refused does not prevent the rest."""
    body: requests.Decide = call.body
    targets: dict[str, int | None] = {}
    for target in body.targets:
        if isinstance(target, str):
            targets[target] = body.revision
        else:
            targets[target.id] = target.revision if target.revision else body.revision
    places = await own_targets.find(call.services, call.actor, body.verb, call.site, list(targets))
    own = [(comment, revision) for comment, revision in targets.items() if comment in places]
    foreign: dict[str, ProblemError] = {
        comment: NotFoundError("There is no comment with this id.")
        for comment in targets
        if comment not in places
    }
    if body.dry_run:
        stale = await own_targets.stale(call.services, places, own)
        done = [
            comment_answers.Done(
                decision=None, comment=name, state=one.state, revision=one.revision
            )
            for name, one in places.items()
            if name not in stale
        ]
        expected = decide.BatchResult("", refused=foreign | stale)
        return await _batch_answer(call, expected, done, dry_run=True)
    made = await decide.decide_batch(
        call.services, call.actor, body.verb, own, reason=body.reason, note=body.note, tag=body.tag
    )
    for problem in made.refused.values():
        wrong = isinstance(problem, MalformedError | TextRejectedError | TooLargeError)
        if wrong and not made.decided:
            # The reason, the note or the tag is wrong.
            raise problem
    made.refused.update(foreign)
    return await _batch_answer(call, made, _done(made), dry_run=False)


async def undo_decision(call: Call) -> Answer:
    """Handle `POST …/decisions/{decision}:undo`: of one decision, of a batch, or of a change of the site."""
    body: requests.UndoDecision = call.body
    name = call.path["decision"]
    if not await own_targets.is_about_stories(call.services, call.site, name):
        made_by = await take_back.take_back(call.services, call.actor, call.site, name)
        one = comment_answers.Done(decision=made_by, comment=None, state=None, revision=None)
        return await _batch_answer(call, decide.BatchResult(""), [one], dry_run=False)
    made = await decide.undo(call.services, call.actor, name, note=body.note)
    return await _batch_answer(call, made, _done(made), dry_run=False)


def _done(made: decide.BatchResult) -> list[comment_answers.Done]:
    return [
        comment_answers.Done(
            decision=one.decision.id if one.decision else None,
            comment=one.comment.id if one.comment else None,
            state=one.comment.state.value if one.comment else None,
            revision=one.comment.revision if one.comment else None,
        )
        for one in made.decided
    ]


async def _batch_answer(
    call: Call, made: decide.BatchResult, done: list[comment_answers.Done], *, dry_run: bool
) -> Answer:
    stale, refused = [], []
    for target, problem in made.refused.items():
        comment = problem.comment if isinstance(problem, StaleError) else None
        if comment is not None:
            code, now, _ = await cases.show_comment(call.services, call.actor, comment.id)
            stale.append(comment_answers.CommentAnswer(**comment_fields(code, now)))
        else:
            refused.append(_refused(target, problem))
    content = comment_answers.BatchAnswer(
        batch=made.batch or None, dry_run=dry_run, done=done, stale=stale, refused=refused
    )
    # Words of readers are not stored beside the comment: erasing it must erase them all.
    wordless = [one.model_copy(update={"body": "", "name": None}) for one in stale]
    return Answer(content, once={"stale": wordless})


def _refused(target: str, problem: ProblemError) -> comment_answers.Refused:
    return comment_answers.Refused(target=target, code=problem.code, detail=problem.detail)
