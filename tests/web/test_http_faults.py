"""Responses while a component fails."""

import logging
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import httpx
import pytest

from tests.e2e.harness import ServerProcess
from tests.engines import Postgres
from tests.loopback import http_client
from tests.waiting import eventually
from tests.web.shared_server import rejection
from widget_server.model.metrics import Histogram
from widget_server.web.health import Gauges, ServerStatus
from widget_server.web.routes import create_asgi_app

NOTHING: Any = None


def _waits() -> Histogram:
    histogram = Histogram(0.5, 1)
    for seconds in (0.5, 0.75, 1.0, 3.0):
        histogram.add(seconds)
    return histogram


@dataclass
class ComponentMetrics:
    """Metrics of a component: one counter and one histogram."""

    things: Annotated[int, "things that were done"] = 7
    wait_seconds: Annotated[Histogram, "time until then"] = field(default_factory=_waits)


def client_of(health: ServerStatus) -> httpx.AsyncClient:
    """Return a client of an application without services."""
    app = create_asgi_app(NOTHING, health, 0)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


async def database_up() -> None:
    """Answer like a database that works."""


async def database_down() -> None:
    """Fail like a database that is down."""
    raise ConnectionError("the database is down: secret-host")


def health(database: Callable[[], Any] = database_up, **now: Any) -> ServerStatus:
    gauges = Gauges(
        channels=3, subscriptions=0, writer_queue_length=0, bus_up=True, database_writable=True
    )
    return ServerStatus(
        database, lambda: replace(gauges, **now), [("component", ComponentMetrics())]
    )


async def test_an_internal_error_is_a_problem_that_any_page_may_read(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL, logger="widget_server")
    async with client_of(health()) as http:
        answer = await http.get("/v1/stories/000000000000")
    assert rejection(answer) == (500, "unavailable")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "NoneType" not in answer.text


async def test_a_server_without_its_database_is_alive_but_not_ready() -> None:
    async with client_of(health(database_down)) as http:
        ready = await http.get("/readyz")
        assert (ready.status_code, ready.json()) == (
            503,
            {"status": "unready", "failed": ["database"]},
        )
        assert ready.headers["cache-control"] == "no-store"
        assert (await http.get("/healthz")).status_code == 200


@pytest.mark.parametrize(
    ("now", "degraded"),
    [
        ({}, []),
        ({"bus_up": False}, ["bus"]),
        ({"database_writable": False}, ["writing"]),
        ({"bus_up": False, "database_writable": False}, ["bus", "writing"]),
    ],
)
async def test_a_server_that_can_still_serve_reads_is_ready_and_lists_failing_parts(
    now: dict[str, Any], degraded: list[str]
) -> None:
    async with client_of(health(**now)) as http:
        ready = await http.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "degraded": degraded})


async def test_metrics_are_named_after_component_and_field() -> None:
    async with client_of(health(database_down)) as http:
        lines = (await http.get("/metrics")).text.splitlines()
    for line in (
        "# HELP widget_component_things_total things that were done",
        "# TYPE widget_component_things_total counter",
        "widget_component_things_total 7.0",
        "# TYPE widget_component_wait_seconds histogram",
        'widget_component_wait_seconds_bucket{le="0.5"} 1.0',
        'widget_component_wait_seconds_bucket{le="1"} 3.0',
        'widget_component_wait_seconds_bucket{le="+Inf"} 4.0',
        "widget_component_wait_seconds_count 4.0",
        "widget_component_wait_seconds_sum 5.25",
        "widget_channels 3.0",
    ):
        assert line in lines, line


async def test_a_server_recovers_when_its_database_restarts(
    new_server: Callable[..., ServerProcess],
) -> None:
    postgres = Postgres()
    postgres.start()
    try:
        url = postgres.address("postgresql+asyncpg", "postgres")
        server = new_server(
            DATABASE_URL=url, SECRET_KEYS="a secret without a comma", LOG_LEVEL="error"
        )
        refused = subprocess.run(
            [sys.executable, "-m", "widget_server", "serve"],
            env=server.env,
            cwd=server.data_dir,
            capture_output=True,
            text=True,
            check=False,
        )
        assert refused.returncode == 2, "it does not serve from an outdated schema"
        assert "widget-server migrate" in refused.stderr
        server.cli("migrate")
        postgres.sql("UPDATE alembic_version SET version_num = '9999'")
        await server.start()
        async with http_client(base_url=server.url, timeout=20) as http:
            ready = await http.get("/readyz")
            assert ready.json() == {"status": "ready", "degraded": []}, "a newer schema is accepted"
            postgres.kill()
            ready = await http.get("/readyz")
            assert (ready.status_code, ready.json()["failed"]) == (503, ["database"])
            story = await http.get("/v1/stories/000000000000")
            assert rejection(story) == (503, "unavailable")
            assert int(story.headers["retry-after"]) >= 1
            counts = await http.get("/v1/counts?story=000000000000")
            assert rejection(counts) == (503, "unavailable")
            postgres.start()

            async def ready_again() -> bool:
                return (await http.get("/readyz")).status_code == 200

            await eventually(ready_again, "the server is ready again", 30)
            story = await http.get("/v1/stories/000000000000")
            assert rejection(story) == (404, "not_found")
        assert "Traceback" not in server.log()
    finally:
        postgres.close()
