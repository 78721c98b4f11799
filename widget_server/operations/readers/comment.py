"""Reader actions on comments: post, edit, delete, report."""

import secrets
import string
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from widget_server.content import text
from widget_server.model.errors import ProblemError, TextRejectedError
from widget_server.model.records import Comment
from widget_server.model.settings import SiteSettings
from widget_server.operations.readers import copies, identify, screen
from widget_server.operations.readers.authorize import Grant
from widget_server.operations.readers.identify import Actor
from widget_server.operations.services import Services
from widget_server.store.writing.actions import Delete, Edit, Post, Report

_ALPHABET = string.digits + string.ascii_letters


@dataclass(frozen=True, slots=True)
class NewComment:
    """A comment as the client sent it. `key` is the idempotency key."""

    key: str
    body: str
    name: str | None
    email: str | None
    website: str | None
    parent: str | None
    reconsider: bool = False
    """Whether the client can show the error `reconsider`."""


async def post(services: Services, grant: Grant, actor: Actor, new: NewComment) -> Comment:
    """Publish a comment, or store it as pending if the site uses pre-moderation or a rule holds it.

    Raises `NotPermittedError` (or the grant's denial), `TextRejectedError` (also if a rule blocks it),
    `ReconsiderError`, `TooLargeError`, `MalformedError`, `RateLimitedError`, `NotFoundError`,
    `StoryClosedError`, `UnavailableError`.
    """
    grant.require("comment")
    settings = grant.site.settings
    name, email, website = _contact_fields(settings, actor, new)
    tree = text.check_body(new.body)
    services.rate_limiters.hit_network("comment", actor.network)
    services.rate_limiters.hit_reader(settings.rate_limit_comment, "comment", actor.reader_id)
    author = actor.claims.author
    copy = await copies.record_used(services, grant, actor.network)
    screened = await screen.screen(
        services,
        grant,
        actor,
        new.body,
        draft=new.key,
        copy=copy.id if copy is not None else None,
        ask=new.reconsider,
    )
    action = Post(
        story=grant.story.id,
        id="".join(secrets.choice(_ALPHABET) for _ in range(12)),
        key=new.key,
        reader=actor.reader_id,
        previous_reader=identify.first_action_reader(services, grant, actor),
        source=new.body,
        text=tree,
        pending=settings.moderation == "pre" and not author,
        reactions=settings.reaction_keys(),
        at=services.now_ms(),
        parent=new.parent,
        name=name,
        vouched=actor.claims.name is not None,
        email=email,
        website=website,
        role="author" if author else None,
        copy=copy.id if copy is not None else None,
        lang=grant.lang,
        licence=settings.comment_licence,
        hits=screened.hits,
        refusal=screened.refusal,
    )
    return await _submit(services, grant, action, new.key, screened)


async def edit(services: Services, grant: Grant, actor: Actor, comment: str, body: str) -> Comment:
    """Replace the text of the reader's own comment within the edit window.

    Raises the errors of `post`, and `EditWindowOverError`.
    """
    grant.require("comment")
    settings = grant.site.settings
    tree = text.check_body(body)
    services.rate_limiters.hit_network("comment", actor.network)
    services.rate_limiters.hit_reader(settings.rate_limit_comment, "edit", actor.reader_id)
    screened = await screen.screen(services, grant, actor, body, draft=comment, comment=comment)
    action = Edit(
        story=grant.story.id,
        comment=comment,
        reader=actor.reader_id,
        source=body,
        text=tree,
        window=settings.edit_window * 1000,
        moderated=settings.moderation == "pre" and not actor.claims.author,
        at=services.now_ms(),
        hits=screened.hits,
        refusal=screened.refusal,
    )
    return await _submit(services, grant, action, comment, screened)


async def _submit(
    services: Services, grant: Grant, action: Post | Edit, draft: str, screened: screen.Screening
) -> Comment:
    try:
        stored = await services.writer.submit(action)
    except TextRejectedError:
        await screen.record_blocked(services, screened)
        raise
    screen.remember(services, grant, {draft, stored.id}, screened)
    return stored


async def delete(services: Services, grant: Grant, actor: Actor, comment: str) -> Comment:
    """Delete the reader's own comment within the edit window. A tombstone stays in its place.

    Works also if the token only grants reading by now. Raises `OriginNotAllowedError`,
    `NotFoundError`, `EditWindowOverError`, `UnavailableError`.
    """
    grant.require_origin()
    window = grant.site.settings.edit_window * 1000
    action = Delete(grant.story.id, comment, actor.reader_id, window, services.now_ms())
    return await services.writer.submit(action)


async def report(
    services: Services, grant: Grant, actor: Actor, comment: str, reason: str | None
) -> None:
    """Report a comment to the moderators.

    Raises `NotPermittedError` (or the grant's denial), `RateLimitedError`, `TextRejectedError`,
    `NotFoundError`, `UnavailableError`.
    """
    grant.require("comment")
    if reason is not None:
        text.check_reason(reason)
    services.rate_limiters.hit_network("report", actor.network)
    action = Report(grant.story.id, comment, actor.reader_id, reason, services.now_ms())
    await services.writer.submit(action)


def _contact_fields(
    settings: SiteSettings, actor: Actor, new: NewComment
) -> tuple[str | None, str | None, str | None]:
    """Return name, email and website, checked by the site's settings. A signed name replaces the sent one."""
    with _errors_about("name"):
        name = _contact_field("name", settings.name, new.name, vouched=actor.claims.name)
        if new.name and actor.claims.name is None:
            text.check_unsigned_name(new.name)
    with _errors_about("email"):
        email = _contact_field("email", settings.email, new.email)
        if email is not None:
            text.check_email(email)
    with _errors_about("website"):
        website = _contact_field("website", settings.website, new.website)
        if website is not None:
            text.check_website(website)
    return name, email, website


@contextmanager
def _errors_about(field: str) -> Iterator[None]:
    try:
        yield
    except ProblemError as error:
        error.field = field
        raise


def _contact_field(
    field: str, rule: str, sent: str | None, vouched: str | None = None
) -> str | None:
    if vouched is not None:
        return vouched
    if not sent:
        if rule == "required":
            raise TextRejectedError(f"This site asks for a {field}. Fill it in and send again.")
        return None
    if rule == "off":
        raise TextRejectedError(f"This site does not ask for a {field}. Leave the field out.")
    return sent
