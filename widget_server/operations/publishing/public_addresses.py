"""Which addresses the server may connect to when it asks for a stranger's page.

Without this check, a page's address could make the server ask its own network: a database, a router, a
cloud's metadata.
"""

import ipaddress
import socket

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NOT_PUBLIC = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, with the metadata of clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
        "2001::/23",  # Teredo and other assignments of protocols
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: contains an IPv4 address
        "3fff::/20",  # documentation
    )
)
_PUBLIC_IPV6 = ipaddress.IPv6Network("2000::/3")
"""The only public IPv6 range. Outside it are `::1`, IPv4 in IPv6 (`::ffff:0:0/96`), NAT64
(`64:ff9b::/96`), private (`fc00::/7`), link-local and multicast addresses."""


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet and contains no other address."""
    if isinstance(address, ipaddress.IPv6Address) and (
        address not in _PUBLIC_IPV6 or address.scope_id is not None
    ):
        return False
    return not any(
        address in network for network in _NOT_PUBLIC if network.version == address.version
    )


def is_of_this_machine(address: Address) -> bool:
    """Whether an address belongs to an interface of this machine.

    The kernel then sends from the address itself. Nothing is sent: connecting a UDP socket only chooses
    the route.
    """
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((str(address), 443))
        except OSError:
            return False  # no route: the request will fail too
        return str(probe.getsockname()[0]) == str(address)


def is_permitted(address: Address) -> bool:
    """Whether the server may ask for a page at this address."""
    return is_public(address) and not is_of_this_machine(address)
