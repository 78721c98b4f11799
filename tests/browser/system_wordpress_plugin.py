"""The plugin of docs/users/wordpress in a running WordPress, single and as a multisite: `make cms-tests`."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.browser.actions import article, comment, expect_reaction, reaction
from tests.browser.conftest import ROOT, SITE, Demo, Hosts, Story
from tests.browser.paste_results import BY_CODE, DISCUSSION, Record, Seen, look
from tests.browser.publishing import PASSWORD, UNPACKED, WordPress, mariadb, picture, wordpress
from tests.browser.republishing_guide import BYLINE, TITLE
from tests.browser.system_wordpress import inside, member, publish, reading
from tests.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NEW_STORY = "Failed to load resource: the server responded with a status of 404"
"""The first reader of a new post asks for a story that the server does not know yet; the token creates it."""
PLUGIN = ROOT / "docs/users/wordpress/story-widget.php"
TEXT = "Every weekday at six the last ferry leaves with four hundred books on board."


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One MariaDB for all tests."""
    with mariadb(tmp_path_factory.mktemp("db")) as found:
        yield found


@pytest.fixture(scope="module")
def site(
    database: Path, demo: Demo, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WordPress]:
    """One WordPress with the plugin's file for all tests. Each test writes its own stories."""
    with wordpress(tmp_path_factory.mktemp("wp"), database) as found:
        install(found, demo)
        yield found


def install(site: WordPress, demo: Demo) -> None:
    """Put the plugin's file into WordPress."""
    shutil.copy(PLUGIN, site.folder / "wp-content" / "plugins" / PLUGIN.name)
    site.may_ask(demo.port)


async def activate(site: WordPress, context: BrowserContext) -> None:
    """Switch the plugin on, as an administrator."""
    done = await site.ask(context, "POST", "plugins/story-widget", status="active")
    assert done["status"] == "active"


async def configure(site: WordPress, page: Page, demo: Demo, key: str = "") -> None:
    """Fill the plugin's form."""
    await page.goto(f"{site.address}/wp-admin/options-general.php?page=story_widget")
    await page.get_by_label("Server of the discussions").fill(demo.server)
    if key:
        await page.get_by_label("Key, if you publish").fill(key)
    await page.get_by_role("button", name="Save Changes").click()
    # The redirect follows the storing. Pictures of others, which the admin page asks for, delay `load`.
    await page.wait_for_url("**settings-updated=true**", wait_until="commit")


@pytest.fixture(scope="module")
def key(demo: Demo) -> str:
    """Return the widget-signing key as the command prints it."""
    return demo.run("site", "key", SITE, "--widgets").strip()


async def paste(page: Page, site: WordPress, address: str) -> None:
    """Write a story in the block editor with the address of a discussion at its end."""
    await page.goto(f"{site.address}/wp-admin/post-new.php")
    await page.get_by_role("button", name="Close dialog").click()
    title = page.get_by_role("textbox", name="Add title")
    await title.fill(TITLE)
    await title.press("Enter")
    await page.keyboard.type(TEXT)
    await page.keyboard.press("Enter")
    await page.keyboard.type("/story disc")
    await page.get_by_role("option", name="Story discussion").click()
    await page.get_by_role("textbox", name="URL").fill(address)
    await page.get_by_role("button", name="Embed", exact=True).click()
    await expect(page.locator("iframe[title*='Embedded content']")).to_be_visible()


async def expect_live(page: Page) -> None:
    """React and comment in the page itself, beside the credit."""
    await expect(page.locator("story-widget")).to_have_count(1)
    assert await page.locator(".wp-block-embed iframe").count() == 0
    await reaction(page, "Happy").click()
    await expect_reaction(page, "Happy", 1, own=True)
    quote = page.get_by_role("blockquote").filter(has_text=f"by {BYLINE}")
    await expect(quote.get_by_role("link", name="CC BY 4.0")).to_be_visible()
    await comment(page.locator("story-widget"), "I learned to read on that ferry.", Name="Ana")
    await expect(article(page, "I learned to read")).to_be_visible()


