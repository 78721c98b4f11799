"""Languages: strings, plurals, numbers, times and text direction."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import brotli  # type: ignore[import-untyped]
import pytest
from playwright.async_api import Page, expect

from tests.browser.actions import article, readers
from tests.browser.axe import axe_findings
from tests.browser.conftest import Demo, Hosts, Story
from tests.browser.embed_files import LOCALES, MANIFEST, STATIC
from tests.browser.host_pages import policy
from tests.browser.page_metrics import post_comments
from tests.browser.widget_states import (
    ANSWER,
    QUESTION,
    RICH,
    STATES,
    STYLE,
    Harness,
    create_discussion,
    read,
    strings_of,
)
from widget_server.model import errors
from widget_server.model.settings import SiteSettings

Photograph = Callable[[Page, str], Awaitable[None]]
browser = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

FILES = [words["file"] for words in MANIFEST["words"]]


@pytest.mark.parametrize("file", FILES)
def test_a_locale_file_is_within_its_size_limit(file: str) -> None:
    assert len(brotli.compress((STATIC / "embed" / file).read_bytes(), quality=11)) <= 1_200


def test_every_language_has_a_file_for_each_part_of_the_embed() -> None:
    parts: dict[str, set[str]] = {lang: set() for lang in LOCALES}
    for file in FILES:
        # The name of a part may have a hyphen of its own.
        _, _, lang, part = Path(file).stem.split("-", 3)
        parts[lang].add(part)
    assert len({frozenset(each) for each in parts.values()}) == 1
    assert "1" in parts["de"]
    assert len(parts["de"]) > 1


NOT_SHOWN = {"stale", "erased", "proof_needed"}
"""Answers to decisions of owners, which no reader's action gets, and the question that the embed itself answers."""


@pytest.mark.parametrize("lang", LOCALES)
def test_the_defaults_of_a_site_and_every_error_are_translated(lang: str) -> None:
    words = LOCALES[lang]
    settings = SiteSettings()
    for text in (settings.prompt, *(each.label for each in settings.reactions)):
        assert f"={text}" in words
    codes = {rejection.code for rejection in errors.ProblemError.__subclasses__()} - NOT_SHOWN
    assert {code for code in codes if f"!{code}" not in words and code not in words} == set()


async def shown(hosts: Hosts, story: Story, attributes: str, **options: Any) -> Page:
    """Open a page in a language with the widget."""
    page = await hosts.open(story.snippet, attributes=attributes, head=STYLE, **options)
    await page.locator("story-widget").get_by_role("group").first.wait_for()
    return page


LATIN = re.compile("[A-Za-z]{2,}")
NAMES = "Yusuf Priya Facebook X Bluesky WhatsApp Mastodon mastodon.social Cookie The Harbour Post"


async def visible_texts(page: Page) -> set[str]:
    """Return all visible texts and accessible names of the widget."""
    found: list[str] = await page.locator("story-widget").evaluate(
        """({ shadowRoot }) => {
          const walker = document.createTreeWalker(shadowRoot, NodeFilter.SHOW_TEXT);
          const texts = [];
          while (walker.nextNode()) texts.push(walker.currentNode.data.trim());
          for (const element of shadowRoot.querySelectorAll("*")) {
            for (const name of ["aria-label", "title", "placeholder"]) texts.push(element.getAttribute(name));
          }
          return texts.filter(Boolean);
        }"""
    )
    return set(found)


def is_english(text: str) -> bool:
    """Whether this is an English string of the widget."""
    strings = {key: text for key, text in strings_of("en").items() if key != "mastodon"}
    phrases = [re.escape(phrase) for phrase in strings.values() if phrase[0].isupper()]
    phrases = [re.sub(r"\\{\w+\\}", ".+", phrase) for phrase in phrases]
    counted = (
        r".*\d (comments?|people|person|reply|replies|reactions?|sites?|minutes?|seconds?)\b.*"
    )
    return any(re.fullmatch(phrase, text) for phrase in [*phrases, counted])


