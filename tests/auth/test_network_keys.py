"""Networks: one key per line and day, and no way back to the address."""

import re

import pytest

from widget_server.auth.network_keys import UNKNOWN, NetworkHasher

NETWORKS = NetworkHasher("a secret of the server")


def test_a_key_is_32_hex_digits_and_holds_nothing_of_the_address() -> None:
    key = NETWORKS.key("192.0.2.55", 20_000)
    assert re.fullmatch("[0-9a-f]{32}", key)
    assert key == NETWORKS.key("192.0.2.55", 20_000)


def test_each_ipv4_address_is_a_network_and_64_bits_of_ipv6_are_one() -> None:
    assert NETWORKS.key("192.0.2.1", 1) != NETWORKS.key("192.0.2.2", 1)
    assert NETWORKS.key("2001:db8::1", 1) == NETWORKS.key("2001:db8:0:0:ffff::9", 1)
    assert NETWORKS.key("2001:db8::1", 1) != NETWORKS.key("2001:db8:0:1::1", 1)


@pytest.mark.parametrize(
    ("one", "other"),
    [("::ffff:192.0.2.1", "192.0.2.1"), ("fe80::1%eth0", "fe80::2"), ("2001:DB8::1", "2001:db8::")],
)
def test_spellings_of_one_network_are_one_key(one: str, other: str) -> None:
    assert NETWORKS.key(one, 1) == NETWORKS.key(other, 1)


def test_ipv4_addresses_in_ipv6_do_not_fall_together() -> None:
    assert NETWORKS.key("::ffff:192.0.2.1", 1) != NETWORKS.key("::ffff:192.0.2.2", 1)


def test_tomorrow_and_another_server_have_other_keys() -> None:
    keys = {
        NETWORKS.key("192.0.2.1", 1),
        NETWORKS.key("192.0.2.1", 2),
        NetworkHasher("another secret").key("192.0.2.1", 1),
    }
    assert len(keys) == 3


@pytest.mark.parametrize(
    "address", [None, "", "testclient", "192.0.2.1:80", "1.2.3", "::1::", "\0"]
)
def test_what_is_no_address_shares_one_key(address: str | None) -> None:
    assert NETWORKS.key(address, 1) == UNKNOWN


def test_an_empty_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="secret"):
        NetworkHasher("")
