"""Compare a new comment with floods and raids before it is stored, and ask new readers for a proof of work.

A flood is found by more comments than the site's settings allow: of new readers in a story or on a copy
(counted in the database, exactly in all processes), from a network or with like texts (counted by each
process). What belongs to it is held; if it goes on after that, new readers do a proof of work.
"""

import hashlib
from dataclasses import dataclass

from widget_server.auth.network_keys import UNKNOWN
from widget_server.content.likeness import LARGEST_DISTANCE
from widget_server.content.rules import fingerprint_of
from widget_server.model.errors import ProofNeededError
from widget_server.model.raids import Flooding, Raid, RaidKind, in_effect
from widget_server.model.rates import Rate
from widget_server.model.records import Comment, CommentState
from widget_server.operations.readers.authorize import Grant
from widget_server.operations.readers.identify import Actor
from widget_server.operations.services import Services
from widget_server.store.queries.raids import go_on, use_proof

TRUSTED_AFTER_MS = 86_400_000
"""A reader is new until a comment of theirs has been public for a day."""
PASSED_MS = 3_600_000
"""For so long a reader is not asked for a second proof."""
GOES_ON = Rate(30, 60)
"""Comments without a proof that show that a raid goes on."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A comment as floods see it. `draft` is its key; `form`: its page cannot run scripts."""

    body: str
    draft: str
    copy: int | None
    proof: str | None
    form: bool


async def meet(services: Services, grant: Grant, actor: Actor, sent: Sent) -> Flooding | None:
    """Return which floods and raids a new comment belongs to; None if there is nothing to count.

    Staff are never held and never asked. Raises `ProofNeededError`, `UnavailableError`.
    """
    if actor.claims.author:
        return None
    settings = grant.site.settings
    counts = settings.floods and services.flood_memory.counting
    cached = await services.cache.site(grant.site.slug)
    now = services.now_ms()
    on = [] if cached is None else in_effect(cached.raids, now)
    if not counts and not on:
        return None
    meeting = _Meeting(services, grant, actor, sent, fingerprint_of(sent.body))
    ours = [raid for raid in on if await meeting.concerns(raid)]
    found = await meeting.found(ours) if counts else ()
    trusted = await _is_trusted(services, actor, now)
    held = False
    phases = {raid.phase(now) for raid in ours}
    if phases == {"proof"} and not trusted:
        held = await meeting.ask(ours)
    limits: list[tuple[RaidKind, str, tuple[Rate, ...]]] = []
    # Once proofs are asked for, only comments that would be shown tell whether those are enough.
    if counts and not trusted and phases != {"hold", "proof"}:
        story_rates = (Rate.parse(settings.flood_burst), Rate.parse(settings.flood_story))
        limits.append(("story", "0", story_rates))
        if sent.copy is not None:
            limits.append(("copy", str(sent.copy), (Rate.parse(settings.flood_copy),)))
    return Flooding(
        hold=settings.flood_hold * 1000,
        limits=tuple(limits),
        found=found,
        raids=frozenset(raid.id for raid in ours),
        held=held,
    )


async def holds_edit(services: Services, grant: Grant, actor: Actor, body: str) -> bool:
    """Return whether an edit waits for a person, because what is written there is held now."""
    cached = await services.cache.site(grant.site.slug)
    if actor.claims.author or cached is None or not cached.raids:
        return False
    now = services.now_ms()
    meeting = _Meeting(
        services, grant, actor, Sent(body, "", None, None, False), fingerprint_of(body)
    )
    holding = [raid for raid in cached.raids if raid.phase(now) == "hold"]
    return any([await meeting.concerns(raid) for raid in holding])


async def after(
    services: Services, grant: Grant, flooding: Flooding | None, stored: Comment
) -> None:
    """Read the site's raids at once if the stored comment may have begun one.

    Other processes read them within a second or two; the database itself holds what belongs to a story's
    or copy's raid before that.
    """
    if flooding is not None and stored.state is CommentState.PENDING and not flooding.raids:
        await services.cache.site(grant.site.slug, max_age=0)


