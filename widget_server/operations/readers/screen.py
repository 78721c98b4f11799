"""Evaluate the site's rules about a comment or an edit, before it is stored.

The verdict travels inside the action, so the comment, its case and the log are stored together.
"""

import asyncio
from dataclasses import dataclass, replace
from hashlib import sha256

from widget_server.content.rules import Context, Hit, Verdict, evaluate, fingerprint_of
from widget_server.model.errors import ProblemError, ReconsiderError, TextRejectedError
from widget_server.model.rules import RuleHit
from widget_server.operations.readers.authorize import Grant
from widget_server.operations.readers.identify import Actor
from widget_server.operations.rules_cache import SiteRules, language_of
from widget_server.operations.services import Services
from widget_server.store.queries.text_marks import record_asked, settle_asked
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
    """Fingerprint to store with the text; None if no rule looks for repetition."""
    settles: str | None = None
    """Hash of the draft if a rule of the site asks writers to think again."""


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
    name: str | None = None,
    website: str | None = None,
) -> Screening:
    """Return what the site's rules say about a text. Staff are never held.

    `draft` names the text if it is sent again. `comment` is the edited one. With `ask`, the writer is told
    the guideline once before the text is held. `name` is one that the site did not sign; an edit has
    neither it nor a website, because people may have accepted them. Raises `UnavailableError`.
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
    recent: list[int] = []
    if found.of_kind("repeat"):
        recent = await services.rules.recent.others(site.slug, draft, services.now_ms())
    context = Context(
        story=grant.story.code,
        copy=None if copy is None else str(copy),
        language=language_of(grant.lang),
        accepted=await _accepted(services, found, actor),
        recent=recent,
        name=name,
        website=website,
    )
    if len(text) > LONG:
        verdict = await asyncio.to_thread(evaluate, text, context, found.rules)
    else:
        verdict = evaluate(text, context, found.rules)
    screening = _screening(verdict, found, text)
    asking = [hit for hit in verdict.acting if hit.ask]
    if found.asks and comment is None:
        hashed = sha256(f"{draft}\n{text}".encode(errors="replace")).hexdigest()
        screening = replace(screening, settles=hashed)
        if ask and asking and screening.refusal is None:
            refusal = await _ask(services, grant, actor, asking, hashed)
            screening = replace(screening, refusal=refusal)
    return replace(screening, hits=screening.hits + learned)


async def _ask(
    services: Services, grant: Grant, actor: Actor, asking: list[Hit], draft: str
) -> ReconsiderError | None:
    """Return the question for the writer, and count it; None if they were asked about this draft."""
    story, reader = grant.story.id, actor.reader_id
    if await services.rules.marks.asked(story, reader) == draft:
        return None
    now = services.now_ms()
    counted = record_asked(story, reader, asking[0].rule, draft, now)
    await services.writer.run_in_transaction(counted)
    return ReconsiderError(_guideline(asking) or HELD)


async def record_sent(services: Services, grant: Grant, actor: Actor, screening: Screening) -> None:
    """Count what a writer who was asked to think again did: the comment is stored now."""
    draft, story, reader = screening.settles, grant.story.id, actor.reader_id
    if draft is not None and await services.rules.marks.asked(story, reader) is not None:
        settled = settle_asked(story, reader, draft, services.now_ms())
        await services.writer.run_in_transaction(settled)


async def record_blocked(services: Services, screening: Screening) -> None:
    """Count a refused text for the rules that block it."""
    if screening.blocked_by:
        await services.writer.run_in_transaction(count_blocked(screening.blocked_by))


async def _accepted(services: Services, found: SiteRules, actor: Actor) -> int:
    limits = [max(1, rule.limit) for rule in found.of_kind("first")]
    if not limits or actor.new_token is not None:
        return 0
    trust = services.rules.trust
    return await trust.accepted(actor.reader_id, max(limits), services.now_ms())


def _screening(verdict: Verdict, found: SiteRules, text: str) -> Screening:
    blocking = [hit for hit in verdict.acting if hit.action == "block"]
    mark = fingerprint_of(text) if found.of_kind("repeat") else None
    hits = tuple(RuleHit(hit.rule, acting=hit.mode == "on") for hit in verdict.hits)
    if blocking:
        refusal = TextRejectedError(_guideline(blocking) or BLOCKED)
        refusal.field = "body"
        return Screening(hits, refusal, tuple(hit.rule for hit in blocking), mark)
    return Screening(hits, None, (), mark)


def _guideline(hits: list[Hit]) -> str | None:
    """Return the guideline of the first hit that has one."""
    return next((hit.guideline for hit in hits if hit.guideline), None)
