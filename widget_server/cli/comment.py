"""`comment`: a moderator's verbs."""

from typing import Annotated

import typer

from widget_server.cli.context import with_services
from widget_server.cli.options import DataDir, Slug
from widget_server.content.visibility import escaped
from widget_server.operations.moderation import moderate

app = typer.Typer(help="A moderator's verbs.", no_args_is_help=True, add_completion=False)


@app.command("pending")
def comment_pending(slug: Slug, data: DataDir = None) -> None:
    """List what waits for a moderator, oldest first."""
    found = with_services(data, lambda services: moderate.pending_comments(services, slug))
    for code, comment in found:
        words = escaped(" ".join(comment.source.split())[:200])
        name = escaped(comment.name or "anonymous")
        kind = "edit" if comment.waiting else "new"
        print(f"{comment.id}\t{code}\t{kind}\t{name}\t{words}")


def _add_verb(verb: moderate.Verb, about: str) -> None:
    @app.command(verb, help=about)
    def run(
        comment: Annotated[str, typer.Argument(metavar="ID", help="The comment.")],
        data: DataDir = None,
    ) -> None:
        with_services(data, lambda services: moderate.moderate(services, comment, verb))


_add_verb("approve", "Publish a waiting comment, or a waiting edit.")
_add_verb("remove", "Take a comment from every copy.")
_add_verb("pin", "Show a comment first.")
_add_verb("unpin", "Show a comment in its usual place.")
