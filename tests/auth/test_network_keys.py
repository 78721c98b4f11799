"""A network has one key a day, and the key does not reveal the address."""

import re

import pytest

from widget_server.auth.network_keys import UNKNOWN, NetworkHasher

HASHER = NetworkHasher("a secret of the server")


def test_a_key_is_32_hex_digits_and_stable_for_a_day() -> None:
    key = HASHER.key("192.0.2.55", 20_000)
    assert re.fullmatch("[0-9a-f]{32}", key)
    assert key == HASHER.key("192.0.2.55", 20_000)


def test_a_network_is_one_ipv4_address_or_an_ipv6_64() -> None:
    assert HASHER.key("192.0.2.1", 1) != HASHER.key("192.0.2.2", 1)
    assert HASHER.key("2001:db8::1", 1) == HASHER.key("2001:db8:0:0:ffff::9", 1)
    assert HASHER.key("2001:db8::1", 1) != HASHER.key("2001:db8:0:1::1", 1)


@pytest.mark.parametrize(
    ("one", "other"),
    [("::ffff:192.0.2.1", "192.0.2.1"), ("fe80::1%eth0", "fe80::2"), ("2001:DB8::1", "2001:db8::")],
)
def test_all_spellings_of_a_network_have_the_same_key(one: str, other: str) -> None:
    assert HASHER.key(one, 1) == HASHER.key(other, 1)


def test_ipv4_mapped_ipv6_addresses_have_different_keys() -> None:
    assert HASHER.key("::ffff:192.0.2.1", 1) != HASHER.key("::ffff:192.0.2.2", 1)


def test_keys_differ_by_day_and_by_secret() -> None:
    keys = {
        HASHER.key("192.0.2.1", 1),
        HASHER.key("192.0.2.1", 2),
        NetworkHasher("another secret").key("192.0.2.1", 1),
    }
    assert len(keys) == 3


@pytest.mark.parametrize(
    "address", [None, "", "testclient", "192.0.2.1:80", "1.2.3", "::1::", "\0"]
)
def test_all_invalid_addresses_share_one_key(address: str | None) -> None:
    assert HASHER.key(address, 1) == UNKNOWN


def test_an_empty_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="secret"):
        NetworkHasher("")
