"""Decorator for fault tests that are too slow for `make test`."""

from collections.abc import Callable
from typing import Any, TypeVar

Test = TypeVar("Test", bound=Callable[..., Any])


def slow(test: Test) -> Test:
    """Run the test only with FAULTS=all (`make fault-tests`)."""
    test.slow = True  # type: ignore[attr-defined]
    return test
