"""A reader's words: post, edit, delete, report."""

import secrets
import string
from dataclasses import dataclass

from widget_server.model.errors import TextRefused
from widget_server.model.records import Comment
from widget_server.model.settings import SiteSettings
from widget_server.operations import copies, readers
from widget_server.operations.admit import Grant
from widget_server.operations.readers import Actor
from widget_server.operations.services import Services
from widget_server.store.deeds import Delete, Edit, Post, Report
from widget_server.trust import text

_ALPHABET = string.digits + string.ascii_letters


@dataclass(frozen=True, slots=True)
class Words:
    """A comment as it was sent. `key` is the client's name for this deed."""

    key: str
    body: str
    name: str | None
    email: str | None
    website: str | None
    parent: str | None


async def post(services: Services, grant: Grant, actor: Actor, words: Words) -> Comment:
    """Publish a comment, or keep it for a moderator where the site asks for that.

    Raises `NotPermitted` (or why the copy only reads), `TextRefused`, `TooLarge`, `Malformed`,
    `RateLimited`, `NotFound`, `StoryClosed`, `Unavailable`.
    """
    grant.require("comment")
    settings = grant.site.settings
    name, email, website = _fields(settings, actor, words)
    tree = text.check_body(words.body)
    services.paces.spend("comment", actor.network)
    services.paces.spend_of(settings.pace_comment, "comment", actor.key)
    author = actor.claims.author
    copy = await copies.used(services, grant, actor.network)
    deed = Post(
        story=grant.story.id,
        id="".join(secrets.choice(_ALPHABET) for _ in range(12)),
        key=words.key,
        reader=actor.key,
        once=readers.once(services, grant, actor),
        source=words.body,
        text=tree,
        pending=settings.moderation == "pre" and not author,
        reactions=settings.reaction_keys(),
        at=services.now_ms(),
        parent=words.parent,
        name=name,
        vouched=actor.claims.name is not None,
        email=email,
        website=website,
        role="author" if author else None,
        copy=copy.id if copy is not None else None,
        lang=grant.lang,
    )
    return await services.writer.submit(deed)


async def edit(services: Services, grant: Grant, actor: Actor, comment: str, body: str) -> Comment:
    """Replace the text of one's own comment within the edit window; raises like `post`."""
    grant.require("comment")
    settings = grant.site.settings
    tree = text.check_body(body)
    services.paces.spend("comment", actor.network)
    services.paces.spend_of(settings.pace_comment, "edit", actor.key)
    deed = Edit(
        story=grant.story.id,
        comment=comment,
        reader=actor.key,
        source=body,
        text=tree,
        window=settings.edit_window * 1000,
        moderated=settings.moderation == "pre" and not actor.claims.author,
        at=services.now_ms(),
    )
    return await services.writer.submit(deed)


async def delete(services: Services, grant: Grant, actor: Actor, comment: str) -> Comment:
    """Take one's own comment back within the edit window: a tombstone stays in its place.

    Also where the token only reads by now. Raises `OriginNotAllowed`, `NotFound`,
    `EditWindowOver`, `Unavailable`.
    """
    grant.require_page()
    window = grant.site.settings.edit_window * 1000
    deed = Delete(grant.story.id, comment, actor.key, window, services.now_ms())
    return await services.writer.submit(deed)


async def report(
    services: Services, grant: Grant, actor: Actor, comment: str, reason: str | None
) -> None:
    """Tell the moderators about a comment. Raises `RateLimited`, `TextRefused`, `NotFound`."""
    grant.require("comment")
    if reason is not None:
        text.check_reason(reason)
    services.paces.spend("report", actor.network)
    deed = Report(grant.story.id, comment, actor.key, reason, services.now_ms())
    await services.writer.submit(deed)


def _fields(
    settings: SiteSettings, actor: Actor, words: Words
) -> tuple[str | None, str | None, str | None]:
    """Name, email and website as the site's rules have them; a vouched reader has a name."""
    name = _field("name", settings.name, words.name, vouched=actor.claims.name)
    email = _field("email", settings.email, words.email)
    website = _field("website", settings.website, words.website)
    if words.name and actor.claims.name is None:
        text.check_unsigned_name(words.name)
    if email is not None:
        text.check_email(email)
    if website is not None:
        text.check_website(website)
    return name, email, website


def _field(what: str, rule: str, sent: str | None, vouched: str | None = None) -> str | None:
    if vouched is not None:
        return vouched
    if not sent:
        if rule == "required":
            raise TextRefused(f"This site asks for a {what}. Fill it in and send again.")
        return None
    if rule == "off":
        raise TextRefused(f"This site does not ask for a {what}. Leave the field out.")
    return sent
