"""The list of all jobs: what the server does by itself, and when.

A job calls one operation as the actor `SCHEDULE`. It may be run twice, if a process is killed between the
work and the record that it is done: an operation must do nothing the second time.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from widget_server.model.actors import SCHEDULE
from widget_server.operations.moderation import batches, expire, learn, log, match
from widget_server.operations.owners import api_answers, closing
from widget_server.operations.publishing import page_facts
from widget_server.operations.publishing.fetch import Fetcher, PageUnreachableError
from widget_server.operations.services import Services
from widget_server.store.queries.batches import DECIDE_BATCH
from widget_server.store.queries.case_leases import delete_ended_leases
from widget_server.store.queries.closings import CLOSE_STORY
from widget_server.store.queries.handed_cases import delete_ended_hand_overs
from widget_server.store.queries.identity_tokens import delete_expired_identities
from widget_server.store.queries.page_facts import LOOK_AT_PAGE
from widget_server.store.queries.raids import delete_old_raids
from widget_server.store.writing.session_rows import delete_ended

HOUR_S = 3_600
DAY_S = 24 * HOUR_S


@dataclass(frozen=True, slots=True)
class Tools:
    """What a job may use."""

    services: Services
    fetcher: Fetcher


@dataclass(frozen=True, slots=True)
class Job:
    """A kind of work.

    `run` receives the work's subject. It returns None if the work is done, or a time (milliseconds) to
    try again, if it cannot be done yet. Whatever it raises is retried later.
    """

    kind: str
    run: Callable[[Tools, str], Awaitable[int | None]]
    every_s: int | None = None
    """Seconds between two runs; None: the work is scheduled by an operation and done once."""
    lane: Literal["database", "network"] = "database"
    """Jobs of one lane run one after another in a process. The network lane waits for strangers."""
    tries: int = 20
    """Leases after which work that is done once is given up. Repeated work is never given up."""
    expected: tuple[type[Exception], ...] = ()
    """Errors that need no operator. They are logged as information and not as warnings."""
    give_up: Callable[[Tools, str], Awaitable[None]] | None = None
    """Notes for people that the work was given up."""


async def _close_story(tools: Tools, code: str) -> None:
    await closing.close_if_due(tools.services, SCHEDULE, code)


async def _close_due_stories(tools: Tools, _subject: str) -> None:
    await closing.close_due(tools.services, SCHEDULE)


async def _delete_expired_identities(tools: Tools, _subject: str) -> None:
    now = int(tools.services.clock())
    await tools.services.writer.run_in_transaction(delete_expired_identities(now))


async def _delete_old_api_answers(tools: Tools, _subject: str) -> None:
    await api_answers.delete_old(tools.services)


async def _delete_ended_sessions(tools: Tools, _subject: str) -> None:
    now = tools.services.now_ms()
    await tools.services.writer.run_in_transaction(delete_ended(now))


async def _erase_expired_texts(tools: Tools, _subject: str) -> None:
    await expire.erase_expired_texts(tools.services)


async def _delete_old_rule_hits(tools: Tools, _subject: str) -> None:
    await expire.delete_old_rule_hits(tools.services)


async def _delete_old_raids(tools: Tools, _subject: str) -> None:
    now = tools.services.now_ms()
    await tools.services.writer.run_in_transaction(delete_old_raids(now))


async def _delete_old_cases(tools: Tools, _subject: str) -> None:
    await expire.delete_old_cases(tools.services)


async def _learn(tools: Tools, _subject: str) -> None:
    await learn.learn_from_decisions(tools.services)


async def _match_cases(tools: Tools, _subject: str) -> None:
    await match.match_waiting_cases(tools.services)


async def _decide_batch(tools: Tools, batch: str) -> None:
    await batches.run_batch(tools.services, batch)


async def _end_batch(tools: Tools, batch: str) -> None:
    await batches.end_batch(tools.services, batch)


async def _delete_ended_leases(tools: Tools, _subject: str) -> None:
    now = tools.services.now_ms()
    await tools.services.writer.run_in_transaction(delete_ended_leases(now))
    await tools.services.writer.run_in_transaction(delete_ended_hand_overs(now))


async def _keep_log_heads(tools: Tools, _subject: str) -> None:
    await log.keep_heads(tools.services, tools.services.log_heads)


async def _look_at_page(tools: Tools, copy: str) -> int | None:
    return await page_facts.look_at_page(tools.services, tools.fetcher, int(copy))


JOBS: tuple[Job, ...] = (
    Job(CLOSE_STORY, _close_story),
    Job("close_due_stories", _close_due_stories, every_s=HOUR_S),
    Job("delete_old_api_answers", _delete_old_api_answers, every_s=HOUR_S),
    Job("delete_expired_identities", _delete_expired_identities, every_s=HOUR_S),
    Job("delete_ended_sessions", _delete_ended_sessions, every_s=HOUR_S),
    Job("erase_expired_texts", _erase_expired_texts, every_s=HOUR_S),
    Job("delete_old_rule_hits", _delete_old_rule_hits, every_s=DAY_S),
    Job("delete_old_raids", _delete_old_raids, every_s=HOUR_S),
    Job("delete_old_cases", _delete_old_cases, every_s=DAY_S),
    Job("learn_from_decisions", _learn, every_s=60),
    Job("match_cases", _match_cases, every_s=HOUR_S),
    Job(DECIDE_BATCH, _decide_batch, give_up=_end_batch),
    Job("delete_ended_leases", _delete_ended_leases, every_s=HOUR_S),
    Job("keep_log_heads", _keep_log_heads, every_s=DAY_S),
    Job(LOOK_AT_PAGE, _look_at_page, lane="network", tries=4, expected=(PageUnreachableError,)),
)
"""All jobs. To add one: an operation, a function here that calls it, and a line in this list."""
