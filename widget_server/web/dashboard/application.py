"""The dashboard: a Starlette application of its own under `/admin`, with every path on one screen."""

import logging
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from widget_server.model.errors import NotFoundError, ProblemError
from widget_server.operations.services import Services
from widget_server.protocol.codes import status_of
from widget_server.web.compressed import MIN_GZIP_BYTES
from widget_server.web.dashboard import (
    account,
    bans,
    batches,
    copies,
    corrections,
    decisions,
    hand_over,
    hints,
    home,
    hours,
    learned,
    local_copies,
    log as log_pages,
    numbers,
    page_check,
    people,
    queue,
    raids,
    rendering,
    report_mutes,
    rules,
    second_look,
    settings,
    sign_in,
    start,
    stories,
    story,
    story_settings,
    story_text,
    tagged,
    ticked,
    tokens,
    translations,
    watch_lists,
)
from widget_server.web.dashboard.messages import message_page
from widget_server.web.dashboard.security import Address, DashboardHeaders
from widget_server.web.dashboard.texts import language_of
from widget_server.web.dashboard.waiting import WaitingCounts

log = logging.getLogger(__name__)

Handler = Callable[[Request], Awaitable[Response]]
SITE = "/admin/sites/{site}"


def dashboard_routes() -> list[Route]:
    """Return all routes of the dashboard."""
    return [
        Route("/", _to_admin),
        Route("/admin", home.enter),
        Route("/admin/static/{hash}/{file}", rendering.static_file),
        Route("/admin/sign-in", sign_in.show),
        _post("/admin/sign-in", sign_in.submit),
        Route("/admin/recover", sign_in.show_recovery),
        _post("/admin/recover", sign_in.submit_recovery),
        _post("/admin/sign-out", sign_in.sign_out),
        Route("/admin/link/{secret}", start.show_link),
        _post("/admin/link/{secret}", start.press_link),
        Route("/admin/welcome", start.show_welcome),
        _post("/admin/welcome", start.submit_welcome),
        Route("/admin/new-site", start.show_new_site),
        _post("/admin/new-site", start.submit_new_site),
        Route("/admin/sites", home.show_sites),
        Route("/admin/account", account.show),
        _post("/admin/account/profile", account.save_profile),
        _post("/admin/account/keys", account.save_keys),
        _post("/admin/account/password", account.save_password),
        Route("/admin/account/passkeys", account.passkey_options),
        _post("/admin/account/passkeys", account.add_passkey),
        _post("/admin/account/passkeys/remove", account.remove_passkey),
        _post("/admin/account/codes", account.make_codes),
        _post("/admin/account/sessions/end", account.end_session),
        _post("/admin/account/sessions/end-others", account.end_other_sessions),
        Route(SITE, home.enter_site),
        Route(f"{SITE}/home", home.show),
        Route(f"{SITE}/queue", queue.show),
        _post(f"{SITE}/queue/take", queue.take),
        _post(f"{SITE}/queue/give-back", queue.give_back),
        _post(f"{SITE}/queue/selected", queue.decide_selected),
        _post(f"{SITE}/queue/take-back", hand_over.take_back),
        Route(f"{SITE}/queue/words/{{comment}}", queue.words),
        _post(f"{SITE}/hints/{{hint}}/accept", hints.accept),
        _post(f"{SITE}/hints/{{hint}}/decline", hints.decline),
        Route(f"{SITE}/queue/watch", watch_lists.show),
        _post(f"{SITE}/queue/watch", watch_lists.add),
        _post(f"{SITE}/queue/watch/{{watch}}/remove", watch_lists.remove),
        Route(f"{SITE}/queue/tagged", tagged.show),
        Route(f"{SITE}/queue/second-look", second_look.show),
        _post(f"{SITE}/queue/second-look", second_look.answer),
        Route(f"{SITE}/queue/batch", batches.show),
        _post(f"{SITE}/queue/batch", batches.start),
        Route(f"{SITE}/queue/batches/{{batch}}", batches.progress),
        _post(f"{SITE}/queue/batches/{{batch}}/undo", batches.undo),
        Route(f"{SITE}/stories", stories.show),
        Route(f"{SITE}/stories/counts", stories.counts),
        Route(f"{SITE}/stories/{{code}}", story.show),
        Route(f"{SITE}/stories/{{code}}/discussion.{{format}}", story.download),
        Route(f"{SITE}/stories/{{code}}/copies", story.show_copies),
        Route(f"{SITE}/stories/{{code}}/count", story.count),
        Route(f"{SITE}/stories/{{code}}/threads/{{comment}}", story.show_thread),
        Route(f"{SITE}/stories/{{code}}/text", story_text.show),
        _post(f"{SITE}/stories/{{code}}/text", story_text.save),
        Route(f"{SITE}/stories/{{code}}/translations", translations.show),
        _post(f"{SITE}/stories/{{code}}/translations", translations.save),
        Route(f"{SITE}/stories/{{code}}/corrections", corrections.show),
        _post(f"{SITE}/stories/{{code}}/corrections", corrections.publish),
        Route(f"{SITE}/stories/{{code}}/settings", story_settings.show),
        _post(f"{SITE}/stories/{{code}}/settings", story_settings.save),
        _post(f"{SITE}/stories/{{code}}/notice", story.set_notice),
        _post(f"{SITE}/stories/{{code}}/close", story.close),
        _post(f"{SITE}/stories/{{code}}/open", story.open_again),
        _post(f"{SITE}/stories/{{code}}/closing", story.set_closing),
        _post(f"{SITE}/stories/{{code}}/hide", local_copies.hide),
        _post(f"{SITE}/stories/{{code}}/show", local_copies.show_again),
        _post(f"{SITE}/stories/{{code}}/wait", local_copies.let_wait),
        Route(f"{SITE}/comments/{{comment}}", decisions.show),
        _post(f"{SITE}/comments/decide", ticked.submit),
        _post(f"{SITE}/comments/{{comment}}/decide", decisions.submit),
        _post(f"{SITE}/comments/{{comment}}/erase", decisions.erase),
        _post(f"{SITE}/comments/{{comment}}/answer", decisions.submit_answer),
        _post(f"{SITE}/comments/{{comment}}/ban", bans.submit),
        _post(f"{SITE}/comments/{{comment}}/mute", report_mutes.submit),
        _post(f"{SITE}/comments/{{comment}}/hand-over", hand_over.submit),
        _post(f"{SITE}/mutes/lift", report_mutes.lift),
        Route(f"{SITE}/raids", raids.show),
        _post(f"{SITE}/raids", raids.switch_on),
        _post(f"{SITE}/raids/end", raids.end),
        Route(f"{SITE}/bans", bans.show),
        _post(f"{SITE}/bans/lift", bans.lift),
        _post(f"{SITE}/undo", decisions.submit_undo),
        Route(f"{SITE}/log", log_pages.show),
        Route(f"{SITE}/log/export", log_pages.export),
        Route(f"{SITE}/log/export-dsa", log_pages.export_statements),
        _post(f"{SITE}/log/export-full", log_pages.export_full),
        _post(f"{SITE}/log/verify", log_pages.verify),
        _post(f"{SITE}/log/take-back", log_pages.take_back),
        Route(f"{SITE}/snippet", start.show_snippet),
        _post(f"{SITE}/snippet", start.submit_snippet),
        Route(f"{SITE}/copies", copies.show),
        Route(f"{SITE}/copies.csv", copies.export),
        _post(f"{SITE}/copies/{{copy}}/revoke", copies.revoke),
        _post(f"{SITE}/copies/{{copy}}/give-back", copies.give_back),
        _post(f"{SITE}/copies/{{copy}}/look", copies.look),
        _post(f"{SITE}/copies/{{copy}}/agree", copies.agree),
        _post(f"{SITE}/copies/{{copy}}/check", page_check.check_copy),
        _post(f"{SITE}/stories/{{code}}/check", page_check.check_address),
        Route(f"{SITE}/tokens", tokens.show),
        _post(f"{SITE}/tokens", tokens.make),
        _post(f"{SITE}/tokens/revoke", tokens.revoke),
        Route(f"{SITE}/tokens/keys", tokens.show_keys),
        _post(f"{SITE}/tokens/keys/rotate", tokens.rotate),
        _post(f"{SITE}/tokens/keys/widget-key", tokens.show_widget_key),
        _post(f"{SITE}/tokens/keys/retire", tokens.retire),
        Route(f"{SITE}/rules", rules.show),
        _post(f"{SITE}/rules", rules.add),
        Route(f"{SITE}/rules/new", rules.show_new),
        _post(f"{SITE}/rules/try", rules.try_typed),
        Route(f"{SITE}/rules/learned", learned.show),
        _post(f"{SITE}/rules/learned", learned.save),
        Route(f"{SITE}/rules/hours", hours.show),
        _post(f"{SITE}/rules/hours", hours.save),
        Route(f"{SITE}/stories/{{code}}/hours", hours.show_story),
        _post(f"{SITE}/stories/{{code}}/hours", hours.save_story),
        Route(f"{SITE}/rules/{{rule}}", rules.show_rule),
        _post(f"{SITE}/rules/{{rule}}", rules.save),
        _post(f"{SITE}/rules/{{rule}}/mode", rules.set_mode),
        _post(f"{SITE}/rules/{{rule}}/remove", rules.remove),
        Route(f"{SITE}/settings", settings.show),
        Route(f"{SITE}/settings/history", settings.history),
        _post(f"{SITE}/settings/take-back", settings.take_back),
        Route(f"{SITE}/settings/{{section}}", settings.show),
        _post(f"{SITE}/settings/{{section}}", settings.save),
        _post(f"{SITE}/settings/{{section}}/preview", settings.preview),
        Route(f"{SITE}/numbers", numbers.show),
        Route(f"{SITE}/numbers.csv", numbers.export),
        Route(f"{SITE}/people", people.show),
        Route(f"{SITE}/people/invite", people.show_invite),
        _post(f"{SITE}/people/invite", people.invite),
        _post(f"{SITE}/people/take-back", people.take_back),
        Route(f"{SITE}/people/{{account}}/role", people.show_role),
        _post(f"{SITE}/people/{{account}}/role", people.change_role),
        _post(f"{SITE}/people/{{account}}/remove", people.remove),
        Route(f"{SITE}/keys/new", people.show_new_key),
        _post(f"{SITE}/keys", people.create_key),
        _post(f"{SITE}/keys/{{key}}/end", people.end_key),
    ]


