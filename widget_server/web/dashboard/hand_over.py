"""Hand a case over to another person of the site, and take it back."""

from starlette.responses import Response

from widget_server.model.errors import (
    CaseClosedError,
    MalformedError,
    NotFoundError,
    NotPermittedError,
    ProblemError,
)
from widget_server.operations.moderation import hand_over
from widget_server.protocol.codes import status_of
from widget_server.web.dashboard.decisions import (
    HANDED,
    back_of,
    closed_meanwhile,
    comment_view,
    told,
    whole_number,
)
from widget_server.web.dashboard.page import Page, site_page


@site_page("hand_over")
async def submit(page: Page) -> Response:
    """Handle `POST …/comments/{comment}/hand-over`."""
    case = _case(page)
    to, note = page.form.get("to"), page.form.get("note")
    comment = page.request.path_params["comment"]
    try:
        await hand_over.hand_over(
            page.services, page.actor, page.site, case, to, note, comment=comment
        )
    except CaseClosedError as closed:
        return await closed_meanwhile(page, closed)
    except (NotFoundError, NotPermittedError):
        raise
    except ProblemError as error:
        page.fail(error)
        return await comment_view(page, status=status_of(error), step="hand_over")
    return told(page, back_of(page, page.path("queue")), "hand_over", f"{HANDED}{case}")


@site_page("hand_over")
async def take_back(page: Page) -> Response:
    """Handle `POST …/queue/take-back`: the case belongs to all again."""
    await hand_over.take_back_case(page.services, page.actor, page.site, _case(page))
    return told(page, back_of(page, page.path("queue")), "take_back_case", None)


def _case(page: Page) -> int:
    case = whole_number(page.form.get("case"))
    if case is None:
        raise MalformedError("Open the form from the queue.")
    return case
