"""Requests that other pages make a browser send change nothing."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.dashboard import routes
from tests.dashboard.desk import PASSWORD, Desk, open_desk
from tests.dashboard.places import Names, make_places, rows_of, second_session
from tests.dashboard.routes import OF_ACCOUNT, OF_SERVER, OF_SITE, WITHOUT_SESSION, Key, Use
from tests.operations.operations_harness import Server, open_server
from widget_server.auth import one_time
from widget_server.model.actors import shell
from widget_server.operations.owners import credentials, links, people, sign_in
from widget_server.store.schema_people import sessions as table
from widget_server.store.writing import session_rows
from widget_server.web.dashboard.application import create_dashboard
from widget_server.web.dashboard.security import Address

HOST = "localhost:8000"
OWN = f"http://{HOST}"
PUBLIC = "https://widgets.example"


@pytest.fixture
async def signed_in(
    tmp_path: Path, migrated_sqlite_url: str
) -> AsyncIterator[tuple[Server, httpx.AsyncClient]]:
    """Return a server and a client with the session of its owner."""
    async with open_server(tmp_path, migrated_sqlite_url) as server:
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


@dataclass(frozen=True, slots=True)
class Forgery:
    """How a request differs from one of a page of the dashboard, and how it is refused."""

    headers: tuple[tuple[str, str], ...] = (("Sec-Fetch-Site", "same-origin"), ("Origin", PUBLIC))
    method: str = "POST"
    type: str = "application/x-www-form-urlencoded"
    session: str = "valid"
    cookie: str = "__Host-session"
    refused: frozenset[int] = frozenset({403})
    without_session: bool = True
    """Whether it is also a forgery if the browser has no session."""


def _from(site: str | None, *origins: str, host: str = "") -> Forgery:
    headers = [] if site is None else [("Sec-Fetch-Site", site)]
    headers += [("Origin", origin) for origin in origins]
    return Forgery((*headers, *([("Host", host)] if host else [])))


def _session(session: str = "valid", cookie: str = "__Host-session") -> Forgery:
    return Forgery(session=session, cookie=cookie, refused=frozenset({401}), without_session=False)


FORGERIES = {
    "another origin without Sec-Fetch-Site": _from(None, "https://evil.example"),
    "another site": _from("cross-site", "https://evil.example"),
    "another site that claims the origin": _from("cross-site", PUBLIC),
    "another site without origin": _from("cross-site"),
    "another origin of the same site": _from("same-site", "https://blog.widgets.example"),
    "same site without origin": _from("same-site"),
    "same origin that contradicts its origin": _from("same-origin", "https://evil.example"),
    "null origin": _from(None, "null"),
    "null origin of a frame": _from("same-origin", "null"),
    "plain HTTP of the same host": _from(None, "http://widgets.example"),
    "another port of the same host": _from(None, "https://widgets.example:8443"),
    "a name that ends alike": _from(None, "https://evil-widgets.example"),
    "a name that begins alike": _from(None, "https://widgets.example.evil.example"),
    "neither header": _from(None),
    "two origins": _from(None, PUBLIC, "https://evil.example"),
    "a name that was pointed here": _from(
        "same-origin", "https://evil.example", host="evil.example"
    ),
    "a text as body": Forgery(type="text/plain", refused=frozenset({400})),
    "JSON as body": Forgery(type="application/json", refused=frozenset({400})),
    "parts as body": Forgery(type="multipart/form-data; boundary=x", refused=frozenset({400})),
    "GET that asks for another method": Forgery(
        (("X-HTTP-Method-Override", "POST"), ("X-Method-Override", "POST")),
        method="GET",
        refused=frozenset({200, 303, 404, 405}),
    ),
    "PUT": Forgery(method="PUT", refused=frozenset({405})),
    "DELETE": Forgery(method="DELETE", refused=frozenset({405})),
    "a cookie without prefix": _session(cookie="session"),
    "a cookie with a weaker prefix": _session(cookie="__Secure-session"),
    "a cookie of a local server": _session(cookie="local-session"),
    "a prefix of small letters": _session(cookie="__host-session"),
    "a session that ended by time": _session("expired"),
    "a session that was not used for long": _session("idle"),
    "a session that was signed out": _session("ended"),
    "a session of a disabled account": _session("disabled"),
    "a session of another server": _session("foreign"),
    "a changed session": _session("tampered"),
    "the stored hash of a session": _session("hash"),
}
POSTS = {
    key: uses
    for key, uses in {
        **{key: (use,) for key, use in WITHOUT_SESSION.items()},
        **OF_SITE,
        **{key: (use,) for key, use in (OF_SERVER | OF_ACCOUNT).items()},
    }.items()
    if key[0] == "POST"
}


class Browser:
    """The browser of the server's owner, without any check of its own: it sends what a test says."""

    def __init__(self, desk: Desk, names: Names, sessions: dict[str, str], ticket: str) -> None:
        self.desk = desk
        self.names = names
        self.sessions = sessions
        self._ticket = ticket
        transport = httpx.ASGITransport(create_dashboard(desk.services))
        self._http = httpx.AsyncClient(transport=transport, base_url=PUBLIC)

    async def send(self, key: Key, use: Use, forgery: Forgery) -> httpx.Response:
        """Send a form with the cookies of the owner."""
        where = routes.address(use, key[1], self.names)
        body = urlencode(routes.form(use, self.names))
        if forgery.method == "GET":
            where += f"{'&' if '?' in where else '?'}_method=POST&{body}"
        cookies = f"__Host-ticket={self._ticket}"
        if key not in WITHOUT_SESSION:
            cookies += f"; {forgery.cookie}={self.sessions[forgery.session]}"
        headers = [*forgery.headers, ("Cookie", cookies), ("Content-Type", forgery.type)]
        return await self._http.request(
            forgery.method, where, headers=headers, content="" if forgery.method == "GET" else body
        )


