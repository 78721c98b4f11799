"""The query for the names of what entries of the log are about."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import String, cast, func, literal, select, union_all

from widget_server.model.records import CommentState
from widget_server.store.schema import comments, decisions, rules, site_decisions, stories, tokens
from widget_server.store.schema_people import accounts, api_keys

FIRST_CHARACTERS = 200
"""Characters of a comment that its first words are taken from."""


def select_names(
    site: str,
    actors: Collection[str],
    writers: Collection[str],
    codes: Collection[str],
    entries: Collection[str],
    targets: Collection[str],
    answered: Collection[str],
) -> Any:
    """Return a query for `kind`, `key` and `name`, as `OwnerComments.names` describes them."""
    people, own = {*actors, *targets}, stories.c.site == site
    public = comments.c.state == CommentState.PUBLISHED.value
    is_token = (tokens.c.site == site) & tokens.c.jti.in_(targets)
    story_name = func.coalesce(stories.c.title, stories.c.key)
    parts = (
        ("actor", accounts.c.id, accounts.c.name, accounts.c.id.in_(people)),
        (
            "actor",
            api_keys.c.id,
            api_keys.c.label,
            (api_keys.c.site == site) & api_keys.c.id.in_(people),
        ),
        ("actor", rules.c.id, rules.c.name, (rules.c.site == site) & rules.c.id.in_(people)),
        ("comment", comments.c.id, comments.c.name, comments.c.id.in_(writers)),
        (
            "words",
            comments.c.id,
            func.substr(comments.c.source, 1, FIRST_CHARACTERS),
            comments.c.id.in_(writers) & comments.c.name.is_(None) & public,
        ),
        ("story", stories.c.code, story_name, own & stories.c.code.in_({*codes, *targets})),
        ("token", tokens.c.jti, tokens.c.label, is_token),
        (
            "story of token",
            tokens.c.jti,
            story_name,
            is_token & (stories.c.site == tokens.c.site) & (stories.c.key == tokens.c.story),
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
        (
            "answered",
            decisions.c.id,
            decisions.c.verb,
            (decisions.c.site == site) & decisions.c.id.in_(answered),
        ),
        (
            "answered",
            site_decisions.c.id,
            site_decisions.c.verb,
            (site_decisions.c.site == site) & site_decisions.c.id.in_(answered),
        ),
    )
    queries = [
        select(literal(kind).label("kind"), cast(key, String).label("key"), name.label("name"))
        .where(where)
        .where(name.is_not(None))
        for kind, key, name, where in parts
    ]
    return union_all(*queries)
