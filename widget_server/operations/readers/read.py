"""Reads of stories. Responses are the same for every reader and are encoded once."""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from widget_server.bus.message import BusMessage
from widget_server.hub.history import RESUME_SIZE
from widget_server.hub.snapshot import CachedSnapshot, RecentChanges
from widget_server.model.errors import NotFoundError, NotPermittedError
from widget_server.model.events import CommentChanged, TallyChanged
from widget_server.model.hours import next_edge
from widget_server.model.limits import MAX_COMMENTS_BYTES
from widget_server.model.records import Position, Story, Tally, Thread
from widget_server.model.settings import SiteSettings
from widget_server.operations.cache import LookupCache
from widget_server.operations.publish import encode_event
from widget_server.operations.readers import copies, older_copies
from widget_server.operations.services import Services
from widget_server.protocol import serializers, server_messages
from widget_server.store.queries.comment_pages import Page
from widget_server.store.queries.discussions import Discussions
from widget_server.store.queries.own_items import OwnItems


class DatabaseSnapshotSource:
    """Implements the hub's `SnapshotSource`: reads the database and returns encoded JSON.

    Every method raises `UnavailableError` if the database does not respond.
    """

    def __init__(
        self, discussions: Discussions, cache: LookupCache, clock: Callable[[], float] = time.time
    ) -> None:
        """`clock` returns seconds since 1970."""
        self._discussions = discussions
        self._cache = cache
        self._clock = clock

    async def snapshot(self, code: str) -> CachedSnapshot:
        """Return the story's current snapshot. Raises `NotFoundError`."""
        found = await self._discussions.snapshot(code)
        story, page = found.story, found.page
        settings = await self._cache.settings_of(story, max_age=0)
        self._cache.put(story)
        now = int(self._clock() * 1000)
        edge = None if settings.hours is None else next_edge(settings.hours, now)
        return CachedSnapshot(
            epoch=found.epoch,
            seq=story.seq,
            version=story.tallies,
            count=story.count,
            tally=server_messages.tally_json(story.tally),
            tally_version=story.tally.version,
            head=server_messages.snapshot_head_json(story, settings, now),
            public=server_messages.public_fields_json(settings, now),
            head_until=math.inf if edge is None else edge[0] / 1000,
            threads=server_messages.snapshot_threads_json(
                page.threads, page.next, show_copy=settings.show_copy
            ),
        )

    async def changes(self, code: str, seq: int) -> list[BusMessage] | None:
        """Return the messages after `seq`, or None if one of their numbers can no longer be read.

        Raises `NotFoundError`.
        """
        changes = await self._discussions.changes(code, seq)
        if not changes.complete:
            return None
        story = changes.story
        settings = await self._cache.settings_of(story)
        events = [
            CommentChanged(code, comment.seq, comment, story.count, story.site)
            for comment in changes.comments
        ]
        return [encode_event(event, changes.epoch, settings) for event in events]

    async def recent(self, code: str) -> RecentChanges:
        """Return the last changes of a story, for clients that resume. Raises `NotFoundError`."""
        recent = await self._discussions.recent(code, RESUME_SIZE)
        story = recent.story
        settings = await self._cache.settings_of(story)
        comments = [
            (
                comment.seq,
                comment.id,
                server_messages.comment_json(comment, show_copy=settings.show_copy),
            )
            for comment in recent.comments
        ]
        tallies = [
            encode_event(TallyChanged(code, target, tally), recent.epoch, settings)
            for target, tally in [(None, story.tally), *recent.tallies]
        ]
        has_all_tallies = len(recent.tallies) < RESUME_SIZE
        return RecentChanges(
            epoch=recent.epoch,
            seq=story.seq,
            version=story.tallies,
            oldest_seq=recent.floor,
            counted_from=0 if has_all_tallies else recent.tallies[0][1].version - 1,
            comments=comments,
            tallies=tallies,
        )

    async def tallies(self, code: str, version: int) -> list[BusMessage]:
        """Return at most `RESUME_SIZE` tallies that changed after `version`, the oldest first.

        Raises `NotFoundError`.
        """
        epoch, changed = await self._discussions.tallies(code, version, RESUME_SIZE)
        # The message of a tally does not depend on settings.
        settings = SiteSettings()
        return [
            encode_event(TallyChanged(code, target, tally), epoch, settings)
            for target, tally in changed
        ]

    async def own(self, code: str, readers: Sequence[str]) -> dict[str, bytes]:
        """Return each reader's own reactions and comments in the story as JSON.

        Raises `NotFoundError`.
        """
        story = await self._cache.story(code)
        if story is None:
            raise NotFoundError
        own = await self._discussions.own(story.id, readers)
        settings = await self._cache.settings_of(story)
        return {
            reader: server_messages.own_json(
                items.reactions,
                [*items.comments, *items.removed],
                settings,
                items.outcomes,
                items.reports,
                items.hints,
            )
            for reader, items in own.items()
        }

    async def positions(self, codes: Sequence[str]) -> tuple[str, dict[str, tuple[int, int]]]:
        """Return the epoch, and `(seq, tally counter)` of each story."""
        return await self._discussions.positions(codes)


