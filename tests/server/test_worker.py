"""What a serving process lets in."""

from pathlib import Path

import pytest

from widget_server.app import Components
from widget_server.config import Config
from widget_server.model.errors import RateLimitedError, UnavailableError
from widget_server.server.worker import make_handshake_limiter


def test_handshakes_are_counted_for_each_network_and_for_all_together(tmp_path: Path) -> None:
    limits = {"handshake": "2/3600", "handshake_total": "5/3600"}
    config = Config(data_dir=tmp_path, rate_limits=limits)
    refusals: list[None] = []
    handshakes = make_handshake_limiter(
        Components(config).services, config, lambda: refusals.append(None)
    )
    for _ in range(2):
        handshakes.check("192.0.2.1", [])
    for _ in range(10):
        with pytest.raises(RateLimitedError):
            handshakes.check("192.0.2.1", [])
    for last in range(2, 5):
        handshakes.check(f"192.0.2.{last}", [])
    with pytest.raises(UnavailableError) as refused:
        handshakes.check("192.0.2.5", [])
    assert refused.value.retry_after == 720
    assert len(refusals) == 10 + 1, "and the door is told of each"


def test_handshakes_are_not_counted_where_pace_is_off(tmp_path: Path) -> None:
    config = Config(data_dir=tmp_path, rate_limits=None)
    handshakes = make_handshake_limiter(Components(config).services, config, pytest.fail)
    for _ in range(10_000):
        handshakes.check("192.0.2.1", [])
