"""Feeds of the comments that a site features: of a story, and of all its stories."""

from dataclasses import replace
from uuid import NAMESPACE_URL, uuid5

from starlette.requests import Request
from starlette.responses import Response

from widget_server.model.records import Tally
from widget_server.operations.readers import open_data
from widget_server.protocol import serializers
from widget_server.web.api.stories import get_services, story_code_param
from widget_server.web.conditional import VersionedBodyCache
from widget_server.web.pages import feeds
from widget_server.web.pages.feed_documents import Feed, write


async def story_featured(request: Request) -> Response:
    """Handle `GET /s/{code}/featured.{format}`: the comments of a story that were featured last."""
    services, code, kind = (
        get_services(request),
        story_code_param(request),
        feeds.format_of(request),
    )
    found = await open_data.recent_story(services, code)
    story = replace(found.story, tally=Tally(0, {}), tallies=0)
    version = (found.epoch, story, found.site.name)
    cache: VersionedBodyCache = request.app.state.feeds
    packed = cache.get((code, "featured", kind), version)
    changed = max(story.changed_at, story.created_at)
    if packed is None:
        latest = await open_data.featured(services, story)
        page = f"{services.server_origin}/s/{code}"
        entries, deleted = feeds.entries_of(services.server_origin, latest)
        feed = Feed(
            id=feeds.entry_id(code, "featured"),
            title=f"Featured comments: {story.title or story.key}",
            address=f"{page}/featured.{kind}",
            page=page,
            updated=serializers.rfc3339(changed),
            count=story.count,
            entries=entries,
            deleted=deleted,
        )
        packed = cache.put((code, "featured", kind), version, write(feed, kind))
    return feeds.respond(request, services, packed, kind, changed, found.site)


async def site_featured(request: Request) -> Response:
    """Handle `GET /sites/{site}/featured.{format}`: those of all stories of a site."""
    services, kind = get_services(request), feeds.format_of(request)
    site = await open_data.open_site(services, request.path_params["site"])
    epoch, changed = await open_data.site_changed_at(services, site)
    version: tuple[object, ...] = (epoch, changed, site.name)
    cache: VersionedBodyCache = request.app.state.feeds
    key = ("site", site.slug, "featured", kind)
    packed = cache.get(key, version)
    if packed is None:
        latest = await open_data.featured_of_site(services, site)
        entries, deleted = feeds.entries_of(services.server_origin, latest)
        feed = Feed(
            id=f"urn:uuid:{uuid5(NAMESPACE_URL, f'story-widget:site:{site.slug}:featured')}",
            title=f"Featured comments: {site.name}",
            address=f"{services.server_origin}/sites/{site.slug}/featured.{kind}",
            page=f"{services.server_origin}/",
            updated=serializers.rfc3339(changed),
            entries=entries,
            deleted=deleted,
        )
        # Two changes can have one time.
        if services.now_ms() - changed < feeds.SETTLED_MS:
            version = (epoch, -1, site.name)
        packed = cache.put(key, version, write(feed, kind))
    return feeds.respond(request, services, packed, kind, changed, site)
