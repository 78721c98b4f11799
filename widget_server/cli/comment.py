"""`comment`: list pending comments and moderate comments."""

from typing import Annotated

import typer

from widget_server.cli.context import with_services
from widget_server.cli.options import DataDir, Slug
from widget_server.cli.output import JsonOutput, print_json
from widget_server.content.visibility import escaped
from widget_server.model.records import Comment
from widget_server.operations.moderation import moderate
from widget_server.operations.owners import sites
from widget_server.operations.services import Services

EXCERPT_LENGTH = 200
"""Characters of a pending comment that the list for people shows, to keep it to one line."""

app = typer.Typer(
    help="List pending comments and moderate comments.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command("pending")
def comment_pending(slug: Slug, as_json: JsonOutput = False, data: DataDir = None) -> None:
    """List up to 100 comments and edits that wait for a moderator, oldest first.

    Columns are id, story code, `new` or `edit`, name and the beginning of the text. With --json: an array
    of objects with `id`, `story`, `kind`, `name` (null if anonymous), `text`, `created_at` and
    `edited_at` (milliseconds since 1970; null if never edited).
    """

    async def list_pending(services: Services) -> list[tuple[str, Comment]]:
        await sites.get_site(services, slug)
        return await moderate.pending_comments(services, slug)

    pending = with_services(data, list_pending)
    if as_json:
        print_json([_as_json(code, comment) for code, comment in pending])
        return
    for code, comment in pending:
        excerpt = escaped(" ".join(comment.source.split())[:EXCERPT_LENGTH])
        name = escaped(comment.name or "anonymous")
        print(f"{comment.id}\t{code}\t{_kind(comment)}\t{name}\t{excerpt}")
    if not pending:
        typer.echo("No comment is pending.", err=True)


def _kind(comment: Comment) -> str:
    return "edit" if comment.waiting else "new"


def _as_json(code: str, comment: Comment) -> dict[str, object]:
    return {
        "id": comment.id,
        "story": code,
        "kind": _kind(comment),
        "name": comment.name,
        "text": comment.source,
        "created_at": comment.created_at,
        "edited_at": comment.edited_at,
    }


def _add_verb(verb: moderate.Verb, about: str, done: str) -> None:
    @app.command(verb, help=about)
    def run(
        comment: Annotated[
            str,
            typer.Argument(metavar="ID", help="Name the comment by its id.", show_default=False),
        ],
        data: DataDir = None,
    ) -> None:
        changed = with_services(data, lambda services: moderate.moderate(services, comment, verb))
        print(done.format(changed.id))


_add_verb("approve", "Publish a pending comment or a pending edit.", "Published comment {}.")
_add_verb("remove", "Remove a comment from every copy.", "Removed comment {} from every copy.")
_add_verb("pin", "Show a comment before all others.", "Pinned comment {}.")
_add_verb("unpin", "Show a pinned comment in its usual place again.", "Unpinned comment {}.")
