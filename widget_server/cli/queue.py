"""`queue`: what waits for a person: count, list, take, hand over, decide, give back."""

from typing import Annotated, Any

import typer

from widget_server.cli.context import act
from widget_server.cli.options import HIGHEST_ID, As, DataDir, Limit, Note, Reason, Slug, choose
from widget_server.cli.output import JsonOutput, print_json
from widget_server.content.visibility import escaped
from widget_server.model.actors import Actor
from widget_server.model.decisions import COMMENT_VERBS, Case, HandedOver
from widget_server.model.errors import OperatorError
from widget_server.operations.moderation import cases, hand_over, new_comments, queue
from widget_server.operations.owners.people import find_account
from widget_server.operations.services import Services

app = typer.Typer(
    help="Take what waits for a person, and decide.", no_args_is_help=True, add_completion=False
)

QueueName = Annotated[
    str,
    typer.Option(
        "--queue",
        help="pending, reported, held, edits, appeals, all, or mine: handed over to the account of --as.",
    ),
]
Story = Annotated[str | None, typer.Option("--story", help="Only of the story with this code.")]
Copy = Annotated[
    int | None, typer.Option("--copy", min=1, max=HIGHEST_ID, help="Only written on this copy.")
]
Language = Annotated[str | None, typer.Option("--lang", help="Only in this language.")]
Because = Annotated[str | None, typer.Option("--because", help="Only reported for this reason.")]
Age = Annotated[
    str | None,
    typer.Option("--age", help="day: opened in the last 24 hours; older: before."),
]
Watch = Annotated[
    str | None,
    typer.Option("--watch", metavar="ID", help="Only of the stories of this watch-list."),
]
Tag = Annotated[str | None, typer.Option("--tag", help="Only comments with this tag.")]
CaseId = Annotated[
    int,
    typer.Argument(
        metavar="CASE", min=1, max=HIGHEST_ID, help="Name a case by its number, which lists show."
    ),
]


@app.callback()
def root() -> None:
    """Take what waits for a person, and decide."""


@app.command("counts")
def queue_counts(
    slug: Slug, as_name: As = None, as_json: JsonOutput = False, data: DataDir = None
) -> None:
    """Print how many cases are open in each queue, and in `corrections` how many error reports of readers.

    With --json: an object of numbers by queue.
    """
    found = act(data, as_name, slug, lambda services, by: cases.count_waiting(services, by, slug))
    if as_json:
        print_json(found)
        return
    for name, number in found.items():
        print(f"{name}\t{number}")


@app.command("list")
def queue_list(
    slug: Slug,
    name: QueueName = "all",
    story: Story = None,
    copy: Copy = None,
    lang: Language = None,
    because: Because = None,
    age: Age = None,
    watch: Watch = None,
    tag: Tag = None,
    limit: Limit = 25,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """List open cases, the most urgent first, then the oldest.

    Columns are case, queue, story code, comment, reasons and the beginning of the text. With --json: an
    array of objects with `case`, `queue`, `story`, `comment`, `revision`, `priority`, `reasons`, `opened_at`
    (milliseconds since 1970), `text`, `tags`, and `handed_to` (name of the person to whom it was handed over, or null).
    """
    chosen = cases.filter_of(name, story, copy, lang, because, age, watch, tag)
    found = act(
        data,
        as_name,
        slug,
        lambda services, by: cases.open_cases(services, by, slug, chosen, limit=limit),
    )
    _print(found, as_json=as_json)


@app.command("take")
def queue_take(
    slug: Slug,
    name: QueueName = "all",
    story: Story = None,
    copy: Copy = None,
    lang: Language = None,
    because: Because = None,
    age: Age = None,
    watch: Watch = None,
    tag: Tag = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=50, help="Take at most so many.")
    ] = 10,
    seconds: Annotated[
        int, typer.Option("--seconds", min=1, max=600, help="Keep them for so long.")
    ] = 60,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Take open cases, so that no other person gets them before they are given back or the time is over.

    Output as that of `queue list`.
    """
    chosen = cases.filter_of(name, story, copy, lang, because, age, watch, tag)
    cards = act(
        data,
        as_name,
        slug,
        lambda services, by: queue.take(services, by, slug, chosen, limit=limit, seconds=seconds),
    )
    _print([card.case for card in cards], as_json=as_json)


@app.command("give-back")
def queue_give_back(
    slug: Slug,
    only: Annotated[
        list[int] | None,
        typer.Option("--case", metavar="CASE", help="Only this case. Repeat for more."),
    ] = None,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Give taken cases back to the others. With --json: an object with `given_back`, their number."""
    number = act(
        data,
        as_name,
        slug,
        lambda services, by: queue.give_cases_back(services, by, slug, only),
    )
    if as_json:
        print_json({"given_back": number})
    else:
        print(f"{number} cases given back.")


