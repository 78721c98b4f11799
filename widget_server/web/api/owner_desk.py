"""What came in since a key last looked, and watch-lists, for programs."""

from widget_server.model.cursors import encode_cursor, place_after
from widget_server.model.queue import StorySet, WatchList
from widget_server.operations.moderation import new_comments, watch_lists
from widget_server.operations.moderation.cases import filter_of
from widget_server.protocol import (
    owner_answers as answers,
    owner_answers_comments as comment_answers,
    owner_requests as requests,
)
from widget_server.protocol.serializers import rfc3339
from widget_server.web.api.owner_call import Answer, Call
from widget_server.web.api.owner_records import comment_fields


async def list_new(call: Call) -> Answer:
    """Handle `GET …/new`."""
    query: requests.NewQuery = call.query
    after = place_after(query.after, "new")
    chosen = filter_of("new", query.story, query.copy_id, query.lang, watch=query.watch)
    found = await new_comments.list_new(
        call.services, call.actor, call.site, chosen, after=after, limit=query.limit
    )
    more = len(found) == query.limit
    last = encode_cursor("new", *new_comments.mark_of(found[-1].comment)) if more else None
    rows = [
        comment_answers.CommentAnswer(**comment_fields(one.story, one.comment)) for one in found
    ]
    return Answer(comment_answers.NewList(comments=rows, next=last))


async def mark_seen(call: Call) -> Answer:
    """Handle `POST …/new:seen`."""
    body: requests.MarkSeen = call.body
    mark = new_comments.mark_seen if body.seen else new_comments.mark_unseen
    await mark(call.services, call.actor, call.site, body.comment)
    return Answer(comment_answers.Seen(comment=body.comment, seen=body.seen))


async def list_watch_lists(call: Call) -> Answer:
    """Handle `GET …/watch_lists`."""
    found = await watch_lists.list_watch_lists(call.services, call.actor, call.site)
    return Answer(comment_answers.WatchListList(watch_lists=list(map(_answer, found))))


async def add_watch_list(call: Call) -> Answer:
    """Handle `POST …/watch_lists`."""
    body: requests.NewWatchList = call.body
    terms = StorySet(
        tuple(body.stories),
        body.newer_than,
        body.top,
        body.lang or None,
        body.origin or None,
        body.tag or None,
    )
    made = await watch_lists.add_watch_list(call.services, call.actor, call.site, body.name, terms)
    return Answer(_answer(made))


async def remove_watch_list(call: Call) -> Answer:
    """Handle `DELETE …/watch_lists/{watch}`."""
    await watch_lists.remove_watch_list(call.services, call.actor, call.site, call.path["watch"])
    return Answer(answers.Readmitted(changed=True))


def _answer(one: WatchList) -> comment_answers.WatchListAnswer:
    terms = one.terms
    return comment_answers.WatchListAnswer(
        id=one.id,
        name=one.name,
        stories=list(terms.codes),
        newer_than=terms.newer_than,
        top=terms.top,
        lang=terms.lang,
        origin=terms.origin,
        tag=terms.tag,
        created_at=rfc3339(one.created_at),
    )
