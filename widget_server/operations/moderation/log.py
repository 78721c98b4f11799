"""Read and verify the log of decisions, and keep its daily heads outside the database."""

import asyncio
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from widget_server.auth.permissions import allowed, require
from widget_server.model.actors import Actor
from widget_server.model.decisions import Decision
from widget_server.model.errors import OperatorError, UnavailableError
from widget_server.operations.services import Services
from widget_server.store.queries.decisions import Cursor, LogFilter
from widget_server.store.queries.log_check import Head, Verdict, record_heads

__all__ = ["Cursor", "LogFilter"]

HEADS_FILE = "log-heads.jsonl"
"""File in the data folder with the heads of the logs, one JSON object for each log and day."""
MAX_PAGE = 500


async def read_log(
    services: Services,
    by: Actor,
    site: str,
    chosen: LogFilter,
    *,
    after: Cursor | None = None,
    limit: int = 100,
) -> list[Decision]:
    """Return a page of a site's log and its stories' logs, the newest entry first.

    `after` is `(at, id)` of the last entry of the page before. Notes are only for those who may read
    them. Raises `NotPermittedError`.
    """
    require(by, "read_log", site)
    found = await services.decisions.log(site, chosen, after, min(limit, MAX_PAGE))
    if allowed(by, "read_notes", site):
        return found
    return [replace(decision, note=None) for decision in found]


@dataclass(frozen=True, slots=True)
class Verified:
    """Result of `verify_log`. `of_earlier_epochs`: recorded heads from before a backup was restored."""

    verdict: Verdict
    recorded: int
    of_earlier_epochs: int


async def verify_log(services: Services, file: Path) -> Verified:
    """Check all logs of the server against their keys and against the heads in `file`.

    Raises `OperatorError` if the file cannot be read.
    """
    lines = await asyncio.to_thread(_read_heads, file)
    epoch = await services.log_check.epoch()
    known = [Head(**line["head"]) for line in lines if line["epoch"] == epoch]
    verdict = await services.log_check.verify(known)
    return Verified(verdict, len(known), len(lines) - len(known))


async def verify_site_log(services: Services, by: Actor, site: str) -> Verified:
    """Check the log of one site and those of its stories.

    Raises `NotPermittedError`, and `UnavailableError` if the file with the recorded heads cannot be read.
    """
    require(by, "read_log", site)
    try:
        lines = await asyncio.to_thread(_read_heads, services.log_heads)
    except OperatorError:
        # The message names a file of the server, which is nothing for a site's people.
        raise UnavailableError(
            "The recorded heads of the log cannot be read. Ask who runs the server."
        ) from None
    epoch = await services.log_check.epoch()
    known = [Head(**line["head"]) for line in lines if line["epoch"] == epoch]
    own = await services.log_check.logs_of(site)
    known = [head for head in known if head.log in own]
    verdict = await services.log_check.verify(known, site=site)
    return Verified(verdict, len(known), 0)


async def keep_heads(services: Services, file: Path) -> int:
    """Record the heads of all logs that have grown since, in the database and in `file`.

    A file that lacks heads gets them too: after a restore, or on a machine that had not run this before.
    Return the number of logs that have grown. Run it once a day. Raises `OperatorError` if the file cannot
    be read, and `OSError`.
    """
    day = services.now_ms() // 86_400_000
    # The epoch first: heads of a backup that is restored meanwhile are then passed over by the check.
    epoch = await services.log_check.epoch()
    last = {head.log: head.hash for head in await services.log_check.recorded()}
    lines = await asyncio.to_thread(_read_heads, file)
    in_file = {one["head"]["log"]: one["head"]["hash"] for one in lines if one["epoch"] == epoch}
    heads = await services.log_check.heads(day)
    missing = [head for head in heads if in_file.get(head.log) != head.hash]
    grown = [head for head in heads if last.get(head.log) != head.hash]
    await asyncio.to_thread(_append_heads, file, epoch, missing)
    await services.writer.run_in_transaction(record_heads(grown))
    return len(grown)


def _read_heads(file: Path) -> list[dict[str, Any]]:
    try:
        with file.open("rb") as lines:
            found = [orjson.loads(line) for line in lines if line.strip()]
            for one in found:
                Head(**one["head"])
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError):
        raise OperatorError(
            f"The file {file} with the heads of the log cannot be read. Move it away to verify without it."
        ) from None
    return found


def _append_heads(file: Path, epoch: str, heads: list[Head]) -> None:
    """Append to the file, which only its owner may read, and wait until it is on disk."""
    if not heads:
        return
    written = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(written, "ab") as out:
        for head in heads:
            out.write(orjson.dumps({"epoch": epoch, "head": asdict(head)}) + b"\n")
        out.flush()
        os.fsync(out.fileno())
