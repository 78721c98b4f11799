"""The text of a story and its images, which `/s/CODE/republish` offers to republishers."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from widget_server.auth.permissions import require
from widget_server.content import urls
from widget_server.content.story_text import parse_text
from widget_server.content.text import check_characters
from widget_server.model.actors import Actor
from widget_server.model.decisions import decided_by
from widget_server.model.errors import NotFoundError, ProblemError, TextRejectedError
from widget_server.operations.services import Services
from widget_server.store.queries.story_texts import NewText, StoryText, put_text, remove_text

__all__ = ["StoryText"]

FORMATS = ("html", "markdown")
MAX_IMAGES = 50
MAX_LINE = 300
_field = TextRejectedError.in_field


@dataclass(frozen=True, slots=True)
class Image:
    """An image of a story. `url` is where it can be loaded from."""

    url: str
    alt: str = ""
    credit: str = ""
    licence: str = ""
    """SPDX id or name of its own licence; empty: that of the story."""
    included: bool = True
    """Whether it may be republished. Others are named as not included."""


@dataclass(frozen=True, slots=True)
class TypedText:
    """A text as it was sent."""

    text: str
    format: str = "html"
    title: str = ""
    images: Sequence[Image] = ()


async def put(services: Services, by: Actor, site: str, code: str, typed: TypedText) -> StoryText:
    """Store a story's text as its next version, unless it is the same. Return the newest version.

    Raises `NotPermittedError`, `NotFoundError`, and `TextRejectedError` with the wrong field.
    """
    require(by, "text", site)
    await _own_story(services, site, code)
    text = await _checked(typed)
    decision = decided_by(by, "text", services.now_ms(), targets=(code,))
    await services.writer.run_in_transaction(put_text(site, code, text, decision))
    found = await services.story_texts.newest(code)
    if found is None:
        raise NotFoundError("The story has no text.")
    return found


async def show(services: Services, by: Actor, site: str, code: str) -> StoryText | None:
    """Return the newest version of a story's text, or None. Raises `NotPermittedError`, `NotFoundError`."""
    require(by, "read", site)
    await _own_story(services, site, code)
    return await services.story_texts.newest(code)


async def remove(services: Services, by: Actor, site: str, code: str) -> bool:
    """Remove all versions of a story's text. Return False if there was none.

    Raises `NotPermittedError` and `NotFoundError`.
    """
    require(by, "text", site)
    await _own_story(services, site, code)
    decision = decided_by(by, "text", services.now_ms(), targets=(code,), after={"removed": True})
    return await services.writer.run_in_transaction(remove_text(site, code, decision))


def images_of(rows: Sequence[object]) -> list[Image]:
    """Return stored images. A damaged one is left out."""
    found = []
    for row in rows:
        if isinstance(row, Mapping) and urls.safe(row.get("url")):
            words = {name: str(row.get(name) or "") for name in ("url", "alt", "credit", "licence")}
            found.append(Image(**words, included=row.get("included") is not False))
    return found


async def _own_story(services: Services, site: str, code: str) -> None:
    story = await services.cache.story(code)
    if story is None or story.site != site:
        raise NotFoundError("There is no story with this code.")


async def _checked(typed: TypedText) -> NewText:
    if typed.format not in FORMATS:
        raise _field("format", f"The format is {' or '.join(FORMATS)}.")
    if not typed.text.strip():
        raise _field("text", "Send the text of the story.")
    try:
        check_characters(typed.text)
        # Outside of the event loop: a long text takes a while.
        tree = await asyncio.to_thread(parse_text, typed.text, typed.format)
    except ProblemError as error:
        raise _field("text", error.detail) from None
    if not tree:
        raise _field("text", "The text has no words that can be shown.")
    if len(typed.images) > MAX_IMAGES:
        raise _field("images", f"A story has at most {MAX_IMAGES} images.")
    for image in typed.images:
        if not urls.safe(image.url) or len(image.url) > 2_000:
            raise _field(
                "images", "Write the whole address of each image, as https://example.org/a.jpg."
            )
        for words in (image.alt, image.credit, image.licence):
            _check_line("images", words)
    _check_line("title", typed.title)
    images = [asdict(one) for one in typed.images]
    return NewText(typed.title.strip() or None, typed.format, typed.text, tree, images)


def _check_line(field: str, words: str) -> None:
    if len(words) > MAX_LINE or "\n" in words or "\r" in words:
        raise _field(field, f"Write at most {MAX_LINE} characters, on one line.")
    try:
        check_characters(words)
    except ProblemError as error:
        raise _field(field, error.detail) from None