class TestInABrowser:
    """Languages in a browser."""

    pytestmark = browser

    async def test_german_is_complete_under_the_strictest_policy(
        self, demo: Demo, hosts: Hosts
    ) -> None:
        hosts.expected += ["Loading the image 'data:,'"]
        story = demo.story()
        await create_discussion(story, hosts)
        page = await hosts.page(await hosts.reader())
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        await hosts.open(
            story.snippet, page=page, attributes='lang="de-AT"', headers=policy(demo.server)
        )
        await expect(page.get_by_role("heading", name="3 Kommentare")).to_be_visible()
        await expect(
            page.get_by_role("group", name="Was löst dieser Artikel bei Ihnen aus?")
        ).to_be_visible()
        await expect(page.get_by_role("button", name="Freude 1")).to_be_visible()
        await expect(article(page, "Who pays")).to_contain_text(re.compile("vor|jetzt|gerade"))
        # One file more than in English.
        assert len([url for url in requests if url.endswith("-de-1.json")]) == 1
        assert len([url for url in requests if url.endswith(".json")]) == 1
        section = page.locator("section.widget")
        await expect(section).to_have_attribute("lang", "de")
        await expect(section).to_have_attribute("dir", "ltr")

        await page.get_by_role("textbox", name="Ihr Kommentar").click()
        await expect(page.get_by_role("textbox", name="Name")).to_be_visible()
        await page.get_by_role("button", name="Veröffentlichen").click()
        await expect(page.get_by_text(LOCALES["de"]["empty"])).to_be_visible()
        # The strings for writing are loaded once.
        assert len([url for url in requests if url.endswith(".json")]) == 2

    async def test_arabic_runs_from_right_to_left(
        self, demo: Demo, hosts: Hosts, photograph: Photograph
    ) -> None:
        words = LOCALES["ar"]
        story = demo.story()
        await create_discussion(story, hosts)
        # The page sets no direction: it follows from the language.
        page = await shown(hosts, story, 'lang="ar"', viewport={"width": 400, "height": 900})
        section = page.locator("section.widget")
        await expect(section).to_have_attribute("dir", "rtl")
        await expect(section).to_have_attribute("lang", "ar")
        counted = await page.evaluate("new Intl.NumberFormat('ar').format(3)")
        few = words["comments"]["few"].replace("{n}", counted)
        await expect(page.get_by_role("heading", name=few)).to_be_visible()
        prompt = words["=How does this article make you feel?"]
        boxes = await page.get_by_role("group", name=prompt).get_by_role("button").all()
        places = [room["x"] for each in boxes if (room := await each.bounding_box())]
        assert places == sorted(places, reverse=True)
        # A comment keeps its own direction.
        text = article(page, "Who pays").locator("[part=comment-text]").first
        assert await text.evaluate("element => getComputedStyle(element).direction") == "ltr"
        assert await text.get_attribute("dir") == "auto"
        await photograph(page, "arabic-list")
        assert await axe_findings(page) == []
        reply = words["replyOf"].replace("{name}", "Priya")
        await page.get_by_role("button", name=reply).first.click()
        box = page.get_by_role("textbox", name=words["answer"].replace("{name}", "Priya"))
        await expect(box).to_be_focused()
        await page.get_by_role("button", name=words["reply"], exact=True).click()
        await expect(page.get_by_text(words["empty"])).to_be_visible()
        await photograph(page, "arabic-reply")
        assert await axe_findings(page) == []

    @pytest.mark.parametrize("lang", ["es", "fr"])
    async def test_the_other_languages_are_shown_and_fit_a_phone(
        self, lang: str, demo: Demo, hosts: Hosts, photograph: Photograph
    ) -> None:
        story = demo.story()
        await create_discussion(story, hosts)
        page = await shown(hosts, story, f'lang="{lang}"', viewport={"width": 320, "height": 640})
        few = LOCALES[lang]["comments"]["other"].replace("{n}", "3")
        await expect(page.get_by_role("heading", name=few)).to_be_visible()
        await photograph(page, f"{lang}-phone")
        widths = "[document.documentElement.scrollWidth, innerWidth]"
        wide, room = await page.evaluate(widths)
        assert wide <= room
        assert await axe_findings(page) == []

    async def test_39_polish_uses_its_three_plural_forms(self, demo: Demo, hosts: Hosts) -> None:
        story = demo.story()
        post_comments(story, [{"body": "Number 0.", "name": "Ana"}])
        page = await shown(hosts, story, 'lang="pl"')
        await expect(page.get_by_role("heading", name="1 komentarz", exact=True)).to_be_visible()
        # The socket is subscribed: later comments arrive live.
        await readers(page, 1)
        await shown(hosts, story, 'lang="pl"', site=1)
        await page.get_by_text("2 osoby czytają").wait_for()
        known = 1
        for new, fresh, comments in (
            (1, "1 nowy komentarz", "2 komentarze"),
            (2, "2 nowe komentarze", "3 komentarze"),
            (5, "5 nowych komentarzy", "6 komentarzy"),
            (22, "22 nowe komentarze", "23 komentarze"),
        ):
            post_comments(
                story, [{"body": f"Number {n}.", "name": "Ana"} for n in range(known, new + 1)]
            )
            known = new + 1
            await expect(page.get_by_role("button", name=fresh, exact=True)).to_be_attached()
            await expect(page.get_by_role("heading", name=comments, exact=True)).to_be_attached()
        box = page.get_by_role("textbox", name="Twój komentarz")
        await box.click()
        await page.get_by_role("textbox", name="Podpis").wait_for()
        for loader, text in (
            (1, "jeszcze 1"),
            (2, "jeszcze 2"),
            (5, "jeszcze 5"),
            (22, "jeszcze 22"),
        ):
            await box.fill("x" * (5_000 - loader))
            await expect(page.get_by_text(text, exact=True)).to_be_visible()

    @pytest.mark.parametrize("lang", ["pl", "ja"])
    async def test_39_no_string_is_english(
        self, lang: str, demo: Demo, hosts: Hosts, photograph: Photograph
    ) -> None:
        stage = Harness(demo, hosts, lang, {"viewport": {"width": 360, "height": 740}})
        page = await STATES["a reply with an error"](stage)
        await photograph(page, f"{lang}-reply")
        heights = "labels => labels.map(label => label.clientHeight)"
        labels = await page.locator("[part=label]").evaluate_all(heights)
        assert len(labels) == 5
        assert len(set(labels)) == 1, "each name in one line"
        texts = await visible_texts(page)
        await stage.button(page, "cancel").click()
        await stage.more(page, "Yusuf", "reportOpen")
        await stage.box(page, "reason").wait_for()
        texts |= await visible_texts(page)
        await page.keyboard.press("Escape")
        await stage.button(page, "newest").click()
        await stage.button(page, "oldest").wait_for()
        texts |= await visible_texts(page)
        await page.keyboard.press("Escape")
        await stage.button(page, "share").click()
        await stage.button(page, "mastodon").wait_for()
        texts |= await visible_texts(page)
        await page.keyboard.press("Escape")
        await stage.more(page, "Yusuf", "mute")
        await stage.button(page, "data").click()
        await stage.button(page, "forget").wait_for()
        texts |= await visible_texts(page)
        await stage.button(page, "forget").click()
        await stage.button(page, "forgetYes").wait_for()
        texts |= await visible_texts(page)
        await photograph(page, f"{lang}-data")
        assert {text for text in texts if is_english(text)} == set()
        assert len(texts) > 50
        if lang == "ja":
            # Arabic letters only; comments and names of services are exceptions.
            latin = {word for text in texts for word in LATIN.findall(text)}
            assert latin <= set(LATIN.findall(QUESTION + ANSWER + RICH + NAMES))
        in_english = await visible_texts(await read(replace(stage, lang="en")))
        assert len([text for text in in_english if is_english(text)]) > 10, "it would be noticed"

    async def test_a_language_without_a_locale_file_is_shown_in_english(
        self, demo: Demo, hosts: Hosts
    ) -> None:
        story = demo.story()
        await create_discussion(story, hosts)
        page = await hosts.page(await hosts.reader(locale="ar"))
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        await hosts.open(story.snippet, page=page, attributes='lang="he" dir="rtl"')
        await expect(page.get_by_role("heading", name="3 comments")).to_be_visible()
        section = page.locator("section.widget")
        await expect(section).to_have_attribute("dir", "ltr")
        await expect(section).to_have_attribute("lang", "en")
        assert [url for url in requests if url.endswith(".json")] == []

    async def test_if_a_locale_file_fails_to_load_the_widget_is_english(
        self, demo: Demo, hosts: Hosts
    ) -> None:
        hosts.expected += ["Failed to load resource"]
        story = demo.story()
        page = await hosts.page(await hosts.reader())
        await page.route("**/*-1.json*", lambda route: route.abort())
        await hosts.open(story.snippet, page=page, attributes='lang="fr"')
        await expect(page.get_by_role("heading", name="No comments yet")).to_be_visible()
        await expect(page.locator("section.widget")).to_have_attribute("lang", "en")

    async def test_the_language_comes_from_element_page_token_or_browser(
        self, demo: Demo, hosts: Hosts
    ) -> None:
        story = demo.story()
        element = (
            f'<story-widget src="{story.link}" token="{story.token}" lang="es"></story-widget>'
        )
        page = await hosts.open(element + story.script, attributes='lang="de"')
        await expect(page.get_by_role("heading", name=LOCALES["es"]["none"])).to_be_visible()
        await page.locator("story-widget").evaluate("widget => { widget.lang = 'fr' }")
        await expect(page.get_by_role("heading", name=LOCALES["fr"]["none"])).to_be_visible()

        reader = await hosts.reader(locale="es-MX")
        french = demo.story(lang="fr", title="Élection ÿÿ")
        page = await hosts.open(french.snippet, reader=reader, attributes="")
        await expect(page.get_by_role("heading", name=LOCALES["fr"]["none"])).to_be_visible()
        page = await hosts.open(story.snippet, reader=reader, attributes="")
        await expect(page.get_by_role("heading", name=LOCALES["es"]["none"])).to_be_visible()

    async def test_a_sites_own_prompt_and_labels_are_not_translated(
        self, demo: Demo, hosts: Hosts
    ) -> None:
        demo.site("own-words", "prompt=next")
        page = await shown(hosts, demo.story("own-words"), 'lang="de"')
        await expect(page.get_by_role("heading", name="next", exact=True)).to_be_visible()
