"""Export decisions as statements of reasons, in the fields of the European Union's Transparency Database.

One line for each restriction: a comment that was removed, rejected, held or erased, and a ban of a reader. No
line has a name, an address, an id of a reader or a word of a comment or note.
"""

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import orjson

from widget_server.auth.permissions import require
from widget_server.model.actors import Actor
from widget_server.model.decisions import REASONS
from widget_server.operations.services import Services

COLUMNS = (
    "puid",
    "decision_visibility",
    "end_date_visibility_restriction",
    "decision_account",
    "end_date_account_restriction",
    "decision_ground",
    "illegal_content_legal_ground",
    "illegal_content_explanation",
    "incompatible_content_ground",
    "incompatible_content_explanation",
    "category",
    "content_type",
    "content_date",
    "content_language",
    "territorial_scope",
    "application_date",
    "decision_facts",
    "source_type",
    "automated_detection",
    "automated_decision",
)
CATEGORIES = {
    "attack": "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH",
    "hate": "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH",
    "threat": "STATEMENT_CATEGORY_VIOLENCE",
    "privacy": "STATEMENT_CATEGORY_DATA_PROTECTION_AND_PRIVACY_VIOLATIONS",
    "false": "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH",
    "illegal": "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH",
    "copyright": "STATEMENT_CATEGORY_INTELLECTUAL_PROPERTY_INFRINGEMENTS",
}
"""Categories by reason; all others violate the site's terms."""
OTHER_CATEGORY = "STATEMENT_CATEGORY_OTHER_VIOLATION_TC"
ILLEGAL = frozenset({"illegal", "copyright"})
"""Reasons that say that the law forbids it. The others say that the site's guidelines do."""
EEA = "AT,BE,BG,CY,CZ,DE,DK,EE,ES,FI,FR,GR,HR,HU,IE,IS,IT,LI,LT,LU,LV,MT,NL,NO,PL,PT,RO,SE,SI,SK"
"""Every page changes, wherever it is read."""
FACTS = {
    "remove": "A comment below a story was removed from all pages.",
    "spam": "A comment below a story was removed from all pages as advertising.",
    "reject": "A comment below a story was not published.",
    "hold": "A comment below a story was hidden until a person had looked at it.",
    "erase": "A comment below a story was erased.",
    "ban": "The writer of a comment below a story may not write for some time or for good.",
}


async def export_statements(
    services: Services, by: Actor, site: str, *, since: int = 0, until: int | None = None
) -> AsyncIterator[str]:
    """Yield the parts of a CSV file with all restrictions of a time, the oldest first, without a limit.

    Times are milliseconds since 1970. Raises `NotPermittedError` before the first part.
    """
    require(by, "export_public", site)
    after: tuple[int, str] | None = None
    head: list[tuple[object, ...]] = [COLUMNS]
    while True:
        rows = await services.statements.page(site, since, until, after)
        part = io.StringIO()
        writer = csv.writer(part, lineterminator="\r\n")
        writer.writerows(head)
        writer.writerows(statement(row) for row in rows)
        head = []
        yield part.getvalue()
        if not rows:
            return
        after = rows[-1].at, rows[-1].id


def statement(row: Any) -> tuple[object, ...]:
    """Return the values of `COLUMNS`."""
    at, id_, verb, reason, actor_kind, before, after, created_at, lang, ended_at = row
    is_ban = verb == "ban"
    is_illegal = reason in ILLEGAL
    explanation = REASONS.get(reason or "other", REASONS["other"])
    ended = "" if ended_at is None else _date(ended_at)
    if is_ban and not ended:
        until = (orjson.loads(after).get("ban") or {}).get("until")
        ended = "" if until is None else _date(until)
    by_rule = actor_kind in ("rule", "schedule")
    return (
        id_,
        "" if is_ban else _visibility(verb),
        "" if is_ban else ended,
        "DECISION_ACCOUNT_SUSPENDED" if is_ban else "",
        ended if is_ban else "",
        f"DECISION_GROUND_{'ILLEGAL' if is_illegal else 'INCOMPATIBLE'}_CONTENT",
        "The law of the publisher's country" if is_illegal else "",
        explanation if is_illegal else "",
        "" if is_illegal else "The site's guidelines",
        "" if is_illegal else explanation,
        CATEGORIES.get(reason, OTHER_CATEGORY),
        "CONTENT_TYPE_TEXT",
        _date(created_at),
        _language(lang),
        EEA,
        _date(at),
        FACTS[verb],
        "SOURCE_ARTICLE_16" if '"reported"' in before else "SOURCE_VOLUNTARY",
        "Yes" if by_rule else "No",
        _automated(actor_kind),
    )


def _language(lang: str | None) -> str:
    """Return the language as the database names it: two letters, or nothing for one that has three."""
    primary = (lang or "").partition("-")[0]
    return primary.upper() if len(primary) == 2 else ""


def _visibility(verb: str) -> str:
    hidden = verb in ("hold", "reject")
    return f"DECISION_VISIBILITY_CONTENT_{'DISABLED' if hidden else 'REMOVED'}"


def _automated(actor_kind: str) -> str:
    if actor_kind in ("rule", "schedule"):
        return "AUTOMATED_DECISION_FULLY"
    return f"AUTOMATED_DECISION_{'PARTIALLY' if actor_kind == 'key' else 'NOT_AUTOMATED'}"


def _date(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d")
