"""Evaluate the site's rules about a comment or an edit, before it is stored.

The verdict travels inside the action, so the comment, its case and the log are stored together.
"""

import asyncio
from dataclasses import dataclass, replace

from widget_server.content.rules import Context, Hit, Verdict, evaluate, fingerprint_of
from widget_server.model.errors import ProblemError, ReconsiderError, TextRejectedError
from widget_server.model.rules import RuleHit
from widget_server.operations.readers.authorize import Grant
from widget_server.operations.readers.identify import Actor
from widget_server.operations.rules_cache import SiteRules, language_of
from widget_server.operations.services import Services
from widget_server.store.writing.rules import count_blocked

LONG = 1_000
"""Characters above which a text is evaluated in a thread."""
BLOCKED = "This site's rules do not allow this text. Change it and send it again."
HELD = (
    "The moderators will look at this before it is shown. You can change it, or send it as it is."
)


@dataclass(frozen=True, slots=True)
class Screening:
    """What the rules say: the hits to store, and the error to refuse the text with."""

    hits: tuple[RuleHit, ...] = ()
    refusal: ProblemError | None = None
    blocked_by: tuple[str, ...] = ()
    """Rules that block the text."""
    mark: int | None = None
    """Fingerprint to remember once the text is stored; None if no rule looks for repetition."""


async def screen(
    services: Services,
    grant: Grant,
    actor: Actor,
    text: str,
    *,
    draft: str,
    copy: int | None = None,
    comment: str | None = None,
    ask: bool = False,
) -> Screening:
    """Return what the site's rules say about a text. Staff are never held.

    `draft` names the text if it is sent again. `comment` is the edited one. With `ask`, the writer is told
    the guideline once before the text is held. Raises `UnavailableError`.
    """
    if actor.claims.author:
        return Screening()
    # A grant may be older than the cached site.
    known = await services.cache.site(grant.site.slug)
    site, epoch = grant.site if known is None else known.site, services.discussions.epoch
    found = await services.rules.of_site(site, epoch)
    learned = await services.learner.judge(site, epoch, text)
    if not found.rules:
        return Screening(learned)
    if comment is not None and found.names_copies:
        copy = await services.rules.stored.copy_of(comment)
    context = Context(
        story=grant.story.code,
        copy=None if copy is None else str(copy),
        language=language_of(grant.lang),
        accepted=await _accepted(services, found, actor),
        recent=services.rules.recent.others(grant.site.slug, draft),
    )
    if len(text) > LONG:
        verdict = await asyncio.to_thread(evaluate, text, context, found.rules)
    else:
        verdict = evaluate(text, context, found.rules)
    asked = f"{actor.reader_id}:{draft}" if ask else None
    screening = _screening(services, verdict, found, text, asked)
    return replace(screening, hits=screening.hits + learned)


def remember(services: Services, grant: Grant, names: set[str], screening: Screening) -> None:
    """Remember a stored text by its names as a draft, so that its repetition is found."""
    if screening.mark is not None:
        services.rules.recent.add(grant.site.slug, frozenset(names), screening.mark)


async def record_blocked(services: Services, screening: Screening) -> None:
    """Count a refused text for the rules that block it."""
    if screening.blocked_by:
        await services.writer.run_in_transaction(count_blocked(screening.blocked_by))


async def _accepted(services: Services, found: SiteRules, actor: Actor) -> int:
    limits = [max(1, rule.limit) for rule in found.of_kind("first")]
    if not limits or actor.new_token is not None:
        return 0
    return await services.rules.stored.accepted(actor.reader_id, max(limits))


def _screening(
    services: Services, verdict: Verdict, found: SiteRules, text: str, draft: str | None
) -> Screening:
    blocking = [hit for hit in verdict.acting if hit.action == "block"]
    mark = fingerprint_of(text) if found.of_kind("repeat") else None
    hits = tuple(RuleHit(hit.rule, acting=hit.mode == "on") for hit in verdict.hits)
    if blocking:
        refusal = TextRejectedError(_guideline(blocking) or BLOCKED)
        refusal.field = "body"
        return Screening(hits, refusal, tuple(hit.rule for hit in blocking), mark)
    asking = [hit for hit in verdict.acting if hit.ask]
    if draft is not None and asking and services.rules.ask_once(draft):
        return Screening(hits, ReconsiderError(_guideline(asking) or HELD), (), mark)
    return Screening(hits, None, (), mark)


def _guideline(hits: list[Hit]) -> str | None:
    """Return the guideline of the first hit that has one."""
    return next((hit.guideline for hit in hits if hit.guideline), None)
