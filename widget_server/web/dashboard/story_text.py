"""The text of one story and its images, as republishers get them."""

from starlette.responses import Response

from widget_server.content.story_text import MAX_TEXT, text_html
from widget_server.model.errors import NotFoundError, ProblemError
from widget_server.operations.owners import stories, story_text
from widget_server.operations.owners.story_text import FORMATS, Image, TypedText
from widget_server.web.dashboard.page import Page, site_page

NOT_INCLUDED = "-"
"""The first character of an image's line if it may not be republished."""


@site_page("read")
async def show(page: Page) -> Response:
    """Handle `GET …/stories/{code}/text`."""
    return await _form(page)


@site_page("text")
async def save(page: Page) -> Response:
    """Handle `POST …/stories/{code}/text`: store the text as its next version, or take it back."""
    code = page.request.path_params["code"]
    place = page.path(f"stories/{code}/text")
    try:
        if page.form.get("do") == "remove":
            await story_text.remove(page.services, page.actor, page.site, code)
            return page.redirect(place, "text_removed")
        typed = TypedText(
            page.form.get("text"),
            page.form.get("format"),
            page.form.get("title"),
            [_image(line) for line in page.form.get("images").splitlines() if line.strip()],
        )
        await story_text.put(page.services, page.actor, page.site, code, typed)
    except NotFoundError:
        raise
    except ProblemError as error:
        page.fail(error)
        return await _form(page)
    return page.redirect(place, "text")


def _image(line: str) -> Image:
    """Return the image of a line: address, what is seen, credit and licence, between vertical bars."""
    line = line.strip()
    included = not line.startswith(NOT_INCLUDED)
    parts = [part.strip() for part in line.lstrip(NOT_INCLUDED).split("|")]
    url, alt, credit, licence = (*parts, "", "", "", "")[:4]
    return Image(url, alt, credit, licence, included)


def _line(image: Image) -> str:
    words = " | ".join((image.url, image.alt, image.credit, image.licence)).rstrip(" |")
    return words if image.included else f"{NOT_INCLUDED} {words}"


async def _form(page: Page) -> Response:
    code = page.request.path_params["code"]
    found = await stories.find_story(page.services, page.actor, page.site, code)
    stored = await story_text.show(page.services, page.actor, page.site, code)
    values = {"title": found.record.story.title or "", "format": "html", "text": "", "images": ""}
    if stored is not None:
        images = story_text.images_of(stored.images)
        values = {
            "title": stored.title or "",
            "format": stored.format,
            "text": stored.source,
            "images": "\n".join(map(_line, images)),
        }
    return page.render(
        "story/text.html",
        found=found,
        tab="text",
        here_back=page.path(f"stories/{code}/text"),
        stored=stored,
        html="" if stored is None else text_html(stored.tree),
        values=values | dict(page.form.fields),
        formats=FORMATS,
        most=MAX_TEXT,
    )
