"""The dashboard in Chromium: first start by clicks, passkeys, no JavaScript."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.cli.commands import run_next_to
from tests.e2e.harness import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
PASSWORD = "six boats on a ferry"
MAX_FIRST_LOAD = 60 * 1024
MAX_CLICKS = 12


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    """Run a server in an empty folder."""
    server = ServerProcess(tmp_path_factory.mktemp("desk") / "data")
    # Passkeys belong to a host name, not to an address.
    server.url = f"http://localhost:{server.port}"
    server.env["PUBLIC_URL"] = server.url
    await server.start()
    yield server
    await server.kill()


@pytest_asyncio.fixture(loop_scope="session")
async def owned(desk: ServerProcess, browser: Browser) -> ServerProcess:
    """Return the server with the owner's account and site, also if the test that makes them did not run."""
    if "the-harbour-post" in run_next_to(desk, "site", "list"):
        return desk
    run_next_to(desk, "site", "create", "the-harbour-post", "--name", "The Harbour Post")
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(run_next_to(desk, "people", "invite", "--owner").split()[0])
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_label("Your name").fill("Ana Ferreira")
    await page.get_by_label("E-mail").fill("ana@harbour.example")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Make account").click()
    await page.wait_for_url("**/home")
    await context.close()
    return desk


class Clicks:
    """Counts the clicks of a journey."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.count = 0

    async def __call__(self, name: str, role: str = "button") -> None:
        """Click the button or link with this name."""
        self.count += 1
        await self.page.get_by_role(role, name=name, exact=True).click()  # type: ignore[arg-type]


async def sign_in(page: Page, server: ServerProcess, path: str = "/admin") -> None:
    """Sign in with the password, and go to the path."""
    await page.goto(f"{server.url}/admin/sign-in?then={path}")
    await page.get_by_label("E-mail").fill("ana@harbour.example")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await expect(page).to_have_url(f"{server.url}{path}")


async def test_from_the_printed_link_to_the_first_snippet_by_clicks_alone(
    desk: ServerProcess, browser: Browser
) -> None:
    assert "people invite --owner" in desk.log()
    link = run_next_to(desk, "people", "invite", "--owner").split()[0]
    context = await browser.new_context()
    page = await context.new_page()
    problems: list[str] = []
    page.on("console", lambda told: problems.append(told.text) if told.type == "error" else None)
    click = Clicks(page)
    await page.goto(f"{desk.url}/admin")
    await expect(page.get_by_text("widget-server people invite --owner")).to_be_visible()
    await page.goto(link)
    await page.reload()
    await click("Continue")
    await page.get_by_label("Your name").fill("Ana Ferreira")
    await page.get_by_label("E-mail").fill("ana@harbour.example")
    await page.get_by_label("Password").fill(PASSWORD)
    await click("Make account")
    await page.get_by_label("Name of the publication").fill("The Harbour Post")
    await expect(page.get_by_label("Short name")).to_have_value("the-harbour-post")
    await click("Make the site")
    await page.get_by_label("Address of the story").fill("https://harbour.example/ferry")
    await page.get_by_label("Title").fill("The library that sails at six")
    await click("Make the snippet")
    await expect(page.locator("#snippet")).to_contain_text("data-widget-token")
    widget = page.frame_locator("iframe.preview")
    await expect(widget.get_by_text("No comments yet")).to_be_visible(timeout=30_000)
    await click("Go to your dashboard", "link")
    await expect(page.get_by_role("heading", name="Home")).to_be_visible()
    assert click.count <= MAX_CLICKS
    assert problems == []
    fresh = await browser.new_context(storage_state=await context.storage_state())
    first = await fresh.new_page()
    await first.goto(f"{desk.url}/admin/sites/the-harbour-post/home")
    loaded = await first.evaluate(
        "performance.getEntries().filter(({ transferSize }) => transferSize)"
        ".reduce((sum, { transferSize }) => sum + transferSize, 0)"
    )
    assert 0 < loaded <= MAX_FIRST_LOAD
    log = desk.log()
    assert link.rpartition("/")[2] not in log
    await context.close()
    await fresh.close()


async def test_a_used_link_says_so(owned: ServerProcess, browser: Browser) -> None:
    link = run_next_to(owned, "people", "reset", "Ana Ferreira").split()[0]
    page = await browser.new_page()
    await page.goto(link)
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    await page.goto(link)
    await expect(page.get_by_text("This link was used already")).to_be_visible()
    await page.context.close()


async def test_a_passkey_is_added_and_signs_in(owned: ServerProcess, browser: Browser) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    devtools = await context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")
    await devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    await sign_in(page, owned, "/admin/account")
    await page.get_by_label("Name, for instance: my laptop").fill("Test key")
    await page.get_by_role("button", name="Add a passkey").click()
    await expect(page.get_by_text("The passkey was added.")).to_be_visible()
    await page.locator(".side").get_by_role("button", name="Sign out").click()
    # The sign-in page offers passkeys in the address field, and this device takes the offer at once.
    await expect(page).to_have_url(f"{owned.url}/admin/sites/the-harbour-post/home")
    await page.goto(f"{owned.url}/admin/account")
    await expect(page.get_by_role("cell", name="passkey · last used now")).to_be_visible()
    await context.close()


async def test_everything_but_passkeys_works_without_javascript(
    owned: ServerProcess, browser: Browser
) -> None:
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    people = "/admin/sites/the-harbour-post/people"
    await sign_in(page, owned, people)
    await page.get_by_role("link", name="Invite").click()
    await page.get_by_label("E-mail (optional)").fill("lea@harbour.example")
    await page.get_by_role("button", name="Make the link").click()
    await expect(page.locator("#secret")).to_contain_text("/admin/link/")
    await page.get_by_role("button", name="Take back").click()
    await expect(page.get_by_text("The invitation was taken back.")).to_be_visible()
    await page.get_by_role("link", name="New key").click()
    await page.get_by_label("What uses it?").fill("Morning letter")
    await page.get_by_role("checkbox", name="Numbers", exact=True).check()
    await page.get_by_role("button", name="Make the key").click()
    await expect(page.locator("#secret")).to_contain_text("wsk_the-harbour-post_")
    await context.close()
