"""What can be asked about a story; for everyone the same answer, encoded once."""

from collections.abc import Sequence

from widget_server.bus.message import BusMessage
from widget_server.hub.history import RESUME_SIZE, CachedSnapshot, RecentChanges
from widget_server.model.errors import NotFoundError, NotPermittedError
from widget_server.model.events import CommentChanged, TallyChanged
from widget_server.model.limits import MAX_COMMENTS_BYTES
from widget_server.model.records import Position, Story, Tally, Thread
from widget_server.model.settings import SiteSettings
from widget_server.operations.cache import LookupCache
from widget_server.operations.publish import encode_event
from widget_server.operations.services import Services
from widget_server.protocol import server_messages
from widget_server.store.queries.comment_pages import Page
from widget_server.store.queries.discussions import Discussions, OwnItems


class DatabaseSnapshotSource:
    """What the hub asks the database, answered in finished JSON."""

    def __init__(self, discussions: Discussions, directory: LookupCache) -> None:
        self._discussions = discussions
        self._cache = directory

    async def snapshot(self, code: str) -> CachedSnapshot:
        """The story now. Raises `NotFoundError`, `UnavailableError`."""
        found = await self._discussions.snapshot(code)
        story, page = found.story, found.page
        known = await self._cache.site(story.site, max_age=0)
        settings = known.site.settings if known is not None else SiteSettings()
        self._cache.put(story)
        return CachedSnapshot(
            epoch=found.epoch,
            seq=story.seq,
            version=story.tallies,
            count=story.count,
            tally=server_messages.tally_json(story.tally),
            tally_version=story.tally.version,
            head=server_messages.snapshot_head_json(story, settings),
            threads=server_messages.snapshot_threads_json(
                page.threads, page.next, show_copy=settings.show_copy
            ),
        )

    async def changes(self, code: str, seq: int) -> list[BusMessage] | None:
        """The messages after `seq`; None when a number in between is gone for good."""
        changes = await self._discussions.changes(code, seq)
        if not changes.complete:
            return None
        settings = await self._settings(changes.story.site)
        total = changes.story.count
        return [
            encode_event(CommentChanged(code, comment.seq, comment, total), changes.epoch, settings)
            for comment in changes.comments
        ]

    async def recent(self, code: str) -> RecentChanges:
        """The last changes of a story, for readers who come back."""
        latest = await self._discussions.recent(code, RESUME_SIZE)
        story, changed, counted = latest.story, latest.comments, latest.tallies
        settings = await self._settings(story.site)
        comments = [
            (
                comment.seq,
                comment.id,
                server_messages.comment_json(comment, show_copy=settings.show_copy),
            )
            for comment in changed
        ]
        tallies = [
            encode_event(TallyChanged(code, target, tally), latest.epoch, settings)
            for target, tally in [(None, story.tally), *counted]
        ]
        return RecentChanges(
            epoch=latest.epoch,
            seq=story.seq,
            version=story.tallies,
            oldest_seq=latest.floor,
            counted_from=0 if len(counted) < RESUME_SIZE else counted[0][1].version - 1,
            comments=comments,
            tallies=tallies,
        )

    async def tallies(self, code: str, version: int) -> list[BusMessage]:
        """The tallies that changed after `version`, the oldest first; at most `RESUME_SIZE`."""
        epoch, changed = await self._discussions.tallies(code, version, RESUME_SIZE)
        return [
            encode_event(TallyChanged(code, target, tally), epoch, SiteSettings())
            for target, tally in changed
        ]

    async def own(self, code: str, readers: Sequence[str]) -> dict[str, bytes]:
        """What each reader left in the story, as JSON."""
        story = await self._cache.story(code)
        if story is None:
            raise NotFoundError
        left = await self._discussions.own(story.id, readers)
        settings = await self._settings(story.site)
        return {
            reader: server_messages.own_json(mine.reactions, mine.comments, settings)
            for reader, mine in left.items()
        }

    async def positions(self, codes: Sequence[str]) -> tuple[str, dict[str, tuple[int, int]]]:
        """The epoch, and `(seq, tally counter)` of each story."""
        return await self._discussions.positions(codes)

    async def _settings(self, site: str) -> SiteSettings:
        known = await self._cache.site(site)
        return known.site.settings if known is not None else SiteSettings()


async def snapshot(services: Services, code: str, since: Position | None) -> bytes:
    """A story's snapshot without anyone's own data.

    Raises `NotFoundError`, `NotPermittedError` where the site's stories are read with a token.
    """
    await _readable(services, code)
    return await services.hub.public_snapshot(code, since)


async def page(
    services: Services,
    code: str,
    order: str,
    before: str | None,
    limit: int,
    most: int = MAX_COMMENTS_BYTES,
) -> tuple[Page, SiteSettings]:
    """Further threads of a story, of at most so many bytes of JSON. Raises `NotFoundError`, `NotPermittedError`, `MalformedError`."""
    settings = await _readable(services, code)
    return await services.discussions.page(code, order, before, limit, most), settings


async def thread(
    services: Services,
    code: str,
    comment: str,
    after: str | None = None,
    most: int = MAX_COMMENTS_BYTES,
) -> tuple[Thread, SiteSettings]:
    """A part of a comment's thread. Raises `NotFoundError`, `NotPermittedError`, `MalformedError`."""
    settings = await _readable(services, code)
    return await services.discussions.thread(code, comment, after, most), settings


async def own(services: Services, story: Story, reader: str) -> OwnItems:
    """Return what a reader left in a story. `reader` is the id that `identify.reader_id` returns."""
    return (await services.discussions.own(story.id, [reader]))[reader]


async def counts(services: Services, codes: Sequence[str]) -> list[tuple[str, str, int, Tally]]:
    """Site, code, published comments and tally of each story that exists."""
    return await services.discussions.counts(codes)


async def counts_json(services: Services, codes: Sequence[str]) -> bytes:
    """The same for a list, as finished JSON that is at most a moment old."""
    return await services.cache.counts_cache.counts(codes)


async def _readable(services: Services, code: str) -> SiteSettings:
    story = await services.cache.story(code)
    known = None if story is None else await services.cache.site(story.site)
    if known is None:
        raise NotFoundError
    if not known.site.settings.open_reading:
        raise NotPermittedError("This site's stories are read with a token.")
    return known.site.settings
