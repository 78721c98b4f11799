"""The embed in a frame: who may frame it, what it may load, and what is said when it is refused."""

import re
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from tests.journeys.client import Client
from tests.journeys.harness import ServerProcess

ORIGIN = "https://copy.example"


@pytest.fixture
async def server(new_server: Callable[..., ServerProcess]) -> ServerProcess:
    """A server with one site."""
    started: ServerProcess = await new_server().start()
    started.cli("site", "create", "press", "--name", "Press")
    return started


@pytest.fixture
async def http(server: ServerProcess) -> AsyncIterator[httpx.AsyncClient]:
    """Asks that server."""
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
        yield client


def token(server: ServerProcess, *more: str) -> str:
    """A token for a story titled to be hostile."""
    return server.cli(
        "token", "--site", "press", "--story", "one", "--title", "</title><b>One", *more
    )


async def test_only_the_tokens_pages_may_frame_it(
    server: ServerProcess, http: httpx.AsyncClient
) -> None:
    signed = token(server, "--origin", ORIGIN, "--origin", "https://*.other.example")
    page = await http.get(f"/e/{signed}")
    policy = page.headers["content-security-policy"]
    assert "frame-ancestors https://copy.example https://*.other.example;" in policy
    assert "default-src 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert signed in page.text
    assert "<b>" not in page.text


async def test_a_story_under_an_open_licence_is_framed_by_its_code_and_by_anyone(
    server: ServerProcess, http: httpx.AsyncClient
) -> None:
    signed = token(server, "--origin", ORIGIN)
    code = re.findall(r"/s/(\w{12})", (await http.get(f"/e/{signed}")).text)[0]
    page = await http.get(f"/e/{code}")
    assert page.status_code == 200
    assert "frame-ancestors *;" in page.headers["content-security-policy"]


async def test_where_republishing_is_closed_the_bare_code_gets_a_sentence(
    server: ServerProcess, http: httpx.AsyncClient
) -> None:
    server.cli("site", "set", "press", "open_republishing=off")
    signed = token(server, "--origin", ORIGIN)
    code = re.findall(r"/s/(\w{12})", (await http.get(f"/e/{signed}")).text)[0]
    page = await http.get(f"/e/{code}")
    assert page.status_code == 403
    assert "Ask the publisher for one." in page.text


@pytest.mark.parametrize("reference", ["unknownCode1", "w1.press.1.e30.AAAA", "x", "%00"])
async def test_a_wrong_reference_gets_a_page_with_a_sentence(
    http: httpx.AsyncClient, reference: str
) -> None:
    page = await http.get(f"/e/{reference}")
    assert page.status_code in {401, 404}
    assert page.headers["content-type"].startswith("text/html")
    assert "This discussion cannot be shown here." in page.text


async def test_the_frame_speaks_from_our_own_origin_with_any_token(server: ServerProcess) -> None:
    signed = token(server, "--origin", ORIGIN)
    async with Client(server.url, server.env["PUBLIC_URL"]) as reader:
        snapshot = await reader.subscribe(token=signed)
        assert snapshot["can"] == ["read", "react", "comment"]
        await reader.react(snapshot["story"]["code"], "happy")
