"""A server with the dashboard in this process, people of every role who are signed in, and readers."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from selectolax.lexbor import LexborHTMLParser as HTMLParser, LexborNode as Node

from tests.e2e.publisher import Story
from tests.operations.operations_harness import Server, open_server
from widget_server.model.actors import Role, shell
from widget_server.model.hints import Hint
from widget_server.model.people import Account
from widget_server.model.records import Comment, Site
from widget_server.operations.owners import links, people, sites
from widget_server.operations.readers import comment as comments, hint, identify
from widget_server.operations.readers.authorize import Grant
from widget_server.operations.readers.identify import Actor
from widget_server.web.dashboard.application import create_dashboard

OWN = "http://localhost:8000"
SITE = "/admin/sites/paper"
PASSWORD = "six boats on a ferry"


class Person:
    """Somebody who is signed in, and their browser without JavaScript."""

    def __init__(self, http: httpx.AsyncClient, account: Account) -> None:
        self.http = http
        self.account = account

    async def get(self, path: str, status: int = 200) -> HTMLParser:
        """Open a page of the site; return its content."""
        answer = await self.http.get(path if path.startswith("/") else f"{SITE}/{path}")
        assert answer.status_code == status, (path, answer.status_code, answer.text[-600:])
        return HTMLParser(answer.text)

    async def post(self, path: str, **fields: str) -> httpx.Response:
        """Send a form; do not follow its redirect."""
        path = path if path.startswith("/") else f"{SITE}/{path}"
        headers = {"Sec-Fetch-Site": "same-origin", "Origin": OWN}
        # As a browser does for a form without fields.
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        return await self.http.post(path, data=fields, headers=headers)

    async def press(self, button: Node, **fields: str) -> HTMLParser:
        """Press a button of a form, as a browser does, and open the page that it leads to."""
        form: Node | None = button
        while form is not None and form.tag != "form":
            form = form.parent
        assert form is not None
        sent: dict[str, str] = {}
        for control in form.css("input[name], textarea[name], select[name]"):
            attributes = control.attributes
            value = control.text() if control.tag == "textarea" else attributes.get("value") or ""
            if control.tag == "select":
                chosen = (control.css("option[selected]") or control.css("option"))[0]
                value = chosen.attributes.get("value") or ""
            sent[str(attributes["name"])] = value
        if button.attributes.get("name"):
            sent[str(button.attributes["name"])] = button.attributes.get("value") or ""
        answer = await self.post(str(form.attributes["action"]), **(sent | fields))
        if answer.status_code == 303:
            return await self.get(answer.headers["location"].partition("#")[0])
        assert answer.status_code < 500, answer.text
        return HTMLParser(answer.text)


class Desk:
    """The site `paper`, its owner, and its readers."""

    def __init__(self, server: Server, owner: Person) -> None:
        self.server = server
        self.services = server.services
        self.owner = owner
        self._networks = itertools.count()

    async def person(self, role: Role, name: str = "", copies: Any = None) -> Person:
        """Return a new person with this role on the site, signed in."""
        owner = await people.find_actor(self.services, self.owner.account.name, "paper")
        link = await links.invite(self.services, owner, "paper", role, copies=copies)
        name = name or f"A {role}"
        return await sign_up(self.services, link, name, f"{name.replace(' ', '')}@paper.example")

    async def carried(self, story: Story | None = None, **claims: Any) -> Grant:
        """Return the grant of a page that carries a story, and let the copy be recorded."""
        return await self.server.grant(story, **claims)

    async def write(self, grant: Grant, body: str = "hello", **fields: Any) -> Comment:
        """Return a comment by a new reader."""
        return await self.server.post(grant, self.reader(grant), body, **fields)

    def reader(self, grant: Grant) -> Actor:
        """Return a new reader in a network of their own."""
        return identify.act(self.services, grant, None, f"network {next(self._networks)}", None)

    async def report(self, grant: Grant, comment: Comment, reason: str | None = "attack") -> None:
        """Report a comment as a new reader."""
        await comments.report(self.services, grant, self.reader(grant), comment.id, reason)

    async def hint(
        self, grant: Grant, text: str, passage: str | None = None, credit: str | None = None
    ) -> Hint:
        """Report an error in the story as a new reader."""
        sent = hint.NewHint(text, passage, credit)
        return await hint.send(self.services, grant, self.reader(grant), sent)

    async def edit(self, grant: Grant, actor: Actor, comment: Comment, body: str) -> None:
        """Change a comment as its writer."""
        await comments.edit(self.services, grant, actor, comment.id, body)

    async def site(self) -> Site:
        """Return the site with its settings of now."""
        cached = await self.services.cache.site("paper", max_age=0)
        assert cached is not None
        return cached.site

    async def stored(self, comment: Comment) -> Comment:
        """Return a comment as it is now."""
        found: Comment = await self.services.decisions.comment(comment.id)
        return found


async def sign_up(services: Any, link: Any, name: str, email: str) -> Person:
    """Use a one-time link as a new person."""
    ticket = await links.press_link(services, link.url.rpartition("/")[2], agent="")
    assert isinstance(ticket, str)
    session = await links.create_account(services, ticket, name, email, PASSWORD, agent="")
    transport = httpx.ASGITransport(create_dashboard(services))
    cookies = {"local-session": session.secret}
    http = httpx.AsyncClient(transport=transport, base_url=OWN, cookies=cookies)
    account = await services.people.accounts.find(session.session.account)
    return Person(http, account)


@asynccontextmanager
async def open_desk(folder: Path, database_url: str, **choices: Any) -> AsyncIterator[Desk]:
    """Return a server on a migrated database, with the site `paper` whose owner is signed in.

    `choices` are its settings.
    """
    async with open_server(folder, database_url, **choices) as server:
        await sites.create_site(server.services, shell("test"), "paper", "A paper")
        link = await links.invite_owner(server.services, shell("test"))
        owner = await sign_up(server.services, link, "Ana Ferreira", "ana@paper.example")
        yield Desk(server, owner)


def buttons(page: HTMLParser | Node, word: str) -> list[Node]:
    """Return the buttons with this text, whatever key their hint names."""
    found = []
    for one in page.css("button"):
        hint = "".join(key.text() for key in one.css("kbd"))
        text = one.text(strip=True)
        if word in (text, text.removesuffix(hint), text.removeprefix(hint)):
            found.append(one)
    return found


def texts(page: HTMLParser, selector: str) -> list[str]:
    """Return the texts of the elements, with single spaces."""
    return [" ".join(one.text(separator=" ").split()) for one in page.css(selector)]


def first(page: HTMLParser, selector: str) -> Node:
    """Return the first element, which must be there."""
    return page.css(selector)[0]


def words(page: HTMLParser) -> str:
    """Return the text of the whole page."""
    return first(page, "body").text()
