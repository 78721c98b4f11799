"""For those who run the server: is it up, is it ready, what has it done."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Annotated, Any, get_type_hints

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from widget_server.edge.story_api import json_response
from widget_server.live.peers import WRITE_METRICS
from widget_server.model.measures import Histogram, LabeledCounter
from widget_server.transport import metrics as transport_metrics

READY_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class Gauges:
    """How it is at this moment, for /metrics and for `/readyz`."""

    channels: Annotated[int, "stories that this process listens to"]
    subscriptions: Annotated[int, "subscriptions of open sockets"]
    writer_queue_length: Annotated[int, "deeds that wait for the transaction under way to end"]
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


class PrometheusCollector(Collector):
    def __init__(self, health: ServerStatus) -> None:
        self._status = health

    def collect(self) -> Iterator[Metric]:
        own = [
            ("sockets", WRITE_METRICS),
            ("sockets", transport_metrics.WEBSOCKET_METRICS),
            ("http", transport_metrics.HTTP_METRICS),
        ]
        for room, counted in [*self._status.counters.items(), *own]:
            for name, value, meaning in _samples(counted):
                yield _to_metric(f"widget_{room}_{name}", value, meaning)
        for name, value, meaning in _samples(self._status.now()):
            yield GaugeMetricFamily(f"widget_{name}", meaning, value)


def _samples(counts: Any) -> Iterator[tuple[str, Any, str]]:
    """Each value of a dataclass with its name and its meaning."""
    for name, hint in get_type_hints(type(counts), include_extras=True).items():
        yield name, getattr(counts, name), hint.__metadata__[0]


def _to_metric(name: str, value: int | Histogram | LabeledCounter, meaning: str) -> Metric:
    if isinstance(value, LabeledCounter):
        family = CounterMetricFamily(name, meaning, labels=value.labels)
        for kind, number in value.counts.items():
            family.add_metric(kind, number)
        return family
    if isinstance(value, Histogram):
        bounds = [*map(str, value.bounds), "+Inf"]
        numbers = accumulate(value.bucket_counts)
        buckets: Any = list(zip(bounds, numbers, strict=True))
        return HistogramMetricFamily(name, meaning, buckets, sum_value=value.total)
    return CounterMetricFamily(name, meaning, value)


async def metrics(request: Request) -> Response:
    """`GET /metrics`: this process's counters, for Prometheus."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(PrometheusCollector(request.app.state.health))
    return Response(generate_latest(registry), media_type="text/plain; version=0.0.4")