async def snapshot(services: Services, code: str, since: Position | None) -> bytes:
    """Return a story's snapshot as JSON, without any reader's own data.

    With `since` the result contains only what changed after that position, if that can be resumed. Raises
    `NotFoundError`, and `NotPermittedError` if the site's stories are read with a token.
    """
    await _readable(services, code)
    return await services.hub.public_snapshot(code, since)


async def snapshot_of_copy(
    services: Services, code: str, since: Position | None, handle: str, origin: str | None
) -> tuple[bytes, int | None]:
    """Return the snapshot for a copy's readers, with what that copy hides and whether it is older, and the copy's id.

    If there is neither, it is the snapshot of all copies, and None; with `since` it then says that the copy is not older, which may be
    news. `handle` and `origin` are as in `copies.narrowed_by`. Raises the errors of `snapshot`.
    """
    body = await snapshot(services, code, since)
    story = await services.cache.story(code)
    if story is None:
        return body, None
    fields: dict[str, Any] = {}
    copy = await copies.narrowed_by(services, story, handle, origin)
    older = await older_copies.older_by(services, story, handle, origin)
    if copy is not None and copy.hidden:
        fields["copy"] = serializers.own_copy(copy.label, copy.origin, copy.hidden)
    if older is not None:
        fields["older"] = serializers.older_copy(older, services.server_origin)
    own = older.copy.id if older is not None else None
    if copy is not None and "copy" in fields:
        own = copy.id
    if since is not None:
        fields.setdefault("older", None)
    return server_messages.with_own_fields(body, fields), own


async def page(
    services: Services,
    code: str,
    order: str,
    before: str | None,
    limit: int,
    max_bytes: int = MAX_COMMENTS_BYTES,
    lang: str = "",
) -> tuple[Page, SiteSettings]:
    """Return a page of a story's threads with at most `max_bytes` bytes of JSON, and the site's settings.

    With `lang`, the first part of a language tag: only threads in that language, or in none that is known.
    Raises `NotFoundError`, `NotPermittedError`, `MalformedError`.
    """
    settings = await _readable(services, code)
    page = await services.discussions.page(code, order, before, limit, max_bytes, lang)
    return page, settings


async def thread(
    services: Services,
    code: str,
    comment: str,
    after: str | None = None,
    max_bytes: int = MAX_COMMENTS_BYTES,
) -> tuple[Thread, SiteSettings]:
    """Return a part of a comment's thread, and the site's settings.

    Raises `NotFoundError`, `NotPermittedError`, `MalformedError`.
    """
    settings = await _readable(services, code)
    return await services.discussions.thread(code, comment, after, max_bytes), settings


async def own(services: Services, story: Story, reader: str) -> OwnItems:
    """Return what a reader left in a story. `reader` is the id that `identify.reader_id` returns."""
    return (await services.discussions.own(story.id, [reader]))[reader]


async def counts(services: Services, codes: Sequence[str]) -> list[tuple[str, str, int, Tally]]:
    """Return site, code, number of published comments and tally of each story that exists."""
    return await services.discussions.counts(codes)


async def counts_json(services: Services, codes: Sequence[str]) -> bytes:
    """Return the counts of a list of stories as JSON, at most `counts_cache.COUNTS_TTL_S` old."""
    return await services.cache.counts_cache.counts(codes)


async def _readable(services: Services, code: str) -> SiteSettings:
    """Return the settings of a story's site. Raises unless the story can be read without a token."""
    story = await services.cache.story(code)
    cached = None if story is None else await services.cache.site(story.site)
    if cached is None:
        raise NotFoundError
    if not cached.site.settings.open_reading:
        raise NotPermittedError("This site's stories are read with a token.")
    return cached.for_story(code).settings
