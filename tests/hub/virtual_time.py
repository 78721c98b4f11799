"""Event loop with a virtual clock: timers fire in order, without waiting."""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any


class _VirtualClockSelector(selectors.SelectSelector):
    """Advances the virtual clock instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise AssertionError("deadlock: all tasks wait and no timer is due")
            self.now += max(0.0, timeout)
        return ready


class InstantLoop(asyncio.SelectorEventLoop):
    """Event loop with a virtual clock, for tests without real sockets."""

    def __init__(self) -> None:
        self._clock = _VirtualClockSelector()
        self.problems: list[dict[str, Any]] = []
        super().__init__(self._clock)
        self.set_exception_handler(lambda _, context: self.problems.append(context))

    def time(self) -> float:
        return self._clock.now

    def check(self) -> None:
        """Raise if a callback failed, or if a task's exception was never retrieved."""
        assert not self.problems, self.problems


def instantly(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an async test on an `InstantLoop`."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        with asyncio.Runner(loop_factory=InstantLoop) as runner:
            runner.run(test(*args, **kwargs))
            loop = runner.get_loop()
            assert isinstance(loop, InstantLoop)
            loop.check()

    return run
