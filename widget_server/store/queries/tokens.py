"""Reads and writes of the record of widget tokens. The tokens themselves are never stored."""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, and_, exists, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.claims import CODE_ONLY_JTI, WidgetClaims
from widget_server.model.clock import now_ms
from widget_server.model.decisions import Decision
from widget_server.store.damaged_rows import RowDamagedError, json_of, readable
from widget_server.store.engine import Database, read_transaction
from widget_server.store.mapping import dump
from widget_server.store.queries.keyset import Keyset, contains
from widget_server.store.schema import copies, revoked, sites, stories, tokens
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.site_log import append_site_decision

TokenStatus = Literal["live", "unseen", "expired", "revoked", "retired"]
TOKEN_STATUSES: tuple[TokenStatus, ...] = ("live", "unseen", "expired", "revoked", "retired")


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """What a widget token says, who minted it, and when it was used last."""

    jti: str
    story: str
    """The story's key."""
    title: str | None
    """The story's title; None if no page has shown the story yet."""
    label: str | None
    origins: tuple[str, ...]
    rights: tuple[str, ...]
    lang: str | None
    iat: int
    """Seconds since 1970."""
    exp: int | None
    """Seconds since 1970; None if it never expires."""
    generation: int | None
    """Generation of the key that signed it; None if it is not known."""
    by: str | None
    """Who minted it, as `kind:id`. None: it was made elsewhere and a page has shown it."""
    created_at: int
    """When it was minted, or seen for the first time, in milliseconds."""
    status: TokenStatus
    copies: int
    """Origins on which it was seen."""
    last_used_at: int | None
    """When it was last seen, in milliseconds, to the hour; None if never."""


@dataclass(frozen=True, slots=True)
class TokenPage:
    """Tokens, the newest first. `total` counts all that match; `next` is None on the last page."""

    tokens: list[TokenRecord]
    total: int
    next: str | None


@dataclass(frozen=True, slots=True)
class TokenFilter:
    """Which tokens to list. `words` are looked for in label, story key and handle."""

    words: str = ""
    story: str | None = None
    status: TokenStatus | None = None
    elsewhere: bool | None = None
    """True: only tokens that were made elsewhere. False: only those that were minted here."""


@dataclass(frozen=True, slots=True)
class GenerationCounts:
    """Numbers of one generation of a site's key. The generation None stands for unknown ones."""

    generation: int | None
    tokens: int
    copies: int
    """Copies that were seen since `since`, without revoked ones."""