@dataclass(slots=True)
class _Meeting:
    """One comment and what is known about it. The trace of its network is read only if it is needed."""

    services: Services
    grant: Grant
    actor: Actor
    sent: Sent
    mark: int | None
    _network: str | None = None

    async def network(self) -> str | None:
        """Return the hash of the network with the day's random key; None for an unknown network."""
        if self._network is None:
            clock = self.services.clock()
            trace = await self.services.tracer.trace(self.actor.network, clock)
            self._network = "" if trace is None else trace.network
        return self._network or None

    async def concerns(self, raid: Raid) -> bool:
        """Return whether the comment belongs to a raid."""
        match raid.kind:
            case "site":
                return True
            case "story":
                return raid.subject == str(self.grant.story.id)
            case "copy":
                return raid.subject == str(self.sent.copy)
            case "network":
                return raid.subject == await self.network()
            case "text":
                return self.mark is not None and _is_like(self.mark, raid.subject)

    async def found(self, ours: list[Raid]) -> tuple[tuple[RaidKind, str], ...]:
        """Count the comment by network and text; return the floods that it shows."""
        settings, site = self.grant.site.settings, self.grant.site.slug
        memory, now = self.services.flood_memory, self.services.clock()
        found: list[tuple[RaidKind, str]] = []
        by_network = Rate.parse(settings.flood_network)
        network = self.actor.network
        if network != UNKNOWN and memory.is_over(f"{site} {network}", by_network, now):
            subject = await self.network()
            if subject is not None:
                found.append(("network", subject))
        by_text = Rate.parse(settings.flood_text)
        if self.mark is not None and memory.is_repeated(site, self.mark, by_text, now):
            known = [raid.subject for raid in ours if raid.kind == "text"]
            found.append(("text", known[0] if known else f"{self.mark:016x}"))
        return tuple(found)

    async def ask(self, ours: list[Raid]) -> bool:
        """Return whether the comment is held, because its page cannot do the work; False if a proof came.

        Raises `ProofNeededError`.
        """
        services, site, sent = self.services, self.grant.site.slug, self.sent
        code, now = self.grant.story.code, services.now_ms()
        subject = f"proof\n{site}\n{self.actor.reader_id}"
        readers = list(services.people.sealer.lookup_hashes(subject))
        if await services.raids.passed(readers, now - PASSED_MS):
            return False
        if sent.form:
            return True
        if sent.proof is not None:
            challenge = services.proofs.check(sent.proof, code, services.clock())
            draft = hashlib.sha256(sent.draft.encode()).hexdigest()
            if challenge is not None and await services.writer.run_in_transaction(
                use_proof(challenge, site, readers[0], draft, now)
            ):
                return False
        await self._go_on(ours, now)
        raise ProofNeededError(services.proofs.challenge(code, services.clock()))

    async def _go_on(self, ours: list[Raid], now: int) -> None:
        """Move the end of the raids while many comments without a proof arrive."""
        hold = self.grant.site.settings.flood_hold * 1000
        for raid in ours:
            if raid.by or raid.until > now + hold // 2:
                continue
            if self.services.flood_memory.is_over(f"raid {raid.id}", GOES_ON, now / 1000):
                await self.services.writer.run_in_transaction(go_on(raid.site, raid.id, now + hold))
                await self.services.cache.site(raid.site, max_age=0)


async def _is_trusted(services: Services, actor: Actor, now: int) -> bool:
    if actor.claims.sub is not None:
        return True
    if actor.new_token is not None:
        return False
    memory = services.flood_memory
    if memory.is_trusted(actor.reader_id, now / 1000):
        return True
    if not await services.raids.wrote_before(actor.reader_id, now - TRUSTED_AFTER_MS):
        return False
    memory.trust(actor.reader_id, now / 1000)
    return True


def _is_like(mark: int, subject: str) -> bool:
    return (mark ^ int(subject, 16)).bit_count() <= LARGEST_DISTANCE
