"""All comments of a site with a tag, in any state."""

from starlette.responses import Response

from widget_server.operations.moderation import discussion, tags
from widget_server.web.dashboard.addresses import place_named, placed
from widget_server.web.dashboard.decisions import told_now
from widget_server.web.dashboard.page import Page, site_page


@site_page("read")
async def show(page: Page) -> Response:
    """Handle `GET …/queue/tagged?tag=…`: the newest first. Without a tag: the site's first one."""
    tags.require_own_people(page.actor)
    query = page.request.query_params
    offered = await tags.tags_of_site(page.services, page.actor, page.site)
    tag = query.get("tag") or next(iter(offered), "")
    shown, older = await discussion.show_tagged(
        page.services, page.actor, page.site, tag, before=place_named(query.get("before", ""))
    )
    return page.render(
        "queue/tagged.html",
        tag=tag,
        offered=offered,
        shown=shown,
        older=placed(older),
        **told_now(page),
    )
