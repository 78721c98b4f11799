"""The iframe page: which pages may frame it, its content, and its errors."""

import pytest

from tests.e2e.client import Client
from tests.e2e.publisher import Publisher
from tests.web.shared_server import PAGE, SECRET, SharedServer, rejection

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def test_only_origins_of_the_token_may_frame_the_page(shared_server: SharedServer) -> None:
    origins = [PAGE, "https://*.other.example"]
    story = shared_server.publisher.story(title="</title><b>One", origins=origins)
    page = shared_server.http.get(f"/e/{story.token}")
    policy = page.headers["content-security-policy"]
    assert f"frame-ancestors {PAGE} https://*.other.example;" in policy
    assert "default-src 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert story.token in page.text
    assert "<b>" not in page.text


def test_any_page_may_frame_a_story_under_an_open_licence_by_its_code(
    shared_server: SharedServer,
) -> None:
    page = shared_server.http.get(f"/e/{shared_server.story().code}")
    assert page.status_code == 200
    assert "frame-ancestors *;" in page.headers["content-security-policy"]


def test_a_bare_code_is_rejected_if_republishing_is_closed(
    shared_server: SharedServer,
) -> None:
    shared_server.site("closed", "open_republishing=off")
    story = Publisher("closed", SECRET).story()
    shared_server.register(story)
    assert rejection(shared_server.http.get(f"/e/{story.code}")) == (403, "not_permitted")
    page = shared_server.http.get(f"/e/{story.code}", headers=BROWSER)
    assert page.status_code == 403
    assert "Ask the publisher for one." in page.text


@pytest.mark.parametrize("reference", ["unknownCode1", "w1.press.1.e30.AAAA", "x", "%00"])
def test_an_invalid_reference_gets_an_error_page(
    shared_server: SharedServer, reference: str
) -> None:
    page = shared_server.http.get(f"/e/{reference}", headers=BROWSER)
    assert page.status_code in {401, 404}
    assert page.headers["content-type"].startswith("text/html")
    title = "There is no discussion here yet"
    if page.status_code == 401:
        title = "This discussion cannot be shown here"
    assert f"<h1>{title}</h1>" in page.text
    assert "frame-ancestors" not in page.headers["content-security-policy"], (
        "the framing page shows the error"
    )
    assert page.headers["cross-origin-embedder-policy"] == "require-corp"


async def test_the_iframe_page_may_use_any_token_from_the_servers_origin(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story()
    async with Client(shared_server.url, shared_server.server.env["PUBLIC_URL"]) as reader:
        snapshot = await reader.subscribe(token=story.token)
        assert snapshot["can"] == ["read", "react", "comment"]
        await reader.react(story.code, "happy")


def test_a_frame_for_a_token_says_whether_the_code_alone_only_reads(
    shared_server: SharedServer,
) -> None:
    shared_server.site("reserved", "open_republishing=off")
    story = Publisher("reserved", SECRET).story()
    assert "data-code-reads" in shared_server.http.get(f"/e/{story.token}").text
    story = shared_server.story()
    assert "data-code-reads" not in shared_server.http.get(f"/e/{story.token}").text
    assert "data-code-reads" not in shared_server.http.get(f"/e/{story.code}").text
