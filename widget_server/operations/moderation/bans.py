"""Ban the writers of comments and lift bans; read the bans in effect and the objections that wait."""

from widget_server.auth.permissions import allowed, require
from widget_server.model.actors import Actor
from widget_server.model.bans import BAN_MODES, AppealRead, Ban, BanMode, BanTerms
from widget_server.model.decisions import Decided, decision_id
from widget_server.model.errors import MalformedError, NotFoundError, NotPermittedError
from widget_server.model.limits import MAX_PAGE
from widget_server.model.outcomes import open_appeals
from widget_server.model.raids import in_effect
from widget_server.model.records import Comment, Story
from widget_server.operations.made_before import made_before
from widget_server.operations.moderation.decide import check_words, decided_before, keep_ms
from widget_server.operations.readers.bans import subjects_of
from widget_server.operations.services import Services
from widget_server.store.queries.bans import ListedBan
from widget_server.store.queries.networks import DAY_MS, DAYS_KEPT
from widget_server.store.writing.actions import Decide

__all__ = ["ListedBan"]

LONGEST_NETWORK_MS = 48 * 3_600_000
LONGEST_MS = 10 * 366 * 86_400_000
"""A ban ends within ten years, or is for good."""


async def ban(
    services: Services,
    by: Actor,
    comment: str,
    *,
    until: int | None,
    mode: BanMode = "read",
    reason: str | None = None,
    note: str | None = None,
    network: bool = False,
) -> Decided:
    """Ban the writer of a comment on the whole site until a time (milliseconds; None: for good).

    `read`: they read only. `approval`: what they write waits. A second ban replaces the first. On open
    pages it holds within five seconds. With `network` everybody on the writer's network, for 48 hours at most
    (None: for 48 hours), and only while a raid is on and the site's setting `network_bans` too. Raises
    `NotFoundError`, `NotPermittedError`, `MalformedError`,
    `TooLargeError`, `UnavailableError`.
    """
    story, found = await _find(services, by, "ban", comment, site=None)
    if made := await made_before(services, by, "ban"):
        return await decided_before(services, made["ban"])
    now = services.now_ms()
    if mode not in BAN_MODES:
        raise MalformedError(f"Choose one of these kinds of ban: {', '.join(BAN_MODES)}.")
    if until is not None and not now < until <= now + LONGEST_MS:
        raise MalformedError("Name an end in the future, at most ten years from now.")
    if not found.reader:
        raise NotFoundError("The writer of this comment has erased it and is not known any more.")
    if found.role is not None or found.reader.startswith("staff:"):
        raise NotPermittedError("This is a comment of the site's own people.")
    if network:
        terms = await _network_terms(services, story, comment, until, mode)
        return await _decide(services, by, "ban", story, comment, terms, reason, note)
    terms = BanTerms(subjects_of(services, story.site, found.reader), "reader", mode, until)
    return await _decide(services, by, "ban", story, comment, terms, reason, note)


async def may_ban_networks(services: Services, site: str) -> bool:
    """Return whether networks can be banned on the site now: only while its setting is on, in a raid."""
    cached = await services.cache.site(site)
    return (
        cached is not None
        and cached.site.settings.network_bans
        and bool(in_effect(cached.raids, services.now_ms()))
    )


async def _network_terms(
    services: Services, story: Story, comment: str, until: int | None, mode: BanMode
) -> BanTerms:
    cached = await services.cache.site(story.site)
    if cached is None or not cached.site.settings.network_bans:
        raise NotPermittedError(
            "Networks are banned only in a raid: switch the site's setting network_bans on."
        )
    now = services.now_ms()
    if not in_effect(cached.raids, now):
        raise NotPermittedError("Networks are banned only in a raid: switch a raid on first.")
    latest = now + LONGEST_NETWORK_MS
    if until is not None and until > latest:
        raise MalformedError("A network can be banned for at most 48 hours.")
    trace = await services.networks.of_comment(comment)
    if trace is None or trace[1] <= now // DAY_MS - DAYS_KEPT:
        raise NotFoundError(
            "The network of this comment is not known: it was written before network_bans was"
            " switched on, or its day began more than 48 hours ago."
        )
    network, day = trace
    return BanTerms((network,), "network", mode, until or latest, day)


