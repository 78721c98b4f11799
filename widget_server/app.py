"""The composition root: builds the rooms from `Config` and hands them to each other."""

import asyncio
import json
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from widget_server import logs
from widget_server.config import Config
from widget_server.edge.assets import Assets
from widget_server.edge.health import Health, Now
from widget_server.edge.routes import application
from widget_server.live import embedded
from widget_server.live.bus import Bus
from widget_server.live.hub import Hub
from widget_server.live.lag import Lag
from widget_server.model.errors import Unavailable
from widget_server.model.events import Event
from widget_server.model.settings import SiteSettings
from widget_server.operations.announce import to_message
from widget_server.operations.directory import Directory
from widget_server.operations.embed_files import store_own
from widget_server.operations.read import StorySource
from widget_server.operations.rights import Rights
from widget_server.operations.services import Paces, Services
from widget_server.store import damage
from widget_server.store.discussions import Discussions
from widget_server.store.embed_files import EmbedFiles
from widget_server.store.engine import Database, DatabaseUnusableError
from widget_server.store.sites import Sites
from widget_server.store.writer import Writer
from widget_server.trust.networks import Networks
from widget_server.trust.tokens import Keyring
from widget_server.wire import frames

log = logging.getLogger(__name__)


class Rooms:
    """Everything that one process is made of. Open before use."""

    def __init__(self, config: Config) -> None:
        secret_keys = config.secrets()
        process = secrets.token_hex(6)
        self.config = config
        self.database = Database(config.database)
        self.discussions = Discussions(self.database)
        self.sites = Sites(self.database)
        self.directory = Directory(self.sites, self.discussions)
        source = StorySource(self.discussions, self.directory)
        self.hub = Hub(source, process, config.sweep_seconds, config.readers)
        self.hub.presence_frame = frames.presence_frame
        url = config.redis or embedded.url(config.data_dir)
        keyring = Keyring(secret_keys)
        self.bus = Bus(url, process, self.hub.receive, self.hub.lost_touch, keyring.bus_keys())
        self.hub.connect(self.bus)
        self.lag = Lag()
        self.writer = Writer(self.database, self.announce)
        self.rights = Rights(self.sites, self.directory, self.discussions, self.hub, time.time)
        self.services = Services(
            keyring=keyring,
            directory=self.directory,
            discussions=self.discussions,
            embed_files=EmbedFiles(self.database),
            writer=self.writer,
            hub=self.hub,
            rights=self.rights,
            networks=Networks(secret_keys[0]),
            paces=Paces(config.rates, on=config.rate_limits is not None),
            clock=time.time,
            own_origin=config.url,
        )

    def announce(self, events: Sequence[Event], epoch: str) -> None:
        """What was committed here, to everyone. Never fails the deeds behind it."""
        try:
            self.hub.announce(
                to_message(event, epoch, self._settings(event.story)) for event in events
            )
        except Exception:
            # It is on disk and will be acknowledged; the sweep brings it to the readers.
            log.exception("event=announcing_failed events=%d", len(events))

    def _settings(self, code: str) -> SiteSettings:
        site = self.directory.site_of(code)
        return site.settings if site is not None else SiteSettings()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Connect, and keep the background work running.

        Raises `DatabaseUnusableError` with a sentence for the operator.
        """
        await self.database.open()
        writer = asyncio.create_task(_kept("writer", self.writer.run))
        others = [
            asyncio.create_task(_kept("bus", self.bus.run)),
            asyncio.create_task(_kept("hub", self.hub.run)),
            asyncio.create_task(_kept("lag", self.lag.run)),
            asyncio.create_task(_kept("rights", self.rights.run)),
        ]
        try:
            yield
        finally:
            # The writer first, so that its last batch still reaches the other processes.
            writer.cancel()
            await asyncio.wait({writer})
            await self.bus.drained(1.0)
            for task in others:
                task.cancel()
            await asyncio.wait(others)
            await self.database.close()

    async def store_embed(self, assets: Assets) -> None:
        """Leave this build's files for other processes, before anyone is served its first one.

        Not even a full disk keeps a process from serving: pages ask again for a minute.
        """
        try:
            await store_own(self.services, assets.immutable())
        except (Unavailable, TimeoutError) as problem:
            log.warning("event=embed_not_stored reason=%s", type(problem).__name__)

    def health(self) -> Health:
        """What the operator's probes ask."""

        def now() -> Now:
            return Now(
                stories_watched=self.hub.channels,
                subscriptions=self.hub.watching,
                deeds_waiting=self.writer.waiting,
                bus_healthy=self.bus.healthy,
                writing_healthy=self.writer.well,
            )

        counters = {
            "hub": self.hub.counts,
            "bus": self.bus.counts,
            "writer": self.writer.counts,
            "database": self.database.counts,
            "rows": damage.COUNTS,
            "event_loop": self.lag.counts,
            "log": logs.COUNTS,
        }
        return Health(self.database.ping, now, counters)


async def _kept(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Start a background task again when it fails: a server must not be healthy but deaf."""
    while True:
        try:
            await run()
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("event=task_failed task=%s", name)
        await asyncio.sleep(0.5)


def build(config: Config) -> Starlette:
    """The ASGI application; its rooms open and close with its lifespan."""
    rooms = Rooms(config)
    app = application(rooms.services, rooms.health(), config.seats)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        try:
            async with rooms.open():
                await rooms.store_embed(app.state.assets)
                yield
        except DatabaseUnusableError as problem:
            log.error("event=not_started reason=%s", json.dumps(str(problem)))  # noqa: TRY400
            raise

    app.router.lifespan_context = lifespan
    return app
