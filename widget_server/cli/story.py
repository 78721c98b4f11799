"""`story`: list a site's stories; show, close, reopen, annotate or set the discussion of one."""

from typing import Annotated

import typer

from widget_server.cli import (
    story_corrections,
    story_decisions,
    story_hints,
    story_list,
    story_text,
    story_translations,
)
from widget_server.cli.context import operator, with_services
from widget_server.cli.options import (
    As,
    Code,
    DataDir,
)
from widget_server.cli.output import JsonOutput, print_json
from widget_server.cli.rules import choices_of, print_settings
from widget_server.operations.owners import settings, stories
from widget_server.operations.services import Services

app = typer.Typer(
    help="List stories; show, close, reopen or annotate the discussion of one, and override rules in it.",
    no_args_is_help=True,
    add_completion=False,
)
story_decisions.add_to(app)
story_corrections.add_to(app)
story_hints.add_to(app)


@app.command("set")
def story_set(
    code: Code,
    choices: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY=VALUE…", help="Override these rules of the site; without any, print them."
        ),
    ] = None,
    clear: Annotated[
        list[str] | None,
        typer.Option(
            "--clear", metavar="KEY", help="Follow the site's rule again; may be repeated."
        ),
    ] = None,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Override rules of the site in one story, for instance `moderation=pre`, and print them.

    Prints the rules that the story overrides. With --json: an object of them.
    """
    changes: dict[str, str | None] = {**choices_of(choices), **dict.fromkeys(clear or ())}

    async def run(services: Services) -> settings.CurrentSettings:
        site = (await stories.get_story(services, code)).site
        by = await operator(services, as_name, site)
        if changes:
            await settings.change_settings(services, by, site, changes, story=code)
        return await settings.read_settings(services, by, site, code)

    current = with_services(data, run)
    keys = [key for key in current.stored if key != "guidelines_trees"]
    if as_json:
        print_json(current.settings.values(keys))
    elif keys:
        print_settings(current.settings, keys, as_json=False)
    else:
        typer.echo("This story follows its site in everything.", err=True)


app.command("list")(story_list.list_stories)
app.command("show")(story_list.show_story)
app.command("text")(story_text.story_text)
app.command("translations")(story_translations.list_translations)
app.command("translate")(story_translations.translate)
app.command("untranslate")(story_translations.untranslate)
