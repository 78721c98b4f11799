"""Reads of a site's copies: the pages that carry its stories, with the numbers of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.claims import CODE_ONLY_JTI
from widget_server.model.records import CommentState
from widget_server.store.engine import Database, read_transaction
from widget_server.store.mapping import counts_or_none
from widget_server.store.queries.copies_of_language import (
    CopiesOfLanguage,
    count_by_language,
)
from widget_server.store.queries.keyset import Keyset, contains
from widget_server.store.queries.withdrawals import (
    Withdrawal,
    is_revoked,
    is_shut_out,
    to_withdrawal,
    withdrawal_column,
)
from widget_server.store.schema import comments, copies, reactions, republisher_tokens, stories

CopyStatus = Literal["live", "revoked", "shut_out"]
CopyOrder = Literal["readers", "first_seen", "last_seen", "reactions", "comments"]
COPY_STATUSES: tuple[CopyStatus, ...] = ("live", "revoked", "shut_out")
COPY_ORDERS: tuple[CopyOrder, ...] = (
    "readers",
    "first_seen",
    "last_seen",
    "reactions",
    "comments",
)
MAX_LIVE = 500
"""Copies with readers that an order by readers distinguishes: those with the most readers."""


@dataclass(frozen=True, slots=True)
class CopyRecord:
    """A page that carries a story, with its numbers. Times are milliseconds since 1970."""

    id: int
    story: str
    """The story's code."""
    story_key: str
    story_title: str | None
    jti: str
    """Handle of its token, or `open` if it uses only the story's code."""
    origin: str
    page: str | None
    label: str | None
    lang: str | None
    listed: bool
    generation: int | None
    """Generation of the key that signed its token; None if it is not known."""
    first_seen: int
    last_seen: int
    reactions: int
    """Reactions to the story, not to comments."""
    comments: int
    """Published comments."""
    story_reactions: int
    """Reactions to the story on all copies."""
    status: CopyStatus
    withdrawn: Withdrawal | None = None
    self_made: bool = False
    """Whether its republisher made the token on `/s/CODE/republish`."""
    wanted_label: str | None = None
    """The name that the republisher wants. `label` is shown."""
    wants_listing: bool = False
    """Whether the republisher wants it on the story's page."""
    agreed: bool = False
    """Whether the owner agreed to both."""

    @property
    def code_only(self) -> bool:
        """Whether it carries only the story's code. It cannot be revoked, but its origin can be shut out."""
        return self.jti == CODE_ONLY_JTI

    @property
    def share(self) -> float:
        """Its share of the story's reactions, 0 to 1."""
        return self.reactions / self.story_reactions if self.story_reactions else 0.0


@dataclass(frozen=True, slots=True)
class CopyPage:
    """Copies in the asked order. `total` counts all that match; `next` is None on the last page."""

    copies: list[CopyRecord]
    total: int
    next: str | None


@dataclass(frozen=True, slots=True)
class CopyFilter:
    """Which copies to list. `words` are looked for in page, origin and label."""

    words: str = ""
    story: str | None = None
    """Code of a story."""
    lang: str | None = None
    status: CopyStatus | None = None
    origin: str | None = None
    first_seen_since: int | None = None
    """Milliseconds since 1970."""
    ids: frozenset[int] | None = None
    """Copies to limit the list to, as for a local moderator."""
    generation_below: int | None = None
    """Only copies whose token was signed by an older key than this generation."""
    last_seen_since: int | None = None
    jti: str | None = None
    """Handle of a token."""


