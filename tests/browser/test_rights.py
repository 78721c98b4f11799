"""Signed-in readers, permissions, and how an open page receives changes of both."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import Page, WebSocketRoute, expect

from tests.browser.actions import article, comment, expect_reaction, reaction
from tests.browser.conftest import Demo, Hosts, Story
from tests.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

EMBED_PREFIX = "story-widget: "
LISTEN = """() => {
  window.received = [];
  addEventListener("story-widget:identity", (event) => received.push(event.detail));
}"""


def snippet_with_identity(story: Story, identity: str) -> str:
    """Return the snippet with an identity token."""
    return story.snippet.replace(
        "data-widget-token", f'data-identity="{identity}" data-widget-token'
    )


async def page_with_identity_listener(hosts: Hosts) -> Page:
    """Open a page that records requests for a new identity token."""
    page = await hosts.page(await hosts.reader())
    await page.add_init_script(f"({LISTEN})()")
    return page


@pytest.mark.parametrize("wrong", ["used", "expired", "garbage"])
async def test_a_rejected_identity_token_keeps_the_discussion_and_requests_a_new_token(
    wrong: str, demo: Demo, hosts: Hosts
) -> None:
    hosts.expected += [EMBED_PREFIX]
    story = demo.story()
    good = demo.identity("user-1", "Vera Holm")
    if wrong == "used":
        first = await hosts.open(snippet_with_identity(story, good))
        await comment(first, "By someone else, with the same token.")
        await expect(article(first, "By someone else")).to_contain_text("Vera Holm")
    identity = {
        "used": good,
        "expired": demo.identity("user-1", "Vera Holm", iat=1_700_000_000, exp=1_700_000_300),
        "garbage": "i1.nonsense",
    }[wrong]
    code = "token_expired" if wrong == "expired" else "token_invalid"
    page = await page_with_identity_listener(hosts)
    sent: list[str] = []
    page.on(
        "websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(str(frame)))
    )
    await hosts.open(snippet_with_identity(story, identity), page=page)
    await reaction(page, "Happy").click()
    await expect_reaction(page, "Happy", 1, own=True)
    received: Any = await eventually(
        lambda: page.evaluate("received"), "the page receives the event"
    )
    assert received == [{"story": story.code, "code": code}]
    (message,) = (text for text in hosts.console if text.startswith(EMBED_PREFIX))
    assert "identity token" in message
    assert message.endswith(f"({code})")
    # A new token signs in without a reload and without changing the draft.
    box = page.get_by_role("textbox", name="Your comment")
    await box.fill("Half a sentence")
    await page.locator("story-widget").evaluate(
        "(widget, identity) => widget.setAttribute('identity', identity)",
        demo.identity("user-1", "Vera Holm"),
    )
    await eventually(lambda: len([one for one in sent if "subscribe" in one]) == 2, "it is sent")
    await expect(box).to_have_value("Half a sentence")
    await eventually(lambda: is_signed_in(page), "the reader is signed in")
    await page.get_by_role("button", name="Post", exact=True).click()
    await expect(article(page, "Half a sentence")).to_contain_text("Vera Holm")
    await expect(page.get_by_role("img", name="signed in").first).to_be_visible()
    # After a reconnect the token is not sent again.
    await page.evaluate("dispatchEvent(new Event('pagehide'))")
    await page.evaluate("dispatchEvent(new Event('pageshow'))")
    await eventually(
        lambda: len([one for one in sent if "subscribe" in one]) == 3,
        "the socket has subscribed again",
    )
    assert "identity" not in [one for one in sent if "subscribe" in one][-1]
    assert await page.evaluate("received.length") == 1


async def test_an_action_before_the_socket_is_open_is_signed_in(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    page = await hosts.page(await hosts.reader())
    held: list[Callable[[], None]] = []
    slow = True

    def listen(route: WebSocketRoute) -> None:
        server = route.connect_to_server()

        def pass_on(frame: str | bytes) -> None:
            if slow:
                held.append(lambda: server.send(frame))
            else:
                server.send(frame)

        route.on_message(pass_on)

    await page.route_web_socket("**/v1/live", listen)
    await hosts.open(snippet_with_identity(story, demo.identity("user-2", "Nora Lund")), page=page)
    await eventually(lambda: held, "the identity is shown")
    await comment(page, "At once")
    await expect(page.get_by_role("button", name="Posting…")).to_be_visible()
    slow = False
    for release in held:
        release()
    await expect(article(page, "At once")).to_contain_text("Nora Lund")


async def is_signed_in(page: Page) -> bool:
    """Whether the page's storage holds the token of a signed-in reader."""
    claims: Any = await page.evaluate(
        """() => {
          const key = Object.keys(localStorage).find((each) => each.startsWith("story-widget"));
          const { reader } = JSON.parse(localStorage[key] ?? "{}");
          return JSON.parse(atob((reader ?? "..." ).split(".")[3] || btoa("{}")));
        }"""
    )
    return "sub" in claims


async def test_a_signed_name_is_distinguished_from_a_typed_one(
    demo: Demo, hosts: Hosts, photograph: Any
) -> None:
    story = demo.story()
    page = await hosts.open(snippet_with_identity(story, demo.identity("user-3", "Vera Holm")))
    await comment(page, "It is me.")
    await expect(article(page, "It is me.").get_by_role("img", name="signed in")).to_be_visible()
    other = await hosts.open(story.snippet, site=1)
    await comment(other, "No, me.", name="Vera Holm")
    await expect(article(other, "No, me.")).to_contain_text("Vera Holm")
    await expect(article(other, "It is me.").get_by_role("img", name="signed in")).to_be_visible()
    await expect(article(other, "No, me.").get_by_role("img")).to_have_count(0)
    await photograph(other, "vouched")
    own = await hosts.page(await hosts.reader())
    await own.goto(story.link)
    await expect(article(own, "It is me.").get_by_role("img", name="signed in")).to_be_visible()
    await expect(article(own, "No, me.").get_by_role("img")).to_have_count(0)
    await photograph(own, "vouched-page")


