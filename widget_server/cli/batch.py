"""`batch`: decide about all comments that a search finds, and undo such a batch whole."""

import asyncio
from typing import Annotated, Any

import typer

from widget_server.cli.context import act
from widget_server.cli.options import HIGHEST_ID, As, DataDir, Note, Reason, Slug
from widget_server.cli.output import JsonOutput, print_json
from widget_server.content.visibility import escaped
from widget_server.model.actors import Actor
from widget_server.model.batches import Batch, Search
from widget_server.operations.moderation import batches
from widget_server.operations.services import Services

app = typer.Typer(
    help="Decide about all comments that a search finds.",
    no_args_is_help=True,
    add_completion=False,
)
HOUR_MS = 3_600_000

Verb = Annotated[str, typer.Argument(metavar="VERB", help="remove, spam, hold or approve.")]
Writer = Annotated[
    str | None,
    typer.Option("--writer-of", metavar="ID", help="By the writer of this comment."),
]
Story = Annotated[str | None, typer.Option("--story", help="Only on the story with this code.")]
Copy = Annotated[
    int | None, typer.Option("--copy", min=1, max=HIGHEST_ID, help="Written on this copy.")
]
Phrase = Annotated[str | None, typer.Option("--phrase", help="With this phrase.")]
Hours = Annotated[
    int | None, typer.Option("--hours", min=1, max=2_000, help="Written in the last hours.")
]
Name = Annotated[str, typer.Argument(metavar="BATCH", help="Name a batch by its id.")]


@app.callback()
def root() -> None:
    """Decide about all comments that a search finds."""


@app.command("preview")
def batch_preview(
    slug: Slug,
    verb: Verb,
    writer: Writer = None,
    story: Story = None,
    copy: Copy = None,
    phrase: Phrase = None,
    hours: Hours = None,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Say how many comments a batch would change, and show ten of them. Nothing is changed.

    With --json: an object with `total`, `stories` (their number) and `samples`, an array of objects with
    `comment`, `story` and `text`.
    """
    found = act(
        data,
        as_name,
        slug,
        lambda services, by: batches.preview(
            services, by, slug, verb, _search(services, writer, story, copy, phrase, hours)
        ),
    )
    if as_json:
        samples = [
            {"comment": one.id, "story": code, "text": one.source} for code, one in found.samples
        ]
        print_json({"total": found.total, "stories": found.stories, "samples": samples})
        return
    print(f"{found.total} comments on {found.stories} stories.")
    for code, one in found.samples:
        print(f"{one.id}\t{code}\t{escaped(' '.join(one.source.split())[:120])}")


@app.command("start")
def batch_start(
    slug: Slug,
    verb: Verb,
    writer: Writer = None,
    story: Story = None,
    copy: Copy = None,
    phrase: Phrase = None,
    hours: Hours = None,
    reason: Reason = None,
    note: Note = None,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Decide about all comments that the search finds, and wait until it is done.

    With --json: an object with `batch`, `total`, `done`, `refused` and `undoes`.
    """

    async def run(services: Services, by: Actor) -> Batch:
        search = _search(services, writer, story, copy, phrase, hours)
        batch = await batches.start_batch(
            services, by, slug, verb, search, reason=reason, note=note
        )
        return await _finished(services, by, batch)

    _print(act(data, as_name, slug, run), as_json=as_json)


@app.command("show")
def batch_show(
    slug: Slug, name: Name, as_name: As = None, as_json: JsonOutput = False, data: DataDir = None
) -> None:
    """Show how far a batch is. Output as that of `batch start`."""
    found = act(
        data, as_name, slug, lambda services, by: batches.find_batch(services, by, slug, name)
    )
    _print(found, as_json=as_json)


@app.command("undo")
def batch_undo(
    slug: Slug, name: Name, as_name: As = None, as_json: JsonOutput = False, data: DataDir = None
) -> None:
    """Undo a whole batch, and wait until it is done. Output as that of `batch start`."""

    async def run(services: Services, by: Actor) -> Batch:
        batch = await batches.undo_batch(services, by, slug, name)
        return await _finished(services, by, batch)

    _print(act(data, as_name, slug, run), as_json=as_json)


async def _finished(services: Services, by: Actor, batch: Batch) -> Batch:
    """Do the work here: this command may be the only process. A server's job finds it done, or helps."""
    await batches.run_batch(services, batch.id)
    while True:
        found = await batches.find_batch(services, by, batch.site, batch.id)
        if found.ended_at is not None:
            return found
        await asyncio.sleep(0.5)


def _search(
    services: Services,
    writer: str | None,
    story: str | None,
    copy: int | None,
    phrase: str | None,
    hours: int | None,
) -> Search:
    since = None if hours is None else services.now_ms() - hours * HOUR_MS
    return Search(writer, story, copy, phrase, since)


def _print(batch: Batch, *, as_json: bool) -> None:
    if as_json:
        content: dict[str, Any] = {
            "batch": batch.id,
            "total": batch.total,
            "done": batch.done,
            "refused": batch.refused,
            "undoes": batch.undoes,
        }
        print_json(content)
        return
    print(f"{batch.done} of {batch.total} done, {batch.refused} refused.")
    if batch.undoes is None:
        typer.echo(f"To undo all: widget-server batch undo {batch.site} {batch.id}", err=True)
