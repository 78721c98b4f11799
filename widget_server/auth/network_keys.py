"""Which network someone comes from, as a key that says nothing about the address."""

import hmac
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

UNKNOWN = "unknown"
"""The key that all callers share whose address is missing or no address."""

#: One household or office: an IPv4 address, or what a provider gives to one line in IPv6.
_PREFIX = {4: 32, 6: 64}


class NetworkHasher:
    """Keys of networks under a secret: the same all day, another one tomorrow.

    Nothing of an address is kept. Anyone who has the keys but not the secret can neither find the
    addresses by trying them all nor follow a network from one day to the next.
    """

    __slots__ = ("_secret",)

    def __init__(self, secret: str) -> None:
        if not secret:
            raise ValueError("Network keys need a secret.")
        self._secret = secret.encode()

    def key(self, address: str | None, day: int) -> str:
        """32 hex digits for this network on this day (days since 1970), or `UNKNOWN`."""
        prefix = _prefix(address)
        if prefix is None:
            return UNKNOWN
        message = f"network:{day}:{prefix}".encode()
        return hmac.digest(self._secret, message, "sha256")[:16].hex()


#: The widest network that proxies may have: an operator's own, not a large part of the Internet.
_WIDEST = {4: 8, 6: 16}
#: Bits of IPv6 before an IPv4 address that is written in it (::ffff:192.0.2.1).
_MAPPED = 96


def too_wide(named: str) -> bool:
    """Whether this names more addresses than any operator's proxies can have."""
    try:
        network = ip_network(named.strip(), strict=False)
    except ValueError:
        return False
    if isinstance(network, IPv6Network):
        mapped = network.network_address.ipv4_mapped
        if mapped is not None and network.prefixlen >= _MAPPED:
            return network.prefixlen - _MAPPED < _WIDEST[4]
    return network.prefixlen < _WIDEST[network.version]


def _prefix(address: str | None) -> str | None:
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address):
        # A socket that listens on both families shows IPv4 callers as ::ffff:192.0.2.1; a zone
        # (fe80::1%eth0) names our own interface.
        parsed = parsed.ipv4_mapped or IPv6Address(parsed.packed)
    if isinstance(parsed, IPv4Address):
        return f"{parsed}/{_PREFIX[4]}"
    return str(ip_network((parsed.packed, _PREFIX[6]), strict=False))
