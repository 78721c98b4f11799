"""`raid`: list the raids of a site, switch the defence on by hand, end a raid."""

from typing import Annotated, Any

import typer

from widget_server.cli.context import act
from widget_server.cli.options import As, DataDir, Slug, format_time
from widget_server.cli.output import JsonOutput, print_json
from widget_server.model.raids import SWITCHED_HOURS, Raid, RaidPhase
from widget_server.operations.moderation import raids

app = typer.Typer(
    help="Show raids and switch the defence on or off.", no_args_is_help=True, add_completion=False
)

RaidId = Annotated[str, typer.Argument(metavar="RAID", help="Id of the raid: `raid list`.")]
Story = Annotated[
    str | None, typer.Option("--story", help="Code of a story. Default: all of them.")
]
Hours = Annotated[
    int,
    typer.Option(
        "--hours",
        min=SWITCHED_HOURS[0],
        max=SWITCHED_HOURS[-1],
        help="It ends by itself after so many hours.",
    ),
]


@app.command("list")
def raid_list(
    slug: Slug, as_name: As = None, as_json: JsonOutput = False, data: DataDir = None
) -> None:
    """List the raids of the last 30 days, the newest first.

    Columns are id, phase, kind, story, beginning and comments held. With --json: an array of objects with
    `id`, `phase` (`hold`, `proof` or null), `kind`, `story`, `began_at`, `held_until`, `until`,
    `ended_at`, `by`, `held`, and `reactions` to its stories in its time, of which `known_reactions` are of
    readers who were there before.
    """
    found = act(data, as_name, slug, lambda services, by: raids.list_raids(services, by, slug))
    if as_json:
        print_json(
            [
                _as_json(one.raid, one.phase)
                | {"reactions": one.reactions, "known_reactions": one.known_reactions}
                for one in found
            ]
        )
        return
    for one in found:
        raid = one.raid
        began, held = format_time(raid.began_at), f"{raid.held} held"
        print("\t".join((raid.id, one.phase or "over", raid.kind, raid.story or "", began, held)))


@app.command("on")
def raid_on(
    slug: Slug,
    story: Story = None,
    hours: Hours = raids.DEFAULT_HOURS,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Ask new readers for a proof of work from now on, on the whole site or in one story.

    With --json: an object with `id`, `phase`, `kind`, `story`, `began_at`, `held_until`, `until`, `ended_at`,
    `by` and `held`.
    """
    raid = act(
        data,
        as_name,
        slug,
        lambda services, by: raids.switch_on(services, by, slug, story=story, hours=hours),
    )
    _say(raid, "proof", f"{raid.id} is on until {format_time(raid.until)}.", as_json=as_json)


@app.command("off")
def raid_off(
    slug: Slug,
    raid: RaidId,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """End a raid. The same flood begins no new one for an hour.

    With --json: an object as of `raid on --json`.
    """
    ended = act(data, as_name, slug, lambda services, by: raids.end(services, by, slug, raid))
    _say(ended, None, f"{ended.id} is over.", as_json=as_json)


def _say(raid: Raid, phase: RaidPhase | None, sentence: str, *, as_json: bool) -> None:
    if as_json:
        print_json(_as_json(raid, phase))
    else:
        print(sentence)


def _as_json(raid: Raid, phase: RaidPhase | None) -> dict[str, Any]:
    return {
        "id": raid.id,
        "phase": phase,
        "kind": raid.kind,
        "story": raid.story,
        "began_at": format_time(raid.began_at),
        "held_until": format_time(raid.held_until),
        "until": format_time(raid.until),
        "ended_at": None if raid.ended_at is None else format_time(raid.ended_at),
        "by": raid.by or None,
        "held": raid.held,
    }
