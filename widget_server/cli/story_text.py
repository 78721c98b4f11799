"""`story text`: the text that republishers get."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import orjson
import typer

from widget_server.cli.context import operator, with_services
from widget_server.cli.options import As, Code, DataDir
from widget_server.cli.output import JsonOutput, print_json
from widget_server.content.story_text import text_html
from widget_server.model.errors import OperatorError
from widget_server.operations.owners import stories, story_text as texts
from widget_server.operations.services import Services


def story_text(
    code: Code,
    file: Annotated[
        Path | None, typer.Option(help="Store this file as the text; without it, print the text.")
    ] = None,
    form: Annotated[
        str, typer.Option("--format", help=f"The file is {' or '.join(texts.FORMATS)}.")
    ] = "html",
    title: Annotated[str, typer.Option(help="Give the text this headline.")] = "",
    image: Annotated[
        list[str] | None,
        typer.Option(
            help='Name an image as JSON: {"url": …, "alt": …, "credit": …, "licence": …, "included": true}.'
        ),
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take the text back.")] = False,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Give republishers the text of a story, print it as they get it, or take it back.

    HTML is reduced to plain elements. With --json: an object with `version`, `title`, `format`, `source`,
    `html`, `images` and `created_at` (milliseconds since 1970); after --remove with `changed`.
    """
    if remove and file is not None:
        raise OperatorError("Choose --file or --remove.")
    typed = None
    if file is not None:
        typed = texts.TypedText(_read(file), form, title, [_image(one) for one in image or ()])

    async def run(services: Services) -> texts.StoryText | bool | None:
        site = (await stories.get_story(services, code)).site
        by = await operator(services, as_name, site)
        if remove:
            return await texts.remove(services, by, site, code)
        if typed is not None:
            return await texts.put(services, by, site, code, typed)
        return await texts.show(services, by, site, code)

    found = with_services(data, run)
    _print(found, stored=typed is not None, as_json=as_json)


def _print(found: texts.StoryText | bool | None, *, stored: bool, as_json: bool) -> None:
    if isinstance(found, bool):
        if as_json:
            print_json({"changed": found})
        else:
            print("Taken back." if found else "The story has no text.")
    elif found is None:
        raise OperatorError("The story has no text. Store one with --file.")
    elif as_json:
        shown = asdict(found) | {"html": text_html(found.tree)}
        del shown["tree"]
        print_json(shown)
    elif stored:
        print(f"Stored as version {found.version}.")
    else:
        print(text_html(found.tree))


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise OperatorError(f"{file} cannot be read as text in UTF-8.") from None


def _image(text: str) -> texts.Image:
    try:
        image = texts.Image(**orjson.loads(text))
        if all(
            isinstance(one, bool if name == "included" else str)
            for name, one in asdict(image).items()
        ):
            return image
    except (orjson.JSONDecodeError, TypeError):
        pass
    raise OperatorError(
        'Write an image as {"url": "https://…", "alt": "…", "credit": "…", "licence": "…"}.'
    )
