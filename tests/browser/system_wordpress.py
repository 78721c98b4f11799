"""Recipes of docs/users/republishing.md in a running WordPress: `make cms-tests`."""

import re
from collections.abc import Iterator

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Demo, Hosts
from tests.browser.paste_results import (
    DISCUSSION,
    FRAME,
    LINK,
    WAYS,
    Record,
    Seen,
    look,
)
from tests.browser.publishing import PASSWORD, WordPress, mariadb, picture, wordpress
from tests.browser.republishing_guide import (
    BYLINE,
    TITLE,
    expect_comments,
    expect_discussion,
    frame,
    recipe,
    snippet,
)
from tests.waiting import SLOWNESS

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TEXT = "Every weekday at six the last ferry leaves with four hundred books on board."
TEMPLATE = "templates/twentytwentythree//single"


@pytest.fixture(scope="module")
def site(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WordPress]:
    """One WordPress for all tests. Each test writes its own stories."""
    with (
        mariadb(tmp_path_factory.mktemp("db")) as database,
        wordpress(tmp_path_factory.mktemp("wp"), database) as found,
    ):
        found.may_ask(demo.port)
        yield found


async def inside(hosts: Hosts, site: WordPress, name: str = "admin") -> Page:
    """Return a page of a logged-in user. WordPress's own pages may write to the console."""
    context = await hosts.reader(viewport={"width": 1000, "height": 800})
    context.set_default_timeout(60_000 * SLOWNESS)
    page = await context.new_page()
    await site.enter(page, name)
    return page


async def member(hosts: Hosts, site: WordPress, name: str, role: str) -> Page:
    """Return a page of a new person with this role. Only administrators and editors may write any HTML."""
    admin = await inside(hosts, site)
    await site.ask(
        admin.context,
        "POST",
        "users",
        username=name,
        email=f"{name}@example.com",
        password=PASSWORD,
        roles=[role],
    )
    return await inside(hosts, site, name)


async def write(page: Page, site: WordPress, html: str) -> None:
    """Write a story in the block editor with this Custom HTML block at its end."""
    await page.goto(f"{site.address}/wp-admin/post-new.php")
    await page.get_by_role("button", name="Close dialog").click()
    title = page.get_by_role("textbox", name="Add title")
    await title.fill(TITLE)
    await title.press("Enter")
    await page.keyboard.type(TEXT)
    await page.keyboard.press("Enter")
    await page.keyboard.type("/html")
    await page.get_by_role("option", name="Custom HTML").click()
    await page.get_by_role("textbox", name="HTML").fill(html)


async def publish(page: Page) -> str:
    """Publish the story in the editor and return its address."""
    await page.get_by_role("button", name="Publish", exact=True).click()
    panel = page.get_by_label("Editor publish")
    await panel.get_by_role("button", name="Publish", exact=True).click()
    link = panel.get_by_role("link", name="View Post")
    await link.wait_for()
    return str(await link.get_attribute("href"))


async def reading(hosts: Hosts, address: str) -> Page:
    """Open this address as a new reader."""
    page = await hosts.page(await hosts.reader())
    await page.goto(address)
    return page


async def test_an_administrator_pastes_the_snippet_and_readers_comment(
    demo: Demo, hosts: Hosts, site: WordPress
) -> None:
    story = demo.story(title=TITLE)
    editor = await inside(hosts, site)
    await write(editor, site, snippet(story))
    await picture(editor, "wordpress-editor", 720, 660)
    address = await publish(editor)
    page = await reading(hosts, address)
    await expect_comments(page)
    await picture(page, "wordpress-story", 900, 900)


async def test_an_author_keeps_everything_but_the_script(
    demo: Demo, hosts: Hosts, site: WordPress
) -> None:
    story = demo.story(title=TITLE)
    editor = await member(hosts, site, "ana", "author")
    await write(editor, site, snippet(story))
    address = await publish(editor)
    [saved] = await site.ask(editor.context, "GET", "posts&context=edit&per_page=1")
    kept = saved["content"]["raw"].partition("<!-- wp:html -->")[2].partition("<!-- /wp:html")[0]
    wanted = re.sub(r"<script.*?</script>\n?", "", snippet(story))
    assert "".join(kept.split()) == "".join(wanted.split())
    page = await reading(hosts, address)
    link = page.get_by_role("link", name=f"React to and discuss “{TITLE}”")
    await expect(link).to_have_attribute("href", story.link)
    await expect(page.get_by_text(f"by {BYLINE}.")).to_be_visible()

    framed = await site.ask(editor.context, "POST", "posts", content=frame(story), status="publish")
    assert "<iframe" not in framed["content"]["rendered"]
    assert f'<a href="{story.link}">Discussion of' in framed["content"]["rendered"]

    # The administrator adds the script once, to the theme's template of a single story.
    admin = (await inside(hosts, site)).context
    template = await site.ask(admin, "GET", f"{TEMPLATE}&context=edit")
    script = f"<!-- wp:html -->\n{story.script}\n<!-- /wp:html -->\n"
    whole = template["content"]["raw"] + script
    await site.ask(admin, "POST", TEMPLATE, content=whole)
    try:
        await expect_discussion(await reading(hosts, address))
    finally:
        await site.ask(admin, "POST", TEMPLATE, content=template["content"]["raw"])


