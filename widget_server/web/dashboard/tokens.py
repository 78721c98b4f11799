"""Tokens: make one with its snippets, list what was made, revoke; and the keys that sign them."""

from dataclasses import asdict
from typing import Any

from starlette.responses import Response

from widget_server.model.claims import PERMISSIONS
from widget_server.model.errors import NotFoundError, OperatorError, ProblemError
from widget_server.operations.owners import sites, token_form, tokens
from widget_server.operations.owners.token_form import MadeToken, TypedToken
from widget_server.operations.owners.tokens import TokenFilter
from widget_server.protocol.snippet import LICENCES
from widget_server.web.dashboard.addresses import kept_fields, query_of
from widget_server.web.dashboard.page import Page, site_page
from widget_server.web.dashboard.previews import fragment

BADGES = {
    "live": "good",
    "unseen": "",
    "expired": "warn",
    "revoked": "bad",
    "retired": "bad",
}
"""Colours of the states of a token."""
SOON_S = 14 * 86_400
"""A token that expires within this time says so."""


@site_page("read_tokens")
async def show(page: Page) -> Response:
    """Handle `GET /admin/sites/{site}/tokens`. `like` fills the form as another token was made."""
    typed = TypedToken(story=page.request.query_params.get("story", ""))
    like = page.request.query_params.get("like")
    if like:
        found = await token_form.find_token(page.services, page.actor, page.site, like)
        if found is not None:
            typed = token_form.typed_like(found)
    return await _tokens(page, typed)


@site_page("token")
async def make(page: Page) -> Response:
    """Handle `POST …/tokens`: the snippet in every form, shown once, with the real widget beside it."""
    typed = _typed(page)
    made = None
    try:
        made = await token_form.make_token(page.services, page.actor, page.site, typed)
    except ProblemError as error:
        page.fail(error)
    return await _tokens(page, typed, made)


@site_page("revoke")
async def revoke(page: Page) -> Response:
    """Handle `POST …/tokens/revoke`: every copy that uses the token becomes read-only."""
    try:
        await sites.revoke(page.services, page.actor, page.site, page.form.get("jti"))
    except NotFoundError:
        raise
    except ProblemError as error:
        page.fail(error)
    except OperatorError as error:
        page.errors[""] = page.t.error(str(error))
    if page.errors:
        return await _tokens(page, TypedToken())
    return page.redirect(page.path("tokens"), "token_revoked")


@site_page("read_tokens")
async def show_keys(page: Page) -> Response:
    """Handle `GET …/tokens/keys`: the generations of the site's key."""
    return await _keys(page)


@site_page("rotate")
async def rotate(page: Page) -> Response:
    """Handle `POST …/tokens/keys/rotate`: new tokens are signed with a new key, older ones stay valid."""
    await tokens.rotate(page.services, page.actor, page.site)
    return page.redirect(page.path("tokens/keys"), "key_rotated")


@site_page("rotate")
async def show_widget_key(page: Page) -> Response:
    """Handle `POST …/tokens/keys/widget-key`: the key that signs widget tokens and nothing else."""
    return await _keys(page, key=await sites.widget_key(page.services, page.actor, page.site))


@site_page("retire")
async def retire(page: Page) -> Response:
    """Handle `POST …/tokens/keys/retire`: tokens of older keys stop, as the page named them."""
    stop = await tokens.what_would_stop(page.services, page.actor, page.site)
    if "know" not in page.form:
        page.errors["know"] = page.t("retire_tick")
    elif page.form.get("seen") != _seen(stop):
        page.errors["know"] = page.t("retire_changed")
    if page.errors:
        return await _keys(page, opened=True)
    await tokens.retire(page.services, page.actor, page.site)
    return page.redirect(page.path("tokens/keys"), "key_retired")


def _seen(stop: tokens.Retirement) -> str:
    """Return what the page said before the button: which generation stays, and how much stops."""
    return f"{stop.generation}.{stop.total}.{stop.unknown}"


async def _keys(page: Page, *, opened: bool = False, key: str = "") -> Response:
    keys = await tokens.list_keys(page.services, page.actor, page.site)
    stop = None
    if (opened or "retire" in page.request.query_params) and page.may("retire"):
        stop = await tokens.what_would_stop(page.services, page.actor, page.site)
    return page.render(
        "tokens/keys.html",
        keys=keys,
        stop=stop,
        seen=_seen(stop) if stop is not None else "",
        widget_key=key,
        server=page.services.server_origin,
    )


def _typed(page: Page) -> TypedToken:
    form = page.form
    return TypedToken(
        story=form.get("story"),
        url=form.get("url"),
        title=" ".join(form.get("title").split()),
        author=" ".join(form.get("author").split()),
        licence=form.get("licence", "CC-BY-4.0"),
        origins=form.get("origins"),
        can=tuple(form.all("can")),
        label=" ".join(form.get("label").split()),
        lang=form.get("lang"),
        changes=" ".join(form.get("changes").split()),
        expires=form.get("expires", "never"),
        date=form.get("date"),
        listed="listed" in form,
    )


async def _tokens(page: Page, typed: TypedToken, made: MadeToken | None = None) -> Response:
    query = page.request.query_params
    status: Any = query.get("status")
    wanted = TokenFilter(
        words=query.get("q", "").strip()[:200],
        status=status if status in tokens.TOKEN_STATUSES else None,
        elsewhere=True if query.get("elsewhere") else None,
    )
    found = await tokens.list_tokens(
        page.services, page.actor, page.site, wanted, after=query.get("after") or None
    )
    choices = await token_form.offered_stories(page.services, page.actor, page.site)
    opened = query.get("revoke") if page.may("revoke") else None
    seen = []
    if opened:
        seen = await token_form.seen_on(page.services, page.actor, page.site, opened)
    return page.render(
        "tokens/tokens.html",
        typed=typed,
        values=asdict(typed),
        made=made,
        shown=fragment(can=made.claims.can) if made is not None else "",
        found=found,
        wanted=wanted,
        statuses=tokens.TOKEN_STATUSES,
        badges=BADGES,
        stories=choices,
        licences=[(key, name) for key, (name, _) in LICENCES.items()],
        rights=PERMISSIONS,
        forms=token_form.FORMS,
        opened=opened,
        seen=seen,
        soon=int(page.services.clock()) + SOON_S,
        url=lambda **changes: query_of(page, **changes),
        kept=kept_fields(page, "q"),
    )
