"""A server with a story that has a text, and a web server over TLS that carries its copies."""

import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.e2e.publisher import Story
from tests.operations.checked_pages import (
    AUTHOR,
    FIRST_TEXT,
    ORIGINAL,
    PRESS,
    TEXT,
    TITLE,
    Parts,
)
from tests.operations.operations_harness import NETWORK, Server
from tests.operations.owner_harness import OWNER
from tests.operations.page_server import LOOPBACK, PageServer, html
from widget_server.model.page_check import PageCheck
from widget_server.operations.owners import story_text
from widget_server.operations.owners.story_text import TypedText
from widget_server.operations.publishing import check_page
from widget_server.operations.services import RateLimiters, Services


@dataclass(slots=True)
class Checked:
    """A server, a story whose publisher gave two versions of its text, and a web server for pages."""

    server: Server
    services: Services
    pages: PageServer
    story: Story
    origin: str

    def token(self, **claims: object) -> str:
        return self.server.publisher.token(self.story.key, **{"origins": [self.origin]} | claims)

    def parts(self, **changed: str) -> Parts:
        return Parts(self.services.server_origin, self.story, self.token(), **changed)

    def put(self, page: str, policy: str = "", path: str = "/boats") -> str:
        """Serve a page and return its address."""
        more = f"Content-Security-Policy: {policy}\r\n" if policy else ""
        self.pages.answers[path] = html(page, more=more)
        return f"{self.origin}{path}"

    async def check(self, address: str, code: str = "") -> PageCheck:
        return await check_page.check_as_stranger(
            self.services, code or self.story.code, address, NETWORK
        )

    async def codes(self, page: str, policy: str = "") -> set[str]:
        """Return what is found on a page."""
        return {one.code for one in (await self.check(self.put(page, policy))).findings}


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the contexts of a web server named `page.example` and `second.example`, and of those that trust it."""
    key, made = folder / "key.pem", folder / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    names = "DNS:page.example,DNS:second.example"
    command += f" -subj /CN=page.example -addext subjectAltName={names} -keyout {key}"
    subprocess.run([*command.split(), "-out", str(made)], check=True, capture_output=True)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(made, key)
    return served, ssl.create_default_context(cafile=str(made))


@asynccontextmanager
async def open_checked(server: Server, folder: Path) -> AsyncIterator[Checked]:
    """Serve pages that the server may read, with a story whose publisher gave two versions of its text."""
    served, trusted = certificate(folder)
    async with PageServer(served) as pages:
        story = server.publisher.story(
            title=TITLE, author=AUTHOR, publisher=PRESS, url=ORIGINAL, license="CC-BY-4.0"
        )
        await server.grant(story)
        for text in (FIRST_TEXT, TEXT):
            typed = TypedText(text, "markdown")
            await story_text.put(server.services, OWNER, "paper", story.code, typed)
        services = replace(
            server.services,
            fetcher=pages.fetcher({"second.example": [LOOPBACK]}, tls=trusted),
            rate_limiters=RateLimiters({}, enabled=False),
        )
        origin = f"https://page.example:{pages.port}"
        yield Checked(server, services, pages, story, origin)
