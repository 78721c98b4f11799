"""Forms of the server's own pages: only these pages may send them."""

from starlette.requests import Request

from widget_server.model.errors import OriginNotAllowedError
from widget_server.operations.services import Services
from widget_server.transport import admission
from widget_server.web.pages.translate import Translator


def require_own_page(request: Request, services: Services, t: Translator) -> None:
    """Raise `OriginNotAllowedError` unless a page of this server sent the form."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    if site != "same-origin" or admission.get_origin(request.scope) != services.server_origin:
        raise OriginNotAllowedError(t("foreign"))
