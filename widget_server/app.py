"""Composition root: create all components from `Config` and wire them together."""

import asyncio
import json
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from widget_server import logs
from widget_server.auth.network_keys import NetworkHasher
from widget_server.auth.proofs import ProofIssuer
from widget_server.auth.tokens import Keyring
from widget_server.bus import embedded_valkey
from widget_server.bus.redis_bus import RedisBus
from widget_server.config import Config
from widget_server.hub.hub import Hub
from widget_server.jobs.runner import JobRunner
from widget_server.jobs.schedule import Tools
from widget_server.model.errors import UnavailableError
from widget_server.model.loop_lag import LoopLag
from widget_server.operations.batch_targets import BatchTargets
from widget_server.operations.cache import LookupCache
from widget_server.operations.compared_texts import ComparedTexts
from widget_server.operations.embed_builds import store_own
from widget_server.operations.flood_memory import FloodMemory
from widget_server.operations.learner_cache import LearnerCache
from widget_server.operations.moderation.capacity import watch_capacity
from widget_server.operations.moderation.log import HEADS_FILE
from widget_server.operations.older_copies_cache import OlderCopiesCache
from widget_server.operations.publish import EventPublisher
from widget_server.operations.publishing.fetch import Fetcher
from widget_server.operations.readers.networks import NetworkTracer
from widget_server.operations.readers.permission_watch import PermissionWatcher
from widget_server.operations.readers.read import DatabaseSnapshotSource
from widget_server.operations.rules_cache import RulesCache
from widget_server.operations.services import PeopleServices, RateLimiters, Services
from widget_server.protocol import server_messages
from widget_server.store import damaged_rows
from widget_server.store.engine import Database, DatabaseUnavailableError
from widget_server.store.log_keys import LogKeys
from widget_server.store.queries.accounts import Accounts
from widget_server.store.queries.api_keys import ApiKeys
from widget_server.store.queries.bans import Bans
from widget_server.store.queries.batches import Batches
from widget_server.store.queries.capacity import CapacityReads
from widget_server.store.queries.closings import Closings
from widget_server.store.queries.decisions import Decisions
from widget_server.store.queries.discussions import Discussions
from widget_server.store.queries.embed_files import EmbedFiles
from widget_server.store.queries.hints import Hints
from widget_server.store.queries.learner import LearnerReads
from widget_server.store.queries.local_copies import LocalCopies
from widget_server.store.queries.log_check import LogCheck
from widget_server.store.queries.made_decisions import MadeDecisions
from widget_server.store.queries.networks import Networks
from widget_server.store.queries.new_comments import NewComments
from widget_server.store.queries.numbers import Numbers
from widget_server.store.queries.older_copies import OlderCopies
from widget_server.store.queries.owner_comments import OwnerComments
from widget_server.store.queries.owner_copies import OwnerCopies
from widget_server.store.queries.owner_home import OwnerHome
from widget_server.store.queries.owner_stories import OwnerStories
from widget_server.store.queries.page_facts import PagesOfCopies
from widget_server.store.queries.queue import CaseQueue
from widget_server.store.queries.raids import Raids
from widget_server.store.queries.report_mutes import ReportMutes
from widget_server.store.queries.republishers import Republishers
from widget_server.store.queries.rules import Rules
from widget_server.store.queries.schedule import Schedule
from widget_server.store.queries.second_looks import SecondLooks
from widget_server.store.queries.site_settings import SiteSettingsReads
from widget_server.store.queries.sites import Sites
from widget_server.store.queries.statements import Statements
from widget_server.store.queries.story_sets import WatchLists
from widget_server.store.queries.story_texts import StoryTexts
from widget_server.store.queries.tokens import Tokens
from widget_server.store.writing.writer import Writer
from widget_server.transport.metrics import TransportMetrics
from widget_server.web.assets import Assets
from widget_server.web.dashboard.application import create_dashboard
from widget_server.web.health import Gauges, ServerStatus
from widget_server.web.routes import create_asgi_app

