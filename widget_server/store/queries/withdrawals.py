"""When, by whom and why a copy was revoked or shut out, as the site's log says."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, String, case, cast, exists, func, select

from widget_server.store.schema import copies, revoked, shut_out, site_decisions, stories
from widget_server.store.schema_people import accounts

_BETWEEN = "\n"
"""Stands between the parts. None of them can contain it."""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """The last decision that took a copy's right to write away. `at` is in milliseconds since 1970."""

    at: int
    by: str
    """Name of the account, else the id of the key or the shell's user."""
    reason: str | None


def is_revoked() -> ColumnElement[bool]:
    """Return whether the token of a copy is revoked."""
    return exists().where(revoked.c.site == stories.c.site, revoked.c.jti == copies.c.jti)


def is_shut_out() -> ColumnElement[bool]:
    """Return whether the origin of a copy is shut out of its story or of the site."""
    of_story = shut_out.c.story.in_(("", stories.c.code))
    return exists().where(
        shut_out.c.site == stories.c.site, shut_out.c.origin == copies.c.origin, of_story
    )


def withdrawal_column() -> ColumnElement[str | None]:
    """Return a column for `to_withdrawal`. The log is searched only for copies that may not write."""
    own = site_decisions.c
    of_token = (own.verb == "revoke") & (own.targets == '["' + copies.c.jti + '"]')
    start = '["' + copies.c.origin + '","'
    of_origin = (own.verb == "shut_out") & own.targets.in_(
        [start + '"]', start + stories.c.code + '"]']
    )

    def last(which: ColumnElement[bool]) -> ColumnElement[str]:
        return (
            select(
                cast(own.at, String)
                + _BETWEEN
                + func.coalesce(accounts.c.name, own.actor)
                + _BETWEEN
                + func.coalesce(own.reason, "")
            )
            .select_from(site_decisions.outerjoin(accounts, accounts.c.id == own.actor))
            .where(own.site == stories.c.site, which)
            .order_by(own.number.desc())
            .limit(1)
            .correlate(copies, stories)
            .scalar_subquery()
        )

    return case((is_revoked(), last(of_token)), (is_shut_out(), last(of_origin)))


def to_withdrawal(text: str | None) -> Withdrawal | None:
    """Return what the column says; None for a copy that may write, or whose entry is not in the log."""
    if text is None:
        return None
    at, by, reason = text.split(_BETWEEN)
    return Withdrawal(int(at), by, reason or None)
