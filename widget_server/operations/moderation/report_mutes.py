"""Mute the reader who gave a report, so that their reports no longer count; lift it; list who is muted."""

from collections.abc import Sequence
from dataclasses import replace

from widget_server.auth.permissions import require
from widget_server.model.actors import Actor
from widget_server.model.decisions import Decision, decided_by, decision_id
from widget_server.model.errors import (
    MalformedError,
    NotFoundError,
    NotPermittedError,
    StaleError,
)
from widget_server.model.limits import MAX_PAGE
from widget_server.model.report_mutes import ReportMute
from widget_server.operations.made_before import made_before
from widget_server.operations.moderation.bans import LONGEST_MS
from widget_server.operations.readers.bans import muted_as
from widget_server.operations.services import Services
from widget_server.store.queries.report_mutes import ListedMute, Reporter
from widget_server.store.writing import report_mutes as writing
from widget_server.store.writing.site_log import if_last

__all__ = ["ListedMute"]
VERB = "mute"


async def mute(
    services: Services, by: Actor, site: str, comment: str, report: str, *, until: int | None
) -> ReportMute:
    """Mute the reader who gave this report of a comment, until a time (milliseconds; None: for good).

    Their reports are still taken and answered. They open no case, raise no priority and hide nothing, also
    those that they gave before. Raises `NotFoundError`, `NotPermittedError` (also about the site's own
    people), `MalformedError`, `StaleError` (they are muted already), `UnavailableError`.
    """
    _require(by, site)
    if made := await made_before(services, by, VERB):
        stored = await services.report_mutes.find(site, made[VERB].targets[0])
        if stored is not None:
            return stored
    now = services.now_ms()
    if until is not None and not now < until <= now + LONGEST_MS:
        raise MalformedError.in_field(
            "until", "Name an end in the future, at most ten years from now."
        )
    found = await _reporter(services, site, comment, report)
    if found.is_own or found.reader.startswith("staff:"):
        raise NotPermittedError("This is a report of the site's own people.")
    subjects = muted_as(services, site, found.reader)
    new = ReportMute(decision_id(by, VERB), site, subjects[0], comment, now, until)
    entry = decided_by(
        by, VERB, now, targets=(new.id,), before={"on": False}, after=_terms(new, on=True)
    )
    decision = replace(entry, id=new.id)
    change = writing.mute(new, found.reader, subjects, decision)
    if not await services.writer.run_in_transaction(change):
        raise StaleError(
            "Reports of this reader do not count already. Lift that first to change its end."
        )
    return new


async def lift(services: Services, by: Actor, site: str, mute_id: str) -> ReportMute:
    """Let the reports of a muted reader count again, also those that they gave meanwhile.

    Raises `NotFoundError` (no such mute is in effect), `NotPermittedError`, `UnavailableError`.
    """
    _require(by, site)
    found = await services.report_mutes.find(site, mute_id)
    if found is None:
        raise NotFoundError("There is no muted reporter with this id.")
    if await made_before(services, by, VERB):
        return found
    now = services.now_ms()
    decision = decided_by(
        by,
        VERB,
        now,
        targets=(found.id,),
        before=_terms(found, on=True),
        after=_terms(found, on=False),
    )
    if not await services.writer.run_in_transaction(writing.lift(found, now, decision)):
        raise NotFoundError("This is over already: the reader's reports count.")
    return replace(found, until=now)


async def lift_of_report(
    services: Services, by: Actor, site: str, comment: str, report: str
) -> ReportMute:
    """Lift the mute of the reader who gave this report. Raises like `lift`."""
    _require(by, site)
    found = await _reporter(services, site, comment, report)
    current = await services.report_mutes.in_effect(
        muted_as(services, site, found.reader), services.now_ms()
    )
    if current is None:
        raise NotFoundError("This is over already: the reader's reports count.")
    return await lift(services, by, site, current.id)


async def list_mutes(
    services: Services,
    by: Actor,
    site: str,
    *,
    after: tuple[int, str] | None = None,
    limit: int = MAX_PAGE,
) -> Sequence[ListedMute]:
    """Return the mutes in effect on a site, the newest first. Raises `NotPermittedError`.

    `after` is time and id of the last mute of the page before.
    """
    require(by, "read_reports", site)
    return await services.report_mutes.of_site(site, services.now_ms(), after, min(limit, MAX_PAGE))


async def take_back_mute(services: Services, site: str, entry: Decision, undo: Decision) -> None:
    """Undo a mute or its lifting, which `entry` of the site's log records. Raises `StaleError`."""
    mute_id = entry.targets[0]
    if entry.after.get("on"):
        change = writing.drop_mute(site, mute_id, undo)
    else:
        found = await services.report_mutes.find(site, mute_id)
        if found is None:
            raise StaleError("This has been over for two days. Mute the reader again.")
        reader = await _reader_of(services, found)
        change = writing.mute_again(found, entry.at, entry.before["until"], reader, undo)
    if not await services.writer.run_in_transaction(if_last(change, site, entry)):
        raise StaleError("This is over, or was changed or taken back since.")


def _require(by: Actor, site: str) -> None:
    require(by, VERB, site)
    if by.copies is not None:
        raise NotPermittedError("Your role is limited to the comments of some copies.")


async def _reporter(services: Services, site: str, comment: str, report: str) -> Reporter:
    found = await services.report_mutes.reporter(comment, report)
    if found is None or found.site != site:
        raise NotFoundError("There is no such report of this comment, or its reader has erased it.")
    return found


async def _reader_of(services: Services, mute_: ReportMute) -> str | None:
    """Return the muted reader, or None if they have erased the report at which they were muted."""
    readers = await services.report_mutes.reporters(mute_.comment)
    return next(
        (one for one in readers if mute_.subject in muted_as(services, mute_.site, one)), None
    )


def _terms(about: ReportMute, *, on: bool) -> dict[str, object]:
    """Return what the log says: nothing about who it is."""
    return {"on": on, "comment": about.comment, "until": about.until}
