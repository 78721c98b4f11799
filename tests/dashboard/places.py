"""What a site has that the dashboard's routes are about, and the rows of a whole database."""

from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.dashboard.desk import PASSWORD, Desk
from tests.e2e.publisher import Publisher
from tests.operations.operations_harness import SECRET, Server
from tests.operations.owner_harness import carry, republish
from widget_server.model.actors import shell
from widget_server.model.decisions import COMMENT_VERBS
from widget_server.model.queue import StorySet
from widget_server.model.report_mutes import report_id
from widget_server.model.rules import RuleSpec
from widget_server.operations.moderation import (
    bans,
    batches,
    cases,
    decide,
    hand_over,
    local_copies,
    raids,
    report_mutes,
    rules,
    watch_lists,
)
from widget_server.operations.owners import keys, links, people, settings, sign_in
from widget_server.operations.readers import appeal, comment as reader_comments
from widget_server.operations.readers.authorize import Grant
from widget_server.store.queries.second_looks import put_second_look
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
    "own_copy": 999_999,
    "hidden": "unknown00000",
    "account": "0" * 16,
    "receiver": "0" * 16,
    "key": "0" * 16,
    "link": "0" * 64,
    "rule": "unknown00000",
    "ban": "unknown00000",
    "raid": "unknown00000",
    "to_ban": "unknown00000",
    "mute": "unknown00000",
    "report": "0" * 16,
    "to_mute": "unknown00000",
    "batch": "unknown00000",
    "watch": "unknown00000",
    "look": "unknown00000",
    "hint": "unknown00000",
    "to_decline": "unknown00000",
    "case": 999_999_999,
    "handed": 999_999_999,
    "of_handed": "unknown00000",
    "case_ticked": "999999999.unknown00000.1.reported",
    "section": "look",
    "format": "txt",
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
    names: Names = {"code": grant.story.code, "copy": copy, "section": "look", "format": "txt"}
    _, names["own_copy"] = await republish(
        desk.server, grant.story.code, f"own-copy-of-{site}.example", label="Our paper"
    )
    for name in (
        "comment",
        "pinned",
        "ticked",
        "batch",
        "searched",
        *(f"to_{verb}" for verb in COMMENT_VERBS),
    ):
        names[name] = (await desk.write(grant, f"words of {name}")).id
    names["hidden"] = (await desk.write(grant, "words of hidden")).id
    # As a local moderator: what the site's own people hide, only they show again.
    local = replace(owner, copies=frozenset({copy}))
    await local_copies.hide(services, local, site, copy, names["hidden"])
    names |= {"ban": await _banned(desk, grant), "to_ban": (await desk.write(grant)).id}
    names |= await _muted(desk, grant, site)
    names["to_uphold"] = await _objected(desk, grant)
    pinned = await decide.decide(services, owner, "pin", names.pop("pinned"))
    await decide.decide(services, owner, "pin", names["to_unpin"])
    await decide.decide(services, owner, "feature", names["to_unfeature"])
    await decide.decide(services, owner, "remove", names["to_restore"])
    await settings.change_settings(services, owner, site, {"tags": "urgent"})
    await decide.decide(services, owner, "tag", names["to_untag"], tag="urgent")
    for name in ("hint", "to_decline"):
        names[name] = (await desk.hint(grant, f"words of {name}")).id
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
    invited = await links.invite(services, owner, site, "moderator")
    ticket = await links.press_link(services, invited.url.rpartition("/")[2], agent="")
    assert isinstance(ticket, str)
    receiver = await links.create_account(
        services, ticket, f"A colleague of {site}", f"c@{site}.example", PASSWORD, agent=""
    )
    key = await keys.create_key(services, owner, site, "A program", frozenset({"read"}))
    reported = await desk.write(grant, "words of reported")
    await desk.report(grant, reported)
    (case,) = await cases.open_cases(services, owner, site, cases.filter_of("reported"))
    given = await desk.write(grant, "words of handed")
    await desk.report(grant, given)
    found = await cases.open_cases(services, owner, site, cases.filter_of("reported"))
    names["of_handed"] = given.id
    names["handed"] = next(one.id for one in found if one.comment.id == given.id)
    await hand_over.hand_over(services, owner, site, names["handed"], receiver.session.account)
    search = batches.Search(phrase="words of batch")
    batch = await batches.start_batch(services, owner, site, "spam", search)
    names["raid"] = (await raids.switch_on(services, owner, site, story=grant.story.code)).id
    links_rule = await rules.add_rule(services, owner, site, RuleSpec("Links", "links", limit=1))
    watched = await watch_lists.add_watch_list(services, owner, site, "New", StorySet(newer_than=9))
    assert pinned.decision is not None
    await services.writer.run_in_transaction(
        put_second_look(
            decision=pinned.decision.id,
            site=site,
            comment=reported.id,
            by="account:of another person",
            stays=True,
            at=services.now_ms(),
        )
    )
    return names | {
        "decision": pinned.decision.id,
        "changed_settings": changed.decision,
        "changed_rule": rule.decision,
        "link": link.id,
        "secret": unused.url.rpartition("/")[2],
        "account": member.session.account,
        "receiver": receiver.session.account,
        "key": key.key.id,
        "rule": links_rule.id,
        "batch": batch.id,
        "watch": watched.id,
        "look": pinned.decision.id,
        "case": case.id,
        "case_ticked": f"{case.id}.{reported.id}.{case.revision}.reported",
    }


async def _banned(desk: Desk, grant: Grant) -> str:
    """Return the id of a ban."""
    comment = await desk.write(grant, "words of a banned reader")
    made = await bans.ban(desk.services, shell("test"), comment.id, until=None)
    assert made.decision is not None
    return made.decision.id


async def _muted(desk: Desk, grant: Grant, site: str) -> dict[str, str]:
    """Return the id of a mute, and a report whose reader can be muted, with its comment. All are decided."""
    by, found = shell("test"), []
    for words in ("words of muted", "words of to_mute"):
        comment, reader = await desk.write(grant, words), desk.reader(grant)
        await reader_comments.report(desk.services, grant, reader, comment.id, None, "attack")
        await decide.decide(desk.services, by, "approve", comment.id)
        found.append((comment.id, report_id(comment.id, reader.reader_id)))
    made = await report_mutes.mute(desk.services, by, site, *found[0], until=None)
    return {"mute": made.id, "to_mute": found[1][0], "report": found[1][1]}


async def _objected(desk: Desk, grant: Grant) -> str:
    """Return a comment that was removed, to which its writer objects."""
    reader = desk.reader(grant)
    comment = await desk.server.post(grant, reader, "words of to_uphold")
    await decide.decide(desk.services, shell("test"), "remove", comment.id)
    await appeal.appeal(desk.services, grant, reader, comment.id, "It is a quotation.")
    return comment.id


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