async def unban(
    services: Services, by: Actor, name: str, *, site: str | None = None, note: str | None = None
) -> Decided:
    """Lift a ban, which is named by its id or by a comment of its writer.

    With `site`, a ban of another site is not found. Raises `NotFoundError`, `NotPermittedError`,
    `TooLargeError`, `UnavailableError`.
    """
    subjects: tuple[str, ...]
    if made := await made_before(services, by, "unban"):
        return await decided_before(services, made["unban"])
    found = await services.bans.by_id(name)
    if found is not None and found.holds(services.now_ms()):
        story, _ = await _find(services, by, "unban", found.comment, site)
        comment, subjects = found.comment, (found.subject,)
    else:
        story, written = await _find(services, by, "unban", name, site)
        comment, subjects = name, subjects_of(services, story.site, written.reader)
    decided = await _decide(services, by, "unban", story, comment, BanTerms(subjects), None, note)
    if decided.decision is None:
        raise NotFoundError("There is no ban in effect with this id, or of this comment's writer.")
    return decided


async def list_bans(
    services: Services,
    by: Actor,
    site: str,
    *,
    after: tuple[int, str] | None = None,
    limit: int = MAX_PAGE,
) -> list[ListedBan]:
    """Return the bans in effect on a site, the newest first. Raises `NotPermittedError`.

    `after` is time and id of the last ban of the page before.
    """
    require(by, "read_reports", site)
    return await services.bans.of_site(site, services.now_ms(), after, min(limit, MAX_PAGE))


async def ban_of(services: Services, by: Actor, site: str, comment: Comment) -> Ban | None:
    """Return the ban in effect of a comment's writer, for those who may see it, or None."""
    if not allowed(by, "read_reports", site) or not comment.reader:
        return None
    cached = await services.cache.site(site)
    now = services.now_ms()
    for subject in subjects_of(services, site, comment.reader):
        found = None if cached is None else cached.bans.get(subject)
        if found is not None and found.holds(now):
            return found
    return None


async def appeals_of(services: Services, by: Actor, site: str, comment: str) -> list[AppealRead]:
    """Return the objections about a comment, the oldest first, for those who may decide about them."""
    if not allowed(by, "uphold", site):
        return []
    stored = await services.bans.appeals_of(comment)
    if not stored:
        return []
    entries, appealed = await services.bans.log_of(comment)
    waiting = set(open_appeals(entries, appealed))
    by_id = {one.id: one for one in entries}
    found = []
    for one in stored:
        words = services.log_keys.unseal(one.sealed) if one.sealed is not None else None
        said = None if words is None else words.get("text")
        decision = by_id[one.decision]
        found.append(
            AppealRead(
                decision=one.decision,
                verb=one.verb,
                at=one.at,
                text=said,
                by=one.by,
                decided_at=decision.at,
                reason=decision.reason,
                waiting=one.decision in waiting,
                own=(decision.actor_kind, decision.actor) == (by.kind, by.id),
            )
        )
    return found


async def _find(
    services: Services, by: Actor, verb: str, comment: str, site: str | None
) -> tuple[Story, Comment]:
    story = await services.discussions.find_story_of_comment(comment)
    found: Comment | None = await services.decisions.comment(comment)
    if story is None or found is None or story.site != (site or story.site):
        raise NotFoundError("There is no comment or ban with this id.")
    require(by, verb, story.site)
    if by.copies is not None:
        raise NotPermittedError("Your role is limited to the comments of some copies.")
    return story, found


async def _decide(
    services: Services,
    by: Actor,
    verb: str,
    story: Story,
    comment: str,
    terms: BanTerms,
    reason: str | None,
    note: str | None,
) -> Decided:
    check_words(reason, note)
    decided = await services.writer.submit(
        Decide(
            story=story.id,
            comment=comment,
            verb="ban" if verb == "ban" else "unban",
            by=by,
            id=decision_id(by, verb),
            at=services.now_ms(),
            keep=await keep_ms(services, story),
            reason=reason,
            note=note,
            ban=terms,
        )
    )
    # This process acts by it at once, the others when their watchers look, within a second.
    await services.cache.site(story.site, max_age=0)
    return decided
