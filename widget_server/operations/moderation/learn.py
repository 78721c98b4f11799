"""Let the learned filters of all sites learn from decisions, forget what was erased, and measure."""

import asyncio
import hashlib
from collections.abc import Iterable, Sequence

from widget_server.content.learner import Learner, Seen, tokens
from widget_server.model.learning import MAX_BAD, MAX_GOOD, RATES, Example, LearnerState
from widget_server.operations.learner_cache import load_learner
from widget_server.operations.services import Services
from widget_server.store.queries.learner import Candidate, SeenRow
from widget_server.store.writing.learner import learn, set_curve, set_looked_at

STOOD_MS = 3 * 86_400_000
"""A comment that was published and not reported for so long is good."""
OVERLAP_MS = 600_000
"""Decisions of the last minutes are looked at again: another process may have stored one late."""
CHUNK = 20
"""Comments learned in one transaction."""
PER_RUN = 1_000
"""Comments looked at in one run, for each site."""
MAX_PAGES = 50
FIRST = 3_000
"""Comments that stood, from which a new filter learns at first."""
MEASURE_EVERY_MS = 600_000
PAGE = 500


async def learn_from_decisions(services: Services) -> int:
    """Let each site's filter learn what was decided since. Return the number of changed comments."""
    changed = 0
    for site in await services.learner.reads.sites():
        changed += await _learn(services, site)
    return changed


async def _learn(services: Services, site: str) -> int:
    reads = services.learner.reads
    changed = await _drop(services, site)
    state = await reads.state(site)
    if state is None or state.mode == "off":
        return changed
    now = services.now_ms()
    after = (max(0, state.decided_until - OVERLAP_MS), "")
    decided_until = state.decided_until
    for _ in range(MAX_PAGES):
        decided = await reads.decided(site, after, PER_RUN)
        changed += await _look_at(services, state, [comment for comment, _, _ in decided], now)
        if decided:
            after = decided[-1][1:]
            decided_until = max(decided_until, after[0])
        if len(decided) < PER_RUN:
            break
    since = state.stood_until or await _start(services, site)
    stood = await reads.stood(site, since, now - STOOD_MS, PER_RUN)
    changed += await _look_at(services, state, [comment for comment, _ in stood], now)
    stood_until = stood[-1][1] if stood else state.stood_until
    if (decided_until, stood_until) != (state.decided_until, state.stood_until):
        await services.writer.run_in_transaction(set_looked_at(site, decided_until, stood_until))
    changed += await _drop(services, site)
    if await measure(services, site) or changed:
        services.learner.read_again(site)
    return changed


async def _drop(services: Services, site: str) -> int:
    """Subtract comments whose words were erased, and the oldest of too many."""
    dropped = await services.learner.reads.to_drop(site, MAX_GOOD, MAX_BAD, PER_RUN)
    return await _apply(services, site, [Example(comment, None) for comment in dropped])


async def _look_at(services: Services, state: LearnerState, ids: Sequence[str], now: int) -> int:
    changed = 0
    some = list(dict.fromkeys(ids))
    for start in range(0, len(some), PAGE):
        found = await services.learner.reads.candidates(some[start : start + PAGE])
        examples = await asyncio.to_thread(_examples, services, found, state.seed, now)
        changed += await _apply(services, state.site, examples)
    return changed


async def _start(services: Services, site: str) -> int:
    """Return the time from which on comments that stood are learned at first: the last 3,000."""
    stored = services.rules.stored
    last = await stored.last_comments(site, None, None, FIRST, services.now_ms())
    oldest = await stored.past(last[-1:])
    return oldest[0].created_at - 1 if oldest else 0


async def _apply(services: Services, site: str, examples: Sequence[Example]) -> int:
    changed = 0
    for start in range(0, len(examples), CHUNK):
        some = examples[start : start + CHUNK]
        changed += await services.writer.run_in_transaction(learn(site, some))
    return changed


def _examples(services: Services, found: Iterable[Candidate], seed: int, now: int) -> list[Example]:
    examples = (_example(services, one, seed, now) for one in found)
    return [example for example in examples if example is not None]


def _example(services: Services, one: Candidate, seed: int, now: int) -> Example | None:
    """Return a comment as the filter should know it now, or None if it knows it so."""
    bad: bool | None = None
    if one.outcome == "removed":
        bad = True
    elif one.outcome == "approved" or (
        one.published and not one.reported and one.created_at <= now - STOOD_MS
    ):
        bad = False
    if bad == one.known:
        return None
    source = one.source
    if not source and one.sealed is not None:
        words = services.log_keys.unseal(one.sealed)
        source = str(words["source"]) if words is not None else ""
    if bad is None or not source or not one.reader:
        return Example(one.id, bad)
    found = list(tokens(source, seed))
    return Example(one.id, bad, reader_hash(one.reader, seed), found, one.created_at)


def reader_hash(reader: str, seed: int) -> int:
    """Return the number by which a filter tells writers apart."""
    digest = hashlib.blake2b(reader.encode(), digest_size=8, key=seed.to_bytes(8, "big")).digest()
    return int.from_bytes(digest, "big") >> 1


async def measure(services: Services, site: str, *, at_once: bool = False) -> bool:
    """Measure what each threshold would hold and catch, on the comments that the filter has seen.

    At most every ten minutes, unless `at_once`, and only if it has learned since. Return whether it did.
    """
    reads = services.learner.reads
    state, now = await reads.state(site), services.now_ms()
    if state is None or (state.curve and state.version == state.curve_version):
        return False
    learner = await load_learner(reads, state)
    if not learner.ready(state.good_seen) or state.bad < 1 or state.good < 1:
        return False
    if state.curve and not at_once and now - state.curve_at < MEASURE_EVERY_MS:
        return False
    rows: list[SeenRow] = []
    after = ""
    while page := await reads.seen(site, after, PAGE):
        rows += [row for _, row in page]
        after = page[-1][0]
    curve = await asyncio.to_thread(_curve, services, learner, rows)
    await services.writer.run_in_transaction(set_curve(site, curve, state.version, now))
    return True


def _curve(services: Services, learner: Learner, rows: Sequence[SeenRow]) -> list[dict[str, float]]:
    good: list[Seen] = []
    bad: list[Seen] = []
    for row in rows:
        stored = services.log_keys.unseal(row.sealed)
        if stored is not None:
            (bad if row.bad else good).append(Seen(stored["tokens"], row.counted))
    forecasts = learner.curve(good, bad, [rate / 10_000 for rate in RATES])
    return [
        {
            "rate": rate,
            "threshold": one.threshold,
            "caught": round(one.caught, 4),
            "low": round(one.caught_low, 4),
            "high": round(one.caught_high, 4),
        }
        for rate, one in zip(RATES, forecasts, strict=True)
    ]
