"""Hashes of networks with a random key of the day. They are stored for two days at most, and only where a site asks for it.

A ban of a network is stored as such a hash. Its key stays until the ban ends, and each address that comes is hashed
with each of the keys on which bans stand.
"""

import hmac
from collections.abc import Collection
from dataclasses import dataclass

from widget_server.auth.network_keys import UNKNOWN, NetworkKey
from widget_server.store.queries.networks import Networks, key_of_day
from widget_server.store.writing.writer import Writer

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Trace:
    """From which network something came: 64 hex digits, and the day (since 1970) of the key in it."""

    network: str
    day: int


class NetworkTracer:
    """Hashes networks. The key of a day is random, and the same in all processes."""

    def __init__(self, writer: Writer, networks: Networks) -> None:
        self._writer = writer
        self._networks = networks
        self._keys: dict[int, bytes | None] = {}
        """Keys by day; None: deleted."""

    async def trace(self, network: str, now: float) -> Trace | None:
        """Return the trace of a network's rate-limit key, or None for an unknown network.

        `now` is in seconds since 1970. Raises `UnavailableError`.
        """
        if network == UNKNOWN:
            return None
        day = int(now // DAY_S)
        key = self._keys.get(day)
        if key is None:
            key = (await self._writer.run_in_transaction(key_of_day(day))).encode()
            self._keys = {
                other: known
                for other, known in self._keys.items()
                if other >= day - OLDEST_KEY_DAYS
            } | {day: key}
        return Trace(_hash(key, network), day)

    async def hashes(self, network: str, days: Collection[int]) -> list[str]:
        """Return the hashes of a network with the keys of these days, without those of deleted keys.

        Raises `UnavailableError`.
        """
        if network == UNKNOWN:
            return []
        if missing := [day for day in days if day not in self._keys]:
            stored = await self._networks.keys_of(missing)
            # A key is made before the first ban that stands on it, so a missing one was deleted.
            for day in missing:
                self._keys[day] = stored[day].encode() if day in stored else None
        keys = [self._keys[day] for day in days]
        return [_hash(key, network) for key in keys if key is not None]


OLDEST_KEY_DAYS = 4
"""Days after which no ban stands on a key: a trace lives for two days, and a ban of a network for two more."""


def _hash(key: bytes, network: str) -> str:
    # The rate-limit key of a network changes every day, also of one that stays connected.
    lasting = network.lasting if isinstance(network, NetworkKey) else network
    return hmac.digest(key, lasting.encode(), "sha256").hex()
