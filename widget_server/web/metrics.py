"""`/metrics`: the metrics of this process, for Prometheus."""

from collections.abc import Iterator
from itertools import accumulate
from typing import Any, get_type_hints

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from widget_server.model.metrics import Histogram, LabeledCounter
from widget_server.web.health import ServerStatus


class PrometheusCollector(Collector):
    """Collector of the metrics of all components."""

    def __init__(self, health: ServerStatus) -> None:
        self._status = health

    def collect(self) -> Iterator[Metric]:
        """Yield every metric with its current value."""
        for component, counted in self._status.counters:
            for name, value, help_text in _samples(counted):
                yield _to_metric(f"widget_{component}_{name}", value, help_text)
        for name, value, help_text in _samples(self._status.now()):
            yield GaugeMetricFamily(f"widget_{name}", help_text, value)


def _samples(counts: Any) -> Iterator[tuple[str, Any, str]]:
    """Yield name, value and help text of each field of a dataclass. The annotation is the help text."""
    for name, hint in get_type_hints(type(counts), include_extras=True).items():
        yield name, getattr(counts, name), hint.__metadata__[0]


def _to_metric(name: str, value: int | Histogram | LabeledCounter, help_text: str) -> Metric:
    if isinstance(value, LabeledCounter):
        family = CounterMetricFamily(name, help_text, labels=value.labels)
        for kind, number in value.counts.items():
            family.add_metric(kind, number)
        return family
    if isinstance(value, Histogram):
        bounds = [*map(str, value.bounds), "+Inf"]
        numbers = accumulate(value.bucket_counts)
        buckets: Any = list(zip(bounds, numbers, strict=True))
        return HistogramMetricFamily(name, help_text, buckets, sum_value=value.total)
    return CounterMetricFamily(name, help_text, value)


async def metrics(request: Request) -> Response:
    """Handle `GET /metrics`."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(PrometheusCollector(request.app.state.health))
    return Response(generate_latest(registry), media_type="text/plain; version=0.0.4")