async def test_a_classic_theme_adds_the_script_to_the_snippets_of_authors(
    demo: Demo, hosts: Hosts, site: WordPress
) -> None:
    story = demo.story(title=TITLE)
    editor = await member(hosts, site, "jonas", "author")
    # Without blocks, as the classic editor saves it: empty lines separate paragraphs.
    content = f"{TEXT}\n\n{snippet(story)}"
    saved = await site.ask(editor.context, "POST", "posts", content=content, status="publish")
    assert "<script" not in saved["content"]["rendered"]
    theme = "twentytwentyone"
    functions = site.folder / "wp-content" / "themes" / theme / "functions.php"
    before = functions.read_text()
    plugin = site.folder / "wp-content" / "mu-plugins" / "classic.php"
    plugin.write_text(
        f"<?php foreach (['template', 'stylesheet'] as $option) add_filter(\"option_$option\", fn () => '{theme}');"
    )
    functions.write_text(
        before + recipe("WordPress", "php").replace("https://widgets.example", story.server)
    )
    try:
        page = await reading(hosts, saved["link"])
        await expect(page.locator("body")).to_contain_class("wp-embed-responsive")
        await expect_discussion(page)
    finally:
        functions.write_text(before)
        plugin.unlink()


async def test_the_iframe_and_the_classic_editor_keep_the_snippet_of_an_administrator(
    demo: Demo, hosts: Hosts, site: WordPress
) -> None:
    admin = (await inside(hosts, site)).context
    story = demo.story(title=TITLE)
    classic = await site.ask(
        admin, "POST", "posts", content=f"{TEXT}\n\n{snippet(story)}", status="publish"
    )
    await expect_discussion(await reading(hosts, classic["link"]))
    block = f"<!-- wp:html -->\n{frame(demo.story(title=TITLE))}\n<!-- /wp:html -->"
    framed = await site.ask(admin, "POST", "posts", content=block, status="publish")
    page = await reading(hosts, framed["link"])
    place = page.frame_locator("iframe")
    await place.get_by_role("button", name="Happy").click()
    await expect(place.get_by_role("button", name="Happy")).to_have_accessible_name("Happy 1")


# What readers find -------------------------------------------------------------------------------------

SCRIPT = "<?php add_action('wp_footer', fn () => print('{script}'));"
"""A theme that loads the script once."""


async def pasted(
    demo: Demo, hosts: Hosts, site: WordPress, record: Record, role: str
) -> dict[str, Seen]:
    """Let a person of this role paste each form; return what readers find in the published stories."""
    admin = (await inside(hosts, site)).context
    person = admin
    if role != "administrator":
        person = (await member(hosts, site, f"new-{role}", role)).context
    found = {}
    theme = site.folder / "wp-content" / "mu-plugins" / "theme.php"
    for kind in WAYS:
        story = demo.story(title=TITLE)
        html = frame(story) if kind == "iframe" else snippet(story)
        block = f"<!-- wp:html -->\n{html}\n<!-- /wp:html -->"
        sent = f"{TEXT}\n\n{story.link}\n" if kind == "address" else block
        saved = await site.ask(person, "POST", "posts", content=sent, status="pending")
        path = f"posts/{saved['id']}"
        address = (await site.ask(admin, "POST", path, status="publish"))["link"]
        if kind == "theme":
            theme.write_text(SCRIPT.replace("{script}", story.script))
        try:
            page = await reading(hosts, address)
            if kind == "address":
                # WordPress shows the frame when it has sent its height.
                await expect(page.locator("iframe.wp-embedded-content")).to_be_visible()
            elif (role == "administrator" and kind != "iframe") or kind == "theme":
                await expect(page.locator("story-widget")).to_be_attached()
            found[kind] = await look(page, story)
        finally:
            theme.unlink(missing_ok=True)
        record(f"WordPress {site.version}", role, kind, found[kind])
    return found


async def test_of_an_administrator_everything_becomes_the_discussion(
    demo: Demo, hosts: Hosts, site: WordPress, record: Record
) -> None:
    assert await pasted(demo, hosts, site, record, "administrator") == {
        "snippet": Seen(DISCUSSION, credit=True),
        "theme": Seen(DISCUSSION, credit=True),
        "iframe": Seen(FRAME, credit=True),
        "address": Seen(FRAME, credit=True),
    }


@pytest.mark.parametrize("role", ["author", "contributor"])
async def test_of_others_link_and_credit_remain_and_the_address_becomes_the_frame(
    role: str, demo: Demo, hosts: Hosts, site: WordPress, record: Record
) -> None:
    assert await pasted(demo, hosts, site, record, role) == {
        "snippet": Seen(LINK, credit=True),
        "theme": Seen(DISCUSSION, credit=True),
        "iframe": Seen(LINK, credit=True),
        "address": Seen(FRAME, credit=True),
    }
