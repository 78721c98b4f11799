"""`story hints`, `story accept-hint` and `story decline-hint`: error reports of readers about stories."""

from dataclasses import asdict
from typing import Annotated

import typer

from widget_server.cli.context import act
from widget_server.cli.options import After, As, DataDir, Limit, Slug, format_time, print_next
from widget_server.cli.output import JsonOutput, print_json
from widget_server.cli.story_corrections import (
    CorrectionKind,
    CorrectionText,
    InLanguages,
    texts_of,
)
from widget_server.content.visibility import escaped
from widget_server.model.cursors import encode_cursor, place_after
from widget_server.operations.moderation import hints
from widget_server.operations.moderation.hints import HintCase

HintId = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="Name the report by its id, which the list shows.", show_default=False
    ),
]
AnswerText = Annotated[
    str | None, typer.Option("--answer", help="Say this to the reader; no other reader sees it.")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands to those of `story`."""
    app.command("hints")(list_hints)
    app.command("accept-hint")(accept_hint)
    app.command("decline-hint")(decline_hint)


def list_hints(
    slug: Slug,
    story: Annotated[
        str | None, typer.Option("--story", help="Only of the story with this code.")
    ] = None,
    limit: Limit = 25,
    after: After = None,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """List the error reports of readers that wait, the oldest first.

    Columns are id, time, story code, how many of the reader's earlier reports a correction followed, and the
    words. With --json: an array of objects with `id`, `at` (milliseconds since 1970), `story`, `title`, `url`,
    `text`, `passage`, `credit`, `given` and `followed`.
    """
    place = place_after(after, "hints")
    found = act(
        data,
        as_name,
        slug,
        lambda services, by: hints.open_hints(
            services, by, slug, story=story, after=place, limit=limit
        ),
    )
    if as_json:
        print_json([_fields(one) for one in found])
    for one in () if as_json else found:
        print(_line(one))
    if not found:
        typer.echo("No error reports wait.", err=True)
    if len(found) == limit:
        print_next(encode_cursor("hints", *hints.cursor_of(found[-1])))


def accept_hint(
    slug: Slug,
    name: HintId,
    text: CorrectionText,
    kind: CorrectionKind = "correction",
    in_language: InLanguages = None,
    passage: Annotated[
        str | None,
        typer.Option(
            help="Quote these words of the story, or with empty text none. Without it: those of the report."
        ),
    ] = None,
    no_thanks: Annotated[
        bool, typer.Option("--no-thanks", help="Do not name the reader in the correction.")
    ] = False,
    answer: AnswerText = None,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Publish the correction that follows an error report of a reader. `undo ID` withdraws it.

    The reader is told, and thanked by name if they left one. With --json: an object as that of `story correct`.
    """
    made, _ = act(
        data,
        as_name,
        slug,
        lambda services, by: hints.accept(
            services,
            by,
            slug,
            name,
            kind,
            text,
            texts=texts_of(in_language or ()),
            passage=passage,
            credit=not no_thanks,
            answer=answer,
        ),
    )
    if as_json:
        print_json(asdict(made))
    else:
        print(f"Published {made.id} on every copy. `widget-server undo {made.id}` withdraws it.")


def decline_hint(
    slug: Slug,
    name: HintId,
    answer: AnswerText = None,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Answer an error report of a reader without a correction. `undo ID` opens it again.

    Without --answer the reader is told a standard sentence. With --json: an object with `hint` and `decision`.
    """
    decision = act(
        data,
        as_name,
        slug,
        lambda services, by: hints.decline(services, by, slug, name, answer=answer),
    )
    if as_json:
        print_json({"hint": name, "decision": decision})
    else:
        print(f"Declined {name}. `widget-server undo {decision}` opens it again.")


def _fields(case: HintCase) -> dict[str, object]:
    one = case.hint
    return {
        "id": one.id,
        "at": one.at,
        "story": case.story,
        "title": case.title,
        "url": case.url,
        "text": one.text,
        "passage": one.passage,
        "credit": one.credit,
        "given": case.given,
        "followed": case.followed,
    }


def _line(case: HintCase) -> str:
    one = case.hint
    words = escaped(" ".join((one.text or "").split()))
    return "\t".join(
        (one.id, format_time(one.at), case.story, f"{case.followed}/{case.given}", words)
    )
