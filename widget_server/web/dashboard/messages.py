"""Pages of the dashboard that only say something: errors and refusals."""

from starlette.requests import Request
from starlette.responses import HTMLResponse

from widget_server.model.errors import ProblemError
from widget_server.web.dashboard.rendering import templates
from widget_server.web.dashboard.texts import language_of


def message_page(
    request: Request, status: int, key: str, detail: str = "", back: str = "/admin"
) -> HTMLResponse:
    """Return a page with the texts `m_KEY` and `m_KEY_more`, and a way back.

    `detail` is an error's own sentence; it replaces the second text unless it is the general one.
    """
    t = language_of(request, None)
    general = {error.detail for error in ProblemError.__subclasses__()}
    more = t.error(detail) if detail and detail not in general else t(f"m_{key}_more")
    html = templates.get_template("dashboard/messages/message.html").render(
        {"t": t, "title": t(f"m_{key}"), "more": more, "back": back}
    )
    return HTMLResponse(html, status)
