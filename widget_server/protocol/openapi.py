"""OpenAPI 3.1 document for HTTP and AsyncAPI 3.0 document for the WebSocket, from the models."""

from functools import cache
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from widget_server.model.identifiers import COMMENT_ID, LANGUAGE_TAG, STORY_CODE
from widget_server.model.limits import MAX_LANGUAGE_LENGTH, MAX_THREADS
from widget_server.protocol import client_messages, schemas
from widget_server.protocol.codes import STATUS
from widget_server.protocol.openapi_owner import SECURITY_SCHEME, owner_models, owner_paths

_RECEIVED: tuple[type[BaseModel], ...] = (
    client_messages.Subscribe, client_messages.React, client_messages.Comment, client_messages.Edit, client_messages.Delete,
    client_messages.Report, client_messages.Appeal, client_messages.Hint, client_messages.Mine, client_messages.Forget, client_messages.Unsubscribe, client_messages.Visibility,
)  # fmt: skip
_ACTIONS = _RECEIVED[1:-2]
_INFO = {
    "title": "Story widget",
    "description": "One discussion on every copy of a story. See docs/developers/protocol.md.",
    "license": {"name": "MPL-2.0", "identifier": "MPL-2.0"},
}


SINCE = "[!-~]{1,64}:[0-9]{1,15}"
"""Pattern of a position as text: epoch and `seq`."""

Refs = dict[Any, dict[str, str]]


def _schemas() -> tuple[Refs, dict[str, Any]]:
    """Return the reference of each model, and the schemas by name.

    Two models may have the same class name (`Comment`), so the references are by model.
    """
    received = [(model, "validation") for model in _RECEIVED]
    sent = [(model, "serialization") for model in {*schemas.SERVER_MESSAGES, *schemas.RESPONSES}]
    sent.sort(key=lambda pair: pair[0].__name__)
    owner = owner_models()
    refs, document = models_json_schema(
        [*received, *sent, *owner],  # type: ignore[list-item]
        ref_template="#/components/schemas/{model}",
    )
    definitions: dict[str, Any] = document["$defs"]
    return {model: dict(ref) for (model, _), ref in refs.items()}, definitions


def _json(content: dict[str, Any], media_type: str = "application/json") -> dict[str, Any]:
    return {media_type: {"schema": content}}


def _parameter(
    name: str, where: str, schema: dict[str, Any], description: str, *, required: bool = False
) -> dict[str, Any]:
    return {
        "name": name,
        "in": where,
        "required": required or where == "path",
        "description": description,
        "schema": schema,
    }


