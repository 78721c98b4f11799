"""`rule on`, `rule shadow` and `rule off`."""

from pathlib import Path

from widget_server.cli.context import operator, with_services
from widget_server.cli.options import As, DataDir, Slug
from widget_server.cli.output import JsonOutput, print_json
from widget_server.cli.rule_options import MODE_WORDS, RuleId, print_trial, trial_json
from widget_server.model.rules import RuleMode, StoredRule
from widget_server.operations.moderation import rules
from widget_server.operations.moderation.try_rule import TriedRule
from widget_server.operations.services import Services


def rule_on(
    slug: Slug, rule: RuleId, as_name: As = None, as_json: JsonOutput = False, data: DataDir = None
) -> None:
    """Let a rule count from now on, after it was tried on the last 10,000 comments.

    With --json: an object with `id`, `mode` and `trial` (null if it was on).
    """
    _set_mode(slug, rule, "on", as_name, as_json, data)


def rule_shadow(
    slug: Slug, rule: RuleId, as_name: As = None, as_json: JsonOutput = False, data: DataDir = None
) -> None:
    """Let a rule only count what it would have held.

    With --json: an object with `id`, `mode` and `trial` (null).
    """
    _set_mode(slug, rule, "shadow", as_name, as_json, data)


def rule_off(
    slug: Slug, rule: RuleId, as_name: As = None, as_json: JsonOutput = False, data: DataDir = None
) -> None:
    """Turn a rule off: it neither holds nor counts.

    With --json: an object with `id`, `mode` and `trial` (null).
    """
    _set_mode(slug, rule, "off", as_name, as_json, data)


def _set_mode(
    slug: str, rule: str, mode: RuleMode, as_name: str | None, as_json: bool, data: Path | None
) -> None:
    async def work(services: Services) -> tuple[StoredRule, TriedRule | None]:
        by = await operator(services, as_name, slug)
        return await rules.set_mode(services, by, slug, rule, mode)

    after, tried = with_services(data, work)
    if as_json:
        trial = None if tried is None else trial_json(tried)
        print_json({"id": after.id, "mode": after.mode, "trial": trial})
        return
    print(f"The rule is {MODE_WORDS[after.mode]}.")
    if tried is not None:
        print_trial(tried)
