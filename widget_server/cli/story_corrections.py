"""`story correct` and `story corrections`: what is said afterwards about a story, on every copy."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from widget_server.cli.context import act, site_of_story
from widget_server.cli.options import As, Code, DataDir, Note
from widget_server.cli.output import JsonOutput, print_json
from widget_server.model.errors import OperatorError
from widget_server.operations.owners import corrections
from widget_server.operations.owners.corrections import (
    CORRECTION_KINDS,
    Correction,
    TypedCorrection,
)

CorrectionText = Annotated[
    str,
    typer.Argument(help="Say in a sentence what was wrong and what is right.", show_default=False),
]
CorrectionKind = Annotated[str, typer.Option(help=f"Call it {', '.join(CORRECTION_KINDS)}.")]
InLanguages = Annotated[
    list[str] | None,
    typer.Option("--in", metavar="LANG=TEXT", help="Say it in this language too; may be repeated."),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands to those of `story`."""
    app.command("correct")(story_correct)
    app.command("corrections")(story_corrections)


def story_correct(
    code: Code,
    text: CorrectionText,
    kind: CorrectionKind = "correction",
    in_language: InLanguages = None,
    passage: Annotated[
        str, typer.Option(help="Quote the words of the story that it is about.")
    ] = "",
    credit: Annotated[str, typer.Option(help="Thank this person.")] = "",
    note: Note = None,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Publish a correction on every copy of a story. `undo ID` withdraws it.

    No text of a copy is changed. With --json: an object with `id`, `at` (milliseconds since 1970), `kind`,
    `text`, `texts`, `passage`, `credit` and `withdrawn_at`.
    """
    typed = TypedCorrection(text, kind, texts_of(in_language or ()), passage, credit)
    made, _ = act(
        data,
        as_name,
        site_of_story(code),
        lambda services, by: corrections.correct(services, by, code, typed, note=note),
    )
    if as_json:
        print_json(asdict(made))
    else:
        print(f"Published {made.id} on every copy. `widget-server undo {made.id}` withdraws it.")


def story_corrections(
    code: Code, as_name: As = None, as_json: JsonOutput = False, data: DataDir = None
) -> None:
    """List the corrections of a story, the newest first.

    With --json: a list of objects as that of `story correct`.
    """
    found = act(
        data,
        as_name,
        site_of_story(code),
        lambda services, by: corrections.list_of(services, by, code),
    )
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        print(_line(one))
    if not found:
        typer.echo("Nothing has been corrected so far.", err=True)


def _line(one: Correction) -> str:
    day = datetime.fromtimestamp(one.at / 1000, UTC).strftime("%Y-%m-%d")
    return f"{one.id}  {day}  {one.kind}  {one.text or '(withdrawn)'}"


def texts_of(choices: list[str] | tuple[str, ...]) -> dict[str, str]:
    """Return the texts by language of the option `--in`. Raises `OperatorError`."""
    texts = {}
    for choice in choices:
        lang, equals, words = choice.partition("=")
        if not equals:
            raise OperatorError(
                "Write --in as LANG=TEXT, such as --in de='Das Schiff ist von 1961.'"
            )
        texts[lang] = words
    return texts
