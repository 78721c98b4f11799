"""`comment`: list and show comments, and decide about them."""

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from widget_server.cli.context import act, operator, site_of_comment, with_services
from widget_server.cli.options import As, DataDir, Limit, Note, Reason, Slug
from widget_server.cli.output import JsonOutput, print_json
from widget_server.content.visibility import escaped
from widget_server.model.decisions import Case, CommentVerb, Decided
from widget_server.model.errors import OperatorError
from widget_server.model.limits import MAX_PAGE
from widget_server.model.records import Comment
from widget_server.operations.moderation import cases, decide, discussion
from widget_server.operations.owners import sites
from widget_server.operations.services import Services

EXCERPT_LENGTH = 200
"""Characters of a comment that the list for people shows, to keep it to one line."""

app = typer.Typer(
    help="List and show comments, and decide about them.",
    no_args_is_help=True,
    add_completion=False,
)

Comments = Annotated[
    list[str],
    typer.Argument(metavar="ID…", help="Name the comments by their ids.", show_default=False),
]
Revision = Annotated[
    int | None,
    typer.Option(
        "--revision",
        min=1,
        help="Decide only if the comment still has this revision, which lists show.",
    ),
]


@app.command("pending")
def comment_pending(
    slug: Slug, as_name: As = None, as_json: JsonOutput = False, data: DataDir = None
) -> None:
    """List up to 100 comments and edits that wait for a moderator, oldest first.

    Columns are id, story code, `new` or `edit`, name and the beginning of the text. With --json: an array
    of objects with `id`, `story`, `kind`, `name` (null if anonymous), `text`, `created_at` and
    `edited_at` (milliseconds since 1970; null if never edited), `revision` and `tags`.
    """

    async def list_pending(services: Services) -> list[tuple[str, Comment]]:
        await sites.get_site(services, slug)
        by = await operator(services, as_name, slug)
        found: list[Case] = []
        for queue in ("pending", "held", "edits"):
            found += await cases.open_cases(services, by, slug, queue)
        found.sort(key=lambda case: case.opened_at)
        return [(case.story, cases.waiting_version(case)) for case in found[:MAX_PAGE]]

    pending = with_services(data, list_pending)
    if as_json:
        print_json([_as_json(code, comment) for code, comment in pending])
        return
    for code, comment in pending:
        print(f"{comment.id}\t{code}\t{_kind(comment)}\t{_name(comment)}\t{_excerpt(comment)}")
    if not pending:
        typer.echo("No comment is pending.", err=True)


