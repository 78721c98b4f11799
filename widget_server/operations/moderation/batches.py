"""Decide about all comments that a search finds, in chunks, and undo such a batch whole."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Container, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from widget_server.auth.permissions import allowed, require
from widget_server.model.actors import Actor
from widget_server.model.batches import (
    BATCH_VERBS,
    MAX_PHRASE,
    MIN_PHRASE,
    Batch,
    BatchVerb,
    Search,
)
from widget_server.model.decisions import CommentVerb, batch_id, new_id
from widget_server.model.errors import MalformedError, NotFoundError
from widget_server.model.records import Comment
from widget_server.operations.batch_targets import Targets
from widget_server.operations.moderation.decide import CHUNK, DAY_MS, check_words
from widget_server.operations.services import Services
from widget_server.store.queries.batches import DECIDE_BATCH, insert_batch, set_progress
from widget_server.store.queries.schedule import put_in_schedule
from widget_server.store.transactions import together
from widget_server.store.writing.actions import Decide, Undo

T = TypeVar("T")
A = TypeVar("A", Decide, Undo)

__all__ = ["BATCH_VERBS", "Batch", "BatchVerb", "Preview", "Search"]

SAMPLES = 10
SAVE_EVERY = 500
"""Decisions after which the work stores its progress and sees whether it was stopped."""
TURN = 50
"""Actions that are made before the event loop does other work: to make all at once would keep readers waiting."""
OWN_WORK_MS = 60_000
"""Time that a process has for the work that it does itself, before a job looks whether it was done."""
FRESH_MS = 10_000
"""Age of an order up to which the comments that it found are not looked for again."""
MAX_COMMENTS = 100_000
"""Comments of one batch."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a batch would change."""

    total: int
    stories: int
    """On how many stories."""
    samples: list[tuple[str, Comment]]
    """The newest ones, with their stories' codes."""


async def preview(services: Services, by: Actor, site: str, verb: str, search: Search) -> Preview:
    """Return what a batch would change, with ten of the comments. Nothing is changed.

    Raises `NotPermittedError`, `NotFoundError`, `MalformedError`.
    """
    _check_verb(verb)
    require(by, verb, site)
    search = await _checked(services, by, site, search)
    number, on, samples = await services.batches.preview(site, verb, search, SAMPLES, by.copies)
    return Preview(number, on, [(code, one) for code, one in samples])


async def start_batch(
    services: Services,
    by: Actor,
    site: str,
    verb: str,
    search: Search,
    *,
    reason: str | None = None,
    note: str | None = None,
) -> Batch:
    """Decide about all comments that the search finds now. A job does it; `find_batch` tells how far it is.

    Comments that are written afterwards are left out. Raises `NotPermittedError`, `NotFoundError`,
    `MalformedError`, `TooLargeError`.
    """
    known = _check_verb(verb)
    require(by, verb, site)
    check_words(reason, note)
    ordered = await _ordered_before(services, by)
    if ordered is not None:
        return ordered
    now = services.now_ms()
    search = await _checked(services, by, site, search)
    search = replace(search, until=min(search.until or now, now))
    targets = await services.batches.targets(site, verb, search, by.copies, MAX_COMMENTS + 1)
    total = len(targets)
    if not total:
        raise NotFoundError("This search finds no comment that the verb would change.")
    if total > MAX_COMMENTS:
        raise MalformedError(f"Narrow the search: a batch has at most {MAX_COMMENTS:,} comments.")
    batch = Batch(batch_id(by), site, known, search, reason, note, None, total, 0, 0, now, None, by)
    services.batch_targets.put(batch.id, targets)
    return await _order(services, batch)


async def undo_batch(services: Services, by: Actor, site: str, name: str) -> Batch:
    """Undo all decisions of a batch, the last first, by a job. Raises `NotPermittedError`, `NotFoundError`."""
    require(by, "undo", site)
    batch = await find_batch(services, by, site, name)
    require(by, batch.verb, site)
    ordered = await _ordered_before(services, by)
    if ordered is not None:
        return ordered
    running = await services.batches.undoing(name)
    if running is not None and running.ended_at is None:
        return running
    if batch.ended_at is None:
        # What is left of it is not done: its own job sees that it has ended.
        await _save(services, replace(batch, ended_at=services.now_ms()))
    left = await services.batches.undoable(name)
    if not left and running is not None:
        return running
    undoing = replace(
        batch,
        id=batch_id(by),
        undoes=name,
        note=None,
        total=len(left),
        done=0,
        refused=0,
        created_at=services.now_ms(),
        ended_at=None,
        by=by,
    )
    if batch.ended_at is not None:
        services.batch_targets.put(undoing.id, left)
    return await _order(services, undoing)


