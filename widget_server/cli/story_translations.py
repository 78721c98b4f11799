"""`story translations`, `story translate` and `story untranslate`: the linked translations of a story."""

from dataclasses import asdict
from typing import Annotated

import typer

from widget_server.cli.context import operator, with_services
from widget_server.cli.options import As, Code, DataDir
from widget_server.cli.output import JsonOutput, print_json
from widget_server.content.visibility import escaped
from widget_server.model.records import Story
from widget_server.operations.owners import stories, translations
from widget_server.operations.owners.translations import TypedTranslation
from widget_server.operations.services import Services

Language = Annotated[str, typer.Argument(help="Language of the translation: de, pt-BR, zh-Hant.")]


def list_translations(
    code: Code, as_name: As = None, as_json: JsonOutput = False, data: DataDir = None
) -> None:
    """List the linked translations of a story: language, title and address.

    With --json: a list of objects with `lang`, `title`, `url` and `original`.
    """

    async def run(services: Services) -> Story:
        site = (await stories.get_story(services, code)).site
        by = await operator(services, as_name, site)
        return await translations.show(services, by, site, code)

    _print(with_services(data, run), as_json=as_json)


def translate(
    code: Code,
    lang: Language,
    title: Annotated[str, typer.Option(help="Title of the story in this language.")],
    url: Annotated[
        str,
        typer.Option(
            help="Address of the translation. The story's own address names the original's language."
        ),
    ],
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Link a translation to a story, and print all of them. They share its tally and its discussion.

    With --json: a list of objects with `lang`, `title`, `url` and `original`.
    """

    async def run(services: Services) -> Story:
        site = (await stories.get_story(services, code)).site
        by = await operator(services, as_name, site)
        typed = TypedTranslation(title, url)
        return await translations.link(services, by, site, code, lang, typed)

    _print(with_services(data, run), as_json=as_json)


def untranslate(
    code: Code,
    lang: Language,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Unlink the translation of a story into a language. Its reactions and comments stay with the story.

    With --json: an object with `changed`.
    """

    async def run(services: Services) -> bool:
        site = (await stories.get_story(services, code)).site
        by = await operator(services, as_name, site)
        return await translations.unlink(services, by, site, code, lang)

    changed = with_services(data, run)
    if as_json:
        print_json({"changed": changed})
    else:
        print("Unlinked." if changed else "The story has no translation into this language.")


def _print(story: Story, *, as_json: bool) -> None:
    if as_json:
        print_json([{"lang": tag} | asdict(one) for tag, one in story.translations.items()])
        return
    for tag, one in story.translations.items():
        note = "original" if one.original else "translation"
        print(f"{tag}\t{note}\t{escaped(one.title)}\t{escaped(one.url)}")
    if not story.translations:
        typer.echo("No translation is linked.", err=True)
