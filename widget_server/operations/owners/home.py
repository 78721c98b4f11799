"""The first page of a site: what needs a person, who reads now, and what happened today."""

from dataclasses import dataclass

from widget_server.auth import permissions
from widget_server.model.actors import Actor
from widget_server.operations.moderation.cases import unseen_queues
from widget_server.operations.owners.readers_now import ReaderCount, reader_count, readers_now
from widget_server.operations.owners.tokens import LIVE_MS
from widget_server.operations.services import Services
from widget_server.store.queries.owner_home import Latest, ReadStory, Today

__all__ = ["Home", "Latest", "ReadStory", "ReadingNow", "Today"]

DAY_MS = 86_400_000
MOST_READ = 5
"""Stories that the page names."""
LATEST = 6


@dataclass(frozen=True, slots=True)
class ReadingNow:
    """Readers of one story now. `share` is that of the most read story, from 0 to 1."""

    story: ReadStory
    readers: ReaderCount
    share: float


@dataclass(frozen=True, slots=True)
class Home:
    """What the page shows."""

    today: Today
    readers: ReaderCount
    """Readers of all the site's stories."""
    reading: list[ReadingNow]
    """The most read stories."""
    pages: int
    """Copies that have readers now."""
    latest: list[Latest]


async def show_home(services: Services, by: Actor, site: str) -> Home:
    """Return what the site's first page shows, in at most three SQL statements.

    Raises `NotPermittedError`.
    """
    permissions.require(by, "read", site)
    now = services.now_ms()
    today = await services.owner_home.today(
        site, by.id, now - now % DAY_MS, now - LIVE_MS, by.copies, now
    )
    for queue in unseen_queues(by, site):
        today.queues.pop(queue, None)
    found = await readers_now(services)
    read = [code for code, story in found.items() if story.readers]
    stories = await services.owner_home.read_stories(site, read) if read else []
    stories.sort(key=lambda one: -found[one.code].readers)
    most = found[stories[0].code].readers if stories else 1
    latest: list[Latest] = []
    if permissions.allowed(by, "read_log", site):
        latest = await services.owner_home.latest(site, LATEST)
    return Home(
        today,
        reader_count(by, sum(found[one.code].readers for one in stories)),
        [
            ReadingNow(
                one,
                reader_count(by, found[one.code].readers),
                found[one.code].readers / most,
            )
            for one in stories[:MOST_READ]
        ],
        sum(1 for one in stories for number in found[one.code].copies.values() if number),
        latest,
    )