async def expect_read_only(page: Page, why: str) -> None:
    """Check that the reason is shown and no action is offered."""
    await expect(page.get_by_text(f"Comments are read-only on this site. {why}")).to_be_visible()
    await expect(reaction(page, "Happy")).to_have_attribute("aria-disabled", "true")
    await expect(page.get_by_role("textbox")).to_have_count(0)


async def expect_rejected(page: Page, why: str) -> None:
    """Check that the page's owner finds the reason on the page in debug mode."""
    await page.goto(page.url + "?story-widget=debug")
    await expect(page.get_by_text("The discussion cannot be shown here.")).to_be_visible()
    await expect(page.get_by_text(why)).to_be_visible()
    await expect(reaction(page, "Happy")).to_have_count(0)


async def test_an_open_page_whose_token_is_revoked_is_read_only_and_keeps_its_draft(
    demo: Demo, hosts: Hosts
) -> None:
    hosts.expected += [EMBED_PREFIX]
    site = demo.site("withdrawing")
    story = demo.story(site, jti="to-go")
    page = await hosts.open(story.snippet)
    await comment(page, "While I may.")
    await expect(article(page, "While I may.")).to_be_visible()
    await page.get_by_role("textbox", name="Your comment").fill("Half a sentence")
    demo.run("site", "revoke", site, "to-go")
    await expect_read_only(page, "The publisher has withdrawn the snippet’s token.")
    await expect(article(page, "While I may.")).to_be_visible()
    assert await page.evaluate("JSON.stringify(localStorage).includes('Half a sentence')")
    # The same copy without its token: the code alone is allowed unless the origin is blocked.
    bare = story.snippet.replace(f' data-widget-token="{story.token}"', "")
    again = await hosts.open(bare)
    await reaction(again, "Happy").click()
    await expect_reaction(again, "Happy", 1, own=True)
    origin = await again.evaluate("origin")
    demo.run("site", "shut-out", site, origin)
    await expect_read_only(again, f"The snippet’s token doesn’t cover this site ({origin}).")
    hosts.expected.append("Failed to load resource")
    shut = await hosts.open(bare)
    await expect_rejected(shut, f"The snippet’s token doesn’t cover this site ({origin}).")
    demo.run("site", "readmit", site, origin)


async def test_an_open_page_whose_key_is_retired_continues_with_the_code_and_logs_it(
    demo: Demo, hosts: Hosts
) -> None:
    hosts.expected += [EMBED_PREFIX]
    site = demo.site("retiring")
    story = demo.story(site)
    page = await hosts.open(story.snippet)
    await reaction(page, "Happy").click()
    await expect_reaction(page, "Happy", 1, own=True)
    demo.run("site", "rotate-key", site)
    demo.run("site", "retire-keys", site)

    def messages() -> list[str]:
        return [text for text in hosts.console if text.startswith(EMBED_PREFIX)]

    await eventually(messages, "the console shows the message")
    assert messages() == [
        f"{EMBED_PREFIX}The snippet’s token is invalid. Copy the snippet again, whole and unchanged. "
        "The discussion goes on with the story’s code alone."
    ]
    await reaction(page, "Sad").click()
    await expect_reaction(page, "Sad", 1, own=True)
    await comment(page, "It goes on.")
    await expect(article(page, "It goes on.")).to_be_visible()


async def test_settings_reach_an_open_page_without_a_reload(demo: Demo, hosts: Hosts) -> None:
    hosts.expected += [EMBED_PREFIX, "Failed to load resource"]
    site = demo.site("changing")
    story = demo.story(site)
    bare = story.snippet.replace(f' data-widget-token="{story.token}"', "")
    page = await hosts.open(bare)
    await reaction(page, "Happy").click()
    await expect_reaction(page, "Happy", 1, own=True)
    demo.run("site", "set", site, "open_republishing=off")
    await expect_read_only(page, "This discussion needs a token.")
    demo.run("site", "set", site, "open_republishing=on")
    await expect(page.get_by_role("textbox", name="Your comment")).to_be_visible()
    await reaction(page, "Sad").click()
    await expect_reaction(page, "Sad", 1, own=True)
    demo.run("site", "set", site, "open_reading=off")
    await expect(reaction(page, "Happy")).to_have_count(0)
    await expect_rejected(page, "This discussion needs a token.")


async def test_with_blocked_sockets_a_rejected_action_makes_the_page_read_only(
    demo: Demo, hosts: Hosts
) -> None:
    hosts.expected += [EMBED_PREFIX, "Failed to load resource"]
    site = demo.site("withdrawing-by-post")
    story = demo.story(site, jti="to-go")
    page = await hosts.page(await hosts.reader())
    await page.add_init_script("WebSocket = class { constructor() { throw new Error() } }")
    await hosts.open(story.snippet, page=page)
    await reaction(page, "Happy").click()
    await expect_reaction(page, "Happy", 1, own=True)
    demo.run("site", "revoke", site, "to-go")
    await reaction(page, "Sad").click()
    await expect_read_only(page, "The publisher has withdrawn the snippet’s token.")
    await expect_reaction(page, "Happy", 1, own=True)
