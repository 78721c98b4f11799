"""Handshake limits of a worker."""

from http import HTTPStatus
from pathlib import Path

import pytest

from widget_server.app import Components
from widget_server.config import Config
from widget_server.server.worker import make_handshake_limiter
from widget_server.transport.admission import SHUTTING_DOWN, HandshakeLimiter
from widget_server.transport.rejection import Rejection, retry_after_header


def test_handshakes_are_limited_per_network_and_in_total(tmp_path: Path) -> None:
    limits = {"handshake": "2/3600", "handshake_total": "5/3600"}
    config = Config(data_dir=tmp_path, rate_limits=limits)
    rejections: list[None] = []
    limiter = make_handshake_limiter(
        Components(config).services, config, lambda: rejections.append(None)
    )
    for _ in range(2):
        assert limiter.check("192.0.2.1", [], shutting_down=False) is None
    for _ in range(10):
        rejection = limiter.check("192.0.2.1", [], shutting_down=False)
        assert rejection is not None
        assert (rejection.status, rejection.reason) == (429, "handshakes")
    for last in range(2, 5):
        assert limiter.check(f"192.0.2.{last}", [], shutting_down=False) is None
    rejection = limiter.check("192.0.2.5", [], shutting_down=False)
    assert rejection == Rejection(HTTPStatus.SERVICE_UNAVAILABLE, "handshakes", 720)
    assert len(rejections) == 10 + 1, "the acceptor is notified of each rejection"


def test_handshakes_at_shutdown_are_rejected_and_not_counted() -> None:
    limiter = HandshakeLimiter(lambda _address: pytest.fail("it was counted"))
    assert limiter.check("192.0.2.1", [], shutting_down=True) == SHUTTING_DOWN


def test_handshakes_are_not_limited_if_rate_limits_are_off(tmp_path: Path) -> None:
    config = Config(data_dir=tmp_path, rate_limits=None)
    limiter = make_handshake_limiter(Components(config).services, config, pytest.fail)
    for _ in range(10_000):
        assert limiter.check("192.0.2.1", [], shutting_down=False) is None


@pytest.mark.parametrize(("seconds", "header"), [(0.0, "1"), (1.0, "1"), (6.2, "7"), (30, "30")])
def test_retry_after_is_rounded_up_to_whole_seconds(seconds: float, header: str) -> None:
    assert retry_after_header(seconds) == header
