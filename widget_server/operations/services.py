"""What the verbs work with: built once by `app`, handed to each of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from widget_server.live.hub import Hub
from widget_server.model.errors import NotFound, RateLimited
from widget_server.operations.directory import Directory
from widget_server.operations.rights import Rights
from widget_server.store.discussions import Discussions
from widget_server.store.embed_files import EmbedFiles
from widget_server.store.errands import Errand
from widget_server.store.writer import Writer
from widget_server.trust.networks import Networks
from widget_server.trust.pace import Pace, Rate
from widget_server.trust.tokens import Keyring

__all__ = ["Errand", "Paces", "Services"]


class Paces:
    """How fast a reader and a network may act; nothing is counted when pace is off.

    Counted in this process alone: with several workers a network may reach each of them.
    """

    def __init__(self, rates: dict[str, Rate], *, on: bool) -> None:
        self._on = on
        self._networks = Pace(rates)
        self._of_sites: dict[str, Pace] = {}

    def spend(self, kind: str, network: str) -> None:
        """Count one of `kind` against a network. Raises `RateLimited`."""
        if self._on:
            self._networks.spend(kind, network)

    def require(self, kind: str, network: str) -> None:
        """Raise `RateLimited` where one more of `kind` would; nothing is counted."""
        if self._on:
            self._networks.require(kind, network)

    def spend_of(self, rate: str, kind: str, reader: str) -> None:
        """Count one against a reader at the pace that the site chose. Raises `RateLimited`."""
        if not self._on:
            return
        pace = self._of_sites.get(rate)
        if pace is None:
            pace = self._of_sites[rate] = Pace({"": Rate.parse(rate)})
        pace.spend("", f"{kind}:{reader}")


@dataclass(frozen=True, slots=True)
class Services:
    """The rooms below the verbs. `clock` answers seconds since 1970."""

    keyring: Keyring
    directory: Directory
    discussions: Discussions
    embed_files: EmbedFiles
    writer: Writer
    hub: Hub
    rights: Rights
    networks: Networks
    paces: Paces
    clock: Callable[[], float]
    own_origin: str
    """This server's own origin, from which its frame pages speak."""

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return int(self.clock() * 1000)

    def network(self, address: str | None) -> str:
        """The key under which a network's pace is counted today; the address itself is not kept."""
        return self.networks.key(address, int(self.clock() // 86_400))

    @contextmanager
    def looking_up(self, code: str, network: str) -> Iterator[None]:
        """Let a network ask for stories that are not known here, but not for ever for what is none.

        Inside, `NotFound` is counted against the network. Raises `RateLimited`; never for a story
        that others are reading.
        """
        if not self.directory.knows(code):
            self.paces.require("refused", network)
        try:
            yield
        except NotFound:
            with suppress(RateLimited):
                self.paces.spend("refused", network)
            raise
