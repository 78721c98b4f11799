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
from widget_server.operations.readers import copies, floods, identify, opening, screen
from widget_server.operations.readers.authorize import Grant
from widget_server.operations.readers.bans import muted_as
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
    proof: str | None = None
    """The solution of a challenge that came with the error `proof_needed`."""
    form: bool = False
    """Whether it comes from a page without scripts, which can do no proof of work."""


async def post(services: Services, grant: Grant, actor: Actor, new: NewComment) -> Comment:
    """Publish a comment, or store it as pending if the site uses pre-moderation or a rule holds it.

    Raises `NotPermittedError` (or the grant's denial), `TextRejectedError` (also if a rule blocks it),
    `ReconsiderError`, `ProofNeededError`, `TooLargeError`, `MalformedError`, `RateLimitedError`, `NotFoundError`,
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
    copy_id = copy.id if copy is not None else None
    sent = floods.Sent(new.body, new.key, copy_id, new.proof, new.form)
    flooding = await floods.meet(services, grant, actor, sent)
    screened = await screen.screen(
        services,
        grant,
        actor,
        new.body,
        draft=new.key,
        copy=copy_id,
        ask=new.reconsider,
        name=name if actor.claims.name is None else None,
        website=website,
    )
    hours = await opening.check(services, grant)
    by_site = grant.ban is not None or (
        (hours.waits or settings.moderation == "pre") and not author
    )
    local = not author and await copies.lets_wait(services, grant, copy)
    action = Post(
        story=grant.story.id,
        id="".join(secrets.choice(_ALPHABET) for _ in range(12)),
        key=new.key,
        reader=actor.reader_id,
        previous_reader=identify.first_action_reader(services, grant, actor),
        source=new.body,
        text=tree,
        pending=by_site or local,
        only_local=local and not by_site,
        reactions=settings.reaction_keys(),
        at=services.now_ms(),
        parent=new.parent,
        name=name,
        vouched=actor.claims.name is not None,
        email=email,
        website=website,
        role="author" if author else None,
        copy=copy_id,
        lang=grant.lang,
        licence=settings.comment_licence,
        trace=await _trace(services, actor) if settings.network_bans else None,
        hits=screened.hits,
        refusal=hours.refusal or screened.refusal,
        most_waiting=hours.most_waiting,
        mark=screened.mark,
        flooding=flooding,
    )
    stored = await _submit(services, action, screened)
    await floods.after(services, grant, flooding, stored)
    await screen.record_sent(services, grant, actor, screened)
    return stored


async def edit(services: Services, grant: Grant, actor: Actor, comment: str, body: str) -> Comment:
    """Replace the text of the reader's own comment within the edit window.

    Raises the errors of `post`, and `EditWindowOverError`.
    """
    grant.require("comment")
    settings = grant.site.settings
    tree = text.check_body(body)
    services.rate_limiters.hit_network("comment", actor.network)
    services.rate_limiters.hit_reader(settings.rate_limit_comment, "edit", actor.reader_id)
    in_raid = await floods.holds_edit(services, grant, actor, body)
    screened = await screen.screen(services, grant, actor, body, draft=comment, comment=comment)
    hours = await opening.check(services, grant)
    author = actor.claims.author
    by_site = (
        grant.ban is not None
        or in_raid
        or ((hours.waits or settings.moderation == "pre") and not author)
    )
    local = not author and await copies.lets_edit_wait(services, grant, comment)
    action = Edit(
        story=grant.story.id,
        comment=comment,
        reader=actor.reader_id,
        source=body,
        text=tree,
        window=settings.edit_window * 1000,
        moderated=by_site or local,
        only_local=local and not by_site,
        at=services.now_ms(),
        hits=screened.hits,
        refusal=hours.refusal or screened.refusal,
        most_waiting=hours.most_waiting,
        mark=screened.mark,
    )
    return await _submit(services, action, screened)


async def _submit(services: Services, action: Post | Edit, screened: screen.Screening) -> Comment:
    try:
        return await services.writer.submit(action)
    except TextRejectedError:
        await screen.record_blocked(services, screened)
        raise


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
    services: Services,
    grant: Grant,
    actor: Actor,
    comment: str,
    reason: str | None,
    category: str | None = None,
) -> None:
    """Report a comment to the moderators. `category` is a key of `REASONS`.

    Raises `NotPermittedError` (or the grant's denial), `RateLimitedError`, `TextRejectedError`,
    `NotFoundError`, `UnavailableError`.
    """
    grant.require("comment")
    if reason is not None:
        text.check_reason(reason)
    services.rate_limiters.hit_network("report", actor.network)
    settings = grant.site.settings
    traced = await _trace(services, actor) if settings.reports_hide else None
    action = Report(
        grant.story.id,
        comment,
        actor.reader_id,
        reason,
        services.now_ms(),
        category,
        trace=traced,
        hide_from=settings.reports_hide,
        keep=settings.keep_days * 86_400_000,
        # What the site's own people report always counts.
        muted_as=()
        if actor.claims.author
        else muted_as(services, grant.site.slug, actor.reader_id),
    )
    await services.writer.submit(action)


async def _trace(services: Services, actor: Actor) -> tuple[str, int] | None:
    found = await services.tracer.trace(actor.network, services.clock())
    return None if found is None else (found.network, found.day)


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
