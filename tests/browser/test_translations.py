"""Languages travel: snippets that name the copy's language, and discussions of one language."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.actions import article, comment, expect_reaction, reaction
from tests.browser.conftest import Demo, Hosts, Story
from tests.browser.embed_files import MANIFEST
from tests.browser.test_reading import say
from tests.browser.test_story_pages import PHONE, WITHOUT, faults

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
Photograph = Callable[[Page, str], Awaitable[None]]


def in_language(story: Story, lang: str) -> Story:
    """Return the same story with the token of a copy in another language."""
    return replace(story, token=story.with_claims(lang=lang, jti=f"{story.code}-{lang}"))


def translate(demo: Demo, story: Story, lang: str, title: str) -> None:
    url = f"https://publisher.example/{lang}"
    demo.run("story", "translate", story.code, lang, "--title", title, "--url", url)


async def test_a_snippet_without_a_token_speaks_the_language_of_its_copy(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    # The page says another language than the copy's, as themes often do.
    anchor = f'<p><a class="story-widget" href="{story.link}" data-lang="de">Mitreden</a></p>'
    page = await hosts.open(anchor + story.script, attributes='lang="en-US"')
    await expect(page.get_by_role("heading", name="Noch keine Kommentare")).to_be_visible()
    box = page.get_by_role("textbox", name="Ihr Kommentar")
    await box.click()
    await box.fill("Auf Deutsch.")
    await page.get_by_role("button", name="Veröffentlichen", exact=True).click()
    written = article(page, "Auf Deutsch.")
    await expect(written.locator(".comment-text")).to_have_attribute("lang", "de")


async def test_three_languages_on_three_origins_share_one_count(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    names = {"en": "Happy", "de": "Freude", "fr": "Joie"}
    pages = {
        lang: await hosts.open(
            in_language(story, lang).snippet, site=site, attributes=f'lang="{lang}"'
        )
        for site, lang in enumerate(names)
    }
    await reaction(pages["de"], names["de"]).click()
    for lang, page in pages.items():
        await expect_reaction(page, names[lang], 1, own=lang == "de")


async def test_the_element_alone_credits_the_translation(demo: Demo, hosts: Hosts) -> None:
    story = demo.story(title="Tides", url="https://publisher.example/en")
    translate(demo, story, "de", "Gezeiten")
    element = f'<story-widget src="{story.link}" lang="de"></story-widget>{story.script}'
    page = await hosts.open(element)
    link = page.get_by_role("link", name="Gezeiten")
    await expect(link).to_have_attribute("href", "https://publisher.example/de")


async def test_where_languages_are_kept_apart_readers_first_see_their_own(
    demo: Demo, hosts: Hosts, photograph: Photograph
) -> None:
    story = demo.story()
    demo.run("story", "set", story.code, "discussion_languages=apart")
    english, german = in_language(story, "en"), in_language(story, "de")
    say(german, "Die erste Stimme.")
    say(story, "A voice of unknown language.")
    for number in range(24):
        say(english, f"Number {number}.")
    page = await hosts.open(german.snippet, attributes='lang="de"')
    # The first page of all languages has none of them: the server was asked for this language.
    await expect(article(page, "Die erste Stimme.")).to_be_visible()
    await expect(page.get_by_role("article")).to_have_count(2)
    await expect(article(page, "unknown language")).to_be_visible()
    await expect(page.get_by_role("heading", name="26 Kommentare")).to_be_visible()
    language = page.get_by_role("group", name="Sprache")
    await expect(language.get_by_role("button", name="Deutsch")).to_have_attribute(
        "aria-pressed", "true"
    )
    await photograph(page, "languages-apart")

    # A comment of another language is not offered as new; one of this language is.
    say(english, "Not asked for.")
    await expect(page.get_by_role("heading", name="27 Kommentare")).to_be_visible()
    await expect(page.get_by_role("button", name="neuer Kommentar")).to_have_count(0)
    say(german, "Die zweite Stimme.")
    await page.get_by_role("button", name="1 neuer Kommentar").click()
    await expect(article(page, "Die zweite Stimme.")).to_be_visible()

    # All languages are one press away, and all pages of them.
    await language.get_by_role("button", name="Alle").click()
    await expect(article(page, "Number 23.")).to_be_visible()
    await expect(article(page, "Number 1.")).to_have_count(0)
    await page.get_by_role("button", name="Weitere Kommentare zeigen").click()
    await expect(article(page, "Number 1.")).to_be_visible()
    await language.get_by_role("button", name="Deutsch").click()
    await expect(page.get_by_role("article")).to_have_count(3)


async def test_one_language_is_read_page_by_page(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    demo.run("story", "set", story.code, "discussion_languages=apart")
    english, german = in_language(story, "en"), in_language(story, "de")
    for number in range(24):
        say(german, f"Nummer {number}.")
        say(english, f"Number {number}.")
    page = await hosts.open(german.snippet, attributes='lang="de"')
    await expect(page.get_by_role("article")).to_have_count(20)
    await page.get_by_role("button", name="Weitere Kommentare zeigen").click()
    await expect(article(page, "Nummer 0.")).to_be_visible()
    await expect(page.get_by_role("article")).to_have_count(24)
    await expect(article(page, "Number")).to_have_count(0)


@pytest.mark.parametrize("apart", [True, False])
async def test_two_copies_of_one_page_have_their_own_languages_and_filters(
    demo: Demo, hosts: Hosts, apart: bool
) -> None:
    story = demo.story()
    if apart:
        demo.run("story", "set", story.code, "discussion_languages=apart")
    say(in_language(story, "de"), "Eine Stimme.")
    say(in_language(story, "fr"), "Une voix.")
    copies = "".join(
        f'<story-widget src="{story.link}" lang="{lang}" token="{story.token}"></story-widget>'
        for lang in ("de", "fr")
    )
    page = await hosts.open(copies + story.script)
    german, french = (page.locator(f"story-widget[lang={lang}]") for lang in ("de", "fr"))
    for copy, text, other in ((german, "Stimme", "voix"), (french, "voix", "Stimme")):
        await expect(article(copy, text)).to_be_visible()
        await expect(article(copy, other)).to_have_count(0 if apart else 1)
    if apart:
        for copy, name in ((german, "Deutsch"), (french, "Français")):
            await expect(copy.get_by_role("button", name=name, pressed=True)).to_be_visible()
        await german.get_by_role("button", name="Alle").click()
    else:
        await german.get_by_role("button", name="Neueste zuerst").click()
        await german.get_by_role("button", name="Deutsch").click()
    # The other copy shows what it did.
    await expect(article(german, "voix")).to_have_count(1 if apart else 0)
    await expect(article(french, "voix")).to_be_visible()
    await expect(article(french, "Stimme")).to_have_count(0 if apart else 1)


PAINTED = """<script>
window.painted = new Set();
(function look() {
  for (const widget of document.querySelectorAll("story-widget"))
    for (const each of widget.shadowRoot.querySelectorAll(".comment-text"))
      if (each.getClientRects().length) painted.add(each.textContent);
  requestAnimationFrame(look);
})();
</script>"""
"""Collects the text of each comment that is in the page in any frame."""


async def test_where_languages_are_kept_apart_no_comment_of_another_one_is_ever_painted(
    demo: Demo, hosts: Hosts
) -> None:
    story = demo.story()
    demo.run("story", "set", story.code, "discussion_languages=apart")
    english, german = in_language(story, "en"), in_language(story, "de-AT")
    say(english, "First in English.")
    top = say(german, "Auf Deutsch.")
    say(english, "An answer in English.", parent=top)
    say(story, "A voice of unknown language.")
    page = await hosts.page(await hosts.reader())
    may_load = asyncio.Event()

    async def hold(route: Route) -> None:
        await may_load.wait()
        await route.continue_()

    await page.route(f"**/{MANIFEST['parts']['options']['file']}*", hold)
    await hosts.open(german.snippet, page=page, attributes='lang="de"', head=PAINTED)
    # Before the part is there that shows the languages, and asks the server for comments of this one.
    await expect(page.get_by_role("article")).to_have_count(2)
    await expect(page.get_by_role("group", name="Sprache")).to_have_count(0)
    may_load.set()
    language = page.get_by_role("group", name="Sprache")
    await expect(language.get_by_role("button", name="Deutsch")).to_be_visible()
    painted = await page.evaluate("[...painted].sort()")
    assert painted == ["A voice of unknown language.", "Auf Deutsch."]
    await language.get_by_role("button", name="Alle").click()
    await expect(page.get_by_role("article")).to_have_count(4)


async def test_together_is_the_default_and_loads_nothing_more(demo: Demo, hosts: Hosts) -> None:
    story = demo.story()
    say(in_language(story, "de"), "Auf Deutsch.")
    say(in_language(story, "en"), "In English.")
    asked: list[str] = []
    page = await hosts.page(await hosts.reader())
    page.on("request", lambda request: asked.append(request.url))
    await hosts.open(story.snippet, page=page)
    await expect(page.get_by_role("article")).to_have_count(2)
    await comment(page, "Mine.")
    await expect(article(page, "Mine.")).to_be_visible()
    assert [url for url in asked if "-options" in url or "lang=" in url] == []


@pytest.mark.parametrize("lang", ["en", "ar"])
async def test_the_page_leads_to_each_language_of_its_comments_without_javascript(
    demo: Demo, hosts: Hosts, photograph: Photograph, lang: str
) -> None:
    story = demo.story(title="Tides", url="https://publisher.example/en")
    translate(demo, story, "ar", "المد والجزر")
    say(in_language(story, "ar"), "تعليق")
    say(in_language(story, "en"), "In English.")
    page = await hosts.page(await hosts.reader(**WITHOUT))
    await page.goto(f"{story.link}?lang={lang}")
    title = {"en": "Tides", "ar": "المد والجزر"}[lang]
    await expect(page.get_by_role("heading", level=1)).to_have_text(title)
    await expect(page.get_by_role("article")).to_have_count(2)
    links = page.get_by_role("group", name={"en": "Language of", "ar": "لغة"}[lang])
    await links.get_by_role("link", name="العربية").click()
    await expect(page.get_by_role("article")).to_have_count(1)
    await expect(article(page, "تعليق")).to_be_visible()
    assert f"lang={lang}" in page.url
    await photograph(page, f"story-languages-{lang}")
    await links.get_by_role("link").first.click()
    await expect(page.get_by_role("article")).to_have_count(2)
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"]


async def test_pages_in_several_languages_have_no_findings(demo: Demo, hosts: Hosts) -> None:
    story = demo.story(title="Tides", url="https://publisher.example/en")
    for lang, title in (("de", "Gezeiten"), ("ar", "المد والجزر"), ("pt-BR", "Marés")):
        translate(demo, story, lang, title)
    say(in_language(story, "de"), "Auf Deutsch.")
    say(in_language(story, "en"), "In English.")
    page = await hosts.page(await hosts.reader(viewport=PHONE))
    for path in ("?lang=ar", "/republish?lang=de", "/write?only=de"):
        await page.goto(f"{story.link}{path}")
        assert await faults(page) == [], path
