"""What is answered when a part behind the door fails."""

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
    spread = Histogram(0.5, 1)
    for seconds in (0.5, 0.75, 1.0, 3.0):
        spread.add(seconds)
    return spread


@dataclass
class Counts:
    """A room that counted one thing and measured another."""

    things: Annotated[int, "things that were done"] = 7
    wait_seconds: Annotated[Histogram, "time until then"] = field(default_factory=_waits)


def asking(health: ServerStatus) -> httpx.AsyncClient:
    """A client of an application that has no services at all."""
    app = create_asgi_app(NOTHING, health, 0)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


async def well() -> None:
    """A database that answers."""


async def gone() -> None:
    """One that does not."""
    raise ConnectionError("the database is away: secret-host")


def health(database: Callable[[], Any] = well, **now: Any) -> ServerStatus:
    usual = Gauges(
        channels=3, subscriptions=0, writer_queue_length=0, bus_up=True, database_writable=True
    )
    return ServerStatus(database, lambda: replace(usual, **now), {"room": Counts()})


async def test_an_error_of_ours_is_a_problem_that_any_page_may_read(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL, logger="widget_server")
    async with asking(health()) as http:
        answer = await http.get("/v1/stories/000000000000")
    assert rejection(answer) == (500, "unavailable")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "NoneType" not in answer.text


async def test_a_server_without_its_database_is_not_ready_but_alive() -> None:
    async with asking(health(gone)) as http:
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
async def test_a_server_without_a_part_that_reading_can_do_without_is_ready_and_names_it(
    now: dict[str, Any], degraded: list[str]
) -> None:
    async with asking(health(**now)) as http:
        ready = await http.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "degraded": degraded})


async def test_metrics_name_each_room_and_what_it_counted() -> None:
    async with asking(health(gone)) as http:
        lines = (await http.get("/metrics")).text.splitlines()
    for line in (
        "# HELP widget_room_things_total things that were done",
        "# TYPE widget_room_things_total counter",
        "widget_room_things_total 7.0",
        "# TYPE widget_room_wait_seconds histogram",
        'widget_room_wait_seconds_bucket{le="0.5"} 1.0',
        'widget_room_wait_seconds_bucket{le="1"} 3.0',
        'widget_room_wait_seconds_bucket{le="+Inf"} 4.0',
        "widget_room_wait_seconds_count 4.0",
        "widget_room_wait_seconds_sum 5.25",
        "widget_channels 3.0",
    ):
        assert line in lines, line


async def test_a_database_that_goes_away_and_comes_back(
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
        assert refused.returncode == 2, "it does not serve from a database that is behind"
        assert "widget-server migrate" in refused.stderr
        server.cli("migrate")
        postgres.sql("UPDATE alembic_version SET version_num = '9999'")
        await server.start()
        async with http_client(base_url=server.url, timeout=20) as http:
            ready = await http.get("/readyz")
            assert ready.json() == {"status": "ready", "degraded": []}, "one that is ahead is well"
            postgres.kill()
            ready = await http.get("/readyz")
            assert (ready.status_code, ready.json()["failed"]) == (503, ["database"])
            story = await http.get("/v1/stories/000000000000")
            assert rejection(story) == (503, "unavailable")
            assert int(story.headers["retry-after"]) >= 1
            counts = await http.get("/v1/counts?story=000000000000")
            assert rejection(counts) == (503, "unavailable")
            postgres.start()

            async def back() -> bool:
                return (await http.get("/readyz")).status_code == 200

            await eventually(back, "it is ready again", 30)
            story = await http.get("/v1/stories/000000000000")
            assert rejection(story) == (404, "not_found")
        assert "Traceback" not in server.log()
    finally:
        postgres.close()