async def test_a_wrong_server_or_key_is_refused_with_words_and_the_key_is_never_shown(
    demo: Demo, hosts: Hosts, site: WordPress, key: str
) -> None:
    admin = await inside(hosts, site)
    await activate(site, admin.context)
    await configure(site, admin, demo, key[:-1])
    await expect(admin.get_by_text("not a whole key")).to_be_visible()
    await configure(site, admin, demo, key)
    await expect(admin.get_by_placeholder("A key is set")).to_be_visible()
    await picture(admin, "wordpress-plugin", 1000, 700)
    assert key.rpartition(".")[2] not in await admin.content()
    await admin.get_by_label("Server of the discussions").fill("https://widgets.example/s/abc")
    await admin.get_by_role("button", name="Save Changes").click()
    await expect(admin.get_by_text("without a path")).to_be_visible()
    await expect(admin.get_by_label("Server of the discussions")).to_have_value(demo.server)


async def test_a_publishers_post_carries_the_discussion_and_what_republishers_paste(
    demo: Demo, hosts: Hosts, site: WordPress, key: str, record: Record
) -> None:
    hosts.expected.append(NEW_STORY)
    admin = await inside(hosts, site)
    await activate(site, admin.context)
    await configure(site, admin, demo, key)
    title = "Tides & <em>books</em> on “deck”"
    post = await site.ask(
        admin.context, "POST", "posts", title=title, content=TEXT, status="publish"
    )
    page = await reading(hosts, post["link"])
    await reaction(page, "Happy").click()
    await expect_reaction(page, "Happy", 1, own=True)
    await comment(page.locator("story-widget"), "Written at the publisher's.", Name="Ana")
    await expect(article(page, "Written at the publisher's.")).to_be_visible()
    await expect(page.get_by_role("button", name="Post Comment")).to_have_count(0)
    await picture(page, "wordpress-publisher", 900, 900)

    box = page.locator("details.story-widget-republish")
    await box.locator("summary").click()
    await expect(box.get_by_role("link", name="CC BY 4.0")).to_be_visible()
    pasted = await box.get_by_role("textbox").input_value()
    assert "data-widget-token" not in pasted
    copy = await hosts.open(pasted)
    await expect(article(copy, "Written at the publisher's.")).to_be_visible()
    credit = copy.get_by_role("blockquote").filter(has_text="by admin, Northside Weekly")
    await expect(credit.get_by_role("link", name="Tides & books on “deck”")).to_have_attribute(
        "href", post["link"]
    )
    await comment(copy.locator("story-widget"), "Written on a copy.", Name="Ben")
    await page.get_by_role("button", name="1 new comment").click()
    await expect(article(page, "Written on a copy.")).to_be_visible()

    name = await page.locator("story-widget").get_attribute("src") or ""
    own = Story(demo.server, name.rpartition("/")[2], "", lambda **_: "")
    page = await reading(hosts, post["link"])
    await expect(page.locator("story-widget")).to_be_attached()
    seen = await look(page, own)
    record(f"WordPress {site.version}", "the plugin, below one’s own post", "snippet", seen)
    # The post is the original.
    assert seen == Seen(DISCUSSION, credit=False)


async def test_a_changed_post_has_another_token_and_changes_the_story(
    demo: Demo, hosts: Hosts, site: WordPress, key: str
) -> None:
    hosts.expected.append(NEW_STORY)
    admin = await inside(hosts, site)
    await activate(site, admin.context)
    await configure(site, admin, demo, key)
    post = await site.ask(
        admin.context,
        "POST",
        "posts",
        title="First title",
        content=TEXT,
        status="publish",
        date_gmt="2025-01-01T00:00:00",
    )
    first = re.findall(r'data-widget-token="([^"]+)"', httpx.get(post["link"]).text)
    assert first == re.findall(r'data-widget-token="([^"]+)"', httpx.get(post["link"]).text)
    page = await reading(hosts, post["link"])
    link = await page.locator("story-widget").get_attribute("src")
    await expect(reaction(page, "Happy")).to_be_visible()
    # `iat` counts whole seconds: a change in the same one would not be later.
    shown = int(time.time())
    await eventually(lambda: int(time.time()) > shown, "the next second")
    await site.ask(admin.context, "POST", f"posts/{post['id']}", title="Second title")
    second = re.findall(r'data-widget-token="([^"]+)"', httpx.get(post["link"]).text)
    assert len(second) == 1
    assert second != first
    await reaction(await reading(hosts, post["link"]), "Happy").click()
    address = f"{demo.server}/v1/stories/{str(link).rpartition('/')[2]}"
    await expect(page.locator("body")).to_be_visible()
    assert httpx.get(address).json()["story"]["title"] == "Second title"