class OwnerCopies:
    """Reads of one database. Each method reads one consistent view."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def page(
        self,
        connection: AsyncConnection,
        site: str,
        wanted: CopyFilter,
        order: CopyOrder,
        readers: Mapping[int, int],
        limit: int,
        after: str | None,
        total: int | None = None,
    ) -> CopyPage:
        """Return a page of copies, the highest value of `order` first. `readers` are by copy id.

        `total` is the number of all that match; None: it is counted. Raises `MalformedError` for a wrong `after`.
        """
        own = stories.join(copies, copies.c.story == stories.c.id)
        conditions = [stories.c.site == site, *_conditions(wanted)]
        if total is None:
            count = select(func.count()).select_from(own).where(*conditions)
            total = int((await connection.execute(count)).scalar_one())
        value = _value(order, readers)
        chosen: Select[Any] = (
            select(copies.c.id, value.label("value")).select_from(own).where(*conditions)
        )
        keyset = Keyset(order, (value, copies.c.id), (int, int), limit)
        # The numbers are counted for the rows of this page only.
        page = keyset.page(chosen, after).subquery()
        query = (
            _select_copies()
            .add_columns(page.c.value)
            .select_from(
                page.join(copies, copies.c.id == page.c.id).join(
                    stories, stories.c.id == copies.c.story
                )
            )
            .order_by(page.c.value.desc(), copies.c.id.desc())
        )
        found = (await connection.execute(query)).all()
        rows, following = keyset.cut(found, lambda row: (int(row.value), row.id))
        return CopyPage([_to_copy(row) for row in rows], total, following)

    @read_transaction
    async def languages(
        self, connection: AsyncConnection, site: str, wanted: CopyFilter, since: int
    ) -> list[CopiesOfLanguage]:
        """Count the site's copies by language, those that match, and those first seen since a time.

        `since` is in milliseconds since 1970. The language with the most copies comes first.
        """
        return await count_by_language(connection, site, _conditions(wanted), since)

    @read_transaction
    async def find(
        self, connection: AsyncConnection, site: str, copy: int
    ) -> tuple[CopyRecord, list[CopyRecord]] | None:
        """Return a copy and the other copies of the same token, or None if the site has no such copy."""
        own = select(stories.c.id, copies.c.jti).select_from(
            copies.join(stories, stories.c.id == copies.c.story)
        )
        found = await connection.execute(own.where(copies.c.id == copy, stories.c.site == site))
        row = found.one_or_none()
        if row is None:
            return None
        is_copy = copies.c.id == copy
        if row.jti != CODE_ONLY_JTI:
            is_copy |= copies.c.jti == row.jti
        rows = await connection.execute(
            _select_copies()
            .select_from(stories.join(copies, copies.c.story == stories.c.id))
            .where(stories.c.site == site, is_copy)
            .order_by(copies.c.last_seen.desc())
        )
        records = [_to_copy(one) for one in rows]
        this = next(one for one in records if one.id == copy)
        return this, [one for one in records if one.id != copy]


def _select_copies() -> Select[Any]:
    """Return the columns of `CopyRecord`; the caller adds the tables to select from."""
    of_copy = and_(reactions.c.copy == copies.c.id, reactions.c.target == "")
    is_published = comments.c.state == CommentState.PUBLISHED.value
    reacted = select(func.count()).select_from(reactions).where(of_copy)
    written = select(func.count()).select_from(comments)
    own = republisher_tokens.c
    return select(
        copies,
        stories.c.code,
        stories.c.key,
        stories.c.title,
        stories.c.counts,
        stories.c.site,
        reacted.scalar_subquery().label("reacted"),
        written.where(comments.c.copy == copies.c.id, is_published)
        .scalar_subquery()
        .label("written"),
        is_revoked().label("is_revoked"),
        is_shut_out().label("is_shut_out"),
        withdrawal_column().label("withdrawn"),
        *(
            select(column)
            .where(own.site == stories.c.site, own.jti == copies.c.jti)
            .scalar_subquery()
            .label(name)
            for column, name in (
                (own.created_at, "asked_at"),
                (own.label, "wanted_label"),
                (own.listed, "wants_listing"),
                (own.agreed_at, "agreed_at"),
            )
        ),
    )


def _value(order: CopyOrder, readers: Mapping[int, int]) -> ColumnElement[int]:
    """Return the number that an order compares."""
    match order:
        case "first_seen":
            return copies.c.first_seen
        case "last_seen":
            return copies.c.last_seen
        case "reactions":
            of_copy = and_(reactions.c.copy == copies.c.id, reactions.c.target == "")
            return select(func.count()).select_from(reactions).where(of_copy).scalar_subquery()
        case "comments":
            is_published = comments.c.state == CommentState.PUBLISHED.value
            of_copy = and_(comments.c.copy == copies.c.id, is_published)
            return select(func.count()).select_from(comments).where(of_copy).scalar_subquery()
        case "readers":
            most = sorted(readers.items(), key=lambda one: (-one[1], one[0]))[:MAX_LIVE]
            return case(dict(most), value=copies.c.id, else_=0) if most else literal(0)


def _conditions(wanted: CopyFilter) -> list[ColumnElement[bool]]:
    optional = (
        (wanted.story, stories.c.code == wanted.story),
        (wanted.lang, copies.c.lang == wanted.lang),
        (wanted.origin, copies.c.origin == wanted.origin),
        (wanted.jti, copies.c.jti == wanted.jti),
        (wanted.first_seen_since, copies.c.first_seen >= (wanted.first_seen_since or 0)),
        (wanted.last_seen_since, copies.c.last_seen >= (wanted.last_seen_since or 0)),
        (wanted.ids, copies.c.id.in_(sorted(wanted.ids or ()))),
        (wanted.generation_below, copies.c.generation < (wanted.generation_below or 0)),
    )
    conditions = [condition for value, condition in optional if value is not None]
    if wanted.words:
        texts = (copies.c.page, copies.c.origin, copies.c.label)
        conditions.append(or_(*(contains(column, wanted.words) for column in texts)))
    match wanted.status:
        case "live":
            conditions += [~is_revoked(), ~is_shut_out()]
        case "revoked":
            conditions.append(is_revoked())
        case "shut_out":
            conditions += [is_shut_out(), ~is_revoked()]
    return conditions


def _to_copy(row: Any) -> CopyRecord:
    status: CopyStatus = "live"
    if row.is_revoked:
        status = "revoked"
    elif row.is_shut_out:
        status = "shut_out"
    return CopyRecord(
        row.id,
        row.code,
        row.key,
        row.title,
        row.jti,
        row.origin,
        row.page,
        row.label,
        row.lang,
        row.listed,
        row.generation,
        row.first_seen,
        row.last_seen,
        row.reacted,
        row.written,
        sum(counts_or_none("stories", row.story, row.counts).values()),
        status,
        to_withdrawal(row.withdrawn),
        self_made=row.asked_at is not None,
        wanted_label=row.wanted_label,
        wants_listing=bool(row.wants_listing),
        agreed=row.agreed_at is not None,
    )