async def find_batch(services: Services, by: Actor, site: str, name: str) -> Batch:
    """Return a batch of the site with its progress. Raises `NotFoundError`, `NotPermittedError`."""
    require(by, "read_log", site)
    found = await services.batches.find(name)
    if found is None or found.site != site or (by.copies is not None and found.by.id != by.id):
        raise NotFoundError("There is no batch with this id.")
    return found


async def list_batches(services: Services, by: Actor, site: str, limit: int = 20) -> list[Batch]:
    """Return the site's last batches, the newest first. Raises `NotPermittedError`."""
    require(by, "read_log", site)
    return await services.batches.latest(site, limit)


async def run_batch(services: Services, name: str) -> None:
    """Do the work of a batch. A second run goes on where the first one was stopped."""
    kept = services.batch_targets.take(name)
    batch = await services.batches.find(name)
    if batch is None:
        return
    if batch.ended_at is not None:
        await _undo_rest(services, batch)
    elif batch.undoes is not None:
        await _undo(services, batch, batch.undoes, kept)
    else:
        await _decide(services, batch, kept)


async def end_batch(services: Services, name: str) -> None:
    """End a batch whose job was given up. What is decided stays, and can be undone; the rest is not done."""
    batch = await services.batches.find(name)
    if batch is not None and batch.ended_at is None:
        await _save(services, replace(batch, ended_at=services.now_ms()))


def _is_fresh(services: Services, batch: Batch) -> bool:
    """Return whether what the order found still holds.

    Later, another process may have begun, and people have decided and readers edited.
    """
    age = services.now_ms() - batch.created_at
    return not (batch.done or batch.refused) and age <= FRESH_MS


async def _go_on(services: Services, batch: Batch, left: int) -> Batch:
    """Return the batch with what earlier runs have decided: that is not found again.

    A process may have been killed before it stored its progress.
    """
    done = max(0, batch.total - left)
    found = replace(batch, done=done, refused=0)
    if done > batch.done:
        await _save(services, found)
    return found


async def _decide(services: Services, batch: Batch, targets: Targets | None) -> None:
    if targets is None or not _is_fresh(services, batch):
        place = (batch.site, batch.verb, batch.search, batch.by.copies)
        targets = await services.batches.targets(*place, MAX_COMMENTS)
    batch = await _go_on(services, batch, len(targets))
    verb: CommentVerb = _check_verb(batch.verb)
    make = partial(_decision_about, batch, verb, await _keep(services, batch.site))
    async with aclosing(_in_steps(services, make, targets)) as steps:
        async for actions in steps:
            batch = await _submit(services, batch, actions)
            if batch.ended_at is not None:
                await _undo_rest(services, batch, {one.id for one in actions})
                return
    await _save(services, replace(batch, ended_at=services.now_ms()))


def _decision_about(
    batch: Batch, verb: CommentVerb, keep: int, at: int, target: tuple[int, str]
) -> Decide:
    story, comment = target
    return Decide(
        story=story,
        comment=comment,
        verb=verb,
        by=batch.by,
        id=new_id(),
        at=at,
        keep=keep,
        reason=batch.reason,
        note=batch.note,
        batch=batch.id,
    )


async def _undo_rest(services: Services, batch: Batch, only: Container[str] | None = None) -> None:
    """Undo what a batch decided while the one that undoes it began: at most one step.

    `only` are decisions. None: all of the batch that are left, because their process died.
    """
    undoing = await services.batches.undoing(batch.id)
    if undoing is None:
        return
    left = await services.batches.undoable(batch.id)
    keep = await _keep(services, batch.site)
    some = [one for one in left if only is None or one[2] in only]
    async for actions in _in_steps(services, partial(_undo_of, undoing, keep), some):
        await services.writer.submit_between(actions)


async def _undo(services: Services, batch: Batch, undoes: str, targets: Targets | None) -> None:
    if targets is None or not _is_fresh(services, batch):
        targets = await services.batches.undoable(undoes)
    batch = await _go_on(services, batch, len(targets))
    make = partial(_undo_of, batch, await _keep(services, batch.site))
    async for actions in _in_steps(services, make, targets):
        batch = await _submit(services, batch, actions)
    await _save(services, replace(batch, ended_at=services.now_ms()))


