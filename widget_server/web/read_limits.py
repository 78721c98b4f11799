"""How often a network may read over HTTP, and ask for what is not there."""

import functools
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from starlette.requests import Request
from starlette.responses import Response

from widget_server.transport import admission
from widget_server.web.api.stories import get_services

Endpoint = Callable[[Request], Awaitable[Response]]


@contextmanager
def count_read(request: Request, code: str | None) -> Iterator[None]:
    """Count a question about a story against its network before anything is read for it.

    Files, health and the reference have no pace: they are in memory, and who measures a server
    must not be refused. Raises `RateLimitedError`.
    """
    services = get_services(request)
    network = services.network_key(admission.client_address(request.scope))
    services.rate_limiters.hit_network("read", network)
    if code is None:
        yield
        return
    with services.count_not_found(code, network):
        yield


def rate_limited(endpoint: Endpoint) -> Endpoint:
    """The endpoint, each question of which is counted."""

    @functools.wraps(endpoint)
    async def run(request: Request) -> Response:
        with count_read(request, request.path_params.get("code")):
            return await endpoint(request)

    return run
