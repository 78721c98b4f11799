"""`story list` and `story show`: a site's stories, and one of them."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from widget_server.cli.context import operator, with_services
from widget_server.cli.options import (
    After,
    As,
    Code,
    DataDir,
    Limit,
    Slug,
    choose,
    format_time,
    print_next,
)
from widget_server.cli.output import JsonOutput, print_json
from widget_server.content.visibility import escaped
from widget_server.model.errors import OperatorError
from widget_server.operations.owners import sites, stories
from widget_server.operations.services import Services


def list_stories(
    slug: Slug,
    search: Annotated[str, typer.Option(help="Look for these words in title, key and code.")] = "",
    state: Annotated[
        str | None, typer.Option(help="List only stories that are `open` or `closed`.")
    ] = None,
    author: Annotated[str | None, typer.Option(help="List only stories of this author.")] = None,
    lang: Annotated[
        str | None, typer.Option(help="List only stories with a copy in this language.")
    ] = None,
    sort: Annotated[
        str, typer.Option(help=f"Sort by {', '.join(stories.STORY_ORDERS)}, highest first.")
    ] = "activity",
    limit: Limit = 25,
    after: After = None,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """List a site's stories with copies, readers now, reactions, comments and what waits.

    Columns are code, state, title, copies, readers now, reactions, comments, waiting and last activity.
    With --json: an object with `stories`, `total`, `all` and `next`; times are milliseconds since 1970.
    """
    order = choose("--sort", sort, stories.STORY_ORDERS)
    if state not in {None, "open", "closed"}:
        raise OperatorError("--state takes open or closed.")
    closed = None if state is None else state == "closed"
    wanted = stories.StoryFilter(search, closed, author, lang)

    async def read(services: Services) -> stories.StoryList:
        await sites.get_site(services, slug)
        by = await operator(services, as_name, slug)
        return await stories.list_stories(
            services, by, slug, wanted, order=order or "activity", limit=limit, after=after
        )

    page = with_services(data, read)
    if as_json:
        rows = [_as_json(one) for one in page.stories]
        print_json({"stories": rows, "total": page.total, "all": page.all, "next": page.next})
        return
    for row in page.stories:
        record, story = row.record, row.record.story
        cells = (
            story.code,
            "closed" if story.closed else "open",
            escaped(story.title or story.key),
            record.copies,
            row.readers.text,
            record.reactions,
            story.count,
            record.waiting,
            format_time(record.active_at),
        )
        print("\t".join(map(str, cells)))
    if not page.stories:
        typer.echo("No story matches.", err=True)
    print_next(page.next)


def show_story(
    code: Code, as_name: As = None, as_json: JsonOutput = False, data: DataDir = None
) -> None:
    """Show a story: attribution, notice, state, counts, copies and what waits.

    With --json: the object of `story list` with `counts`, `license`, `url`, `notice`, `copy_list` and
    `more_copies`.
    """

    async def read(services: Services) -> stories.ShownStory:
        site = (await stories.get_story(services, code)).site
        by = await operator(services, as_name, site)
        return await stories.show_story(services, by, site, code)

    shown = with_services(data, read)
    record, story = shown.record, shown.record.story
    if as_json:
        copies = [
            asdict(one.record)
            | {"share": round(one.record.share, 4), "readers": one.readers.number}
            for one in shown.copies
        ]
        print_json(
            _as_json(stories.ListedStory(record, shown.readers))
            | {
                "counts": story.tally.counts,
                "license": story.license,
                "url": story.url,
                "notice": story.notice,
                "copy_list": copies,
                "more_copies": shown.more_copies,
            }
        )
        return
    counts = ", ".join(f"{key} {number}" for key, number in story.tally.counts.items())
    lines = {
        "title": story.title,
        "author": story.author,
        "publisher": story.publisher,
        "page": story.url,
        "licence": story.license,
        "site": story.site,
        "key": story.key,
        "state": "closed" if story.closed else "open",
        "notice": story.notice,
        "readers now": shown.readers.text,
        "reactions": f"{record.reactions} ({counts})",
        "comments": str(story.count),
        "waiting": str(record.waiting),
        "last activity": format_time(record.active_at),
    }
    for name, value in lines.items():
        if value is not None:
            print(f"{name}: {escaped(value)}")
    for one in shown.copies:
        page = escaped(one.record.page or one.record.origin)
        print(f"copy {one.record.id}: {page}, {one.record.status.replace('_', ' ')}")
    if shown.more_copies:
        print(f"and {shown.more_copies} more copies")


def _as_json(row: stories.ListedStory) -> dict[str, Any]:
    record, story = row.record, row.record.story
    return {
        "code": story.code,
        "site": story.site,
        "key": story.key,
        "title": story.title,
        "author": story.author,
        "publisher": story.publisher,
        "closed": story.closed,
        "copies": record.copies,
        "readers": row.readers.number,
        "reactions": record.reactions,
        "comments": story.count,
        "waiting": record.waiting,
        "created_at": story.created_at,
        "active_at": record.active_at,
    }
