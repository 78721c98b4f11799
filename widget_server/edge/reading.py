"""How often a network may read over HTTP, and ask for what is not there."""

import functools
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from starlette.requests import Request
from starlette.responses import Response

from widget_server.edge import guards
from widget_server.edge.story_api import services_of

Endpoint = Callable[[Request], Awaitable[Response]]


@contextmanager
def counted(request: Request, code: str | None) -> Iterator[None]:
    """Count a question about a story against its network before anything is read for it.

    Files, health and the reference have no pace: they are in memory, and who measures a server
    must not be refused. Raises `RateLimited`.
    """
    services = services_of(request)
    network = services.network(guards.address_of(request.scope))
    services.paces.spend("read", network)
    if code is None:
        yield
        return
    with services.looking_up(code, network):
        yield


def paced(endpoint: Endpoint) -> Endpoint:
    """The endpoint, each question of which is counted."""

    @functools.wraps(endpoint)
    async def run(request: Request) -> Response:
        with counted(request, request.path_params.get("code")):
            return await endpoint(request)

    return run
