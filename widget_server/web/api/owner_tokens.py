"""Widget tokens and signing keys, for programs."""

from datetime import datetime

from widget_server.auth import origins
from widget_server.auth.tokens import story_code
from widget_server.model.claims import PERMISSIONS, Attribution, WidgetClaims
from widget_server.model.errors import TextRejectedError
from widget_server.operations.owners import sites, tokens
from widget_server.operations.owners.credit import credited
from widget_server.operations.readers import authorize
from widget_server.protocol import (
    owner_answers_access as access_answers,
    owner_requests as requests,
)
from widget_server.protocol.serializers import rfc3339
from widget_server.protocol.snippet import snippet
from widget_server.web.api.owner_call import Answer, Call
from widget_server.web.api.owner_records import copy_answer, time_of


async def list_tokens(call: Call) -> Answer:
    """Handle `GET …/tokens`."""
    query: requests.TokensQuery = call.query
    wanted = tokens.TokenFilter(query.q, query.story, query.status, query.elsewhere)
    page = await tokens.list_tokens(
        call.services, call.actor, call.site, wanted, limit=query.limit, after=query.after
    )
    rows = [
        access_answers.TokenAnswer(
            jti=one.jti,
            story=one.story,
            title=one.title,
            label=one.label,
            origins=list(one.origins),
            can=list(one.rights),
            lang=one.lang,
            issued_at=rfc3339(one.iat * 1000),
            expires_at=None if one.exp is None else rfc3339(one.exp * 1000),
            generation=one.generation,
            by=one.by,
            status=one.status,
            copies=one.copies,
            last_used_at=time_of(one.last_used_at),
        )
        for one in page.tokens
    ]
    return Answer(access_answers.TokenList(tokens=rows, total=page.total, next=page.next))


async def mint_token(call: Call) -> Answer:
    """Handle `POST …/tokens`: the token is in this answer only."""
    body: requests.MintToken = call.body
    claims = WidgetClaims(
        site=call.site,
        story=body.story,
        origins=tuple(map(_origin, body.origins)),
        iat=int(call.services.clock()),
        jti=body.jti or "",
        exp=_expiry(body.expires_at, call.services.clock()),
        can=tuple(right for right in PERMISSIONS if right in body.can),
        attribution=Attribution(body.url, body.title, body.author, body.publisher, body.license),
        changes=body.changes,
        label=body.label,
        lang=body.lang,
        listed=body.listed,
    )
    minted = await tokens.mint(call.services, call.actor, claims)
    # Registered now, so that the snippet's link works before the first reader opens the page.
    await authorize.register_story(call.services, minted.token)
    code = story_code(call.site, body.story)
    shown = await credited(call.services, claims)
    story = await call.services.cache.story(code)
    corrections = () if story is None else story.corrections
    snippets = {
        form: snippet(
            call.services.server_origin, code, minted.token, shown, form, corrections=corrections
        )
        for form in body.forms
    }
    content = access_answers.Minted(
        jti=minted.jti, code=code, token=minted.token, snippets=snippets
    )
    return Answer(content, once={"token": None, "snippets": None})


def _origin(text: str) -> str:
    try:
        return origins.parse_rule(text.rstrip("/"))
    except ValueError as error:
        raise TextRejectedError.in_field("origins", f"origins: {error}") from None


def _expiry(at: datetime | None, now: float) -> int | None:
    if at is None:
        return None
    if at.timestamp() <= now:
        raise TextRejectedError.in_field(
            "expires_at", "expires_at: give a time in the future, or leave it out."
        )
    return int(at.timestamp())


async def revoke_token(call: Call) -> Answer:
    """Handle `DELETE …/tokens/{jti}`, also for a token that no page has shown yet."""
    query: requests.RevokeTokenQuery = call.query
    done = await sites.revoke(
        call.services,
        call.actor,
        call.site,
        call.path["jti"],
        shut=query.shut_out is not None,
        everywhere=query.shut_out == "site",
    )
    return Answer(
        access_answers.RevokedToken(
            jti=done.jti,
            copies=list(dict.fromkeys(copy.origin for copy in done.seen)),
            shut_out=query.shut_out,
            before=done.before,
        )
    )


async def list_signing_keys(call: Call) -> Answer:
    """Handle `GET …/tokens/keys`. The keys themselves are never sent."""
    return Answer(await _signing_keys(call))


async def rotate_signing_key(call: Call) -> Answer:
    """Handle `POST …/tokens/keys:rotate`."""
    call.require("read_tokens")
    await tokens.rotate(call.services, call.actor, call.site)
    return Answer(await _signing_keys(call))


async def retire_signing_keys(call: Call) -> Answer:
    """Handle `POST …/tokens/keys:retire`."""
    body: requests.RetireKeys = call.body
    call.require("read_tokens")
    stops = await _stops(call)
    if not body.dry_run:
        await tokens.retire(call.services, call.actor, call.site)
    return Answer(access_answers.Retired(dry_run=body.dry_run, stops=stops))


async def _signing_keys(call: Call) -> access_answers.SigningKeys:
    found = await tokens.list_keys(call.services, call.actor, call.site)
    generations = [
        access_answers.Generation(
            number=one.number,
            signs=one.signs,
            accepted=one.accepted,
            tokens=one.tokens,
            copies=one.copies,
        )
        for one in found
    ]
    return access_answers.SigningKeys(generations=generations, would_stop=await _stops(call))


async def _stops(call: Call) -> access_answers.Stops:
    found = await tokens.what_would_stop(call.services, call.actor, call.site)
    return access_answers.Stops(
        generation=found.generation,
        copies=[copy_answer(one) for one in found.copies],
        total=found.total,
        unknown=found.unknown,
    )
