"""Requests that other pages make a browser send change nothing."""

import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.operations.operations_harness import Server, open_server
from widget_server.auth import one_time
from widget_server.model.actors import shell
from widget_server.operations.owners import links
from widget_server.store import migrate
from widget_server.web.dashboard.application import create_dashboard
from widget_server.web.dashboard.security import Address

HOST = "localhost:8000"
OWN = f"http://{HOST}"
SITES = ("cross-site", "same-site", "", None)
ORIGINS = (
    None,
    "null",
    "",
    "https://evil.example",
    "http://evil.example",
    "https://localhost:8000",
    "http://localhost:8001",
    "http://localhost",
    "http://127.0.0.1:8000",
    "http://localhost:8000.evil.example",
    "http://localhost:8000/",
    "http://user@localhost:8000",
    OWN,
)
PATHS = (
    "/admin/sign-out",
    "/admin/account/codes",
    "/admin/sites/paper/people/invite",
    "/admin/sites/paper/keys",
    "/admin/new-site",
)


@pytest.fixture
async def signed_in(tmp_path: Path) -> AsyncIterator[tuple[Server, httpx.AsyncClient]]:
    """Return a server and a client with the session of its owner."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'database.sqlite3'}"
    await migrate.upgrade(url)
    async with open_server(tmp_path, url) as server:
        link = await links.invite_owner(server.services, shell("test"))
        ticket = await links.press_link(server.services, link.url.rpartition("/")[2], agent="")
        assert isinstance(ticket, str)
        session = await links.create_account(
            server.services, ticket, "Ana", "ana@paper.example", "six boats on a ferry", agent=""
        )
        transport = httpx.ASGITransport(create_dashboard(server.services))
        cookies = {"local-session": session.secret}
        async with httpx.AsyncClient(transport=transport, base_url=OWN, cookies=cookies) as http:
            yield server, http


def forged() -> list[tuple[str, str, dict[str, str]]]:
    """Return requests with headers that no page of the dashboard sends: method, path, headers."""
    found = []
    for site, origin, path in itertools.product(SITES, ORIGINS, PATHS):
        if site is None and origin == OWN:
            continue  # an old browser on the dashboard's own page
        headers = {}
        if site is not None:
            headers["Sec-Fetch-Site"] = site
        if origin is not None:
            headers["Origin"] = origin
        found.append(("POST", path, headers))
    found += [
        ("POST", PATHS[0], {"Sec-Fetch-Site": "same-origin", "Origin": str(origin)})
        for origin in ORIGINS
        if origin not in {None, OWN}
    ]
    found += [(method, PATHS[0], {}) for method in ("PUT", "DELETE", "PATCH", "OPTIONS")]
    return found


async def test_two_hundred_forged_requests_are_refused_and_change_nothing(
    signed_in: tuple[Server, httpx.AsyncClient],
) -> None:
    server, http = signed_in
    requests = forged()
    assert len(requests) >= 200
    for method, path, headers in requests:
        body = {"slug": "forged", "name": "Forged", "role": "owner", "label": "x", "scope": "read"}
        answer = await http.request(method, path, headers=headers, data=body)
        assert answer.status_code == 403, (method, path, headers)
        assert "access-control-allow-origin" not in answer.headers
    account = (await server.services.people.accounts.all())[0]
    assert await server.services.cache.all_sites() == []
    assert await server.services.people.accounts.unused_codes(account.id) == 0
    assert (await http.get("/admin/account")).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin", "Origin": OWN},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": OWN},
    ],
)
async def test_the_dashboards_own_pages_may_change_things(
    signed_in: tuple[Server, httpx.AsyncClient], headers: dict[str, str]
) -> None:
    _, http = signed_in
    body = {"slug": "paper", "name": "A paper"}
    answer = await http.post("/admin/new-site", headers=headers, data=body)
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/sites/paper/snippet")


async def test_without_a_session_nothing_is_shown_and_a_form_is_kept(
    signed_in: tuple[Server, httpx.AsyncClient],
) -> None:
    _, http = signed_in
    http.cookies.clear()
    answer = await http.get("/admin/account")
    assert answer.headers["location"] == "/admin/sign-in?then=%2Fadmin%2Faccount"
    body = {"name": "What I wrote", "new_password": "a secret of mine"}
    answer = await http.post(
        "/admin/account/profile", headers={"Sec-Fetch-Site": "same-origin"}, data=body
    )
    assert answer.status_code == 401
    assert 'name="kept.name" value="What I wrote"' in answer.text
    assert "a secret of mine" not in answer.text


async def test_every_answer_has_the_strict_headers(
    signed_in: tuple[Server, httpx.AsyncClient],
) -> None:
    _, http = signed_in
    for path in ("/admin/sign-in", "/admin/account", "/admin/nothing", "/admin/sites/none/home"):
        headers = (await http.get(path)).headers
        policy = headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers


def scope(host: str, path: str = "/admin", **headers: str) -> dict[str, Any]:
    """Return an ASGI scope of a request."""
    raw = [(b"host", host.encode())]
    raw += [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "path": path, "headers": raw}


def test_cookies_are_secure_except_on_this_machine() -> None:
    local = Address("http://localhost:8000", "http://localhost:8000")
    assert local.is_safe_transport(scope("localhost:8000"))
    assert not local.sends_secure_cookie(scope("127.0.0.1:8000"))
    assert not local.is_safe_transport(scope("192.168.1.5:8000"))
    public = Address("https://widgets.example", "https://widgets.example")
    assert public.sends_secure_cookie(scope("localhost:8000"))
    assert not public.comes_from_own_page(scope("localhost:8000", origin="http://localhost:8000"))


def test_a_host_of_its_own_shows_the_dashboard_only() -> None:
    address = Address("https://desk.example", "https://widgets.example")
    assert address.takes_all(scope("desk.example", "/s/123456789012"))
    assert address.is_here(scope("desk.example"))
    assert not address.is_here(scope("widgets.example"))
    assert "frame-src https://widgets.example" in address.policy()


def test_secrets_are_stored_as_hashes() -> None:
    secret = one_time.new_key("paper")
    assert secret.startswith("wsk_paper_")
    assert len(one_time.hash_secret(secret)) == 64
    assert one_time.canonical_code(" ABCD efgh-2345 ") == "abcd-efgh-2345"
