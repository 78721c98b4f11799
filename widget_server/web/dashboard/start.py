"""From a one-time link to the first widget: account, site, snippet. Invitations begin the same way."""

from urllib.parse import urlsplit

from starlette.responses import Response

from widget_server.model.errors import NotFoundError, ProblemError
from widget_server.operations.owners import first_site, links
from widget_server.operations.owners.people import actor_of_server
from widget_server.operations.owners.sites import get_site
from widget_server.web.dashboard import cookies
from widget_server.web.dashboard.page import Page, account_page, open_page, site_page


@open_page
async def show_link(page: Page) -> Response:
    """Handle `GET /admin/link/…`: a button. Nothing is used up: previews and scanners may look."""
    link = await links.find_link(page.services, page.request.path_params["secret"])
    site = await get_site(page.services, link.site) if link.site else None
    return page.render("start/link.html", link=link, site=site, until=link.until)


@open_page
async def press_link(page: Page) -> Response:
    """Handle `POST /admin/link/…`: use the link up."""
    pressed = await links.press_link(
        page.services, page.request.path_params["secret"], agent=page.agent
    )
    if isinstance(pressed, str):
        response = page.redirect("/admin/welcome")
        cookies.set_ticket(page.request, response, pressed)
    else:
        response = page.redirect("/admin/account", "set_password")
        cookies.set_session(page.request, response, pressed)
    return response


@open_page
async def show_welcome(page: Page) -> Response:
    """Handle `GET /admin/welcome`: make an account, or accept as the person who is signed in."""
    return await _welcome(page)


@open_page
async def submit_welcome(page: Page) -> Response:
    """Handle `POST /admin/welcome`."""
    secret, form = cookies.ticket(page.request) or "", page.form
    try:
        if page.signed_in is not None and "join" in form:
            granted = await links.join(page.services, secret, page.signed_in.account)
            response = page.redirect(f"/admin/sites/{granted.site}" if granted.site else "/admin")
            cookies.delete(page.request, response, "ticket")
            return response
        granted = await links.find_ticket(page.services, secret)
        new = await links.create_account(
            page.services,
            secret,
            form.get("name"),
            form.get("email"),
            form.raw("password"),
            agent=page.agent,
        )
    except NotFoundError:
        raise
    except ProblemError as error:
        page.fail(error)
        return await _welcome(page)
    response = page.redirect(f"/admin/sites/{granted.site}/home" if granted.site else "/admin")
    cookies.set_session(page.request, response, new)
    cookies.delete(page.request, response, "ticket")
    return response


async def _welcome(page: Page) -> Response:
    ticket = await links.find_ticket(page.services, cookies.ticket(page.request) or "")
    site = await get_site(page.services, ticket.site) if ticket.site else None
    email = page.form.get("email")
    if not email and ticket.email:
        email = page.services.people.sealer.unseal(ticket.email) or ""
    return page.render("start/account.html", ticket=ticket, site=site, email=email)


@account_page
async def show_new_site(page: Page) -> Response:
    """Handle `GET /admin/new-site`."""
    actor_of_server(page.person)
    return page.render("start/site.html", values={"moderation": "post"})


@account_page
async def submit_new_site(page: Page) -> Response:
    """Handle `POST /admin/new-site`."""
    form, by = page.form, actor_of_server(page.person)
    try:
        site = await first_site.create(
            page.services,
            by,
            form.get("slug"),
            form.get("name"),
            moderation=form.get("moderation"),
        )
    except ProblemError as error:
        page.fail(error)
        return page.render("start/site.html", values=dict(form.fields))
    return page.redirect(f"/admin/sites/{site.slug}/snippet")


@site_page("token")
async def show_snippet(page: Page) -> Response:
    """Handle `GET /admin/sites/{site}/snippet`."""
    return page.render("start/snippet.html", made=None, values={})


@site_page("token")
async def submit_snippet(page: Page) -> Response:
    """Handle `POST /admin/sites/{site}/snippet`: the snippet, and the real widget beside it."""
    form = page.form
    try:
        made = await first_site.make_snippet(
            page.services,
            page.actor,
            page.site,
            url=form.get("url"),
            title=form.get("title"),
            author=form.get("author"),
            form=form.get("form", "html"),
        )
    except ProblemError as error:
        page.fail(error)
        return page.render("start/snippet.html", made=None, values=dict(form.fields))
    host = urlsplit(form.get("url")).netloc
    return page.render("start/snippet.html", made=made, values=dict(form.fields), host=host)