async def test_lists_count_the_discussions_comments_and_a_post_can_differ(
    demo: Demo, hosts: Hosts, site: WordPress, key: str
) -> None:
    hosts.expected.append(NEW_STORY)
    shown = site.folder / "wp-content" / "mu-plugins" / "count.php"
    shown.write_text(
        "<?php define('STORY_WIDGET_COUNTED', 1);"
        "add_filter('the_title', fn ($t, $id = 0) => is_home() ? $t . ' #' . get_comments_number($id) : $t, 10, 2);"
    )
    admin = await inside(hosts, site)
    await activate(site, admin.context)
    await configure(site, admin, demo, key)
    post = await site.ask(
        admin.context, "POST", "posts", title="Counted", content=TEXT, status="publish"
    )
    page = await reading(hosts, post["link"])
    await comment(page.locator("story-widget"), "One comment.", Name="Ana")
    await expect(article(page, "One comment.")).to_be_visible()

    async def counted() -> bool:
        return "Counted #1<" in httpx.get(site.address).text

    await eventually(counted, "the list shows the number of comments")
    shown.unlink()

    await admin.goto(f"{site.address}/wp-admin/post.php?post={post['id']}&action=edit")
    await admin.get_by_role("button", name="Close dialog").click()
    await admin.get_by_label("Below this post").select_option(label="Nothing")
    await admin.get_by_role("textbox", name="Add title").fill("Counted no more")
    # The editor saves the post, then the box below it.
    async with admin.expect_response("**meta-box-loader=1**"):
        await admin.get_by_role("button", name="Update", exact=True).click()
    await expect(admin.get_by_text("Post updated.").first).to_be_visible()
    page = await reading(hosts, post["link"])
    await expect(page.locator("story-widget")).to_have_count(0)


@pytest.mark.parametrize("role", ["administrator", "author", "contributor"])
async def test_the_pasted_address_becomes_the_discussion_in_every_role(
    demo: Demo, hosts: Hosts, site: WordPress, role: str, record: Record
) -> None:
    admin = await inside(hosts, site)
    await activate(site, admin.context)
    await configure(site, admin, demo)
    story = demo.story(title=TITLE, author="Ines Falk", publisher="The Harbour Post")
    writer = await member(hosts, site, f"new-{role}", role)
    await paste(writer, site, story.link)
    if role == "contributor":
        await writer.get_by_role("button", name="Publish", exact=True).click()
        panel = writer.get_by_label("Editor publish")
        await panel.get_by_role("button", name="Submit for Review").click()
        waiting = "posts&status=pending&per_page=1"
        [saved] = await eventually(
            lambda: site.ask(admin.context, "GET", waiting), "the story waits for review"
        )
        done = await site.ask(admin.context, "POST", f"posts/{saved['id']}", status="publish")
        address = done["link"]
    else:
        address = await publish(writer)
    await expect_live(await reading(hosts, address))
    page = await reading(hosts, address)
    await expect(page.locator("story-widget")).to_be_attached()
    seen = await look(page, story)
    record(f"WordPress {site.version}", f"{role}, with the plugin", "address", seen)
    assert seen == Seen(BY_CODE, credit=True)


async def test_without_the_plugin_the_address_is_the_frame_again(
    demo: Demo, hosts: Hosts, site: WordPress
) -> None:
    admin = await inside(hosts, site)
    await activate(site, admin.context)
    await configure(site, admin, demo)
    story = demo.story(title=TITLE)
    content = (
        f'<!-- wp:embed {{"url":"{story.link}","type":"rich","providerNameSlug":"story-widget"}} -->\n'
        f'<figure class="wp-block-embed"><div class="wp-block-embed__wrapper">\n{story.link}\n</div></figure>\n<!-- /wp:embed -->'
    )
    post = await site.ask(
        admin.context, "POST", "posts", title=TITLE, content=content, status="publish"
    )
    page = await reading(hosts, post["link"])
    await expect(page.locator("story-widget")).to_have_count(1)
    await site.ask(admin.context, "POST", "plugins/story-widget", status="inactive")
    # WordPress keeps what the plugin made of the answer for a day: the link and the credit.
    page = await reading(hosts, post["link"])
    await expect(page.get_by_role("link", name="React to and discuss")).to_be_visible()