def _undo_of(batch: Batch, keep: int, at: int, target: tuple[int, str, str, str]) -> Undo:
    story, comment, decision, _ = target
    return Undo(
        story=story,
        comment=comment,
        decision=decision,
        by=batch.by,
        id=new_id(),
        at=at,
        keep=keep,
        batch=batch.id,
    )


async def _in_steps(
    services: Services, make: Callable[[int, T], A], targets: Sequence[T]
) -> AsyncGenerator[list[A]]:
    """Yield the actions for the targets, `SAVE_EVERY` at a time. The next ones are made while those are written.

    `make` gets the time, in milliseconds since 1970, and a target.
    """

    async def made(some: Sequence[T]) -> list[A]:
        at, actions = services.now_ms(), list[A]()
        for start in range(0, len(some), TURN):
            actions += [make(at, one) for one in some[start : start + TURN]]
            await asyncio.sleep(0)
        return actions

    following = asyncio.create_task(made(targets[:SAVE_EVERY]))
    try:
        for start in range(0, len(targets), SAVE_EVERY):
            actions, after = await following, start + SAVE_EVERY
            following = asyncio.create_task(made(targets[after : after + SAVE_EVERY]))
            yield actions
    finally:
        following.cancel()


async def _submit(services: Services, batch: Batch, actions: Sequence[Decide | Undo]) -> Batch:
    """Write decisions between the actions of readers, and store and return the progress.

    The batch has ended if its undo has stopped it.
    """
    refused = await services.writer.submit_between(actions)
    # An undo may find more than when it was ordered: the last step of what it stopped.
    done = min(batch.total, batch.done + len(actions) - refused)
    batch = replace(batch, done=done, refused=batch.refused + refused)
    return batch if await _save(services, batch) else replace(batch, ended_at=services.now_ms())


async def _save(services: Services, batch: Batch) -> bool:
    """Store the progress. Return False if the batch has ended."""
    saved: bool = await services.writer.run_in_transaction(
        set_progress(batch.id, batch.done, batch.refused, batch.ended_at)
    )
    return saved


async def _order(services: Services, batch: Batch) -> Batch:
    """Store a batch with its job in one transaction. A small one is done at once.

    A command does the work itself, because no server may run.
    """
    is_small = batch.total <= CHUNK
    due_at = batch.created_at + (OWN_WORK_MS if is_small or batch.by.via == "cli" else 0)
    work = put_in_schedule(DECIDE_BATCH, batch.id, due_at)
    await services.writer.run_in_transaction(together(insert_batch(batch), work))
    if is_small:
        await run_batch(services, batch.id)
    return await services.batches.find(batch.id) or batch


async def _ordered_before(services: Services, by: Actor) -> Batch | None:
    """Return the batch that this request ordered before its process died, as `made_before` does."""
    if by.request is None or not by.request.again:
        return None
    return await services.batches.find(by.request.id)


async def _keep(services: Services, site: str) -> int:
    cached = await services.cache.site(site)
    if cached is None:
        raise NotFoundError("There is no such site.")
    return cached.site.settings.keep_days * DAY_MS


def _check_verb(verb: str) -> BatchVerb:
    known = [one for one in BATCH_VERBS if one == verb]
    if not known:
        raise MalformedError(f"Name one of these verbs: {', '.join(BATCH_VERBS)}.")
    return known[0]


async def _checked(services: Services, by: Actor, site: str, search: Search) -> Search:
    """Return the search, if it names something of this site. Raises `MalformedError`, `NotFoundError`."""
    phrase = None if search.phrase is None else " ".join(search.phrase.split()) or None
    search = replace(search, phrase=phrase)
    if search.is_empty:
        raise MalformedError("Name a writer, a copy, a phrase or a time.")
    if phrase is not None and not MIN_PHRASE <= len(phrase) <= MAX_PHRASE:
        raise MalformedError(f"A phrase has {MIN_PHRASE} to {MAX_PHRASE} characters.")
    if search.writer is not None:
        if by.copies is not None:
            raise NotFoundError("There is no comment with this id.")
        places = await services.decisions.places([search.writer])
        place = places.get(search.writer)
        if place is None or place.site != site:
            raise NotFoundError("There is no comment with this id.")
    if search.story is not None:
        story = await services.discussions.story(search.story)
        if story is None or story.site != site:
            raise NotFoundError("There is no story with this code.")
    return search


def may_order(by: Actor, site: str) -> bool:
    """Return whether the actor may order batches on the site."""
    return any(allowed(by, verb, site) for verb in BATCH_VERBS)