class Tokens:
    """Reads of one database. Each method reads one consistent view."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @read_transaction
    async def page(
        self,
        connection: AsyncConnection,
        site: str,
        wanted: TokenFilter,
        now_s: int,
        limit: int,
        after: str | None,
    ) -> TokenPage:
        """Return a page of tokens, the newest first. Raises `MalformedError` for a wrong `after`."""
        own_story = and_(stories.c.site == tokens.c.site, stories.c.key == tokens.c.story)
        own_copies = and_(copies.c.story == stories.c.id, copies.c.jti == tokens.c.jti)
        last_used = select(func.max(copies.c.last_seen)).where(own_copies).scalar_subquery()
        used_on = select(func.count()).select_from(copies).where(own_copies).scalar_subquery()
        is_revoked = exists().where(
            and_(revoked.c.site == tokens.c.site, revoked.c.jti == tokens.c.jti)
        )
        conditions = [tokens.c.site == site, *_conditions(wanted, now_s, is_revoked, own_copies)]
        source = tokens.join(sites, sites.c.slug == tokens.c.site).outerjoin(stories, own_story)
        count = select(func.count()).select_from(source).where(*conditions)
        total = int((await connection.execute(count)).scalar_one())
        order = (tokens.c.created_at, tokens.c.jti, tokens.c.story)
        query = (
            select(
                tokens,
                sites.c.oldest,
                stories.c.title,
                is_revoked.label("is_revoked"),
                used_on.label("copies"),
                last_used.label("last_used"),
            )
            .select_from(source)
            .where(*conditions)
        )
        keyset = Keyset("tokens", order, (int, str, str), limit)
        found = (await connection.execute(keyset.page(query, after))).all()
        rows, following = keyset.cut(found, lambda row: (row.created_at, row.jti, row.story))
        return TokenPage(readable(rows, lambda row: _to_token(row, now_s)), total, following)

    @read_transaction
    async def generations(
        self, connection: AsyncConnection, site: str, since: int
    ) -> list[GenerationCounts]:
        """Return tokens and copies of each key generation. `since` is in milliseconds."""
        minted = await connection.execute(
            select(tokens.c.generation, func.count().label("number"))
            .where(tokens.c.site == site)
            .group_by(tokens.c.generation)
        )
        of_tokens = {row.generation: int(row.number) for row in minted}
        seen = await connection.execute(
            select(copies.c.generation, func.count().label("number"))
            .select_from(stories.join(copies, copies.c.story == stories.c.id))
            .where(stories.c.site == site, copies.c.jti != CODE_ONLY_JTI)
            .where(copies.c.last_seen >= since, ~_copy_is_revoked())
            .group_by(copies.c.generation)
        )
        of_copies = {row.generation: int(row.number) for row in seen}
        return [
            GenerationCounts(one, of_tokens.get(one, 0), of_copies.get(one, 0))
            for one in sorted(of_tokens.keys() | of_copies.keys(), key=lambda one: -(one or 0))
        ]


def _copy_is_revoked() -> ColumnElement[bool]:
    return exists().where(and_(revoked.c.site == stories.c.site, revoked.c.jti == copies.c.jti))


def _conditions(
    wanted: TokenFilter,
    now_s: int,
    is_revoked: ColumnElement[bool],
    own_copies: ColumnElement[bool],
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.words:
        texts = (tokens.c.label, tokens.c.story, tokens.c.jti)
        conditions.append(or_(*(contains(column, wanted.words) for column in texts)))
    if wanted.story is not None:
        conditions.append(tokens.c.story == wanted.story)
    if wanted.elsewhere is not None:
        conditions.append(tokens.c.by.is_(None) == wanted.elsewhere)
    is_retired = and_(tokens.c.generation.is_not(None), tokens.c.generation < sites.c.oldest)
    is_expired = and_(tokens.c.exp.is_not(None), tokens.c.exp <= now_s)
    is_seen = exists().where(own_copies)
    # In the order of `_status`.
    tests = {"revoked": is_revoked, "retired": is_retired, "expired": is_expired}
    match wanted.status:
        case None:
            pass
        case "live" | "unseen":
            conditions += [~test for test in tests.values()]
            conditions.append(is_seen if wanted.status == "live" else ~is_seen)
        case status:
            for name, test in tests.items():
                if name == status:
                    conditions.append(test)
                    break
                conditions.append(~test)
    return conditions


def _to_token(row: Row[Any], now_s: int) -> TokenRecord:
    try:
        origins, rights = (tuple(map(str, json_of(text))) for text in (row.origins, row.rights))
    except (ValueError, TypeError) as fault:
        raise RowDamagedError("tokens", row.jti, str(fault)) from None
    return TokenRecord(
        row.jti,
        row.story,
        row.title,
        row.label,
        origins,
        rights,
        row.lang,
        row.iat,
        row.exp,
        row.generation,
        row.by,
        row.created_at,
        _status(row, now_s),
        row.copies,
        row.last_used,
    )


def _status(row: Row[Any], now_s: int) -> TokenStatus:
    if row.is_revoked:
        return "revoked"
    if row.generation is not None and row.generation < row.oldest:
        return "retired"
    if row.exp is not None and row.exp <= now_s:
        return "expired"
    return "live" if row.copies else "unseen"


def record_token(
    claims: WidgetClaims, generation: int, by: str | None, decision: Decision | None = None
) -> TransactionFn[None]:
    """Record a token that was minted here (`by`), or that a page shows (None). Never its text.

    A token that a page shows changes only the row of a token that was made elsewhere. `decision` is
    logged unless the same token was minted here before.
    """

    async def run(connection: AsyncConnection) -> None:
        says: dict[str, Any] = {
            "label": claims.label,
            "origins": dump(claims.origins),
            "rights": dump(claims.can),
            "lang": claims.lang,
            "iat": claims.iat,
            "exp": claims.exp,
            "generation": generation,
        }
        if by is not None:
            says["by"] = by
        key = {"site": claims.site, "jti": claims.jti, "story": claims.story}
        if decision is not None:
            minted = await connection.execute(
                select(tokens.c.by).where(
                    and_(
                        tokens.c.site == claims.site,
                        tokens.c.jti == claims.jti,
                        tokens.c.story == claims.story,
                        tokens.c.by.is_not(None),
                    )
                )
            )
            if minted.first() is None:
                await append_site_decision(connection, claims.site, decision)
        insert: Any = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
        statement = insert(tokens).values({**key, **says, "created_at": now_ms()})
        changes = {name: statement.excluded[name] for name in says}
        await connection.execute(
            statement.on_conflict_do_update(
                index_elements=list(key),
                set_=changes,
                where=None if by is not None else tokens.c.by.is_(None),
            )
        )

    return run
