"""Progress bars of commands that copy whole tables."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress, TaskID

from widget_server.store.backup import Progress as OnProgress

T = TypeVar("T")


def with_progress(work: Callable[[OnProgress], Awaitable[T]]) -> T:
    """Run `work` and return its result; if stderr is a terminal, show a progress bar per table."""

    async def run() -> T:
        with Progress(console=Console(stderr=True), transient=True) as progress:
            bars: dict[str, TaskID] = {}

            def on_progress(table: str, done: int, total: int) -> None:
                if table not in bars:
                    bars[table] = progress.add_task(table, total=total)
                progress.update(bars[table], completed=done)

            return await work(on_progress)

    return asyncio.run(run())
