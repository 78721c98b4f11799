"""The person's own account: name, password, passkeys, recovery codes, sessions."""

from dataclasses import replace

import orjson
from starlette.responses import Response

from widget_server.model.errors import ProblemError
from widget_server.model.queue_keys import DEFAULT_KEYS, OFFERED, QueueKeys, keys_of, sign_of
from widget_server.operations.owners import credentials, people, sign_in
from widget_server.web.dashboard.page import Page, account_page, strong_account_page
from widget_server.web.pages.translate import LOCALES

THEMES = ("", "light", "dark")


@account_page
async def show(page: Page) -> Response:
    """Handle `GET /admin/account`."""
    return await _account(page)


@account_page
async def save_profile(page: Page) -> Response:
    """Handle `POST /admin/account/profile`: name, address, language, theme."""
    form, account = page.form, page.person.account
    lang, theme = form.get("lang"), form.get("theme")
    try:
        await people.change_profile(
            page.services,
            account,
            name=form.get("name"),
            email=form.get("email"),
            lang=lang if lang in LOCALES else None,
            theme=theme if theme in THEMES[1:] else None,
        )
    except ProblemError as error:
        page.fail(error)
        return await _account(page)
    return page.redirect("/admin/account", "saved")


@account_page
async def save_keys(page: Page) -> Response:
    """Handle `POST /admin/account/keys`: the keys of the queue, or with `switch` only whether they act."""
    form, account = page.form, page.person.account
    switch = form.get("switch")
    known = keys_of(account.keys)
    if switch:
        await people.set_queue_keys(page.services, account, replace(known, on=switch == "on"))
        return Response(status_code=204)
    chosen = {name: form.get(name) or code for name, code in DEFAULT_KEYS.items()}
    changed = {name: code for name, code in chosen.items() if code != DEFAULT_KEYS[name]}
    keys = QueueKeys(form.get("on") == "1", changed)
    if form.get("usual"):
        keys = QueueKeys(keys.on)
    try:
        await people.set_queue_keys(page.services, account, keys)
    except ProblemError as error:
        page.errors["keys"] = page.t.error(error.detail)
        return await _account(page, keys=keys)
    return page.redirect("/admin/account#keys", "saved")


@strong_account_page
async def save_password(page: Page) -> Response:
    """Handle `POST /admin/account/password`. All other sessions end."""
    try:
        await credentials.set_password(page.services, page.person, page.form.raw("new_password"))
    except ProblemError as error:
        page.errors["new_password"] = page.t.error(error.detail)
        return await _account(page)
    return page.redirect("/admin/account", "password")


@account_page
async def passkey_options(page: Page) -> Response:
    """Handle `GET /admin/account/passkeys`: what the browser needs to make one, as JSON."""
    options = await credentials.passkey_options(page.services, page.person.account)
    return Response(orjson.dumps(options), media_type="application/json")


@strong_account_page
async def add_passkey(page: Page) -> Response:
    """Handle `POST /admin/account/passkeys`: the browser's answer."""
    try:
        await credentials.add_passkey(
            page.services,
            page.person.account,
            page.form.get("answer"),
            page.form.get("label") or page.agent,
        )
    except ProblemError as error:
        page.errors["passkey"] = page.t.error(error.detail)
        return await _account(page)
    return page.redirect("/admin/account", "passkey")


@strong_account_page
async def remove_passkey(page: Page) -> Response:
    """Handle `POST /admin/account/passkeys/remove`."""
    try:
        await credentials.remove_passkey(
            page.services, page.person.account, page.form.get("passkey")
        )
    except ProblemError as error:
        page.errors["passkey"] = page.t.error(error.detail)
        return await _account(page)
    return page.redirect("/admin/account", "passkey_removed")


@strong_account_page
async def make_codes(page: Page) -> Response:
    """Handle `POST /admin/account/codes`: ten new recovery codes, shown once."""
    codes = await credentials.new_recovery_codes(page.services, page.person.account)
    return await _account(page, codes)


@strong_account_page
async def end_session(page: Page) -> Response:
    """Handle `POST /admin/account/sessions/end`."""
    await sign_in.end_session(page.services, page.person, page.form.get("session"))
    return page.redirect("/admin/account", "session_ended")


@strong_account_page
async def end_other_sessions(page: Page) -> Response:
    """Handle `POST /admin/account/sessions/end-others`."""
    await sign_in.end_other_sessions(page.services, page.person)
    return page.redirect("/admin/account", "sessions_ended")


async def _account(
    page: Page, new_codes: list[str] | None = None, keys: QueueKeys | None = None
) -> Response:
    services, account = page.services, page.person.account
    email = services.people.sealer.unseal(account.email) if account.email else ""
    return page.render(
        "account/account.html",
        account=account,
        email=page.form.get("email") or email or "",
        name=page.form.get("name") or account.name,
        passkeys=await services.people.accounts.passkeys_of(account.id),
        sessions=await sign_in.sessions_of(services, account.id),
        unused_codes=await services.people.accounts.unused_codes(account.id),
        new_codes=new_codes,
        themes=THEMES,
        keys=keys or keys_of(account.keys),
        actions=tuple(DEFAULT_KEYS),
        offered=[(code, sign_of(code)) for code in OFFERED],
    )
