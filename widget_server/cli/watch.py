"""`watch`: watch-lists, sets of stories whose cases are a queue of their own."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from widget_server.cli.context import act
from widget_server.cli.options import As, DataDir, Slug
from widget_server.cli.output import JsonOutput, print_json
from widget_server.content.visibility import escaped
from widget_server.model.queue import StorySet, WatchList
from widget_server.operations.moderation import watch_lists

app = typer.Typer(
    help="Watch sets of stories: their cases are a queue of their own.",
    no_args_is_help=True,
    add_completion=False,
)


@app.callback()
def root() -> None:
    """Watch sets of stories: their cases are a queue of their own."""


@app.command("list")
def watch_list(
    slug: Slug, as_name: As = None, as_json: JsonOutput = False, data: DataDir = None
) -> None:
    """List the watch-lists of a site by name.

    Columns are id, name and what the list is about. With --json: an array of objects with `id`, `name`,
    `stories`, `newer_than` (hours), `top`, `lang`, `origin`, `tag` and `created_at` (milliseconds since 1970).
    """
    found = act(
        data, as_name, slug, lambda services, by: watch_lists.list_watch_lists(services, by, slug)
    )
    if as_json:
        print_json([_fields(one) for one in found])
        return
    for one in found:
        terms = {name: value for name, value in asdict(one.terms).items() if value}
        print(f"{one.id}\t{escaped(one.name)}\t{escaped(str(terms))}")


@app.command("add")
def watch_add(
    slug: Slug,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Give the list this name.")],
    story: Annotated[
        list[str] | None,
        typer.Option("--story", metavar="CODE", help="Only this story. Repeat for more."),
    ] = None,
    newer_than: Annotated[
        int | None,
        typer.Option("--newer-than", metavar="HOURS", help="Only stories that came so lately."),
    ] = None,
    top: Annotated[
        int | None,
        typer.Option(
            "--top", help="Only so many stories, with the most comments of the last hour."
        ),
    ] = None,
    lang: Annotated[
        str | None, typer.Option("--lang", help="Only comments in this language.")
    ] = None,
    origin: Annotated[
        str | None, typer.Option("--origin", help="Only comments written on this site's copies.")
    ] = None,
    tag: Annotated[str | None, typer.Option("--tag", help="Only comments with this tag.")] = None,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Add a watch-list. All given conditions hold. With --json: the object of `watch list --json`."""
    terms = StorySet(tuple(story or ()), newer_than, top, lang, origin, tag)
    made = act(
        data,
        as_name,
        slug,
        lambda services, by: watch_lists.add_watch_list(services, by, slug, name, terms),
    )
    if as_json:
        print_json(_fields(made))
    else:
        print(
            f"Added {made.id}. To see its cases: widget-server queue list {slug} --watch {made.id}"
        )


@app.command("remove")
def watch_remove(
    slug: Slug,
    watch: Annotated[str, typer.Argument(metavar="ID", help="Name the list by its id.")],
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Remove a watch-list. Its cases stay in their queues. With --json: an object with `removed`, the id."""
    act(
        data,
        as_name,
        slug,
        lambda services, by: watch_lists.remove_watch_list(services, by, slug, watch),
    )
    if as_json:
        print_json({"removed": watch})
    else:
        print("Removed.")


def _fields(one: WatchList) -> dict[str, Any]:
    terms = asdict(one.terms)
    return {
        "id": one.id,
        "name": one.name,
        "stories": list(terms.pop("codes")),
        **terms,
        "created_at": one.created_at,
    }