def _get(
    summary: str,
    content: dict[str, Any],
    parameters: list[dict[str, Any]],
    rejection: dict[str, Any],
    statuses: tuple[int, ...],
    further: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Describe a read; `further` are the answers that are neither 200 nor a problem."""
    return {
        "get": {
            "summary": summary,
            "parameters": parameters,
            "responses": {
                "200": {"description": "OK", "content": content},
                **_rejections(rejection, *statuses),
                **(further or {}),
            },
        }
    }


READ_STATUSES = (400, 404, 429, 503)
"""Statuses of rejected reads."""
ACTION_STATUSES = tuple(sorted({*STATUS.values(), 415} - {410}))
"""Statuses of rejected actions."""


def _rejections(content: dict[str, Any], *statuses: int) -> dict[str, Any]:
    return {
        str(status): {"description": "A problem (RFC 9457)", "content": content}
        for status in statuses
    }


@cache
def openapi_document() -> dict[str, Any]:
    """Return the OpenAPI document."""
    refs, definitions = _schemas()
    problem = refs[schemas.Problem]
    text = {"type": "string"}
    code = _parameter(
        "code", "path", {"type": "string", "pattern": f"^{STORY_CODE.pattern}$"}, "Story code"
    )
    comment = _parameter(
        "comment", "path", {"type": "string", "pattern": f"^{COMMENT_ID.pattern}$"}, "Comment id"
    )
    after = _parameter("after", "query", text, "`next` of the thread, or of the previous part")
    since = _parameter(
        "since",
        "query",
        {"type": "string", "pattern": f"^{SINCE}$"},
        "epoch:seq of the last snapshot or message",
    )
    own_copy = _parameter(
        "copy",
        "query",
        {"type": "string", "maxLength": 16},
        "The last 9 characters of the page's token, empty for none: what that copy hides, and whether it is older",
    )
    event_ids = {"type": "array", "items": {"type": "string", "pattern": f"^{SINCE}$"}}
    since_each = _parameter(
        "since",
        "query",
        event_ids,
        "epoch:seq of the story in the path, or CODE:epoch:seq of any; repeat it for several",
    )
    before = _parameter(
        "before",
        "query",
        {"type": "string", "pattern": "^[0-9A-Za-z_-]*$"},
        "`next` of the previous page",
    )
    order = _parameter("order", "query", {"enum": ["newest", "oldest", "top"]}, "Order of threads")
    pattern = f"^({LANGUAGE_TAG.pattern})?$"
    tag = {"type": "string", "pattern": pattern, "maxLength": MAX_LANGUAGE_LENGTH}
    lang = _parameter("lang", "query", tag, "Language in which the story is shown, and of the page")
    spoken = _parameter(
        "lang", "query", tag, "Only comments of this language: de also stands for de-AT"
    )
    only = _parameter(
        "only", "query", tag, "Language of the comments, or `all`; without it, as the owner chose"
    )
    paging = [
        before,
        _parameter(
            "limit", "query", {"type": "integer", "minimum": 1, "maximum": MAX_THREADS}, "Threads"
        ),
        order,
        spoken,
    ]
    fields = {"type": "object", "properties": {"do": text}, "additionalProperties": text}
    codes = {"type": "array", "items": text, "minItems": 1, "maxItems": 1000}
    story = _parameter(
        "story", "query", codes, "Story code; repeat it for several stories", required=True
    )
    more_stories = _parameter("story", "query", codes, "Codes of further stories of the page")
    own_copies = _parameter(
        "copy",
        "query",
        {
            "type": "array",
            "items": {"type": "string", "pattern": f"^{STORY_CODE.pattern}:.{{0,16}}$"},
        },
        "CODE:HANDLE, the page's copy of a story: what it hides, and whether it is older; repeat it for several",
    )
    last_event = _parameter(
        "Last-Event-ID", "header", text, "`id` of the last event; counts before `since`"
    )
    site = _parameter("site", "path", text, "Slug of the site")
    feed_format = _parameter("format", "path", {"enum": ["atom", "json"]}, "Format of the feed")
    feed = _json(text, "application/atom+xml") | _json({"type": "object"}, "application/feed+json")
    activity = _json({"type": "object"}, "application/activity+json")
    language = _parameter("lang", "query", text, "Language of the file, such as `fr`")
    listed = {"type": "array", "items": {"type": "object"}}
    corrections = {"type": "object", "properties": {"corrections": listed}}
    pixels = {"type": "integer", "minimum": 1}
    reference = _parameter("reference", "path", text, "A widget token, or a story code")
    file = _parameter("file", "path", text, "File name")
    where = _parameter("where", "query", text, "Where the republisher publishes, such as `ghost`")
    secret = _parameter("secret", "path", text, "Shown with the snippet that was made")
    body = {"oneOf": [refs[model] for model in _ACTIONS]}
    ok, error = refs[schemas.OkMessage], refs[schemas.ErrorMessage]

    problems = _json(problem, "application/problem+json")
    html = _json(text, "text/html")
    # One event: OpenAPI 3.1 has no other place for it than the schema of the stream.
    message = {"oneOf": [refs[model] for model in schemas.SERVER_MESSAGES]}
    event = {
        "type": "object",
        "required": ["data"],
        "properties": {
            "event": text,
            "id": text,
            "data": text | {"contentMediaType": "application/json", "contentSchema": message},
        },
    }

    def get(summary: str, content: dict[str, Any], *parameters: dict[str, Any]) -> dict[str, Any]:
        return _get(summary, _json(content), list(parameters), problems, READ_STATUSES)

    def open_(summary: str, content: dict[str, Any], *parameters: dict[str, Any]) -> dict[str, Any]:
        """Describe a route for people: depending on `Accept`, an error is an HTML page."""
        return _get(summary, content, list(parameters), problems | html, READ_STATUSES)

    def form(summary: str, *parameters: dict[str, Any]) -> dict[str, Any]:
        """Describe the form of a page of this server, which that page alone may send."""
        return {
            "summary": f"{summary}; from this page only",
            "parameters": list(parameters),
            "requestBody": {"required": True, "content": _json(fields, "multipart/form-data")},
            "responses": {
                "200": {"description": "The page after that", "content": html},
                "303": {"description": "The page after that is at `Location`"},
                **_rejections(problems | html, *ACTION_STATUSES),
            },
        }

    return {
        "openapi": "3.1.0",
        "info": _INFO | {"version": version("widget-server")},
        "paths": {
            "/v1/stories/{code}": get("Snapshot", refs[schemas.Snapshot], code, since, own_copy),
            "/v1/stories/{code}/comments": get(
                "Further threads", refs[schemas.PageOfThreads], code, *paging
            ),
            "/v1/stories/{code}/comments/{comment}": get(
                "One comment's thread", refs[schemas.PartOfThread], code, comment, after
            ),
            "/v1/stories/{code}/events": _get(
                "The messages of the WebSocket as Server-Sent Events",
                _json(event, "text/event-stream"),
                [code, since_each, more_stories, own_copies, last_event],
                problems,
                (*READ_STATUSES, 403),
            ),
            "/v1/counts": get("Counts for lists", refs[schemas.StoryCounts], story),
            "/v1/actions": {
                "post": {
                    "summary": "Execute an action: the same message as over the WebSocket",
                    "requestBody": {
                        "required": True,
                        "content": _json(body) | _json(body, "text/plain"),
                    },
                    "responses": {
                        "200": {"description": "Stored", "content": _json(ok)},
                        **_rejections(_json(error), *ACTION_STATUSES),
                    },
                }
            },
            **owner_paths(refs),
            "/": open_("Description of this server", html | _json({"type": "object"})),
            "/embed.js": open_("The embed, latest version", _json(text, "text/javascript")),
            "/embed/{file}": open_(
                "The embed, a fixed version", _json(text, "text/javascript"), file
            ),
            "/s/{code}": open_("The story's page", html, code, before, order, lang, only),
            "/s/{code}/feed.{format}": open_(
                "The last changed comments of a story as Atom or JSON Feed",
                feed,
                code,
                feed_format,
                spoken,
                _parameter(
                    "before",
                    "query",
                    {"type": "string", "pattern": "^[0-9]{1,9}$"},
                    "Part of the next page's address",
                ),
            ),
            "/s/{code}/discussion.{format}": open_(
                "The whole discussion as a text file, as JSON, or as a page to print",
                _json(text, "text/plain")
                | html
                | {"application/json": {"schema": refs[schemas.WholeDiscussion]}},
                code,
                _parameter(
                    "format", "path", {"enum": ["txt", "json", "html"]}, "Format of the file"
                ),
                language,
            ),
            "/s/{code}/corrections": open_("The corrections of a story", html, code),
            "/s/{code}/corrections.json": open_(
                "The corrections of a story as data", _json(corrections), code
            ),
            "/s/{code}/corrections.atom": open_("The corrections of a story as Atom", feed, code),
            "/s/{code}/corrections.feed.json": open_(
                "The corrections of a story as JSON Feed", feed, code
            ),
            "/s/{code}/changes": open_(
                "What changed in the story's text since a version that copies have",
                html,
                code,
                _parameter(
                    "from",
                    "query",
                    {"type": "string", "pattern": "^[1-9][0-9]{0,8}$"},
                    "Number of the version",
                    required=True,
                ),
            ),
            "/s/{code}/replies": open_(
                "The discussion as an ActivityStreams collection, or one of its pages",
                activity,
                code,
                _parameter(
                    "after",
                    "query",
                    {"type": "string", "pattern": "^[0-9]{1,9}$"},
                    "Part of `next`",
                ),
            ),
            "/s/{code}/replies/{comment}": _get(
                "One comment as an ActivityStreams object; 410 if it was removed",
                activity,
                [code, comment],
                problems | html,
                READ_STATUSES,
                {"410": {"description": "The comment's Tombstone", "content": activity}},
            ),
            "/sites/{site}/feed.{format}": open_(
                "The last changed comments of a site as Atom or JSON Feed", feed, site, feed_format
            ),
            "/s/{code}/featured.{format}": open_(
                "The featured comments of a story as Atom or JSON Feed", feed, code, feed_format
            ),
            "/sites/{site}/featured.{format}": open_(
                "The featured comments of a site as Atom or JSON Feed", feed, site, feed_format
            ),
            "/oembed": _get(
                "The frame of a story for editors (oEmbed 1.0)",
                _json({"type": "object"}) | _json(text, "text/xml"),
                [
                    _parameter("url", "query", text, "Address of the story's page", required=True),
                    _parameter("maxwidth", "query", pixels, "Most pixels of width"),
                    _parameter("maxheight", "query", pixels, "Most pixels of height"),
                    _parameter("format", "query", {"enum": ["json", "xml"]}, "501 for any other"),
                ],
                problems | html,
                (*READ_STATUSES, 501),
            ),
            "/s/{code}/write": {
                **open_("The story's page with forms", html, code, before, order, lang, only),
                "post": form("One action of a reader without JavaScript", code),
            },
            "/s/{code}/republish": {
                **open_("Terms and snippets for republishers", html, code, where),
                "post": form("A token for a republisher's own site", code),
            },
            "/s/{code}/check": {
                **open_("A form that names a page with the story", html, code),
                "post": form("What to change on that page", code),
            },
            "/s/{code}/copy/{secret}": {
                **open_("A republisher's own copy", html, code, secret),
                "post": form("Take the copy off the story's page", code, secret),
            },
            "/e/{reference}": _get(
                "The embed as an iframe page",
                html,
                [reference],
                problems | html,
                tuple(sorted({*READ_STATUSES, 401, 403})),
            ),
            "/static/{file}": open_("Stylesheet of the pages", _json(text, "text/css"), file),
            "/healthz": open_("Whether the process is running", _json(text, "text/plain")),
            "/readyz": open_("Whether database and bus respond", _json({"type": "object"})),
            "/metrics": open_("Prometheus counters", _json(text, "text/plain")),
            "/openapi.json": open_("This document", _json({"type": "object"})),
            "/asyncapi.json": open_(
                "AsyncAPI document of the WebSocket", _json({"type": "object"})
            ),
        },
        "components": {"schemas": definitions, "securitySchemes": SECURITY_SCHEME},
    }


@cache
def asyncapi_document() -> dict[str, Any]:
    """Return the AsyncAPI document: the messages of clients and of the server."""
    refs, definitions = _schemas()
    models = [*_RECEIVED, *schemas.SERVER_MESSAGES]
    models_by_name = {refs[model]["$ref"].rpartition("/")[2]: model for model in models}
    received = {refs[model]["$ref"].rpartition("/")[2] for model in _RECEIVED}
    at = "#/channels/live/messages/"
    return {
        "asyncapi": "3.0.0",
        "info": {**_INFO, "version": version("widget-server"), "license": {"name": "MPL-2.0"}},
        "defaultContentType": "application/json",
        "channels": {
            "live": {
                "address": "/v1/live",
                "description": "WebSocket, subprotocol widget.v1, text frames of one JSON object.",
                "messages": {
                    name: {"$ref": f"#/components/messages/{name}"} for name in models_by_name
                },
            }
        },
        "operations": {
            "receive": {
                "action": "receive",
                "channel": {"$ref": "#/channels/live"},
                "messages": [{"$ref": at + name} for name in models_by_name if name in received],
            },
            "send": {
                "action": "send",
                "channel": {"$ref": "#/channels/live"},
                "messages": [
                    {"$ref": at + name} for name in models_by_name if name not in received
                ],
            },
        },
        "components": {
            "messages": {
                name: {
                    "summary": (model.__doc__ or "").splitlines()[0],
                    "payload": {"$ref": f"#/components/schemas/{name}"},
                }
                for name, model in models_by_name.items()
            },
            "schemas": definitions,
        },
    }
