"""Which links and scripts of a page become a discussion, where it is inserted, and what happens to the link."""

import json
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.actions import expect_reaction, reaction
from tests.browser.conftest import Demo, Hosts, Story
from tests.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TEXT = "React to and discuss “Title”: one conversation on every site that runs it"
ORIGINAL = '“<a href="https://publisher.example/story">Title</a>” by Author, Publisher.'
CC = '<a href="https://creativecommons.org/licenses/by/4.0/">CC BY 4.0</a>. Changes: none.'
# Remainders of the snippet of docs/users/republishing.md after sanitizers: newest versions in November 2026, default settings.
KEPT = {
    "nh3": f'<blockquote cite="https://publisher.example/story">\n  <p><a href="{{link}}" rel="noopener noreferrer">'
    f"{TEXT}</a></p>\n  <p>{ORIGINAL}\n     {CC}</p>\n</blockquote>\n\n",
    "bleach": f'<blockquote>\n  &lt;p&gt;<a href="{{link}}">{TEXT}</a>&lt;/p&gt;\n  &lt;p&gt;{ORIGINAL}\n'
    f"     {CC}&lt;/p&gt;\n</blockquote>\n",
    "bleach, strip": f'<blockquote>\n  \n<a href="{{link}}">{TEXT}</a>\n  \n{ORIGINAL}\n     {CC}\n</blockquote>\n\n',
    "sanitize-html": f'<blockquote>\n  <p><a href="{{link}}">{TEXT}</a></p>\n  <p>{ORIGINAL}\n     {CC}</p>\n'
    "</blockquote>\n\n",
    "rehype-sanitize": f'<blockquote cite="https://publisher.example/story">\n  <p><a class="" href="{{link}}">{TEXT}'
    f"</a></p>\n  <p>{ORIGINAL}\n     {CC}</p>\n</blockquote>\n\n",
    "Turndown and marked": f'<blockquote>\n<p><a href="{{link}}">{TEXT}</a></p>\n<p>{ORIGINAL} {CC}</p>\n</blockquote>\n',
    "Quill": f'<blockquote><a href="{{link}}" rel="noopener noreferrer" target="_blank">'
    f"{TEXT.replace(' ', '&nbsp;')}</a></blockquote><blockquote>{ORIGINAL} {CC}</blockquote>",
    "Trix": f'<blockquote><a href="{{link}}"><br>{TEXT}<br></a><br><br>{ORIGINAL} {CC}<br><br></blockquote>'
    "<div><br></div>",
    # js-xss and CKEditor 5 leave the same as nh3 without `rel`; Wagtail and Editor.js remove the blockquote.
    "js-xss, CKEditor 5": f'<blockquote cite="https://publisher.example/story">\n  <p><a href="{{link}}">{TEXT}</a></p>'
    f"\n  <p>{ORIGINAL}\n     {CC}</p>\n</blockquote>\n",
    "Wagtail, Editor.js": f'<p><a href="{{link}}">{TEXT}</a></p><p>{ORIGINAL} {CC}</p>',
    "a pasted address": '<p><a href="{link}">{link}</a></p>',
}
OURS = "story-widget: "
CITED = '<blockquote cite="https://publisher.example/story">'


def bare(story: Story, text: str = "Discuss it", **attributes: str) -> str:
    """Return a plain link to the story's page."""
    more = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f'<a href="{story.link}"{more}>{text}</a>'


async def widgets(page: Page) -> list[str]:
    """Return the stories of the page's widgets in document order."""
    found: list[str] = await page.locator("story-widget").evaluate_all(
        "all => all.map((each) => each.getAttribute('src').split('/').at(-1))"
    )
    return found


