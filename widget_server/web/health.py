"""For those who run the server: is it up, is it ready, what has it done."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from widget_server.web.api.stories import json_response

READY_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class Gauges:
    """How it is at this moment, for /metrics and for `/readyz`."""

    channels: Annotated[int, "stories that this process listens to"]
    subscriptions: Annotated[int, "subscriptions of open sockets"]
    writer_queue_length: Annotated[int, "actions that wait for the transaction under way to end"]
    bus_up: Annotated[bool, "1 while the process hears its own probe over the bus"]
    database_writable: Annotated[bool, "1 unless the database did not take the last transaction"]


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What `app` tells about its rooms."""

    database: Callable[[], Awaitable[None]]
    """Raises when the database does not answer."""
    now: Callable[[], Gauges]
    counters: Mapping[str, Any]
    """For each room a dataclass of counters and spreads, annotated with what each of them is."""


async def healthz(_request: Request) -> Response:
    """`GET /healthz`: this process answers."""
    return PlainTextResponse("ok\n", headers={"Cache-Control": "no-store"})


async def readyz(request: Request) -> Response:
    """`GET /readyz`: the database answers. What else is not well is named, but readers are served."""
    health: ServerStatus = request.app.state.health
    check = asyncio.create_task(_is_reachable(health.database))
    # Not cancelled and waited for: a driver may take its time to let go of a database that hangs.
    await asyncio.wait({check}, timeout=READY_TIMEOUT_S)
    if not check.done() or not check.result():
        answer = json_response({"status": "unready", "failed": ["database"]}, "no-store")
        answer.status_code = 503
        return answer
    now = health.now()
    parts = {"bus": now.bus_up, "writing": now.database_writable}
    degraded = [part for part, well in parts.items() if not well]
    return json_response({"status": "ready", "degraded": degraded}, "no-store")


async def _is_reachable(check: Callable[[], Awaitable[None]]) -> bool:
    try:
        await check()
    except Exception:
        return False
    return True
