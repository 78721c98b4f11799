"""Home of a site, the way to it, and the list of sites."""

from starlette.responses import Response

from widget_server.web.dashboard.page import Page, account_page, open_page, site_page


@open_page
async def enter(page: Page) -> Response:
    """Handle `GET /admin`: to the first site's home, to the first site's form, or to the sign-in."""
    if page.signed_in is None:
        return page.redirect("/admin/sign-in")
    memberships = page.signed_in.memberships
    if memberships:
        return page.redirect(f"/admin/sites/{memberships[0].site}/home")
    if page.signed_in.account.server_owner:
        return page.redirect("/admin/new-site")
    return page.redirect("/admin/sites")


@site_page("read")
async def enter_site(page: Page) -> Response:
    """Handle `GET /admin/sites/{site}`."""
    return page.redirect(page.path("home"))


@account_page
async def show_sites(page: Page) -> Response:
    """Handle `GET /admin/sites`: the sites on which the person has a role."""
    return page.render("home/sites.html")


@site_page("read")
async def show(page: Page) -> Response:
    """Handle `GET /admin/sites/{site}/home`: what to do next."""
    codes = await page.services.people.accounts.unused_codes(page.person.account.id)
    return page.render("home/home.html", codes=codes)
