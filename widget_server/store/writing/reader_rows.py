"""Rows of objections, bans and reported texts in a unit of work, and who may decide about an objection."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.actors import Actor
from widget_server.model.outcomes import APPEAL_DAYS_ALONE
from widget_server.store.damaged_rows import json_of
from widget_server.store.schema import site_decisions, sites
from widget_server.store.schema_people import accounts, api_keys, members
from widget_server.store.schema_readers import (
    appeals,
    bans,
    network_traces,
    reported_texts,
)
from widget_server.store.writing.actions import Action, Decide, Report, Undo
from widget_server.store.writing.bulk import (
    dicts_of,
    insert_ignore,
    read_by_keys,
    upsert,
)

DECIDING_ROLES = ("owner", "editor", "moderator")
"""Roles of people who may decide about an objection (`auth.permissions`, verb `uphold`)."""
_DAY_MS = 86_400_000


class ReaderRows:
    """Objections about the comments of a batch, and the bans that it makes or lifts."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.appeals: dict[str, dict[str, dict[str, Any]]] = {}
        """Rows of objections by comment and decision; only of comments about which one waits or may end."""
        self.bans: dict[str, dict[str, Any]] = {}
        """Rows of bans by decision: of the subjects that the actions are about, also those that have ended."""
        self._new_appeals: list[dict[str, Any]] = []
        self._withdrawn: set[str] = set()
        self._wordless: set[str] = set()
        self._changed_bans: dict[str, dict[str, Any] | None] = {}
        self._sites_of_bans: set[str] = set()
        self._makers: dict[str, str | None] = {}
        self._deciders: dict[str, list[tuple[str, int]]] = {}
        self._roles_changed_at: dict[str, int] = {}
        self._traces: dict[tuple[str, str, int], set[str]] = {}
        self._new_traces: list[dict[str, Any]] = []
        self._new_reported: dict[tuple[str, int], dict[str, Any]] = {}

    # Reading -----------------------------------------------------------------------------------

    async def load(
        self,
        actions: Sequence[Action],
        contested: Collection[str],
        entries: Sequence[Mapping[str, Any]],
        sites_of: Mapping[int, str],
    ) -> None:
        """Read the objections to comments, the bans that the actions are about, and who may decide.

        `contested` are the comments about which an objection waits or comes; `entries` their logs; `sites_of`
        the sites of stories.
        """
        if contested:
            self.appeals = {comment: {} for comment in contested}
            keys = [{"comment": one} for one in sorted(contested)]
            for appeal in await read_by_keys(self._connection, appeals, keys):
                self.appeals[appeal["comment"]][appeal["decision"]] = appeal
            deciding = [
                action
                for action in actions
                if isinstance(action, Decide | Undo) and self.appeals.get(action.comment)
            ]
            if deciding:
                await self._load_people(deciding, entries, sites_of)
        reported = sorted(
            {one.comment for one in actions if isinstance(one, Report) and one.trace is not None}
        )
        if reported:
            found = await self._connection.execute(
                select(network_traces).where(
                    network_traces.c.comment.in_(reported), network_traces.c.kind == "report"
                )
            )
            for row in found:
                self._traces.setdefault((row.kind, row.comment, row.day), set()).add(row.network)
        subjects = {
            subject
            for action in actions
            if isinstance(action, Decide) and action.ban is not None
            for subject in action.ban.subjects
        }
        named = _bans_of(actions, entries)
        if named:
            known = await self._connection.execute(
                select(bans.c.subject).where(bans.c.decision.in_(named))
            )
            subjects |= set(known.scalars())
        if subjects:
            found = await self._connection.execute(
                select(bans)
                .where(bans.c.subject.in_(subjects))
                .order_by(bans.c.decision)
                .with_for_update()
            )
            self.bans |= {row["decision"]: row for row in dicts_of(found)}

    async def objected_to(self, readers: Collection[str]) -> set[str]:
        """Return the comments about which these readers have objected to a decision."""
        if not readers:
            return set()
        found = await self._connection.execute(
            select(appeals.c.comment).where(appeals.c.reader.in_(sorted(readers)))
        )
        return set(found.scalars())

    async def _load_people(
        self,
        actions: Sequence[Decide | Undo],
        entries: Sequence[Mapping[str, Any]],
        sites_of: Mapping[int, str],
    ) -> None:
        """Read which accounts made the keys, and which accounts may decide on the sites."""
        run = self._connection.execute
        keys = {one["actor"] for one in entries if one["actor_kind"] == "key"}
        keys |= {action.by.id for action in actions if action.by.kind == "key"}
        if keys:
            made = await run(select(api_keys.c.id, api_keys.c.by).where(api_keys.c.id.in_(keys)))
            self._makers = {row.id: row.by for row in made}
        wanted = {sites_of[action.story] for action in actions if action.story in sites_of}
        in_use = accounts.c.disabled_at.is_(None)
        of_server = (
            await run(
                select(accounts.c.id, accounts.c.created_at).where(accounts.c.server_owner, in_use)
            )
        ).all()
        for site in wanted:
            of_site = await run(
                select(members.c.account, members.c.created_at)
                .join(accounts, accounts.c.id == members.c.account)
                .where(members.c.site == site, members.c.role.in_(DECIDING_ROLES), in_use)
            )
            self._deciders[site] = [(row[0], row[1]) for row in (*of_server, *of_site)]
            changed = await run(
                select(func.max(site_decisions.c.at)).where(
                    site_decisions.c.site == site, site_decisions.c.verb == "role"
                )
            )
            self._roles_changed_at[site] = changed.scalar_one() or 0

    # People ------------------------------------------------------------------------------------

    def person(self, kind: str, actor: str) -> str:
        """Return who acted: a key acts for the person who made it."""
        made_by = self._makers.get(actor) if kind == "key" else None
        return f"account:{made_by}" if made_by else f"{kind}:{actor}"

    def person_of(self, by: Actor) -> str:
        """Return who an actor is."""
        return self.person(by.kind, by.id)

    def is_alone(self, site: str, person: str, since: int, now: int) -> bool:
        """Return whether no other person has had the right to decide for three days at `now`.

        `since` is the time of the objection. A change of roles begins the three days anew.
        """
        others = [
            account for account, _ in self._deciders.get(site, ()) if f"account:{account}" != person
        ]
        start = max(since, self._roles_changed_at.get(site, 0))
        return not others and now - start >= APPEAL_DAYS_ALONE * _DAY_MS

    # Changing ----------------------------------------------------------------------------------

    def add_trace(self, comment: str, kind: str, trace: tuple[str, int]) -> int:
        """Store from which network a comment or report came. Return the number of networks of that day."""
        network, day = trace
        known = self._traces.setdefault((kind, comment, day), set())
        if network not in known:
            known.add(network)
            row = {"comment": comment, "kind": kind, "network": network, "day": day}
            self._new_traces.append(row)
        return len(known)

    def add_appeal(self, row: dict[str, Any]) -> None:
        """Store an objection."""
        self.appeals.setdefault(row["comment"], {})[row["decision"]] = row
        self._new_appeals.append(row)

    def withdraw(self, comment: str, decisions: Iterable[str]) -> None:
        """Delete the objections to these decisions, as if they had never been made."""
        for decision in decisions:
            self.appeals[comment].pop(decision)
            self._withdrawn.add(decision)
        self._new_appeals = [
            row for row in self._new_appeals if row["decision"] not in self._withdrawn
        ]

    def withdraw_all(self, reader: str, until: int | None) -> list[str]:
        """Delete a reader's objections up to `until`. Return the comments about which there is none left."""
        without = []
        for comment, rows in self.appeals.items():
            own = [
                name
                for name, row in rows.items()
                if row["reader"] == reader and (until is None or row["at"] <= until)
            ]
            self.withdraw(comment, own)
            if own and not rows:
                without.append(comment)
        return without

    def keep_reported(self, comment: str, revision: int, at: int, until: int, sealed: str) -> None:
        """Store a comment as it is reported, unless this revision of it is stored already."""
        row = {"comment": comment, "revision": revision, "at": at, "until": until}
        self._new_reported.setdefault((comment, revision), {**row, "sealed": sealed})

    def erase_words(self, comment: str) -> None:
        """Erase what was reported of a comment, and the words of the objections, which may quote it."""
        self._wordless.add(comment)
        for key in [key for key in self._new_reported if key[0] == comment]:
            del self._new_reported[key]
        for row in self._new_appeals:
            if row["comment"] == comment:
                row["sealed"] = None

    def find_ban(self, site: str, subjects: Iterable[str], at: int) -> dict[str, Any] | None:
        """Return the row of the ban in effect on a site under one of these hashes.

        The one that ends last: to a clock that is behind, one that has just been replaced may be in effect.
        """
        wanted = set(subjects)
        found = [
            row
            for row in self.bans.values()
            if row["site"] == site
            and row["subject"] in wanted
            and (row["until"] is None or at < row["until"])
        ]
        return max(found, key=_ends, default=None)

    def put_ban(self, row: dict[str, Any]) -> None:
        """Store a ban, or what has changed of it."""
        self.bans[row["decision"]] = self._changed_bans[row["decision"]] = row
        self._sites_of_bans.add(row["site"])

    def drop_ban(self, row: Mapping[str, Any]) -> None:
        """Delete a ban, as if it had never been made."""
        self.bans.pop(row["decision"], None)
        self._changed_bans[row["decision"]] = None
        self._sites_of_bans.add(row["site"])

    # Writing -----------------------------------------------------------------------------------

    async def flush(self) -> None:
        """Write the changed rows. Sites whose bans changed count a change of rights."""
        run, dialect = self._connection.execute, self._connection.dialect
        if self._wordless:
            await run(
                update(appeals).where(appeals.c.comment.in_(self._wordless)).values(sealed=None)
            )
            await run(delete(reported_texts).where(reported_texts.c.comment.in_(self._wordless)))
        if self._new_reported:
            rows = list(self._new_reported.values())
            await run(insert_ignore(reported_texts, dialect), rows)
        if self._withdrawn:
            await run(delete(appeals).where(appeals.c.decision.in_(sorted(self._withdrawn))))
        if self._new_appeals:
            await run(insert(appeals), self._new_appeals)
        if self._new_traces:
            await run(insert_ignore(network_traces, dialect), self._new_traces)
        dropped = [decision for decision, row in self._changed_bans.items() if row is None]
        if dropped:
            await run(delete(bans).where(bans.c.decision.in_(dropped)))
        stored = [row for row in self._changed_bans.values() if row is not None]
        await upsert(self._connection, bans, ("decision",), stored)
        for site in sorted(self._sites_of_bans):
            # Sockets of all processes review their grants.
            await run(update(sites).where(sites.c.slug == site).values(rights=sites.c.rights + 1))


def _ends(row: Mapping[str, Any]) -> tuple[bool, int, int]:
    return row["until"] is None, row["until"] or 0, row["at"]


def _bans_of(actions: Sequence[Action], entries: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return the ids of the bans that the decisions to be undone made or lifted."""
    undone = {action.decision for action in actions if isinstance(action, Undo)}
    found: set[str] = set()
    for entry in entries:
        if entry["id"] in undone and entry["verb"] in ("ban", "unban"):
            for side in ("before", "after"):
                terms = json_of(entry[side]).get("ban")
                found |= {terms["id"]} if terms else set()
    return found