@app.command("hand-over")
def queue_hand_over(
    slug: Slug,
    case: CaseId,
    to: Annotated[
        str, typer.Argument(metavar="NAME", help="Name the person: name, e-mail address or id.")
    ],
    note: Annotated[
        str | None,
        typer.Option("--note", help="Write this to that person; readers never see it."),
    ] = None,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Hand a case over to a person. For a day no other person gets it from a queue.

    With --json: an object with `case`, `handed_to` (a name) and `until` (milliseconds since 1970).
    """

    async def run(services: Services, by: Actor) -> HandedOver:
        account = await find_account(services, to)
        return await hand_over.hand_over(services, by, slug, case, account.id, note)

    handed = act(data, as_name, slug, run)
    if as_json:
        print_json({"case": case, "handed_to": handed.to_name, "until": handed.until})
    else:
        print(
            f"Handed over to {escaped(handed.to_name)}. To take it back: widget-server queue"
            f" take-back {slug} {case}"
        )


@app.command("take-back")
def queue_take_back(
    slug: Slug,
    case: CaseId,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Let a case that was handed over belong to all again. With --json: `case`, and whether it was `taken_back`."""
    done = act(
        data,
        as_name,
        slug,
        lambda services, by: hand_over.take_back_case(services, by, slug, case),
    )
    if as_json:
        print_json({"case": case, "taken_back": done})
    else:
        print("It belongs to all again." if done else "It was not handed over.")


@app.command("decide")
def queue_decide(
    slug: Slug,
    case: CaseId,
    verb: Annotated[
        str, typer.Argument(metavar="VERB", help="approve, remove, reject, hold, spam, uphold.")
    ],
    reason: Reason = None,
    note: Note = None,
    revision: Annotated[
        int | None,
        typer.Option(
            "--revision", min=1, help="Decide only if the comment still has this revision."
        ),
    ] = None,
    tag: Annotated[
        str | None, typer.Option("--tag", metavar="NAME", help="For tag and untag: which one.")
    ] = None,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Decide about a case, unless another decision has closed it.

    With --json: an object with `decision` (null if everything was so already), `comment` and `state`.
    """
    known = choose("VERB", verb, COMMENT_VERBS)
    if known is None:
        raise OperatorError(f"VERB takes {', '.join(COMMENT_VERBS)}.")
    decided = act(
        data,
        as_name,
        slug,
        lambda services, by: queue.decide_case(
            services, by, slug, case, known, reason=reason, note=note, revision=revision, tag=tag
        ),
    )
    entry, comment = decided.decision, decided.comment
    state = None if comment is None else comment.state.value
    if as_json:
        content: dict[str, Any] = {
            "decision": entry.id if entry else None,
            "comment": comment.id if comment else None,
            "state": state,
        }
        print_json(content)
    elif entry is None:
        print("Nothing to change.")
    else:
        print(f"The comment is {state} now. To undo: widget-server undo {entry.id}")


@app.command("new")
def queue_new(
    slug: Slug,
    story: Story = None,
    copy: Copy = None,
    lang: Language = None,
    watch: Watch = None,
    limit: Limit = 25,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """List published comments that came in since you last looked, the oldest first.

    Columns are comment, story code and the beginning of the text. With --json: an array of objects with
    `comment`, `story`, `created_at` (milliseconds since 1970) and `text`.
    """
    chosen = cases.filter_of("new", story, copy, lang, watch=watch)
    found = act(
        data,
        as_name,
        slug,
        lambda services, by: new_comments.list_new(services, by, slug, chosen, limit=limit),
    )
    if as_json:
        print_json(
            [
                {
                    "comment": one.comment.id,
                    "story": one.story,
                    "created_at": one.comment.created_at,
                    "text": one.comment.source,
                }
                for one in found
            ]
        )
        return
    for one in found:
        excerpt = escaped(" ".join(one.comment.source.split())[:120])
        print(f"{one.comment.id}\t{one.story}\t{excerpt}")
    if not found:
        typer.echo("Nothing came in since.", err=True)


@app.command("seen")
def queue_seen(
    slug: Slug,
    comment: Annotated[str, typer.Argument(metavar="COMMENT", help="Name the last one you saw.")],
    take_back: Annotated[
        bool, typer.Option("--take-back", help="It and those after it are new again.")
    ] = False,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Say up to which comment you have looked at what came in. With --json: `comment` and `seen`."""
    mark = new_comments.mark_unseen if take_back else new_comments.mark_seen
    act(data, as_name, slug, lambda services, by: mark(services, by, slug, comment))
    if as_json:
        print_json({"comment": comment, "seen": not take_back})
    else:
        print("New again." if take_back else "Seen.")


def _print(found: list[Case], *, as_json: bool) -> None:
    if as_json:
        print_json([case_fields(case) for case in found])
        return
    for case in found:
        shown = cases.waiting_version(case)
        excerpt = escaped(" ".join(shown.source.split())[:120])
        print(
            f"{case.id}\t{case.queue}\t{case.story}\t{case.comment.id}"
            f"\t{', '.join(case.reasons)}\t{excerpt}"
        )
    if not found:
        typer.echo("No case is free here.", err=True)


def case_fields(case: Case) -> dict[str, Any]:
    """Return a case as programs read it."""
    return {
        "case": case.id,
        "queue": case.queue,
        "story": case.story,
        "comment": case.comment.id,
        "revision": case.comment.revision,
        "priority": case.priority,
        "reasons": list(case.reasons),
        "opened_at": case.opened_at,
        "text": cases.waiting_version(case).source,
        "tags": list(case.comment.tags),
        "handed_to": None if case.handed is None else case.handed.to_name,
    }
