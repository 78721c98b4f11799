"""A server with a site whose readers write, report and edit, and whose owner is signed in."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import Browser, BrowserContext, Page

from tests.cli.commands import run_next_to
from tests.e2e.harness import ServerProcess
from tests.e2e.publisher import Publisher, Story
from tests.loopback import NO_TLS

SECRET = "a secret of the moderated site that is long"
SITE = "/admin/sites/harbour"
PASSWORD = "six boats on a ferry"


class ModeratedSite:
    """The site `harbour` and a story of it on several pages."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.publisher = Publisher("harbour", SECRET)
        self.state: Any = None
        """Cookies of the owner."""

    def cli(self, *words: str) -> str:
        """Run an operator's command beside the server."""
        return run_next_to(self.server, *words)

    def story(self, title: str, **claims: Any) -> Story:
        """Return a story that one page carries."""
        story = self.publisher.story(title=title, author="Ines Falk", **claims)
        self.act(story, "react", reaction="happy")
        return story

    def act(self, story: Story, kind: str, **fields: Any) -> dict[str, Any]:
        """Send an action as a new reader, or with `reader` as an earlier one."""
        message = {"type": kind, "story": story.code, "token": story.token, "ref": 1, **fields}
        headers = {"Content-Type": "text/plain", "Origin": "https://copy.example"}
        answer = httpx.post(
            f"{self.server.url}/v1/actions",
            json=message,
            headers=headers,
            timeout=20,
            trust_env=False,
            verify=NO_TLS,
        )
        assert answer.status_code == 200, answer.text
        content: dict[str, Any] = answer.json()
        return content

    def write(self, story: Story, body: str, name: str | None = None, **fields: Any) -> Any:
        """Post a comment; return the whole answer."""
        return self.act(story, "comment", body=body, name=name, key=str(uuid.uuid4()), **fields)

    async def begin(self, browser: Browser) -> None:
        """Make the owner's account and the site, and fill them."""
        self.cli("site", "create", "harbour", "--name", "The Harbour Post")
        self.cli("site", "set", "harbour", "name=optional")
        context = await browser.new_context()
        page = await context.new_page()
        await page.goto(self.cli("people", "invite", "--owner").split()[0])
        await page.get_by_role("button", name="Continue").click()
        await page.get_by_label("Your name").fill("Ana Ferreira")
        await page.get_by_label("E-mail").fill("ana@harbour.example")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Make account").click()
        await page.wait_for_url("**/home")
        self.state = await context.storage_state()
        await context.close()

    async def owner(self, browser: Browser, **options: Any) -> tuple[BrowserContext, Page]:
        """Return a browser in which the owner is signed in."""
        context = await browser.new_context(storage_state=self.state, **options)
        return context, await context.new_page()

    def path(self, place: str) -> str:
        """Return the address of a page of the site."""
        return f"{self.server.url}{SITE}/{place}"


def fill(site: ModeratedSite) -> tuple[Story, dict[str, str]]:
    """Let readers write, report and edit. Return the story and the ids of its comments."""
    story = site.story("The library that sails at six")
    site.story("Who owns the rain?")
    ids = {}
    top = site.write(
        story, "The council has money for a roof. I would rather have the **boat**.", "Priya"
    )
    ids["top"] = top["comment"]["id"]
    reply = site.write(story, "Same here. The roof can wait.", "Jonas W.", parent=ids["top"])
    ids["reply"] = reply["comment"]["id"]
    rude = site.write(story, "You people never had a wet floor in your life.", "Kestrel")
    ids["rude"] = rude["comment"]["id"]
    for reason in ("attack", "attack", "He means me"):
        site.act(story, "report", comment=ids["rude"], reason=reason)
    arabic = site.write(story, "<b>مرحبا</b> من الميناء", "<i>ليلى</i>")
    ids["arabic"] = arabic["comment"]["id"]
    gone = site.write(story, "This one was removed.", "Oddvar")
    ids["gone"] = gone["comment"]["id"]
    site.cli("comment", "remove", ids["gone"], "--reason", "attack")
    site.cli("site", "set", "harbour", "moderation=pre")
    edited = site.act(
        story,
        "edit",
        comment=ids["top"],
        reader=top["reader"],
        body="The council has money for a harbour. I would rather have the **boat**.",
    )
    assert edited["comment"]["id"] == ids["top"]
    ids["pending"] = site.write(story, "The photo shows the old ferry.", "Rita")["comment"]["id"]
    ids["pending2"] = site.write(story, "Does it take returns?", None)["comment"]["id"]
    return story, ids


@asynccontextmanager
async def moderated_site(folder: Path, browser: Browser) -> AsyncIterator[ModeratedSite]:
    """Run a server with the site, which publishes at once, until the block ends. Its data is in `folder`."""
    server = ServerProcess(folder / "data", {"SECRET_KEYS": SECRET})
    server.url = f"http://localhost:{server.port}"
    server.env["PUBLIC_URL"] = server.url
    await server.start()
    try:
        found = ModeratedSite(server)
        await found.begin(browser)
        yield found
    finally:
        await server.kill()


async def sign_up(
    site: ModeratedSite, browser: Browser, name: str, **options: Any
) -> tuple[BrowserContext, Page]:
    """Return a browser of a new moderator."""
    link = site.cli("people", "invite", "--role", "moderator", "--site", "harbour").split()[0]
    context = await browser.new_context(**options)
    page = await context.new_page()
    await page.goto(link)
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_label("Your name").fill(name)
    await page.get_by_label("E-mail").fill(f"{name.lower().replace(' ', '.')}@harbour.example")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Make account").click()
    await page.wait_for_url("**/home")
    return context, page
