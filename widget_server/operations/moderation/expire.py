"""Erase the texts of removed comments once they cannot be restored any more, and what is over."""

from widget_server.operations.moderation import new_comments, second_look
from widget_server.operations.services import Services
from widget_server.store.queries.bans import delete_ended_bans
from widget_server.store.queries.networks import delete_old_networks
from widget_server.store.queries.text_marks import delete_old_marks
from widget_server.store.writing.actions import Forget
from widget_server.store.writing.kept_texts import erase_expired, erase_reported
from widget_server.store.writing.old_cases import delete_closed_cases, delete_ended_batches
from widget_server.store.writing.old_hints import delete_old_hints, erase_words_of_hints
from widget_server.store.writing.report_mutes import delete_ended_mutes
from widget_server.store.writing.rules import delete_old_hits

KEPT_CASES_MS = 400 * 86_400_000
"""Time for which closed cases are kept: the Numbers page shows a year of waiting times."""
KEPT_BATCHES_MS = 90 * 86_400_000
"""Time for which ended batches are kept: no site keeps words for longer, so none can be undone then."""


async def erase_expired_texts(services: Services) -> int:
    """Erase all kept texts whose time is over, and return their number. Run it every hour.

    Also what was reported, after `keep_days`, the hashes of readers whose ban ended a day ago, those of muted reporters
    after two days, those of networks after 48 hours, fingerprints of texts after ten minutes, drafts that were given up
    an hour ago, and the words of answered hints after `keep_days`.
    """
    now = services.now_ms()
    await services.writer.run_in_transaction(delete_ended_bans(now))
    await services.writer.run_in_transaction(delete_ended_mutes(now))
    await services.writer.run_in_transaction(delete_old_networks(now))
    await services.writer.run_in_transaction(erase_reported(now))
    await services.writer.run_in_transaction(delete_old_marks(now))
    await _erase_hints(services, now)
    erased = 0
    while True:
        number = await services.writer.run_in_transaction(erase_expired(services.now_ms()))
        if not number:
            return erased
        erased += number


async def _erase_hints(services: Services, now: int) -> None:
    while await services.writer.run_in_transaction(erase_words_of_hints(now)):
        pass
    for reader, at in await services.hints.forgotten():
        await services.writer.submit(Forget(reader, at, until=at))


async def delete_old_cases(services: Services) -> int:
    """Delete cases that were closed 400 days ago and batches that ended 90 days ago. Return the number of rows.

    Also marks of what was looked at, second looks, and hints that were answered 400 days ago without a correction that names
    their reader. A closed case stays as long as a report that it
    settled, if the comment is still published: without it the report would wait for a person again.
    """
    now, total = services.now_ms(), 0
    total += await new_comments.forget_old_marks(services)
    total += await second_look.forget_old_looks(services)
    for delete in (
        delete_closed_cases(now - KEPT_CASES_MS),
        delete_ended_batches(now - KEPT_BATCHES_MS),
        delete_old_hints(now - KEPT_CASES_MS),
    ):
        while number := await services.writer.run_in_transaction(delete):
            total += number
    return total


async def delete_old_rule_hits(services: Services) -> int:
    """Delete what is remembered of comments that rules hit 90 days ago. Return the number of rows."""
    total = 0
    while number := await services.writer.run_in_transaction(delete_old_hits(services.now_ms())):
        total += number
    return total
