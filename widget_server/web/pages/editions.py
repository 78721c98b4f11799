"""A story in the language of a page: its title and address there, its other languages, and where it can be read."""

from urllib.parse import urlencode, urlsplit

from widget_server.content import urls
from widget_server.model.records import ListedCopy, Story
from widget_server.web.pages.translate import Translator, language_name


def story_address(server: str, code: str, lang: str | None = None) -> str:
    """Return the address of a story's page, in a language if one is named."""
    page = f"{server}/s/{code}"
    return f"{page}?{urlencode({'lang': lang})}" if lang else page


def alternates(server: str, story: Story) -> list[tuple[str, str]]:
    """Return language and address of the story's page in each language of the story, and the default one.

    Empty for a story without translations.
    """
    found = [(tag, story_address(server, story.code, tag)) for tag in story.translations]
    return [*found, ("x-default", story_address(server, story.code))] if found else []


def read_on(story: Story, listed: list[ListedCopy], t: Translator) -> list[dict[str, str]]:
    """Return the places where the story can be read: the original, its translations, and its copies.

    Each address once.
    """
    found: list[dict[str, str]] = []

    def add(url: str, name: str | None, note: str, lang: str | None) -> None:
        if urls.safe(url) and all(url != one["url"] for one in found):
            name = name or urlsplit(url).hostname or url
            found.append({"url": url, "name": name, "note": note, "lang": lang or ""})

    linked = story.translations.items()
    own = next((tag for tag, one in linked if one.original), None)
    add(story.url or "", story.publisher, t("original"), own)
    for tag, one in linked:
        add(one.url, one.title, language_name(tag), tag)
    for copy in listed:
        add(copy.page, copy.label, language_name(copy.lang) if copy.lang else "", copy.lang)
    return found
