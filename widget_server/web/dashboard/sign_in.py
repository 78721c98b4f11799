"""Sign in by password, passkey or recovery code, and sign out."""

from starlette.responses import RedirectResponse, Response

from widget_server.model.errors import ProblemError
from widget_server.operations.owners import links, sign_in
from widget_server.operations.owners.sign_in import NewSession
from widget_server.protocol.codes import status_of
from widget_server.web.dashboard import cookies
from widget_server.web.dashboard.page import Page, account_page, open_page


@open_page
async def show(page: Page) -> Response:
    """Handle `GET /admin/sign-in`. Without any account, the page says which command to run."""
    if page.signed_in is not None:
        return RedirectResponse(_own_path(page.request.query_params.get("then", "")), 303)
    if not await links.has_owner(page.services):
        return page.render("sign_in/no_account.html")
    return _sign_in_page(page, then=page.request.query_params.get("then", ""))


@open_page
async def submit(page: Page) -> Response:
    """Handle `POST /admin/sign-in`: a password, or a passkey's answer."""
    form = page.form
    try:
        if form.get("passkey"):
            new = await sign_in.sign_in_with_passkey(
                page.services,
                form.get("passkey"),
                network=page.network,
                agent=page.agent,
                remember="remember" in form,
            )
        else:
            new = await sign_in.sign_in(
                page.services,
                form.get("email"),
                form.raw("password"),
                network=page.network,
                agent=page.agent,
                remember="remember" in form,
            )
    except ProblemError as error:
        page.fail(error)
        return _sign_in_page(page, then=form.get("then"), status=status_of(error))
    return _signed_in(page, new)


@open_page
async def show_recovery(page: Page) -> Response:
    """Handle `GET /admin/recover`."""
    return page.render("sign_in/recover.html", email="")


@open_page
async def submit_recovery(page: Page) -> Response:
    """Handle `POST /admin/recover`: a recovery code, which is used up."""
    try:
        new = await sign_in.sign_in_with_code(
            page.services,
            page.form.get("email"),
            page.form.get("code"),
            network=page.network,
            agent=page.agent,
        )
    except ProblemError as error:
        page.fail(error)
        return page.render("sign_in/recover.html", status_of(error), email=page.form.get("email"))
    response = page.redirect("/admin/account", "recovered")
    cookies.set_session(page.request, response, new)
    return response


@account_page
async def sign_out(page: Page) -> Response:
    """Handle `POST /admin/sign-out`."""
    await sign_in.sign_out(page.services, page.person)
    response = page.redirect("/admin/sign-in", "signed_out")
    cookies.delete(page.request, response, "session", "ticket")
    return response


def _sign_in_page(page: Page, *, then: str, status: int = 0) -> Response:
    options = page.services.people.passkeys.sign_in_options(page.services.clock())
    kept = [
        (name.removeprefix("kept."), value)
        for name, value in page.form.fields
        if name.startswith("kept.")
    ]
    return page.render(
        "sign_in/sign_in.html",
        status,
        options=options,
        then=then,
        kept=kept,
        email=page.form.get("email"),
    )


def _signed_in(page: Page, new: NewSession) -> Response:
    """Return the way on: to the page that was asked for, or to the form that was being sent."""
    form = page.form
    kept = [
        (name.removeprefix("kept."), value)
        for name, value in form.fields
        if name.startswith("kept.")
    ]
    path = _own_path(form.get("then"))
    response: Response
    if "resend" in form:
        response = page.render("sign_in/resend.html", then=path, kept=kept)
    else:
        response = RedirectResponse(path, 303)
    cookies.set_session(page.request, response, new)
    return response


def _own_path(path: str) -> str:
    """Return a path of the dashboard, never of another site."""
    is_own = path == "/admin" or path.startswith("/admin/")
    return path if is_own and path.isprintable() and "\\" not in path else "/admin"
