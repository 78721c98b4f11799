"""Wait for conditions instead of durations."""

import asyncio
import inspect
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any

#: Factor for all time limits. A slow machine gets more time; no test sleeps longer.
SLOWNESS = float(os.environ.get("TEST_SLOWNESS", "1"))

#: Factor for the number of examples of the state-machine tests: `make model-tests`.
MODEL_TIMES = int(os.environ.get("MODEL_TIMES", "1"))


class ConditionTimeoutError(AssertionError):
    """A condition did not become true in time; the message names the condition."""

    def __init__(self, what: str, timeout: float, last: object) -> None:
        super().__init__(f"not true after {timeout:g} s: {what} (last value: {last!r})")


async def eventually(
    condition: Callable[[], Any] | Callable[[], Awaitable[Any]],
    what: str,
    timeout: float = 10.0,
    pause: float = 0.02,
) -> Any:
    """Wait until `condition`, sync or async, returns a true value, and return that value.

    `what` describes the condition in the failure message. `timeout` and `pause` are in seconds.
    An exception from the condition ends the wait at once, so a condition that may fail for a while
    catches its exceptions.

    Raises `ConditionTimeoutError`.
    """
    limit = timeout * SLOWNESS
    deadline = time.monotonic() + limit
    while True:
        value: Any = condition()
        if inspect.isawaitable(value):
            remaining = max(0.05, deadline - time.monotonic())
            try:
                value = await asyncio.wait_for(value, remaining)
            except TimeoutError:
                raise ConditionTimeoutError(what, limit, "none: the condition hung") from None
        if value:
            return value
        if time.monotonic() >= deadline:
            raise ConditionTimeoutError(what, limit, value)
        await asyncio.sleep(pause)


def wait_until(condition: Callable[[], Any], what: str, timeout: float = 10.0) -> Any:
    """Do the same as `eventually`, for tests and fixtures without an event loop."""
    limit = timeout * SLOWNESS
    deadline = time.monotonic() + limit
    while not (value := condition()):
        if time.monotonic() >= deadline:
            raise ConditionTimeoutError(what, limit, value)
        time.sleep(0.02)
    return value