@pytest.fixture
async def browser(tmp_path: Path, migrated_sqlite_url: str) -> AsyncIterator[Browser]:
    """Return the browser of the owner of a server at `PUBLIC`."""
    async with open_desk(tmp_path, migrated_sqlite_url, public_url=PUBLIC) as desk:
        services, account = desk.services, desk.owner.account
        names = await make_places(desk)
        codes = await credentials.new_recovery_codes(services, account)
        invited = await links.invite(services, shell("test"), "paper", "auditor")
        ticket = await links.press_link(services, invited.url.rpartition("/")[2], agent="")
        assert isinstance(ticket, str)
        names |= {"email": "ana@paper.example", "password": PASSWORD, "code_of_recovery": codes[0]}
        names["session"] = await second_session(desk, account.id)
        sessions = {"foreign": one_time.new_secret()}
        fired = await desk.person("owner", "Fired")
        owner = account
        for name in ("disabled", "ended", "expired", "idle", "valid"):
            account = fired.account if name == "disabled" else owner
            new = await sign_in.start_session(services, account, "password", "")
            sessions[name] = new.secret
            if name == "ended":
                ended = session_rows.end_session(account.id, new.session.hash)
                await services.writer.run_in_transaction(ended)
            if name in {"expired", "idle"}:
                column = "until" if name == "expired" else "seen_at"
                past = services.now_ms() - (1 if name == "expired" else sign_in.IDLE_MS + 1)
                await desk.server.components.database.write(_set(new.session.hash, column, past))
        await people.disable_account(services, shell("test"), fired.account)
        valid = sessions["valid"]
        sessions["tampered"] = valid[:-1] + ("A" if valid[-1] != "A" else "B")
        sessions["hash"] = one_time.hash_secret(valid)
        yield Browser(desk, names, sessions, ticket)


def _set(session: str, column: str, value: int) -> Callable[[AsyncConnection], Any]:
    async def run(connection: AsyncConnection) -> None:
        await connection.execute(
            update(table).where(table.c.hash == session).values({column: value})
        )

    return run


def test_every_form_of_the_dashboard_is_among_the_forged_ones(browser: Browser) -> None:
    services = browser.desk.services
    assert set(POSTS) == {key for key in routes.routes_of(services) if key[0] == "POST"}


async def test_forged_requests_are_refused_and_change_nothing(browser: Browser) -> None:
    before = await rows_of(browser.desk.server)
    sent = 0
    for name, forgery in FORGERIES.items():
        for key, uses in POSTS.items():
            if key in WITHOUT_SESSION and not forgery.without_session:
                continue
            answer = await browser.send(key, uses[0], forgery)
            sent += 1
            assert answer.status_code in forgery.refused, (name, key, answer.status_code)
            assert "access-control-allow-origin" not in answer.headers
            assert "set-cookie" not in answer.headers or forgery.method == "GET", (name, key)
        assert await rows_of(browser.desk.server) == before, name
    assert sent >= 1_000


async def test_the_same_requests_of_the_dashboards_own_pages_change_something(
    browser: Browser,
) -> None:
    before = await rows_of(browser.desk.server)
    for key, uses in POSTS.items():
        for use in uses:
            answer = await browser.send(key, use, Forgery())
            assert answer.status_code in {200, 204, 303, 409, 422}, (key, answer.status_code)
            after = await rows_of(browser.desk.server)
            assert (after != before) == use.changes, (key, use, answer.status_code)
            before = after


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "http://evil.example",
        "https://localhost:8000",
        "http://localhost:8001",
        "http://localhost",
        "http://127.0.0.1:8000",
        "http://localhost:8000.evil.example",
        "http://localhost:8000/",
        "http://user@localhost:8000",
    ],
)
async def test_a_server_of_this_machine_takes_forms_of_its_own_address_only(
    signed_in: tuple[Server, httpx.AsyncClient], origin: str
) -> None:
    _, http = signed_in
    body = {"slug": "paper", "name": "A paper"}
    for sites in ({}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "cross-site"}):
        headers = sites | {"Origin": origin}
        assert (await http.post("/admin/new-site", headers=headers, data=body)).status_code == 403
    for host in ("evil.example:8000", "192.168.1.5:8000"):
        headers = {"Host": host, "Origin": OWN, "Sec-Fetch-Site": "same-origin"}
        assert (await http.post("/admin/new-site", headers=headers, data=body)).status_code == 403


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
