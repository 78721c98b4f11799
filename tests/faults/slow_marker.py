"""Marks the fault tests that are too long for every run."""

from collections.abc import Callable
from typing import Any, TypeVar

Test = TypeVar("Test", bound=Callable[..., Any])


def slow(test: Test) -> Test:
    """Run only with FAULTS=all (`make fault-tests`)."""
    test.slow = True  # type: ignore[attr-defined]
    return test
