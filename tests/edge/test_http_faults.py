"""What is answered when a part behind the door fails."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.edge.paper import refusal
from tests.engines import Postgres
from tests.journeys.harness import ServerProcess
from tests.waiting import eventually
from widget_server.edge.health import Health
from widget_server.edge.routes import application

NOTHING: Any = None


@dataclass
class Counts:
    """A room that counted one thing."""

    things: int = 7


def asking(health: Health) -> httpx.AsyncClient:
    """A client of an application that has no services at all."""
    app = application(NOTHING, health, 0)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


async def well() -> None:
    """A database that answers."""


async def gone() -> None:
    """One that does not."""
    raise ConnectionError("the database is away: secret-host")


def health(database: Callable[[], Any] = well, bus: Callable[[], bool] = lambda: True) -> Health:
    return Health(database, bus, {"room": Counts()}, lambda: {"open_things": 3.0})


async def test_an_error_of_ours_is_a_problem_that_any_page_may_read(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL, logger="widget_server")
    async with asking(health()) as http:
        answer = await http.get("/v1/stories/000000000000")
    assert refusal(answer) == (500, "unavailable")
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


async def test_a_server_without_its_bus_is_ready_and_says_so() -> None:
    async with asking(health(bus=lambda: False)) as http:
        ready = await http.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "degraded": ["bus"]})


async def test_metrics_name_each_room_and_what_it_counted() -> None:
    async with asking(health(gone)) as http:
        lines = (await http.get("/metrics")).text.splitlines()
    assert "widget_room_things_total 7.0" in lines
    assert "widget_open_things 3.0" in lines


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
        server.cli("migrate")
        await server.start()
        async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=20) as http:
            postgres.kill()
            ready = await http.get("/readyz")
            assert (ready.status_code, ready.json()["failed"]) == (503, ["database"])
            story = await http.get("/v1/stories/000000000000")
            assert refusal(story) == (503, "unavailable")
            assert int(story.headers["retry-after"]) >= 1
            counts = await http.get("/v1/counts?story=000000000000")
            assert refusal(counts) == (503, "unavailable")
            postgres.start()

            async def back() -> bool:
                return (await http.get("/readyz")).status_code == 200

            await eventually(back, "it is ready again", 30)
            story = await http.get("/v1/stories/000000000000")
            assert refusal(story) == (404, "not_found")
        assert "Traceback" not in server.log()
    finally:
        postgres.close()
