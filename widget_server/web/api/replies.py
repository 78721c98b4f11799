"""The discussion as an ActivityStreams 2.0 collection, to be read by other software (FEP-f228).

The collection has the story first, then every comment in order of publication. A removed comment is a
`Tombstone`. Nothing is delivered and nothing is taken in: this server has no actors.
"""

import re
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from widget_server.content import urls
from widget_server.model.errors import MalformedError, NotFoundError
from widget_server.model.identifiers import COMMENT_ID
from widget_server.model.limits import MAX_RESPONSE_BYTES
from widget_server.model.records import Comment, CommentState, Site, Story
from widget_server.operations.readers import open_data
from widget_server.protocol import serializers
from widget_server.protocol.snippet import LICENCES
from widget_server.web.api.stories import get_services, story_code_param
from widget_server.web.compressed import CompressedBody
from widget_server.web.conditional import conditional_response, robots
from widget_server.web.pages.comment_html import render
from widget_server.web.pages.feeds import comment_page

MEDIA_TYPE = "application/activity+json"
CONTEXT = "https://www.w3.org/ns/activitystreams"
_HEADERS = {"Cache-Control": "public, max-age=60"}
_ROOM = MAX_RESPONSE_BYTES - 8 * 1024
"""Bytes of a page's comments. The rest is for the story."""


async def replies(request: Request) -> Response:
    """Handle `GET /s/{code}/replies?after=`: the collection, or with `after` one of its pages."""
    services, code = get_services(request), story_code_param(request)
    found = await open_data.open_story(services, code)
    server, story, after = services.server_origin, found.story, request.query_params.get("after")
    address = _address(server, code)
    if after is None:
        content = {
            "@context": CONTEXT,
            "id": address,
            "type": "OrderedCollection",
            "name": f"Discussion: {story.title or story.key}",
            # The story and its comments. To count the tombstones too, all of them would be read.
            "totalItems": story.count + 1,
            "first": f"{address}?after=0",
        }
        return _respond(request, content, found.site)
    if not re.fullmatch("[0-9]{1,9}", after):
        raise MalformedError("Use the `next` of the previous page, unchanged.")
    comments, following = await open_data.in_order(services, story, int(after))
    items = [_of_story(server, story)] if int(after) == 0 else []
    used = 0
    for number, comment in enumerate(comments):
        item = _of_comment(server, story, comment)
        used += len(orjson.dumps(item))
        if used > _ROOM and number:
            following = comments[number - 1].born
            break
        items.append(item)
    content = {
        "@context": CONTEXT,
        "id": f"{address}?after={int(after)}",
        "type": "OrderedCollectionPage",
        "partOf": address,
        "orderedItems": items,
    }
    if following is not None:
        content["next"] = f"{address}?after={following}"
    return _respond(request, content, found.site)


async def reply(request: Request) -> Response:
    """Handle `GET /s/{code}/replies/{comment}`: one comment, 410 with its `Tombstone` if it is gone."""
    services, code = get_services(request), story_code_param(request)
    comment_id = request.path_params["comment"]
    if not COMMENT_ID.fullmatch(comment_id):
        raise NotFoundError
    found = await open_data.open_story(services, code)
    comment = await open_data.comment(services, found.story, comment_id)
    content = _of_comment(services.server_origin, found.story, comment)
    response = _respond(request, {"@context": CONTEXT, **content}, found.site)
    if comment.state is not CommentState.PUBLISHED and response.status_code == 200:
        response.status_code = 410
    return response


def _respond(request: Request, content: dict[str, Any], site: Site) -> Response:
    return conditional_response(
        request, CompressedBody(orjson.dumps(content)), MEDIA_TYPE, _HEADERS | robots(site)
    )


def _address(server: str, code: str) -> str:
    return f"{server}/s/{code}/replies"


def _of_story(server: str, story: Story) -> dict[str, Any]:
    """Return the story as the post that the discussion is about."""
    page = f"{server}/s/{story.code}"
    item: dict[str, Any] = {
        "id": page,
        "type": "Page",
        "name": story.title or story.key,
        "url": urls.safe(story.url) or page,
        "published": serializers.rfc3339(story.created_at),
        "context": _address(server, story.code),
        "replies": _address(server, story.code),
    }
    writers = [
        {"type": kind, "name": name}
        for kind, name in (("Person", story.author), ("Organization", story.publisher))
        if name
    ]
    licence = LICENCES.get(story.license)
    if writers:
        item["attributedTo"] = writers
    return item | _licence_tag(licence)


def _licence_tag(licence: tuple[str, str] | None) -> dict[str, Any]:
    if licence is None:
        return {}
    link = {"type": "Link", "rel": "license", "href": licence[1], "name": licence[0]}
    return {"tag": [link]}


def _of_comment(server: str, story: Story, comment: Comment) -> dict[str, Any]:
    address = _address(server, story.code)
    item: dict[str, Any] = {
        "id": f"{address}/{comment.id}",
        "type": "Note",
        "context": address,
        "inReplyTo": f"{address}/{comment.parent}"
        if comment.parent
        else f"{server}/s/{story.code}",
        "published": serializers.rfc3339(comment.created_at),
    }
    if comment.state is not CommentState.PUBLISHED:
        deleted = serializers.rfc3339(comment.updated_at)
        return item | {"type": "Tombstone", "formerType": "Note", "deleted": deleted}
    author = serializers.comment(comment)["author"]
    person = {"type": "Person", "name": author["name"] or "Anonymous"}
    if urls.safe(author["website"]):
        person["url"] = author["website"]
    text = str(render(comment.text))
    item |= {
        "url": comment_page(server, story.code, comment.id),
        "attributedTo": person,
        "mediaType": "text/html",
    }
    if comment.lang:
        item["contentMap"] = {comment.lang: text}
    else:
        item["content"] = text
    if comment.edited_at is not None:
        item["updated"] = serializers.rfc3339(comment.edited_at)
    return item | _licence_tag(LICENCES.get(comment.licence or ""))
