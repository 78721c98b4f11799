"""`rule`: list, add, change, try, turn on and off, and remove rules about comments."""

from dataclasses import replace
from typing import Annotated, Any

import typer

from widget_server.cli.context import operator, with_services
from widget_server.cli.options import As, DataDir, Slug, choose
from widget_server.cli.output import JsonOutput, print_json
from widget_server.cli.rule_modes import rule_off, rule_on, rule_shadow
from widget_server.cli.rule_options import (
    MODE_WORDS,
    Ask,
    CopyNumber,
    DoAction,
    Exception_,
    Guideline,
    Kind,
    Language,
    Least,
    Leet,
    Limit,
    Name,
    RuleId,
    Story,
    Word,
    WordsFile,
    beginning_of,
    hit_json,
    hits_json,
    list_of,
    print_trial,
    rule_json,
    spec_of,
    trial_json,
)
from widget_server.content.visibility import escaped
from widget_server.model.rules import RULE_ACTIONS, HitComment, StoredRule
from widget_server.operations.moderation import rules
from widget_server.operations.moderation.rules import ListedRule
from widget_server.operations.moderation.try_rule import TriedRule
from widget_server.operations.owners import sites
from widget_server.operations.services import Services

app = typer.Typer(
    help="Manage the rules that hold or refuse comments.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command("list")
def rule_list(
    slug: Slug, as_name: As = None, as_json: JsonOutput = False, data: DataDir = None
) -> None:
    """List the rules of a site with their hits of the last 30 days.

    Columns are id, mode, kind, action, name and hits. With --json: an array of objects with `id`, `name`,
    `kind`, `action`, `mode`, `story`, `copy`, `languages`, `words`, `exceptions`, `leet`, `limit`, `least`,
    `guideline`, `ask`, `created_at`, `by`, `mode_at`, `mode_by`, `blocked`, `asked`, `edited`, `insisted`
    and `hits`.
    """

    async def read(services: Services) -> list[ListedRule]:
        await sites.get_site(services, slug)
        return await rules.list_rules(services, await operator(services, as_name, slug), slug)

    found = with_services(data, read)
    if as_json:
        print_json([rule_json(one.rule) | {"hits": hits_json(one.hits)} for one in found])
        return
    for one in found:
        rule, hits = one.rule, one.hits
        counted = f"held {hits.acting}, in shadow {hits.shadow}, refused {rule.blocked}"
        if rule.asked:
            counted += f", asked {rule.asked} of whom {rule.edited} edited"
        parts = (
            rule.id,
            rule.mode,
            rule.spec.kind,
            rule.spec.action,
            escaped(rule.spec.name),
            counted,
        )
        print("\t".join(parts))
    if not found:
        typer.echo("There is no rule. `widget-server rule add` makes one.", err=True)


@app.command("hits")
def rule_hits(
    slug: Slug, rule: RuleId, as_name: As = None, as_json: JsonOutput = False, data: DataDir = None
) -> None:
    """List the last 50 comments that a rule hit.

    Columns are comment, story code, `held` or `shadow`, what people decided, and the beginning of the
    text. With --json: an array of objects with `comment`, `story`, `at`, `held`, `outcome` and `text`.
    """

    async def read(services: Services) -> list[HitComment]:
        by = await operator(services, as_name, slug)
        await rules.find_rule(services, by, slug, rule)
        return await rules.last_hits(services, by, slug, rule)

    found = with_services(data, read)
    if as_json:
        print_json(list(map(hit_json, found)))
        return
    for hit in found:
        mode = "held" if hit.acting else "shadow"
        print(f"{hit.comment}\t{hit.story}\t{mode}\t{hit.outcome}\t{beginning_of(hit.source)}")
    if not found:
        typer.echo("The rule has hit no comment.", err=True)


@app.command("add")
def rule_add(
    slug: Slug,
    kind: Kind = None,
    name: Name = None,
    action: DoAction = "hold",
    word: Word = None,
    words: WordsFile = None,
    exceptions: Exception_ = None,
    leet: Leet = None,
    limit: Limit = None,
    least: Least = None,
    language: Language = None,
    story: Story = None,
    copy: CopyNumber = None,
    guideline: Guideline = None,
    ask: Ask = None,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Add a rule in shadow, and say what it would have held of the last 10,000 comments.

    With --json: an object with the fields of `rule list --json` but `hits`, and `trial` with `tried`,
    `caught`, `approved`, `removed`, `since`, `seconds` and `samples`.
    """
    spec = spec_of(
        kind,
        name,
        action,
        word,
        words,
        exceptions,
        leet,
        limit,
        least,
        language,
        story,
        copy,
        guideline,
        ask,
    )

    async def work(services: Services) -> tuple[StoredRule, TriedRule]:
        by = await operator(services, as_name, slug)
        rule = await rules.add_rule(services, by, slug, spec)
        return rule, await rules.try_spec(services, by, slug, rule.spec)

    rule, tried = with_services(data, work)
    if as_json:
        print_json(rule_json(rule) | {"trial": trial_json(tried)})
    else:
        print(rule.id)
        print_trial(tried)


@app.command("change")
def rule_change(
    slug: Slug,
    rule: RuleId,
    name: Name = None,
    action: DoAction = None,
    word: Word = None,
    words: WordsFile = None,
    exceptions: Exception_ = None,
    except_comment: Annotated[
        str | None,
        typer.Option(
            metavar="COMMENT",
            help="Allow the wording in which the rule found its words in this comment.",
            show_default=False,
        ),
    ] = None,
    leet: Leet = None,
    limit: Limit = None,
    least: Least = None,
    language: Language = None,
    guideline: Guideline = None,
    ask: Ask = None,
    as_name: As = None,
    as_json: JsonOutput = False,
    data: DataDir = None,
) -> None:
    """Change a rule. Unless only its name changes or exceptions are added, it is in shadow again.

    --words replaces the list; --word and --except add to the lists. With --json: the fields of `rule list --json` but `hits`.
    """
    added = tuple(word or ())

    async def work(services: Services) -> StoredRule:
        by = await operator(services, as_name, slug)
        before = (await rules.find_rule(services, by, slug, rule)).spec
        tags = before.languages if language is None else language
        whole = None if words is None else list_of(words, tags)
        sent: dict[str, Any] = {
            "name": name,
            "action": choose("--action", action, RULE_ACTIONS),
            "leet": leet,
            "limit": limit,
            "least": least,
            "languages": None if language is None else tuple(language),
            "guideline": guideline,
            "ask": ask,
            "words": (*(before.words if whole is None else whole), *added),
            "exceptions": (*before.exceptions, *(exceptions or ())),
        }
        spec = replace(before, **{key: value for key, value in sent.items() if value is not None})
        if except_comment is not None:
            spec = await rules.excepted(services, by, slug, spec, except_comment)
        return await rules.change_rule(services, by, slug, rule, spec)

    changed = with_services(data, work)
    if as_json:
        print_json(rule_json(changed))
    else:
        print(f"The rule is {MODE_WORDS[changed.mode]}.")


@app.command("try")
def rule_try(
    slug: Slug, rule: RuleId, as_name: As = None, as_json: JsonOutput = False, data: DataDir = None
) -> None:
    """Say what a rule would have held of the last 10,000 comments, and show samples.

    With --json: an object with `tried`, `caught`, `approved` (false alarms), `removed`, `since`, `seconds`
    and `samples`.
    """

    async def work(services: Services) -> TriedRule:
        by = await operator(services, as_name, slug)
        found = await rules.find_rule(services, by, slug, rule)
        return await rules.try_spec(services, by, slug, found.spec)

    tried = with_services(data, work)
    if as_json:
        print_json(trial_json(tried))
    else:
        print_trial(tried)


app.command("on")(rule_on)
app.command("shadow")(rule_shadow)
app.command("off")(rule_off)


@app.command("remove")
def rule_remove(
    slug: Slug, rule: RuleId, as_name: As = None, as_json: JsonOutput = False, data: DataDir = None
) -> None:
    """Remove a rule and the list of what it hit. What it held stays held.

    With --json: an object with `id`.
    """

    async def work(services: Services) -> None:
        await rules.remove_rule(services, await operator(services, as_name, slug), slug, rule)

    with_services(data, work)
    if as_json:
        print_json({"id": rule})
    else:
        print("The rule is removed.")
