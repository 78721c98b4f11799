"""Machine-readable API reference, generated from the models that validate client messages."""

from starlette.requests import Request
from starlette.responses import Response

from widget_server.protocol.openapi import asyncapi_document, openapi_document
from widget_server.web.api.stories import json_response

CACHE_ONE_HOUR = "public, max-age=3600"


async def openapi(_request: Request) -> Response:
    """Handle `GET /openapi.json`."""
    return json_response(openapi_document(), CACHE_ONE_HOUR)


async def asyncapi(_request: Request) -> Response:
    """Handle `GET /asyncapi.json`."""
    return json_response(asyncapi_document(), CACHE_ONE_HOUR)
