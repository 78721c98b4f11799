"""The embed in an iframe: `allow-scripts` only, hosts that limit the height, and the messages they read."""

from html import escape
from itertools import pairwise
from typing import Any

import pytest
from playwright.async_api import Frame, Page, expect

from tests.browser.actions import article, comment, expect_reaction, reaction, readers
from tests.browser.axe import axe_findings
from tests.browser.conftest import Demo, Hosts
from tests.browser.host_pages import SECRET, wordpress
from tests.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def inside(page: Page) -> Frame:
    """Return the iframe."""
    return page.frames[1]


async def heights(page: Page) -> list[int]:
    """Return the heights that WordPress received."""
    found: list[int] = await page.evaluate(
        "received.filter(({ message }) => message === 'height').map(({ value }) => value)"
    )
    return found


async def test_in_the_sandbox_of_wordpress_a_reader_reads_reacts_and_posts_live(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    page = await hosts.open(wordpress(story, story.token))
    frame = page.frame_locator("iframe")
    other = await hosts.open(story.snippet, site=1)
    await readers(other, 2)
    await reaction(frame, "Happy").click()
    await expect_reaction(frame, "Happy", 1, own=True)
    await expect_reaction(other, "Happy", 1, own=False)
    await reaction(other, "Sad").click()
    await expect_reaction(frame, "Sad", 1, own=False)
    await comment(frame, "From the sandbox", Name="Ana")
    await expect(article(frame, "From the sandbox")).to_be_focused()
    await other.get_by_role("button", name="1 new comment").click()
    await expect(article(other, "From the sandbox")).to_be_visible()
    assert await inside(page).evaluate("origin") == "null"


async def test_without_a_token_an_open_story_is_discussed_in_the_sandbox(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    page = await hosts.open(wordpress(story, story.code))
    frame = page.frame_locator("iframe")
    await reaction(frame, "Thinking").click()
    await expect_reaction(frame, "Thinking", 1, own=True)
    await comment(frame, "By code alone")
    await expect(article(frame, "By code alone")).to_be_focused()


async def test_the_iframe_is_as_high_as_its_content(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    page = await hosts.open(wordpress(story, story.token))
    frame = page.frame_locator("iframe")
    await reaction(frame, "Happy").wait_for()

    async def fits() -> bool:
        content, room = await inside(page).evaluate(
            "[document.body.getBoundingClientRect().height, innerHeight]"
        )
        return bool(200 < content <= room)

    await eventually(fits, "the host set the iframe's height to its content")
    before = await heights(page)
    await comment(frame, "line\n\n" * 3)
    await article(frame, "line").wait_for()
    await eventually(fits, "the iframe grew with its content")
    after = await heights(page)
    assert after[-1] > before[-1]
    assert all(one != two for one, two in pairwise(after))

    messages: list[Any] = await page.evaluate("received")
    assert {"message": "height", "value": after[-1], "secret": SECRET} in messages
    assert {"type": "story-widget:height", "height": after[-1], "code": story.code} in messages
    # Every embedding page receives this address: it contains the story's code and no token.
    src = f"{story.server}/e/{story.code}"
    assert f'{{"src":"{src}","context":"iframe.resize","height":{after[-1]}}}' in messages


async def test_an_iframe_stops_posting_heights_when_its_height_is_stable(
    demo: Demo, hosts: Hosts
) -> None:
    page = await hosts.open(wordpress(story := demo.story(), story.token))
    await reaction(page.frame_locator("iframe"), "Happy").wait_for()
    await readers(page.frame_locator("iframe"), 1)
    frames = "new Promise((done) => { let n = 30; const next = () => n-- ? requestAnimationFrame(next) : done(); next() })"
    await page.evaluate(frames)
    before = await heights(page)
    await page.evaluate(frames)
    assert await heights(page) == before


async def test_links_open_outside_of_the_iframe(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    writer = await hosts.open(story.snippet, site=1)
    await comment(writer, f"See [elsewhere](http://localhost:1/x) and [there]({story.link}).")
    await article(writer, "elsewhere").wait_for()
    address = f"{story.server}/e/{story.token}"
    page = await hosts.open(
        f'<iframe src="{address}" width="500" height="600" title="Discussion"></iframe>'
    )
    link = page.frame_locator("iframe").get_by_role("link", name="elsewhere")
    async with page.context.expect_page() as opened:
        await link.click()
    assert (await opened.value).url != ""
    assert inside(page).url == address

    page = await hosts.open(wordpress(story, story.token))
    await page.frame_locator("iframe").get_by_role("link", name="there").click()
    await page.wait_for_function("links.length === 1")
    assert await page.evaluate("links[0]") == story.link
    assert inside(page).url.startswith(address)


@pytest.mark.parametrize("width", [280, 600])
async def test_in_an_iframe_two_hundred_pixels_high_the_reactions_are_visible(
    width: int, demo: Demo, hosts: Hosts, photograph: Any
) -> None:
    story = demo.story()
    page = await hosts.open(
        f'<iframe src="{story.server}/e/{story.token}" width="{width}" height="200" '
        'title="Discussion"></iframe>'
    )
    frame = page.frame_locator("iframe")
    await reaction(frame, "Happy").wait_for()
    await photograph(page, f"frame-200-{width}")
    for name in ("Surprised", "Thinking", "Happy", "Sad", "Fired up"):
        await expect(reaction(frame, name)).to_have_accessible_name(name)
        bottom = await reaction(frame, name).evaluate(
            "button => button.getBoundingClientRect().bottom"
        )
        assert bottom <= 150
    await expect(frame.get_by_role("heading", name="No comments yet")).to_be_in_viewport()
    wide, room = await inside(page).evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert wide <= room


async def test_the_iframe_page_has_no_axe_findings_and_uses_the_readers_language(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    page = await hosts.page(await hosts.reader(locale="fr-FR"))
    await page.goto(f"{story.server}/e/{story.code}")
    await expect(page.get_by_role("heading", name="Aucun commentaire")).to_be_visible()
    assert await axe_findings(page) == []
    german = demo.story(lang="de")
    await page.goto(f"{story.server}/e/{german.token}")
    await expect(page.get_by_role("heading", name="Noch keine Kommentare")).to_be_visible()
    assert await page.evaluate("document.documentElement.lang") == "de"


async def test_only_the_tokens_origins_may_embed_the_iframe(demo: Demo, hosts: Hosts) -> None:
    hosts.expected += ["Framing 'http://localhost", "Refused to frame"]
    story = demo.story()
    closed = story.with_claims(origins=["https://elsewhere.example"])
    page = await hosts.open(
        f'<iframe src="{story.server}/e/{closed}" width="500" title="Discussion"></iframe>'
    )
    await expect(page.frame_locator("iframe").locator("story-widget")).to_have_count(0)
    assert any(text.startswith(tuple(hosts.expected)) for text in hosts.console)


async def test_in_a_sandbox_a_token_for_one_origin_is_rejected_and_the_console_says_why(
    demo: Demo, hosts: Hosts
) -> None:
    hosts.expected += ["Failed to load resource", "story-widget: "]
    story = demo.story()
    empty = await hosts.open("")
    own = story.with_claims(origins=[await empty.evaluate("origin")])
    page = await hosts.open(wordpress(story, own))
    frame = page.frame_locator("iframe")
    await eventually(
        lambda: any("token doesn’t cover this site" in text for text in hosts.console),
        "the console has the reason",
    )
    await expect(frame.locator("a.story-widget")).to_be_visible()
    await expect(reaction(frame, "Happy")).to_have_count(0)
    # Without a sandbox the same token is accepted.
    page = await hosts.open(
        f'<iframe src="{story.server}/e/{own}" width="500" height="600" title="Discussion"></iframe>'
    )
    await reaction(page.frame_locator("iframe"), "Happy").click()
    await expect_reaction(page.frame_locator("iframe"), "Happy", 1, own=True)


async def test_the_iframe_script_is_not_cached_forever(demo: Demo, hosts: Hosts) -> None:
    # Fetched, not opened as a page, for which a browser may request an icon.
    answer = await (await hosts.reader()).request.get(f"{demo.server}/embed/iframe.js")
    assert "immutable" not in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize("isolation", ["require-corp", "credentialless"])
@pytest.mark.parametrize("sandbox", ["", 'sandbox="allow-scripts"'])
async def test_a_cross_origin_isolated_page_may_embed_a_discussion(
    isolation: str, sandbox: str, demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    frame = f'<iframe {sandbox} src="{story.server}/e/{escape(story.token)}" height="900"></iframe>'
    page = await hosts.open(frame, headers={"Cross-Origin-Embedder-Policy": isolation})
    inner = page.frame_locator("iframe")
    await reaction(inner, "Happy").click()
    await expect_reaction(inner, "Happy", 1, own=True)
    await comment(inner, "Isolated")
    await expect(article(inner, "Isolated")).to_be_visible()
    # An error page can be embedded there, too.
    hosts.expected += ["Failed to load resource: the server responded with a status of 401"]
    await page.locator("iframe").evaluate(
        "(frame, src) => { frame.src = src }", f"{story.server}/e/w1.x"
    )
    await expect(
        inner.get_by_role("heading", name="This discussion cannot be shown")
    ).to_be_visible()


async def test_a_frame_whose_key_is_retired_only_reads_where_the_code_only_reads(
    demo: Demo, hosts: Hosts
) -> None:
    hosts.expected += ["story-widget: "]
    for setting, acts in (("off", False), ("on", True)):
        site = demo.site(f"framed-{setting}")
        demo.run("site", "set", site, f"open_republishing={setting}")
        story = demo.story(site)
        source = f"{story.server}/e/{story.token}"
        page = await hosts.open(f'<iframe src="{source}" width="700" height="900"></iframe>')
        frame = page.frame_locator("iframe")
        await reaction(frame, "Happy").click()
        await expect_reaction(frame, "Happy", 1, own=True)
        demo.run("site", "rotate-key", site)
        demo.run("site", "retire-keys", site)
        if acts:
            await eventually(lambda: any("code alone" in each for each in hosts.console), "lapsed")
            await reaction(frame, "Sad").click()
            await expect_reaction(frame, "Sad", 1, own=True)
        else:
            await frame.get_by_text("This discussion needs a token.").wait_for()
            await expect(frame.get_by_role("textbox")).to_have_count(0)
            await expect(reaction(frame, "Happy")).to_have_attribute("aria-disabled", "true")


async def test_without_javascript_the_links_of_the_frame_lead_out_of_it(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    page = await hosts.open(
        f'<iframe src="{story.server}/e/{story.token}" title="Discussion"></iframe>',
        java_script_enabled=False,
    )
    frame = page.frame_locator("iframe")
    async with page.expect_popup() as opened:
        await frame.get_by_role("link", name="React to and discuss").click()
    await expect((await opened.value).get_by_role("heading", level=1)).to_be_visible()
    credit = frame.locator(".credit").get_by_role("link")
    targets = await credit.evaluate_all("links => links.map(({ target }) => target)")
    assert targets == ["_blank"] * 4
