"""Hash client addresses to daily keys of networks, so that no address is stored."""

import hmac
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Self

UNKNOWN = "unknown"
"""The key of all callers without a valid address."""

_PREFIX = {4: 32, 6: 64}
"""Bits that identify one household or office: a whole IPv4 address, or an IPv6 /64."""


class NetworkKey(str):
    """The key of a network on one day.

    `lasting` names the network on every day. Keep it in memory only: never store it, log it or put it on the bus.
    """

    __slots__ = ("lasting",)

    lasting: str

    def __new__(cls, key: str, lasting: str) -> Self:
        """Return the key of a day with the name that lasts."""
        made = super().__new__(cls, key)
        made.lasting = lasting
        return made


class NetworkHasher:
    """Keyed hash of networks that changes every day.

    No part of an address is stored. Without the secret, a key cannot be matched to an address by
    trying all addresses, and a network cannot be followed from one day to the next.
    """

    __slots__ = ("_secret",)

    def __init__(self, secret: str) -> None:
        if not secret:
            raise ValueError("Network keys need a secret.")
        self._secret = secret.encode()

    def key(self, address: str | None, day: int) -> NetworkKey:
        """Return 32 hex digits for this network on this day (days since 1970), or `UNKNOWN`."""
        prefix = _prefix(address)
        if prefix is None:
            return NetworkKey(UNKNOWN, UNKNOWN)
        return NetworkKey(self._hash(f"network:{day}:{prefix}"), self._hash(f"lasting:{prefix}"))

    def _hash(self, message: str) -> str:
        return hmac.digest(self._secret, message.encode(), "sha256")[:16].hex()


_SHORTEST_PREFIX = {4: 8, 6: 16}
"""Shortest prefix of a network of trusted proxies. A wider one is a large part of the Internet."""
_MAPPED = 96
"""Bits of an IPv6 address before the IPv4 address in it (::ffff:192.0.2.1)."""


def is_too_wide(text: str) -> bool:
    """Return whether a network has more addresses than one operator's proxies can have.

    False for a text that is no network.
    """
    try:
        network = ip_network(text.strip(), strict=False)
    except ValueError:
        return False
    if isinstance(network, IPv6Network):
        mapped = network.network_address.ipv4_mapped
        if mapped is not None and network.prefixlen >= _MAPPED:
            return network.prefixlen - _MAPPED < _SHORTEST_PREFIX[4]
    return network.prefixlen < _SHORTEST_PREFIX[network.version]


def _prefix(address: str | None) -> str | None:
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address):
        # A dual-stack socket reports IPv4 callers as ::ffff:192.0.2.1. A zone (fe80::1%eth0) names
        # an interface of this machine, not the caller.
        parsed = parsed.ipv4_mapped or IPv6Address(parsed.packed)
    if isinstance(parsed, IPv4Address):
        return f"{parsed}/{_PREFIX[4]}"
    return str(ip_network((parsed.packed, _PREFIX[6]), strict=False))
