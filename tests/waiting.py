"""Waiting for a condition, never for a duration."""

import asyncio
import inspect
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any

#: All limits are multiplied by this: a slow machine gets more time, no test gets a longer sleep.
SLOWNESS = float(os.environ.get("TEST_SLOWNESS", "1"))

#: The state machines try so many times as much: `make model-tests`.
MODEL_TIMES = int(os.environ.get("MODEL_TIMES", "1"))


class NeverHappenedError(AssertionError):
    """A condition did not become true in time; the message names it."""

    def __init__(self, what: str, timeout: float, last: object) -> None:
        super().__init__(f"waited {timeout:g} s in vain for: {what} (last answer: {last!r})")


async def eventually(
    condition: Callable[[], Any] | Callable[[], Awaitable[Any]],
    what: str,
    timeout: float = 10.0,
    pause: float = 0.02,
) -> Any:
    """Wait until `condition`, plain or async, gives a true value, and return that value.

    `what` names it for the reader of a failure. Seconds. An exception from the condition ends the
    wait at once: a condition that may fail for a while says so itself.
    """
    limit = timeout * SLOWNESS
    deadline = time.monotonic() + limit
    while True:
        answer: Any = condition()
        if inspect.isawaitable(answer):
            loader = max(0.05, deadline - time.monotonic())
            try:
                answer = await asyncio.wait_for(answer, loader)
            except TimeoutError:
                raise NeverHappenedError(what, limit, "none: it hung") from None
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise NeverHappenedError(what, limit, answer)
        await asyncio.sleep(pause)


def wait_until(condition: Callable[[], Any], what: str, timeout: float = 10.0) -> Any:
    """`eventually` for tests and fixtures that have no event loop."""
    limit = timeout * SLOWNESS
    deadline = time.monotonic() + limit
    while not (answer := condition()):
        if time.monotonic() >= deadline:
            raise NeverHappenedError(what, limit, answer)
        time.sleep(0.02)
    return answer
