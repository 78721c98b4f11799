"""Components that operations use. `app` creates them once and passes them to every operation."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from widget_server.auth.network_keys import NetworkHasher, NetworkKey
from widget_server.auth.passkeys import PasskeyVerifier
from widget_server.auth.proofs import ProofIssuer
from widget_server.auth.rate_limit import Rate, RateLimiter
from widget_server.auth.sealing import Sealer
from widget_server.auth.tokens import Keyring
from widget_server.hub.hub import Hub
from widget_server.model.errors import NotFoundError, RateLimitedError
from widget_server.operations.batch_targets import BatchTargets
from widget_server.operations.cache import LookupCache
from widget_server.operations.compared_texts import ComparedTexts
from widget_server.operations.flood_memory import FloodMemory
from widget_server.operations.learner_cache import LearnerCache
from widget_server.operations.older_copies_cache import OlderCopiesCache
from widget_server.operations.publishing.fetch import Fetcher
from widget_server.operations.readers.networks import NetworkTracer
from widget_server.operations.readers.permission_watch import PermissionWatcher
from widget_server.operations.rules_cache import RulesCache
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
from widget_server.store.queries.local_copies import LocalCopies
from widget_server.store.queries.log_check import LogCheck
from widget_server.store.queries.made_decisions import MadeDecisions
from widget_server.store.queries.networks import Networks
from widget_server.store.queries.new_comments import NewComments
from widget_server.store.queries.numbers import Numbers
from widget_server.store.queries.owner_comments import OwnerComments
from widget_server.store.queries.owner_copies import OwnerCopies
from widget_server.store.queries.owner_home import OwnerHome
from widget_server.store.queries.owner_stories import OwnerStories
from widget_server.store.queries.page_facts import PagesOfCopies
from widget_server.store.queries.queue import CaseQueue
from widget_server.store.queries.raids import Raids
from widget_server.store.queries.report_mutes import ReportMutes
from widget_server.store.queries.republishers import Republishers
from widget_server.store.queries.schedule import Schedule
from widget_server.store.queries.second_looks import SecondLooks
from widget_server.store.queries.site_settings import SiteSettingsReads
from widget_server.store.queries.statements import Statements
from widget_server.store.queries.story_sets import WatchLists
from widget_server.store.queries.story_texts import StoryTexts
from widget_server.store.queries.tokens import Tokens
from widget_server.store.writing.writer import Writer


class RateLimiters:
    """Rate limits of networks and readers. If rate limits are disabled, nothing is counted.

    Each process counts for itself, so with several workers a network can reach the limit of each one.
    """

    def __init__(self, rates: dict[str, Rate], *, enabled: bool) -> None:
        self._enabled = enabled
        self._networks = RateLimiter(rates)
        self._by_rate: dict[str, RateLimiter] = {}

    def hit_network(self, kind: str, network: str) -> None:
        """Count one request of `kind` for a network. Raises `RateLimitedError`."""
        if self._enabled:
            self._networks.hit(kind, network)

    def check_network(self, kind: str, network: str) -> None:
        """Raise `RateLimitedError` if one more request of `kind` would exceed the limit. Count nothing."""
        if self._enabled:
            self._networks.require(kind, network)

    def hit_reader(self, rate: str, kind: str, reader: str) -> None:
        """Count one request of `kind` for a reader, with the rate that the site chose.

        Raises `RateLimitedError`.
        """
        if not self._enabled:
            return
        limiter = self._by_rate.get(rate)
        if limiter is None:
            limiter = self._by_rate[rate] = RateLimiter({"": Rate.parse(rate)})
        limiter.hit("", f"{kind}:{reader}")


SIGN_IN_RATES = {
    "name": Rate(5, 900),
    "name_anywhere": Rate(30, 900),
    "network": Rate(50, 900),
    "key": Rate(30, 900),
}
"""Failed sign-ins of a name from one network, of a name from all networks, and of one network; and wrong
API keys from one network.

They hold even if rate limits are off. Each process counts for itself.
"""


class PeopleServices:
    """Components that the operations about accounts use. `admin_origin` is where the dashboard is."""

    def __init__(
        self, accounts: Accounts, keys: ApiKeys, secrets: Sequence[str], admin_origin: str
    ) -> None:
        self.accounts = accounts
        self.keys = keys
        self.admin_origin = admin_origin
        self.sealer = Sealer(secrets)
        self.passkeys = PasskeyVerifier(secrets[0], admin_origin)
        self.attempts = RateLimiter(SIGN_IN_RATES)


@dataclass(frozen=True, slots=True)
class Services:
    """Components that operations use. `clock` returns seconds since 1970."""

    keyring: Keyring
    cache: LookupCache
    discussions: Discussions
    decisions: Decisions
    bans: Bans
    report_mutes: ReportMutes
    networks: Networks
    statements: Statements
    tracer: NetworkTracer
    raids: Raids
    flood_memory: FloodMemory
    proofs: ProofIssuer
    made_decisions: MadeDecisions
    queue: CaseQueue
    new_comments: NewComments
    watch_lists: WatchLists
    second_looks: SecondLooks
    batches: Batches
    batch_targets: BatchTargets
    capacity: CapacityReads
    log_keys: LogKeys
    log_check: LogCheck
    hints: Hints
    embed_files: EmbedFiles
    schedule: Schedule
    closings: Closings
    pages: PagesOfCopies
    owner_stories: OwnerStories
    owner_home: OwnerHome
    owner_comments: OwnerComments
    owner_copies: OwnerCopies
    local_copies: LocalCopies
    older_copies: OlderCopiesCache
    tokens: Tokens
    republishers: Republishers
    story_texts: StoryTexts
    compared_texts: ComparedTexts
    numbers: Numbers
    site_settings: SiteSettingsReads
    rules: RulesCache
    learner: LearnerCache
    writer: Writer
    hub: Hub
    rights: PermissionWatcher
    network_hasher: NetworkHasher
    rate_limiters: RateLimiters
    people: PeopleServices
    fetcher: Fetcher
    page_checks: asyncio.Semaphore
    """How many pages one process checks at a time."""
    clock: Callable[[], float]
    log_heads: Path
    """File outside the database with the daily heads of the logs (`operations/moderation/log.py`)."""
    server_origin: str
    """Origin of this server, which its iframe pages send."""

    def now_ms(self) -> int:
        """Return milliseconds since 1970."""
        return int(self.clock() * 1000)

    def network_key(self, address: str | None) -> NetworkKey:
        """Return the rate-limit key of an address's network for today. The address itself is not stored."""
        return self.network_hasher.key(address, int(self.clock() // 86_400))

    @contextmanager
    def count_not_found(self, code: str, network: str) -> Iterator[None]:
        """Limit how often a network requests codes that name no story.

        A `NotFoundError` raised inside the context is counted for the network. Raises `RateLimitedError`
        above the limit, but never for a code that is in the cache.
        """
        if not self.cache.has_entry(code):
            self.rate_limiters.check_network("refused", network)
        try:
            yield
        except NotFoundError:
            with suppress(RateLimitedError):
                self.rate_limiters.hit_network("refused", network)
            raise
