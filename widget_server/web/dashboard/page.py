"""What every page of the dashboard gets: who asks, the site, the texts; and how it answers.

A handler takes a `Page` and returns a response. Three decorators make it an endpoint: `open_page` for
pages without a session, `account_page` for the person's own pages, `site_page(verb)` for pages of a site.
"""

import functools
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from widget_server.auth.permissions import STRONG_VERBS, allowed, require
from widget_server.model.actors import Actor
from widget_server.model.errors import MalformedError, NotFoundError, ProblemError
from widget_server.model.people import Membership, SignedIn
from widget_server.operations.owners import people, sign_in
from widget_server.operations.services import Services
from widget_server.protocol.codes import status_of
from widget_server.transport import admission
from widget_server.transport.settings import LIST_PATHS
from widget_server.web.conditional import etag_matches
from widget_server.web.dashboard import cookies, navigation, times
from widget_server.web.dashboard.forms import Form, read_form
from widget_server.web.dashboard.rendering import templates
from widget_server.web.dashboard.security import Address
from widget_server.web.dashboard.texts import Translate, language_of
from widget_server.web.dashboard.waiting import WaitingCounts

Handler = Callable[["Page"], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(slots=True)
class Page:
    """One request to the dashboard."""

    request: Request
    services: Services
    t: Translate
    signed_in: SignedIn | None
    form: Form
    """The fields of a POST, else empty."""
    membership: Membership | None = None
    who: Actor | None = None
    waits: int = 0
    """How many comments of the site wait for a person."""
    errors: dict[str, str] = field(default_factory=dict)
    """What is wrong with the form, by field; "" for the whole form. Templates show it."""

    @property
    def actor(self) -> Actor:
        """Who asks, for operations. Only on pages of a site."""
        if self.who is None:
            raise LookupError("This page has no site.")
        return self.who

    @property
    def site(self) -> str:
        """Slug of the page's site."""
        return self.member.site

    @property
    def member(self) -> Membership:
        """The person's role on the page's site. Only on pages of a site."""
        if self.membership is None:
            raise LookupError("This page has no site.")
        return self.membership

    @property
    def person(self) -> SignedIn:
        """The session and its account. Not on pages without a session."""
        if self.signed_in is None:
            raise LookupError("Nobody is signed in.")
        return self.signed_in

    @property
    def network(self) -> str:
        """The key of the caller's network for today."""
        return self.services.network_key(admission.client_address(self.request.scope))

    @property
    def agent(self) -> str:
        """Browser and system in words."""
        return cookies.describe_agent(self.request.headers.get("user-agent", ""))

    @property
    def is_fragment(self) -> bool:
        """Whether htmx asks for a part of the page."""
        return self.request.headers.get("hx-request") == "true"

    def may(self, verb: str) -> bool:
        """Return whether the person may use the verb on the page's site."""
        return self.who is not None and allowed(self.who, verb, self.site)

    def path(self, place: str = "") -> str:
        """Return the path of a page of this site, such as `people`."""
        return f"/admin/sites/{self.site}" + (f"/{place}" if place else "")

    def fail(self, error: ProblemError) -> None:
        """Note an error for the template, at its field."""
        self.errors[error.field or ""] = self.t.error(error.detail)

    def render(self, template: str, status: int = 0, **content: Any) -> HTMLResponse:
        """Return a template of `templates/dashboard/`. Status 422 if the page has errors."""
        html = templates.get_template(f"dashboard/{template}").render(
            {"t": self.t, "page": self, "time": self.clock()} | self._frame() | content
        )
        return HTMLResponse(html, status or (422 if self.errors else 200))

    def poll(self, template: str, **content: Any) -> Response:
        """Return a fragment for which the page asks again and again: 304 if the browser has it already.

        Browsers keep it and ask whether it changed. It must not contain personal data.
        """
        response = self.render(template, 200, **content)
        tag = f'"{hashlib.sha256(response.body).hexdigest()[:16]}"'
        headers = {"Cache-Control": "private, no-cache", "ETag": tag}
        if etag_matches(self.request.headers.get("if-none-match", ""), tag):
            return Response(None, 304, headers)
        response.headers.update(headers)
        return response

    def clock(self) -> times.Clock:
        """Return what writes times as seen now."""
        return times.Clock(self.t, self.services.now_ms())

    @property
    def wants_json(self) -> bool:
        """Whether a script of the page asks, and not a form."""
        return self.request.headers.get("accept", "") == "application/json"

    def redirect(self, path: str, done: str = "") -> Response:
        """Return a redirect after a POST. The next page shows the text `done_…`."""
        return RedirectResponse(path + (f"?{urlencode({'done': done})}" if done else ""), 303)

    def _frame(self) -> dict[str, Any]:
        """Return what `base.html` needs. Pages without a site show the first site's navigation."""
        key = f"done_{self.request.query_params.get('done', '')}"
        shown, who = self.membership, self.who
        if shown is None and self.signed_in is not None and self.signed_in.memberships:
            shown = self.signed_in.memberships[0]
            who = people.actor_of_session(self.signed_in, shown.site)
        return {
            "shown_site": shown.site if shown else "",
            "shown_name": shown.site_name if shown else self.t("product"),
            "links": navigation.navigation_for(who, shown.site, self.t.lang)
            if who and shown
            else navigation.Navigation(),
            "here": self.request.url.path,
            "done": self.t(key) if self.t.knows(key) else "",
        }


async def make_page(request: Request) -> Page:
    """Return the request with its session and form. Raises `MalformedError`, `TooLargeError`."""
    services: Services = request.app.state.services
    values = (text for pair in request.query_params.multi_items() for text in pair)
    if any("\0" in text for text in (request.scope["path"], *values)):
        raise MalformedError("This address is damaged.")  # PostgreSQL cannot compare with NUL
    secret = cookies.session_secret(request)
    signed_in = await sign_in.find_session(services, secret) if secret else None
    chosen = signed_in.account.lang if signed_in is not None else None
    # A stranger's body stays small.
    lists = signed_in is not None and LIST_PATHS.match(request.scope["path"].encode()) is not None
    form = await read_form(request, lists=lists) if request.method == "POST" else Form()
    return Page(request, services, language_of(request, chosen), signed_in, form)


def open_page(handler: Handler) -> Endpoint:
    """Make an endpoint of a handler that needs no session."""

    @functools.wraps(handler)
    async def run(request: Request) -> Response:
        return await handler(await make_page(request))

    return run


def account_page(handler: Handler) -> Endpoint:
    """Make an endpoint of a handler that needs a session."""
    return _account_endpoint(handler, strong=False)


def strong_account_page(handler: Handler) -> Endpoint:
    """Make an endpoint of a handler whose POST needs a recent proof of who one is.

    If the last proof is more than ten minutes old, the page asks for it and sends the same form again.
    """
    return _account_endpoint(handler, strong=True)


def _account_endpoint(handler: Handler, *, strong: bool) -> Endpoint:
    @functools.wraps(handler)
    async def run(request: Request) -> Response:
        page = await make_page(request)
        return await ask_first(page, strong=strong) or await handler(page)

    return run


def site_page(verb: str, *, counts: bool = True) -> Callable[[Handler], Endpoint]:
    """Make an endpoint of a handler for `/admin/sites/{site}/…`, for roles that may use the verb.

    A POST with one of `STRONG_VERBS` needs a recent proof, as in `strong_account_page`. Without `counts`,
    the handler itself sets `page.waits`. Operations check their own verbs again.
    """

    def decorate(handler: Handler) -> Endpoint:
        @functools.wraps(handler)
        async def run(request: Request) -> Response:
            page = await make_page(request)
            if page.signed_in is None:
                return _sign_in_first(page)
            enter_site(page, request.path_params["site"])
            require(page.actor, verb, page.site)
            first = await ask_first(page, strong=verb in STRONG_VERBS)
            if first is not None:
                return first
            waiting: WaitingCounts = request.app.state.waiting
            if request.method == "POST":
                # The response may be a page of its own, and the next page shows the new number.
                response = await handler(page)
                waiting.forget(page.site)
                return response
            if counts and not page.is_fragment:
                page.waits = await waiting.of(page.actor, page.site)
            return await handler(page)

        run.verb = verb  # type: ignore[attr-defined]
        return run

    return decorate


def enter_site(page: Page, site: str) -> None:
    """Make `site` the page's site. Raises `NotFoundError` if the person has no role there."""
    page.who = people.actor_of_session(page.person, site)
    found = [one for one in page.person.memberships if one.site == site]
    if not found:
        raise NotFoundError
    page.membership = found[0]


async def ask_first(page: Page, *, strong: bool) -> Response | None:
    """Return the page to show before the handler runs, or None if it may run.

    With `strong` a POST needs a proof that is at most ten minutes old.
    """
    if page.signed_in is None:
        return _sign_in_first(page)
    session = page.signed_in.session
    if not strong or page.request.method != "POST" or sign_in.is_strong(page.services, session):
        return None
    account = page.signed_in.account
    if account.password is None and not await page.services.people.accounts.passkeys_of(account.id):
        return None  # a link is all that this account has: it must be able to set a password
    answer, password = page.form.get("again_passkey"), page.form.raw("again_password")
    if answer or password:
        try:
            page.signed_in = await sign_in.prove_again(
                page.services,
                page.signed_in,
                password=password,
                answer=answer,
                network=page.network,
            )
        except ProblemError as error:
            page.errors["again_password"] = page.t.error(error.detail)
            return ask_again(page, status_of(error))
        return None
    return ask_again(page, 403)


def ask_again(page: Page, status: int) -> Response:
    """Return the page that asks for the password or a passkey, and keeps the form."""
    options = page.services.people.passkeys.sign_in_options(page.services.clock())
    return page.render("sign_in/again.html", status, kept=page.form.kept(), options=options)


def _sign_in_first(page: Page) -> Response:
    """Return the sign-in page, which keeps a form that was sent after the session had ended."""
    path = page.request.url.path
    if page.is_fragment or page.wants_json:
        return Response(None, 401, {"HX-Redirect": "/admin/sign-in"})
    if page.request.method == "POST":
        options = page.services.people.passkeys.sign_in_options(page.services.clock())
        return page.render(
            "sign_in/sign_in.html",
            401,
            options=options,
            then=path,
            kept=page.form.kept(),
            email="",
        )
    query = page.request.url.query
    then = path + (f"?{query}" if query else "")
    return RedirectResponse(f"/admin/sign-in?{urlencode({'then': then}, quote_via=quote)}", 303)


def address_of(request: Request) -> Address:
    """Return where the dashboard is."""
    address: Address = request.app.state.address
    return address
