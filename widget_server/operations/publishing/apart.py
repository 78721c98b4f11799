"""Run code that reads strangers' pages in a process of its own: little memory and time, no secrets.

A page of 512 KB can be built so that its tree takes minutes or gigabytes: HTML repeats what is left open.
No parser of trees bounds that, so the kernel does. If the process is killed, the server goes on.
"""

import asyncio
import os
import resource
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import orjson

from widget_server.model.page_facts import FetchedPage

MEMORY_BYTES = 512 * 1024 * 1024
CPU_S = 3
WALL_S = 20.0
"""Seconds after which the process is stopped even if it got no time to work."""


async def run_apart(
    module: str, answer: FetchedPage, more: Mapping[str, Any], wall: float = WALL_S
) -> dict[str, Any] | None:
    """Run a module with a page as its input. Return what it sends, or None if that takes too much.

    `more` is JSON. The module gets both by `received`, and answers by `send`.
    """
    head = {
        "url": answer.url,
        "status": answer.status,
        "content_type": answer.content_type,
        "complete": answer.complete,
        "policies": answer.policies,
        "link": answer.link,
    }
    sent = orjson.dumps({"answer": head, "more": more}) + b"\n"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        # Nothing else: the server's environment has its secrets.
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        async with asyncio.timeout(wall):
            said, _ = await process.communicate(sent + answer.content)
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    try:
        found = orjson.loads(said) if process.returncode == 0 else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def received() -> tuple[FetchedPage, dict[str, Any]]:
    """Set this process's limits, and return the page and `more` from standard input."""
    for limit, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    head = orjson.loads(sys.stdin.buffer.readline())
    fields = head["answer"] | {"policies": tuple(head["answer"]["policies"])}
    return FetchedPage(**fields, content=sys.stdin.buffer.read()), head["more"]


def send(said: Mapping[str, Any]) -> None:
    """Write what was found to standard output, as JSON."""
    sys.stdout.buffer.write(orjson.dumps(said))
