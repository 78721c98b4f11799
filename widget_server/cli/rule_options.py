"""Options of the command `rule`, and how rules and trials are printed."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from widget_server.cli.options import HIGHEST_ID, choose, format_time
from widget_server.content.imported_list import ListRejectedError, decode_list, read_list
from widget_server.content.visibility import escaped
from widget_server.model.errors import OperatorError, os_errors_to_operator_errors
from widget_server.model.rules import (
    RULE_ACTIONS,
    RULE_KINDS,
    HitComment,
    HitCounts,
    RuleMode,
    RuleSpec,
    StoredRule,
)
from widget_server.operations.moderation.try_rule import TriedRule

EXCERPT = 120
"""Characters of a comment that lists for people show."""
MODE_WORDS: dict[RuleMode, str] = {"on": "on", "shadow": "in shadow", "off": "off"}

RuleId = Annotated[
    str, typer.Argument(metavar="ID", help="Name the rule by its id.", show_default=False)
]
Name = Annotated[str | None, typer.Option("--name", help="Call the rule so.", show_default=False)]
Kind = Annotated[
    str | None, typer.Option("--kind", help=f"Look at one of: {', '.join(RULE_KINDS)}.")
]
DoAction = Annotated[
    str | None, typer.Option("--action", help=f"Do one of: {', '.join(RULE_ACTIONS)}.")
]
Word = Annotated[
    list[str] | None,
    typer.Option("--word", help="Find this word or phrase; may be given several times."),
]
WordsFile = Annotated[
    Path | None,
    typer.Option(
        "--words",
        help="Read words and phrases from this file, one a line, or the columns `word` and `language` of a CSV.",
    ),
]
Exception_ = Annotated[
    list[str] | None,
    typer.Option("--except", help="Allow the words in this wording; may be given several times."),
]
Leet = Annotated[
    bool | None,
    typer.Option("--leet/--no-leet", help="Read digits and signs as letters too: c4s1no."),
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        min=0,
        help="Allow so many links, like comments or characters; or ask for so many accepted comments.",
    ),
]
Least = Annotated[int | None, typer.Option("--least", min=0, help="Ask for so many characters.")]
Language = Annotated[
    list[str] | None,
    typer.Option("--language", help="Only in this language; may be given several times."),
]
Story = Annotated[str | None, typer.Option("--story", help="Only in the story with this code.")]
CopyNumber = Annotated[
    int | None,
    typer.Option("--copy", min=1, max=HIGHEST_ID, help="Only on this copy of the story."),
]
Guideline = Annotated[
    str | None, typer.Option("--guideline", help="Show the writer this sentence.")
]
Ask = Annotated[
    bool | None,
    typer.Option("--ask/--no-ask", help="Ask the writer to think again before it is held."),
]


def spec_of(
    kind: str | None,
    name: str | None,
    action: str | None,
    word: list[str] | None,
    words: Path | None,
    exceptions: list[str] | None,
    leet: bool | None,
    limit: int | None,
    least: int | None,
    language: list[str] | None,
    story: str | None,
    copy: int | None,
    guideline: str | None,
    ask: bool | None,
) -> RuleSpec:
    """Return the rule that the options of `rule add` describe. Raises `OperatorError`."""
    chosen = choose("--kind", kind, RULE_KINDS)
    if chosen is None:
        raise OperatorError(f"--kind takes {', '.join(RULE_KINDS)}.")
    return RuleSpec(
        name=name or chosen,
        kind=chosen,
        action=choose("--action", action, RULE_ACTIONS) or "hold",
        story=story,
        copy=copy,
        languages=tuple(language or ()),
        words=(*(list_of(words, language) if words is not None else ()), *(word or ())),
        exceptions=tuple(exceptions or ()),
        leet=bool(leet),
        limit=limit or 0,
        least=least or 0,
        guideline=guideline,
        ask=bool(ask),
    )


def list_of(file: Path, languages: Iterable[str] | None) -> tuple[str, ...]:
    """Return the entries of a list, and say which are left out. Raises `OperatorError`, which names each wrong line."""
    with os_errors_to_operator_errors("The list cannot be read", "Name a file with --words."):
        content = file.read_bytes()
    try:
        found = read_list(decode_list(content), languages or ())
    except ListRejectedError as error:
        raise OperatorError(error.detail) from None
    if found.elsewhere:
        named = ", ".join(f"{tag}: {number}" for tag, number in sorted(found.elsewhere.items()))
        typer.echo(f"Entries in other languages are left out ({named}).", err=True)
    return found.words


def rule_json(rule: StoredRule) -> dict[str, Any]:
    """Return a rule as `--json` prints it."""
    spec = rule.spec
    return {
        "id": rule.id,
        "name": spec.name,
        "kind": spec.kind,
        "action": spec.action,
        "mode": rule.mode,
        "story": spec.story,
        "copy": spec.copy,
        "languages": list(spec.languages),
        "words": list(spec.words),
        "exceptions": list(spec.exceptions),
        "leet": spec.leet,
        "limit": spec.limit,
        "least": spec.least,
        "guideline": spec.guideline,
        "ask": spec.ask,
        "created_at": rule.created_at,
        "by": rule.by,
        "mode_at": rule.mode_at,
        "mode_by": rule.mode_by,
        "blocked": rule.blocked,
        "asked": rule.asked,
        "edited": rule.edited,
        "insisted": rule.insisted,
    }


def hit_json(hit: HitComment) -> dict[str, Any]:
    """Return a comment that a rule hit as `--json` prints it."""
    return {
        "comment": hit.comment,
        "story": hit.story,
        "at": hit.at,
        "held": hit.acting,
        "outcome": hit.outcome,
        "text": hit.source or None,
    }


def hits_json(hits: HitCounts) -> dict[str, int]:
    """Return the hits of a rule as `--json` prints them."""
    return {
        "held": hits.acting,
        "in_shadow": hits.shadow,
        "approved": hits.approved,
        "removed": hits.removed,
    }


def trial_json(tried: TriedRule) -> dict[str, Any]:
    """Return a trial as `--json` prints it."""
    trial = tried.trial
    return {
        "tried": trial.tried,
        "caught": trial.caught,
        "approved": trial.approved,
        "removed": trial.removed,
        "since": tried.since,
        "seconds": round(tried.seconds, 3),
        "samples": [
            {
                "comment": one.comment.id,
                "outcome": one.comment.outcome,
                "text": one.comment.text,
                "spans": [list(span) for span in one.hit.spans],
                "beside": list(one.hit.beside),
            }
            for one in trial.samples
        ],
    }


def print_trial(tried: TriedRule) -> None:
    """Print a trial for people: the figures, then the samples, false alarms first."""
    trial = tried.trial
    if not trial.tried:
        print("There is no comment yet to try it on.")
        return
    print(
        f"Would have held {trial.caught} of the last {trial.tried} (since"
        f" {format_time(tried.since)}): {trial.removed} that people removed, {trial.approved} that"
        " people approved."
    )
    for one in trial.samples:
        print(f"{one.comment.id}\t{one.comment.outcome}\t{beginning_of(one.comment.text)}")


def beginning_of(text: str) -> str:
    """Return the beginning of a comment on one line, safe to print to a terminal."""
    return escaped(" ".join(text.split())[:EXCERPT])
