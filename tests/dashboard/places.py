"""What a site has that the dashboard's routes are about, and the rows of a whole database."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.dashboard.desk import PASSWORD, Desk
from tests.e2e.publisher import Publisher
from tests.operations.operations_harness import SECRET, Server
from tests.operations.owner_harness import carry
from widget_server.model.decisions import COMMENT_VERBS
from widget_server.model.rules import RuleSpec
from widget_server.operations.moderation import batches, cases, decide, rules
from widget_server.operations.owners import keys, links, people, settings, sign_in
from widget_server.store.schema import metadata

Names = dict[str, Any]
"""Names of things, as the paths and forms of `routes` have them."""

UNKNOWN: Names = {
    "code": "000000000000",
    "comment": "unknown00000",
    "decision": "unknown00000",
    "changed_settings": "unknown00000",
    "changed_rule": "unknown00000",
    "ticked": "unknown00000",
    "copy": 999_999,
    "account": "0" * 16,
    "key": "0" * 16,
    "link": "0" * 64,
    "rule": "unknown00000",
    "batch": "unknown00000",
    "case": 999_999_999,
    "case_ticked": "999999999.unknown00000.1.reported",
    "section": "look",
} | {f"to_{verb}": "unknown00000" for verb in COMMENT_VERBS}
"""Names of nothing."""

_VOLATILE = {("sessions", "seen_at"), ("accounts", "last_at")}
"""Columns that every request of a person may change."""


async def make_places(desk: Desk, site: str = "paper") -> Names:
    """Make one of everything on a site, with a comment for each decision, and return the names."""
    services = desk.services
    owner = await people.find_actor(services, desk.owner.account.name, site)
    story = Publisher(site, SECRET).story(title=f"A story of {site}")
    grant, copy = await carry(desk.server, story, f"https://copy-of-{site}.example")
    names: Names = {"code": grant.story.code, "copy": copy, "section": "look"}
    for name in (
        "comment",
        "pinned",
        "ticked",
        "batch",
        "searched",
        *(f"to_{verb}" for verb in COMMENT_VERBS),
    ):
        names[name] = (await desk.write(grant, f"words of {name}")).id
    pinned = await decide.decide(services, owner, "pin", names.pop("pinned"))
    await decide.decide(services, owner, "pin", names["to_unpin"])
    await decide.decide(services, owner, "remove", names["to_restore"])
    changed = await settings.change_settings(services, owner, site, {"prompt": "What now?"})
    rule = await settings.change_settings(services, owner, site, {"keep_days": "20"})
    link = await links.invite(services, owner, site, "auditor")
    unused = await links.invite(services, owner, site, "auditor")
    pressed = await links.invite(services, owner, site, "auditor")
    ticket = await links.press_link(services, pressed.url.rpartition("/")[2], agent="")
    assert isinstance(ticket, str)
    member = await links.create_account(
        services, ticket, f"A member of {site}", f"m@{site}.example", PASSWORD, agent=""
    )
    key = await keys.create_key(services, owner, site, "A program", frozenset({"read"}))
    reported = await desk.write(grant, "words of reported")
    await desk.report(grant, reported)
    (case,) = await cases.open_cases(services, owner, site, cases.filter_of("reported"))
    search = batches.Search(phrase="words of batch")
    batch = await batches.start_batch(services, owner, site, "spam", search)
    links_rule = await rules.add_rule(services, owner, site, RuleSpec("Links", "links", limit=1))
    assert pinned.decision is not None
    return names | {
        "decision": pinned.decision.id,
        "changed_settings": changed.decision,
        "changed_rule": rule.decision,
        "link": link.id,
        "secret": unused.url.rpartition("/")[2],
        "account": member.session.account,
        "key": key.key.id,
        "rule": links_rule.id,
        "batch": batch.id,
        "case": case.id,
        "case_ticked": f"{case.id}.{reported.id}.{case.revision}.reported",
    }


async def second_session(desk: Desk, account: str) -> str:
    """Sign an account in on another device, and return the session's name."""
    found = await desk.services.people.accounts.find(account)
    assert found is not None
    return (await sign_in.start_session(desk.services, found, "link", "")).session.hash


async def rows_of(server: Server) -> dict[str, list[dict[str, Any]]]:
    """Return all rows of the database by table, without the columns of `_VOLATILE`."""

    async def read(connection: AsyncConnection) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        for table in metadata.sorted_tables:
            kept = [one for one in table.c if (table.name, one.name) not in _VOLATILE]
            rows = await connection.execute(select(*kept).order_by(*table.primary_key.columns))
            found[table.name] = [dict(row._mapping) for row in rows]
        return found

    return await server.components.database.read(read)
