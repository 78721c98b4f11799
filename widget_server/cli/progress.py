"""What a command shows while it works long."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress, TaskID

from widget_server.store.backup import Progress as Told

T = TypeVar("T")


def with_progress(work: Callable[[Told], Awaitable[T]]) -> T:
    """Run long work with a bar for each table, where there is a terminal to draw it on."""

    async def run() -> T:
        with Progress(console=Console(stderr=True), transient=True) as progress:
            bars: dict[str, TaskID] = {}

            def told(table: str, done: int, total: int) -> None:
                if table not in bars:
                    bars[table] = progress.add_task(table, total=total)
                progress.update(bars[table], completed=done)

            return await work(told)

    return asyncio.run(run())
