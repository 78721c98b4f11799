"""For those who run the server: is it up, is it ready, what has it done."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from widget_server.edge import fanout, hardened_http
from widget_server.edge.story_api import json_answer

READY_S = 2.0


@dataclass(frozen=True, slots=True)
class Health:
    """What `app` tells about its rooms: a check of the database, of the bus, and all counters."""

    database: Callable[[], Awaitable[None]]
    """Raises when the database does not answer."""
    bus_healthy: Callable[[], bool]
    counters: Mapping[str, Any]
    """A dataclass of counters for each room."""
    gauges: Callable[[], Mapping[str, float]]


async def alive(_request: Request) -> Response:
    """`GET /healthz`: this process answers."""
    return PlainTextResponse("ok\n", headers={"Cache-Control": "no-store"})


async def ready(request: Request) -> Response:
    """`GET /readyz`: the database answers; a bus that does not is named, but readers are served."""
    health: Health = request.app.state.health
    check = asyncio.create_task(_answers(health.database))
    # Not cancelled and waited for: a driver may take its time to let go of a database that hangs.
    await asyncio.wait({check}, timeout=READY_S)
    if not check.done() or not check.result():
        answer = json_answer({"status": "unready", "failed": ["database"]}, "no-store")
        answer.status_code = 503
        return answer
    degraded = [] if health.bus_healthy() else ["bus"]
    return json_answer({"status": "ready", "degraded": degraded}, "no-store")


async def _answers(check: Callable[[], Awaitable[None]]) -> bool:
    try:
        await check()
    except Exception:
        return False
    return True


class _Counters(Collector):
    def __init__(self, health: Health) -> None:
        self._health = health

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        rooms = {
            **self._health.counters,
            "sockets": fanout.COUNTS,
            "http": hardened_http.COUNTS,
        }
        for room, counts in rooms.items():
            for name, value in asdict(counts).items():
                yield CounterMetricFamily(f"widget_{room}_{name}", f"{room}: {name}", value)
        for name, value in self._health.gauges().items():
            yield GaugeMetricFamily(f"widget_{name}", name.replace("_", " "), value)


async def metrics(request: Request) -> Response:
    """`GET /metrics`: this process's counters, for Prometheus."""
    registry = CollectorRegistry()
    registry.register(_Counters(request.app.state.health))
    return Response(generate_latest(registry), media_type="text/plain; version=0.0.4")
