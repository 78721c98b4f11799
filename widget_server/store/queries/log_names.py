"""The query for the names of what entries of the log are about."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import String, cast, literal, select, union_all

from widget_server.store.schema import comments, decisions, rules, site_decisions, stories
from widget_server.store.schema_people import accounts, api_keys


def select_names(
    site: str,
    actors: Collection[str],
    writers: Collection[str],
    codes: Collection[str],
    entries: Collection[str],
) -> Any:
    """Return a query for `kind`, `key` and `name`, as `OwnerComments.names` describes them."""
    key_of_site = (api_keys.c.site == site) & api_keys.c.id.in_(actors)
    parts = (
        ("actor", accounts.c.id, accounts.c.name, accounts.c.id.in_(actors)),
        ("actor", api_keys.c.id, api_keys.c.label, key_of_site),
        ("actor", rules.c.id, rules.c.name, (rules.c.site == site) & rules.c.id.in_(actors)),
        ("comment", comments.c.id, comments.c.name, comments.c.id.in_(writers)),
        (
            "story",
            stories.c.code,
            stories.c.title,
            (stories.c.site == site) & stories.c.code.in_(codes),
        ),
        # By story and comment, because there is an index for these.
        (
            "undone",
            decisions.c.undoes,
            decisions.c.id,
            decisions.c.story.in_(select(stories.c.id).where(stories.c.code.in_(codes)))
            & decisions.c.comment.in_([*writers, ""])
            & decisions.c.undoes.in_(entries),
        ),
        (
            "undone",
            site_decisions.c.undoes,
            site_decisions.c.id,
            (site_decisions.c.site == site) & site_decisions.c.undoes.in_(entries),
        ),
    )
    queries = [
        select(literal(kind).label("kind"), cast(key, String).label("key"), name.label("name"))
        .where(where)
        .where(name.is_not(None))
        for kind, key, name, where in parts
    ]
    return union_all(*queries)