def create_dashboard(services: Services) -> "Dashboard":
    """Return the dashboard's ASGI application."""
    address = Address(services.people.admin_origin, services.server_origin)
    app = Starlette(
        routes=dashboard_routes(),
        middleware=[
            Middleware(DashboardHeaders, address=address),
            Middleware(GZipMiddleware, minimum_size=MIN_GZIP_BYTES, compresslevel=5),
            Middleware(OwnPagesOnly, address=address),
        ],
        exception_handlers={
            ProblemError: _problem,
            HTTPException: _http_error,
            Exception: _internal_error,
        },
    )
    app.router.redirect_slashes = False
    app.state.services = services
    app.state.address = address
    app.state.waiting = WaitingCounts(services)
    return Dashboard(app, address)


def _post(path: str, handler: Handler) -> Route:
    return Route(path, handler, methods=["POST"])


class Dashboard:
    """The dashboard, and the decision which requests are for it."""

    def __init__(self, app: ASGIApp, address: Address) -> None:
        self._app = app
        self._address = address

    def takes(self, scope: Scope) -> bool:
        """Return whether an HTTP request is for the dashboard, by its path and host."""
        return self._address.takes_all(scope) or self._address.is_here(scope)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        await self._app(scope, receive, send)


class OwnPagesOnly:
    """Middleware: refuse plain HTTP from elsewhere, and changes that no page of the dashboard asked for."""

    def __init__(self, app: ASGIApp, address: Address) -> None:
        self._app = app
        self._address = address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is allowed."""
        refusal = None
        if scope["type"] == "http":
            refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await message_page(Request(scope), 403, refusal)(scope, receive, send)

    def _refusal(self, scope: Scope) -> str | None:
        if not self._address.is_safe_transport(scope):
            return "insecure"
        if scope["method"] in {"GET", "HEAD"} or self._address.comes_from_own_page(scope):
            return None
        return "other_page"


async def _to_admin(_request: Request) -> Response:
    return RedirectResponse("/admin", 303)


async def _problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, ProblemError):
        raise error
    wants_json = request.headers.get("accept", "") == "application/json"
    if isinstance(error, NotFoundError) and not wants_json:
        return message_page(request, 404, "not_found", error.detail)
    if wants_json:
        said = language_of(request, None).error(error.detail)
        return JSONResponse({"error": said}, status_of(error))
    key = {403: "not_permitted", 429: "too_fast", 503: "unavailable"}.get(status_of(error), "wrong")
    response = message_page(request, status_of(error), key, error.detail)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(int(error.retry_after) or 1)
    return response


async def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return message_page(request, status, "not_found" if status in {404, 405} else "wrong")


async def _internal_error(request: Request, _error: Exception) -> Response:
    # The endpoint's name only: the path may contain the secret of a link.
    endpoint = getattr(request.scope.get("endpoint"), "__name__", "none")
    log.error("event=request_failed endpoint=dashboard_%s", endpoint)
    response = message_page(request, 500, "unavailable")
    # Starlette calls this handler outside of all middleware.
    address: Address = request.app.state.address
    response.headers["Content-Security-Policy"] = address.policy()
    response.headers["Cache-Control"] = "no-store"
    return response
