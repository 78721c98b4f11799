"""A server's dashboard over ASGI, with people of every role on the site `paper`, for tests of its pages."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, get_args

import httpx

from tests.operations.operations_harness import Server, open_server
from widget_server.auth import one_time
from widget_server.model.actors import Role, shell
from widget_server.model.people import Session
from widget_server.operations.owners import sites
from widget_server.store.writing.account_rows import insert_account
from widget_server.store.writing.member_rows import put_member
from widget_server.store.writing.session_rows import insert_session
from widget_server.web.dashboard.application import create_dashboard

HOST = "http://localhost:8000"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
OWN = {"Sec-Fetch-Site": "same-origin", "Origin": HOST}
DAY_MS = 86_400_000
ROLES: tuple[Role, ...] = tuple(role for role in get_args(Role) if role != "machine")


class Desk:
    """One server with the sites `paper` and `other`. `people` are browsers by role on `paper`."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.services = server.services
        self.app = create_dashboard(server.services)
        self.people: dict[str, httpx.AsyncClient] = {}

    @property
    def owner(self) -> httpx.AsyncClient:
        """The browser of the site's owner."""
        return self.people["owner"]

    def browser(self, secret: str | None = None) -> httpx.AsyncClient:
        """Return a browser, signed in with the secret of a session."""
        cookies = {} if secret is None else {"local-session": secret}
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url=HOST, cookies=cookies
        )

    async def add(
        self, role: Role, site: str = "paper", *, proved_ago: int = 0
    ) -> httpx.AsyncClient:
        """Make an account with this role, and return its browser.

        `proved_ago`: milliseconds since the person proved who they are.
        """
        account, secret = one_time.new_id(), one_time.new_secret()
        now = self.services.now_ms()
        session = Session(
            one_time.hash_secret(secret),
            account,
            made_at=now,
            seen_at=now,
            strong_at=now - proved_ago,
            until=now + DAY_MS,
            remembered=True,
            method="link",
            agent="",
        )
        for change in (
            insert_account(
                id=account,
                name=role.title(),
                password="no hash: nobody signs in with it",
                server_owner=False,
                created_at=now,
            ),
            insert_session(session),
            put_member(site, account, role, frozenset({1}) if role == "local" else None, now),
        ):
            await self.services.writer.run_in_transaction(change)
        return self.browser(secret)

    async def get(self, path: str, role: str = "owner", status: int = 200) -> str:
        """Return the page of a path under the site `paper`."""
        answer = await self.people[role].get(f"/admin/sites/paper/{path}")
        assert answer.status_code == status, (path, role, answer.status_code, answer.text[-900:])
        return answer.text

    async def post(self, path: str, role: str = "owner", **fields: Any) -> httpx.Response:
        """Send a form of the dashboard's own page."""
        return await self.people[role].post(
            f"/admin/sites/paper/{path}", data=fields, headers=OWN | FORM
        )


@asynccontextmanager
async def open_desk(folder: Path, url: str) -> AsyncIterator[Desk]:
    """Open a desk on a migrated database, with a browser for each role."""
    async with open_server(folder, url) as server:
        desk = Desk(server)
        for slug in ("paper", "other"):
            await sites.create_site(server.services, shell("test"), slug, slug.title())
        for role in ROLES:
            desk.people[role] = await desk.add(role)
        desk.people["elsewhere"] = await desk.add("owner", "other")
        desk.people["nobody"] = desk.browser()
        yield desk
        for browser in desk.people.values():
            await browser.aclose()


def text_of(html: str) -> str:
    """Return the words of a page, without tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())