@pytest.mark.parametrize("editor", KEPT)
async def test_without_its_class_a_link_alone_in_its_line_becomes_the_discussion(
    editor: str, demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    loader = KEPT[editor].replace("{link}", story.link)
    page = await hosts.open(f"<article>{loader}</article>{story.script}")
    await reaction(page, "Happy").click()
    await expect_reaction(page, "Happy", 1, own=True)
    await expect(page.locator(f"a[href='{story.link}']")).to_be_hidden()
    # The attribution stays in the blockquote, the comments are outside of it.
    await expect(page.locator("blockquote story-widget")).to_have_count(0)
    if editor != "a pasted address":
        await expect(page.get_by_text("by Author, Publisher.")).to_be_visible()


async def test_a_link_inside_a_sentence_stays_a_link(demo: Demo, hosts: Hosts) -> None:
    names = ("sentence", "list", "fragment", "reader", "off", "around", "editor", "short", "last")
    one = {name: demo.story() for name in names}
    body = (
        f"<p>Some of it is discussed {bare(one['sentence'], 'there')}, they say.</p>"
        f"<p>{bare(one['list'], 'Ferry')} · {bare(one['last'], 'Bus')}</p>"
        f"<p><a href='{one['fragment'].link}#c-abcdefABCDEF'>What Ana wrote</a></p>"
        f"<p>{bare(one['reader'], rel='nofollow ugc')}</p>"
        f"<p>{bare(one['off'], **{'data-story-widget': 'off'})}</p>"
        f'<aside data-story-widget="off"><p>{bare(one["around"])}</p>{one["around"].anchor}</aside>'
        f'<div contenteditable="true">{one["editor"].anchor}</div>'
        f"<p><a href='{demo.server}/s/about'>About</a></p>"
        f"<p><a href='https://elsewhere.example/s/{one['short'].code}'>Another server's</a></p>"
        f"<p>{bare(one['last'])}</p>"
    )
    page = await hosts.open(body + one["last"].script)
    await reaction(page, "Happy").wait_for()
    assert await widgets(page) == [one["last"].code]
    await expect(page.locator("main a:not([data-story-widget=off] *)").first).to_be_visible()


async def test_the_first_of_several_bare_links_to_a_story_becomes_the_discussion(
    demo: Demo, hosts: Hosts
) -> None:
    one, two = demo.story(), demo.story()
    twice = f"<p>{bare(one, 'First')}</p><p>Text.</p><p>{bare(one, 'Second')}</p>"
    page = await hosts.open(f"{twice}{two.anchor}<p>{bare(two, 'By name')}</p>{one.script}")
    await expect(reaction(page, "Happy")).to_have_count(2)
    assert await widgets(page) == [one.code, two.code]
    await expect(page.get_by_role("link", name="First")).to_have_count(0)
    await expect(page.get_by_role("link", name="Second")).to_be_visible()
    await expect(page.get_by_role("link", name="By name")).to_be_visible()


async def test_a_link_with_a_rewritten_address_names_its_story_in_data_story(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    away = f'href="https://out.example/?u={story.code}" data-story="{story.code}"'
    page = await hosts.open(
        f'<p>Go on: <a {away} data-widget-token="{story.token}">talk</a></p>'
        f'<p><a href="/news" data-story="17">News</a></p>{story.script}'
    )
    await reaction(page, "Happy").click()
    await expect_reaction(page, "Happy", 1, own=True)
    await expect(page.get_by_role("link", name="News")).to_be_visible()


async def test_upgrade_handles_links_in_an_open_shadow_root_now_and_later(
    demo: Demo, hosts: Hosts
) -> None:
    one, two = demo.story(), demo.story()
    page = await hosts.open(f'<div id="host"></div>{one.script}')
    await page.wait_for_function("'StoryWidget' in window")
    await page.evaluate(
        "html => { const root = host.attachShadow({ mode: 'open' }); root.innerHTML = html;"
        " StoryWidget.upgrade(root) }",
        f"<p>{bare(one)}</p>",
    )
    await reaction(page, "Happy").click()
    await expect_reaction(page, "Happy", 1, own=True)
    await page.evaluate("html => { host.shadowRoot.innerHTML = html }", two.anchor)
    await expect_reaction(page, "Happy", 0, own=False)
    await expect(page.locator("story-widget")).to_have_count(1)


NESTED = f"""<style>
  blockquote {{ color: #777; padding-left: 3em; font-size: 2em; text-align: center; letter-spacing: .3em; font-style: italic; line-height: 3 }}
</style><div id="app">{CITED}{CITED}<p>SNIPPET</p></blockquote><p>The attribution.</p></blockquote><p>rest</p></div>"""


async def test_the_discussion_is_inserted_outside_of_the_blockquote(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    link = (
        f'<a class="story-widget" href="{story.link}" data-widget-token="{story.token}">Discuss</a>'
    )
    page = await hosts.open(NESTED.replace("SNIPPET", link) + story.script)
    await reaction(page, "Happy").wait_for()
    assert await page.evaluate("[...app.children].map(({ localName }) => localName)") == [
        *("blockquote", "story-widget", "p")
    ]
    await expect(page.locator("blockquote blockquote a")).to_be_hidden()
    await expect(page.get_by_role("blockquote").first).to_contain_text("The attribution.")
    # The widget is outside of any other element around the link, whose text styles must not apply.
    loose = "letter-spacing: .3em; text-align: center; font-style: italic"
    other = await hosts.open(f'<div style="{loose}">{link}</div>{story.script}')
    await reaction(other, "Happy").wait_for()
    how = (
        "widget => { const { letterSpacing, textAlign, fontStyle } ="
        " getComputedStyle(widget.shadowRoot.querySelector('.count'));"
        " return [letterSpacing, textAlign, fontStyle] }"
    )
    for each in (page, other):
        found: list[Any] = await each.locator("story-widget").evaluate(how)
        assert found == ["normal", "start", "normal"]


async def test_the_link_of_a_framework_is_not_moved(demo: Demo, hosts: Hosts) -> None:
    one, two = demo.story(), demo.story()
    page = await hosts.open(
        '<div id="app"><h2>0</h2><a class="story-widget" id="link"'
        f' href="{one.link}" data-widget-token="{one.token}">Talk</a><p>rest</p></div>{one.script}'
    )
    await reaction(page, "Happy").click()
    await expect_reaction(page, "Happy", 1, own=True)
    await expect(page.locator("#link")).to_be_hidden()
    # Change the page as React does: insert an element before the link, remove the link, insert it again.
    await page.evaluate("app.insertBefore(document.createElement('b'), link)")
    await page.evaluate("window.old = link; app.removeChild(link)")
    await expect(page.locator("story-widget")).to_have_count(0)
    await expect(page.get_by_text("rest")).to_be_visible()
    await page.evaluate("app.insertBefore(old, app.lastElementChild)")
    await expect_reaction(page, "Happy", 1, own=True)
    await expect(page.locator("story-widget")).to_have_count(1)
    # The same element with another story, as a router without keys does it.
    await page.evaluate(
        "([href, token]) => { link.href = href; link.dataset.widgetToken = token }",
        [two.link, two.token],
    )
    await expect_reaction(page, "Happy", 0, own=False)
    await expect(page.locator("story-widget")).to_have_count(1)
    # A widget removed by the page is not inserted again, and its link is visible.
    await page.locator("story-widget").evaluate("widget => widget.remove()")
    await expect(page.get_by_role("link", name="Talk")).to_be_visible()
    await expect(page.locator("story-widget")).to_have_count(0)


async def test_a_rejected_copy_shows_its_link_again(demo: Demo, hosts: Hosts) -> None:
    hosts.expected += ["Failed to load resource", "story-widget: "]
    story = demo.story()
    page = await hosts.open(story.snippet)
    await reaction(page, "Happy").wait_for()
    link = page.locator("a.story-widget")
    await expect(link).to_be_hidden()
    await page.locator("story-widget").evaluate(
        "widget => widget.setAttribute('src', new URL('/s/000000000000', widget.getAttribute('src')).href)"
    )
    await expect(link).to_be_visible()
    await expect(reaction(page, "Happy")).to_have_count(0)


async def test_a_rejected_copy_is_not_shown_again(demo: Demo, hosts: Hosts) -> None:
    hosts.expected += [OURS]
    story = demo.story()
    elsewhere = story.with_claims(origins=["https://elsewhere.example"])
    page = await hosts.page(await hosts.reader())
    await page.clock.install()
    await page.add_init_script(
        "window.received = [];"
        "for (const type of ['ready', 'error'])"
        "  addEventListener('story-widget:' + type, () => received.push(type))"
    )
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    await hosts.open(story.snippet.replace(story.token, elsewhere), page=page)
    why = "token doesn’t cover this site"
    await eventually(lambda: why in "".join(hosts.console), "the console has the reason")
    await page.clock.run_for(60_000)
    # The reply to the page's first request may have arrived before the rejection.
    assert (await page.evaluate("received"))[-1] == "error"
    assert not [url for url in requests if "?since=" in url]
    await expect(reaction(page, "Happy")).to_have_count(0)


async def test_nothing_is_inserted_into_a_page_before_it_has_loaded(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    head = (
        "<script>new MutationObserver(() => { if (document.querySelector('story-widget'))"
        " window.state ??= document.readyState }).observe(document, { childList: true, subtree: true });"
        " addEventListener('DOMContentLoaded', () => { window.html = app.outerHTML });"
        " addEventListener('load', () => { window.same = window.html === app.outerHTML })</script>"
    )
    page = await hosts.open(f'<div id="app">{story.anchor}</div>{story.script}', head=head)
    await reaction(page, "Happy").wait_for()
    assert await page.evaluate("[window.state, window.same]") == ["complete", True]


async def test_adjacent_links_and_scripts_of_one_story_make_one_discussion(
    demo: Demo, hosts: Hosts
) -> None:
    one, two, three = demo.story(), demo.story(), demo.story()

    def script(story: Story) -> str:
        return story.script.replace(
            " async", f' async data-story="{story.code}" data-widget-token="{story.token}"'
        )

    page = await hosts.open(
        one.snippet * 2
        + "<p>Text.</p>"
        + two.anchor
        + f"<p>{script(two)}</p>"
        + "<p>Text.</p>"
        + script(three) * 2
        + three.anchor
        + "<p>And once more, on purpose:</p>"
        + one.anchor,
        viewport={"width": 900, "height": 3_000},
    )
    await expect(reaction(page, "Happy")).to_have_count(4)
    assert await widgets(page) == [each.code for each in (one, two, three, one)]
    await expect(page.locator("a.story-widget:visible")).to_have_count(0)


@pytest.mark.parametrize("place", ["head", "hidden"])
async def test_a_script_in_a_hidden_place_logs_a_message_for_the_owner(
    place: str, demo: Demo, hosts: Hosts
) -> None:
    hosts.expected += ["story-widget: "]
    story = demo.story()
    page = await hosts.open('<div id="tags" style="display: none"></div>')
    # As a tag manager inserts it.
    await page.evaluate(
        "([parent, src, code]) => { const script = document.createElement('script'); script.async = true;"
        " script.src = src; script.dataset.story = code; document.querySelector(parent).append(script) }",
        ["head" if place == "head" else "#tags", f"{demo.server}/embed.js", story.code],
    )
    async with page.expect_console_message() as message:
        pass
    text = (await message.value).text
    assert "The <script> with data-story is in <head> or in a hidden element." in text
    assert f'<story-widget src="{story.link}"></story-widget>' in text
    assert await page.locator("head story-widget").count() == 0


async def test_a_script_type_that_no_browser_runs_is_ignored(demo: Demo, hosts: Hosts) -> None:
    one, last = demo.story(), demo.story()
    dead = "".join(
        one.script.replace(" async", f' {how} data-story="{one.code}"')
        for how in ('type="text/plain"', "nomodule", 'type="text/rocketscript"')
    )
    page = await hosts.open(
        f"{dead}<template>{one.snippet}</template><div id='app'></div><p>{bare(last)}</p>{last.script}"
    )
    await reaction(page, "Happy").wait_for()
    assert await widgets(page) == [last.code]
    # In XHTML, and in pages created by a script, a noscript contains elements.
    await page.evaluate(
        "html => { const it = document.createElement('noscript'); app.append(it);"
        " it.append(document.createRange().createContextualFragment(html)) }",
        one.anchor,
    )
    await page.evaluate(
        "html => { app.insertAdjacentHTML('beforeend', html) }", last.anchor + "<p>Text.</p>"
    )
    await expect(reaction(page, "Happy")).to_have_count(2)
    assert await widgets(page) == [last.code, last.code]


async def test_a_hash_router_never_navigates(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    base = '<base href="/elsewhere/">'
    routed = (
        "<script>window.seen = []; addEventListener('hashchange', () => seen.push(location.hash));"
        " addEventListener('popstate', () => seen.push('popstate'))</script>"
    )
    page = await hosts.open(story.snippet, head=base + routed)
    await page.get_by_role("textbox", name="Your comment").fill("Said here")
    await page.get_by_role("button", name="Post", exact=True).click()
    time = page.get_by_role("article").get_by_role("link").first
    address = page.url
    href = str(await time.get_attribute("href"))
    assert href.startswith(f"{address}#c-")
    # By pointer and by key: the comment is focused, the address names it, no router event fires.
    await time.click()
    await expect(page.get_by_role("article")).to_be_focused()
    await page.wait_for_url(href)
    await page.evaluate(
        "history.replaceState({ page: 1 }, '', location.href.split('#')[0] + '#/story/1')"
    )
    await time.press("Enter")
    await expect(page.get_by_role("article")).to_be_focused()
    assert page.url == f"{address}#/story/1"
    assert await page.evaluate("[seen, history.state]") == [[], {"page": 1}]
    # In a new tab it is a normal link.
    async with page.context.expect_page() as opened:
        await time.click(modifiers=["ControlOrMeta"])
    assert (await opened.value).url in (href, "about:blank")
    await page.get_by_role("button", name="Share", exact=True).click()
    mail = await page.get_by_role("link", name="Email").get_attribute("href")
    assert "%23%2Fstory%2F1" in str(mail)
    # A fragment that only looks like a comment's belongs to the page.
    await page.evaluate("location.hash = '#c-17'")
    await page.evaluate(f"location.hash = {json.dumps('#c-' + 'x' * 13)}")
    await time.click()
    assert page.url == f"{address}#c-{'x' * 13}"
    await expect(page.get_by_text("This comment was removed.")).to_have_count(0)


async def test_a_page_that_changes_continuously_is_scanned_at_intervals(
    demo: Demo, hosts: Hosts
) -> None:
    mentions = "".join(
        f'<p>Read <a href="{demo.server}/s/{number:012d}">this</a> first.</p>'
        for number in range(100)
    )
    story = demo.story()
    page = await hosts.page(await hosts.reader())
    # Reading `innerText` forces a layout.
    await page.add_init_script(
        "window.asked = 0;"
        "const { get } = Object.getOwnPropertyDescriptor(HTMLElement.prototype, 'innerText');"
        "Object.defineProperty(HTMLElement.prototype, 'innerText', {"
        "  get() { asked++; return get.call(this) } })"
    )
    await hosts.open(mentions + f'<p id="last">See {bare(story)}</p>' + story.script, page=page)

    async def decided() -> bool:
        return bool(await page.evaluate("asked"))

    await eventually(decided, "all links are decided on")
    await page.evaluate(
        """async () => {
          for (let i = 0; i < 300; i++) {
            document.querySelector("main").append(document.createElement("i"));
            await new Promise((resolve) => {
              const { port1, port2 } = new MessageChannel();
              port1.onmessage = resolve;
              port2.postMessage(0);
            });
          }
        }"""
    )
    assert await page.evaluate("asked") < 300 * 100 / 4
    # A link inserted meanwhile is found later.
    await page.evaluate("last.firstChild.remove(); last.scrollIntoView()")
    await reaction(page, "Happy").wait_for()
    assert await widgets(page) == [story.code]