log = logging.getLogger(__name__)

PAGE_CHECKS = 2
"""Pages that one process checks at a time: each takes a process of its own for a moment."""


class Components:
    """All components of one process. Use them inside `running()`."""

    def __init__(self, config: Config, clock: Callable[[], float] = time.time) -> None:
        """`clock` returns seconds since 1970."""
        secret_keys = config.secrets()
        process = secrets.token_hex(6)
        self.config = config
        self.database = Database(config.database)
        self.discussions = Discussions(self.database)
        self.sites = Sites(self.database)
        self.cache = LookupCache(self.sites, self.discussions, now_ms=lambda: int(clock() * 1000))
        source = DatabaseSnapshotSource(self.discussions, self.cache, clock)
        self.hub = Hub(source, process, config.reconcile_seconds, config.readers, clock)
        self.hub.encode_presence = server_messages.encode_presence
        url = config.redis or embedded_valkey.url(config.data_dir)
        keyring = Keyring(secret_keys)
        self.bus = RedisBus(url, process, self.hub.receive, self.hub.on_bus_gap, keyring.bus_keys())
        self.hub.connect(self.bus)
        self.lag = LoopLag()
        log_keys = LogKeys(keyring.log_keys(), keyring.text_keys())
        self.publisher = EventPublisher(self.cache, self.hub, lambda: int(clock() * 1000))
        self.writer = Writer(self.database, self.publisher.publish, log_keys)
        self.rights = PermissionWatcher(self.sites, self.cache, self.discussions, self.hub, clock)
        self.transport_metrics = TransportMetrics()
        self.services = Services(
            keyring=keyring,
            cache=self.cache,
            discussions=self.discussions,
            decisions=Decisions(self.database),
            bans=Bans(self.database),
            report_mutes=ReportMutes(self.database),
            networks=Networks(self.database),
            statements=Statements(self.database),
            tracer=NetworkTracer(self.writer, Networks(self.database)),
            raids=Raids(self.database),
            flood_memory=FloodMemory(counting=config.rate_limits is not None),
            proofs=ProofIssuer(secret_keys),
            made_decisions=MadeDecisions(self.database),
            queue=CaseQueue(self.database),
            new_comments=NewComments(self.database),
            watch_lists=WatchLists(self.database),
            second_looks=SecondLooks(self.database),
            batches=Batches(self.database),
            batch_targets=BatchTargets(),
            capacity=CapacityReads(self.database),
            log_keys=log_keys,
            log_check=LogCheck(self.database, log_keys),
            hints=Hints(self.database),
            embed_files=EmbedFiles(self.database),
            schedule=Schedule(self.database),
            closings=Closings(self.database),
            pages=PagesOfCopies(self.database),
            owner_stories=OwnerStories(self.database),
            owner_home=OwnerHome(self.database),
            owner_comments=OwnerComments(self.database),
            owner_copies=OwnerCopies(self.database),
            local_copies=LocalCopies(self.database),
            older_copies=OlderCopiesCache(OlderCopies(self.database), self.cache),
            tokens=Tokens(self.database),
            republishers=Republishers(self.database),
            story_texts=StoryTexts(self.database),
            compared_texts=ComparedTexts(self.cache),
            numbers=Numbers(self.database),
            site_settings=SiteSettingsReads(self.database),
            rules=RulesCache(Rules(self.database), self.cache),
            learner=LearnerCache(LearnerReads(self.database), self.cache),
            writer=self.writer,
            hub=self.hub,
            rights=self.rights,
            network_hasher=NetworkHasher(secret_keys[0]),
            rate_limiters=RateLimiters(
                config.network_rate_limits, enabled=config.rate_limits is not None
            ),
            people=PeopleServices(
                Accounts(self.database), ApiKeys(self.database), secret_keys, config.admin_origin
            ),
            fetcher=Fetcher(config.base_url),
            page_checks=asyncio.Semaphore(PAGE_CHECKS),
            clock=clock,
            log_heads=config.data_dir / HEADS_FILE,
            server_origin=config.base_url,
        )
        tools = Tools(self.services, self.services.fetcher)
        self.jobs = JobRunner(tools, lambda: self.database.epoch)

    @asynccontextmanager
    async def running(self, *, jobs: bool = False) -> AsyncIterator[None]:
        """Open the database and run the background tasks until the block ends.

        With `jobs`, also do scheduled work; a command does not. Raises `DatabaseUnavailableError` with a sentence for the operator.
        """
        await self.database.open()
        writer = asyncio.create_task(_restart_on_failure("writer", self.writer.run))
        others = [
            asyncio.create_task(_restart_on_failure("bus", self.bus.run)),
            asyncio.create_task(_restart_on_failure("hub", self.hub.run)),
            asyncio.create_task(_restart_on_failure("lag", self.lag.run)),
            asyncio.create_task(_restart_on_failure("rights", self.rights.run)),
        ]
        working = None
        if jobs:
            working = asyncio.create_task(_restart_on_failure("jobs", self.jobs.run))
            others.append(
                asyncio.create_task(
                    _restart_on_failure("capacity", lambda: watch_capacity(self.services))
                )
            )
        try:
            yield
        finally:
            if working is not None:
                # Before the writer, which gives the leases back.
                working.cancel()
                await asyncio.wait({working})
            # Stop the writer before the bus, so that its last batch is still published to the other processes.
            writer.cancel()
            await asyncio.wait({writer})
            await self.bus.wait_flushed(1.0)
            for task in others:
                task.cancel()
            await asyncio.wait(others)
            await self.database.close()

    async def store_embed(self, assets: Assets) -> None:
        """Store this build's embed files for other processes, before this process accepts requests.

        A full disk does not prevent the start: pages retry a missing file for one minute.
        """
        try:
            await store_own(self.services, assets.immutable())
        except (UnavailableError, TimeoutError) as error:
            log.warning("event=embed_not_stored reason=%s", type(error).__name__)

    def health(self) -> ServerStatus:
        """Return the status for `/readyz` and `/metrics`."""

        def now() -> Gauges:
            return Gauges(
                channels=self.hub.channel_count,
                subscriptions=self.hub.subscription_count,
                writer_queue_length=self.writer.queue_length,
                bus_up=self.bus.healthy,
                database_writable=self.writer.healthy,
            )

        counters = [
            ("hub", self.hub.metrics),
            ("permissions", self.rights.metrics),
            ("bus", self.bus.metrics),
            ("writer", self.writer.metrics),
            ("database", self.database.metrics),
            ("rows", damaged_rows.DAMAGE_METRICS),
            ("event_loop", self.lag.metrics),
            ("jobs", self.jobs.metrics),
            ("log", logs.LOG_METRICS),
            ("websocket", self.transport_metrics.websocket),
            ("websocket", self.hub.write_metrics),
            ("event_stream", self.transport_metrics.event_streams),
            ("http", self.transport_metrics.http),
            ("accept", self.transport_metrics.accept),
        ]
        return ServerStatus(self.database.ping, now, counters)


async def _restart_on_failure(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Restart a background task when it fails.

    Otherwise the process would report healthy while, for example, its bus task is dead.
    """
    while True:
        try:
            await run()
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("event=task_failed task=%s", name)
        await asyncio.sleep(0.5)


def create_app(config: Config) -> Starlette:
    """Return the ASGI application. Its lifespan starts and stops the components."""
    components = Components(config)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        try:
            async with components.running(jobs=True):
                await components.store_embed(app.state.assets)
                yield
        except DatabaseUnavailableError as error:
            log.error("event=start_failed reason=%s", json.dumps(str(error)))  # noqa: TRY400
            raise

    return create_asgi_app(
        components.services,
        components.health(),
        config.socket_limit,
        lifespan,
        transport_metrics=components.transport_metrics,
        dashboard=create_dashboard(components.services),
    )
