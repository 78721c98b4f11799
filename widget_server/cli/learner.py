"""`learner`: the filter that learns from a site's own decisions."""

from typing import Annotated, Any

import typer

from widget_server.cli.context import operator, with_services
from widget_server.cli.options import As, DataDir, Slug, choose
from widget_server.cli.output import JsonOutput, print_json
from widget_server.model.learning import LEARNER, LearnerState
from widget_server.model.rules import RULE_MODES, HitCounts
from widget_server.operations.moderation import learner, rules
from widget_server.operations.owners import sites
from widget_server.operations.services import Services

app = typer.Typer(add_completion=False)


@app.command()
def learner_show(
    slug: Slug,
    mode: Annotated[
        str | None,
        typer.Option(help=f"Change it to one of: {', '.join(RULE_MODES)}. In shadow it learns."),
    ] = None,
    rate: Annotated[
        int | None, typer.Option(help="Let it hold so many good comments in 10,000: 10, 20 … 100.")
    ] = None,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Show or change the filter that learns from the site's own decisions.

    With --json: an object with `mode`, `rate`, `bad_seen`, `good_seen`, `bad_needed`, `good_needed`, `curve`
    (objects with `rate`, `caught`, `low` and `high`), `held`, `in_shadow`, `approved`, `removed` and `missed`
    (comments of the last 30 days that people removed and the filter did not hit).
    """
    wanted = choose("--mode", mode, RULE_MODES)

    async def work(services: Services) -> tuple[LearnerState, HitCounts, int]:
        await sites.get_site(services, slug)
        by = await operator(services, as_name, slug)
        if wanted is not None or rate is not None:
            await learner.set_filter(services, by, slug, wanted, rate)
        state, hits = await learner.show_learner(services, by, slug)
        return state, hits, await rules.count_missed(services, by, slug, LEARNER)

    state, hits, missed = with_services(data, work)
    if as_json:
        print_json(_as_json(state, hits) | {"missed": missed})
        return
    bad, good = learner.NEEDED
    print(
        f"The filter is {state.mode}. It has seen {state.bad_seen} removed and {state.good_seen} good comments."
    )
    if not state.curve:
        print(f"It holds nothing before it has seen {bad} and {good:,}.")
    for one in state.curve:
        chosen = "*" if one["rate"] == state.rate else ""
        print(f"{one['rate']} in 10,000\t{100 * one['caught']:.0f} % caught\t{chosen}".rstrip())


def _as_json(state: LearnerState, hits: HitCounts) -> dict[str, Any]:
    bad, good = learner.NEEDED
    shown = ("rate", "caught", "low", "high")
    return {
        "mode": state.mode,
        "rate": state.rate,
        "bad_seen": state.bad_seen,
        "good_seen": state.good_seen,
        "bad_needed": bad,
        "good_needed": good,
        "curve": [{name: one[name] for name in shown} for one in state.curve],
        "held": hits.acting,
        "in_shadow": hits.shadow,
        "approved": hits.approved,
        "removed": hits.removed,
    }