MULTISITE = """
define('MULTISITE', true);
define('SUBDOMAIN_INSTALL', false);
define('DOMAIN_CURRENT_SITE', '{host}');
define('PATH_CURRENT_SITE', '/');
define('SITE_ID_CURRENT_SITE', 1);
define('BLOG_ID_CURRENT_SITE', 1);
"""
NETWORK = """<?php
$_SERVER['HTTP_HOST'] = '{host}';
define('WP_INSTALLING_NETWORK', true);
require '{folder}/wp-load.php';
require ABSPATH . 'wp-admin/includes/network.php';
require ABSPATH . 'wp-admin/includes/upgrade.php';
foreach ($wpdb->tables('ms_global') as $table => $name) $wpdb->$table = $name;
install_network();
$done = populate_network(1, '{host}', 'admin@example.com', 'Network', '/', false);
if (is_wp_error($done) && 'no_wildcard_dns' !== $done->get_error_code()) exit($done->get_error_message());
echo 'ok';
"""


def php(site: WordPress, program: str) -> str:
    """Run a PHP program with the database's modules and return its output."""
    modules = next((UNPACKED / "lib" / "php").iterdir())
    file = site.folder.parent / "program.php"
    file.write_text(program)
    extensions = [f"-dextension={modules / name}.so" for name in ("mysqlnd", "mysqli")]
    done = subprocess.run(
        ["php", *extensions, str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def test_on_a_multisite_the_plugin_works_for_the_administrator_of_one_site(
    demo: Demo, hosts: Hosts, site: WordPress, key: str
) -> None:
    hosts.expected.append(NEW_STORY)
    host = site.address.removeprefix("http://")
    assert php(site, NETWORK.format(host=host, folder=site.folder)).endswith("ok")
    config = site.folder / "wp-config.php"
    define = (
        f"define('STORY_WIDGET_SERVER', '{demo.server}');\ndefine('STORY_WIDGET_KEY', '{key}');"
    )
    config.write_text(
        config.read_text().replace(
            "if (!defined('ABSPATH'))",
            MULTISITE.format(host=host) + define + "\nif (!defined('ABSPATH'))",
        )
    )
    made = f"""<?php
$_SERVER['HTTP_HOST'] = '{host}';
require '{site.folder}/wp-load.php';
require ABSPATH . 'wp-admin/includes/plugin.php';
$user = wpmu_create_user('nora', '{PASSWORD}', 'nora@example.com');
$blog = wp_insert_site(['domain' => '{host}', 'path' => '/north/', 'title' => 'North', 'user_id' => $user, 'network_id' => 1]);
if (is_wp_error($blog)) exit($blog->get_error_message());
activate_plugin('story-widget.php', '', true);
switch_to_blog($blog);
foreach (['home', 'siteurl'] as $option) update_option($option, 'http://{host}/north');
$wpdb->update($wpdb->blogs, ['domain' => '{host}'], ['blog_id' => $blog]);
clean_blog_cache($blog);
$post = wp_insert_post(['post_title' => 'Of the north', 'post_content' => 'Text.', 'post_status' => 'publish', 'post_author' => $user]);
echo json_encode(['link' => home_url('?p=' . $post), 'may' => user_can($user, 'unfiltered_html'), 'id' => $post]);
"""
    answer = json.loads(php(site, made))
    assert answer["may"] is False
    page = await reading(hosts, answer["link"])
    await comment(page.locator("story-widget"), "From the network.", Name="Ana")
    await expect(article(page, "From the network.")).to_be_visible()
    keys = json.loads(demo.run("story", "list", SITE, "--json"))
    assert f"wp-2-{answer['id']}" in json.dumps(keys)

    nora = await hosts.reader(viewport={"width": 1000, "height": 800})
    editor = await nora.new_page()
    north = WordPress(f"{site.address}/north", site.folder)
    await north.enter(editor, "nora")
    story = demo.story(title=TITLE, author="Ines Falk", publisher="The Harbour Post")
    await paste(editor, north, story.link)
    page = await reading(hosts, await publish(editor))
    assert await page.locator(".wp-block-embed story-widget").count() == 1
