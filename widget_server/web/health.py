"""Health endpoints: `/healthz`, `/readyz`, and the server status that `/metrics` reads."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from widget_server.web.api.stories import json_response

READY_TIMEOUT_S = 2.0
"""The database must answer within this time, else the server is not ready."""


@dataclass(frozen=True, slots=True)
class Gauges:
    """Current values, for `/metrics` and `/readyz`."""

    channels: Annotated[
        int, "stories loaded in this process: those with subscriptions, and those read lately"
    ]
    subscriptions: Annotated[int, "subscriptions of open sockets"]
    writer_queue_length: Annotated[int, "actions that wait for the current transaction to end"]
    bus_up: Annotated[bool, "1 while the process receives its own probes over the bus"]
    database_writable: Annotated[bool, "1 unless the last transaction failed"]


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """Status of the components, supplied by `app.py`."""

    database: Callable[[], Awaitable[None]]
    """Raises an exception if the database does not answer."""
    now: Callable[[], Gauges]
    counters: Sequence[tuple[str, Any]]
    """Pairs of component and a dataclass of counters and histograms, annotated with help texts.

    The component is the second word of the metric's name. Two dataclasses may have the same one."""


async def healthz(_request: Request) -> Response:
    """Handle `GET /healthz`: this process responds."""
    return PlainTextResponse("ok\n", headers={"Cache-Control": "no-store"})


async def readyz(request: Request) -> Response:
    """Handle `GET /readyz`: 200 if the database answers.

    Other failing parts are listed as degraded. The server still serves readers without them.
    """
    health: ServerStatus = request.app.state.health
    check = asyncio.create_task(_is_reachable(health.database))
    # Do not cancel the task and wait for it: a driver may take long to give up a hanging database.
    await asyncio.wait({check}, timeout=READY_TIMEOUT_S)
    if not check.done() or not check.result():
        response = json_response({"status": "unready", "failed": ["database"]}, "no-store")
        response.status_code = 503
        return response
    now = health.now()
    parts = {"bus": now.bus_up, "writing": now.database_writable}
    degraded = [part for part, healthy in parts.items() if not healthy]
    return json_response({"status": "ready", "degraded": degraded}, "no-store")


async def _is_reachable(check: Callable[[], Awaitable[None]]) -> bool:
    try:
        await check()
    except Exception:
        return False
    return True
