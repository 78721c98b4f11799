"""Addresses of clients: what is accepted can be taken apart by the standard library too."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given, strategies as st

from widget_server.content import urls

pieces = st.lists(
    st.one_of(
        st.sampled_from(["[", "]", ":", "@", "/", "#", "?", ".", "::1", "a", "\u2100", "\uff03"]),
        st.characters(),
    ),
    max_size=12,
).map("".join)


@given(pieces)
def test_every_accepted_address_can_be_split_by_the_standard_library(rest: str) -> None:
    address = f"https://{rest}"
    if urls.safe(address):
        assert urlsplit(address).scheme == "https"


@pytest.mark.parametrize("host", ["news\u2100.example", "a\uff03b.example", "a\uff0fb", "a\u2048"])
def test_a_host_that_a_browser_reads_with_a_slash_or_a_hash_is_refused(host: str) -> None:
    assert urls.split(f"https://{host}/") is None


@pytest.mark.parametrize("host", ["olhão.example", "例え.example", "münchen.example", "ｅ.example"])
def test_hosts_in_other_scripts_are_accepted(host: str) -> None:
    assert urls.split(f"https://{host}/") is not None


def test_an_address_that_cannot_be_joined_is_none() -> None:
    assert urls.joined("https://copy.example/a", "//[x") == ""
    assert urls.joined("https://copy.example/a/", " b.png ") == "https://copy.example/a/b.png"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://x.example/a/b.png?c=/d#/e", "b.png"),
        ("https://[domain]/b.png", "b.png"),
        ("//[x", "[x"),
        ("", ""),
    ],
)
def test_the_name_of_a_file_is_read_from_any_text(address: str, name: str) -> None:
    assert urls.file_name(address) == name
