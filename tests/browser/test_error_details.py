"""Errors of the embed: readers see the link; the owner sees the reason in the console, and on the page with `?story-widget=debug`."""

import re

import pytest
from playwright.async_api import Page, TimeoutError as PlaywrightTimeoutError, expect

from tests.browser.actions import expect_reaction, reaction
from tests.browser.conftest import SITE, Demo, Hosts, Story
from tests.browser.host_pages import policy
from tests.waiting import SLOWNESS, eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

BROWSER_MESSAGES = ["Failed to load resource", "Loading the image 'data:,'"]
"""Console messages of the browser itself about failed requests and the page's icon."""
EMBED_PREFIX = "story-widget: "
REFUSED = "The discussion cannot be shown here."
UNAVAILABLE = "The discussion cannot be loaded right now."


def console_messages(hosts: Hosts) -> list[str]:
    """Return the embed's console messages."""
    return [
        text.removeprefix(EMBED_PREFIX) for text in hosts.console if text.startswith(EMBED_PREFIX)
    ]


async def expect_link(page: Page) -> None:
    """Wait until the snippet's link is visible and no widget is drawn."""
    await expect(page.get_by_role("link", name="Discuss this story").first).to_be_visible()
    await expect(page.get_by_text("A title by Ines Falk. CC BY 4.0.").first).to_be_visible()
    await expect(reaction(page, "Happy")).to_have_count(0)
    await expect(page.get_by_role("textbox")).to_have_count(0)


async def texts_shown(page: Page) -> set[str]:
    """Return the texts that the widgets show, without the links of the page."""
    found: list[str] = await page.locator("story-widget").evaluate_all(
        "widgets => widgets.map(({ shadowRoot: root }) =>"
        " [...root.children].map((each) => each.checkVisibility() ? each.innerText : '').join(''))"
    )
    return set(found)


async def expect_reason(
    page: Page, hosts: Hosts, why: str, *, shown: str = "", debug: str = REFUSED
) -> None:
    """Check that the console has the reason, and the page only in debug mode.

    `shown` is the text that readers see beside the link.
    """
    await eventually(
        lambda: why in "".join(console_messages(hosts)), "the console shows the message"
    )
    await expect_link(page)
    assert await texts_shown(page) == {shown}
    so_far = len(hosts.console)
    other = await hosts.page(page.context)
    await other.goto(page.url + "?story-widget=debug")
    await expect(other.get_by_text(debug).first).to_be_visible()
    await expect(other.get_by_text(why).first).to_be_visible()
    await expect_link(other)
    await other.close()
    del hosts.console[so_far:]


def without_token(story: Story) -> str:
    """Return the snippet without its token."""
    return story.snippet.replace(f' data-widget-token="{story.token}"', "")


async def test_a_token_for_other_origins_is_reported_as_such(demo: Demo, hosts: Hosts) -> None:
    hosts.expected += [*BROWSER_MESSAGES, EMBED_PREFIX]
    story = demo.story(known=False, origins=["https://elsewhere.example"])
    page = await hosts.open(story.snippet)
    why = f"The snippet’s token doesn’t cover this site ({await page.evaluate('origin')})."
    await expect_reason(page, hosts, why)
    assert len(console_messages(hosts)) == 1
    await page.locator("story-widget").evaluate(
        "(widget, token) => widget.setAttribute('token', token)", story.with_claims(origins=["*"])
    )
    await reaction(page, "Happy").click()
    await expect_reaction(page, "Happy", 1, own=True)


@pytest.mark.parametrize("republishing", ["on", "off"])
@pytest.mark.parametrize("damage", ["cut", "quoted", "another's"])
async def test_a_damaged_token_is_reported_once_however_often_it_was_pasted(
    damage: str, republishing: str, demo: Demo, hosts: Hosts
) -> None:
    hosts.expected += [*BROWSER_MESSAGES, EMBED_PREFIX]
    rules = [f"open_republishing={republishing}", f"open_reading={republishing}"]
    story = demo.story(demo.site(f"press-{republishing}", *rules))
    token = {
        "cut": story.token[:-5],
        "quoted": f"“{story.token}”",
        "another's": demo.story(f"press-{republishing}").token,
    }[damage]
    why = "The snippet’s token is invalid. Copy the snippet again, whole and unchanged."
    damaged = story.anchor.replace(story.token, token) * 2 + story.script
    if "off" in republishing:
        page = await hosts.page(await hosts.reader())
        await page.clock.install()
        await hosts.open(damaged, page=page)
        await expect_reason(page, hosts, why)
        await page.clock.run_for(600_000)
        assert console_messages(hosts)[-1] == why
        assert len(console_messages(hosts)) <= 2
    else:
        # The code alone is allowed here: the discussion is shown, the console has the reason.
        page = await hosts.open(damaged)
        await eventually(lambda: console_messages(hosts), "the console shows the message")
        await reaction(page, "Happy").first.click()
        await expect(reaction(page, "Happy").first).to_have_attribute("aria-pressed", "true")
        assert console_messages(hosts) == [
            f"{why} The discussion goes on with the story’s code alone."
        ]


async def test_an_unknown_code_and_a_missing_token_have_different_errors(
    demo: Demo, hosts: Hosts
) -> None:
    hosts.expected += [*BROWSER_MESSAGES, EMBED_PREFIX]
    page = await hosts.page(await hosts.reader())
    await page.clock.install()
    await hosts.open(without_token(demo.story(known=False)), page=page)
    why = f"{demo.server} has no story with this code."
    await expect_reason(page, hosts, why)
    await page.clock.run_for(600_000)
    assert len(console_messages(hosts)) == 1

    closed = demo.story(demo.site("members", "open_reading=off", "open_republishing=off"))
    other = await hosts.open(without_token(closed), site=1)
    why = "This discussion needs a token. Ask the publisher for a snippet."
    await expect_reason(other, hosts, why)
    assert console_messages(hosts)[1:] == [why]
    # With the token, the page shows the story.
    page = await hosts.open(closed.snippet, site=2)
    await reaction(page, "Happy").click()
    await expect_reaction(page, "Happy", 1, own=True)


