"""What this process remembers to find floods: comments by network, texts of ten minutes, trusted readers."""

from collections import OrderedDict, deque

from widget_server.content.likeness import likenesses
from widget_server.model.rates import Rate

MAX_SITES = 1_000
MAX_TEXTS = 1_000
"""Remembered texts of a site."""
MAX_KEYS = 100_000
"""Remembered networks, raids and readers, each."""
TRUST_S = 600.0
"""Seconds after which the database is asked again whether a reader is trusted."""


class FloodMemory:
    """Counts of one process. Times are seconds since 1970; the caller names them.

    `counting`: whether this process looks for floods. Raids that are on hold either way.
    """

    def __init__(self, *, counting: bool = True) -> None:
        self.counting = counting
        self._full_at: OrderedDict[str, float] = OrderedDict()
        self._texts: OrderedDict[str, deque[tuple[float, int]]] = OrderedDict()
        self._trusted: OrderedDict[str, float] = OrderedDict()

    def is_over(self, key: str, rate: Rate, now: float) -> bool:
        """Count one comment under a key, and return whether it exceeds the rate. Then it is not counted."""
        full_at = rate.hit(self._full_at.get(key, 0.0), now)
        if full_at is None:
            return True
        self._full_at[key] = full_at
        self._full_at.move_to_end(key)
        if len(self._full_at) > MAX_KEYS:
            self._full_at.popitem(last=False)
        return False

    def is_repeated(self, site: str, mark: int, rate: Rate, now: float) -> bool:
        """Remember the fingerprint of a text, and return whether it is one of more like texts than the rate allows."""
        texts = self._texts.setdefault(site, deque(maxlen=MAX_TEXTS))
        since = now - rate.per_s
        number = likenesses(mark, (other for at, other in texts if at > since))
        texts.append((now, mark))
        self._texts.move_to_end(site)
        if len(self._texts) > MAX_SITES:
            self._texts.popitem(last=False)
        return number >= rate.count

    def is_trusted(self, reader: str, now: float) -> bool:
        """Return whether `trust` was called for the reader in the last minutes."""
        return now < self._trusted.get(reader, 0.0)

    def trust(self, reader: str, now: float) -> None:
        """Remember that a reader is trusted."""
        self._trusted[reader] = now + TRUST_S
        self._trusted.move_to_end(reader)
        if len(self._trusted) > MAX_KEYS:
            self._trusted.popitem(last=False)
