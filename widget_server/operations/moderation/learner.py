"""The learned filter of a site: what it has seen, how often it errs, and how strict it is."""

import secrets
from dataclasses import dataclass, replace

from widget_server.auth import permissions
from widget_server.content.learner import LEAST_BAD, LEAST_GOOD, tokens
from widget_server.model.actors import Actor
from widget_server.model.decisions import decided_by
from widget_server.model.errors import MalformedError, NotFoundError
from widget_server.model.learning import LEARNER, RATES, LearnerState
from widget_server.model.rules import RULE_MODES, HitComment, HitCounts, RuleMode
from widget_server.operations.learner_cache import LoadedFilter
from widget_server.operations.moderation import rules
from widget_server.operations.moderation.rules import MONTH_MS
from widget_server.operations.services import Services
from widget_server.store.writing.learner import set_learner

NEEDED = (LEAST_BAD, LEAST_GOOD)
"""Removed and good comments that the filter must have seen before it can hold."""
DEFAULT_RATE = 10
SHOWN = 10


@dataclass(frozen=True, slots=True)
class Reason:
    """A comment that the filter hit, with the words for and against that weighed most."""

    hit: HitComment
    words_for: tuple[str, ...]
    words_against: tuple[str, ...]


async def show_learner(services: Services, by: Actor, site: str) -> tuple[LearnerState, HitCounts]:
    """Return the filter of a site and its hits of the last 30 days. Raises `NotPermittedError`."""
    permissions.require(by, "read_rules", site)
    counts = await services.rules.stored.hit_counts(site, services.now_ms() - MONTH_MS)
    return await _state(services, site), counts.get(LEARNER, HitCounts())


async def why(services: Services, by: Actor, site: str) -> list[Reason]:
    """Return the last ten comments that the filter hit, with at most five words for and five against.

    Raises `NotPermittedError`.
    """
    hits = (await rules.last_hits(services, by, site, LEARNER))[:SHOWN]
    found = await _loaded(services, site)
    reasons = []
    for hit in hits:
        words: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
        if hit.source and found.learner is not None and found.state is not None:
            worst, best = found.learner.why(tokens(hit.source, found.state.seed))
            words = (tuple(worst), tuple(best))
        reasons.append(Reason(hit, *words))
    return reasons


async def set_filter(
    services: Services, by: Actor, site: str, mode: RuleMode | None = None, rate: int | None = None
) -> LearnerState:
    """Let the filter learn (`shadow`), hold (`on`) or rest (`off`), and choose its rate in 10,000.

    Raises `NotPermittedError`, `NotFoundError`, and `MalformedError` also if it has not seen enough to hold.
    """
    permissions.require(by, "rules", site)
    before = await _state(services, site)
    after = replace(before, mode=mode or before.mode, rate=rate or before.rate)
    if after.mode not in RULE_MODES:
        raise MalformedError(f"The filter is {', '.join(RULE_MODES)}.")
    if after.rate not in RATES:
        error = MalformedError(f"Choose one of {', '.join(map(str, RATES))} in 10,000.")
        error.field = "rate"
        raise error
    if after.mode == "on" and not before.curve:
        bad, good = NEEDED
        error = MalformedError(
            f"It holds nothing before it has seen {bad} removed and {good:,} good comments."
        )
        error.field = "mode"
        raise error
    now = services.now_ms()
    if after.mode != before.mode:
        after = replace(after, mode_at=now, mode_by=f"{by.kind}:{by.id}"[:120])
    if after == before:
        return before
    point = after.point or {}
    decision = decided_by(
        by,
        "rules",
        now,
        targets=(LEARNER,),
        before={"mode": before.mode, "rate": before.rate},
        after={"mode": after.mode, "rate": after.rate, "caught": point.get("caught")},
    )
    await services.writer.run_in_transaction(set_learner(after, decision))
    await services.cache.site(site, max_age=0)
    return await _state(services, site)


async def _state(services: Services, site: str) -> LearnerState:
    """Return the filter's state; that of a new one if it was never turned on."""
    found = await services.learner.reads.state(site)
    if found is not None:
        return found
    seed = secrets.randbits(31)
    return LearnerState(
        site, "off", 0, "", DEFAULT_RATE, seed, 0, 0, 0, (), 0, 0, 0, 0, good_seen=0, bad_seen=0
    )


async def _loaded(services: Services, slug: str) -> LoadedFilter:
    known = await services.cache.site(slug)
    if known is None:
        raise NotFoundError("There is no such site.")
    return await services.learner.of_site(known.site, services.discussions.epoch)