@app.command("list")
def comment_list(
    slug: Slug,
    story: Annotated[
        str | None, typer.Option("--story", help="Only of the story with this code.")
    ] = None,
    tag: Annotated[str | None, typer.Option("--tag", help="Only with this tag.")] = None,
    limit: Limit = 100,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """List the newest comments of a site, in any state.

    Columns are id, story code, state, name and the beginning of the text. With --json: an array of objects
    with `id`, `story`, `state`, `kind`, `name`, `text`, `created_at`, `edited_at`, `revision` and `tags`.
    """

    async def read(services: Services) -> list[tuple[str, Comment]]:
        await sites.get_site(services, slug)
        by = await operator(services, as_name, slug)
        return await cases.list_comments(services, by, slug, story=story, limit=limit, tag=tag)

    found = with_services(data, read)
    if as_json:
        print_json([_as_json(code, one) | {"state": one.state.value} for code, one in found])
        return
    for code, one in found:
        print(f"{one.id}\t{code}\t{one.state.value}\t{_name(one)}\t{_excerpt(one)}")
    if not found:
        typer.echo("There is no comment.", err=True)


@app.command("show")
def comment_show(
    comment: Annotated[
        str,
        typer.Argument(metavar="ID", help="Name the comment by its id.", show_default=False),
    ],
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Show one comment whole, also a removed one whose text is still kept.

    With --json: an object with the fields of `comment list --json`, and `kept_until` (milliseconds since
    1970; null unless the comment is removed and can be restored).
    """
    code, found, until = act(
        data,
        as_name,
        site_of_comment(comment),
        lambda services, by: cases.show_comment(services, by, comment),
    )
    if as_json:
        state = {"state": found.state.value, "kept_until": until}
        print_json(_as_json(code, found) | state)
        return
    print(f"{found.id}, story {code}, {found.state.value}, revision {found.revision}")
    if found.tags:
        print(f"Tags: {escaped(', '.join(found.tags))}")
    if until is not None:
        print("The removal can be undone: `widget-server comment restore ID`.")
    print(f"{_name(found)}:")
    for line in found.source.splitlines():
        print(f"  {escaped(line)}")


@app.command("answer")
def comment_answer(
    comment: Annotated[str, typer.Argument(metavar="ID", help="Answer the comment with this id.")],
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Publish this text (Markdown).")],
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Answer a reader under the name of an account (--as), with the badge of a moderator.

    With --json: an object with `comment`, the id of the answer.
    """

    async def publish(services: Services) -> Comment:
        site = await site_of_comment(comment)(services)
        by = await operator(services, as_name, site)
        return await discussion.answer(services, by, site, comment, text, uuid.uuid4().hex)

    made = with_services(data, publish)
    if as_json:
        print_json({"comment": made.id})
    else:
        print(f"Published {made.id}.")


def _kind(comment: Comment) -> str:
    return "edit" if comment.waiting else "new"


def _name(comment: Comment) -> str:
    return escaped(comment.name or "anonymous")


def _excerpt(comment: Comment) -> str:
    return escaped(" ".join(comment.source.split())[:EXCERPT_LENGTH])


def _as_json(code: str, comment: Comment) -> dict[str, object]:
    return {
        "id": comment.id,
        "story": code,
        "kind": _kind(comment),
        "name": comment.name,
        "text": comment.source,
        "created_at": comment.created_at,
        "edited_at": comment.edited_at,
        "revision": comment.revision,
        "tags": list(comment.tags),
    }


def _add_verb(verb: CommentVerb, about: str, done: str) -> None:
    @app.command(verb, help=about)
    def run(
        comments: Comments,
        reason: Reason = None,
        note: Note = None,
        revision: Revision = None,
        as_name: As = None,
        as_json: JsonOutput = False,
        data: DataDir = None,
    ) -> None:
        given = _Given(reason, note, revision)
        _run(verb, comments, given, done, as_name, data, as_json=as_json)


def _add_tag_verb(verb: CommentVerb, about: str, done: str) -> None:
    @app.command(verb, help=about)
    def run(
        comments: Comments,
        tag: Annotated[str, typer.Option("--tag", metavar="NAME", help="Name the tag.")],
        note: Note = None,
        revision: Revision = None,
        as_name: As = None,
        as_json: JsonOutput = False,
        data: DataDir = None,
    ) -> None:
        given = _Given(None, note, revision, tag)
        _run(verb, comments, given, done, as_name, data, as_json=as_json)


@dataclass(frozen=True, slots=True)
class _Given:
    """What options say of a decision."""

    reason: str | None
    note: str | None
    revision: int | None
    tag: str | None = None


def _run(
    verb: CommentVerb,
    comments: list[str],
    given: _Given,
    done: str,
    as_name: str | None,
    data: Path | None,
    *,
    as_json: bool,
) -> None:
    if len(comments) > 1:
        if given.revision is not None:
            raise OperatorError("--revision goes with one comment.")
        _run_batch(verb, comments, given, done, as_name, data, as_json=as_json)
        return
    decided = act(
        data,
        as_name,
        site_of_comment(comments[0]),
        lambda services, by: decide.decide(
            services,
            by,
            verb,
            comments[0],
            reason=given.reason,
            note=given.note,
            revision=given.revision,
            tag=given.tag,
        ),
    )
    _print_one(decided, done, as_json=as_json)


def _print_one(decided: Decided, done: str, *, as_json: bool) -> None:
    comment, decision = decided.comment, decided.decision
    if as_json:
        print_json(
            {
                "decision": decision.id if decision else None,
                "comment": comment.id if comment else None,
                "state": comment.state.value if comment else None,
            }
        )
        return
    name = comment.id if comment else ""
    print(f"Nothing to change: comment {name}." if decision is None else done.format(name))
    if decision is not None and decision.verb != "erase":
        typer.echo(f"To undo it: widget-server undo {decision.id}", err=True)


def _run_batch(
    verb: CommentVerb,
    comments: list[str],
    given: _Given,
    done: str,
    as_name: str | None,
    data: Path | None,
    *,
    as_json: bool,
) -> None:
    targets = [(comment, None) for comment in comments]
    result = act(
        data,
        as_name,
        site_of_comment(comments[0]),
        lambda services, by: decide.decide_batch(
            services, by, verb, targets, reason=given.reason, note=given.note, tag=given.tag
        ),
    )
    print_batch(result, done, as_json=as_json)


def print_batch(result: decide.BatchResult, done: str, *, as_json: bool) -> None:
    """Print what was decided and what was not. Exit with status 1 if anything was refused."""
    refused = {name: problem.detail for name, problem in result.refused.items()}
    names = [one.comment.id if one.comment else one.story.code for one in result.decided]
    if as_json:
        content: dict[str, Any] = {"batch": result.batch, "done": names, "refused": refused}
        print_json(content)
    else:
        for name in names:
            print(done.format(name))
        for name, detail in refused.items():
            typer.echo(f"{name}: {detail}", err=True)
        if len(names) > 1:
            typer.echo(f"To undo all: widget-server undo {result.batch}", err=True)
    if refused:
        raise typer.Exit(1)


_add_verb(
    "approve",
    "Publish pending or held comments or pending edits, or keep reported comments.",
    "Published comment {}.",
)
_add_verb("reject", "Reject pending comments or pending edits.", "Rejected comment {}.")
_add_verb("remove", "Remove comments from every copy.", "Removed comment {} from every copy.")
_add_verb(
    "restore", "Bring removed comments back while their text is kept.", "Restored comment {}."
)
_add_verb("hold", "Hide comments until somebody decides.", "Held comment {}.")
_add_verb("spam", "Remove comments as spam.", "Removed comment {} as spam.")
_add_verb("pin", "Show comments before all others.", "Pinned comment {}.")
_add_verb("unpin", "Show pinned comments in their usual place again.", "Unpinned comment {}.")
_add_verb("feature", "List comments in the feeds of featured comments.", "Featured comment {}.")
_add_verb(
    "unfeature",
    "Take comments out of the feeds of featured comments.",
    "Comment {} is no longer featured.",
)
_add_tag_verb(
    "tag", "Note one of the site's tags on comments. Readers do not see it.", "Tagged comment {}."
)
_add_tag_verb("untag", "Take a tag off comments.", "Took the tag off comment {}.")
_add_verb(
    "uphold",
    "Answer objections: what was decided about the comments stays.",
    "Upheld what was decided about comment {}.",
)
_add_verb("erase", "Erase comments at once, which cannot be undone.", "Erased comment {}.")
