"""Decisions about all comments that a search finds, for programs."""

from widget_server.model.batches import Batch, Search
from widget_server.operations.moderation import batches
from widget_server.protocol import (
    owner_answers_comments as comment_answers,
    owner_requests as requests,
)
from widget_server.protocol.serializers import rfc3339
from widget_server.web.api.owner_call import Answer, Call
from widget_server.web.api.owner_records import comment_fields, time_of


async def start_batch(call: Call) -> Answer:
    """Handle `POST …/batches`. With `dry_run` nothing is changed."""
    body: requests.StartBatch = call.body
    call.require(body.verb)
    asked = body.search
    search = Search(
        asked.writer,
        asked.story,
        asked.copy_id,
        asked.phrase,
        None if asked.since is None else int(asked.since.timestamp() * 1000),
        None if asked.until is None else int(asked.until.timestamp() * 1000),
    )
    if body.dry_run:
        found = await batches.preview(call.services, call.actor, call.site, body.verb, search)
        samples = [
            comment_answers.CommentAnswer(**comment_fields(code, one))
            for code, one in found.samples
        ]
        return Answer(
            comment_answers.BatchProgress(
                id=None,
                verb=body.verb,
                undoes=None,
                total=found.total,
                done=0,
                refused=0,
                created_at=None,
                ended_at=None,
                samples=samples,
            ),
            # Words of readers are not stored beside the comment: erasing it must erase them all.
            once={"samples": []},
        )
    batch = await batches.start_batch(
        call.services,
        call.actor,
        call.site,
        body.verb,
        search,
        reason=body.reason,
        note=body.note,
    )
    return Answer(_progress(batch))


async def list_batches(call: Call) -> Answer:
    """Handle `GET …/batches`."""
    found = await batches.list_batches(call.services, call.actor, call.site)
    return Answer(comment_answers.BatchList(batches=[_progress(one) for one in found]))


async def show_batch(call: Call) -> Answer:
    """Handle `GET …/batches/{batch}`."""
    name = call.path["batch"]
    return Answer(_progress(await batches.find_batch(call.services, call.actor, call.site, name)))


async def undo_batch(call: Call) -> Answer:
    """Handle `POST …/batches/{batch}:undo`."""
    name = call.path["batch"]
    return Answer(_progress(await batches.undo_batch(call.services, call.actor, call.site, name)))


def _progress(batch: Batch) -> comment_answers.BatchProgress:
    return comment_answers.BatchProgress(
        id=batch.id,
        verb=batch.verb,
        undoes=batch.undoes,
        total=batch.total,
        done=batch.done,
        refused=batch.refused,
        created_at=rfc3339(batch.created_at),
        ended_at=time_of(batch.ended_at),
        samples=None,
    )
