"""Rate limits for reads over HTTP, and for requests for stories that do not exist."""

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
    """Count a read of a story for its network, before anything is read.

    Files, health endpoints and the API reference are not limited: they are in memory, and monitoring
    must not be rejected. Raises `RateLimitedError`.
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
    """Wrap an endpoint so that each request is counted by `count_read`."""

    @functools.wraps(endpoint)
    async def run(request: Request) -> Response:
        with count_read(request, request.path_params.get("code")):
            return await endpoint(request)

    return run
