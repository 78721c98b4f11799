"""An event loop whose clock jumps: hours of waiting pass at once, in the same order."""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any


class _Leaping(selectors.SelectSelector):
    """Never waits: anyone who would, moves the clock instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise AssertionError("everything waits and nothing is due: a deadlock")
            self.now += max(0.0, timeout)
        return ready


class InstantLoop(asyncio.SelectorEventLoop):
    """For tests without real connections."""

    def __init__(self) -> None:
        self._leaping = _Leaping()
        self.problems: list[dict[str, Any]] = []
        super().__init__(self._leaping)
        self.set_exception_handler(lambda _, context: self.problems.append(context))

    def time(self) -> float:
        return self._leaping.now

    def check(self) -> None:
        """Raise when a callback failed or the failure of a task was never looked at."""
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