async def test_an_expired_or_revoked_copy_is_read_only_and_shows_the_reason(
    demo: Demo, hosts: Hosts
) -> None:
    hosts.expected += [EMBED_PREFIX]
    expired = demo.story()
    old = expired.anchor.replace(expired.token, expired.with_claims(exp=1_700_000_100))
    page = await hosts.open(f"{old}<p>Further down:</p>{old}{expired.script}")
    await expect_read_only(page)
    await expect(page.get_by_text("The snippet’s token has expired.")).to_have_count(2)
    story = demo.story(jti="copy-17")
    demo.run("site", "revoke", SITE, "copy-17")
    page = await hosts.page(await hosts.reader())

    async def withdrawn() -> bool:
        await hosts.open(story.snippet, page=page, site=1)
        reason = page.get_by_text("The publisher has withdrawn the snippet’s token.")
        try:
            await reason.wait_for(timeout=2_000 * SLOWNESS)
        except PlaywrightTimeoutError:
            return False
        return True

    await eventually(withdrawn, "the server has stored the revocation")
    await expect_read_only(page)
    assert console_messages(hosts)[0].startswith(
        "Comments are read-only on this site. The snippet’s token has expired."
    )
    assert console_messages(hosts)[1:] == [
        "Comments are read-only on this site. The publisher has withdrawn the snippet’s token."
    ]


async def expect_read_only(page: Page) -> None:
    """Check that everything can be read and no action is offered."""
    await expect(page.get_by_text("Comments are read-only on this site.").first).to_be_visible()
    await expect(page.get_by_role("textbox")).to_have_count(0)
    await expect(reaction(page, "Happy").first).to_have_attribute("aria-disabled", "true")
    await reaction(page, "Happy").first.click(force=True)
    await expect(reaction(page, "Happy").first).to_have_accessible_name(re.compile(r"^Happy\s*$"))


async def test_a_policy_against_the_script_leaves_the_link_and_the_attribution(
    demo: Demo, hosts: Hosts
) -> None:
    hosts.expected += ["Loading the script", *BROWSER_MESSAGES]
    headers = {"Content-Security-Policy": "default-src 'none'; script-src 'self'"}
    page = await hosts.open(demo.story().snippet, headers=headers)
    await eventually(
        lambda: any("script-src" in text for text in hosts.console), "the script was blocked"
    )
    await expect_link(page)
    await expect(page.locator("story-widget")).to_have_count(0)
    assert console_messages(hosts) == []


async def test_a_policy_against_the_server_is_reported_with_the_directive_to_add_and_not_retried(
    demo: Demo, hosts: Hosts
) -> None:
    refused = "Connecting to 'http://"
    hosts.expected += [refused, "Fetch API cannot load", *BROWSER_MESSAGES, EMBED_PREFIX]
    story = demo.story()
    page = await hosts.page(await hosts.reader())
    await page.clock.install()
    strict = policy(demo.server)["Content-Security-Policy"].replace("connect-src", "img-src")
    await hosts.open(story.snippet, page=page, headers={"Content-Security-Policy": strict})
    line = f"connect-src {demo.server} {demo.server.replace('http', 'ws', 1)}"
    await expect_reason(page, hosts, line, shown=UNAVAILABLE, debug=UNAVAILABLE)
    await expect_link(page)
    tried = len([text for text in hosts.console if text.startswith(refused)])
    await page.clock.run_for(3_600_000)
    assert len([text for text in hosts.console if text.startswith(refused)]) == tried
    assert console_messages(hosts) == [
        f"The page’s Content-Security-Policy forbids it. Add: {line}"
    ]
    # The directive that the message named is sufficient.
    mended = strict.replace("img-src", "connect-src").replace(
        f"connect-src {demo.server} ws://localhost:{demo.port}", line
    )
    page = await hosts.open(story.snippet, headers={"Content-Security-Policy": mended})
    await reaction(page, "Happy").click()
    await expect_reaction(page, "Happy", 1, own=True)


@pytest.mark.parametrize("gone", ["**/v1/**", "**/{v1,embed}/**"])
async def test_an_unreachable_server_is_reported_once_and_retried_until_it_responds(
    gone: str, demo: Demo, hosts: Hosts
) -> None:
    hosts.expected += [*BROWSER_MESSAGES, EMBED_PREFIX]
    page = await hosts.page(await hosts.reader())
    await page.clock.install()
    await page.context.route(gone, lambda route: route.abort())
    await hosts.open(demo.story().snippet, page=page)
    await expect(page.get_by_text(UNAVAILABLE)).to_be_visible()
    await expect_link(page)
    if "embed" not in gone:
        await page.clock.run_for(5_000)
        why = f"{demo.server} does not answer."
        await expect_reason(page, hosts, why, shown=UNAVAILABLE, debug=UNAVAILABLE)
        await page.clock.run_for(600_000)
        assert console_messages(hosts) == [why]
    await page.context.unroute(gone)

    async def back() -> bool:
        await page.clock.run_for(10_000)
        return await reaction(page, "Happy").is_visible()

    await eventually(back, "the page retried successfully")
    await expect(page.get_by_text("cannot be loaded")).to_be_hidden()
