"""Addresses on a stranger's page that no program can read: they cost nothing but themselves."""

from dataclasses import asdict
from html import escape

import pytest
from hypothesis import given, strategies as st

from widget_server.model.page_facts import FetchedPage, PageToLookAt
from widget_server.operations.publishing.read_check import Expected, read_check
from widget_server.operations.publishing.read_page import read_facts

SERVER = "https://talk.example"
STORY = "https://press.example/boats"
PAGE = PageToLookAt(
    1, "https://copy.example/a", "press", "0123456789ab", "Ines", "Press", STORY, "CC-BY-4.0"
)
EXPECTED = Expected(PAGE, SERVER, images=({"url": f"{STORY}/b.jpg", "alt": "A boat", "credit": "Rui", "included": True},))  # fmt: skip
PLACES = (
    '<img src="{}">',
    '<script src="{}"></script>',
    '<a href="{}">x</a>',
    '<link rel="canonical" href="{}">',
    '<link rel="license" href="{}">',
    '<iframe src="{}"></iframe>',
    '<story-widget src="{}"></story-widget>',
)
GOOD = f"""<link rel="canonical" href="{STORY}"><p>Ines.
<a href="https://creativecommons.org/licenses/by/4.0/">CC BY</a></p><img src="/media/b-300x200.jpg">
<p><a class="story-widget" href="{SERVER}/s/{PAGE.code}">React</a></p><script src="{SERVER}/embed.js"></script>"""
BAD = (
    "https://[domain]/a.png", "http://[x", "//[x", "//[x]/embed.js", "http://[::1", "https://a]b/",
    "https://news\u2100.example/", "//a\uff03b/", "https://[v1.x]/", "http://a:99999999/", "http://",
)  # fmt: skip
addresses = st.one_of(
    st.sampled_from(BAD),
    st.text(max_size=40),
    st.lists(
        st.sampled_from(["http:", "https:", "//", "[", "]", "@", ":", "\u2100", "a", "/", "#", "?", SERVER]),
        max_size=10,
    ).map("".join),
)  # fmt: skip


def answer(html: str, link: str = "") -> FetchedPage:
    """Return a page as it was fetched."""
    return FetchedPage(PAGE.page, 200, "text/html", html.encode("utf-8", "replace"), True, (), link)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("address", BAD)
def test_one_malformed_address_changes_nothing_of_what_else_a_page_says(
    place: str, address: str
) -> None:
    html = "<!doctype html><body>" + place.format(address) + GOOD
    assert asdict(read_check(answer(html), EXPECTED)) == asdict(
        read_check(answer("<!doctype html><body>" + GOOD), EXPECTED)
    )
    assert read_facts(answer(html), PAGE, SERVER) == read_facts(answer(GOOD), PAGE, SERVER)


def test_the_page_without_it_says_everything() -> None:
    said = read_check(answer("<!doctype html><body>" + GOOD), EXPECTED)
    assert (said.credit, said.licence, said.canonical, said.script) == (True, True, True, True)
    assert [one.code for one in said.widgets] == [PAGE.code]
    assert said.uncredited == ("Rui",)


@pytest.mark.parametrize("address", BAD)
def test_a_malformed_address_in_the_header_link_is_no_canonical_address(address: str) -> None:
    named = f'<{address}>; rel="canonical"'
    assert read_check(answer("<p>Words", named), EXPECTED).canonical is False
    both = f'{named}, <{STORY}>; rel="canonical"'
    assert read_check(answer("<p>Words", both), EXPECTED).canonical is True


@given(st.lists(st.tuples(st.sampled_from(PLACES), addresses), min_size=1, max_size=8))
def test_every_page_is_read_whatever_its_addresses_are(parts: list[tuple[str, str]]) -> None:
    html = "".join(place.format(escape(address)) for place, address in parts)
    read_check(answer(html), EXPECTED)
    read_facts(answer(html), PAGE, SERVER)
