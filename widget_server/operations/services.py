"""What the verbs work with: built once by `app`, handed to each of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from widget_server.auth.network_keys import NetworkHasher
from widget_server.auth.rate_limit import Rate, RateLimiter
from widget_server.auth.tokens import Keyring
from widget_server.hub.hub import Hub
from widget_server.model.errors import NotFoundError, RateLimitedError
from widget_server.operations.cache import LookupCache
from widget_server.operations.readers.permission_watch import PermissionWatcher
from widget_server.store.queries.discussions import Discussions
from widget_server.store.queries.embed_files import EmbedFiles
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.writer import Writer

__all__ = ["RateLimiters", "Services", "TransactionFn"]


class RateLimiters:
    """How fast a reader and a network may act; nothing is counted when pace is off.

    Counted in this process alone: with several workers a network may reach each of them.
    """

    def __init__(self, rates: dict[str, Rate], *, enabled: bool) -> None:
        self._enabled = enabled
        self._networks = RateLimiter(rates)
        self._of_sites: dict[str, RateLimiter] = {}

    def hit_network(self, kind: str, network: str) -> None:
        """Count one of `kind` against a network. Raises `RateLimitedError`."""
        if self._enabled:
            self._networks.hit(kind, network)

    def check_network(self, kind: str, network: str) -> None:
        """Raise `RateLimitedError` where one more of `kind` would; nothing is counted."""
        if self._enabled:
            self._networks.require(kind, network)

    def hit_reader(self, rate: str, kind: str, reader: str) -> None:
        """Count one against a reader at the pace that the site chose. Raises `RateLimitedError`."""
        if not self._enabled:
            return
        pace = self._of_sites.get(rate)
        if pace is None:
            pace = self._of_sites[rate] = RateLimiter({"": Rate.parse(rate)})
        pace.hit("", f"{kind}:{reader}")


@dataclass(frozen=True, slots=True)
class Services:
    """The rooms below the verbs. `clock` answers seconds since 1970."""

    keyring: Keyring
    cache: LookupCache
    discussions: Discussions
    embed_files: EmbedFiles
    writer: Writer
    hub: Hub
    rights: PermissionWatcher
    network_hasher: NetworkHasher
    rate_limiters: RateLimiters
    clock: Callable[[], float]
    server_origin: str
    """This server's own origin, from which its frame pages speak."""

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return int(self.clock() * 1000)

    def network_key(self, address: str | None) -> str:
        """The key under which a network's pace is counted today; the address itself is not kept."""
        return self.network_hasher.key(address, int(self.clock() // 86_400))

    @contextmanager
    def count_not_found(self, code: str, network: str) -> Iterator[None]:
        """Let a network ask for stories that are not known here, but not for ever for what is none.

        Inside, `NotFoundError` is counted against the network. Raises `RateLimitedError`; never for a story
        that others are reading.
        """
        if not self.cache.knows(code):
            self.rate_limiters.check_network("refused", network)
        try:
            yield
        except NotFoundError:
            with suppress(RateLimitedError):
                self.rate_limiters.hit_network("refused", network)
            raise
